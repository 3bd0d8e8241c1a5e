"""Controllers of pods: pods that are not created, replicas that are missing, nodes that are not reached."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from kubelore.analysis.creation import CREATE_REASONS, create_facts
from kubelore.analysis.events import newest
from kubelore.analysis.placement import (
    CONTROL_PLANE_TAINTS,
    is_ready,
    selects_node,
    taint_text,
    untolerated,
)
from kubelore.analysis.podstate import age, age_of, condition, is_terminating, shortened
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject, subject_of
from kubelore.analysis.view import Event, View, parse_time, ref_of
from kubelore.types import Finding, JsonObject, Severity

ROLLOUT_PATIENCE = timedelta(minutes=2)
"""How long replicas may be missing after the last sign of progress."""
KINDS = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")


def desired(obj: JsonObject) -> int:
    replicas = (obj.get("spec") or {}).get("replicas")
    return 1 if replicas is None else int(replicas)


def available(obj: JsonObject) -> int:
    """Available replicas; StatefulSets of old servers report only ready ones."""
    status = obj.get("status") or {}
    return int(status.get("availableReplicas") or status.get("numberAvailable") or 0) or (
        int(status.get("readyReplicas") or 0) if obj.get("kind") == "StatefulSet" else 0
    )


def standing(view: View, kind: str, namespace: str | None) -> Iterator[JsonObject]:
    """Objects of one kind that nobody is deleting."""
    for obj in view.all(kind, namespace):
        if not is_terminating(obj):
            yield obj


# -- pods that cannot be created -----------------------------------------------------------------------
@check("creation", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Event")
def creation(view: View, namespace: str | None) -> Iterator[Finding]:
    """Controllers that may not create what they should: quota, limits, accounts, webhooks, policies."""
    for kind in ("ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job", "CronJob"):
        for obj in standing(view, kind, namespace):
            events = [e for e in view.events_on(obj) if e.type == "Warning" and e.reason in CREATE_REASONS]
            message = _refusal(obj, events)
            if message and _is_short(obj):
                yield _creation_finding(view, obj, message, events)


def _refusal(obj: JsonObject, events: list[Event]) -> str:
    state = condition(obj, "ReplicaFailure")
    if state.get("status") == "True" and state.get("message"):
        return str(state["message"])
    event = newest(events)
    return event.message if event else ""


def _is_short(obj: JsonObject) -> bool:
    """Whether pods are missing still: a refusal that was overcome is history."""
    status, spec = obj.get("status") or {}, obj.get("spec") or {}
    match obj.get("kind"):
        case "DaemonSet":
            wanted = int(status.get("desiredNumberScheduled") or 0)
            return int(status.get("currentNumberScheduled") or 0) < wanted
        case "Job":
            settled = any(condition(obj, c).get("status") == "True" for c in ("Complete", "Failed"))
            return not settled and not status.get("active") and not spec.get("suspend")
        case "CronJob":
            return not status.get("active")
    return int(status.get("replicas") or 0) < desired(obj)


def _creation_finding(view: View, obj: JsonObject, message: str, events: list[Event]) -> Finding:
    subject = subject_of(view, obj)
    facts = create_facts(subject, message, events)
    status = obj.get("status") or {}
    if obj.get("kind") not in ("Job", "CronJob"):
        wanted = int(status.get("desiredNumberScheduled") or desired(obj))
        existing = int(status.get("replicas") or status.get("currentNumberScheduled") or 0)
        value = "fewer-than-desired" if existing else "none"
        facts.append(
            subject.fact("workload.pods", value, f"{existing} of {wanted} pods exist", replicas=wanted)
        )
    what = f"pods cannot be created: {shortened(message)}"
    return Finding(Severity.CRITICAL, subject.about, what, tuple(facts), "creation")


# -- replicas that are missing -------------------------------------------------------------------------
@check(
    "replicas", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Service", "HorizontalPodAutoscaler"
)
def replicas(view: View, namespace: str | None) -> Iterator[Finding]:
    """Workloads with fewer available replicas than asked for."""
    for kind in KINDS:
        for obj in standing(view, kind, namespace):
            if kind in ("ReplicaSet", "ReplicationController") and view.controller(obj):
                continue
            wanted = desired(obj)
            if available(obj) < wanted and _has_waited(view, obj):
                yield _short_of_replicas(view, obj, available(obj), wanted)
    for obj in standing(view, "DaemonSet", namespace):
        status = obj.get("status") or {}
        wanted = int(status.get("desiredNumberScheduled") or 0)
        if int(status.get("numberReady") or 0) < wanted and age_of(view, obj) > ROLLOUT_PATIENCE:
            yield _short_of_replicas(view, obj, int(status.get("numberReady") or 0), wanted)


def _has_waited(view: View, obj: JsonObject) -> bool:
    """No progress for a while. A StatefulSet's status has no times: its newest pod stands in."""
    times = [
        c.get(field)
        for kind in ("Progressing", "Available", "ReplicaFailure")
        for c in (condition(obj, kind),)
        for field in ("lastUpdateTime", "lastTransitionTime")
    ]
    pods = view.pods_of(ref_of(obj))
    times += [(p.get("metadata") or {}).get("creationTimestamp") for p in pods]
    times.append((obj.get("metadata") or {}).get("creationTimestamp"))
    known = [t for t in map(parse_time, times) if t]
    return not known or age(view, max(known)) > ROLLOUT_PATIENCE


