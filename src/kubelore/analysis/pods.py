"""Pods that are not placed, not set up, not ready, evicted, failed or not going away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from kubelore.analysis.containers import minutes, params_of, run_facts
from kubelore.analysis.events import Reading, newest, read_family, read_scheduling, read_text, without_tail
from kubelore.analysis.placement import constraint_facts, node_fit
from kubelore.analysis.podstate import (
    SETUP_REASONS,
    STARTING,
    Case,
    Container,
    age,
    condition,
    is_scheduled,
    is_terminating,
    live_pods,
    pod_name,
    shortened,
)
from kubelore.analysis.probes import failures, patience, probe_facts
from kubelore.analysis.registry import check
from kubelore.analysis.view import View
from kubelore.types import Fact, Finding, JsonObject, Severity

SCHEDULER_PATIENCE = timedelta(minutes=1)
SETUP_PATIENCE = timedelta(minutes=2)
PULL_PATIENCE = timedelta(minutes=10)
"""A large image may take this long to come."""
GATE_PATIENCE = timedelta(minutes=2)
READY_SLACK = timedelta(seconds=30)
TERMINATION_SLACK = timedelta(minutes=2)
EVICTION_MEMORY = timedelta(hours=24)
FLAPPING_COUNT = 5
FLAPPING_RECENT = timedelta(minutes=5)
PERSISTENT = 4
"""A start-up hiccup that came back this often is none."""


@check("scheduling", "Pod", "Event", "Node", "ReplicaSet", "Job")
def unscheduled(view: View, namespace: str | None) -> Iterator[Finding]:
    """Pods without a node."""
    for pod in live_pods(view, namespace):
        if is_scheduled(pod):
            continue
        case = Case(view, pod)
        if (pod.get("spec") or {}).get("schedulingGates"):
            if case.age > GATE_PATIENCE:
                yield _gated(case)
            continue
        state = condition(pod, "PodScheduled")
        event = newest(e for e in case.warnings if e.reason == "FailedScheduling")
        message = str(state.get("message") or (event.message if event else ""))
        if message or case.age > SCHEDULER_PATIENCE:
            yield _unscheduled(case, message)


def _gated(case: Case) -> Finding:
    gates = ", ".join(str(g.get("name", "")) for g in case.pod["spec"]["schedulingGates"])
    what = f"scheduling gates hold the pod back for {minutes(case.age)}: {gates}"
    fact = case.subject.fact("pod.scheduling_gates", "present", what)
    return Finding(Severity.WARNING, case.subject.about, what, (fact, *_pending_facts(case)), "scheduling")


def _pending_facts(case: Case) -> list[Fact]:
    return [
        case.subject.fact("pod.phase", "Pending", f"Pending for {minutes(case.age)}"),
        case.subject.fact("pod.scheduled", "no", "no node was chosen"),
    ]


def _unscheduled(case: Case, message: str) -> Finding:
    subject, spec = case.subject, case.pod.get("spec") or {}
    reading = read_scheduling(message)
    reasons = [
        subject.fact("event", f"FailedScheduling:{r.label}", _counted(r.text, reading.total), **r.params)
        for r in reading.reasons
    ]
    for reason in reading.reasons:
        if reason.label == "pvc-missing":
            reasons.append(subject.fact("config.missing", "pvc", reason.text, **reason.params))
    if message:
        what = f"cannot be scheduled: {shortened(without_tail(message), 200)}"
        reasons = reasons or [subject.fact("event", "FailedScheduling", what)]
    else:
        what = f"pending for {minutes(case.age)}, and no scheduler has said why"
        reasons.append(subject.fact("pod.scheduling_event", "none", what))
    if spec.get("schedulerName") not in (None, "", "default-scheduler"):
        detail = f"schedulerName is {spec['schedulerName']}"
        reasons.append(subject.fact("pod.scheduler", "custom", detail))
    fit = node_fit(case.view, spec)
    if fit:
        reasons.append(subject.fact("pod.node_fit", fit.value, fit.detail, **fit.params))
        what = f"{what} ({fit.detail})" if message else what
    facts = (*reasons, *_pending_facts(case), *constraint_facts(subject, spec))
    return Finding(Severity.CRITICAL, subject.about, what, facts, "scheduling")


def _counted(text: str, total: int) -> str:
    return f"of {total} nodes: {text}" if total else text


@check("setup", "Pod", "Event", "ReplicaSet", "Job")
def not_set_up(view: View, namespace: str | None) -> Iterator[Finding]:
    """Pods with a node whose containers do not come to be: volumes, network, or a silent kubelet."""
    for pod in live_pods(view, namespace):
        if not is_scheduled(pod) or (pod.get("status") or {}).get("phase") != "Pending":
            continue
        case = Case(view, pod)
        blocked = [
            c for c in case.containers if c.waiting_reason not in STARTING or c.running or c.terminated
        ]
        if any(c.role != "main" and not _is_done(c) for c in blocked) or any(
            c.role == "main" for c in blocked
        ):
            continue  # an init container's turn, or a container with a reason of its own
        yield from _setup_finding(case)


def _is_done(container: Container) -> bool:
    ended = container.terminated
    return (
        container.role == "sidecar"
        if container.running
        else bool(ended) and not (ended or {}).get("exitCode")
    )


def _setup_finding(case: Case) -> Iterator[Finding]:
    since = age(case.view, condition(case.pod, "PodScheduled").get("lastTransitionTime"))
    waited = min(since, case.age)
    told: dict[str, tuple[Reading, str]] = {}
    for event in case.warnings:
        if event.reason in SETUP_REASONS:
            reading = read_text(event.reason, event.message)
            if not reading.transient or (event.count >= PERSISTENT and waited > SETUP_PATIENCE):
                told[reading.label] = (reading, event.message)
    pulling = newest(e for e in case.events if e.reason in ("Pulling", "Pulled"))
    patience_ = PULL_PATIENCE if pulling and pulling.reason == "Pulling" else SETUP_PATIENCE
    if not told and waited < patience_:
        return
    if len(told) > 1:
        told.pop("timeout", None)  # it only repeats that another error lasts
    reason = next((c.waiting_reason for c in case.containers if c.waiting_reason), "ContainerCreating")
    message = next(reversed(told.values()))[1] if told else ""
    why = shortened(message) or _silence(case, pulling is not None)
    what = f"{reason} for {minutes(waited)}: {why}"
    facts = [case.subject.fact("pod.waiting", reason, what)]
    for reading, text in told.values():
        for key, value in reading.facts:
            facts.append(case.subject.fact(key, value, shortened(text), **reading.params))
    if not case.events:
        facts.append(case.subject.fact("pod.events", "none", f"pod {pod_name(case.pod)} has no events"))
    yield Finding(Severity.CRITICAL, case.subject.about, what, (*facts, *case.event_facts()), "setup")


def _silence(case: Case, pulling: bool) -> str:
    node = case.pod["spec"]["nodeName"]
    if pulling:
        return "the image is still being pulled"
    return (
        f"node {node} gives no reason"
        if case.events
        else f"node {node} has not acted, and there are no events"
    )


@check("readiness", "Pod", "Event", "Service", "Node", "ReplicaSet", "Job")
def not_ready(view: View, namespace: str | None) -> Iterator[Finding]:
    """Running containers that are not ready past their probes' patience, or whose probes keep failing."""
    for pod in live_pods(view, namespace):
        if (pod.get("status") or {}).get("phase") != "Running":
            continue
        case = Case(view, pod)
        running = [c for c in case.containers if c.role != "init" and c.running]
        for container in running:
            if not container.ready:
                yield from _unready_container(case, container)
            else:
                yield from _flapping(case, container)
        if len(running) == len([c for c in case.containers if c.role != "init"]):
            yield from _unready_pod(case, running)


