"""Small Kubernetes objects for the analysis tests, each healthy until a test breaks it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from kubelore.analysis.find import find
from kubelore.analysis.view import View
from kubelore.types import Finding, JsonObject, NotChecked, Severity
from support import NOW, MemoryCluster, merged


def ago(**span: float) -> str:
    return f"{NOW - timedelta(**span):%Y-%m-%dT%H:%M:%SZ}"


OLD = ago(days=3)


def owned_by(kind: str, name: str) -> dict[str, Any]:
    return {"ownerReferences": [{"kind": kind, "name": name, "controller": True}]}


def container(name: str = "web", **changes: Any) -> JsonObject:
    return {"name": name, "image": "registry.acme.io/shop/web:1.4", **changes}


def status(name: str = "web", **changes: Any) -> JsonObject:
    """A container that runs and is ready for days."""
    base = {
        "name": name,
        "ready": True,
        "started": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": OLD}},
    }
    return {**base, **changes}


def terminated(code: int, reason: str = "Error", lived: int = 60, ended: int = 30, **more: Any) -> JsonObject:
    """A run that ended `ended` seconds ago and had lived for `lived`."""
    times = {"startedAt": ago(seconds=ended + lived), "finishedAt": ago(seconds=ended)}
    return {"exitCode": code, "reason": reason, **times, **more}


def crashing(name: str = "web", code: int = 1, reason: str = "Error", **last: Any) -> JsonObject:
    return status(
        name,
        ready=False,
        restartCount=6,
        state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting"}},
        lastState={"terminated": terminated(code, reason, **last)},
    )


def waiting(reason: str, message: str = "", name: str = "web") -> JsonObject:
    state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
    return status(name, ready=False, started=False, state=state)


def pod(name: str = "web-7d4f-abcde", owner: str = "web-7d4f", **changes: Any) -> JsonObject:
    """A running pod of Deployment shop/web; `owner=""` makes it a bare one."""
    base: JsonObject = {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"uid-{name}",
            "creationTimestamp": OLD,
            "labels": {"app": "web"},
            **(owned_by("ReplicaSet", owner) if owner else {}),
        },
        "spec": {"nodeName": "node-1", "restartPolicy": "Always", "containers": [container()]},
        "status": {
            "phase": "Running",
            "conditions": [
                {"type": "PodScheduled", "status": "True", "lastTransitionTime": OLD},
                {"type": "Ready", "status": "True", "lastTransitionTime": OLD},
            ],
            "containerStatuses": [status()],
        },
    }
    return merged(base, changes)


def with_status(*statuses: JsonObject, phase: str = "Running", **changes: Any) -> JsonObject:
    """A pod whose containers are in these states."""
    ready = all(s["ready"] for s in statuses)
    state = {
        "phase": phase,
        "containerStatuses": list(statuses),
        "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": OLD},
            {"type": "Ready", "status": str(ready), "lastTransitionTime": ago(minutes=20)},
        ],
    }
    spec = changes.pop("spec", {})
    spec.setdefault("containers", [container(s["name"]) for s in statuses])
    return pod(status=state, spec=spec, **changes)


def pending(message: str = "", since: str = OLD, **changes: Any) -> JsonObject:
    """A pod without a node; `message` is the scheduler's."""
    scheduled = {"type": "PodScheduled", "status": "False", "lastTransitionTime": since}
    if message:
        scheduled |= {"reason": "Unschedulable", "message": message}
    state = {"phase": "Pending", "conditions": [scheduled], "containerStatuses": []}
    base = pod(status=state, **changes)
    base["spec"].pop("nodeName")
    return merged(base, {"metadata": {"creationTimestamp": since}})


def creating(since: str, reason: str = "ContainerCreating", **changes: Any) -> JsonObject:
    """A pod on a node whose containers do not exist yet."""
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": since}
    state = {"phase": "Pending", "conditions": [scheduled], "containerStatuses": [waiting(reason)]}
    return pod(status=state, metadata={"creationTimestamp": since}, **changes)


def deployment(name: str = "web", replicas: int = 1, available: int = 1, **changes: Any) -> JsonObject:
    base = {
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "creationTimestamp": OLD,
            "generation": 1,
            "uid": "d",
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container(name)]}},
        },
        "status": {
            "observedGeneration": 1,
            "replicas": replicas,
            "updatedReplicas": replicas,
            "availableReplicas": available,
            "conditions": [{"type": "Progressing", "status": "True", "lastUpdateTime": OLD}],
        },
    }
    return merged(base, changes)


def replica_set(name: str = "web-7d4f", owner: str = "web", replicas: int = 1, **changes: Any) -> JsonObject:
    base = {
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": "rs",
            "creationTimestamp": OLD,
            **(owned_by("Deployment", owner) if owner else {}),
        },
        "spec": {"replicas": replicas},
        "status": {"replicas": replicas, "availableReplicas": replicas},
    }
    return merged(base, changes)


WEB = (deployment(), replica_set())
"""What controls the pods that `pod()` makes."""


def event(about: JsonObject, reason: str, message: str, count: int = 1, **changes: Any) -> JsonObject:
    meta = about["metadata"]
    base = {
        "kind": "Event",
        "metadata": {"name": f"{reason}-{abs(hash(message))}", "namespace": meta.get("namespace", "default")},
        "involvedObject": {
            "kind": about["kind"],
            "name": meta["name"],
            "namespace": meta.get("namespace", ""),
            "uid": meta.get("uid", ""),
        },
        "type": "Warning",
        "reason": reason,
        "message": message,
        "count": count,
        "firstTimestamp": ago(minutes=20),
        "lastTimestamp": ago(seconds=20),
    }
    return merged(base, changes)


def killing(about: JsonObject, probe: str = "liveness") -> JsonObject:
    return event(about, "Killing", f"Container web failed {probe} probe, will be restarted", 6, type="Normal")


def node(name: str = "node-1", cpu: str = "4", memory: str = "8Gi", **changes: Any) -> JsonObject:
    base = {
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}, "creationTimestamp": OLD},
        "spec": {},
        "status": {
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": OLD}],
            "allocatable": {"cpu": cpu, "memory": memory, "pods": "110"},
            "nodeInfo": {"kubeletVersion": "v1.34.0"},
        },
    }
    return merged(base, changes)


def view(*objects: JsonObject, **options: Any) -> View:
    return View(MemoryCluster(objects, **options))


def findings(*objects: JsonObject, checks: tuple[str, ...] | None = None, **options: Any) -> list[Finding]:
    """What is found among these objects; INFO is not reported, and no analyzer may fail."""
    broken: list[NotChecked] = []
    found = find(view(*objects, **options), None, checks, broken)
    assert not broken, broken
    return [f for f in found if f.severity is not Severity.INFO]


def facts(*objects: JsonObject, **options: Any) -> set[str]:
    """`key=value` of every fact of every finding."""
    return {fact.name for finding in findings(*objects, **options) for fact in finding.facts}


def params(*objects: JsonObject, fact: str, **options: Any) -> dict[str, str]:
    """Params of the first fact of this name."""
    named = (f for finding in findings(*objects, **options) for f in finding.facts if f.name == fact)
    return dict(next(named).params)
