"""One module for each form a document may have: text in, `page.Page` out. No reader fails on bad input, runs
anything, or opens another file. Start at `read`, which chooses by the name and, where that says nothing, by
the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from kubelore.knowledge.ingest.page import Page, Unreadable
from kubelore.knowledge.ingest.readers import html, markdown, plain, rst
from kubelore.knowledge.ingest.readers.decode import decode
from kubelore.knowledge.ingest.readers.words import words

Reader = Callable[[str], Page]

READERS: dict[str, Reader] = {
    ".md": markdown.read, ".markdown": markdown.read, ".mdown": markdown.read, ".mdx": markdown.read,
    ".html": html.read, ".htm": html.read, ".xhtml": html.read,
    ".rst": rst.read, ".rest": rst.read,
}  # fmt: skip
TEXT = frozenset({".txt", ".text", ".adoc", ".asciidoc", ".org", ".log", ""})
"""May be anything that people write; the text decides."""
NO_TEXT = "no text"

_HTML = re.compile(r"\s*(?:<\?xml[^>]{0,200}>\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_DOCUMENT = re.compile(
    rb"---\r?\n\w+:|# [^\n]{1,120}\r?\n\r?\n(?:#{2,6} |[^#\s])|<(?:!doctype )?html", re.IGNORECASE
)
_MARKDOWN = re.compile(r"^(?:#{1,6} \S|```|~~~|---\n\w+:)", re.MULTILINE)
_RST = re.compile(r"^\.\. [\w-]+::|:ref:`|::\n\n ", re.MULTILINE)


def suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def readable(name: str) -> bool:
    """Whether a file of this name may be a document."""
    return suffix(name) in READERS or suffix(name) in TEXT


def like_a_document(name: str, content: bytes) -> bool:
    """Whether a file without a suffix is meant to be read: by what such files are called, or by front matter
    or a heading at its beginning. Scripts and build files begin with comments that look alike."""
    if content.startswith(b"#!"):
        return False
    if words("files", "documents").intersection(re.split(r"[^A-Z]+", name.upper())):
        return True
    beginning = content[:2000].lstrip(b"\xef\xbb\xbf\r\n ")
    code = words("files", "code").intersection(re.split(r"[^A-Za-z]+", name))
    return not code and _DOCUMENT.match(beginning) is not None


def read(name: str, content: bytes) -> Page:
    """The page in a file; its name gives the title where nothing in it does. Raises Unreadable."""
    text = decode(content)
    page = (READERS.get(suffix(name)) or _by_text(text))(text)
    if not any(block.kind != "heading" for block in page.blocks):
        raise Unreadable(NO_TEXT)
    return page if page.title else replace(page, title=title_of(name))


def title_of(name: str) -> str:
    """`runbooks/node/NodeDown.md` as `NodeDown`, an index page as its folder."""
    path = PurePosixPath(name)
    stem = path.parent.name if path.stem.lower() in ("index", "_index", "readme") else path.stem
    return stem or path.stem or name


def _by_text(text: str) -> Reader:
    if _HTML.match(text):
        return html.read
    probe = text[:20_000]
    if _RST.search(probe) and not re.search(r"^(?:#{1,6} \S|```)", probe, re.MULTILINE):
        return rst.read
    return markdown.read if _MARKDOWN.search(probe) else plain.read
