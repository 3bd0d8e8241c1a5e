"""Columns of controllers, nodes, namespaces and events."""

from __future__ import annotations

from datetime import datetime

from kubelore.cluster.app.table.cells import (
    NONE,
    UNKNOWN,
    Cell,
    Columns,
    age,
    columns,
    condition,
    containers,
    duration,
    is_true,
    labels,
    meta,
    name,
    selector,
    since,
    spec,
    status,
    template,
    truth,
)
from kubelore.cluster.app.table.pods import POD
from kubelore.cluster.snapshot.events import core_event
from kubelore.cluster.snapshot.objects import read_time
from kubelore.types import JsonObject


def _deployment(obj: JsonObject, now: datetime) -> list[Cell]:
    state = status(obj)
    return [
        name(obj),
        f"{state.get('readyReplicas') or 0}/{spec(obj).get('replicas', 1)}",
        state.get("updatedReplicas") or 0,
        state.get("availableReplicas") or 0,
        age(obj, now),
        *containers(template(obj)),
        selector(spec(obj).get("selector")),
    ]


def _replica_set(obj: JsonObject, now: datetime) -> list[Cell]:
    wanted = spec(obj).get("selector")
    return [
        name(obj),
        spec(obj).get("replicas", 1),
        status(obj).get("replicas") or 0,
        status(obj).get("readyReplicas") or 0,
        age(obj, now),
        *containers(template(obj)),
        labels(wanted) if obj.get("kind") == "ReplicationController" else selector(wanted),
    ]


def _stateful_set(obj: JsonObject, now: datetime) -> list[Cell]:
    ready = f"{status(obj).get('readyReplicas') or 0}/{spec(obj).get('replicas', 1)}"
    return [name(obj), ready, age(obj, now), *containers(template(obj))]


def _daemon_set(obj: JsonObject, now: datetime) -> list[Cell]:
    state = status(obj)
    return [
        name(obj),
        state.get("desiredNumberScheduled") or 0,
        state.get("currentNumberScheduled") or 0,
        state.get("numberReady") or 0,
        state.get("updatedNumberScheduled") or 0,
        state.get("numberAvailable") or 0,
        labels(template(obj).get("nodeSelector")),
        age(obj, now),
        *containers(template(obj)),
        selector(spec(obj).get("selector")),
    ]


def _job(obj: JsonObject, now: datetime) -> list[Cell]:
    succeeded, parallel = status(obj).get("succeeded") or 0, spec(obj).get("parallelism") or 0
    completions = spec(obj).get("completions")
    if completions is None:
        completions = f"1 of {parallel}" if parallel > 1 else 1
    start, end = status(obj).get("startTime"), status(obj).get("completionTime")
    took = since(start, read_time(end) or now) if start else ""
    return [
        name(obj),
        _job_state(obj),
        f"{succeeded}/{completions}",
        took,
        age(obj, now),
        *containers(template(obj)),
        selector(spec(obj).get("selector")),
    ]


def _job_state(obj: JsonObject) -> str:
    for finished in ("Complete", "Failed"):
        if is_true(obj, finished):
            return finished
    if meta(obj).get("deletionTimestamp"):
        return "Terminating"
    states = ("Suspended", "FailureTarget", "SuccessCriteriaMet")
    return next((state for state in states if is_true(obj, state)), "Running")


def _cron_job(obj: JsonObject, now: datetime) -> list[Cell]:
    last = status(obj).get("lastScheduleTime")
    job = spec(obj).get("jobTemplate") or {}
    return [
        name(obj),
        str(spec(obj).get("schedule") or ""),
        str(spec(obj).get("timeZone") or NONE),
        truth(spec(obj).get("suspend")),
        len(status(obj).get("active") or ()),
        since(last, now) if last else NONE,
        age(obj, now),
        *containers(template(job)),
        selector(spec(job).get("selector")),
    ]


