"""The ways a decider can look at a cluster: eight read-only tools behind one registry.

A tool turns a line of arguments into an `Observation`: text for people and models, canonical facts and
edges for patterns, and what it covered. `registry.Toolbox` runs them and is the one place where what
leaves is redacted; `arguments` reads the many ways in which people and models write a target.

Never writes to a cluster, starts a shell, reads a local file or shows the value of a Secret; never
chooses what to look at next (that is `agent`). Start at `registry.Toolbox.run`.
"""
