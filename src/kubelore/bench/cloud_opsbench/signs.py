"""Facts from what monitoring and nodes tell: alerts with their measures, and the state of node services."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from kubelore.analysis.backends import selected_workloads, selector_of
from kubelore.analysis.programs import is_database_port
from kubelore.analysis.quantity import parse_quantity
from kubelore.analysis.quota import quota_class
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, ref_of
from kubelore.cluster.text.answers import Alert, Alerts
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
NOT_FOUND = re.compile(r"\b404\b")
ORDINAL = re.compile(r"(.+)-\d{1,6}")
RARE = 4
"""One Service of so many that speaks another protocol is odd."""
MAX_FAILING = 2


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


def alert_facts(view: View, namespace: str, alerts: Alerts) -> Iterator[Fact]:
    """Facts about workloads and nodes."""
    for alert in alerts.alerts:
        if alert.kind == "Node":
            yield from _usage_facts(alert)
            continue
        workload = workload_named(view, namespace, alert.name)
        if workload is not None:
            yield from _workload_facts(workload, alert)
    yield from _lossy(alerts)
    yield from _surge(view, namespace, alerts)


def _usage_facts(alert: Alert) -> Iterator[Fact]:
    for sign in alert.signs:
        if "MEMORY" in sign.label.upper() and "SATURATION" in sign.category:
            yield Subject(Ref("Node", "", alert.name)).fact("node.usage", "memory-high", sign.text)


def _lossy(alerts: Alerts) -> Iterator[Fact]:
    """The node that sends most packets anew: who speaks to it has to repeat some as well."""
    lost = [
        (max((m.current or 0.0 for m in sign.measures), default=0.0), alert.name, sign.text)
        for alert in alerts.alerts
        for sign in alert.signs
        if alert.kind == "Node" and ("RETRANS" in sign.label.upper() or "LOSS" in sign.label.upper())
    ]
    if lost:
        _, name, text = max(lost)
        yield Subject(Ref("Node", "", name)).fact("node.network", "lossy", text)


def _surge(view: View, namespace: str, alerts: Alerts) -> Iterator[Fact]:
    """The only one whose packets grew, while its requests did not."""
    grown = [
        (alert.name, sign.text)
        for alert in alerts.alerts
        for sign in alert.signs
        if "TRAFFIC" in sign.category and any((m.current or 0.0) > m.normal for m in sign.measures)
    ]
    asked_more = {a.name for a in alerts.alerts for s in a.signs if s.category.endswith("_SURGE")}
    workload = workload_named(view, namespace, grown[0][0]) if len({name for name, _ in grown}) == 1 else None
    if workload is not None and not asked_more:
        yield Subject(workload).fact("traffic", "surge", grown[0][1])


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
        yield from _failing(subject, alert)
    if throttled and grown:
        yield subject.fact("usage.cpu", "at-limit", throttled)
    elif throttled or grown:
        yield subject.fact("usage.cpu", "above-request", throttled or grown)


def _failing(subject: Subject, alert: Alert) -> Iterator[Fact]:
    detail = f"{alert.method} {alert.url}: {alert.error}"
    if NOT_FOUND.search(alert.error):
        service = Ref("Service", subject.about.namespace, alert.name)
        yield Subject(service).fact("requests", "not-found", detail)
    yield subject.fact("requests", "failing", detail)


def failing_ones(view: View, namespace: str, alerts: Alerts) -> list[Ref]:
    """Workloads whose requests fail, by the word of those who sent them."""
    named = (workload_named(view, namespace, a.name) for a in alerts.alerts if a.error)
    return list(dict.fromkeys(w for w in named if w is not None))[:MAX_FAILING]


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