def _start_patience(container: Container) -> timedelta:
    startup, readiness = container.probe("startup"), container.probe("readiness")
    waits = patience(readiness) if readiness else 0.0
    if startup and not container.status.get("started"):
        waits += patience(startup)
    return timedelta(seconds=waits) + READY_SLACK


def _unready_container(case: Case, container: Container) -> Iterator[Finding]:
    running = age(case.view, container.started)
    if running <= _start_patience(container):
        return
    probes = probe_facts(case, container)
    how = next((f.detail for f in probes if f.key.startswith("probe.")), "")
    what = f"container {container.name} has run for {minutes(running)} and is not ready"
    what = f"{what}: {how}" if how else what
    ready = case.subject.fact("container.ready", "no", what, **params_of(container))
    state = case.subject.fact("container.state", "running", f"container {container.name} runs")
    facts = (ready, state, *probes, *run_facts(case, container), *case.event_facts())
    yield Finding(Severity.CRITICAL, case.subject.about, what, facts, "readiness")


def _flapping(case: Case, container: Container) -> Iterator[Finding]:
    """Ready at this moment, but a probe fails again and again, long after the start."""
    started = container.started
    if started is None:
        return
    settled = started + _start_patience(container) + FLAPPING_RECENT
    recent = [
        e
        for e in case.warnings
        if e.reason == "Unhealthy"
        and e.last
        and e.last > settled
        and age(case.view, e.last) < FLAPPING_RECENT
    ]
    if sum(e.count for e in recent) < FLAPPING_COUNT or not any(
        failures(kind, recent) for kind in ("liveness", "readiness") if container.probe(kind)
    ):
        return
    probes = probe_facts(case, container)
    if probes:
        what = f"container {container.name} is ready now, but {probes[0].detail}"
        facts = (*probes, *case.event_facts())
        yield Finding(Severity.WARNING, case.subject.about, what, facts, "readiness")


