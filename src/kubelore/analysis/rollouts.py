"""Rollouts: past their deadline, paused halfway, never noticed, or unable to go on."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator

from kubelore.analysis.containers import minutes
from kubelore.analysis.events import event_labels
from kubelore.analysis.podstate import age, condition
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject, subject_of
from kubelore.analysis.view import View, parse_time
from kubelore.analysis.workloads import ROLLOUT_PATIENCE, available, desired, standing
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity

NEEDS_ROOM = {
    "FailedScheduling:host-port",
    "FailedScheduling:pod-anti-affinity",
    "FailedAttachVolume:multi-attach",
}
"""Events of a new pod that wants what an old one holds."""


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


@check("rollouts", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Service")
def rollouts(view: View, namespace: str | None) -> Iterator[Finding]:
    """Rollouts past their deadline, paused halfway, never noticed, or unable to go on."""
    for kind in ("Deployment", "StatefulSet", "DaemonSet"):
        for obj in standing(view, kind, namespace):
            subject = subject_of(view, obj)
            if kind == "Deployment":
                yield from _deployment_rollout(view, obj, subject)
            elif kind == "StatefulSet":
                yield from _governing_service(view, obj, subject)
            yield from _cannot_progress(view, obj, subject)
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
        ready = int((obj.get("status") or {}).get("readyReplicas") or 0) >= desired(obj)
        # Charts name Services that they never make where nobody needs the names.
        severity = Severity.INFO if ready else Severity.WARNING
        yield Finding(severity, subject.about, what, (fact,), "rollouts")


def _cannot_progress(view: View, obj: JsonObject, subject: Subject) -> Iterator[Finding]:
    why = _held_up(view, obj, subject) if obj.get("kind") == "Deployment" else _never_updated(obj)
    if why:
        fact = subject.fact("workload.strategy", "cannot-progress", why)
        yield Finding(Severity.WARNING, subject.about, why, (fact,), "rollouts")


def _never_updated(obj: JsonObject) -> str:
    """An update that waits for someone to delete pods, or whose partition spares them all."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    updated = int(status.get("updatedReplicas") or status.get("updatedNumberScheduled") or 0)
    wanted = int(status.get("desiredNumberScheduled") or desired(obj))
    strategy = spec.get("updateStrategy") or {}
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    if updated >= wanted or status.get("currentRevision") == status.get("updateRevision", ""):
        return ""
    if strategy.get("type") == "OnDelete":
        return f"update strategy OnDelete: {wanted - updated} of {wanted} pods still run the old template"
    if partition >= wanted:
        return f"partition {partition} keeps all {wanted} replicas at the old template"
    return ""


def _held_up(view: View, obj: JsonObject, subject: Subject) -> str:
    """A new pod that waits for what an old one holds, which may not go before the new one is ready."""
    sets = view.once(replica_sets).get(subject.about, [])
    if len(sets) < 2 or max_unavailable(obj) > 0 or available(obj) < desired(obj):
        return ""
    newest = Ref("ReplicaSet", subject.about.namespace, sets[-1]["metadata"].get("name", ""))
    for pod in view.pods_of(subject.about):
        if view.controller(pod) == newest:
            labels = {label for event in view.events_on(pod) for label in event_labels(event)}
            for label in sorted(labels & NEEDS_ROOM):
                return f"no old pod may go before a new one is ready, which needs its place ({label})"
    return ""


def max_unavailable(obj: JsonObject) -> int:
    """How many replicas a rolling update may take away; 0 as long as a surge makes up for it."""
    strategy = (obj.get("spec") or {}).get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return desired(obj)
    rolling = strategy.get("rollingUpdate") or {}
    surge = _amount(rolling.get("maxSurge", "25%"), desired(obj), math.ceil)
    down = _amount(rolling.get("maxUnavailable", "25%"), desired(obj), math.floor)
    return down or (0 if surge else 1)


def _amount(value: object, replicas: int, rounded: Callable[[float], int]) -> int:
    text = str(value)
    if text.endswith("%") and text[:-1].isdigit():
        return rounded(replicas * int(text[:-1]) / 100)
    return int(text) if text.isdigit() else 0


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
