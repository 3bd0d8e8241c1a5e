"""HTML pages and fragments, however malformed, in time and memory linear in their size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from lxml import etree

from kubelore.knowledge.ingest.page import Block, Page, titled
from kubelore.knowledge.ingest.readers.front_matter import time_of
from kubelore.knowledge.ingest.readers.words import words

LONGEST_TAG = 16_384
"""Characters; a longer tag (an image in its own address, an attack) goes: attributes cost their square."""

HEADINGS = {f"h{level}": level for level in range(1, 7)}
TOO_DEEP = "nested too deep; the rest was not read"

_LONG_TAG = re.compile(rf"<[A-Za-z/!?][^<>]{{{LONGEST_TAG},}}+>?")
_SPACE = re.compile(r"\s+")
_LANGUAGE = re.compile(r"(?:language|lang|highlight(?:-source)?|brush:)[-: ]?([\w+#.-]+)")
_PERMALINK = re.compile(r"\s*[¶§🔗]+$|\s+#+$")


def read(text: str) -> Page:
    """A page: its main part, if it names one, else its body."""
    root, cut = _parse(text)
    if root is None:
        return Page("", ())
    main = _main_part(root)
    found = tuple(
        _Walk(frozenset() if main is not None else words("html", "around")).blocks(
            root if main is None else main
        )
    )
    heading = next((b.text for b in found if b.kind == "heading" and b.level == 1), "")
    title, found = titled(heading or _SPACE.sub(" ", root.findtext(".//title") or "").strip(), found)
    return Page(title, found, url=_url(root), time=_time(root), cut=cut)


def fragment(text: str) -> Iterator[Block]:
    """The blocks of a piece of HTML."""
    root, _ = _parse(text)
    if root is not None:
        yield from _Walk(frozenset()).blocks(root)


def _parse(text: str) -> tuple[etree._Element | None, str]:
    """The tree, and why it is not all of the page."""
    parser = _parser()
    try:
        root = etree.fromstring(_LONG_TAG.sub("", text).encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        return None, ""  # nothing but comments and white space
    deep = any("depth" in entry.message.lower() for entry in parser.error_log)
    return root, TOO_DEEP if deep else ""


def _parser() -> etree.HTMLParser:
    return etree.HTMLParser(
        recover=True,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        huge_tree=False,
        encoding="utf-8",
    )


def _main_part(root: etree._Element) -> etree._Element | None:
    candidates = (
        root.iter("main"),
        root.iter("article"),
        (e for e in root.iter("div") if e.get("role") == "main"),
    )
    for elements in candidates:
        found = list(islice(elements, 2))
        if len(found) == 1:
            return found[0]
    return None


def _url(root: etree._Element) -> str:
    links = [link.get("href") for link in root.iter("link") if link.get("rel") == "canonical"]
    found = [*links, *_meta(root, "og:url")]
    return next((url for url in found if url and url.startswith(("http://", "https://"))), "")


def _time(root: etree._Element) -> str:
    names = ("article:modified_time", "article:published_time", "date")
    return next((time for name in names for value in _meta(root, name) if (time := time_of(value))), "")


def _meta(root: etree._Element, name: str) -> list[str]:
    found = [meta for meta in root.iter("meta") if name in (meta.get("property"), meta.get("name"))]
    return [meta.get("content") or "" for meta in found]


class _Walk:
    """Goes over a tree once, without recursion, and gathers text until a block begins or ends."""

    def __init__(self, skipped: frozenset[str]) -> None:
        self._skipped = words("html", "never_text") | skipped
        self._inline, self._coded = words("html", "inline"), words("html", "code")
        self._text: list[str] = []
        self._items: list[str] = []
        self._rows: list[list[str]] = []
        self._lists: list[int] = []
        """For each list around: the number of its next item, or -1 when it has none."""
        self._marker = ""
        self._tables: list[bool] = []
        """For each table around: whether its cells are cells, and not a layout."""
        self._heading = 0

    def blocks(self, root: etree._Element) -> Iterator[Block]:
        inside: etree._Element | None = None  # a part that is passed over
        for event, node in etree.iterwalk(root, events=("start", "end")):
            if inside is None and event == "start":
                if self._passed_over(node):
                    inside = node
                elif node.tag == "pre":
                    yield from self._code(node)
                    inside = node
                else:
                    yield from self._start(node)
            elif event == "end":
                if inside is None:
                    yield from self._end(node)
                if inside is node:
                    inside = None
                if inside is None and node is not root:
                    self._add(node.tail)
        yield from self._flush()
        yield from self._flush_items()

    def _passed_over(self, node: etree._Element) -> bool:
        classes = (node.get("class") or "").split()
        return node.tag in self._skipped or not words("html", "line_numbers").isdisjoint(classes)

    def _start(self, node: etree._Element) -> Iterator[Block]:
        tag = str(node.tag)
        if tag in self._coded:
            self._text.append("`")
        elif tag == "br":
            self._text.append("\n")
        elif tag not in self._inline and tag != "dd":  # a definition goes on behind its term
            yield from self._flush()
            self._heading = HEADINGS.get(tag, 0)
            yield from self._open(tag, node)
        self._add(node.text)

    def _open(self, tag: str, node: etree._Element) -> Iterator[Block]:
        if (tag in ("ul", "ol", "table") or self._heading) and not self._lists:
            yield from self._flush_items()
        if tag in ("ul", "ol"):
            start = node.get("start") or ""
            self._lists.append(
                -1 if tag == "ul" else int(start) if start.isdecimal() and len(start) < 6 else 1
            )
        elif tag == "li":
            number = self._lists[-1] if self._lists else -1
            self._marker = "- " if number < 0 else f"{number}. "
            if number >= 0:
                self._lists[-1] += 1
        elif tag == "table":
            self._tables.append(next(node.iter("pre", "table"), node) is node)
        elif self._tables and self._tables[-1]:
            if tag == "tr":
                self._rows.append([])
            elif tag in ("td", "th") and self._rows:
                self._rows[-1].append("")

    def _end(self, node: etree._Element) -> Iterator[Block]:
        tag = str(node.tag)
        if tag in self._coded:
            self._text.append("`")
        elif tag == "dt":
            self._text.append(": ")
        elif tag not in self._inline and tag != "br":
            yield from self._flush()
            self._heading = 0
            if tag in ("ul", "ol") and self._lists:
                self._lists.pop()
                if not self._lists:
                    yield from self._flush_items()
            elif tag == "table" and self._tables:
                self._tables.pop()
                yield from self._flush_items()

    def _add(self, text: str | None) -> None:
        if text:
            self._text.append(_SPACE.sub(" ", text))

    def _flush(self) -> Iterator[Block]:
        """The text gathered so far goes where it stands: a heading, a cell, an item, or prose."""
        lines = [" ".join(line.split()) for line in "".join(self._text).replace("``", "").split("\n")]
        text = "\n".join(line for line in lines if line)
        self._text = []
        if not text:
            return
        if self._heading:
            yield from self._flush_items()
            yield Block("heading", _PERMALINK.sub("", text.replace("\n", " ")), self._heading)
        elif self._tables and self._tables[-1] and self._rows and self._rows[-1]:
            self._rows[-1][-1] = f"{self._rows[-1][-1]} {text}".strip().replace("\n", " ")
        elif self._lists or self._marker:
            indent = "  " * (max(len(self._lists), 1) - 1)
            self._items.append(indent + (self._marker or "  ") + text.replace("\n", f"\n{indent}  "))
            self._marker = ""
        else:
            yield from self._flush_items()
            yield Block("prose", text)

    def _flush_items(self) -> Iterator[Block]:
        if self._items:
            yield Block("list", "\n".join(self._items))
        if rows := [row for row in self._rows if row]:
            yield Block("table", "\n".join(" | ".join(row) for row in rows))
        self._items, self._rows = [], []

    def _code(self, node: etree._Element) -> Iterator[Block]:
        yield from self._flush()
        yield from self._flush_items()
        for line_break in node.iter("br"):
            line_break.tail = "\n" + (line_break.tail or "")
        text = "".join(str(part) for part in node.itertext()).strip("\n")
        if text.strip():
            yield Block("code", text, language=_language(node))


def _language(node: etree._Element) -> str:
    """As the usual highlighters write it, on the block, on what is in it or on what is around it."""
    for element in (node, next(iter(node), node), node.getparent()):
        if element is not None and (match := _LANGUAGE.search(element.get("class") or "")):
            return match[1]
    return ""
