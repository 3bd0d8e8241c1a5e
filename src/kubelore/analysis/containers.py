"""Containers that wait, crash, restart or never start: one finding per container and fault."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from kubelore.analysis import pulls
from kubelore.analysis.events import read_text
from kubelore.analysis.podstate import STARTING, Case, Container, age, containers_of, live_pods, shortened
from kubelore.analysis.probes import killed_by, probe_facts
from kubelore.analysis.quantity import doubled
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View
from kubelore.types import Fact, Finding, JsonObject, Severity

RESTART_MEMORY = timedelta(hours=6)
"""Restarts older than this, with nothing since, are history."""
SETTLED = timedelta(minutes=15)
"""A container that failed once or twice and has run this long since has recovered."""
RECOVERY = timedelta(minutes=30)
LISTEN_VARIABLE = re.compile(r"(?:(?:HTTP|SERVER|LISTEN|APP|WEB|GRPC|API)_)?(?:LISTEN_)?PORT")
"""Names of variables that commonly tell a program its own port."""
INIT_PATIENCE = timedelta(minutes=2)
INIT_STUCK = timedelta(minutes=5)
SIGNALS = {129: "SIGHUP", 130: "SIGINT", 132: "SIGILL", 134: "SIGABRT", 135: "SIGBUS", 136: "SIGFPE",
           137: "SIGKILL", 139: "SIGSEGV", 141: "SIGPIPE", 143: "SIGTERM"}  # fmt: skip
EXIT_MEANING = {126: "not executable", 127: "command not found"}
NODE_RESTARTED = {"Unknown", "ContainerStatusUnknown"}
"""Termination reasons that speak of the node or runtime, not of the program."""


@check("containers", "Pod", "Event", "ReplicaSet", "Job", "Service", "Secret", "ServiceAccount")
def containers(view: View, namespace: str | None) -> Iterator[Finding]:
    for pod in live_pods(view, namespace):
        case = Case(view, pod)
        for container in case.containers:
            yield from _examine(case, container)


def _examine(case: Case, container: Container) -> Iterator[Finding]:
    if container.waiting_reason not in STARTING:
        yield waiting_finding(case, container)
    elif container.role == "init":
        yield from _init_findings(case, container)
    elif container.terminated is not None:
        if _ended_badly(case, container):
            yield _crash_finding(case, container, Severity.CRITICAL)
    elif container.running is not None and container.restarts:
        yield from _restart_findings(case, container)


def _ended_badly(case: Case, container: Container) -> bool:
    """A terminated main container: a failure, or the end of a program that should go on for ever."""
    always = ((case.pod.get("spec") or {}).get("restartPolicy") or "Always") == "Always"
    failed = bool((container.terminated or {}).get("exitCode"))
    return failed or (always and container.restarts > 0)


def _init_findings(case: Case, container: Container) -> Iterator[Finding]:
    if (container.terminated or {}).get("exitCode") or (container.running and container.restarts):
        yield _init_failing(case, container)
    elif container.running and age(case.view, container.started) > INIT_PATIENCE:
        running = age(case.view, container.started)
        what = f"init container {container.name} runs for {minutes(running)} and keeps the pod waiting"
        fact = case.subject.fact("init.state", "running-long", what, **params_of(container))
        severity = Severity.CRITICAL if running > INIT_STUCK else Severity.WARNING
        yield Finding(severity, case.subject.about, what, (fact, *case.event_facts()), "containers")


def _init_failing(case: Case, container: Container) -> Finding:
    what = f"init container {container.name} fails: {ending(container)}"
    facts = [case.subject.fact("init.state", "failing", what, **params_of(container))]
    return _finding(case, container, Severity.CRITICAL, what, facts)


def waiting_finding(case: Case, container: Container) -> Finding:
    """A container that waits for another reason than its turn."""
    reason = container.waiting_reason
    message = str((container.waiting or {}).get("message") or "")
    init = container.role != "main"
    key, noun = ("init.waiting", "init container") if init else ("pod.waiting", "container")
    what = f"{noun} {container.name}: {reason}"
    reading = read_text(reason, message)
    facts: list[Fact] = []
    if pulls.is_pull_reason(reason):
        facts += pulls.pull_facts(case, container, reading)
        what = facts[0].detail if facts else what
    elif reason == "CrashLoopBackOff":
        what = f"{noun} {container.name} keeps crashing: {ending(container)}"
    elif message:
        what = f"{what}: {shortened(message)}"
    facts.insert(0, case.subject.fact(key, reason, what, **params_of(container)))
    if init and container.restarts:
        facts.append(case.subject.fact("init.state", "failing", what, **params_of(container)))
    if not pulls.is_pull_reason(reason):
        facts += _text_facts(case, container, ((reason, message),))
    return _finding(case, container, Severity.CRITICAL, what, facts)


def _crash_finding(case: Case, container: Container, severity: Severity) -> Finding:
    what = f"container {container.name} keeps ending: {ending(container)}"
    state = case.subject.fact("container.state", "terminated", what, **params_of(container))
    return _finding(case, container, severity, what, [state])


def _restart_findings(case: Case, container: Container) -> Iterator[Finding]:
    """Restarts of a container that runs now."""
    last, since = container.last or {}, age(case.view, container.finished)
    if last.get("reason") == "OOMKilled":
        looping = container.restarts >= 3 and since < SETTLED
        severity = Severity.CRITICAL if looping else Severity.WARNING
        what = f"container {container.name} was killed for its memory: {ending(container)}"
        yield _finding(case, container, severity, what, [])
        return
    if last.get("reason") in NODE_RESTARTED or since > RESTART_MEMORY or _has_recovered(case, since):
        return
    if container.restarts < 3 and (since > SETTLED or not last.get("exitCode")):
        return
    severity = Severity.CRITICAL if container.restarts >= 3 and since < SETTLED else Severity.WARNING
    what = f"container {container.name} restarts: {ending(container)}"
    yield _finding(case, container, severity, what, [])


def _has_recovered(case: Case, since: timedelta) -> bool:
    """Trouble at the beginning only: it has run well for most of its life."""
    return since > RECOVERY and since > case.age / 2


def _finding(case: Case, container: Container, severity: Severity, what: str, facts: list[Fact]) -> Finding:
    """Completes a container's finding with its last run, its probes, its neighbours and its events."""
    facts = [*facts, *run_facts(case, container)]
    if container.role == "main":
        facts += probe_facts(case, container)
        facts += _sidecar_facts(case, container)
        facts += port_clash_facts(case.subject, case.pod.get("spec") or {})
    return Finding(severity, case.subject.about, what, (*facts, *case.event_facts()), "containers")


