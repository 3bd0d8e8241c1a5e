"""Facts from what monitoring and nodes tell: alerts with their measures, and the state of node services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kubelore.analysis.backends import selected_workloads
from kubelore.analysis.edges import nodes_of
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View
from kubelore.cluster.text.answers import Alert, Alerts
from kubelore.cluster.text.node_answers import ServiceStatus
from kubelore.types import Edge, Fact, Ref

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


def alert_facts(view: View, namespace: str, alerts: Alerts, calls: Iterable[Edge]) -> list[Fact]:
    """Facts about workloads and nodes. `calls` tells which slow ones merely wait for others."""
    facts: list[Fact] = []
    slow: dict[Ref, Alert] = {}
    for alert in alerts.alerts:
        if alert.kind == "Node":
            facts += _node_facts(alert)
        else:
            workload = workload_named(view, namespace, alert.name)
            if workload is not None:
                facts += _workload_facts(workload, alert)
                if _has(alert, "LATENCY"):
                    slow[workload] = alert
    return [*facts, *_origins(view, namespace, slow, list(calls))]


def _has(alert: Alert, word: str) -> bool:
    return any(word in sign.category or word in sign.label.upper() for sign in alert.signs)


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


def _origins(view: View, namespace: str, slow: Mapping[Ref, Alert], calls: list[Edge]) -> Iterator[Fact]:
    """Slow workloads that call nothing slow: where the delay comes from, or the node they share."""
    waiting = {w for w in slow if not _downstream(view, namespace, w, calls).isdisjoint(set(slow) - {w})}
    origins = [w for w in slow if w not in waiting]
    nodes = {node for w in origins for node in nodes_of(view, w)}
    for workload in slow:
        value = "origin" if workload in origins else "waits-for-others"
        if calls or len(slow) == 1:
            yield Subject(workload).fact("latency.from", value, f"{len(slow)} workloads are slow")
    if calls and len(origins) >= SHARED_BY and len(nodes) == 1:
        told = ", ".join(w.name for w in origins)
        yield Subject(nodes.pop()).fact("node.network", "slow", f"what is slow of itself runs there: {told}")


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
