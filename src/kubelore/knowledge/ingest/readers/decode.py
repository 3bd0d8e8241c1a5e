"""Bytes to text."""

from __future__ import annotations

import codecs
import re

from kubelore.controls import clean
from kubelore.knowledge.ingest.page import Unreadable

BINARY = "binary"
PROBE = 8192

_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)\b[^>]{0,200}?(?:charset|encoding)\s{0,4}=\s{0,4}["']?([\w.:-]{1,40})""",
    re.IGNORECASE,
)
_ODD = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x9f\ufffd]")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
          (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip


def decode(content: bytes) -> str:
    """The text without control characters, its lines ended by newlines alone. By its mark, else UTF-8, else
    what HTML or XML declares, else Windows-1252. Raises Unreadable for what is no text."""
    marked = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), "")
    if not marked and b"\0" in content[:PROBE]:
        raise Unreadable(BINARY)
    text = _decoded(content, marked)
    if _strange(text[:PROBE]):
        raise Unreadable(BINARY)
    return clean(text.replace("\r\n", "\n").replace("\r", "\n"))


def _decoded(content: bytes, marked: str) -> str:
    declared = _DECLARED.search(content[:1024])
    for encoding in (marked or "utf-8", declared[1].decode() if declared else "cp1252"):
        try:
            return content.decode(encoding)
        except (UnicodeError, LookupError):
            continue
    return content.decode("cp1252", "replace")


def _strange(text: str) -> bool:
    """Whether a text has more control and replacement characters than any writing has."""
    return len(_ODD.findall(text)) * 10 > len(text)
