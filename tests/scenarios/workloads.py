"""Controllers with their pods, and the objects around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from scenarios.builders import World
from scenarios.parts import Container, Json

Events = Iterable[tuple[Any, ...]]
Replicas = Sequence[Container | Sequence[Container]]


def deployment(
    w: World,
    ns: str,
    name: str,
    containers: Container | Sequence[Container],
    *,
    replicas: int = 1,
    pods: Replicas | None = None,
    inits: Sequence[Container] = (),
    spec: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    age: int = 5400,
    events: Events = (),
    why_not: str = "",
    node: Json | None = None,
    refused: str = "",
    was_ready: bool = False,
    owner: Json | None = None,
    old: Json | None = None,
    status: Mapping[str, Any] | None = None,
    strategy: Mapping[str, Any] | None = None,
    kind: tuple[str, str] = ("apps/v1", "Deployment"),
    pod_meta: Mapping[str, Any] | None = None,
) -> Json:
    """Deployment, ReplicaSet and pods. `pods` lists the containers of each replica where they differ,
    `refused` is the API server's answer when pods cannot be created."""
    template = [containers] if isinstance(containers, Container) else list(containers)
    labels = dict(labels or {"app": name})
    digest = w.suffix(9)
    hashed = labels | {"pod-template-hash": digest}
    top = w.add(
        *kind,
        ns,
        name,
        labels=labels,
        age=max(age, 86400) if old else age,
        owner=owner,
        annotations={"deployment.kubernetes.io/revision": "2" if old else "1"} | dict(annotations or {}),
        spec={
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": _template(w, labels, template, inits, spec),
            "strategy": dict(
                strategy
                or {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
            ),
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
        },
    )
    rs = w.add(
        "apps/v1",
        "ReplicaSet",
        ns,
        f"{name}-{digest}",
        labels=hashed,
        owner=top,
        age=age,
        annotations={
            "deployment.kubernetes.io/desired-replicas": str(replicas),
            "deployment.kubernetes.io/revision": "2" if old else "1",
        },
        spec={
            "replicas": replicas,
            "selector": {"matchLabels": hashed},
            "template": _template(w, hashed, template, inits, spec),
        },
    )
    rows = (
        [template] * replicas
        if pods is None
        else [[p] if isinstance(p, Container) else list(p) for p in pods]
    )
    made = []
    for row in [] if refused and pods is None else rows:
        made.append(
            w.pod(
                ns,
                f"{name}-{digest}-{w.suffix()}",
                row,
                inits=inits,
                owner=rs,
                labels=hashed,
                spec=spec,
                node=node,
                scheduled=not why_not,
                why_not=why_not,
                age=age,
                events=events,
                meta={"generateName": f"{name}-{digest}-"} | dict(pod_meta or {}),
            )
        )
    if age < 3600:
        w.event(
            top,
            "Normal",
            "ScalingReplicaSet",
            f"Scaled up replica set {name}-{digest} to {replicas}",
            1,
            age,
            age,
        )
        for pod in made:
            w.event(rs, "Normal", "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}", 1, age, age)
    if refused:
        w.event(rs, "Warning", "FailedCreate", f"Error creating: {refused}", 16, min(age, 3300), 80)

    def settle() -> None:
        """Again at the end, where a scenario has added pods of its own."""
        pods = [
            p
            for p in w.of("Pod", ns)
            if _owned(p, rs) and p["status"]["phase"] != "Failed" and "deletionTimestamp" not in p["metadata"]
        ]
        if len(pods) != len(made):
            _fill_status(w, top, rs, pods, replicas, age, refused, was_ready, old)

    _fill_status(w, top, rs, made, replicas, age, refused, was_ready, old)
    top["status"] |= dict(status or {})
    w.unsettled.append(settle)
    return top


def _owned(pod: Json, owner: Json) -> bool:
    return any(o["uid"] == owner["metadata"]["uid"] for o in pod["metadata"].get("ownerReferences", ()))


def _template(
    w: World,
    labels: Mapping[str, str],
    containers: Sequence[Container],
    inits: Sequence[Container],
    spec: Any,
) -> Json:
    return {"metadata": {"labels": dict(labels)}, "spec": w._pod_spec(containers, inits, dict(spec or {}))}


def is_ready(pod: Json) -> bool:
    rows = pod["status"].get("conditions", ())
    return any(x["type"] == "Ready" and x["status"] == "True" for x in rows)


def _fill_status(
    w: World,
    top: Json,
    rs: Json,
    pods: Sequence[Json],
    replicas: int,
    age: int,
    refused: str,
    was_ready: bool,
    old: Json | None,
) -> None:
    ready = sum(is_ready(p) for p in pods)
    counts = {"replicas": len(pods), "readyReplicas": ready, "availableReplicas": ready}
    counts = {k: v for k, v in counts.items() if v or k == "replicas"}
    rs["status"] = {"observedGeneration": 1, "fullyLabeledReplicas": len(pods), **counts}
    kept = old["status"].get("readyReplicas", 0) if old else 0
    available = ready + kept >= max(replicas - replicas // 4, 1) or replicas == 0
    ok = {"reason": "MinimumReplicasAvailable", "message": "Deployment has minimum availability."}
    bad = {
        "reason": "MinimumReplicasUnavailable",
        "message": "Deployment does not have minimum availability.",
    }
    progress = f'ReplicaSet "{rs["metadata"]["name"]}" '
    if ready == replicas or was_ready:
        step = ("True", "NewReplicaSetAvailable", progress + "has successfully progressed.")
    elif age > 600:
        step = ("False", "ProgressDeadlineExceeded", progress + "has timed out progressing.")
    else:
        step = ("True", "ReplicaSetUpdated", progress + "is progressing.")
    conditions = [
        {"type": "Available", "status": "True" if available else "False", **(ok if available else bad)},
        {"type": "Progressing", "status": step[0], "reason": step[1], "message": step[2]},
    ]
    if refused:
        failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": refused}
        conditions.append(failure)
        rs["status"]["conditions"] = [failure | {"lastTransitionTime": w.t(age)}]
    for row in conditions:
        row |= {"lastUpdateTime": w.t(min(age, 500)), "lastTransitionTime": w.t(min(age, 500))}
    total = {"replicas": len(pods) + kept, "updatedReplicas": len(pods)}
    if ready + kept:
        total |= {"readyReplicas": ready + kept, "availableReplicas": ready + kept}
    if replicas - ready - kept > 0:
        total["unavailableReplicas"] = replicas - ready - kept
    total = {k: v for k, v in total.items() if v}
    top["status"] = {"observedGeneration": 1, "conditions": conditions, **total}


def older_replicaset(w: World, ns: str, name: str, containers: Sequence[Container], count: int) -> Json:
    """The ReplicaSet of the revision before, still serving. Give it to `adopt` once the owner exists."""
    digest = w.suffix(9)
    labels = {"app": name, "pod-template-hash": digest}
    rs = w.add(
        "apps/v1",
        "ReplicaSet",
        ns,
        f"{name}-{digest}",
        labels=labels,
        annotations={"deployment.kubernetes.io/revision": "1"},
        spec={
            "replicas": count,
            "selector": {"matchLabels": labels},
            "template": _template(w, labels, containers, (), None),
        },
        status={"replicas": count, "readyReplicas": count, "availableReplicas": count},
    )
    for _ in range(count):
        w.pod(ns, f"{name}-{digest}-{w.suffix()}", containers, owner=rs, labels=labels, age=86400 * 6)
    return rs


def adopt(rs: Json, owner: Json) -> None:
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True}
    reference |= {
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": True,
    }
    rs["metadata"]["ownerReferences"] = [reference]


def statefulset(
    w: World,
    ns: str,
    name: str,
    containers: Container | Sequence[Container],
    *,
    replicas: int = 1,
    pods: Replicas | None = None,
    claims: Sequence[tuple[str, str, str]] = (),
    age: int = 5400,
    spec: Mapping[str, Any] | None = None,
    events: Events = (),
    why_not: str = "",
    inits: Sequence[Container] = (),
    node: Json | None = None,
    refused: str = "",
    bound: bool = True,
) -> Json:
    """StatefulSet with pods and the claims of its templates: (name, size, storage class)."""
    template = [containers] if isinstance(containers, Container) else list(containers)
    labels = {"app": name}
    top = w.add(
        "apps/v1",
        "StatefulSet",
        ns,
        name,
        labels=labels,
        age=age,
        spec={
            "replicas": replicas,
            "serviceName": name,
            "selector": {"matchLabels": labels},
            "podManagementPolicy": "OrderedReady",
            "template": _template(w, labels, template, inits, spec),
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "volumeClaimTemplates": [
                {
                    "kind": "PersistentVolumeClaim",
                    "apiVersion": "v1",
                    "metadata": {"name": claim},
                    "spec": {
                        "accessModes": ["ReadWriteOnce"],
                        "storageClassName": cls,
                        "resources": {"requests": {"storage": size}},
                    },
                }
                for claim, size, cls in claims
            ],
        },
    )
    rows = (
        [template] * replicas
        if pods is None
        else [[p] if isinstance(p, Container) else list(p) for p in pods]
    )
    made = []
    for index, row in enumerate([] if refused else rows):
        volumes = [
            {"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{name}-{index}"}}
            for claim, _, _ in claims
        ]
        for claim, size, cls in claims:
            pvc(w, ns, f"{claim}-{name}-{index}", size, cls, bound=bound, age=age, labels=labels)
        pod_spec = dict(spec or {})
        pod_spec["volumes"] = [*pod_spec.get("volumes", ()), *volumes]
        pod_labels = labels | {"statefulset.kubernetes.io/pod-name": f"{name}-{index}"}
        made.append(
            w.pod(
                ns,
                f"{name}-{index}",
                row,
                inits=inits,
                owner=top,
                labels=pod_labels | {"apps.kubernetes.io/pod-index": str(index)},
                spec=pod_spec,
                scheduled=not why_not,
                why_not=why_not,
                age=age,
                events=events,
                node=node,
            )
        )
    if refused:
        text = f"create Pod {name}-0 in StatefulSet {name} failed error: {refused}"
        w.event(top, "Warning", "FailedCreate", text, 14, min(age, 3000), 60)
    ready = sum(is_ready(p) for p in made)
    top["status"] = {
        "observedGeneration": 1,
        "replicas": len(made),
        "currentReplicas": len(made),
        "updatedReplicas": len(made),
        "availableReplicas": ready,
        "collisionCount": 0,
    } | ({"readyReplicas": ready} if ready else {})
    return top


