"""Made-up documents for tests of the store of knowledge."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from kubelore.passages import Document, Passage, Terms
from kubelore.protocols import KnowledgeStore
from kubelore.types import KnowledgeEntry, KnowledgeHit, KnowledgeType

if TYPE_CHECKING:
    from kubelore.types import Vector

DIMENSION = 8
EMBEDDER = "letters/1"


def vector(*numbers: float) -> Vector:
    """Of unit length, filled up with zeros."""
    made = np.zeros(DIMENSION, dtype=np.float32)
    made[: len(numbers)] = numbers
    length = float(np.linalg.norm(made))
    return made / length if length else made


def passage(
    content: str,
    *,
    title: str = "",
    tags: Sequence[str] = (),
    type: KnowledgeType = "doc",  # noqa: A002 - the field's name
    document: str = "a.md",
    position: int = 0,
    vec: Vector | None = None,
    near: Sequence[int] = (),
    same_as: str = "",
    source: str = "docs",
) -> Passage:
    entry = KnowledgeEntry(
        id=f"{source}/{document}#{position}",
        type=type,
        title=title,
        content=content,
        tags=tuple(tags),
        source=source,
        document=document,
        position=position,
        url=f"https://example.com/{document}",
        licence="CC-BY-4.0",
        hash=sha256(f"{title}\n{content}".encode(errors="replace")).hexdigest(),
        version="v1",
        time="2026-01-01T00:00:00Z",
    )
    return Passage(entry, Terms(title.lower(), content.lower(), " ".join(tags)), vec, tuple(near), same_as)


def document(name: str, *contents: str, source: str = "docs", hash: str = "") -> Document:  # noqa: A002
    """One passage for each content."""
    made = tuple(passage(text, document=name, position=i, source=source) for i, text in enumerate(contents))
    return Document(name, hash or sha256("\n".join(contents).encode()).hexdigest(), made)


def of(name: str, *passages: Passage) -> Document:
    return Document(name, "1", passages)


def add(store: KnowledgeStore, *documents: Document, source: str = "docs", embedder: str = "") -> None:
    """One whole pass over a source."""
    number = store.begin(source)
    store.put(source, number, documents, embedder)
    store.finish(source, number)


def contents(hits: Iterable[KnowledgeHit]) -> list[str]:
    return [hit.entry.content for hit in hits]


def found(store: KnowledgeStore, *words: str) -> list[str]:
    """Contents of what these words find."""
    return contents(store.keywords([[word] for word in words], limit=10))


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may write everywhere, so it is put off for a while."""
    if os.getuid():
        yield
        return
    os.setresgid(65534, 65534, 0)
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
