"""Described pods and their controllers."""

from __future__ import annotations

import re
from collections.abc import Callable

from kubelore.cluster.text.cells import (
    access_modes,
    known,
    label_map,
    listed,
    new,
    number,
    owned_by,
    selector,
    shown,
)
from kubelore.cluster.text.describe_pod import pod_of, template_of
from kubelore.cluster.text.described import Described
from kubelore.types import JsonObject

_ROLLING = re.compile(r"(\S+) max unavailable, (\S+) max surge")
_DS_COUNTS = {
    "desiredNumberScheduled": "Desired Number of Nodes Scheduled",
    "currentNumberScheduled": "Current Number of Nodes Scheduled",
    "updatedNumberScheduled": "Number of Nodes Scheduled with Up-to-date Pods",
    "numberAvailable": "Number of Nodes Scheduled with Available Pods",
    "numberMisscheduled": "Number of Nodes Misscheduled",
}


def _pod(told: Described) -> JsonObject:
    return pod_of(told.outline)


def _amount(text: str) -> int | str:
    value = number(text)
    return text if value is None else value


def _deployment(told: Described) -> JsonObject:
    counts = told.counts("Replicas")
    rolling = _ROLLING.search(told.text("RollingUpdateStrategy"))
    update = known(maxUnavailable=_amount(rolling[1]), maxSurge=_amount(rolling[2])) if rolling else None
    conditions = told.conditions()
    paused = any(c.get("reason") == "DeploymentPaused" for c in conditions or ())
    spec = known(
        replicas=counts.get("desired"),
        selector=selector(told.text("Selector")),
        strategy=known(type=told.text("StrategyType"), rollingUpdate=update),
        minReadySeconds=told.number("MinReadySeconds"),
        paused=True if paused else None,
        template=template_of(told.outline),
    )
    status = known(
        replicas=counts.get("total"),
        updatedReplicas=counts.get("updated"),
        availableReplicas=counts.get("available"),
        unavailableReplicas=counts.get("unavailable"),
        conditions=conditions,
    )
    return known(spec=spec, status=status)


def _its_replica_sets(told: Described) -> list[JsonObject]:
    """ReplicaSets that a Deployment names as its own, with that and nothing more."""
    owner = owned_by(f"Deployment/{told.text('Name')}")
    names = [
        part.split(" ")[0]
        for key in ("OldReplicaSets", "NewReplicaSet")
        for part in re.split(r",\s*(?=\S+ \()", told.text(key))
        if part
    ]
    return [new("ReplicaSet", told.namespace, name, metadata={"ownerReferences": owner}) for name in names]


def _replica_set(told: Described) -> JsonObject:
    counts, pods = told.counts("Replicas"), told.counts("Pods Status")
    spec = known(
        replicas=counts.get("desired"),
        selector=selector(told.text("Selector")),
        template=template_of(told.outline),
    )
    # A running pod may be unready: of readiness this says only that nothing runs.
    ready = 0 if pods.get("running") == 0 else None
    status = known(replicas=counts.get("current"), readyReplicas=ready, conditions=told.conditions())
    return known(spec=spec, status=status)


def _stateful_set(told: Described) -> JsonObject:
    counts = told.counts("Replicas")
    strategy = told.outline.get("Update Strategy")
    partition = number(strategy.text("Partition"))
    spec = known(
        replicas=counts.get("desired"),
        serviceName=told.text("Service Name"),
        selector=selector(told.text("Selector")),
        updateStrategy=known(
            type=shown(strategy.value),
            rollingUpdate=None if partition is None else {"partition": partition},
        ),
        template=template_of(told.outline),
        volumeClaimTemplates=_claims(told),
    )
    ready = 0 if told.counts("Pods Status").get("running") == 0 else None
    return known(spec=spec, status=known(replicas=counts.get("total"), readyReplicas=ready))


def _claims(told: Described) -> list[JsonObject] | None:
    """Claim templates, told one after another: each begins with its name."""
    claims: list[JsonObject] = []
    for entry in told.outline.get("Volume Claims").walk():
        if entry.key == "Name":
            claims.append({"metadata": {"name": entry.value}, "spec": {}})
        elif claims and entry.key == "StorageClass":
            claims[-1]["spec"] |= known(storageClassName=shown(entry.value))
        elif claims and entry.key == "Capacity":
            claims[-1]["spec"]["resources"] = {"requests": known(storage=shown(entry.value))}
        elif claims and entry.key == "Access Modes":
            claims[-1]["spec"]["accessModes"] = access_modes(entry.value.strip("[]"))
    return claims or None


def _daemon_set(told: Described) -> JsonObject:
    template = template_of(told.outline)
    if told.outline.has("Node-Selector"):
        template["spec"]["nodeSelector"] = label_map(listed(told.text("Node-Selector")))
    status = {field: told.number(key) for field, key in _DS_COUNTS.items()}
    ready = 0 if told.counts("Pods Status").get("running") == 0 else None
    return known(
        spec=known(selector=selector(told.text("Selector")), template=template),
        status=known(**status, numberReady=ready),
    )


def _job(told: Described) -> JsonObject:
    pods = told.counts("Pods Statuses")
    spec = known(
        parallelism=told.number("Parallelism"),
        completions=told.number("Completions"),
        completionMode=told.text("Completion Mode"),
        suspend=told.flag("Suspend"),
        backoffLimit=told.number("Backoff Limit"),
        activeDeadlineSeconds=number(told.text("Active Deadline Seconds").removesuffix("s")),
        selector=selector(told.text("Selector")),
        template=template_of(told.outline),
    )
    finished = told.date("Completed At")
    status = known(
        active=pods.get("active"),
        ready=pods.get("ready"),
        succeeded=pods.get("succeeded"),
        failed=pods.get("failed"),
        startTime=told.date("Start Time"),
        completionTime=finished,
        conditions=[{"type": "Complete", "status": "True"}] if finished else None,
    )
    return known(spec=spec, status=status)


def _cron_job(told: Described) -> JsonObject:
    job = known(parallelism=told.number("Parallelism"), completions=told.number("Completions"))
    spec = known(
        schedule=told.text("Schedule"),
        timeZone=told.text("Time Zone"),
        concurrencyPolicy=told.text("Concurrency Policy"),
        suspend=told.flag("Suspend"),
        startingDeadlineSeconds=number(told.text("Starting Deadline Seconds").removesuffix("s")),
        jobTemplate={"spec": job | {"template": template_of(told.outline)}},
    )
    active = [{"kind": "Job", "name": name} for name in listed(told.text("Active Jobs"))]
    status = known(active=active or None, lastScheduleTime=told.date("Last Schedule Time"))
    return known(spec=spec, status=status)


BUILDERS: dict[str, Callable[[Described], JsonObject]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "ReplicationController": _replica_set,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "CronJob": _cron_job,
}
COMPANIONS: dict[str, Callable[[Described], list[JsonObject]]] = {"Deployment": _its_replica_sets}
