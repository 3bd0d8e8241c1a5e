"""Small objects for the tests of services, storage, nodes and policy, and short ways to look at findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import count
from typing import Any

from kubelore.analysis.find import find
from kubelore.analysis.view import View
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity
from support import NOW, MemoryCluster, merged

_uids = count(1)


def ago(**delta: float) -> str:
    return (NOW - timedelta(**delta)).strftime("%Y-%m-%dT%H:%M:%SZ")


def obj(kind: str, name: str, namespace: str = "shop", **fields: Any) -> JsonObject:
    """An object two hours old. `metadata` is merged into its metadata."""
    meta = {"name": name, "uid": f"uid-{next(_uids)}", "creationTimestamp": ago(hours=2)}
    if namespace:
        meta["namespace"] = namespace
    return {"kind": kind, "metadata": merged(meta, fields.pop("metadata", {})), **fields}


def namespace(name: str, **labels: str) -> JsonObject:
    return obj("Namespace", name, "", metadata={"labels": labels}, status={"phase": "Active"})


def container(*ports: int, name: str = "app", **fields: Any) -> JsonObject:
    declared = {"ports": [{"containerPort": p} for p in ports]} if ports else {}
    return {"name": name, "image": "registry.example/app:1", **declared, **fields}


def workload(
    name: str,
    *containers: JsonObject,
    replicas: int = 1,
    labels: Mapping[str, str] | None = None,
    state: str = "ready",
    space: str = "shop",
    spec: Mapping[str, Any] | None = None,
    node: str = "node-a",
) -> list[JsonObject]:
    """A Deployment, its ReplicaSet and its pods, in one state: ready, crashing, pending, not-ready."""
    labels = {"app": name} if labels is None else labels
    pod_spec = {"containers": list(containers) or [container(8080)], **(spec or {})}
    template = {"metadata": {"labels": dict(labels)}, "spec": pod_spec}
    status = {"replicas": replicas, "observedGeneration": 1}
    if state == "ready":
        status |= dict.fromkeys(("readyReplicas", "availableReplicas", "updatedReplicas"), replicas)
    body = {"replicas": replicas, "selector": {"matchLabels": dict(labels)}, "template": template}
    deployment = obj("Deployment", name, space, metadata={"generation": 1}, spec=body, status=status)
    owned = {"ownerReferences": [{"kind": "Deployment", "name": name, "controller": True}]}
    replica_set = obj("ReplicaSet", f"{name}-1a2b", space, metadata=owned, spec=body, status=status)
    return [
        deployment,
        replica_set,
        *(pod(replica_set, f"{name}-1a2b-{i}", state, node) for i in range(replicas)),
    ]


def pod(owner: JsonObject, name: str, state: str = "ready", node: str = "node-a") -> JsonObject:
    template = owner["spec"]["template"]
    owned = [{"kind": owner["kind"], "name": owner["metadata"]["name"], "controller": True}]
    meta = {"labels": template["metadata"]["labels"], "ownerReferences": owned}
    spec = {**template["spec"], **({"nodeName": node} if node else {})}
    return obj(
        "Pod", name, owner["metadata"]["namespace"], metadata=meta, spec=spec, status=pod_status(state)
    )


def pod_status(state: str) -> JsonObject:
    running: JsonObject = {"running": {"startedAt": ago(hours=1)}}
    current = running
    if state == "crashing":
        current = {"waiting": {"reason": "CrashLoopBackOff"}}
    elif state == "pending":
        current = {"waiting": {"reason": "ContainerCreating"}}
    return {
        "phase": "Pending" if state == "pending" else "Running",
        "podIP": f"10.1.0.{next(_uids) % 250}",
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Ready", "status": "True" if state == "ready" else "False"},
        ],
        "containerStatuses": [
            {"name": "app", "ready": state == "ready", "restartCount": 0, "state": current}
        ],
    }


def service(
    name: str,
    selector: Mapping[str, str] | None = None,
    *ports: tuple[int, int | str],
    space: str = "shop",
    **spec: Any,
) -> JsonObject:
    """A ClusterIP Service of (port, targetPort) pairs; without a selector it selects app=NAME."""
    body = {
        "type": "ClusterIP",
        "clusterIP": f"10.96.0.{next(_uids) % 250}",
        "selector": {"app": name} if selector is None else dict(selector),
        "ports": [{"port": p, "targetPort": t, "protocol": "TCP"} for p, t in ports or ((80, 8080),)],
        **spec,
    }
    return obj("Service", name, space, spec=body, status={"loadBalancer": {}})


def slices(name: str, ready: int = 1, not_ready: int = 0, space: str = "shop") -> JsonObject:
    endpoints = [
        {"addresses": [f"10.2.0.{i}"], "conditions": {"ready": i < ready}} for i in range(ready + not_ready)
    ]
    labels = {"kubernetes.io/service-name": name}
    return obj("EndpointSlice", f"{name}-x", space, metadata={"labels": labels}, endpoints=endpoints)


def event(about: JsonObject, reason: str, message: str, kind: str = "Warning") -> JsonObject:
    meta = about["metadata"]
    involved = {
        "kind": about["kind"], "name": meta["name"], "uid": meta["uid"],
        "namespace": meta.get("namespace", ""),
    }  # fmt: skip
    return obj(
        "Event", f"{meta['name']}.{next(_uids)}", meta.get("namespace") or "default",
        involvedObject=involved, reason=reason, message=message, type=kind, count=3,
        firstTimestamp=ago(minutes=10), lastTimestamp=ago(minutes=1),
    )  # fmt: skip


def flatten(objects: Iterable[Any]) -> list[JsonObject]:
    return [o for item in objects for o in ([item] if isinstance(item, dict) else flatten(item))]


def view_of(*objects: Any, **fields: Any) -> View:
    """A view of these objects (lists of them are flattened) and their namespace `shop`."""
    flat = flatten(objects)
    if not any(o["kind"] == "Namespace" for o in flat):
        flat.append(namespace("shop"))
    return View(MemoryCluster(flat, **fields))


def problems(view: View, *checks: str) -> list[Finding]:
    """What `scan` would print: findings that are more than worth knowing."""
    return [f for f in find(view, None, checks or None) if f.severity is not Severity.INFO]


def names(facts: Iterable[Fact], about: Ref | None = None) -> set[str]:
    return {f.name for f in facts if about in (None, f.about)}


def shown(findings: Iterable[Finding]) -> dict[str, set[str]]:
    """Fact names by object, of all findings."""
    result: dict[str, set[str]] = {}
    for finding in findings:
        result.setdefault(str(finding.object), set()).update(names(finding.facts))
    return result
