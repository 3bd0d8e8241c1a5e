"""What ingest, search and the store of knowledge exchange: documents cut into passages, and what finds them.

A passage is a title and a content. The same passage in two documents is kept once and has an entry in each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubelore.types import KnowledgeEntry, KnowledgeType

if TYPE_CHECKING:
    from kubelore.types import Vector


@dataclass(frozen=True, slots=True)
class Terms:
    """A passage as words to be found by: what `knowledge.analyse` made of it, divided by blanks.

    A word is kept and compared as it is, but for the case of ASCII letters.
    """

    title: str
    content: str
    tags: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """One entry of a document, with all that it is found by."""

    entry: KnowledgeEntry
    """`hash` is what identical passages are told by."""
    terms: Terms
    vector: Vector | None = None
    """None: not embedded yet, or not needed because the store has one for the passage."""
    near: tuple[int, ...] = ()
    """Keys, 64 bits with sign: passages that share one may be near duplicates."""
    same_as: str = ""
    """Hash of a passage that says nearly the same: this one is then kept as another entry of that one."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a source, whole: what it had before is replaced."""

    name: str
    """Unique in its source: a relative path, a post id, a pattern id."""
    hash: str
    """Of what it was made from; ingest leaves a document alone while this stays."""
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class PassageText:
    """A passage without its entries, for analysing, embedding and comparing."""

    hash: str
    title: str
    content: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnowledgeFilter:
    """Entries of one of these types, with one of these tags, from one of these sources; () means any."""

    types: tuple[KnowledgeType, ...] = ()
    tags: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


ANYTHING = KnowledgeFilter()


@dataclass(frozen=True, slots=True)
class SourceInfo:
    name: str
    documents: int
    entries: int
    updated: str
    """RFC 3339: end of the last pass over it; empty while the first was never finished."""


@dataclass(frozen=True, slots=True)
class Space:
    """The vectors of one embedder. `missing` passages have none yet."""

    embedder: str
    dimension: int
    missing: int


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What a search must know before it asks; quickly told."""

    passages: int
    analyser: str
    """Version of the analyser whose terms are stored; empty before the first."""
    space: Space | None
    """What `nearest` searches."""
    next_space: Space | None
    """Being filled: it takes over once nothing is missing in it."""


@dataclass(frozen=True, slots=True)
class KnowledgeStats:
    """What a person may want to know; everything is counted."""

    documents: int
    entries: int
    passages: int
    types: dict[KnowledgeType, int]
    """Entries by type."""
    bytes: int
    """On disk."""