def daemonset(
    w: World,
    ns: str,
    name: str,
    containers: Container | Sequence[Container],
    *,
    nodes: Sequence[Json] | None = None,
    on: Mapping[str, Container] | None = None,
    spec: Mapping[str, Any] | None = None,
    age: int = 5400,
    events: Events = (),
    desired: int | None = None,
    labels: Mapping[str, str] | None = None,
) -> Json:
    """DaemonSet with one pod on each of `nodes`; `on` gives nodes by name another container."""
    template = [containers] if isinstance(containers, Container) else list(containers)
    labels = dict(labels or {"app": name})
    nodes = w.nodes if nodes is None else nodes
    top = w.add(
        "apps/v1",
        "DaemonSet",
        ns,
        name,
        labels=labels,
        age=age,
        spec={
            "selector": {"matchLabels": labels},
            "template": _template(w, labels, template, (), spec),
            "updateStrategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
            },
        },
    )
    made = []
    for node in nodes:
        other = (on or {}).get(node["metadata"]["name"])
        pod_labels = labels | {"controller-revision-hash": w.suffix(9), "pod-template-generation": "1"}
        row = [other, *template[1:]] if other else template
        name_ = f"{name}-{w.suffix()}"
        mine = events if other or not on else ()
        made.append(
            w.pod(ns, name_, row, owner=top, labels=pod_labels, spec=spec, node=node, age=age, events=mine)
        )
    ready = sum(is_ready(p) for p in made)
    want = len(nodes) if desired is None else desired
    top["status"] = {
        "currentNumberScheduled": len(made),
        "desiredNumberScheduled": want,
        "numberMisscheduled": 0,
        "numberReady": ready,
        "numberAvailable": ready,
        "updatedNumberScheduled": len(made),
        "observedGeneration": 1,
    } | ({"numberUnavailable": want - ready} if want - ready else {})
    return top


