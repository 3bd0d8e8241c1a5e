"""Documents on their way into the store: what their passages repeat, and what the new ones are found by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from kubelore.knowledge.embed import passage_text
from kubelore.knowledge.index import terms_of
from kubelore.knowledge.ingest import near
from kubelore.knowledge.ingest.summary import Duplicate
from kubelore.passages import Document, Passage, PassageText
from kubelore.protocols import Embedder, KnowledgeStore
from kubelore.types import KnowledgeEntry

Owner = tuple[str, str]
"""Source and document that had a passage first."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that is to be stored."""

    name: str
    digest: str
    entries: tuple[KnowledgeEntry, ...]


def complete(
    drafts: Sequence[Draft], store: KnowledgeStore, embedder: Embedder | None
) -> tuple[list[Document], list[Duplicate]]:
    """The documents as the store takes them, and what of them it or another one of the batch has already.
    Raises StoreError, ModelError."""
    hashes = {entry.hash for draft in drafts for entry in draft.entries}
    replaced = frozenset((entry.source, entry.document) for draft in drafts for entry in draft.entries)
    known = _Known(store, dict(store.owners(hashes)), replaced)
    passages: dict[str, Passage] = {}
    duplicates: list[Duplicate] = []
    for draft in drafts:
        repeated: Counter[Owner] = Counter()
        for entry in draft.entries:
            passages[entry.id] = known.passage(entry)
            owner = known.owners[entry.hash]
            repeated[owner] += owner != (entry.source, entry.document)
        duplicates += [Duplicate(draft.name, count, *owner) for owner, count in repeated.items() if count]
    if embedder is not None:
        _embed(passages, known.new, embedder)
    return [Document(d.name, d.digest, tuple(passages[e.id] for e in d.entries)) for d in drafts], duplicates


@dataclass(slots=True)
class _Known:
    """What the store and the batch hold by now."""

    store: KnowledgeStore
    owners: dict[str, Owner]
    """By hash; a near duplicate is owned by whom it repeats."""
    replaced: frozenset[Owner]
    """What these documents said until now stands for nothing: it would hide what they say instead."""
    new: list[str] = field(default_factory=list)
    """Ids of entries whose passage nobody has."""
    _shapes: dict[int, list[tuple[str, near.Shape]]] = field(default_factory=dict)
    """New passages of the batch by their keys."""

    def passage(self, entry: KnowledgeEntry) -> Passage:
        terms = terms_of(PassageText(entry.hash, entry.title, entry.content, entry.tags))
        shape = near.shape(entry.title, entry.content)
        keys = near.keys(shape)
        same_as = ""
        if entry.hash not in self.owners:
            same_as = self._repeated(shape, keys)
            if same_as:
                self.owners[entry.hash] = self._owner(same_as)
            else:
                self.owners[entry.hash] = (entry.source, entry.document)
                self.new.append(entry.id)
                for key in keys:
                    self._shapes.setdefault(key, []).append((entry.hash, shape))
        return Passage(entry, terms, near=keys, same_as=same_as)

    def _repeated(self, shape: near.Shape, keys: Sequence[int]) -> str:
        """Hash of a passage that says the same, "" when there is none."""
        for key in keys:
            for hash_, other in self._shapes.get(key, ()):
                if shape.says_the_same(other):
                    return hash_
        found = (text for text, _ in self.store.alike(keys)) if keys else ()
        same = (t.hash for t in found if shape.says_the_same(near.shape(t.title, t.content)))
        return next((hash_ for hash_ in same if self._owner(hash_) not in self.replaced), "")

    def _owner(self, hash_: str) -> Owner:
        if hash_ not in self.owners:
            self.owners.update(self.store.owners([hash_]))
        return self.owners.get(hash_, ("", ""))


def _embed(passages: dict[str, Passage], new: Sequence[str], embedder: Embedder) -> None:
    vectors = embedder.embed(
        [passage_text(passages[id_].entry.title, passages[id_].entry.content) for id_ in new]
    )
    for id_, vector in zip(new, vectors, strict=True):
        passages[id_] = replace(passages[id_], vector=vector)
