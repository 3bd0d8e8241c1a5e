"""Events, from `kubectl get events` and from the Events section of a description.

Neither shows an event's name. One is made from what the event says, so that the same event read twice is one.
"""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import sha256

from kubelore.cluster import kinds
from kubelore.cluster.text.cells import join, known, new, number, shown
from kubelore.cluster.text.rows import Row
from kubelore.cluster.text.times import ago
from kubelore.types import JsonObject

_REPEATED = re.compile(r"(?P<last>\S+) \(x(?P<count>\d+)(?: over (?P<first>\S+))?\)")

Seen = dict[tuple[str, ...], int]
"""How often one text has told the same so far; equal events of one text stay apart."""


def seen_times(cell: str, now: datetime) -> JsonObject:
    """count, firstTimestamp and lastTimestamp from `12m` or `2m (x5 over 10m)`."""
    match = _REPEATED.fullmatch(cell.strip())
    if match is None:
        moment = ago(now, cell)
        return known(lastTimestamp=moment, firstTimestamp=moment)
    last, first = ago(now, match["last"]), ago(now, match["first"] or match["last"])
    return known(count=number(match["count"]), lastTimestamp=last, firstTimestamp=first)


def build_event(about: JsonObject, namespace: str, said: JsonObject, seen: Seen) -> JsonObject:
    """The event about `about` (an involvedObject) that says `said` (type, reason, message, times)."""
    first_line = str(said.get("message", "")).partition("\n")[0].removesuffix("...")
    key = (
        about.get("kind", ""),
        about.get("name", ""),
        said.get("type", ""),
        said.get("reason", ""),
        first_line,
    )
    seen[key] = seen.get(key, 0) + 1
    digest = sha256("\0".join((*key, str(seen[key]))).encode("utf-8", "replace")).hexdigest()[:16]
    return join(
        new("Event", namespace, f"{about.get('name', '')}.{digest}"), {"involvedObject": about} | said
    )


def event_of(row: Row, namespace: str, seen: Seen) -> JsonObject:
    """One row of `get events`, whose OBJECT is `pod/web-0`."""
    prefix, _, name = row.text("OBJECT").partition("/")
    found = kinds.find(prefix)
    scoped = found is None or found.namespaced
    about = known(
        kind=found.kind if found else prefix.partition(".")[0].capitalize(),
        namespace=namespace if scoped else None,
        name=name,
        fieldPath=row.text("SUBOBJECT"),
    )
    said = known(type=row.text("TYPE"), reason=row.text("REASON")) | {"message": row.cells.get("MESSAGE", "")}
    said |= seen_times(row.cells.get("LAST SEEN") or row.cells.get("LASTSEEN", ""), row.now)
    said |= known(count=row.number("COUNT"), source=known(component=shown(row.cells.get("SOURCE", ""))))
    if first := row.ago("FIRST SEEN"):
        said["firstTimestamp"] = first
    return build_event(about, namespace, said, seen)
