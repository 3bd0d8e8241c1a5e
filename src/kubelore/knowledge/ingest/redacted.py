"""A page without secrets and control characters. Nothing is cut, compared or kept before this."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kubelore.controls import clean
from kubelore.knowledge.ingest.page import Block, Page, markdown
from kubelore.knowledge.ingest.readers import markdown as markdown_reader
from kubelore.redaction import redact, redact_object

MAX_TAGS = 20
LONGEST_TAG = 60
LONGEST_TITLE = 300
"""Characters."""


def redacted(page: Page) -> Page:
    return replace(
        page,
        title=line(page.title)[:LONGEST_TITLE],
        blocks=tuple(_blocks(page.blocks)),
        tags=tuple(dict.fromkeys(filter(None, (line(tag)[:LONGEST_TAG].lower() for tag in page.tags))))[
            :MAX_TAGS
        ],
        url=line(page.url),
        licence=line(page.licence),
        version=line(page.version),
    )


def line(text: str) -> str:
    """A name, title or address: one line, cleaned and redacted."""
    return redact(" ".join(clean(text).split()))


def _blocks(blocks: Sequence[Block]) -> Sequence[Block]:
    """Seen as a whole, for a key or a setting may go over several; one by one where there is something."""
    cleaned = [replace(b, text=_text(b), language=line(b.language)[:20]) for b in blocks]
    cleaned = [block for block in cleaned if block.text.strip()]
    whole = markdown(cleaned)
    if redact(whole) == whole:
        return cleaned
    clear = [replace(block, text=redact(block.text)) for block in cleaned]
    whole = markdown(clear)
    again = redact(whole)
    return clear if again == whole else list(markdown_reader.blocks(again))


def _text(block: Block) -> str:
    return _table(clean(block.text)) if block.kind == "table" else clean(block.text)


def _table(text: str) -> str:
    """Rows whose first cell, or whose column, is the name of a secret lose the value."""
    rows = [row.split(" | ") for row in text.split("\n")]
    head = rows[0]
    return "\n".join(" | ".join(_row(row, head if row is not head else [])) for row in rows)


def _row(row: Sequence[str], head: Sequence[str]) -> Iterator[str]:
    for column, cell in enumerate(row):
        names = [row[column - 1].strip("` ")] if column else []
        names += [head[column].strip("` ")] if column < len(head) else []
        bare = cell.strip("` ")
        hidden = next((v for name in names if (v := str(redact_object({name: bare})[name])) != bare), None)
        yield cell if hidden is None else hidden
