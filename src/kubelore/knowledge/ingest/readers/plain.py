"""Plain text: paragraphs, indented blocks as code, underlined or marked lines as headings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import dedent

from kubelore.knowledge.ingest.page import Block, Page

LONGEST_HEADING = 100

_UNDERLINE = re.compile(r"([=\-~^*#])\1{2,}")
_MARKED = re.compile(r"(?P<mark>={1,6}) (?P<text>\S.*?)(?: =+)?")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+\S")


def read(text: str) -> Page:
    """The page. Lines of prose stay lines: they may be a log."""
    found = tuple(blocks(text))
    if found and found[0].kind == "heading":
        return Page(found[0].text, found[1:])
    return Page("", found)


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a text, in order."""
    for paragraph in _paragraphs(text.split("\n")):
        yield from _blocks(paragraph)


def _paragraphs(lines: Sequence[str]) -> Iterator[list[str]]:
    gathered: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            gathered.append(line.rstrip())
        elif gathered:
            yield gathered
            gathered = []


def _blocks(lines: list[str]) -> Iterator[Block]:
    if all(line.startswith(("    ", "\t")) for line in lines):
        yield Block("code", dedent("\n".join(lines)))
        return
    heading, rest = _heading(lines)
    if heading:
        yield heading
    if rest:
        listed = all(_ITEM.match(line) or line[0].isspace() for line in rest)
        yield Block("list" if listed else "prose", "\n".join(rest))


def _heading(lines: list[str]) -> tuple[Block | None, list[str]]:
    first = lines[0].strip()
    if len(lines) > 1 and len(first) <= LONGEST_HEADING and _UNDERLINE.fullmatch(lines[1].strip()):
        return Block("heading", first, 1 if lines[1].strip()[0] == "=" else 2), lines[2:]
    if len(first) <= LONGEST_HEADING and (match := _MARKED.fullmatch(first)):
        return Block("heading", match["text"], len(match["mark"])), lines[1:]
    if (
        len(lines) == 1
        and len(first) <= LONGEST_HEADING
        and first.isupper()
        and sum(map(str.isalpha, first)) > 3
    ):
        return Block("heading", first, 2), []
    return None, lines
