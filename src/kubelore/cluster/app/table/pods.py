"""The row of a pod: its status is a summary of phase, reason, conditions and every container."""

from __future__ import annotations

from datetime import datetime

from kubelore.cluster.app.table.cells import (
    NONE,
    Cell,
    age,
    columns,
    condition,
    duration,
    is_true,
    meta,
    name,
    spec,
    status,
)
from kubelore.cluster.snapshot.objects import read_time
from kubelore.types import JsonObject


def _row(pod: JsonObject, now: datetime) -> list[Cell]:
    summary = PodSummary(pod)
    ips = status(pod).get("podIPs") or ()
    gates = [g.get("conditionType") for g in spec(pod).get("readinessGates") or ()]
    met = sum(is_true(pod, str(gate)) for gate in gates)
    return [
        name(pod),
        f"{summary.ready}/{summary.total}",
        summary.reason,
        summary.restarts_text(now),
        age(pod, now),
        str((ips[0].get("ip") if ips else "") or status(pod).get("podIP") or NONE),
        str(spec(pod).get("nodeName") or NONE),
        str(status(pod).get("nominatedNodeName") or NONE),
        f"{met}/{len(gates)}" if gates else NONE,
    ]


POD = columns("Name|Ready|Status|Restarts|Age", _row, wide="IP|Node|Nominated Node|Readiness Gates")


class PodSummary:
    """Ready and total containers, restarts and the one-word state that `kubectl get pods` shows."""

    def __init__(self, pod: JsonObject) -> None:
        self._pod = pod
        self.ready, self.restarts = 0, 0
        self.last_restart: datetime | None = None
        self._init_specs = spec(pod).get("initContainers") or ()
        self._sidecars = {c.get("name") for c in self._init_specs if c.get("restartPolicy") == "Always"}
        self.total = len(spec(pod).get("containers") or ()) + len(self._sidecars)
        self.reason = str(status(pod).get("reason") or status(pod).get("phase") or "Unknown")
        if (condition(pod, "PodScheduled") or {}).get("reason") == "SchedulingGated":
            self.reason = "SchedulingGated"
        initializing = self._read_init_containers()
        if not initializing or is_true(pod, "Initialized"):
            self._read_containers()
        self._read_deletion()

    def restarts_text(self, now: datetime) -> str:
        if not self.restarts or self.last_restart is None:
            return str(self.restarts)
        return f"{self.restarts} ({duration((now - self.last_restart).total_seconds())} ago)"

    def _count_restarts(self, container: JsonObject) -> None:
        self.restarts += int(container.get("restartCount") or 0)
        ended = ((container.get("lastState") or {}).get("terminated") or {}).get("finishedAt")
        at = read_time(ended) if ended else None
        if at and (self.last_restart is None or at > self.last_restart):
            self.last_restart = at

    def _read_init_containers(self) -> bool:
        """Returns whether an init container is still to succeed."""
        for position, container in enumerate(status(self._pod).get("initContainerStatuses") or ()):
            self._count_restarts(container)
            state = container.get("state") or {}
            terminated = state.get("terminated")
            if terminated and terminated.get("exitCode") == 0:
                continue
            if container.get("name") in self._sidecars and container.get("started"):
                self.ready += bool(container.get("ready"))
                continue
            waiting = (state.get("waiting") or {}).get("reason") or ""
            if terminated:
                self.reason = f"Init:{_ended(terminated)}"
            elif waiting and waiting != "PodInitializing":
                self.reason = f"Init:{waiting}"
            else:
                self.reason = f"Init:{position}/{len(self._init_specs)}"
            return True
        return False

    def _read_containers(self) -> None:
        self._forget_finished_init_containers()
        running = False
        for container in reversed(status(self._pod).get("containerStatuses") or ()):
            self._count_restarts(container)
            state = container.get("state") or {}
            waiting, terminated = state.get("waiting") or {}, state.get("terminated")
            if waiting.get("reason"):
                self.reason = str(waiting["reason"])
            elif terminated:
                self.reason = _ended(terminated)
            elif container.get("ready") and "running" in state:
                running = True
                self.ready += 1
        if self.reason == "Completed" and running:
            self.reason = "Running" if is_true(self._pod, "Ready") else "NotReady"

    def _forget_finished_init_containers(self) -> None:
        self.restarts, self.last_restart = 0, None
        for container in status(self._pod).get("initContainerStatuses") or ():
            if container.get("name") in self._sidecars:
                self._count_restarts(container)

    def _read_deletion(self) -> None:
        if not meta(self._pod).get("deletionTimestamp"):
            return
        if status(self._pod).get("reason") == "NodeLost":
            self.reason = "Unknown"
        elif status(self._pod).get("phase") not in {"Succeeded", "Failed"}:
            self.reason = "Terminating"


def _ended(terminated: JsonObject) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"
