"""GET_LOGS: what the container that fails has written, this run and the one before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kubelore.analysis.calls import call_facts
from kubelore.analysis.edges import edges_of
from kubelore.analysis.logs import log_facts, read_log
from kubelore.analysis.view import View, ref_of
from kubelore.errors import BadArguments, NotReadable
from kubelore.tools.arguments import Target, read
from kubelore.tools.loglines import condense
from kubelore.tools.pods import (
    containers,
    is_init,
    last_termination,
    one_pod,
    pod_status,
    state_of,
    statuses,
    worst_container,
    worst_pod,
)  # fmt: skip
from kubelore.tools.resolve import Found, Resolver
from kubelore.types import Fact, JsonObject, NotChecked, Observation, Ref

KINDS = (
    "Pod", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "ReplicationController",
    "Service",
)  # fmt: skip
TAIL, MAX_TAIL = 1000, 10_000
"""Lines read from the end of a log, unless asked for more."""


@dataclass(frozen=True, slots=True)
class Log:
    """One run of one container. Not readable: `why` says so and `text` is empty."""

    container: str
    previous: bool
    text: str
    why: str = ""
    ran: bool = True


class GetLogs:
    name = "GET_LOGS"
    usage = "namespace pod-or-workload [-c container] [--previous] [--tail N]  log of the failing container"

    def __init__(self, view: View) -> None:
        self._view = view
        self._resolver = Resolver(view)

    def run(self, args: str) -> Observation:
        return self.of(read(args))

    def of(self, target: Target) -> Observation:
        """The logs of what a target names."""
        found = self._found(target)
        pod = one_pod(self._view, found.obj)
        container = _container(pod, found.container or target.container)
        return self.observe(pod, container, target, found.note)

    def observe(self, pod: JsonObject, container: str, target: Target, note: str = "") -> Observation:
        """The logs of one container that was found already."""
        logs = list(self._read(pod, container, target))
        workload = self._view.workload_of(pod)
        text = "\n".join(
            [*([note] if note else []), _headline(pod, container), *map(_shown, _distinct(logs))]
        )
        unread = tuple(
            NotChecked(
                f"log of container {container} in {ref_of(pod)}{' (previous run)' * log.previous}", log.why
            )
            for log in logs
            if log.why and log.ran
        )
        return Observation(
            text=text,
            facts=tuple(dict.fromkeys(self._facts(pod, container, workload, logs))),
            edges=tuple(edges_of(self._view, workload)),
            covers=((self.name, workload), (self.name, ref_of(pod))),
            not_checked=unread,
        )

    def _found(self, target: Target) -> Found:
        if target.selector and not (target.words or target.name):
            pod = worst_pod(self._resolver.selected(target))
            assert pod is not None  # selected() raises when there is none
            return Found(ref_of(pod), pod)
        return self._resolver.one(target, KINDS, containers=True)

    def _read(self, pod: JsonObject, container: str, target: Target) -> Iterator[Log]:
        """The run before comes first: after a restart it is the one that failed."""
        status = next((s for s in statuses(pod) if s.get("name") == container), {})
        lines = min(abs(int(target.tail or TAIL)) or TAIL, MAX_TAIL)
        restarted = bool(status.get("restartCount") or (status.get("lastState") or {}).get("terminated"))
        if target.previous or restarted:
            yield self._one(pod, container, True, lines, status)
        if not target.previous:
            yield self._one(pod, container, False, lines, status)

    def _one(self, pod: JsonObject, container: str, previous: bool, lines: int, status: JsonObject) -> Log:
        ref = ref_of(pod)
        try:
            text = self._view.cluster.logs(ref.namespace, ref.name, container, previous=previous, tail=lines)
        except NotReadable as error:
            return Log(container, previous, "", str(error), ran=_ever_ran(status))
        return Log(container, previous, text)

    def _facts(self, pod: JsonObject, container: str, workload: Ref, logs: Sequence[Log]) -> Iterator[Fact]:
        for log in logs:
            if not log.why:
                notes = read_log(log.text)
                yield from log_facts(self._view, pod, container, notes)
                yield from call_facts(self._view, workload, [n.target for n in notes if n.target])


def _container(pod: JsonObject, wanted: str) -> str:
    """The container that is asked for, else the failing one. Raises BadArguments naming those there are."""
    names = [c.get("name", "") for c in containers(pod.get("spec") or {})]
    if not wanted:
        return worst_container(pod)
    if wanted not in names:
        raise BadArguments(
            f"{ref_of(pod)} has no container {wanted}", hint=f"its containers: {', '.join(names)}"
        )
    return wanted


def _headline(pod: JsonObject, container: str) -> str:
    status = next((s for s in statuses(pod) if s.get("name") == container), {})
    init = "init container" if is_init(pod.get("spec") or {}, container) else "container"
    state, details = state_of(status)
    reason = f" ({details['reason']})" if details.get("reason") else ""
    last = last_termination(status)
    ended = f"; last exit: {last.get('reason', '')}, code {last.get('exitCode', '?')}" if last else ""
    others = [c.get("name", "") for c in containers(pod.get("spec") or {}) if c.get("name") != container]
    beside = f"; other containers: {', '.join(others)}" if others else ""
    return (
        f"{ref_of(pod)}, {pod_status(pod)}: log of {init} {container}, {state or 'not started'}{reason}, "
        f"restarts {status.get('restartCount', 0)}{ended}{beside}"
    )


def _ever_ran(status: JsonObject) -> bool:
    return bool(status.get("containerID") or (status.get("lastState") or {}).get("terminated"))


def _distinct(logs: Sequence[Log]) -> list[Log]:
    """While a container waits to restart, its current log is the previous one: show it once."""
    if len(logs) == 2 and logs[0].text and logs[0].text == logs[1].text:
        return [logs[0]]
    return list(logs)


def _shown(log: Log) -> str:
    run = "previous run" if log.previous else "current run"
    if log.why:
        return f"--- {run}: no log ({log.why if log.ran else 'the container has not run yet'})"
    count = len(log.text.splitlines())
    if not count:
        return f"--- {run}: nothing was written"
    return f"--- {run}, {count} lines:\n{condense(log.text)}"
