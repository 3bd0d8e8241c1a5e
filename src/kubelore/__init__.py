"""kubelore investigates broken Kubernetes workloads and learns from every investigation.

Start at `cli`, follow `build`, then `agent.loop`, then `protocols`: that is the whole thread of one
investigation. Importing this package does no I/O.
"""

__version__ = "0.1.0"