def job(
    w: World,
    ns: str,
    name: str,
    containers: Container | Sequence[Container],
    *,
    pods: Replicas | None = None,
    failed: tuple[str, str] | None = None,
    complete: bool = False,
    owner: Json | None = None,
    age: int = 1500,
    restart: str = "Never",
    backoff: int = 3,
    spec: Mapping[str, Any] | None = None,
    events: Events = (),
    why_not: str = "",
    body: Mapping[str, Any] | None = None,
    refused: str = "",
) -> Json:
    """Job and its pods; `failed` is (reason, message) of its Failed condition."""
    template = [containers] if isinstance(containers, Container) else list(containers)
    uid = w.uid()
    labels = {
        "batch.kubernetes.io/job-name": name,
        "job-name": name,
        "batch.kubernetes.io/controller-uid": uid,
    }
    pod_spec = {"restartPolicy": restart} | dict(spec or {})
    top = w.add(
        "batch/v1",
        "Job",
        ns,
        name,
        labels=labels,
        owner=owner,
        age=age,
        spec={
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": backoff,
            "completionMode": "NonIndexed",
            "suspend": False,
            "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}},
            "template": _template(w, labels, template, (), pod_spec),
        }
        | dict(body or {}),
    )
    rows = [template] if pods is None else [[p] if isinstance(p, Container) else list(p) for p in pods]
    for index, row in enumerate([] if refused else rows):
        w.pod(
            ns,
            f"{name}-{w.suffix()}",
            row,
            owner=top,
            labels=labels,
            spec=pod_spec,
            age=max(age - index * 60, 30),
            events=events,
            why_not=why_not,
            scheduled=not why_not,
        )
    ended_ = sum(r[0].state.kind == "terminated" and r[0].state.exit_code != 0 for r in rows)
    status: Json = {"startTime": w.t(age), "uncountedTerminatedPods": {}, "ready": 0}
    if failed:
        reason, message = failed
        row = {"status": "True", "reason": reason, "message": message, "lastTransitionTime": w.t(60)}
        kinds = ("FailureTarget", "Failed") if w.minor >= 31 else ("Failed",)
        status |= {"failed": ended_, "conditions": [{"type": kind, **row} for kind in kinds]}
        w.event(top, "Warning", reason, message, 1, 60, 60)
    elif complete:
        row = {"type": "Complete", "status": "True", "lastTransitionTime": w.t(age - 60)}
        status |= {"succeeded": 1, "completionTime": w.t(age - 60), "conditions": [row]}
    elif rows and not refused:
        status |= {"active": 1, "failed": ended_}
    if refused:
        w.event(top, "Warning", "FailedCreate", f"Error creating: {refused}", 9, min(age, 3000), 70)
    top["status"] = status
    return top


