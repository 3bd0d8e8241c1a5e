"""Turns recorded kubectl text into the Kubernetes JSON objects it was printed from, as far as it shows them.

It never runs anything, never guesses a state that the text does not show, never keeps a Secret's values, and
never raises on odd text: what cannot be read is left out and said.

Start at `collected.py` (a `protocols.Cluster` over what was collected so far); `tables.py`, `describe.py` and
`documents.py` read the three forms of answers about objects, `answers.py` the answers about anything else.
"""
