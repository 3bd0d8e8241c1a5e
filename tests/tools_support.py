"""A small shop as a cluster in memory, for the tests of the tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubelore.analysis.view import View
from kubelore.tools.registry import Toolbox
from kubelore.types import JsonObject, Observation, ToolCall
from support import MemoryCluster, merged

CREATED = "2026-03-01T11:00:00Z"
HASH = "7d5b78cfd8"


def obj(kind: str, namespace: str, name: str, **parts: Any) -> JsonObject:
    meta: JsonObject = {"name": name, "uid": f"uid-{namespace}-{kind}-{name}", "creationTimestamp": CREATED}
    if namespace:
        meta["namespace"] = namespace
    return merged({"kind": kind, "apiVersion": "v1", "metadata": meta}, parts)


def owned_by(kind: str, name: str) -> JsonObject:
    return {"ownerReferences": [{"kind": kind, "name": name, "controller": True, "apiVersion": "apps/v1"}]}


def container_status(name: str, **parts: Any) -> JsonObject:
    healthy = {
        "name": name,
        "ready": True,
        "started": True,
        "restartCount": 0,
        "containerID": "containerd://abc",
        "state": {"running": {"startedAt": CREATED}},
    }
    return {**healthy, **parts}


def crashed(name: str, **parts: Any) -> JsonObject:
    return container_status(
        name,
        ready=False,
        started=False,
        restartCount=6,
        state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting"}},
        lastState={
            "terminated": {
                "reason": "OOMKilled",
                "exitCode": 137,
                "startedAt": "2026-03-01T11:58:00Z",
                "finishedAt": "2026-03-01T11:58:04Z",
            }
        },
        **parts,
    )


def deployment(namespace: str, name: str, containers: list[JsonObject], **spec: Any) -> list[JsonObject]:
    """A Deployment and its ReplicaSet."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}
    full = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    status = {"replicas": 1, "readyReplicas": 0, "observedGeneration": 1}
    return [
        obj("Deployment", namespace, name, spec=full, status=status, metadata={"labels": {"app": name}}),
        obj("ReplicaSet", namespace, f"{name}-{HASH}", spec=full, metadata=owned_by("Deployment", name)),
    ]


def pod(namespace: str, app: str, suffix: str, statuses: list[JsonObject], **spec: Any) -> JsonObject:
    ready = all(s["ready"] for s in statuses)
    meta = {"labels": {"app": app}, **owned_by("ReplicaSet", f"{app}-{HASH}")}
    names = [{"name": s["name"], "image": "registry.acme.test/app:1"} for s in statuses]
    return obj(
        "Pod",
        namespace,
        f"{app}-{HASH}-{suffix}",
        metadata=meta,
        spec={"nodeName": "worker-1", "containers": names, **spec},
        status={
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": statuses,
        },
    )


def event(namespace: str, kind: str, name: str, reason: str, message: str, **parts: Any) -> JsonObject:
    about = {"kind": kind, "namespace": namespace, "name": name, "uid": f"uid-{namespace}-{kind}-{name}"}
    base = {
        "involvedObject": about,
        "type": "Warning",
        "reason": reason,
        "message": message,
        "count": 3,
        "firstTimestamp": "2026-03-01T11:30:00Z",
        "lastTimestamp": "2026-03-01T11:59:00Z",
    }
    return obj("Event", namespace, f"{name}.{reason.lower()}", **{**base, **parts})


def service(namespace: str, name: str, selector: Mapping[str, str], port: int = 80) -> JsonObject:
    spec = {
        "selector": dict(selector),
        "ports": [{"port": port, "targetPort": 8080}],
        "clusterIP": "10.96.0.9",
    }
    return obj("Service", namespace, name, spec=spec)


def shop() -> list[JsonObject]:
    """web-app crashes in one of two pods, cart is healthy, the Service `front` selects nothing."""
    web = [{"name": "web", "image": "registry.acme.test/web:1", "resources": {"limits": {"memory": "64Mi"}}}]
    cart = [{"name": "cart", "image": "registry.acme.test/cart:1", "ports": [{"containerPort": 8080}]}]
    node_status = {
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
        "allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"},
        "nodeInfo": {"kubeletVersion": "v1.34.0"},
    }
    return [
        *(
            obj("Namespace", "", name, status={"phase": "Active"})
            for name in ("default", "shop", "kube-system")
        ),
        obj("Node", "", "worker-1", spec={}, status=node_status),
        *deployment("shop", "web-app", web, replicas=2),
        pod("shop", "web-app", "aaaaa", [container_status("web")]),
        pod("shop", "web-app", "bbbbb", [crashed("web")]),
        *deployment("shop", "cart", cart),
        pod("shop", "cart", "ccccc", [container_status("cart")]),
        service("shop", "cart", {"app": "cart"}),
        service("shop", "front", {"app": "web"}),
        event("shop", "Pod", f"web-app-{HASH}-bbbbb", "BackOff", "Back-off restarting failed container web"),
    ]


LOGS = {
    ("shop", f"web-app-{HASH}-bbbbb", "web"): "2026-03-01T11:58:00Z starting\n",
    ("shop", f"web-app-{HASH}-bbbbb", "web", "previous"): "2026-03-01T11:50:00Z starting\n"
    "2026-03-01T11:50:02Z ERROR cannot allocate buffer\n",
    ("shop", f"cart-{HASH}-ccccc", "cart"): "2026-03-01T11:00:01Z listening on 8080\n",
}


def toolbox(*extra: JsonObject, **cluster: Any) -> Toolbox:
    return Toolbox(View(MemoryCluster([*shop(), *extra], **{"logs": LOGS, **cluster})))


def ask(line: str, *extra: JsonObject, **cluster: Any) -> Observation:
    """What one call shows, written as models write it: `TOOL arguments`."""
    name, _, args = line.partition(" ")
    return toolbox(*extra, **cluster).run(ToolCall(name, args))
