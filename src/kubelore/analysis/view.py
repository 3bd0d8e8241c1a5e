"""One cluster, indexed: who owns, selects and runs what. Every answer comes from lists read once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from kubelore.protocols import Cluster
from kubelore.types import JsonObject, Ref

T = TypeVar("T")

FOLDED_OWNERS = {"ReplicaSet", "Job", "ReplicationController"}
"""Kinds that stand for their own controller when they have one."""

WORKLOAD_KINDS = (
    "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "ReplicaSet",
    "ReplicationController", "Pod",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One event of either API, whatever field it used. `count` is at least 1; times may be None."""

    object: Ref
    uid: str
    type: str
    reason: str
    message: str
    count: int
    first: datetime | None
    last: datetime | None


def parse_time(text: str | None) -> datetime | None:
    """RFC 3339 time as the API server writes it, always with a zone; None when absent or malformed."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def labels_of(obj: JsonObject) -> dict[str, str]:
    labels = (obj.get("metadata") or {}).get("labels") or {}
    return labels if None not in labels.values() else {k: v for k, v in labels.items() if v is not None}


def ref_of(obj: JsonObject) -> Ref:
    meta = obj.get("metadata") or {}
    return Ref(str(obj.get("kind", "")), meta.get("namespace") or "", meta.get("name") or "")


def matches_selector(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """A LabelSelector (`matchLabels`, `matchExpressions`) or a plain label map against labels.

    None matches nothing, an empty selector matches everything, as in the API.
    """
    if selector is None:
        return False
    if "matchLabels" in selector or "matchExpressions" in selector:
        plain = selector.get("matchLabels") or {}
        return all(labels.get(k) == v for k, v in plain.items()) and all(
            _matches_expression(e, labels) for e in selector.get("matchExpressions") or ()
        )
    return all(labels.get(k) == v for k, v in selector.items())


def _matches_expression(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator = expression.get("key", ""), expression.get("operator", "")
    values = expression.get("values") or []
    match operator:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case "Gt" | "Lt" if values and key in labels:
            try:
                left, right = int(labels[key]), int(values[0])
            except ValueError:
                return False
            return left > right if operator == "Gt" else left < right
    return False


class LabelIndex(Generic[T]):
    """Labelled things of one namespace, found by selector without walking all of them."""

    def __init__(self, pairs: Iterable[tuple[T, Mapping[str, str]]]) -> None:
        self._all = list(pairs)
        self._by_label: dict[tuple[str, str], list[tuple[T, Mapping[str, str]]]] = defaultdict(list)
        for thing, labels in self._all:
            for label in labels.items():
                self._by_label[label].append((thing, labels))

    def select(self, selector: Mapping[str, Any]) -> list[T]:
        structured = "matchLabels" in selector or "matchExpressions" in selector
        wanted = (selector.get("matchLabels") or {}) if structured else selector
        postings = (self._by_label.get(label, []) for label in wanted.items())
        rarest = min(postings, key=len, default=self._all)
        return [thing for thing, labels in rarest if matches_selector(selector, labels)]


class View:
    """Lazy indices over one `Cluster`. Build one per investigation; nothing in it goes stale."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.now = cluster.info.now
        self._by_name: dict[str, dict[tuple[str, str], JsonObject]] = {}
        self._by_namespace: dict[str, dict[str, list[JsonObject]]] = {}
        self._pod_labels: dict[str, LabelIndex[JsonObject]] = {}
        self._workload_labels: dict[str, LabelIndex[Ref]] = {}
        self._workloads: dict[str | None, list[Ref]] = {}
        self._workload_of: dict[int, tuple[JsonObject, Ref]] = {}
        self._built: dict[Callable[[View], Any], Any] = {}

    def once(self, build: Callable[[View], T]) -> T:
        """`build(self)`, made once and kept: for indices that several analyzers share."""
        if build not in self._built:
            self._built[build] = build(self)
        return cast(T, self._built[build])

    # -- objects ---------------------------------------------------------------------------------
    def all(self, kind: str, namespace: str | None = None) -> list[JsonObject]:
        if namespace is None:
            return list(self.cluster.list(kind))
        if kind not in self._by_namespace:
            index: dict[str, list[JsonObject]] = defaultdict(list)
            for obj in self.cluster.list(kind):
                index[(obj.get("metadata") or {}).get("namespace") or ""].append(obj)
            self._by_namespace[kind] = index
        return self._by_namespace[kind].get(namespace, [])

    def get(self, kind: str, namespace: str, name: str) -> JsonObject | None:
        if kind not in self._by_name:
            self._by_name[kind] = {
                (r.namespace, r.name): obj for obj in self.cluster.list(kind) for r in (ref_of(obj),)
            }
        return self._by_name[kind].get((namespace, name))

    def find(self, ref: Ref) -> JsonObject | None:
        return self.get(ref.kind, ref.namespace, ref.name)

    def exists(self, kind: str, namespace: str, name: str) -> bool | None:
        """None when the list could not be read, so that absence proves nothing."""
        if self.get(kind, namespace, name) is not None:
            return True
        return False if self.cluster.readable(kind) else None

    def namespaces(self) -> list[str]:
        names = {ref_of(o).name for o in self.cluster.list("Namespace")}
        return sorted(names | {ref_of(p).namespace for p in self.cluster.list("Pod")})

    # -- ownership -------------------------------------------------------------------------------
    def controller(self, obj: JsonObject) -> Ref | None:
        meta = obj.get("metadata") or {}
        for owner in meta.get("ownerReferences") or ():
            if owner.get("controller"):
                return Ref(owner.get("kind", ""), meta.get("namespace") or "", owner.get("name", ""))
        return None

    def workload_of(self, obj: JsonObject) -> Ref:
        """The object whose change changes this pod: follows controllers past ReplicaSets and Jobs."""
        known = self._workload_of.get(id(obj))
        if known is not None and known[0] is obj:
            return known[1]
        ref = ref_of(obj)
        self._workload_of[id(obj)] = (obj, ref)  # ends a circle of owners
        # A Deployment that an operator's resource controls is the workload itself, as it is for its pods;
        # a static pod, which its Node controls, is its own workload.
        owner = self.controller(obj) if ref.kind == "Pod" or ref.kind in FOLDED_OWNERS else None
        if owner is not None and owner.kind != "Node":
            found = self.find(owner) if owner.kind in FOLDED_OWNERS else None
            ref = self.workload_of(found) if found else owner
        self._workload_of[id(obj)] = (obj, ref)
        return ref

    @cached_property
    def _pods_by_workload(self) -> dict[Ref, list[JsonObject]]:
        index: dict[Ref, list[JsonObject]] = defaultdict(list)
        for pod in self.cluster.list("Pod"):
            index[self.workload_of(pod)].append(pod)
        return index

    def pods_of(self, workload: Ref) -> list[JsonObject]:
        if workload.kind == "Pod":
            pod = self.find(workload)
            return [pod] if pod else []
        return self._pods_by_workload.get(workload, [])

    @cached_property
    def _dependents(self) -> dict[Ref, list[JsonObject]]:
        index: dict[Ref, list[JsonObject]] = defaultdict(list)
        for kind in ("ReplicaSet", "Job"):
            for obj in self.cluster.list(kind):
                owner = self.controller(obj)
                if owner is not None:
                    index[owner].append(obj)
        return index

    def dependents(self, workload: Ref) -> list[JsonObject]:
        """ReplicaSets and Jobs that the workload controls directly."""
        return self._dependents.get(workload, []) if workload.kind in {"Deployment", "CronJob"} else []

    def pod_spec(self, workload: Ref) -> JsonObject:
        """The pod template's spec (or the pod's own); {} when the object is not there."""
        return self.pod_template(workload).get("spec") or {}

    def pod_template(self, workload: Ref) -> JsonObject:
        """The pod template (`metadata`, `spec`), or the bare pod itself; {} when not there."""
        obj = self.find(workload)
        if obj is None:
            pods = self.pods_of(workload)
            return pods[0] if pods else {}
        if workload.kind == "Pod":
            return obj
        spec = obj.get("spec") or {}
        if workload.kind == "CronJob":
            spec = (spec.get("jobTemplate") or {}).get("spec") or {}
        return spec.get("template") or {}

    def workloads(self, namespace: str | None = None) -> Iterable[Ref]:
        """All workloads: controllers with or without pods, and pods without controller."""
        if namespace not in self._workloads:
            seen: dict[Ref, None] = {}
            for kind in WORKLOAD_KINDS:
                for obj in self.all(kind, namespace):
                    seen.setdefault(self.workload_of(obj))
            self._workloads[namespace] = list(seen)
        return self._workloads[namespace]

    # -- selection -------------------------------------------------------------------------------
    def selected_pods(self, selector: Mapping[str, Any] | None, namespace: str) -> list[JsonObject]:
        if not selector:
            return []
        if namespace not in self._pod_labels:
            self._pod_labels[namespace] = LabelIndex((p, labels_of(p)) for p in self.all("Pod", namespace))
        return self._pod_labels[namespace].select(selector)

    def selected_workloads(self, selector: Mapping[str, Any] | None, namespace: str) -> list[Ref]:
        """Workloads whose pod template carries the selected labels, scaled to zero or not."""
        if not selector:
            return []
        if namespace not in self._workload_labels:
            pairs = ((w, self.template_labels(w)) for w in self.workloads(namespace))
            self._workload_labels[namespace] = LabelIndex(pairs)
        return self._workload_labels[namespace].select(selector)

    def template_labels(self, workload: Ref) -> Mapping[str, str]:
        return labels_of(self.pod_template(workload))

    # -- events ----------------------------------------------------------------------------------
    @cached_property
    def _events(self) -> dict[tuple[str, str, str], list[Event]]:
        index: dict[tuple[str, str, str], list[Event]] = defaultdict(list)
        for raw in self.cluster.list("Event"):
            event = read_event(raw)
            index[event.object.kind, event.object.namespace, event.object.name].append(event)
        for events in index.values():
            events.sort(key=lambda e: (e.last is not None, e.last or e.first))
        return index

    def all_events(self) -> Iterable[Event]:
        return (event for events in self._events.values() for event in events)

    def events_on(self, obj: JsonObject) -> list[Event]:
        """Events about exactly this object; those of a deleted namesake (another uid) are left out."""
        ref, uid = ref_of(obj), (obj.get("metadata") or {}).get("uid") or ""
        events = self._events.get((ref.kind, ref.namespace, ref.name), [])
        if not ref.namespace and not events:
            events = self._events.get((ref.kind, "default", ref.name), [])
        own_name_as_uid = {"", uid, ref.name}  # the kubelet writes a node's name as its uid
        return [e for e in events if not uid or e.uid in own_name_as_uid]

    def events_of(self, workload: Ref) -> list[Event]:
        """Events about the workload, what it controls and its pods, oldest first."""
        objects = [o for o in (self.find(workload),) if o]
        objects += self.dependents(workload)
        if workload.kind != "Pod":
            objects += self.pods_of(workload)
        return [event for obj in objects for event in self.events_on(obj)]


def read_event(raw: JsonObject) -> Event:
    """core/v1 and events.k8s.io/v1 alike: series, deprecated and new fields are folded."""
    about = raw.get("involvedObject") or raw.get("regarding") or {}
    series = raw.get("series") or {}
    first = raw.get("firstTimestamp") or raw.get("deprecatedFirstTimestamp") or raw.get("eventTime")
    last = series.get("lastObservedTime") or raw.get("lastTimestamp") or raw.get("deprecatedLastTimestamp")
    count = series.get("count") or raw.get("count") or raw.get("deprecatedCount") or 1
    return Event(
        object=Ref(about.get("kind", ""), about.get("namespace") or "", about.get("name", "")),
        uid=about.get("uid") or "",
        type=raw.get("type") or "Normal",
        reason=raw.get("reason") or "",
        message=raw.get("message") or raw.get("note") or "",
        count=int(count),
        first=parse_time(first),
        last=parse_time(last) or parse_time(first),
    )
