"""reStructuredText: headings, literal and code blocks, lists, tables, notes; no directive is ever run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import dedent

from kubelore.knowledge.ingest.page import Block, Page, titled
from kubelore.knowledge.ingest.readers import rst_tables
from kubelore.knowledge.ingest.readers.words import words

MAX_DEPTH = 20
"""Notes inside of notes; what lies deeper is prose."""

_LINE = re.compile(r"([=\-`:.'\"~^_*+#<>])\1{2,}")
_DIRECTIVE = re.compile(r"\.\. (?:\|[^|]+\| )?(?P<name>[\w:-]+)::[ \t]*(?P<argument>.*)")
_OPTION = re.compile(r":[\w -]+:(?:[ \t].*)?")
_ITEM = re.compile(r"(?:[-*+•]|\(?(?:\d{1,4}|#|[a-zA-Z])[.)])[ \t]+\S")
_SPACES = re.compile(r"(?<=\S)[ \t]{2,}")
_ROLE = re.compile(r":[\w:.+-]{1,40}:`(?P<text>[^`]+)`")
_LINK = re.compile(r"`(?P<text>[^`<>]*?)\s*<[^`<>]+>`_{0,2}|`(?P<named>[^`]+)`_{1,2}")
_TARGET = re.compile(r"\s*<[^<>]+>$")
_STRONG = re.compile(r"(?<![\w*`])(\*{1,2})(?=\S)([^*`\n]+?)(?<=\S)\1(?![\w*])")


def read(text: str) -> Page:
    """The page. Never fails: what is no reStructuredText is prose."""
    title, found = titled("", tuple(blocks(text)))
    return Page(title, found)


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a text, in order."""
    yield from _Blocks({}).of([line.expandtabs(8).rstrip() for line in text.split("\n")], 0)


class _Blocks:
    def __init__(self, levels: dict[tuple[str, bool], int]) -> None:
        self._levels = levels
        """Level of a heading by its line and whether it has one above too, in the order they come up."""

    def of(self, lines: Sequence[str], depth: int) -> Iterator[Block]:
        at = 0
        while at < len(lines):
            if not lines[at].strip():
                at += 1
            elif heading := self._heading(lines, at):
                block, at = heading
                yield block
            else:
                found, at = self._block(lines, at, depth)
                yield from found

    def _heading(self, lines: Sequence[str], at: int) -> tuple[Block, int] | None:
        line = lines[at]
        over = _LINE.fullmatch(line) is not None
        rows = lines[at : at + 3] if over else ["", *lines[at : at + 2]]
        if len(rows) < 3 or not rows[1].strip() or not _LINE.fullmatch(rows[2]):
            return None
        text = rows[1].strip()
        if (
            (over and rows[0] != rows[2])
            or (not over and rows[1][0].isspace())
            or len(rows[2]) < min(len(text), 4)
        ):
            return None
        level = self._levels.setdefault((rows[2][0], over), len(self._levels) + 1)
        return Block("heading", inline(text), level), at + len(rows) - (not over)

    def _block(self, lines: Sequence[str], at: int, depth: int) -> tuple[list[Block], int]:
        line = lines[at]
        if line.startswith(".. ") or line == "..":
            return self._explicit(lines, at, depth)
        if rst_tables.BEGIN.fullmatch(line):
            end = _until_blank(lines, at)
            while end + 1 < len(lines) and line.startswith("=") and (lines[end - 1] != line or end - at < 3):
                end = _until_blank(lines, end + 1)
            return _table(rst_tables.table(lines[at:end])), end
        if line.startswith(">>> "):
            end = _until_blank(lines, at)
            return [Block("code", "\n".join(lines[at:end]), language="python")], end
        if line[0].isspace():
            end = _indented_until(lines, at)
            quoted = dedent("\n".join(lines[at:end])).split("\n")
            return list(self.of(quoted, depth + 1)) if depth < MAX_DEPTH else [_prose(quoted)], end
        if _ITEM.match(line):
            return _list(lines, at)
        return _paragraph(lines, at)

    def _explicit(self, lines: Sequence[str], at: int, depth: int) -> tuple[list[Block], int]:
        """A directive; comments and targets, which begin alike, leave nothing."""
        end = _indented_until(lines, at + 1)
        match = _DIRECTIVE.match(lines[at])
        if not match or match["name"] in words("rst", "dropped"):
            return [], end
        body = dedent("\n".join(lines[at + 1 : end])).split("\n")
        options = next((i for i, line in enumerate(body) if not _OPTION.fullmatch(line)), len(body))
        body = body[options:]
        if match["name"] in words("rst", "code"):
            text = dedent("\n".join(body)).strip("\n")
            return [Block("code", text, language=match["argument"].split(" ")[0])] if text else [], end
        if match["name"] == "list-table":
            return [*self.of([match["argument"]], depth), *_table(rst_tables.list_table(body))], end
        if match["name"] not in words("rst", "silent"):
            body = [match["argument"], *body]
        return list(self.of(body, depth + 1)) if depth < MAX_DEPTH else [_prose(body)], end


