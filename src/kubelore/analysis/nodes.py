"""Nodes: whether they are ready, schedulable and have room, and why not."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from kubelore.analysis.events import read_family
from kubelore.analysis.placement import node_requests
from kubelore.analysis.registry import check
from kubelore.analysis.requests import amounts
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, parse_time, ref_of
from kubelore.types import Fact, Finding, JsonObject, Severity

LEASE_STALE = timedelta(seconds=40)
"""What the control plane waits for a node, at least."""
CLOCK_SKEW = timedelta(seconds=10)
"""By how much the clocks of nodes may differ."""
MAX_SKEW = 3
"""Minor versions that a kubelet may be older than the API server."""
FULL = 0.9
TROUBLE_WHEN_TRUE = {
    "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable", "KernelDeadlock",
    "ReadonlyFilesystem",
}  # fmt: skip
NAMES_A_PROBLEM = re.compile(
    "Pressure|Problem|Loss|Latency|Fail|Unhealthy|Deadlock|Corrupt|Unavailable|Leak|Error|Down$|Full$|NoSpace"
)
"""Types of conditions that detectors on the node add, and that are bad when true."""
SYSTEM_TAINTS = {
    "node.kubernetes.io/not-ready": "not-ready",
    "node.kubernetes.io/unreachable": "unreachable",
    "node.kubernetes.io/memory-pressure": "pressure",
    "node.kubernetes.io/disk-pressure": "pressure",
    "node.kubernetes.io/pid-pressure": "pressure",
    "node.kubernetes.io/network-unavailable": "not-ready",
    "node.cloudprovider.kubernetes.io/uninitialized": "uninitialized",
    "node-role.kubernetes.io/control-plane": "control-plane",
    "node-role.kubernetes.io/master": "control-plane",
}
KINDS = ("Node", "Lease", "Pod", "Event")
RECENT = timedelta(hours=1)


def node_facts(view: View, node: JsonObject) -> list[Fact]:
    """All facts about one node."""
    return [
        *_ready_facts(node),
        *_condition_facts(node),
        *_scheduling_facts(node),
        *_lease_facts(view, node),
        *_version_facts(view, node),
        *_room_facts(view, node),
        *_network_facts(view, node),
    ]


def _subject(node: JsonObject) -> Subject:
    return Subject(ref_of(node))


def conditions_of(obj: JsonObject) -> dict[str, JsonObject]:
    return {c.get("type") or "": c for c in (obj.get("status") or {}).get("conditions") or ()}


def _ready_facts(node: JsonObject) -> Iterator[Fact]:
    ready = conditions_of(node).get("Ready")
    if ready is None or ready.get("status") == "True":
        return
    name, message = ref_of(node).name, str(ready.get("message") or "")
    text = f"{ready.get('reason') or ''} {message}"
    detail = f"Node {name} is not ready: {message or ready.get('reason') or 'no reason given'}"
    value = "False" if ready.get("status") == "False" else "Unknown"
    yield _subject(node).fact("node.ready", value, detail, node=name)
    yield _subject(node).fact("node.reason", read_family("node", text).label, detail, node=name)


def _condition_facts(node: JsonObject) -> Iterator[Fact]:
    name = ref_of(node).name
    for kind, condition in conditions_of(node).items():
        value = _problem(kind)
        if condition.get("status") != "True" or not value:
            continue
        said = condition.get("message") or condition.get("reason") or ""
        detail = f"Node {name}: {kind} is true: {said}"
        yield _subject(node).fact("node.condition", value, detail, node=name)
        network = read_family("network", f"{kind} {condition.get('reason') or ''} {said}").label
        if network:
            yield _subject(node).fact("node.network", network, detail, node=name)


def _problem(condition: str) -> str:
    """Value of node.condition for a type that is bad when true; "" for one that is not."""
    if condition in TROUBLE_WHEN_TRUE:
        return condition
    if condition.startswith("Frequent") and condition.endswith("Restart"):
        return "FrequentRestart"
    return "other" if NAMES_A_PROBLEM.search(condition) else ""


def _scheduling_facts(node: JsonObject) -> Iterator[Fact]:
    name, spec = ref_of(node).name, node.get("spec") or {}
    if spec.get("unschedulable"):
        yield _subject(node).fact(
            "node.cordoned", "yes", f"Node {name} is cordoned (unschedulable).", node=name
        )
    for taint in spec.get("taints") or ():
        key, effect = taint.get("key", ""), taint.get("effect", "")
        if key == "node.kubernetes.io/unschedulable" or effect == "PreferNoSchedule":
            continue
        value = SYSTEM_TAINTS.get(key) or f"custom-{effect or 'NoSchedule'}"
        text = f"{key}={taint['value']}:{effect}" if taint.get("value") else f"{key}:{effect}"
        yield _subject(node).fact(
            "node.taint", value, f"Node {name} has taint {text}.", node=name, taint=text
        )


def _lease_facts(view: View, node: JsonObject) -> Iterator[Fact]:
    name = ref_of(node).name
    spec = (view.get("Lease", "kube-node-lease", name) or {}).get("spec") or {}
    renewed, newest = parse_time(spec.get("renewTime")), view.once(_newest_renewal)
    allowed = max(LEASE_STALE, timedelta(seconds=spec.get("leaseDurationSeconds") or 0)) + CLOCK_SKEW
    if renewed is not None and newest is not None and newest - renewed > allowed:
        seconds = int((newest - renewed).total_seconds())
        detail = f"Node {name} last renewed its lease {seconds} s ago."
        yield _subject(node).fact("node.lease", "stale", detail, node=name)


def _newest_renewal(view: View) -> datetime | None:
    """The newest sign of life of anything in the cluster: our own clock may be off, or a capture long."""
    times = (parse_time((lease.get("spec") or {}).get("renewTime")) for lease in view.all("Lease"))
    newest = max((t for t in times if t is not None), default=None)
    return min(newest, view.now) if newest else None


def _version_facts(view: View, node: JsonObject) -> Iterator[Fact]:
    kubelet = ((node.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion") or ""
    theirs, ours = _minor(kubelet), _minor(view.cluster.info.server_version)
    if theirs is not None and ours is not None and not 0 <= ours - theirs <= MAX_SKEW:
        name = ref_of(node).name
        detail = f"Node {name} runs kubelet {kubelet}, the API server {view.cluster.info.server_version}."
        yield _subject(node).fact("node.version", "skewed", detail, node=name)


def _minor(version: str) -> int | None:
    match = re.match(r"v?1\.(\d+)", version)
    return int(match[1]) if match else None


def _room_facts(view: View, node: JsonObject) -> Iterator[Fact]:
    name = ref_of(node).name
    allocatable = amounts((node.get("status") or {}).get("allocatable"))
    requested = view.once(node_requests).get(name, {})
    used = view.once(_usage_by_node).get(name, {})
    pods, limit = int(requested.get("pods", 0)), int(allocatable.get("pods", 0))
    if limit and pods >= limit:
        detail = f"Node {name} runs {pods} pods of {limit}."
        yield _subject(node).fact("node.pods", "at-limit", detail, node=name, used=pods, limit=limit)
    for resource in ("cpu", "memory"):
        room = allocatable.get(resource)
        if room:
            yield from _share(node, "node.requests", resource, requested.get(resource, 0.0) / room)
            yield from _share(node, "node.usage", resource, used.get(resource, 0.0) / room)


def _network_facts(view: View, node: JsonObject) -> Iterator[Fact]:
    """What a detector on the node wrote of its network, unless long ago."""
    for event in view.events_on(node):
        recent = event.last is not None and view.now - event.last <= RECENT
        network = (
            read_family("network", f"{event.reason}: {event.message}") if event.type == "Warning" else None
        )
        if recent and network is not None and network.label:
            detail = f"Node {ref_of(node).name}: {event.reason}, {event.message} ({event.count} times)."
            yield _subject(node).fact("node.network", network.label, detail, node=ref_of(node).name)


def _share(node: JsonObject, key: str, resource: str, share: float) -> Iterator[Fact]:
    if share >= FULL:
        name = ref_of(node).name
        value, what = ("full", "requested") if key == "node.requests" else ("high", "used")
        detail = f"Node {name}: {share:.0%} of its allocatable {resource} is {what}."
        yield _subject(node).fact(key, f"{resource}-{value}", detail, node=name, resource=resource)


def _usage_by_node(view: View) -> dict[str, dict[str, float]]:
    return {ref_of(item).name: amounts(item.get("usage")) for item in view.cluster.metrics("Node")}


# -- analyzer -----------------------------------------------------------------------------------
@check("nodes", *KINDS)
def broken_nodes(view: View, namespace: str | None) -> Iterable[Finding]:
    """Nodes that are not ready, cordoned, under pressure, out of date or full."""
    for node in view.all("Node"):
        facts = node_facts(view, node)
        by_key: dict[str, list[Fact]] = defaultdict(list)
        for fact in facts:
            by_key[fact.key].append(fact)
        yield from _findings(node, by_key)


def _findings(node: JsonObject, by_key: dict[str, list[Fact]]) -> Iterator[Finding]:
    ref = ref_of(node)

    def finding(severity: Severity, facts: list[Fact], *more: str) -> Finding:
        rest = [f for key in more for f in by_key[key]]
        return Finding(severity, ref, facts[0].detail.rstrip("."), (*facts, *rest), "nodes")

    not_ready = by_key["node.ready"]
    if not_ready:
        yield finding(Severity.CRITICAL, not_ready, "node.reason", "node.lease", "node.taint")
    elif by_key["node.lease"]:
        yield finding(Severity.CRITICAL, by_key["node.lease"])
    for fact in by_key["node.condition"]:
        yield finding(Severity.CRITICAL, [fact], "node.network", "node.usage", "node.taint")
    if by_key["node.cordoned"]:
        yield finding(Severity.WARNING, by_key["node.cordoned"])
    if by_key["node.version"]:
        yield finding(Severity.WARNING, by_key["node.version"])
    if by_key["node.network"]:
        yield finding(Severity.CRITICAL, by_key["node.network"])
    if by_key["node.pods"]:
        yield finding(Severity.WARNING, by_key["node.pods"])
    for fact in by_key["node.usage"]:
        # Processor time that is all in use is a good buy; memory that runs out evicts.
        severity = Severity.WARNING if fact.value == "memory-high" else Severity.INFO
        yield finding(severity, [fact], "node.requests")
    unready = not_ready or by_key["node.condition"]
    for fact in [] if unready else by_key["node.taint"]:
        # A taint of the user's own is how dedicated nodes are made; the pods that miss it say so.
        severity = (
            Severity.INFO
            if fact.value.startswith("custom") or fact.value == "control-plane"
            else Severity.WARNING
        )
        yield finding(severity, [fact])
