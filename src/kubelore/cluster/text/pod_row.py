"""A row of `kubectl get pods` as a partial Pod.

The STATUS column is one word for the phase, the pod's reason or one container's; READY and RESTARTS are sums
over containers that have no names here. What kubectl folds together is taken apart as far as it is certain:
a container named `<container 1>` is one of the pod's, and which one is not known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubelore.cluster.text.cells import UNKNOWN, fraction, known, shown
from kubelore.cluster.text.rows import Row
from kubelore.cluster.text.times import ago
from kubelore.types import JsonObject

MAX_CONTAINERS = 100
PHASES = {"Pending", "Running", "Succeeded", "Failed"}
POD_REASONS = {
    "Evicted", "Preempting", "Preempted", "NodeAffinity", "NodeLost", "NodeShutdown", "Shutdown", "NodeName",
    "Terminated", "TaintToleration", "UnexpectedAdmissionError", "OutOfcpu", "OutOfmemory", "OutOfpods",
    "OutOfephemeral-storage", "NodePorts", "PodFitsHostPorts", "HostNetwork", "HostPortConflict",
    "DeadlineExceeded", "TopologyAffinityError", "SMTAlignmentError", "InvalidNodeInfo", "PodOSNotSupported",
    "PodOSSelectorNodeLabelDoesNotMatch", "UnsupportedPodLevelResources", "AppArmor", "SysctlForbidden",
    "PodLevelResourcesNotAdmittedReason",
}  # fmt: skip
"""Reasons of the pod as a whole; with each of them its phase is Failed."""
ENDED_REASONS = {
    "Completed",
    "Error",
    "OOMKilled",
    "ContainerCannotRun",
    "StartError",
    "ContainerStatusUnknown",
}
"""Reasons of a container that has ended; any other one is of a container that waits."""
STARTING_REASONS = {"ContainerCreating", "PodInitializing"}
_CODE = re.compile(r"(ExitCode|Signal):(\d+)")
_INIT_STEP = re.compile(r"Init:(\d+)/(\d+)")
_RESTARTS = re.compile(r"(\d+)(?: \((\S+) ago\))?")


@dataclass(frozen=True, slots=True)
class _Counts:
    """READY and RESTARTS: over the init containers while these run, else over the main ones."""

    ready: int
    total: int
    restarts: int
    last_end: str | None
    created: str | None


def pod_of(row: Row) -> JsonObject:
    """spec, status and metadata as far as a row tells."""
    status = row.text("STATUS")
    ready, total = fraction(row.cells.get("READY", ""))
    restarts = _RESTARTS.fullmatch(row.text("RESTARTS"))
    last_end = ago(row.now, restarts[2]) if restarts and restarts[2] else None
    counts = _Counts(
        ready or 0,
        min(total or 0, MAX_CONTAINERS),
        int(restarts[1]) if restarts else 0,
        last_end,
        row.ago("AGE"),
    )
    pod = _by_status(status, counts)
    spec = pod.setdefault("spec", {})
    if counts.total and "containers" not in spec:
        spec["containers"] = [{"name": f"<container {i + 1}>"} for i in range(counts.total)]
    spec |= known(nodeName=_node(row, status, counts))
    if "IP" in row.cells:
        pod["status"] |= known(podIP=row.text("IP"), nominatedNodeName=row.text("NOMINATED NODE"))
    _gates(row, pod)
    return pod


def _node(row: Row, status: str, counts: _Counts) -> str:
    """The node, `<unknown>` where the pod must have one and the column is missing."""
    if "NODE" in row.cells:
        return shown(row.cells["NODE"])
    has_run = counts.ready or counts.restarts
    return (
        ""
        if not has_run and status in {"Pending", "SchedulingGated", "Terminating", "Unknown", "Failed"}
        else UNKNOWN
    )


def _by_status(status: str, counts: _Counts) -> JsonObject:
    if status.startswith("Init:"):
        return _initializing(status, counts)
    if status == "SchedulingGated":
        gates = [{"name": UNKNOWN}]
        scheduled = {"type": "PodScheduled", "status": "False", "reason": status}
        return {"spec": {"schedulingGates": gates}, "status": {"phase": "Pending", "conditions": [scheduled]}}
    if status in POD_REASONS:
        return {"status": {"phase": "Failed", "reason": status}}
    if status in PHASES - {"Running"}:
        return {"status": {"phase": status}}
    if status == "Unknown":
        return {"status": {"phase": "Unknown"}}
    return _running(status, counts)


def _running(status: str, counts: _Counts) -> JsonObject:
    """A pod whose STATUS is Running, NotReady or Terminating, or the reason of one of its containers."""
    # What runs began with the pod at the earliest, and what has ended at its end.
    running = {"running": known(startedAt=counts.created)}
    reason = "" if status in {"Running", "NotReady", "Terminating", ""} else status
    states = [_state(reason)] if reason else []
    unready = counts.total - counts.ready
    # A ready container runs. Of the others only the one whose reason is shown is known.
    states = (states + [{}] * unready)[: max(unready, len(states))]
    if status == "Running" and counts.total == 1:
        states = [running] * unready
    names = [f"<container {i + 1}>" for i in range(max(counts.total, len(states)))]
    ready = [running] * counts.ready
    statuses = _statuses(names, [*states, *ready], counts)
    for entry in statuses[len(states) :]:
        entry["ready"] = True
    inside = known(
        phase=_phase(status, reason, counts),
        containerStatuses=statuses or None,
        conditions=_ready(status, counts),
    )
    return {"spec": known(containers=[{"name": name} for name in names] or None), "status": inside}


def _phase(status: str, reason: str, counts: _Counts) -> str | None:
    """None where several fit: a container that ended or waits may be of a pod in any phase."""
    if status in {"Running", "NotReady", "CrashLoopBackOff"}:
        return "Running"
    if reason in ENDED_REASONS or _CODE.fullmatch(reason) or not reason:
        return None
    return "Pending" if not counts.restarts else None


def _state(reason: str) -> JsonObject:
    code = _CODE.fullmatch(reason)
    if code:
        return {"terminated": {"exitCode" if code[1] == "ExitCode" else "signal": int(code[2])}}
    if reason == "Completed":
        return {"terminated": {"reason": reason, "exitCode": 0}}
    return {"terminated" if reason in ENDED_REASONS else "waiting": {"reason": reason}}


def _statuses(names: list[str], states: list[JsonObject], counts: _Counts) -> list[JsonObject]:
    """The sum of the restarts goes to the first, which is the one in trouble if any is."""
    statuses: list[JsonObject] = []
    for name, state in zip(names, states, strict=False):
        entry: JsonObject = {"name": name, "ready": False}
        entry |= known(state=state)
        if not statuses:
            entry["restartCount"] = counts.restarts
            if counts.last_end:
                entry["lastState"] = {"terminated": {"finishedAt": counts.last_end}}
                if "running" in state:
                    entry["state"] = {"running": {"startedAt": counts.last_end}}
        statuses.append(entry)
    return statuses


def _initializing(status: str, counts: _Counts) -> JsonObject:
    step = _INIT_STEP.fullmatch(status)
    if step:
        done, total = int(step[1]), min(int(step[2]), MAX_CONTAINERS)
        state: JsonObject = {}
    else:
        done, total, state = 0, 1, _state(status.removeprefix("Init:"))
    finished = {"terminated": {"reason": "Completed", "exitCode": 0}}
    later = {"waiting": {"reason": "PodInitializing"}}
    names = [f"<init container {i + 1}>" for i in range(total)]
    current = _statuses(names[done:], [state, *[later] * (total - done - 1)], counts)
    before = [{"name": name, "ready": True, "state": finished} for name in names[:done]]
    mains = [f"<container {i + 1}>" for i in range(counts.total)]
    waiting = [{"name": name, "ready": False, "restartCount": 0, "state": later} for name in mains]
    conditions = [{"type": "Initialized", "status": "False"}, {"type": "Ready", "status": "False"}]
    spec = {"initContainers": [{"name": n} for n in names], "containers": [{"name": n} for n in mains]}
    told = known(
        initContainerStatuses=[*before, *current], containerStatuses=waiting or None, conditions=conditions
    )
    return {"spec": spec, "status": {"phase": "Pending", **told}}


def _ready(status: str, counts: _Counts) -> list[JsonObject] | None:
    """The Ready condition: false when a container is not ready; true when all are and kubectl says Running.

    On a lost node that is out of date, which only a description shows.
    """
    if counts.ready < counts.total or status == "NotReady":
        return [{"type": "Ready", "status": "False"}]
    if status == "Running" and counts.total:
        return [{"type": "Ready", "status": "True"}]
    return None


def _gates(row: Row, pod: JsonObject) -> None:
    """READINESS GATES `1/2`: a gate that is closed keeps the pod from being ready."""
    closed, total = fraction(row.text("READINESS GATES"))
    if closed is None or total is None:
        return
    pod["spec"]["readinessGates"] = [{"conditionType": UNKNOWN}] * min(total, MAX_CONTAINERS)
    if closed < total:
        pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
