"""Tables of `kubectl get`: from text to rows, and from rows to the objects they show.

Cells are cut where the header's columns begin, so that blank cells and cells with spaces stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kubelore.cluster import kinds
from kubelore.cluster.text.cells import join, label_map, listed, new, shown
from kubelore.cluster.text.event_rows import event_of
from kubelore.cluster.text.pod_row import pod_of
from kubelore.cluster.text.rows import BUILDERS, Row
from kubelore.cluster.text.times import ago, date_stamp
from kubelore.types import JsonObject

_HEADER = re.compile(r"[A-Z][A-Z0-9()/ \-]*")
_COLUMN = re.compile(r"\S+(?: \S+)*")
_GAP = re.compile(r"\s{2,}")
_EVENT = re.compile(
    r"(?P<seen>\d\w*|<\w+>)(?: \([^)]*\))?\s{2,}(?P<type>Normal|Warning)\s{2,}(?P<reason>\S+)\s{2,}"
    r"(?P<object>[a-z][\w.\-]*/\S+)(?:\s{2,}(?P<message>.*))?"
)
EVENT_COLUMNS = ("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE")


@dataclass(slots=True)
class Table:
    """One table. `cut`: its header is missing, so it is the end of a longer one. `unread` counts rows that
    fit no header."""

    columns: tuple[str, ...]
    rows: list[dict[str, str]] = field(default_factory=list)
    cut: bool = False
    unread: int = 0


def read_tables(text: str) -> list[Table]:
    """All tables of a text, as `get all` prints several; rows map column to cell, "" when blank."""
    tables: list[Table] = []
    starts: list[int] = []
    for line in text.expandtabs().splitlines():
        if not line.strip():
            continue
        if is_header(line):
            found = list(_COLUMN.finditer(line))
            starts = [match.start() for match in found]
            tables.append(Table(tuple(match.group() for match in found)))
        elif not tables:
            tables.append(Table(EVENT_COLUMNS, cut=True))
            _add_event(tables[-1], line)
        elif tables[-1].cut:
            _add_event(tables[-1], line)
        else:
            _add(tables[-1], starts, line)
    return tables


def is_header(line: str) -> bool:
    """Whether a line names columns: capitals only, and a column that tables begin with."""
    return bool(_HEADER.fullmatch(line.rstrip())) and line.split(maxsplit=1)[0] in {
        "NAME",
        "NAMESPACE",
        "LAST",
    }


def _add(table: Table, starts: Sequence[int], line: str) -> None:
    if all(line[start - 1] == " " for start in starts[1:] if start <= len(line)):
        ends = [*starts[1:], len(line)]
        cells = [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    else:
        cells = _GAP.split(line.strip())
    if len(cells) != len(table.columns):
        table.unread += 1
    elif cells[0] or not table.rows:
        table.rows.append(dict(zip(table.columns, cells, strict=True)))
    else:  # a wrapped row goes on
        row = table.rows[-1]
        row.update({c: f"{row[c]} {more}".strip() for c, more in zip(table.columns, cells, strict=True)})


def _add_event(table: Table, line: str) -> None:
    """The one kind of row that is told without a header: lists of events are often cut to their end."""
    match = _EVENT.fullmatch(line.rstrip())
    if match is None:
        table.unread += 1
        return
    row = dict(zip(EVENT_COLUMNS, match.group("seen", "type", "reason", "object", "message"), strict=True))
    table.rows.append({column: (cell or "").strip() for column, cell in row.items()})


def objects(kind: str, rows: Iterable[dict[str, str]], namespace: str, now: datetime) -> list[JsonObject]:
    """The objects that rows of one kind show: what the columns say and nothing more.

    `kind` is any name kubectl takes; a NAMESPACE column and a `kind/name` in the NAME column win. Kinds
    without columns of their own give name, labels and age.
    """
    found: list[JsonObject] = []
    seen: dict[tuple[str, ...], int] = {}
    for cells in rows:
        prefix, _, name = cells.get("NAME", "").rpartition("/")
        where = cells.get("NAMESPACE") or namespace
        known_kind = kinds.find(prefix or kind)
        plain = known_kind.kind if known_kind else prefix or kind
        row = Row(cells, now)
        if plain == "Event":
            found.append(event_of(row, where, seen))
        elif name:
            found.append(_object(plain, where, name, row))
    return found


def _object(kind: str, namespace: str, name: str, row: Row) -> JsonObject:
    name = name.removesuffix(" (default)")  # a StorageClass
    base = new(kind, namespace, name, metadata=_metadata(row))
    build = pod_of if kind == "Pod" else BUILDERS.get(kind)
    return join(base, build(row)) if build else base


def _metadata(row: Row) -> JsonObject:
    metadata: JsonObject = {}
    if "LABELS" in row.cells:
        metadata["labels"] = label_map(listed(row.cells["LABELS"]))
    created = ago(row.now, row.cells.get("AGE", "")) or date_stamp(row.cells.get("CREATED AT", ""))
    if created:
        metadata["creationTimestamp"] = created
    if shown(row.cells.get("STATUS", "")) == "Terminating":
        metadata["deletionTimestamp"] = row.at_least_now
    return metadata