def cronjob(
    w: World,
    ns: str,
    name: str,
    container: Container,
    *,
    suspend: bool = False,
    last: int = 3000,
    **body: Any,
) -> Json:
    status = {"lastScheduleTime": w.t(last), "lastSuccessfulTime": w.t(last - 40)}
    template = _template(w, {"app": name}, [container], (), {"restartPolicy": "Never"})
    return w.add(
        "batch/v1",
        "CronJob",
        ns,
        name,
        spec={
            "schedule": "0 * * * *",
            "suspend": suspend,
            "concurrencyPolicy": "Forbid",
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {"spec": {"backoffLimit": 2, "template": template}},
        }
        | body,
        status=status,
    )


def service(
    w: World,
    ns: str,
    name: str,
    ports: int | Sequence[tuple[Any, ...]] = 80,
    *,
    target: int | str | None = None,
    selector: Mapping[str, str] | None = None,
    **spec: Any,
) -> Json:
    """Service; `ports` is a number or (name, port, target[, protocol]). Endpoints follow at `finish`."""
    rows = [("", ports, target or ports)] if isinstance(ports, int) else ports
    items = []
    for label, port, to, *protocol in rows:
        item = {"port": port, "targetPort": to, "protocol": protocol[0] if protocol else "TCP"}
        items.append(({"name": label} if label else {}) | item)
    ip = f"10.96.{w.rng.randint(1, 250)}.{w.rng.randint(2, 250)}"
    body: Json = {"type": "ClusterIP", "clusterIP": ip, "clusterIPs": [ip], "ports": items}
    if selector is None:
        selector = {"app": name}
    if selector:
        body["selector"] = dict(selector)
    body |= {"sessionAffinity": "None", "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"]}
    return w.add(
        "v1", "Service", ns, name, labels={"app": name}, spec=body | spec, status={"loadBalancer": {}}
    )


