"""Where knowledge and cases are kept: the Protocols `KnowledgeStore` and `CaseStore` over a database.

`sqlite` is the embedded back end: SQL in its own files, numbered migrations for each area, one transaction
for each change. Never decides what is worth keeping or what it means. Start at `sqlite.database`.
"""
