"""What a reader makes of a document of any form: a title and blocks; and how they are written as Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from kubelore.errors import KubeloreError
from kubelore.types import KnowledgeType

BlockKind = Literal["heading", "prose", "code", "list", "table"]

_FENCE = re.compile(r"^\s*(`{3,})", re.MULTILINE)


class Unreadable(KubeloreError):
    """A document cannot be read; the message says why, in words that fit others like it."""


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a document, without markup but for backticks around code inside of prose.

    A list has one item a line, a table one row a line with ` | ` between its cells.
    """

    kind: BlockKind
    text: str
    level: int = 0
    """Of a heading, from 1."""
    language: str = ""
    """Of code."""

    def markdown(self) -> str:
        if self.kind == "heading":
            return f"{'#' * min(self.level, 6)} {self.text}"
        if self.kind != "code":
            return self.text
        longest = max((len(run) for run in _FENCE.findall(self.text)), default=2)
        fence = "`" * (longest + 1)
        return f"{fence}{self.language}\n{self.text}\n{fence}"


def markdown(blocks: Sequence[Block]) -> str:
    return "\n\n".join(block.markdown() for block in blocks)


@dataclass(frozen=True, slots=True)
class Page:
    """One document as it was read, not redacted yet."""

    title: str
    blocks: tuple[Block, ...]
    type: KnowledgeType = "doc"
    tags: tuple[str, ...] = ()
    url: str = ""
    licence: str = ""
    version: str = ""
    time: str = ""
    """RFC 3339, where the document says it."""
    cut: str = ""
    """Why some of it is missing."""


@dataclass(frozen=True, slots=True)
class Found:
    """A document in a source, not parsed yet."""

    name: str
    """Unique in its source, and the same when it is read again."""
    digest: str
    """Of all that the page is made from."""
    read: Callable[[], Page]
    """Raises Unreadable."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something in a source that is no document, or cannot be read."""

    name: str
    why: str
    """In words that fit others like it: they are counted."""
    still_there: bool = False
    """It could not be looked at this time: what is known of it is kept."""
    more: bool = False
    """Nobody knows what is behind it: nothing of the source counts as gone."""


class Source(Protocol):
    """Documents that belong together; what a pass no longer finds in it is gone."""

    @property
    def name(self) -> str: ...

    @property
    def whole(self) -> bool:
        """Whether documents that it had and has no longer are gone; else it says nothing of others."""
        ...

    @property
    def progress(self) -> tuple[int, int]:
        """How much has been read, and of how much; of 0 when nobody knows."""
        ...

    def __iter__(self) -> Iterator[Found | Skipped | None]:
        """None: nothing found yet, but `progress` went on. Raises KubeloreError when the source cannot be
        read at all."""
        ...


def squashed(text: str) -> str:
    """Letters and digits only, so that `Node Clock Skew` and `NodeClockSkew` are the same."""
    return "".join(c for c in text.lower() if c.isalnum())


def titled(title: str, blocks: Sequence[Block]) -> tuple[str, tuple[Block, ...]]:
    """The title of a document and its blocks without the heading that repeats it.

    A page's own heading says how the thing is written (`KubePodCrashLooping`), what stands outside of the
    page often only resembles it; it is also the title where nothing else says one.
    """
    first = next((i for i, block in enumerate(blocks) if block.kind == "heading"), None)
    if first is None:
        return title, tuple(blocks)
    heading = blocks[first]
    alone = heading.level == 1 and sum(b.kind == "heading" and b.level == 1 for b in blocks) == 1
    if squashed(heading.text) == squashed(title) or (not title and alone):
        return heading.text, (*blocks[:first], *blocks[first + 1 :])
    return title, tuple(blocks)