def _unready_pod(case: Case, running: list[Container]) -> Iterator[Finding]:
    """All containers ready, and the pod is not: a readiness gate, or a node that no longer reports."""
    state = condition(case.pod, "Ready")
    since = age(case.view, state.get("lastTransitionTime"))
    if state.get("status") in (None, "True") or not all(c.ready for c in running) or since < SETUP_PATIENCE:
        return
    spec = case.pod.get("spec") or {}
    gates = [str(g.get("conditionType")) for g in spec.get("readinessGates") or ()]
    closed = [g for g in gates if condition(case.pod, g).get("status") != "True"]
    if closed:
        why = f"readiness gate {', '.join(closed)} is not satisfied"
    else:
        why = f"node {spec.get('nodeName')} no longer vouches for it"
    what = f"its containers are ready, and the pod is not: {why}"
    fact = case.subject.fact("container.ready", "no", what, node=str(spec.get("nodeName") or ""))
    facts = (fact, *case.event_facts())
    yield Finding(Severity.CRITICAL, case.subject.about, what, facts, "readiness")


@check("failed-pods", "Pod", "Event", "ReplicaSet", "Job")
def failed(view: View, namespace: str | None) -> Iterator[Finding]:
    """Pods that were evicted, failed for good, or whose state nobody knows."""
    for pod in view.all("Pod", namespace):
        status = pod.get("status") or {}
        if status.get("phase") == "Unknown":
            case = Case(view, pod)
            what = f"the state of pod {pod_name(pod)} is unknown: its node does not report"
            fact = case.subject.fact("pod.phase", "Unknown", what, node=str(pod["spec"].get("nodeName", "")))
            yield Finding(Severity.WARNING, case.subject.about, what, (fact,), "failed-pods")
        elif status.get("phase") == "Failed" and not is_terminating(pod):
            yield from _failed(Case(view, pod))


