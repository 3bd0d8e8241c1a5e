"""Known-item search: queries of documents that are put into a knowledge base of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from kubelore.bench.cases import read_lines
from kubelore.bench.questions import Asked
from kubelore.bench.retrieval.table import DEPTH, Ask
from kubelore.errors import DataError
from kubelore.knowledge.ingest.pipeline import Ingest
from kubelore.knowledge.ingest.sources import open_source
from kubelore.knowledge.search import Search, packaged_ranking
from kubelore.protocols import Embedder, KnowledgeStore, Progress
from kubelore.types import JsonObject

KEYWORDS, VECTORS, FUSED = "keywords alone", "vectors alone", "fused"


@dataclass(frozen=True, slots=True)
class Query:
    """A query and the documents that answer it, by file name."""

    text: str
    source: str
    also: frozenset[str]
    """Others that answer it as well."""

    def asked(self, *, also: bool) -> Asked:
        return Asked(
            self.text, frozenset({self.source}) | (self.also if also else frozenset()), is_none=False
        )


def read_queries(path: Path) -> list[Query]:
    """Lines of `{query, source, also}`, `also` a list that may be missing. Raises UsageError, DataError with
    the line."""
    return [_query(row, f"{path}:{number}") for number, row in read_lines(path, "query", "source")]


def _query(row: JsonObject, place: str) -> Query:
    also = row.get("also", [])
    if not isinstance(also, list) or not all(isinstance(name, str) for name in also):
        raise DataError(f"{place}: `also` is not a list of file names")
    return Query(row["query"], row["source"], frozenset(also))


def ingest(documents: Path, store: KnowledgeStore, embedder: Embedder, progress: Progress) -> None:
    """Put documents into a store, as `kubelore knowledge add` does. Raises UsageError, StoreError."""
    with open_source(documents) as source:
        Ingest(store, embedder).run(source, progress)


def searches(store: KnowledgeStore, embedder: Embedder) -> Mapping[str, Search]:
    """The parts of the search alone, and the whole of it, last."""
    return {
        KEYWORDS: Search(store),
        VECTORS: Search(store, embedder, replace(packaged_ranking(), keywords=0.0, titles=0.0)),
        FUSED: Search(store, embedder),
    }


def by_file(search: Search) -> Ask:
    """Answers are file names."""
    return lambda query: [
        PurePosixPath(found.entry.document).name for found in search.find(query, limit=DEPTH)
    ]
