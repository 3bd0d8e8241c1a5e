"""Deployments, ReplicaSets, StatefulSets and DaemonSets: pods that are not created, rollouts that stop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from kubelore.analysis.containers import minutes
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
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity

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


def _owned(view: View, kind: str, namespace: str | None) -> Iterator[JsonObject]:
    """Objects of this kind that are a workload by themselves, or the ReplicaSets of one."""
    for obj in view.all(kind, namespace):
        if not is_terminating(obj):
            yield obj


def replica_sets(view: View) -> dict[Ref, list[JsonObject]]:
    """ReplicaSets by the Deployment that controls them, the newest revision last."""
    index: dict[Ref, list[JsonObject]] = defaultdict(list)
    for obj in view.all("ReplicaSet"):
        owner = view.controller(obj)
        if owner:
            index[owner].append(obj)
    for sets in index.values():
        sets.sort(key=_revision)
    return index


def _revision(obj: JsonObject) -> int:
    text = ((obj.get("metadata") or {}).get("annotations") or {}).get(
        "deployment.kubernetes.io/revision", "0"
    )
    return int(text) if str(text).isdigit() else 0


# -- pods that cannot be created -----------------------------------------------------------------------
@check("creation", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Event")
def creation(view: View, namespace: str | None) -> Iterator[Finding]:
    """Controllers that may not create what they should: quota, limits, accounts, webhooks, policies."""
    for kind in ("ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job", "CronJob"):
        for obj in _owned(view, kind, namespace):
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
        for obj in _owned(view, kind, namespace):
            if kind in ("ReplicaSet", "ReplicationController") and view.controller(obj):
                continue
            wanted = desired(obj)
            if available(obj) < wanted and _has_waited(view, obj):
                yield _short_of_replicas(view, obj, available(obj), wanted)
    for obj in _owned(view, "DaemonSet", namespace):
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


# -- rollouts ------------------------------------------------------------------------------------------
@check("rollouts", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Service")
def rollouts(view: View, namespace: str | None) -> Iterator[Finding]:
    """Rollouts past their deadline, paused halfway, never noticed, or unable to go on."""
    for kind in ("Deployment", "StatefulSet", "DaemonSet"):
        for obj in _owned(view, kind, namespace):
            subject = subject_of(view, obj)
            if kind == "Deployment":
                yield from _deployment_rollout(view, obj, subject)
            elif kind == "StatefulSet":
                yield from _governing_service(view, obj, subject)
            yield from _on_delete(obj, subject)
            yield from _not_observed(view, obj, subject)


def _deployment_rollout(view: View, obj: JsonObject, subject: Subject) -> Iterator[Finding]:
    state = condition(obj, "Progressing")
    if state.get("reason") == "ProgressDeadlineExceeded":
        limit = (obj.get("spec") or {}).get("progressDeadlineSeconds", 600)
        what = f"the rollout has made no progress within its {limit} s deadline"
        facts = [subject.fact("workload.rollout", "deadline-exceeded", what)]
        facts += _old_still_serving(view, subject)
        yield Finding(Severity.CRITICAL, subject.about, what, tuple(facts), "rollouts")
    elif (obj.get("spec") or {}).get("paused"):
        updated = int((obj.get("status") or {}).get("updatedReplicas") or 0)
        if updated < desired(obj):
            what = f"the rollout is paused with {updated} of {desired(obj)} replicas updated"
            facts = [subject.fact("workload.rollout", "paused", what)]
            yield Finding(Severity.WARNING, subject.about, what, tuple(facts), "rollouts")


def _old_still_serving(view: View, subject: Subject) -> list[Fact]:
    sets = view.once(replica_sets).get(subject.about, [])
    old = sum(int((s.get("status") or {}).get("availableReplicas") or 0) for s in sets[:-1])
    if not old:
        return []
    detail = f"{old} replicas of an older revision still serve"
    return [subject.fact("workload.rollout", "old-still-serving", detail)]


def _governing_service(view: View, obj: JsonObject, subject: Subject) -> Iterator[Finding]:
    name = (obj.get("spec") or {}).get("serviceName")
    if name and view.exists("Service", subject.about.namespace, name) is False:
        what = f"its governing Service {name} does not exist, so its pods have no DNS names"
        fact = subject.fact("statefulset.service", "missing", what, service=name)
        yield Finding(Severity.WARNING, subject.about, what, (fact,), "rollouts")


def _on_delete(obj: JsonObject, subject: Subject) -> Iterator[Finding]:
    """An update that waits for someone to delete pods."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if (spec.get("updateStrategy") or {}).get("type") != "OnDelete":
        return
    updated = int(status.get("updatedReplicas") or status.get("updatedNumberScheduled") or 0)
    wanted = int(status.get("desiredNumberScheduled") or desired(obj))
    if updated < wanted:
        what = f"update strategy OnDelete: {wanted - updated} of {wanted} pods still run the old template"
        fact = subject.fact("workload.strategy", "cannot-progress", what)
        yield Finding(Severity.WARNING, subject.about, what, (fact,), "rollouts")


def _not_observed(view: View, obj: JsonObject, subject: Subject) -> Iterator[Finding]:
    """The controller has not seen the newest generation: the controller manager is down or stuck."""
    meta, seen = obj.get("metadata") or {}, (obj.get("status") or {}).get("observedGeneration") or 0
    if int(meta.get("generation") or 0) <= int(seen):
        return
    changes = [f.get("time") for f in meta.get("managedFields") or () if not f.get("subresource")]
    changed = max(
        [t for t in map(parse_time, changes) if t], default=parse_time(meta.get("creationTimestamp"))
    )
    if age(view, changed) > ROLLOUT_PATIENCE:
        what = f"no controller has acted on its newest change, made {minutes(age(view, changed))} ago"
        fact = subject.fact("workload.rollout", "not-observed", what)
        yield Finding(Severity.CRITICAL, subject.about, what, (fact,), "rollouts")


# -- daemon sets ---------------------------------------------------------------------------------------
@check("daemonsets", "DaemonSet", "Node", "Pod")
def missed_nodes(view: View, namespace: str | None) -> Iterator[Finding]:
    """Nodes that a DaemonSet does not reach. Control planes are missed by design."""
    nodes = view.all("Node")
    for obj in _owned(view, "DaemonSet", namespace):
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