def _table(text: str) -> list[Block]:
    return [Block("table", inline(text))] if text else []


def _paragraph(lines: Sequence[str], at: int) -> tuple[list[Block], int]:
    end = _until_blank(lines, at)
    text = inline(" ".join(line.strip() for line in lines[at:end]))
    if not text.endswith("::"):
        return [Block("prose", text)], end
    code, end = _literal(lines, end)
    text = text.removesuffix("::").rstrip()
    return [*([Block("prose", f"{text}:")] if text else []), *code], end


def _list(lines: Sequence[str], at: int) -> tuple[list[Block], int]:
    """Items until something that is neither an item nor indented; code in an item ends the list."""
    items: list[str] = []
    while at < len(lines) and (not lines[at] or lines[at][0].isspace() or _ITEM.match(lines[at])):
        line, bare = lines[at], lines[at].strip()
        if bare.startswith(".. "):
            break
        if bare and items and line[0].isspace() and not _ITEM.match(bare):
            items[-1] += " " + bare
        elif bare:
            items.append(line)
        at += 1
        if bare.endswith("::"):
            items[-1] = items[-1].removesuffix("::").rstrip() + ":"
            code, at = _literal(lines, at)
            return [_items(items), *code], at
    return [_items(items)], at


def _items(items: Sequence[str]) -> Block:
    return Block("list", "\n".join(inline(item) for item in items))


def _literal(lines: Sequence[str], at: int) -> tuple[list[Block], int]:
    """The block that `::` announces: as far as lines are indented like its first one, or more."""
    begin = next((i for i in range(at, len(lines)) if lines[i]), len(lines))
    depth = len(lines[begin]) - len(lines[begin].lstrip()) if begin < len(lines) else 0
    if not depth:
        return [], begin
    end = next((i for i in range(begin, len(lines)) if lines[i] and lines[i][:depth].strip()), len(lines))
    return [Block("code", dedent("\n".join(lines[begin:end])).strip("\n"))], end


def _prose(lines: Sequence[str]) -> Block:
    return Block("prose", inline(" ".join(line.strip() for line in lines if line.strip())))


def _until_blank(lines: Sequence[str], at: int) -> int:
    return next((i for i in range(at, len(lines)) if not lines[i].strip()), len(lines))


def _indented_until(lines: Sequence[str], at: int) -> int:
    return next((i for i in range(at, len(lines)) if lines[i] and not lines[i][0].isspace()), len(lines))


def inline(text: str) -> str:
    """Text without roles, targets of links and emphasis; literals get one backtick on each side."""
    text = _SPACES.sub(" ", text)
    text = _ROLE.sub(lambda m: _TARGET.sub("", m["text"].lstrip("~!")), text)
    text = _LINK.sub(lambda m: m["text"] or m["named"] or "", text)
    return _STRONG.sub(r"\2", text).replace("``", "`").rstrip()
