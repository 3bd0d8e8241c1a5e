"""Facts from what monitoring and nodes tell: alerts with their measures, and the state of node services."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from kubelore.analysis.backends import selected_workloads, selector_of
from kubelore.analysis.edges import nodes_of
from kubelore.analysis.programs import is_database_port
from kubelore.analysis.quantity import parse_quantity
from kubelore.analysis.quota import quota_class
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, ref_of
from kubelore.cluster.text.answers import Alert, Alerts, Measure
from kubelore.cluster.text.node_answers import ServiceStatus
from kubelore.types import Edge, Fact, JsonObject, Ref

NODE_SERVICES: Mapping[str, tuple[str, str]] = {
    "kubelet": ("node.reason", "kubelet-stopped"),
    "containerd": ("node.reason", "runtime-down"),
    "docker": ("node.reason", "runtime-down"),
    "crio": ("node.reason", "runtime-down"),
    "kube-proxy": ("component.down", "proxy"),
    "kube-scheduler": ("component.down", "scheduler"),
    "kube-controller-manager": ("component.down", "controller-manager"),
    "kube-apiserver": ("component.down", "api-server"),
    "etcd": ("component.down", "etcd"),
}
"""What it means that a service of this name does not run on a node."""
ADDRESS = re.compile(
    r"^\s+\w*(?:HOST|ADDR|ADDRESS|SERVER|ENDPOINT):\s*['\"]?([a-z][a-z0-9-]*)[a-z0-9.:-]*['\"]?\s*$",
    re.IGNORECASE | re.MULTILINE,
)
ORDINAL = re.compile(r"(.+)-\d{1,6}")
RARE = 4
"""One Service of so many that speaks another protocol is odd."""
SHARED_BY = 2
"""Slow workloads without a slow dependency that make a node suspect when all of them run there."""


def service_facts(node: Ref, name: str, status: ServiceStatus) -> Iterator[Fact]:
    stopped = status.active and status.active not in ("active", "activating", "reloading", "not-found")
    meaning = NODE_SERVICES.get(name)
    if stopped and meaning:
        detail = f"{name} on {node.name} is {status.active} ({status.sub})"
        yield Subject(node).fact(*meaning, detail, component=name)


def workload_named(view: View, namespace: str, name: str) -> Ref | None:
    """The workload that a service of this name stands for: the one its Service selects, or its namesake."""
    service = view.get("Service", namespace, name)
    behind = list(selected_workloads(view, service)) if service else []
    if behind:
        return behind[0]
    return next((w for w in view.workloads(namespace) if w.name == name), None)


def addresses_in(manifest: str) -> Iterator[str]:
    """Services that settings name under keys that say so, of printed Secrets as well: where a database is
    is no secret, and no other value of theirs is read."""
    yield from dict.fromkeys(match[1] for match in ADDRESS.finditer(manifest))


def databases_of(view: View, caller: Ref, edges: Iterable[Edge]) -> list[Ref]:
    """Workloads of databases behind the Services that a workload calls."""
    services = [view.find(e.target) for e in edges if e.source == caller and e.kind == "calls"]
    return list(dict.fromkeys(w for s in services if s and _is_database(s) for w in _serving(view, s)))


def _is_database(service: JsonObject) -> bool:
    return any(is_database_port(p.get("port")) for p in (service.get("spec") or {}).get("ports") or ())


def _serving(view: View, service: JsonObject) -> list[Ref]:
    """Workloads that it selects; where labels of pods were not seen, those that its selector names. Of its
    pods alone, a StatefulSet is known by their ordinals."""
    values = set(selector_of(service).values())
    named = [w for w in view.workloads(ref_of(service).namespace) if _stem(w) in values]
    return list(
        dict.fromkeys(
            replace(w, kind="StatefulSet", name=_stem(w)) if w.kind == "Pod" else w
            for w in named or selected_workloads(view, service)
        )
    )


def _stem(ref: Ref) -> str:
    match = ORDINAL.fullmatch(ref.name) if ref.kind == "Pod" else None
    return match[1] if match else ref.name


def odd_protocols(services: Iterable[JsonObject]) -> list[JsonObject]:
    """Services with ports of another protocol than nearly all others have."""
    by_protocol: dict[str, list[JsonObject]] = defaultdict(list)
    for service in services:
        for protocol in {p.get("protocol", "TCP") for p in (service.get("spec") or {}).get("ports") or ()}:
            by_protocol[protocol].append(service)
    most = max(map(len, by_protocol.values()), default=0)
    return [s for found in by_protocol.values() if len(found) * RARE <= most for s in found]


@dataclass(frozen=True, slots=True)
class Known:
    """Who calls whom, as far as it is known: all about those that were asked for, little about others."""

    calls: Mapping[Edge, None]
    asked: Mapping[Ref, None]


def alert_facts(view: View, namespace: str, alerts: Alerts, known: Known) -> list[Fact]:
    """Facts about workloads and nodes. `known` tells which slow ones merely wait for others."""
    facts: list[Fact] = []
    for alert in alerts.alerts:
        if alert.kind == "Node":
            facts += _node_facts(alert)
        else:
            workload = workload_named(view, namespace, alert.name)
            if workload is not None:
                facts += _workload_facts(workload, alert)
    slow = list(slow_ones(view, namespace, alerts))
    return [*facts, *_origins(view, namespace, slow, known)]


def _node_facts(alert: Alert) -> Iterator[Fact]:
    node = Subject(Ref("Node", "", alert.name))
    for sign in alert.signs:
        if "RETRANS" in sign.label.upper() or "LOSS" in sign.label.upper():
            yield node.fact("node.network", "lossy", sign.text)
        elif "MEMORY" in sign.label.upper() and "SATURATION" in sign.category:
            yield node.fact("node.usage", "memory-high", sign.text)


def _workload_facts(workload: Ref, alert: Alert) -> Iterator[Fact]:
    subject = Subject(workload)
    throttled = grown = ""
    for sign in alert.signs:
        if "LATENCY" in sign.category:
            yield subject.fact("latency", "high", sign.text)
        elif "ERROR" in sign.category:
            yield subject.fact("requests", "failing", sign.text)
        elif "SATURATION" in sign.category and "MEMORY" in sign.label.upper():
            yield subject.fact("usage.memory", "near-limit", sign.text)
        elif "SATURATION" in sign.category:
            throttled = (
                sign.text if "CFS" in sign.label.upper() or "THROTTL" in sign.text.upper() else throttled
            )
            grown = sign.text if sign.measures else grown
    if alert.error:
        yield subject.fact("requests", "failing", f"{alert.method} {alert.url}: {alert.error}")
    if throttled and grown:
        yield subject.fact("usage.cpu", "at-limit", throttled)
    elif throttled or grown:
        yield subject.fact("usage.cpu", "above-request", throttled or grown)


def failing_ones(view: View, namespace: str, alerts: Alerts) -> list[Ref]:
    """Workloads whose requests fail, by the word of those who sent them."""
    named = (workload_named(view, namespace, a.name) for a in alerts.alerts if a.error)
    return list(dict.fromkeys(w for w in named if w is not None))[:SHARED_BY]


def slowness(alert: Alert) -> float:
    """How many times longer requests take than usual; 0 when the alert does not say that they do."""
    signs = (sign for sign in alert.signs if "LATENCY" in sign.category)
    return max((_times(m) for sign in signs for m in sign.measures), default=0.0)


def _times(measure: Measure) -> float:
    return (measure.current or 0.0) / max(measure.normal, 1.0)


def slow_ones(view: View, namespace: str, alerts: Alerts) -> dict[Ref, float]:
    """Workloads whose requests take long, slowest by their own measure first."""
    found: dict[Ref, float] = {}
    for alert in alerts.alerts:
        workload = workload_named(view, namespace, alert.name) if slowness(alert) else None
        if workload is not None:
            found[workload] = slowness(alert)
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def longest(view: View, namespace: str, alerts: Alerts, among: Iterable[Ref]) -> Ref | None:
    """The one whose requests take longest now."""
    among = set(among)
    best: tuple[float, Ref | None] = (0.0, None)
    for alert in alerts.alerts:
        workload = workload_named(view, namespace, alert.name)
        if workload in among:
            signs = (sign for sign in alert.signs if "LATENCY" in sign.category)
            now = max((m.current or 0.0 for sign in signs for m in sign.measures), default=0.0)
            best = max(best, (now, workload), key=lambda pair: pair[0])
    return best[1]


def unexplained(view: View, namespace: str, slow: Iterable[Ref], calls: Iterable[Edge]) -> list[Ref]:
    """Those that are not known to call another slow one."""
    slow, calls = list(slow), list(calls)
    return [w for w in slow if _downstream(view, namespace, w, calls).isdisjoint(s for s in slow if s != w)]


def _origins(view: View, namespace: str, slow: list[Ref], known: Known) -> Iterator[Fact]:
    """Where the delay comes from: the slow ones that call nothing slow, the one that calls all of these, or
    the node they share."""
    calls = list(known.calls)
    origins = unexplained(view, namespace, slow, calls)
    nodes = {node for w in origins for node in nodes_of(view, w)}
    sure = [w for w in origins if w in known.asked]
    if len(origins) >= SHARED_BY and len(nodes) == 1:
        told = ", ".join(w.name for w in origins)
        yield Subject(nodes.pop()).fact("node.network", "slow", f"what is slow of itself runs there: {told}")
    elif len(origins) >= SHARED_BY:
        common = [w for w in slow if _direct(view, namespace, w, calls) >= set(origins)]
        sure = common if len(common) == 1 else sure
    for workload in slow:
        if workload in sure:
            yield Subject(workload).fact("latency.from", "origin", "nothing that it calls is slow of itself")
        elif workload not in origins or sure:
            yield Subject(workload).fact("latency.from", "waits-for-others", "it calls what is slow")


def _direct(view: View, namespace: str, workload: Ref, calls: list[Edge]) -> set[Ref]:
    called = (workload_named(view, namespace, e.target.name) for e in calls if e.source == workload)
    return {w for w in called if w is not None}


def _downstream(view: View, namespace: str, workload: Ref, calls: list[Edge]) -> set[Ref]:
    """Workloads that it calls, directly or not."""
    found: set[Ref] = set()
    queue = [workload]
    for caller in queue:
        for edge in calls:
            if edge.source == caller:
                callee = workload_named(view, namespace, edge.target.name)
                if callee is not None and callee not in found:
                    found.add(callee)
                    queue.append(callee)
    return found - {workload}


def refused_facts(view: View, namespace: str, absent: Iterable[tuple[Ref, JsonObject]]) -> Iterator[Fact]:
    """What is asked for, is not there, and is more than a quota of the namespace leaves."""
    for workload, obj in absent:
        ref, wanted = ref_of(obj), _counted(obj)
        for quota in view.all("ResourceQuota", namespace):
            status = quota.get("status") or {}
            hard, used = status.get("hard") or {}, status.get("used") or {}
            for resource, amount in wanted.items():
                limit, taken = parse_quantity(hard.get(resource)), parse_quantity(used.get(resource))
                if limit is not None and amount + (taken or 0.0) > limit:
                    name = ref_of(quota).name
                    detail = f"{ref} is not there, and quota {name} leaves too little {resource} for it"
                    params = {"quota": name, "resource": resource, "limit": str(hard[resource])}
                    yield Subject(workload).fact("create.error", "quota", detail, **params)
                    yield Subject(workload).fact("create.quota", quota_class(resource), detail, **params)


def _counted(obj: JsonObject) -> dict[str, float]:
    """What one object takes of a quota, of kinds that are counted."""
    spec = obj.get("spec") or {}
    match obj.get("kind"):
        case "Service":
            return {"services": 1.0, "count/services": 1.0}
        case "PersistentVolumeClaim":
            size = parse_quantity(((spec.get("resources") or {}).get("requests") or {}).get("storage"))
            return {"requests.storage": size or 0.0, "persistentvolumeclaims": 1.0}
        case _:
            return {}
