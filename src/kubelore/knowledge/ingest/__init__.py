"""From documents of many forms to passages in the store, and the same again when they change.

`sources` find documents (folders, archives, dumps, lists of issues), `readers` make pages of them, `chunks`
cuts pages into passages, `near` finds those that say the same, `pipeline` redacts, embeds and stores.

Archives are read as streams and never unpacked; no document is followed, run or believed. Never searches.
Start at `pipeline.Ingest`.
"""