def run_facts(case: Case, container: Container) -> list[Fact]:
    """How the last run of a container ended, and what is known of why."""
    subject, params, last = case.subject, params_of(container), container.last or {}
    facts = []
    how = f"container {container.name}: {ending(container)}"
    if last.get("reason"):
        facts.append(subject.fact("container.last_reason", str(last["reason"]), how, **params))
    if "exitCode" in last:
        facts.append(subject.fact("container.last_exit_code", str(last["exitCode"]), how, **params))
    if container.restarts:
        amount = "many" if container.restarts >= 5 else "some"
        facts.append(subject.fact("container.restarts", amount, f"{container.restarts} restarts", **params))
    if container.lifetime is not None and container.last:
        lived = f"the last run of container {container.name} lived {container.lifetime:.0f} s"
        facts.append(subject.fact("container.lifetime", _span(container.lifetime), lived, **params))
    probe = killed_by(container, case.events)
    if probe:
        killed = f"the kubelet killed container {container.name}: its {probe} probe failed"
        facts.append(subject.fact("container.killed_by", probe, killed, **params))
    if last.get("message"):
        facts += _text_facts(case, container, ((str(last.get("reason") or "StartError"), last["message"]),))
    if last.get("reason") == "OOMKilled" or last.get("exitCode") == 137:
        facts.append(memory_limit_fact(subject, container))
    return facts


