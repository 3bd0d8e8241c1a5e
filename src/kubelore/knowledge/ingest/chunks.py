"""Cuts a page into passages that fit a prompt and say one thing each.

Sections stay together where they fit, tiny ones join what is beside them, large ones are cut between blocks.
A block of code is cut only when it is longer than `Sizes.code`, at the ends of lines, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from kubelore.knowledge.ingest.page import Block, Page, markdown

PATH = " > "
LONGEST_HEADING = 120
"""Characters of one heading in a title."""
DEEPEST = 4
"""Headings in a title, the last ones."""

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n")


@dataclass(frozen=True, slots=True)
class Sizes:
    """In characters, of which 3.5 to 4 are a token."""

    target: int = 1100
    """A passage ends before the block that would make it longer: about 300 tokens."""
    least: int = 350
    """A section that is shorter joins the next one, or the one before."""
    code: int = 6000
    """A longer block of code is cut."""


@dataclass(frozen=True, slots=True)
class Chunk:
    title: str
    """Headings from the page's title down, joined by ` > `."""
    content: str
    """Markdown."""


@dataclass(frozen=True, slots=True)
class _Section:
    path: tuple[str, ...]
    """Headings above and its own; () for what stands before the first."""
    blocks: tuple[Block, ...]
    """With its heading, if it has one, and those right above it."""
    size: int


def chunks(page: Page, sizes: Sizes) -> list[Chunk]:
    """The passages of a page, in order. A heading without text under it leaves none."""
    found: list[Chunk] = []
    for group in _grouped(list(_sections(page.blocks)), sizes):
        path = _common(section.path for section in group)
        title = _title(page.title, path)
        blocks = [block for section in group for block in section.blocks]
        while path and blocks and blocks[0].kind == "heading" and blocks[0].text in path:
            blocks.pop(0)  # the title has it
        parts = list(_packed(blocks, sizes)) if any(b.kind != "heading" for b in blocks) else []
        found += [Chunk(title, markdown(part)) for part in parts]
    return found


def _sections(blocks: Sequence[Block]) -> Iterator[_Section]:
    path: list[tuple[int, str]] = []
    gathered: list[Block] = []
    for block in blocks:
        if block.kind == "heading":
            above = bool(path) and path[-1][0] < block.level and all(b.kind == "heading" for b in gathered)
            if gathered and not above:  # else the heading before this one has nothing of its own
                yield _section(path, gathered)
                gathered = []
            path = [(level, text) for level, text in path if level < block.level]
            path.append((block.level, block.text))
        gathered.append(block)
    if gathered:
        yield _section(path, gathered)


def _section(path: Sequence[tuple[int, str]], blocks: Sequence[Block]) -> _Section:
    size = sum(map(_size, blocks))
    return _Section(tuple(text for _, text in path), tuple(blocks), size)


def _grouped(sections: Sequence[_Section], sizes: Sizes) -> Iterator[list[_Section]]:
    """Sections that become passages together: a section with those below it, and tiny ones with the next."""
    group: list[_Section] = []
    size = 0
    for section in sections:
        below = bool(group) and section.path[: len(group[0].path)] == group[0].path
        tiny = min(size, section.size) < sizes.least
        if group and (size + section.size > sizes.target or not (below or tiny)):
            yield group
            group, size = [], 0
        group.append(section)
        size += section.size
    if group:
        yield group


def _common(paths: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    first, *others = paths
    length = len(first)
    for other in others:
        same = (i for i, (a, b) in enumerate(zip(first, other, strict=False)) if a != b)
        length = min(length, next(same, min(len(first), len(other))))
    return first[:length]


def _title(title: str, path: Sequence[str]) -> str:
    headings = [title, *path[-DEEPEST:]] if title else list(path[-DEEPEST:])
    return PATH.join(_short(heading) for heading in headings if heading)


def _short(heading: str) -> str:
    return heading if len(heading) <= LONGEST_HEADING else heading[: LONGEST_HEADING - 1].rstrip() + "…"


def _packed(blocks: Sequence[Block], sizes: Sizes) -> Iterator[list[Block]]:
    """Blocks in passages of at most the target size, where they can be had."""
    part: list[Block] = []
    size = 0
    for block in (piece for whole in blocks for piece in _pieces(whole, sizes)):
        if part and size + _size(block) > sizes.target:
            leads = _leading(part)
            if len(leads) < len(part):
                yield part[: len(part) - len(leads)]
                part, size = leads, sum(map(_size, leads))
        part.append(block)
        size += _size(block)
    if part:
        yield part


def _size(block: Block) -> int:
    return len(block.text) + 2


def _leading(part: Sequence[Block]) -> list[Block]:
    """What at the end of a part announces the next block: headings, and a line that ends in a colon."""
    lead: list[Block] = []
    for block in reversed(part):
        announces = block.kind == "prose" and block.text.endswith(":") and len(block.text) < 300 and not lead
        if not announces and block.kind != "heading":
            break
        lead.insert(0, block)
    return lead


def _pieces(block: Block, sizes: Sizes) -> Iterator[Block]:
    """The block, in several when it is too long by itself."""
    limit = sizes.code if block.kind == "code" else sizes.target
    if len(block.text) <= limit:
        yield block
        return
    whole = re.split(r"\n", block.text) if block.kind != "prose" else _SENTENCE.split(block.text)
    texts = list(_joined(whole, " " if block.kind == "prose" else "\n", limit))
    for number, text in enumerate(texts, 1):
        if block.kind == "code":
            yield Block("prose", f"Part {number} of {len(texts)} of a long block:")
        yield replace(block, text=text)


def _joined(pieces: Sequence[str], glue: str, limit: int) -> Iterator[str]:
    """Pieces joined up to the limit; one that is longer by itself is cut between words, or anywhere."""
    line = ""
    for piece in (part for whole in pieces for part in _cut(whole, limit)):
        if line and len(line) + len(glue) + len(piece) > limit:
            yield line
            line = piece
        else:
            line = f"{line}{glue}{piece}" if line else piece
    if line:
        yield line


def _cut(text: str, limit: int) -> Iterator[str]:
    at = 0
    while len(text) - at > limit:
        blank = text.rfind(" ", at + limit // 2, at + limit)
        end = blank + 1 if blank >= 0 else at + limit
        yield text[at:end].rstrip()
        at = end
    yield text[at:]
