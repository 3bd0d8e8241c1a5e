"""The lines of a `kubectl describe` text as an outline: what is indented belongs to the line above."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

_KEY = re.compile(r"([^\s:][^:]*?):(?:\s+(.*)|)$")
_COLUMN = re.compile(r"\S+(?: \S+)*")
_GAP = re.compile(r"\s{2,}")
MAX_DEPTH = 50
AFTER_MESSAGE = "Exit Code"


@dataclass(slots=True)
class Entry:
    """One line with those that belong to it. `key` is "" where the line has none."""

    line: str
    indent: int
    key: str = ""
    value: str = ""
    children: list[Entry] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)
    """Lines at the left edge that are no keys: where the value has line breaks, they are the rest of it."""

    def get(self, key: str) -> Entry:
        """The first child of that key; an empty entry when there is none."""
        return next((child for child in self.children if child.key == key), Entry("", 0))

    def has(self, key: str) -> bool:
        return any(child.key == key for child in self.children)

    def text(self, key: str) -> str:
        return self.get(key).value

    def lines(self) -> list[str]:
        """Its value and the lines below it: labels, taints, tolerations."""
        below = [child.line for child in self.children]
        return [self.value, *below] if self.value else below

    def whole(self) -> str:
        """Its value with all lines that it may go on in: for free text."""
        below = [line for child in self.walk() for line in (child.line, *child.rest)]
        return "\n".join(line for line in (self.value, *self.rest, *below) if line)

    def block(self) -> list[str]:
        """The lines below it as they were printed, for tables."""
        return [" " * entry.indent + entry.line for entry in self.walk()]

    def walk(self) -> Iterator[Entry]:
        for child in self.children:
            yield child
            yield from child.walk()


def read_outline(lines: Iterable[str], top: Iterable[str]) -> Entry:
    """An entry that has all others as its children.

    `top` names the keys that lines without indentation may have. Any other such line is kept as `rest` of
    the entry before it.
    """
    root = Entry("", -1)
    path = [root]
    known = frozenset(top)
    for raw in lines:
        line = raw.rstrip()
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        match = _KEY.match(line.strip())
        key, value = (match[1], match[2] or "") if match else ("", "")
        if _goes_on(path, indent, key, known):
            path[-1].rest.append(line)
            continue
        while path[-1].indent >= indent or len(path) > MAX_DEPTH:
            path.pop()
        entry = Entry(line.strip(), indent, key, value.strip())
        path[-1].children.append(entry)
        path.append(entry)
    return root


def _goes_on(path: list[Entry], indent: int, key: str, top: frozenset[str]) -> bool:
    """Whether a line is the rest of the entry before it. A message ends where the field begins that kubectl
    prints after it: traces of programs are indented in every way."""
    entry = path[-1]
    if entry.key == "Message" and path[-2].key in {"State", "Last State"}:
        return not (indent == entry.indent and key == AFTER_MESSAGE)
    return indent == 0 and key not in top and len(path) > 1


def read_table(lines: Sequence[str]) -> list[dict[str, str]]:
    """Rows below a header line; lines of dashes are left out, and text with line breaks is put together."""
    rows: list[dict[str, str]] = []
    columns: list[str] = []
    starts: list[int] = []
    for line in lines:
        if not line.strip():
            continue
        if not columns:
            found = list(_COLUMN.finditer(line.rstrip()))
            columns, starts = [m.group() for m in found], [m.start() for m in found]
        elif set(line) - {"-", " "}:
            _add_row(rows, columns, starts, line)
    return rows


def _add_row(rows: list[dict[str, str]], columns: list[str], starts: list[int], line: str) -> None:
    inside = len(line) - len(line.lstrip()) >= starts[0]
    if inside and all(line[start - 1] == " " for start in starts[1:] if start <= len(line)):
        ends = [*starts[1:], max(len(line), starts[-1])]
        cells = [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    else:
        cells = _GAP.split(line.strip(), maxsplit=len(columns) - 1)
    if inside and cells[0] and len(cells) == len(columns):
        rows.append(dict(zip(columns, cells, strict=True)))
    elif rows:
        rows[-1][columns[-1]] += f"\n{line.strip()}"