def _failed(case: Case) -> Iterator[Finding]:
    status, about = case.pod.get("status") or {}, case.subject.about
    message = str(status.get("message") or "")
    owner = case.view.controller(case.pod)
    recent = age(case.view, _ended(case)) < EVICTION_MEMORY
    if status.get("reason") in ("Evicted", "Preempting", "Preempted"):
        if recent and not job_is_done(case.view, case.pod):
            reading = read_family("evicted", message or str(status["reason"]))
            what = f"evicted from node {case.pod['spec'].get('nodeName', '')}: {shortened(message)}"
            facts = [case.subject.fact(k, v, what, **reading.params) for k, v in reading.facts]
            facts.append(case.subject.fact("pod.phase", "Failed", what))
            severity = Severity.WARNING if owner and _has_ready_pod(case) else Severity.CRITICAL
            yield Finding(severity, about, what, (*facts, *case.event_facts()), "failed-pods")
        return
    if owner is None or (owner.kind != "Job" and recent and not _has_ready_pod(case)):
        yield _failed_for_good(case)


def _failed_for_good(case: Case) -> Finding:
    status = case.pod.get("status") or {}
    bad = next((c for c in case.containers if (c.last or {}).get("exitCode")), None)
    why = str(status.get("message") or status.get("reason") or "")
    if bad and not why:
        why = f"container {bad.name} ended with exit code {(bad.last or {}).get('exitCode')}"
    what = f"pod failed: {shortened(why)}" if why else "pod failed"
    facts = [case.subject.fact("pod.phase", "Failed", what)]
    if bad:
        if bad.role == "init":
            facts.append(case.subject.fact("init.state", "failing", what, **params_of(bad)))
        facts += run_facts(case, bad)
    return Finding(Severity.CRITICAL, case.subject.about, what, (*facts, *case.event_facts()), "failed-pods")


def _ended(case: Case) -> str | None:
    """When a failed pod ended, as far as its status tells."""
    status = case.pod.get("status") or {}
    told = [(c.last or {}).get("finishedAt") for c in case.containers]
    told.append(condition(case.pod, "DisruptionTarget").get("lastTransitionTime"))
    known = [str(t) for t in told if t]
    return max(known, default=status.get("startTime") or case.pod["metadata"].get("creationTimestamp"))


def _has_ready_pod(case: Case) -> bool:
    pods = case.view.pods_of(case.subject.about)
    return any(condition(pod, "Ready").get("status") == "True" for pod in pods)


def job_is_done(view: View, pod: JsonObject) -> bool:
    """Whether a pod is of a Job that has done its work, whatever became of the pod."""
    owner = view.controller(pod)
    job = view.find(owner) if owner and owner.kind == "Job" else None
    return job is not None and condition(job, "Complete").get("status") == "True"


@check("terminating", "Pod", "Event", "ReplicaSet", "Job")
def terminating(view: View, namespace: str | None) -> Iterator[Finding]:
    """Pods that should be gone: deletionTimestamp, which includes the grace period, is long past."""
    for pod in view.all("Pod", namespace):
        if not is_terminating(pod):
            continue
        late = age(view, pod["metadata"]["deletionTimestamp"])
        if late <= TERMINATION_SLACK:
            continue
        case = Case(view, pod)
        finalizers = pod["metadata"].get("finalizers") or []
        node = str((pod.get("spec") or {}).get("nodeName") or "")
        why = (
            f"finalizers {', '.join(finalizers)} hold it" if finalizers else f"node {node} has not stopped it"
        )
        what = f"pod {pod_name(pod)} should have been gone {minutes(late)} ago: {why}"
        facts = [case.subject.fact("object.terminating", "long", what, node=node)]
        if finalizers:
            facts.append(case.subject.fact("object.finalizers", "present", what))
        for event in case.warnings:
            for key, value in read_text(event.reason, event.message).facts:
                facts.append(case.subject.fact(key, value, shortened(event.message)))
        yield Finding(
            Severity.WARNING, case.subject.about, what, (*facts, *case.event_facts()), "terminating"
        )