def pvc(
    w: World,
    ns: str,
    name: str,
    size: str = "10Gi",
    cls: str | None = None,
    *,
    bound: bool = True,
    mode: str = "ReadWriteOnce",
    age: int = 5400,
    labels: Mapping[str, str] | None = None,
    events: Events = (),
    **spec: Any,
) -> Json:
    cls = w.flavour.storage_class if cls is None else cls
    body: Json = {
        "accessModes": [mode],
        "resources": {"requests": {"storage": size}},
        "volumeMode": "Filesystem",
    }
    body |= {"storageClassName": cls} | spec
    claim = w.add("v1", "PersistentVolumeClaim", ns, name, labels=labels, age=age, spec=body)
    claim["metadata"]["finalizers"] = ["kubernetes.io/pvc-protection"]
    claim["status"] = {"phase": "Pending"}
    if bound:
        volume = pv(w, f"pvc-{claim['metadata']['uid']}", size, cls, mode=mode, claim=claim)
        claim["spec"]["volumeName"] = volume["metadata"]["name"]
        claim["status"] = {"phase": "Bound", "accessModes": [mode], "capacity": {"storage": size}}
    for event in events:
        w.event(claim, *event)
    return claim


def pv(
    w: World,
    name: str,
    size: str,
    cls: str,
    *,
    mode: str = "ReadWriteOnce",
    claim: Json | None = None,
    labels: Mapping[str, str] | None = None,
    phase: str = "",
    **spec: Any,
) -> Json:
    body: Json = {"capacity": {"storage": size}, "accessModes": [mode], "storageClassName": cls}
    body |= {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"}
    if claim:
        meta = claim["metadata"]
        reference = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "uid": meta["uid"]}
        body["claimRef"] = reference | {"namespace": meta["namespace"], "name": meta["name"]}
        body["csi"] = {"driver": w.flavour.provisioner, "volumeHandle": f"vol-{w.suffix(12)}"}
    phase = phase or ("Bound" if claim else "Available")
    return w.add("v1", "PersistentVolume", "", name, labels=labels, spec=body | spec, status={"phase": phase})


def configmap(w: World, ns: str, name: str, **data: str) -> Json:
    return w.add("v1", "ConfigMap", ns, name, data=dict(data))


def secret(w: World, ns: str, name: str, kind: str = "Opaque", **data: str) -> Json:
    return w.add("v1", "Secret", ns, name, type=kind, data=dict(data.items()))


def ingress(
    w: World,
    ns: str,
    name: str,
    backend: str,
    port: int | str,
    *,
    cls: str | None = "nginx",
    host: str = "",
    tls: str = "",
    address: str = "203.0.113.9",
) -> Json:
    number = {"number": port} if isinstance(port, int) else {"name": port}
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": backend, "port": number}}}
    host = host or f"{name}.corp.test"
    spec: Json = {"rules": [{"host": host, "http": {"paths": [path]}}]}
    if cls is not None:
        spec["ingressClassName"] = cls
    if tls:
        spec["tls"] = [{"hosts": [host], "secretName": tls}]
    status: Json = {"loadBalancer": {"ingress": [{"ip": address}]} if address else {}}
    return w.add("networking.k8s.io/v1", "Ingress", ns, name, spec=spec, status=status)


Builder = Callable[[World], Any]
