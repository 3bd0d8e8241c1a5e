"""What a passage is found by, its words and its vector, and both made anew when rules or embedder changed.

That may be stopped at any time and goes on where it was.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubelore.knowledge.analyse import terms, version
from kubelore.knowledge.embed import passage_text
from kubelore.passages import PassageText, Terms
from kubelore.protocols import Embedder, KnowledgeStore, Progress

BATCH = 256
"""Passages in one transaction."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How many passages were given other words, and other vectors."""

    analysed: int
    embedded: int


def terms_of(passage: PassageText) -> Terms:
    tags = " ".join(term for tag in passage.tags for term in terms(tag))
    return Terms(" ".join(terms(passage.title)), " ".join(terms(passage.content)), tags)


def refresh(store: KnowledgeStore, embedder: Embedder | None, progress: Progress) -> Refreshed:
    """Give every passage today's words, and a vector of this embedder where it has another or none. Raises
    StoreError, and ModelError when the embedder fails."""
    return Refreshed(_analyse(store, progress), _embed(store, embedder, progress) if embedder else 0)


def _analyse(store: KnowledgeStore, progress: Progress) -> int:
    index = store.index()
    done, after = 0, ""
    if index.analyser != version():
        while found := store.texts(after, BATCH):
            store.analyse({passage.hash: terms_of(passage) for passage in found})
            done, after = done + len(found), found[-1].hash
            progress.advance(done, max(done, index.passages), "words")
        store.analysed(version())
    return done


def _embed(store: KnowledgeStore, embedder: Embedder, progress: Progress) -> int:
    index = store.index()
    wanted = index.next_space or index.space
    if wanted is None or wanted.embedder != embedder.name:
        store.use_embedder(embedder.name, embedder.dimension)
    done = 0
    while found := store.unembedded(embedder.name, BATCH):
        vectors = embedder.embed([passage_text(passage.title, passage.content) for passage in found])
        store.embed(embedder.name, {p.hash: vector for p, vector in zip(found, vectors, strict=True)})
        done += len(found)
        progress.advance(done, max(done, index.passages), "vectors")
    return done
