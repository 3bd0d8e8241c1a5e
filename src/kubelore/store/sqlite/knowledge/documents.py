"""Documents with their entries and passages: replaced, kept and removed, never by halves.

An identical passage is stored once and belongs to the entries of all documents that have it; it goes with the
last of them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from sqlite3 import Row
from typing import TYPE_CHECKING

from kubelore.errors import StoreError
from kubelore.passages import Document, Passage
from kubelore.store.sqlite.database import Database
from kubelore.store.sqlite.knowledge.vectors import SpaceRow, VectorTable
from kubelore.store.sqlite.knowledge.words import WordIndex
from kubelore.store.sqlite.statements import as_json
from kubelore.types import KnowledgeEntry

if TYPE_CHECKING:
    from kubelore.types import Vector


class DocumentTable:
    def __init__(self, database: Database, words: WordIndex, vectors: VectorTable) -> None:
        self._db = database
        self._words = words
        self._vectors = vectors

    def put(self, source: str, number: int, documents: Sequence[Document], embedder: str) -> None:
        owner = self._db.value("source_id", source=source)
        if owner is None:
            raise StoreError(f"{source} was removed meanwhile", hint="add it again")
        batch = _Batch(self._db, self._words, self._vectors.spaces(), embedder)
        for document in documents:
            batch.put(owner, number, document)
        if batch.space is not None:
            self._vectors.write(batch.space, batch.vectors)
        self.drop_orphans(batch.left)

    def entry(self, row: Row) -> KnowledgeEntry:
        """`row` begins with the fields of an entry, in their order."""
        id_, type_, title, content, tags, *rest = row
        source, document, position, url, licence, hash_, version, time = rest[:8]
        return KnowledgeEntry(
            id_, type_, title, content, self.tags(tags), source, document, position, url, licence, hash_,
            version, time,
        )  # fmt: skip

    def tags(self, stored: str) -> tuple[str, ...]:
        if stored == "[]":
            return ()
        try:
            return tuple(map(str, json.loads(stored)))
        except (TypeError, ValueError) as error:
            raise self._db.damaged("the tags of an entry cannot be read") from error

    def remove_documents(self, documents: Sequence[int]) -> int:
        """Returns how many entries went."""
        rows = self._db.rows("entries_of_documents", documents=as_json(documents))
        self.remove_entries(rows)
        self._db.execute("delete_documents", documents=as_json(documents))
        return len(rows)

    def remove_entries(self, rows: Sequence[Row]) -> None:
        """`rows` hold seq and passage."""
        self._db.execute("delete_entries", entries=as_json([row["seq"] for row in rows]))
        self.drop_orphans({row["passage"] for row in rows})

    def drop_orphans(self, passages: Collection[int]) -> None:
        """Passages of these that no entry has any more go, and their numbers become free."""
        gone = [row[0] for row in self._db.rows("orphans", passages=as_json(passages))]
        for passage in gone:
            self._words.remove(passage)
            self._db.execute("delete_passage", passage=passage)
            self._db.execute("free_passage", passage=passage)
        self._vectors.clear(gone)


class _Batch:
    """What one `put` gathers while its documents are written."""

    def __init__(self, database: Database, words: WordIndex, spaces: list[SpaceRow], embedder: str) -> None:
        self._db = database
        self._words = words
        self._spaces = spaces
        self.space = next((space for space in spaces if space.embedder == embedder), None)
        self.vectors: dict[int, Vector] = {}
        self.left: set[int] = set()
        """Passages that lost an entry."""

    def put(self, owner: int, number: int, document: Document) -> None:
        ids = {passage.entry.id for passage in document.passages}
        if len(ids) < len(document.passages):
            raise ValueError(f"two passages of {document.name} have the same id")
        row = self._db.value(
            "put_document", source=owner, name=document.name, hash=document.hash, number=number
        )
        before = {r["seq"]: r["passage"] for r in self._db.rows("entries_of_documents", documents=f"[{row}]")}
        kept = {self._entry(row, passage) for passage in document.passages}
        gone = [seq for seq in before if seq not in kept]
        self._db.execute("delete_entries", entries=as_json(gone))
        self.left.update(before.values())

    def _entry(self, document: int, passage: Passage) -> int:
        entry = passage.entry
        stored = self._stored(passage)
        if stored is None:
            stored = self._new(passage)
        if passage.vector is not None and self.space is not None:
            self.vectors[stored] = passage.vector
        seq: int | None = self._db.value(
            "put_entry", id=entry.id, document=document, position=entry.position, passage=stored,
            type=entry.type, tags=as_json(entry.tags), url=entry.url, licence=entry.licence,
            version=entry.version, time=entry.time,
        )  # fmt: skip
        if seq is None:
            raise StoreError(f"two documents have an entry with the id {entry.id}")
        self._db.execute("delete_tags", entry=seq)
        self._db.execute_many("put_tag", [{"tag": tag, "entry": seq} for tag in entry.tags])
        return seq

    def _stored(self, passage: Passage) -> int | None:
        """The number of this passage, or of the near duplicate that stands for it."""
        for known in (passage.entry.hash, passage.same_as):
            number: int | None = self._db.value("passage_by_hash", hash=known) if known else None
            if number is not None:
                return number
        return None

    def _new(self, passage: Passage) -> int:
        entry = passage.entry
        number: int = self._db.value(
            "put_passage",
            id=self._db.value("take_free"), hash=entry.hash, title=entry.title, content=entry.content,
        )  # fmt: skip
        self._words.put(number, passage.terms)
        self._db.execute_many("put_near", [{"key": key, "passage": number} for key in passage.near])
        self._db.execute_many("miss", [{"space": space.id, "passage": number} for space in self._spaces])
        return number
