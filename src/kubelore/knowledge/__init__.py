"""The knowledge base: documents cut into passages, and the few that matter for a question.

`ingest` reads documents of many forms and cuts them; `search` finds passages by words and by meaning;
`embed` turns text into vectors; `lessons` hands what was found to the teacher. Everything kept is redacted.

Never reads a cluster and never follows what a document says. Start at `search`.
"""