def _node(obj: JsonObject, now: datetime) -> list[Cell]:
    ready = condition(obj, "Ready")
    state = "Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"
    if spec(obj).get("unschedulable"):
        state += ",SchedulingDisabled"
    info = status(obj).get("nodeInfo") or {}
    addresses = {a.get("type"): str(a.get("address")) for a in status(obj).get("addresses") or ()}
    return [
        name(obj),
        state,
        _roles(meta(obj).get("labels") or {}),
        age(obj, now),
        str(info.get("kubeletVersion") or ""),
        addresses.get("InternalIP", NONE),
        addresses.get("ExternalIP", NONE),
        str(info.get("osImage") or UNKNOWN),
        str(info.get("kernelVersion") or UNKNOWN),
        str(info.get("containerRuntimeVersion") or UNKNOWN),
    ]


def _roles(values: JsonObject) -> str:
    prefix = "node-role.kubernetes.io/"
    roles = {key.removeprefix(prefix) for key in values if key.startswith(prefix)}
    roles.add(str(values.get("kubernetes.io/role") or ""))
    return ",".join(sorted(filter(None, roles))) or NONE


def _namespace(obj: JsonObject, now: datetime) -> list[Cell]:
    return [name(obj), str(status(obj).get("phase") or ""), age(obj, now)]


def _event(obj: JsonObject, now: datetime) -> list[Cell]:
    obj = core_event(obj)
    about, source, series = (obj.get(key) or {} for key in ("involvedObject", "source", "series"))
    first = obj.get("firstTimestamp") or obj.get("eventTime")
    last = series.get("lastObservedTime") or obj.get("lastTimestamp") or first
    reporter = source.get("component") or obj.get("reportingComponent") or ""
    return [
        _ago(last, now),
        str(obj.get("type") or ""),
        str(obj.get("reason") or ""),
        f"{str(about.get('kind') or '').lower()}/{about.get('name') or ''}",
        str(about.get("fieldPath") or ""),
        ", ".join(filter(None, (reporter, source.get("host")))),
        str(obj.get("message") or "").strip(),
        _ago(first, now),
        series.get("count") or obj.get("count") or 1,
        name(obj),
    ]


def _ago(time: str | None, now: datetime) -> str:
    at = read_time(time) if time else None
    return duration((now - at).total_seconds()) if at else UNKNOWN


_TEMPLATE = "Containers|Images|Selector"
_REPLICAS = columns("Name|Desired|Current|Ready|Age", _replica_set, wide=_TEMPLATE)
_EVENT = columns(
    "Last Seen|Type|Reason|Object|Subobject|Source|Message|First Seen|Count|Name",
    _event,
    wide="Subobject|Source|First Seen|Count|Name",
)

WORKLOADS: dict[str, Columns] = {
    "pods": POD,
    "deployments.apps": columns("Name|Ready|Up-to-date|Available|Age", _deployment, wide=_TEMPLATE),
    "replicasets.apps": _REPLICAS,
    "replicationcontrollers": _REPLICAS,
    "statefulsets.apps": columns("Name|Ready|Age", _stateful_set, wide="Containers|Images"),
    "daemonsets.apps": columns(
        "Name|Desired|Current|Ready|Up-to-date|Available|Node Selector|Age", _daemon_set, wide=_TEMPLATE
    ),
    "jobs.batch": columns("Name|Status|Completions|Duration|Age", _job, wide=_TEMPLATE),
    "cronjobs.batch": columns(
        "Name|Schedule|Timezone|Suspend|Active|Last Schedule|Age", _cron_job, wide=_TEMPLATE
    ),
    "nodes": columns(
        "Name|Status|Roles|Age|Version",
        _node,
        wide="Internal-IP|External-IP|OS-Image|Kernel-Version|Container-Runtime",
    ),
    "namespaces": columns("Name|Status|Age", _namespace),
    "events": _EVENT,
    "events.events.k8s.io": _EVENT,
}
