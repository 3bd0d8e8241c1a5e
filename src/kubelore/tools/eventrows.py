"""Events that say the same thing, as one row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from kubelore.analysis.view import Event
from kubelore.tools.loglines import normal_form

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Row:
    """Events that differ in numbers, generated names and times only. `event` is the newest of them."""

    event: Event
    count: int
    last: datetime | None


def fold(events: Iterable[Event]) -> list[Row]:
    """One row for each object, type, reason and message; the oldest first, undated ones before all."""
    rows: dict[tuple[object, ...], Row] = {}
    for event in events:
        key = (event.object, event.type, event.reason, normal_form(event.message))
        row = rows.setdefault(key, Row(event, 0, None))
        row.count += event.count
        if event.last and (row.last is None or event.last > row.last):
            row.event, row.last = event, event.last
    return sorted(rows.values(), key=lambda row: row.last or LONG_AGO)
