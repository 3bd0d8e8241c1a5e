"""The pattern library: curated YAML knowledge of how Kubernetes workloads break.

`library/` holds one file a pattern, `root-causes.tsv` the canonical causes, `model` their schema,
`load` reads and lints them, `question` matches a user's words, `rank` matches evidence. Adding a
pattern is adding a file to `library/` or to the user's own folder; no Python is touched.

Never reads a cluster and never decides a step: it says which cause the evidence supports, and which
observation would tell the first two apart.
"""