def _text_facts(case: Case, container: Container, texts: tuple[tuple[str, str], ...]) -> list[Fact]:
    """Facts in messages of the kubelet and the runtime about one container."""
    facts = []
    for reason, message in texts:
        reading = read_text(reason, message)
        if reason in ("Error", "CrashLoopBackOff"):  # the program's own termination message says nothing
            continue
        detail = f"container {container.name}: {shortened(message)}"
        for key, value in reading.facts:
            facts.append(
                case.subject.fact(key, value, detail, **(params_of(container) | dict(reading.params)))
            )
    return facts


def memory_limit_fact(subject: Subject, container: Container) -> Fact:
    params = params_of(container)
    limit = params["memory_limit"]
    detail = f"container {container.name} has {f'a memory limit of {limit}' if limit else 'no memory limit'}"
    return subject.fact("container.memory_limit", "set" if limit else "none", detail, **params)


def port_clash_facts(subject: Subject, spec: JsonObject) -> list[Fact]:
    """Two containers of a pod, which share its network, that declare or are told the same port."""
    users: dict[tuple[str, str], list[str]] = defaultdict(list)
    for container in containers_of({"spec": spec}):
        if container.role != "init":
            for port in _own_ports(container):
                users[port].append(container.name)
    return [
        subject.fact(
            "container.ports",
            "shared-by-two-containers",
            f"containers {' and '.join(names)} of one pod both use port {port}/{protocol}",
            port=port,
            container=names[-1],
        )
        for (port, protocol), names in users.items()
        if len(names) > 1
    ]


def _own_ports(container: Container) -> set[tuple[str, str]]:
    declared = {(str(p.get("containerPort")), p.get("protocol") or "TCP") for p in container.ports}
    told = {
        (str(v["value"]), "TCP")
        for v in container.spec.get("env") or ()
        if LISTEN_VARIABLE.fullmatch(str(v.get("name", ""))) and str(v.get("value", "")).isdigit()
    }
    return declared | told


def _sidecar_facts(case: Case, container: Container) -> list[Fact]:
    healthy = [c.name for c in case.containers if c.role == "main" and c is not container and c.ready]
    if not healthy:
        return []
    detail = f"container {container.name} fails while {', '.join(healthy)} of the same pod is ready"
    return [case.subject.fact("container.sidecar", "failing", detail, container=container.name)]


def params_of(container: Container) -> dict[str, str]:
    """Values for explanation and fix templates."""
    resources = container.spec.get("resources") or {}
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    memory = str(limits.get("memory", ""))
    last = container.last or {}
    return {
        "container": container.name,
        "image": container.image,
        "restarts": str(container.restarts) if container.restarts else "",
        "exit_code": str(last.get("exitCode", "")),
        "reason": str(last.get("reason") or container.waiting_reason),
        "memory_limit": memory,
        "double_memory_limit": doubled(memory),
        "memory_request": str(requests.get("memory", "")),
        "cpu_limit": str(limits.get("cpu", "")),
        "command": " ".join(map(str, container.spec.get("command") or ()))[:200],
    }


def ending(container: Container) -> str:
    """`OOMKilled, exit code 137 (SIGKILL), 6 restarts, memory limit 64Mi`"""
    last = container.last or {}
    parts = [str(last.get("reason") or "ended")] if last else ["no previous run is recorded"]
    if "exitCode" in last:
        code = int(last["exitCode"])
        meaning = SIGNALS.get(code) or EXIT_MEANING.get(code)
        parts.append(f"exit code {code}" + (f" ({meaning})" if meaning else ""))
    if container.restarts:
        parts.append(f"{container.restarts} restart{'s' if container.restarts > 1 else ''}")
    if last.get("reason") == "OOMKilled":
        limit = ((container.spec.get("resources") or {}).get("limits") or {}).get("memory")
        parts.append(f"memory limit {limit}" if limit else "no memory limit")
    return ", ".join(parts)


def _span(seconds: float) -> str:
    return "seconds" if seconds < 60 else "minutes" if seconds < 3600 else "hours"


def minutes(span: timedelta) -> str:
    total = int(span.total_seconds())
    if total < 120:
        return f"{total} s"
    return f"{total // 60} min" if total < 7200 else f"{total // 3600} h"
