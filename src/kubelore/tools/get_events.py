"""GET_EVENTS: what the cluster reported about one object, a namespace or everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kubelore.analysis.edges import edges_of
from kubelore.analysis.podstate import Case, condition, event_facts
from kubelore.analysis.settings import object_facts
from kubelore.analysis.subject import Subject, subject_of
from kubelore.analysis.view import Event, View, parse_time
from kubelore.tools.arguments import Target, read
from kubelore.tools.eventrows import Row, fold
from kubelore.tools.layout_pod import WORKLOADS
from kubelore.tools.resolve import Resolver
from kubelore.tools.text import age, table
from kubelore.types import Fact, JsonObject, Observation, Ref

MAX_ROWS = 100
"""Rows shown for each type; Warnings come first."""


ABSENCE = ("pod.events", "pod.scheduling_event")
"""Facts that a lack of events gives."""


class GetEvents:
    name = "GET_EVENTS"
    usage = "[namespace] [object]  events, Warnings first, repeated ones counted; -A for all namespaces"

    def __init__(self, view: View) -> None:
        self._view = view
        self._resolver = Resolver(view)

    def run(self, args: str) -> Observation:
        return self.of(read(args))

    def of(self, target: Target, only: frozenset[str] = frozenset()) -> Observation:
        """Events of what a target names; `only` limits their types."""
        found = self._resolver.maybe(target)
        if found is None:
            namespace = self._resolver.namespace(target)
            events = [e for e in self._view.all_events() if namespace in (None, e.object.namespace)]
            events = [e for e in events if not only or e.type in only]
            where = f"in namespace {namespace}" if namespace else "in all namespaces"
            return Observation(
                text=shown(self._view, events, where),
                facts=tuple(dict.fromkeys(self._facts(events))),
                covers=((self.name, Ref("Namespace", "", namespace or "*")),),
                not_checked=self._view.cluster.not_checked(),
            )
        ref = found.ref
        own = self._view.events_of(ref) if ref.kind in WORKLOADS else self._view.events_on(found.obj)
        own = [e for e in own if not only or e.type in only]
        about = tuple(dict.fromkeys((self._view.workload_of(found.obj), ref)))
        absent = [f for r in about for f in object_facts(self._view, r) if f.key in ABSENCE]
        text = shown(self._view, own, f"about {ref}")
        return Observation(
            text=f"{found.note}\n{text}" if found.note else text,
            facts=tuple(dict.fromkeys([*self._facts(own), *absent])),
            edges=tuple(dict.fromkeys(e for r in about for e in edges_of(self._view, r))),
            covers=tuple((self.name, r) for r in about),
            not_checked=self._view.cluster.not_checked(),
        )

    def _facts(self, events: Iterable[Event]) -> Iterator[Fact]:
        """Facts of Warnings that still hold; what is known to be gone gives none."""
        by_object: dict[Ref, list[Event]] = {}
        for event in events:
            if event.type != "Normal":
                by_object.setdefault(event.object, []).append(event)
        for ref, found in by_object.items():
            obj = self._view.find(ref)
            if obj is not None:
                yield from event_facts(subject_of(self._view, obj), current(self._view, obj, found))
            elif self._view.exists(ref.kind, ref.namespace, ref.name) is None:
                yield from event_facts(Subject(ref), found)


def current(view: View, obj: JsonObject, events: Sequence[Event]) -> list[Event]:
    """Without events of a namesake, of a stage that a pod has passed, or from before it became ready."""
    own = Case(view, obj).events if obj.get("kind") == "Pod" else view.events_on(obj)
    ready = condition(obj, "Ready") if obj.get("kind") == "Pod" else {}
    since = parse_time(ready.get("lastTransitionTime")) if ready.get("status") == "True" else None
    return [e for e in events if e in own and not (since and e.last and e.last < since)]


def shown(view: View, events: Iterable[Event], where: str) -> str:
    """Rows of events, Warnings first, the newest first; those that differ in numbers only are one row."""
    rows = fold(events)
    if not rows:
        unread = "" if view.cluster.readable("Event") else "; events could not be read"
        return f"No events {where}{unread}."
    ordered = rows[::-1]
    warnings = [row for row in ordered if row.event.type != "Normal"]
    normal = [row for row in ordered if row.event.type == "Normal"]
    total = sum(row.count for row in rows)
    parts = [f"{total} events {where}: {len(warnings)} kinds of Warning, {len(normal)} normal"]
    kept = [*warnings[:MAX_ROWS], *normal[:MAX_ROWS]]
    parts.append(
        table(("LAST", "COUNT", "TYPE", "REASON", "OBJECT", "MESSAGE"), (_cells(view, r) for r in kept))
    )
    if len(kept) < len(rows):
        parts.append(f"... {len(rows) - len(kept)} more rows; name an object or a namespace to see them")
    return "\n".join(parts)


def _cells(view: View, row: Row) -> tuple[str, ...]:
    event = row.event
    where = f"{event.object.kind}/{event.object.namespace}/{event.object.name}"
    message = " ".join(event.message.split())
    return age(row.last, view.now), str(row.count), event.type, event.reason, where, message
