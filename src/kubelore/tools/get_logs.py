"""GET_LOGS: what the container that fails has written, this run and the one before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kubelore.analysis.backends import services_selecting
from kubelore.analysis.blamed import blamed
from kubelore.analysis.calls import call_edges, call_facts
from kubelore.analysis.digest import is_loud
from kubelore.analysis.edges import edges_of
from kubelore.analysis.logs import LogReading, log_facts, read_log
from kubelore.analysis.rbac import forbidden_facts
from kubelore.analysis.routes import service_of_path
from kubelore.analysis.view import View, parse_time, ref_of
from kubelore.errors import BadArguments, NotReadable
from kubelore.redaction import redact
from kubelore.tools.arguments import Target, read
from kubelore.tools.loglines import condense
from kubelore.tools.pods import (
    containers,
    is_init,
    last_termination,
    one_pod,
    pod_status,
    pod_trouble,
    pods_behind,
    state_of,
    statuses,
    worst_container,
)
from kubelore.tools.resolve import Found, Resolver
from kubelore.types import Fact, JsonObject, NotChecked, Observation, Ref

KINDS = (
    "Pod", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "ReplicationController",
    "Service",
)  # fmt: skip
KNOWN = 60
"""Characters by which a line that the log rules know is found again."""
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
TAIL, MAX_TAIL = 1000, 10_000
"""Lines read from the end of a log, unless asked for more."""


@dataclass(frozen=True, slots=True)
class Log:
    """One run of one container. `why` says why there is no text; `unread` that there may be one."""

    container: str
    previous: bool
    text: str
    why: str = ""
    unread: bool = False
    reading: LogReading = field(default_factory=LogReading)


@dataclass(frozen=True, slots=True)
class Window:
    """Which lines are read: so many from the end, none older than `since`."""

    lines: int
    since: datetime | None

    def shows(self, line: str) -> bool:
        if self.since is None:
            return True
        written = parse_time(line.partition(" ")[0])
        return written is None or written >= self.since


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
        others = len(pods_behind(self._view, found.obj)) - 1
        note = f"{found.ref} has {others + 1} pods; this is the one that fails most" if others > 0 else ""
        names = _containers(pod, found.container or target.container, target.all_containers)
        return self._observe(pod, names, target, found.note or note)

    def _observe(self, pod: JsonObject, names: Sequence[str], target: Target, note: str) -> Observation:
        logs = [log for name in names for log in self._read(pod, name, target)]
        workload = self._view.workload_of(pod)
        text = [note] if note else []
        for name in names:
            own = [log for log in logs if log.container == name]
            text += [_headline(pod, name), *map(_shown, _distinct(own))]
        targets = self._targets(workload, [log.reading for log in logs])
        edges = [*edges_of(self._view, workload), *call_edges(self._view, workload, targets)]
        kinds = {note.kind for log in logs for note in log.reading}
        of_others, to_others = blamed(self._view, workload, kinds)
        return Observation(
            text="\n".join(text),
            facts=tuple(dict.fromkeys([*self._facts(pod, logs, targets), *of_others])),
            edges=tuple(dict.fromkeys([*edges, *to_others])),
            covers=((self.name, workload), (self.name, ref_of(pod))),
            not_checked=tuple(_unread(pod, log) for log in logs if log.unread),
        )

    def _targets(self, workload: Ref, readings: Sequence[LogReading]) -> list[str]:
        """Addresses that failing lines name; for a request without one, the Service that its path bears."""
        own = {ref_of(service).name for service in services_selecting(self._view, workload)}
        named = [target for reading in readings for target in reading.targets]
        paths = (path for reading in readings for path in reading.paths)
        borne = [service_of_path(self._view, workload.namespace, path) for path in paths]
        return list(dict.fromkeys([*named, *(name for name in borne if name and name not in own)]))

    def _found(self, target: Target) -> Found:
        if not target.selector or target.words or target.name:
            return self._resolver.one(target, KINDS, containers=True)
        pods = self._resolver.selected(target)
        pod = max(pods, key=pod_trouble)
        return Found(ref_of(pod), pod, f"{len(pods)} pods have {target.selector}; this one fails most")

    def _read(self, pod: JsonObject, container: str, target: Target) -> Iterator[Log]:
        """The run before comes first: after a restart it is the one that failed."""
        status = _status(pod, container)
        window = Window(min(abs(int(target.tail or TAIL)) or TAIL, MAX_TAIL), _since(target, self._view.now))
        restarted = bool(status.get("restartCount") or (status.get("lastState") or {}).get("terminated"))
        if target.previous or restarted:
            yield self._one(pod, container, window, previous=True)
        if not target.previous:
            yield self._one(pod, container, window, previous=False)

    def _one(self, pod: JsonObject, container: str, window: Window, *, previous: bool) -> Log:
        ref, read_logs = ref_of(pod), self._view.cluster.logs
        try:
            raw = read_logs(ref.namespace, ref.name, container, previous=previous, tail=window.lines)
        except NotReadable as error:
            if _ever_ran(_status(pod, container)):
                return Log(container, previous, "", str(error), unread=True)
            return Log(container, previous, "", "the container has not run yet")
        text = redact(raw)  # whole, before lines are picked: half a private key no longer looks like one
        shown = "\n".join(filter(window.shows, text.splitlines()))
        reading = read_log(shown)
        if not reading.fetched:
            return Log(container, previous, "", " ".join(shown.split()), unread=True)
        return Log(
            container, previous, shown, "no line is that new" if text and not shown else "", False, reading
        )

    def _facts(self, pod: JsonObject, logs: Sequence[Log], targets: Sequence[str]) -> Iterator[Fact]:
        for log in logs:
            if not log.why:
                yield from log_facts(self._view, pod, log.container, log.reading, log.previous)
                yield from forbidden_facts(self._view, log.text, ref_of(pod))
        if any(not log.why for log in logs):
            yield from call_facts(self._view, self._view.workload_of(pod), targets)


def _containers(pod: JsonObject, wanted: str, every: bool) -> list[str]:
    """The containers that are asked for, else the failing one. Raises BadArguments naming those there are."""
    names = [str(c.get("name", "")) for c in containers(pod.get("spec") or {})]
    if every:
        return names
    if wanted and wanted not in names:
        hint = f"its containers: {', '.join(names)}"
        raise BadArguments(f"{ref_of(pod)} has no container {wanted}", hint=hint)
    return [wanted or worst_container(pod)]


def _unread(pod: JsonObject, log: Log) -> NotChecked:
    run = ", previous run" if log.previous else ""
    return NotChecked(f"log of container {log.container} in {ref_of(pod)}{run}", log.why)


def _since(target: Target, now: datetime) -> datetime | None:
    """The moment from which lines are shown, for `10m` or `1h30m`; None for all of them."""
    if not target.since:
        return None
    if not re.fullmatch(r"(?:\d{1,6}[smhd])+", target.since):
        raise BadArguments(f"--since needs a duration such as 10m, not {target.since!r}")
    seconds = sum(int(n) * UNITS[unit] for n, unit in re.findall(r"(\d+)([smhd])", target.since))
    return now - timedelta(seconds=seconds)


def _status(pod: JsonObject, container: str) -> JsonObject:
    return next((s for s in statuses(pod) if s.get("name") == container), {})


def _headline(pod: JsonObject, container: str) -> str:
    status = _status(pod, container)
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
        return f"--- {run}: no log ({log.why})"
    count = len(log.text.splitlines())
    if not count:
        return f"--- {run}: nothing was written"
    heads = [note.line[:KNOWN] for note in log.reading]
    told = condense(log.text, lambda line: is_loud(line) or any(head in line for head in heads))
    return f"--- {run}, {count} lines:\n{told}"
