"""From Kubernetes JSON to findings, facts and edges.

`view` answers questions about objects, `registry` holds the table of analyzers (one small function
each), `logs` and `events` turn text into facts by the rules in `logs.yaml` and `events.yaml`,
`settings` gives the facts of one healthy or broken object, `digest` cuts an observation to the lines
that matter. `vocabulary.yaml` is the closed list of fact keys: nothing here may emit another.

Never reads a cluster by itself (it is handed a `View`), never ranks causes (that is `patterns`).
Start at `find.find`.
"""
