"""The knowledge base in SQLite: `protocols.KnowledgeStore`.

`documents` replaces and removes documents, `words` is the full-text index, `vectors` the embeddings; the SQL
lies beside them. Derived data (index, counts of words) changes in the transaction that changes a passage.

Never analyses, embeds or redacts anything itself. Start at `store`.
"""
