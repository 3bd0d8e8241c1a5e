"""The knowledge base in one SQLite file: each call of `protocols.KnowledgeStore` as one transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from sqlite3 import Row
from typing import TYPE_CHECKING

from kubelore.errors import StoreCorrupt, StoreError
from kubelore.passages import (
    ANYTHING,
    Document,
    IndexInfo,
    KnowledgeFilter,
    KnowledgeStats,
    PassageText,
    SourceInfo,
    Terms,
)
from kubelore.store.sqlite.database import Database
from kubelore.store.sqlite.knowledge.documents import DocumentTable
from kubelore.store.sqlite.knowledge.health import damage, mend, problems, rebuild
from kubelore.store.sqlite.knowledge.vectors import SpaceRow, VectorTable, numbers
from kubelore.store.sqlite.knowledge.words import BUDGET, WordIndex
from kubelore.store.sqlite.rescue import rescue
from kubelore.store.sqlite.statements import KNOWLEDGE, as_json
from kubelore.types import KnowledgeEntry, KnowledgeHit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kubelore.types import Vector

REMOVED_AT_ONCE = 100
"""Documents in one transaction."""
Where = Mapping[str, str | None]
FIRST = {"source": "", "document": "", "position": -1, "id": ""}
"""Before every entry, in the order of pages."""


class SqliteKnowledge:
    """`protocols.KnowledgeStore` in a SQLite file; opening raises what `Database` raises."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._open(Database(path, KNOWLEDGE, read_only=read_only))

    def _open(self, database: Database) -> None:
        self._db = database
        self._words = WordIndex(self._db)
        self._vectors = VectorTable(self._db)
        self._documents = DocumentTable(self._db, self._words, self._vectors)

    # A pass over a source

    def begin(self, source: str) -> int:
        number: int = self._db.value("begin_pass", source=source)
        return number

    def hashes(self, source: str, documents: Collection[str]) -> Mapping[str, str]:
        rows = self._db.rows("document_hashes", source=source, documents=as_json(documents))
        return {row["name"]: row["hash"] for row in rows}

    def owners(self, hashes: Collection[str]) -> Mapping[str, tuple[str, str]]:
        rows = self._db.rows("owners", hashes=as_json(hashes))
        return {row["hash"]: (row["source"], row["document"]) for row in rows}

    def alike(self, near: Collection[int]) -> Sequence[tuple[PassageText, Sequence[int]]]:
        rows = self._db.rows("alike", keys=as_json(near))
        return [
            (PassageText(row["hash"], row["title"], row["content"]), json.loads(row["keys"])) for row in rows
        ]

    def put(self, source: str, number: int, documents: Sequence[Document], embedder: str = "") -> None:
        with self._db.transaction():
            self._documents.put(source, number, documents, embedder)
            self._vectors.promote()

    def keep(self, source: str, number: int, documents: Collection[str]) -> None:
        self._db.execute("keep_documents", source=source, number=number, documents=as_json(documents))

    def finish(self, source: str, number: int, *, whole: bool = True) -> int:
        gone = 0
        if whole:
            gone, _entries = self._remove("documents_not_in_pass", source=source, number=number)
        with self._db.transaction():
            self._db.execute("end_pass", source=source)
            self._vectors.promote()
        self._words.recount()
        return gone

    def remove_source(self, source: str) -> int:
        _gone, entries = self._remove("documents_of_source", source=source)
        self._db.execute("delete_empty_source", source=source)
        self._words.recount()
        return entries

    def _remove(self, which: str, **values: str | int) -> tuple[int, int]:
        """How many documents and entries went; some at a time, so that other writers have their turn."""
        documents = entries = 0
        while True:
            with self._db.transaction():
                gone = [row[0] for row in self._db.rows(which, limit=REMOVED_AT_ONCE, **values)]
                entries += self._documents.remove_documents(gone)
                self._vectors.promote()
            documents += len(gone)
            if not gone:
                return documents, entries

    def remove_document(self, source: str, document: str) -> int:
        with self._db.transaction():
            found = self._db.value("document_of_source", source=source, document=document)
            entries = self._documents.remove_documents([] if found is None else [found])
            self._vectors.promote()
        return entries

    def remove_entry(self, entry: str) -> bool:
        with self._db.transaction():
            rows = self._db.rows("entry_by_id", id=entry)
            self._documents.remove_entries(rows)
            self._vectors.promote()
        return bool(rows)

    # Reading

    def entries(self, ids: Sequence[str]) -> Sequence[KnowledgeEntry]:
        found = {row["id"]: self._documents.entry(row) for row in self._db.rows("entries", ids=as_json(ids))}
        return [found[entry] for entry in ids if entry in found]

    def page(
        self, where: KnowledgeFilter = ANYTHING, *, limit: int, after: str = ""
    ) -> Sequence[KnowledgeEntry]:
        with self._db.snapshot():
            start = dict(self._db.row("page_start", after=after) or {}) if after else FIRST
            if not start:
                return []
            return [
                self._documents.entry(row)
                for row in self._db.rows("page", limit=limit, **start, **_where(where))
            ]

    def sources(self) -> Sequence[SourceInfo]:
        return [
            SourceInfo(row["name"], row["documents"], row["entries"], row["updated"])
            for row in self._db.rows("sources")
        ]

    def stats(self) -> KnowledgeStats:
        with self._db.snapshot():
            counts = self._db.rows("counts")[0]
            return KnowledgeStats(
                documents=counts["documents"],
                entries=counts["entries"],
                passages=counts["passages"],
                types={row["type"]: row["entries"] for row in self._db.rows("types")},
                bytes=self._db.bytes(),
            )

    # Searching

    def index(self) -> IndexInfo:
        with self._db.snapshot():
            searched, following = self._vectors.described()
            return IndexInfo(
                passages=self._db.value("passages"),
                analyser=self._db.value("setting", name="analyser") or "",
                space=searched,
                next_space=following,
            )

    def keywords(
        self, groups: Sequence[Sequence[str]], where: KnowledgeFilter = ANYTHING, *, limit: int
    ) -> Sequence[KnowledgeHit]:
        with self._db.snapshot():
            if where == ANYTHING:
                found = self._words.match(groups, limit)
            else:
                few = self._let_through(where, BUDGET + 1) or ""
                if few.count(",") < BUDGET:
                    found = self._words.match_among(groups, few, limit)
                else:
                    found = self._words.match(groups, limit, **_where(where))
            return self._hits(found, where)

    def frequencies(self, words: Collection[str]) -> Mapping[str, int]:
        return self._words.frequencies(words)

    def terms(self, hashes: Collection[str]) -> Mapping[str, Terms]:
        rows = self._db.rows("terms", hashes=as_json(hashes))
        return {row["hash"]: Terms(row["title"], row["content"], row["tags"]) for row in rows}

    def nearest(
        self, embedder: str, vector: Vector, where: KnowledgeFilter = ANYTHING, *, limit: int
    ) -> Sequence[KnowledgeHit]:
        with self._db.snapshot():
            space = self._searched(embedder, vector)
            let_through = None if where == ANYTHING else partial(self._passing, where)
            return self._hits(self._vectors.nearest(space, vector, limit, let_through), where)

    def _searched(self, embedder: str, vector: Vector) -> SpaceRow:
        space = next((space for space in self._vectors.spaces() if space.searched), None)
        if space is None or space.embedder != embedder or vector.shape != (space.dimension,):
            held = f"has vectors of {space.embedder} ({space.dimension})" if space else "has no vectors yet"
            raise StoreError(
                f"{self._db.path} {held}, not of {embedder} ({vector.size})",
                hint="embed its passages again: kubelore knowledge reindex",
            )
        return space

    def _let_through(self, where: KnowledgeFilter, limit: int) -> str | None:
        name = "let_through_tags" if where.tags else "let_through_types" if where.types else "let_through"
        found: str | None = self._db.value(name, limit=limit, **_where(where))
        return found

    def _passing(self, where: KnowledgeFilter, passages: Sequence[int] | None) -> NDArray[np.int64]:
        """Those of these passages, or of all, that the filter lets through."""
        if passages is None:
            return numbers(self._let_through(where, -1))
        return numbers(self._db.value("let_through_of", passages=as_json(passages), **_where(where)))

    def _hits(self, found: Sequence[tuple[int, float]], where: KnowledgeFilter) -> list[KnowledgeHit]:
        passages = as_json(passage for passage, _score in found)
        rows = self._db.rows("first_entries", passages=passages, **_where(where))
        entries = {row[-1]: self._documents.entry(row) for row in rows}
        return [KnowledgeHit(entries[passage], score) for passage, score in found if passage in entries]

    # Changing the embedder or the analyser

    def use_embedder(self, embedder: str, dimension: int) -> None:
        with self._db.transaction():
            self._vectors.use(embedder, dimension)

    def unembedded(self, embedder: str, limit: int) -> Sequence[PassageText]:
        space = self._vectors.space(embedder)
        rows = self._db.rows("unembedded", space=space.id, limit=limit) if space else []
        return [self._text(row) for row in rows]

    def embed(self, embedder: str, vectors: Mapping[str, Vector]) -> None:
        with self._db.transaction():
            space = self._vectors.space(embedder)
            if space is not None:
                known = self._numbers(vectors)
                self._vectors.write(space, {known[hash_]: vectors[hash_] for hash_ in known})
                self._vectors.promote()

    def texts(self, after: str, limit: int) -> Sequence[PassageText]:
        return [self._text(row) for row in self._db.rows("texts", after=after, limit=limit)]

    def analyse(self, terms: Mapping[str, Terms]) -> None:
        with self._db.transaction():
            for hash_, number in self._numbers(terms).items():
                self._words.change(number, terms[hash_])

    def analysed(self, analyser: str) -> None:
        self._db.execute("put_setting", name="analyser", value=analyser)

    def _numbers(self, hashes: Collection[str]) -> dict[str, int]:
        rows = self._db.rows("passage_ids", hashes=as_json(hashes))
        return {row["hash"]: row["id"] for row in rows}

    def _text(self, row: Row) -> PassageText:
        return PassageText(row["hash"], row["title"], row["content"], self._documents.tags(row["tags"]))

    # Health

    def problems(self) -> Sequence[str]:
        return problems(self._db, self._vectors)

    def repair(self) -> Sequence[str]:
        if not damage(self._db):
            with suppress(StoreCorrupt):  # damage where nothing is kept shows when something is written
                return rebuild(self._db, self._words, self._vectors)
        done = rescue(self._db, mend)
        self._open(Database(self._db.path, KNOWLEDGE))
        return done + rebuild(self._db, self._words, self._vectors)

    def close(self) -> None:
        self._db.close()


def _where(where: KnowledgeFilter) -> Where:
    """The filter as SQL takes it; NULL lets everything through."""
    return {
        "types": as_json(where.types) if where.types else None,
        "sources": as_json(where.sources) if where.sources else None,
        "any_tag": as_json(where.tags) if where.tags else None,
    }