def _short_of_replicas(view: View, obj: JsonObject, have: int, wanted: int) -> Finding:
    subject = subject_of(view, obj)
    what = f"{have} of {wanted} replicas available"
    facts = [subject.fact("workload.available", "some" if have else "none", what, replicas=wanted)]
    pods = len([p for p in view.pods_of(subject.about) if not is_terminating(p)])
    if pods < wanted:
        value = "fewer-than-desired" if pods else "none"
        facts.append(subject.fact("workload.pods", value, f"{pods} of {wanted} pods exist", replicas=wanted))
    severity = Severity.WARNING if have else Severity.CRITICAL
    return Finding(severity, subject.about, what, tuple(facts), "replicas")


# -- daemon sets ---------------------------------------------------------------------------------------
@check("daemonsets", "DaemonSet", "Node", "Pod")
def missed_nodes(view: View, namespace: str | None) -> Iterator[Finding]:
    """Nodes that a DaemonSet does not reach. Control planes are missed by design."""
    nodes = view.all("Node")
    for obj in standing(view, "DaemonSet", namespace):
        subject, spec = subject_of(view, obj), view.pod_spec(ref_of(obj))
        if not nodes or age_of(view, obj) < ROLLOUT_PATIENCE:
            continue
        reached = [n for n in nodes if selects_node(spec, n)]
        if not reached:
            wish = spec.get("nodeSelector") or "its node affinity"
            what = f"runs nowhere: no node satisfies {_labels(wish) if isinstance(wish, dict) else wish}"
            label = _labels(wish) if isinstance(wish, dict) else ""
            fact = subject.fact("daemonset.missed", "selector", what, selector=label, label=label)
            yield Finding(Severity.WARNING, subject.about, what, (fact,), "daemonsets")
        yield from _missed_for_taints(subject, spec, reached)


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f"{k}={v}" for k, v in sorted(labels.items()))


def _missed_for_taints(subject: Subject, spec: JsonObject, reached: list[JsonObject]) -> Iterator[Finding]:
    missed: dict[str, list[str]] = defaultdict(list)
    for node in reached:
        taints = untolerated(spec, node)
        by_design = any(t.get("key") in CONTROL_PLANE_TAINTS for t in taints)
        if taints and not by_design and is_ready(node):
            missed[taint_text(taints[0])].append(ref_of(node).name)
    for taint, names in missed.items():
        what = f"does not run on {', '.join(sorted(names)[:3])}: it does not tolerate the taint {taint}"
        fact = subject.fact("daemonset.missed", "taint", what, taint=taint, node=sorted(names)[0])
        yield Finding(Severity.WARNING, subject.about, what, (fact,), "daemonsets")
