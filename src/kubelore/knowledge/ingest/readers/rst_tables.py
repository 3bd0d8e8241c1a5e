"""Tables of reStructuredText as rows of cells: simple ones, grids, and lists that are shown as tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

BEGIN = re.compile(r"(?:=+(?: +=+)+|\+(?:[-=]+\+)+)\s*")
"""The first line of a simple table or a grid."""

_RULE = re.compile(r"[=\-+| ]+")
_COLUMN = re.compile(r"=+")
_CELL = re.compile(r"(?P<row>\*)?[ \t]*-(?:[ \t]+(?P<text>.*))?$")

Cells = list[str]


def table(lines: Sequence[str]) -> str:
    """A simple table or a grid, one row a line with ` | ` between its cells."""
    return _written(_grid(lines) if lines[0].startswith("+") else _simple(lines))


def list_table(lines: Sequence[str]) -> str:
    """The same of a list of lists: `* - cell`, then `  - cell`."""
    rows: list[Cells] = []
    for line in lines:
        cell = _CELL.match(line.strip())
        if cell and (cell["row"] or rows):
            if cell["row"]:
                rows.append([])
            rows[-1].append(cell["text"] or "")
        elif rows and line.strip():
            rows[-1][-1] += f" {line.strip()}"
    return _written(rows)


def _simple(lines: Sequence[str]) -> Iterator[Cells]:
    """A line whose first cell is empty goes on with the row above."""
    starts = [column.start() for column in _COLUMN.finditer(lines[0])]
    row: Cells = []
    for line in lines:
        if _RULE.fullmatch(line) or not line.strip():
            continue
        ends = [*starts[1:], len(line)]
        cells = [line[at:end].strip() for at, end in zip(starts, ends, strict=True)]
        if cells[0] and row:
            yield row
            row = []
        row = _joined(row, cells)
    if row:
        yield row


def _grid(lines: Sequence[str]) -> Iterator[Cells]:
    """A rule ends a row."""
    row: Cells = []
    for line in lines:
        if line.startswith("|"):
            row = _joined(row, [cell.strip() for cell in line.strip().strip("|").split("|")])
        elif row:
            yield row
            row = []
    if row:
        yield row


def _joined(row: Cells, cells: Cells) -> Cells:
    longest = max(len(row), len(cells))
    pairs = zip(_filled(row, longest), _filled(cells, longest), strict=True)
    return [f"{above} {below}".strip() for above, below in pairs]


def _filled(row: Cells, count: int) -> Cells:
    return row + [""] * (count - len(row))


def _written(rows: Iterator[Cells] | Sequence[Cells]) -> str:
    return "\n".join(" | ".join(row) for row in rows)
