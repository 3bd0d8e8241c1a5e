"""Texts of `kubectl describe`, of one object or of many, as objects and Events.

Only a description's own words count: what it leaves out stays out, and what it always tells (labels, taints,
probes) is told even when it is empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from kubelore.cluster import kinds
from kubelore.cluster.text import describe_cluster as cluster
from kubelore.cluster.text import describe_network as network
from kubelore.cluster.text import describe_storage as storage
from kubelore.cluster.text import describe_workload as workload
from kubelore.cluster.text.cells import join, known, label_map, new, owned_by, shown
from kubelore.cluster.text.described import Described, top_keys
from kubelore.cluster.text.event_rows import Seen, build_event, seen_times
from kubelore.cluster.text.merge import Partial, Source
from kubelore.cluster.text.outline import Entry, read_outline, read_table
from kubelore.cluster.text.times import ago, date_stamp, parse_age, parse_date
from kubelore.types import JsonObject

_EXACT = timedelta(minutes=10)
"""Up to here kubectl prints ages with their seconds."""
_TERMINATING = re.compile(r"Terminating(?: \(lasts (\S+)\))?")
_NEXT = re.compile(r"\n\n\n+(?=Name: {2,}\S+\n[A-Z][A-Za-z -]*:)")
_FIELD_PATH = re.compile(r"(spec\.\w+\{[^}]*\}): ")
"""In front of the message of an event about one container, by newer versions of kubectl."""
_EVENTS = re.compile(r"Events:\s*(?:<none>)?\s*")

_BUILDERS: Mapping[str, Callable[[Described], JsonObject]] = MappingProxyType(
    workload.BUILDERS | network.BUILDERS | storage.BUILDERS | cluster.BUILDERS
)
_COMPANIONS: Mapping[str, Callable[[Described], list[JsonObject]]] = MappingProxyType(
    workload.COMPANIONS | network.COMPANIONS | cluster.COMPANIONS
)
"""Objects that a description tells of besides its own: a node's Lease, a Deployment's ReplicaSets."""


def is_description(text: str) -> bool:
    return text.lstrip().startswith("Name:")


def describe(kind: str, text: str, namespace: str, now: datetime) -> list[Partial]:
    """The objects described, what their descriptions tell of others, and their Events.

    `kind` is any name kubectl takes. `namespace` is for kinds whose description does not name theirs.
    """
    found: list[Partial] = []
    for part in _NEXT.split(text.expandtabs().strip("\n")):
        if part.strip():
            found += _describe_one(kind, part, namespace, now)
    return found


def _describe_one(kind: str, text: str, namespace: str, now: datetime) -> list[Partial]:
    lines = text.splitlines()
    about, events = _without_events(lines)
    outline = read_outline(about, top_keys())
    now = _printed_at(outline, events) or now
    described = Described(outline, about, shown(outline.text("Namespace")) or namespace, now)
    name = shown(outline.text("Name"))
    if not name:
        return []
    resolved = kinds.find(kind)
    plain = resolved.kind if resolved else kind
    build = _BUILDERS.get(plain)
    obj = new(plain, described.namespace, name, metadata=_metadata(described))
    if build:
        obj = join(obj, build(described))
    companions = _COMPANIONS[plain](described) if plain in _COMPANIONS else []
    own = [obj, *_events(obj, events, described)]
    return [*((Source.DESCRIPTION, o) for o in own), *((Source.MENTION, o) for o in companions)]


def printed_at(text: str) -> datetime | None:
    """When a pod's description was printed, for a collection takes minutes; None where it does not tell.

    Start Time is a date, and an event tells how long ago the pod got its node, which is the same moment.
    """
    about, events = _without_events(text.splitlines())
    return _printed_at(read_outline(about, top_keys()), events)


def _printed_at(outline: Entry, events: list[str]) -> datetime | None:
    started = parse_date(outline.text("Start Time"))
    ages = [parse_age(row.get("Age", "")) for row in read_table(events) if row.get("Reason") == "Scheduled"]
    if started is None or len(ages) != 1 or ages[0] is None or ages[0] > _EXACT:
        return None
    return started + ages[0]


def _without_events(lines: list[str]) -> tuple[list[str], list[str]]:
    """The lines before the last section `Events:` and those in it."""
    at = max((i for i, line in enumerate(lines) if _EVENTS.fullmatch(line)), default=len(lines))
    return lines[:at], lines[at + 1 :]


def _metadata(described: Described) -> JsonObject:
    outline = described.outline
    created = next(
        (outline.text(k) for k in ("CreationTimestamp", "Created on", "Created") if outline.has(k)), ""
    )
    metadata: JsonObject = {"ownerReferences": owned_by(outline.text("Controlled By")) or []}
    metadata |= known(
        creationTimestamp=date_stamp(created),
        deletionTimestamp=_deleted(described),
        finalizers=shown(outline.text("Finalizers")).strip("[]").split() or None,
    )
    if outline.has("Labels"):
        metadata["labels"] = label_map(shown(line) for line in outline.get("Labels").lines())
    if outline.has("Annotations"):
        metadata["annotations"] = _annotations(outline.get("Annotations"))
    return metadata


def _deleted(described: Described) -> str | None:
    """From `Terminating (lasts 5m)`."""
    leaving = _TERMINATING.fullmatch(described.text("Status"))
    if leaving is None:
        return None
    return ago(described.now, leaving[1] or "0s")


def _annotations(section: Entry) -> dict[str, str]:
    """`key: value` lines; a value that was shortened is left out."""
    pairs = (line.partition(":") for line in section.lines() if ":" in line)
    return {
        key.strip(): value.strip() for key, _, value in pairs if " " not in key and not value.endswith("...")
    }


def _events(obj: JsonObject, lines: list[str], described: Described) -> Iterator[JsonObject]:
    metadata = obj["metadata"]
    about = known(kind=obj["kind"], namespace=metadata.get("namespace"), name=metadata["name"])
    seen: Seen = {}
    for row in read_table(lines):
        if "Reason" not in row or "Message" not in row:
            return
        where = _FIELD_PATH.match(row["Message"])
        said = known(
            type=row.get("Type"), reason=row["Reason"], source=known(component=shown(row.get("From", "")))
        )
        said |= {"message": row["Message"][where.end() if where else 0 :]}
        said |= seen_times(row.get("Age", ""), described.now)
        place = about | known(fieldPath=where[1] if where else None)
        yield build_event(place, metadata.get("namespace") or "default", said, seen)
