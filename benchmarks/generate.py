"""A made-up cluster of any size for measurements: mostly healthy, with a fault in every hundredth workload.

As a program it writes a snapshot folder: python benchmarks/generate.py OUT --pods 5000
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

JsonObject = dict[str, Any]

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PODS_PER_NODE = 50
REPLICAS = 5
FILES = {
    "Pod": ("core_v1_pods", "v1"),
    "Node": ("core_v1_nodes", "v1"),
    "Service": ("core_v1_services", "v1"),
    "Event": ("core_v1_events", "v1"),
    "Namespace": ("core_v1_namespaces", "v1"),
    "ConfigMap": ("core_v1_configmaps", "v1"),
    "Deployment": ("apps_v1_deployments", "apps/v1"),
    "ReplicaSet": ("apps_v1_replicasets", "apps/v1"),
    "EndpointSlice": ("discovery.k8s.io_v1_endpointslices", "discovery.k8s.io/v1"),
    "NetworkPolicy": ("networking.k8s.io_v1_networkpolicies", "networking.k8s.io/v1"),
    "Lease": ("coordination.k8s.io_v1_leases", "coordination.k8s.io/v1"),
}


def generate(
    pods: int = 5000, services: int = 500, events: int = 20000, namespaces: int = 20
) -> Iterator[JsonObject]:
    """Objects of every kind in FILES, as the API server would list them. Deterministic."""
    numbers = count(1)
    workloads = max(1, pods // REPLICAS)
    nodes = max(1, pods // PODS_PER_NODE)
    spaces = [f"team-{i}" for i in range(namespaces)]
    for space in spaces:
        yield _object("Namespace", "", space, numbers, status={"phase": "Active"})
        yield _object("ConfigMap", space, "settings", numbers, data={"LOG_LEVEL": "info"})
        yield _policy(space, numbers)
    for i in range(nodes):
        yield from _node(f"node-{i}", numbers)
    names: list[tuple[str, str]] = []
    for i in range(workloads):
        space, name = spaces[i % namespaces], f"app-{i}"
        rows = max(1, min(services, workloads) // namespaces)
        called = i % namespaces + namespaces * ((i // namespaces + 1) % rows)
        calls = f"http://app-{called}:80"
        replicas = REPLICAS if i else pods - REPLICAS * (workloads - 1)
        made = list(_workload(space, name, calls, replicas, i, nodes, numbers))
        yield from made
        names += [(space, o["metadata"]["name"]) for o in made if o["kind"] == "Pod"]
        if i < services:
            yield from _service(space, name, made, broken=i % 100 == 99, numbers=numbers)
    for i in range(events):
        yield _event(*names[i % len(names)], i, numbers)


def _object(kind: str, namespace: str, name: str, numbers: Iterator[int], **fields: Any) -> JsonObject:
    meta = {
        "name": name,
        "uid": f"00000000-0000-4000-8000-{next(numbers):012d}",
        "creationTimestamp": _time(hours=2),
        **({"namespace": namespace} if namespace else {}),
        **fields.pop("metadata", {}),
    }
    return {"apiVersion": FILES[kind][1], "kind": kind, "metadata": meta, **fields}


def _time(**ago: float) -> str:
    return (NOW - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _node(name: str, numbers: Iterator[int]) -> Iterator[JsonObject]:
    status = {
        "allocatable": {"cpu": "32", "memory": "128Gi", "pods": "110"},
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": _time(hours=2)}],
        "nodeInfo": {"kubeletVersion": "v1.34.0"},
    }
    labels = {"kubernetes.io/hostname": name}
    yield _object("Node", "", name, numbers, metadata={"labels": labels}, spec={}, status=status)
    lease = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": _time(seconds=5)}
    yield _object("Lease", "kube-node-lease", name, numbers, spec=lease)


def _policy(namespace: str, numbers: Iterator[int]) -> JsonObject:
    rule = {"from": [{"podSelector": {}}]}
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [rule]}
    return _object("NetworkPolicy", namespace, "same-namespace", numbers, spec=spec)


def _pod_spec(calls: str) -> JsonObject:
    return {
        "containers": [
            {
                "name": "app",
                "image": "registry.example/app:1.0",
                "env": [{"name": "UPSTREAM_URL", "value": calls}, {"name": "MODE", "value": "production"}],
                "envFrom": [{"configMapRef": {"name": "settings"}}],
                "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
                "resources": {
                    "requests": {"cpu": "100m", "memory": "128Mi"},
                    "limits": {"memory": "256Mi"},
                },
            }
        ]
    }


def _workload(
    namespace: str, name: str, calls: str, replicas: int, number: int, nodes: int, numbers: Iterator[int]
) -> Iterator[JsonObject]:
    broken = number % 100 == 50
    ready = 0 if broken else replicas
    template = {"metadata": {"labels": {"app": name}}, "spec": _pod_spec(calls)}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    counts = {
        "replicas": replicas,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "updatedReplicas": replicas,
    }
    deployment = _object("Deployment", namespace, name, numbers, spec=spec, status=counts)
    yield deployment
    hashed = f"{name}-5d4f8"
    owner = {"ownerReferences": [_owner(deployment)], "labels": {"app": name}}
    replica_set = _object("ReplicaSet", namespace, hashed, numbers, metadata=owner, spec=spec, status=counts)
    yield replica_set
    for i in range(replicas):
        meta = {"ownerReferences": [_owner(replica_set)], "labels": {"app": name}}
        node = f"node-{(number * REPLICAS + i) % nodes}"
        address = f"10.{number // 250}.{number % 250}.{i + 1}"
        yield _object(
            "Pod", namespace, f"{hashed}-{i:05d}", numbers,
            metadata=meta, spec={"nodeName": node, **_pod_spec(calls)}, status=_pod_status(address, broken),
        )  # fmt: skip


def _owner(obj: JsonObject) -> JsonObject:
    meta = obj["metadata"]
    return {"kind": obj["kind"], "name": meta["name"], "uid": meta["uid"], "controller": True}


def _pod_status(address: str, broken: bool) -> JsonObject:
    state: JsonObject = {"running": {"startedAt": _time(hours=1)}}
    last: JsonObject = {}
    if broken:
        state = {
            "waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}
        }
        ended = {
            "reason": "Error",
            "exitCode": 1,
            "startedAt": _time(minutes=6),
            "finishedAt": _time(minutes=5),
        }
        last = {"lastState": {"terminated": ended}}
    container = {"name": "app", "ready": not broken, "restartCount": 12 * broken, "state": state, **last}
    status = "False" if broken else "True"
    kinds = {"PodScheduled": "True", "Initialized": "True", "ContainersReady": status, "Ready": status}
    return {
        "phase": "Running",
        "podIP": address,
        "conditions": [
            {"type": k, "status": v, "lastTransitionTime": _time(hours=1)} for k, v in kinds.items()
        ],
        "containerStatuses": [container],
    }


def _service(
    namespace: str, name: str, workload: list[JsonObject], *, broken: bool, numbers: Iterator[int]
) -> Iterator[JsonObject]:
    selector = {"app": f"{name}-typo" if broken else name}
    spec = {
        "type": "ClusterIP", "clusterIP": f"172.16.{next(numbers) % 250}.{next(numbers) % 250}",
        "selector": selector, "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}],
    }  # fmt: skip
    yield _object("Service", namespace, name, numbers, spec=spec, status={"loadBalancer": {}})
    pods = [] if broken else [o for o in workload if o["kind"] == "Pod"]
    endpoints = [
        {
            "addresses": [p["status"]["podIP"]],
            "conditions": {"ready": p["status"]["containerStatuses"][0]["ready"]},
            "targetRef": {"kind": "Pod", "namespace": namespace, "name": p["metadata"]["name"]},
        }
        for p in pods
    ]
    yield _object(
        "EndpointSlice", namespace, f"{name}-x1", numbers,
        metadata={"labels": {"kubernetes.io/service-name": name}},
        addressType="IPv4", endpoints=endpoints, ports=[{"port": 8080, "protocol": "TCP"}],
    )  # fmt: skip


def _event(namespace: str, pod: str, number: int, numbers: Iterator[int]) -> JsonObject:
    reasons = (
        ("Normal", "Pulled", 'Container image "registry.example/app:1.0" already present on machine'),
        ("Normal", "Started", "Started container app"),
        ("Normal", "Scheduled", f"Successfully assigned {namespace}/{pod} to node-1"),
        ("Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
    )
    kind, reason, message = reasons[number % 4] if number % 40 == 3 else reasons[number % 3]
    return _object(
        "Event", namespace, f"{pod}.{number:x}", numbers,
        involvedObject={"kind": "Pod", "namespace": namespace, "name": pod},
        type=kind, reason=reason, message=message, count=1,
        firstTimestamp=_time(minutes=50), lastTimestamp=_time(minutes=50),
    )  # fmt: skip


def write_snapshot(folder: Path, objects: Iterator[JsonObject]) -> None:
    """Write them in the format of a snapshot folder. The folder must be new or empty."""
    by_kind: dict[str, list[JsonObject]] = defaultdict(list)
    for obj in objects:
        by_kind[obj["kind"]].append(obj)
    (folder / "objects").mkdir(parents=True)
    for kind, items in by_kind.items():
        file, version = FILES[kind]
        listing = {"kind": f"{kind}List", "apiVersion": version, "metadata": {}, "items": items}
        (folder / "objects" / f"{file}.json").write_text(json.dumps(listing), "utf-8")
    header = {
        "format_version": 1,
        "captured_at": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "context": "generated",
        "server_version": "v1.34.0",
        "source": "benchmarks/generate.py",
    }
    (folder / "snapshot.json").write_text(json.dumps(header), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pods", type=int, default=5000)
    parser.add_argument("--services", type=int, default=500)
    parser.add_argument("--events", type=int, default=20000)
    parser.add_argument("--namespaces", type=int, default=20)
    args = parser.parse_args()
    write_snapshot(args.out, generate(args.pods, args.services, args.events, args.namespaces))


if __name__ == "__main__":
    main()
