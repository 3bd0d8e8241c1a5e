"""Markdown, with front matter and Hugo shortcodes where they are used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from kubelore.knowledge.ingest.page import Block, Page, titled
from kubelore.knowledge.ingest.readers import front_matter, html, shortcodes

MAX_INLINE = 8_000
"""Characters of one paragraph whose emphasis and links are looked for; a longer one stays as it is."""
MAX_OPEN = 16
"""Brackets that belong to no link in a paragraph whose links are looked for: their time grows steeply."""

Env = dict[str, Any]
"""What the parser knows of a document: the targets of its links."""

_TAG = re.compile(
    r"</?(?:a|abbr|b|big|center|cite|del|details|div|em|font|i|ins|kbd|mark|p|q|s|samp|small|span|strike|strong|"
    r"sub|summary|sup|tt|u)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_MDX = re.compile(
    r"(?:import\s[^\n]{1,200}\sfrom\s+['\"][^'\"\n]+['\"];?\s*|export\s+(?:const|default)\s[^\n]*\s*)+"
)
"""What a page of MDX says to its machine."""
_ANCHOR = re.compile(r"\s*\{(?:[#.:][^{}]*|/\*[^{}]*\*/)\}$")
"""The address of a heading, as Hugo, Docusaurus and Pandoc write it."""
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def read(text: str) -> Page:
    """The page. Never fails: what is no Markdown is prose."""
    matter, body = front_matter.split(text)
    found = tuple(blocks(shortcodes.expand(body)))
    title, found = titled(matter.title, found)
    if found:
        found = (*blocks(matter.description), *found)
    return Page(title, found, tags=matter.tags, url=matter.url, licence=matter.licence, time=matter.time)


def blocks(text: str) -> Iterator[Block]:
    """The blocks of Markdown text, in order."""
    known: Env = {}
    yield from _Blocks(known).of(_parser().parse(text, known))


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"maxNesting": 50}).enable("table").disable("inline", ignoreInvalid=False)


class _Blocks:
    """Goes over the tokens once; items of a list are gathered until something else comes."""

    def __init__(self, known: Env) -> None:
        self._known = known
        self._items: list[str] = []
        self._rows: list[list[str]] = []
        self._lists: list[int] = []
        """For each list around: the number of its next item, or -1 when it has none."""
        self._marker = ""
        self._table = False

    def of(self, tokens: Sequence[Token]) -> Iterator[Block]:
        level = 0
        for token in tokens:
            kind = token.type
            if kind == "heading_open":
                level = int(token.tag[1])
            elif kind == "inline":
                yield from self._inline(token, level)
                level = 0
            elif kind in ("fence", "code_block", "html_block"):
                yield from self._flush()
                yield from _verbatim(token)
            elif kind in ("table_open", "table_close"):
                self._table = kind == "table_open"
                yield from self._flush()
            elif kind == "tr_open":
                self._rows.append([])
            else:
                yield from self._list(token)
        yield from self._flush()

    def _inline(self, token: Token, level: int) -> Iterator[Block]:
        text = _inline(token.content, self._known)
        if _MDX.fullmatch(text):
            return
        if self._table:
            self._rows[-1].append(" ".join(text.split()))
        elif level:
            yield from self._flush()
            yield Block("heading", _ANCHOR.sub("", " ".join(text.split())), level)
        elif self._lists:
            indent = "  " * (len(self._lists) - 1)
            lead = self._marker or "  "
            self._items.append(indent + lead + text.replace("\n", f"\n{indent}  "))
            self._marker = ""
        else:
            yield from self._flush()
            yield Block("prose", text)

    def _list(self, token: Token) -> Iterator[Block]:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            start = token.attrGet("start")
            self._lists.append(-1 if token.type == "bullet_list_open" else int(start or 1))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            self._lists.pop()
            if not self._lists:
                yield from self._flush()
        elif token.type == "list_item_open":
            number = self._lists[-1]
            self._marker = "- " if number < 0 else f"{number}. "
            self._lists[-1] += number >= 0

    def _flush(self) -> Iterator[Block]:
        if self._items:
            yield Block("list", "\n".join(self._items))
        if self._rows:
            yield Block("table", "\n".join(" | ".join(row) for row in self._rows))
        self._items, self._rows = [], []


def _verbatim(token: Token) -> Iterator[Block]:
    if token.type == "html_block":
        yield from html.fragment(token.content)
    elif token.content.strip():
        info = token.info.split()
        yield Block("code", token.content.strip("\n"), language=info[0].strip("{}.") if info else "")


@cache
def _inline_parser(*, links: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": 50})
    return parser if links else parser.disable(["link", "image"])


def _inline(text: str, known: Env) -> str:
    """Text without emphasis, targets of links and tags of HTML; backticks around code stay."""
    if len(text) > MAX_INLINE:
        return text
    linked = text.count("](")
    links = bool(linked or known.get("references")) and text.count("[") <= 2 * linked + MAX_OPEN
    parts: list[str] = []
    for token in _inline_parser(links=links).parseInline(text, known)[0].children or ():
        match token.type:
            case "text":
                parts.append(token.content)
            case "code_inline":
                parts.append(f"`{token.content}`")
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
            case "image":
                parts.append(token.content)
            case "html_inline":  # `<namespace>` is no tag but a placeholder, and stays
                parts.append("\n" if _BREAK.fullmatch(token.content) else _TAG.sub("", token.content))
    return "".join(parts).strip()
