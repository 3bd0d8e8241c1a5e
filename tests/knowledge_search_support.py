"""A knowledge base of a few passages for tests, in SQLite."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from kubelore.knowledge.analyse import terms, version
from kubelore.knowledge.embed import default_embedder, passage_text
from kubelore.passages import Document, Passage, Terms
from kubelore.store.sqlite.knowledge.store import SqliteKnowledge
from kubelore.types import KnowledgeEntry, KnowledgeType


def passage(
    document: str,
    title: str,
    content: str,
    *,
    position: int = 0,
    kind: KnowledgeType = "doc",
    tags: tuple[str, ...] = (),
    source: str = "runbooks",
) -> Passage:
    entry = KnowledgeEntry(
        id=f"{source}/{document}/{position}",
        type=kind,
        title=title,
        content=content,
        tags=tags,
        source=source,
        document=document,
        position=position,
        hash=sha256(f"{title}\n{content}".encode()).hexdigest(),
    )
    found_by = Terms(" ".join(terms(title)), " ".join(terms(content)), " ".join(terms(" ".join(tags))))
    return Passage(entry, found_by, default_embedder().embed([passage_text(title, content)])[0])


def knowledge(path: Path, passages: Iterable[Passage]) -> SqliteKnowledge:
    """A store that holds these passages, with vectors."""
    store = SqliteKnowledge(path)
    embedder = default_embedder()
    store.use_embedder(embedder.name, embedder.dimension)
    sources: dict[str, dict[str, list[Passage]]] = {}
    for one in passages:
        sources.setdefault(one.entry.source, {}).setdefault(one.entry.document, []).append(one)
    for source, documents in sources.items():
        number = store.begin(source)
        whole = [Document(name, name, tuple(parts)) for name, parts in documents.items()]
        store.put(source, number, whole, embedder.name)
        store.finish(source, number)
    store.analysed(version())
    return store
