"""Rollouts, evictions and deletions that do not come to an end."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.parts import c, http, running
from scenarios.registry import scenario
from scenarios.workloads import adopt, configmap, deployment, older_replicaset, pvc, service, statefulset


@scenario()
def paused(w: World) -> Truth:
    """The rollout was paused and forgotten."""
    box = c(w.app, "registry.corp.test/apps/x:1")
    top = deployment(w, w.ns, w.app, box, replicas=3, age=86400)
    top["spec"]["paused"] = True
    top["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.corp.test/apps/x:2"
    top["metadata"]["generation"], top["status"]["observedGeneration"] = 4, 4
    top["status"].pop("updatedReplicas", None)
    row = next(x for x in top["status"]["conditions"] if x["type"] == "Progressing")
    row |= {"status": "Unknown", "reason": "DeploymentPaused", "message": "Deployment is paused"}
    return Truth(f"new version of {w.app} is not rolled out", "rollout_stuck", f"Deployment/{w.ns}/{w.app}")


@scenario()
def deadline(w: World) -> Truth:
    """The new pods run and never become ready; nothing says why."""
    good = c(w.app, ports=[8080], readinessProbe=http("/ready", 8080))
    old = older_replicaset(w, w.ns, w.app, [good], 3)
    bad = c(
        w.app,
        ports=[8080],
        readinessProbe=http("/ready", 8080),
        state=running(ready=False),
        log="INFO waiting for cluster quorum",
    )
    top = deployment(
        w,
        w.ns,
        w.app,
        bad,
        replicas=3,
        pods=[bad],
        old=old,
        age=1900,
        events=[
            (
                "Warning",
                "Unhealthy",
                "Readiness probe failed: HTTP probe failed with statuscode: 503",
                180,
                1850,
                6,
                w.app,
            )
        ],
    )
    adopt(old, top)
    return Truth(
        f"deploy of {w.app} timed out: ProgressDeadlineExceeded",
        "rollout_stuck",
        f"Deployment/{w.ns}/{w.app}",
        ("readiness_probe_failing",),
    )


def pdb(
    w: World,
    name: str,
    labels: dict[str, str],
    spec: dict[str, object],
    healthy: int,
    desired: int,
    expected: int,
    allowed: int = 0,
) -> None:
    condition = {
        "type": "DisruptionAllowed",
        "status": "True" if allowed else "False",
        "reason": "SufficientPods" if allowed else "InsufficientPods",
        "message": "",
        "observedGeneration": 1,
        "lastTransitionTime": w.t(86400),
    }
    status = {
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "disruptionsAllowed": allowed,
        "observedGeneration": 1,
        "conditions": [condition],
    }
    w.add(
        "policy/v1",
        "PodDisruptionBudget",
        w.ns,
        name,
        spec={"selector": {"matchLabels": labels}, **spec},
        status=status,
    )


@scenario(flavour="gke")
def budget_drain(w: World) -> Truth:
    """minAvailable equals the replicas: the drained node waits for ever."""
    deployment(w, w.ns, w.app, c(w.app), replicas=2, age=86400)
    pdb(w, f"{w.app}-pdb", {"app": w.app}, {"minAvailable": 2}, 2, 2, 2)
    node = w.workers[0]
    node["spec"]["unschedulable"] = True
    w.taint(node, "node.kubernetes.io/unschedulable", ago=3000)
    return Truth(
        f"kubectl drain hangs: Cannot evict pod as it would violate the pod's disruption budget ({w.ns})",
        "pdb_blocks_eviction",
        f"PodDisruptionBudget/{w.ns}/{w.app}-pdb",
        (),
        (f"Deployment/{w.ns}/{w.app}",),
    )


@scenario(flavour="eks")
def budget_zero(w: World) -> Truth:
    statefulset(w, w.ns, w.app, c("zk"), replicas=3, age=86400)
    pdb(w, w.app, {"app": w.app}, {"maxUnavailable": 0}, 3, 3, 3)
    return Truth(
        f"node upgrade is blocked by {w.app}",
        "pdb_blocks_eviction",
        f"PodDisruptionBudget/{w.ns}/{w.app}",
        (),
        (f"StatefulSet/{w.ns}/{w.app}",),
    )


@scenario()
def finalizer_custom(w: World) -> Truth:
    """A custom object whose operator is gone."""
    w.add(
        "db.corp.test/v1",
        "Database",
        w.ns,
        w.app,
        finalizers=["db.corp.test/cleanup"],
        deletionTimestamp=w.t(7200),
        spec={"size": "small"},
        meta={"deletionGracePeriodSeconds": 0},
    )
    return Truth(
        f"database {w.app} can not be deleted", "finalizer_blocks_deletion", f"Database/{w.ns}/{w.app}"
    )


@scenario()
def finalizer_pod(w: World) -> Truth:
    meta = {
        "finalizers": ["hooks.corp.test/drain"],
        "deletionTimestamp": w.t(5400),
        "deletionGracePeriodSeconds": 30,
    }
    w.pod(w.ns, w.app, [c("main")], labels={"run": w.app}, meta=meta, age=86400)
    return Truth(f"pod {w.app} hangs in Terminating", "finalizer_blocks_deletion", f"Pod/{w.ns}/{w.app}")


@scenario()
def finalizer_claim(w: World) -> Truth:
    """A claim in use is protected; asked why it does not go away."""
    claim = pvc(w, w.ns, f"{w.app}-data")
    claim["metadata"] |= {"deletionTimestamp": w.t(4000), "deletionGracePeriodSeconds": 0}
    deployment(
        w,
        w.ns,
        w.app,
        c(w.app, mounts={"data": "/data"}),
        spec={"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": f"{w.app}-data"}}]},
        age=86400,
    )
    return Truth(
        f"pvc {w.app}-data is Terminating for an hour",
        "finalizer_blocks_deletion",
        f"PersistentVolumeClaim/{w.ns}/{w.app}-data",
        (),
        (f"Deployment/{w.ns}/{w.app}",),
    )


def terminating(w: World, ns: str, rows: list[tuple[str, str, str]]) -> None:
    obj = w.get("Namespace", "", ns)
    obj["metadata"] |= {"deletionTimestamp": w.t(9000), "deletionGracePeriodSeconds": 0}
    conditions = [
        {"type": t, "status": "True", "reason": r, "message": m, "lastTransitionTime": w.t(8900)}
        for t, r, m in rows
    ]
    obj["status"] = {"phase": "Terminating", "conditions": conditions}


@scenario()
def namespace_content(w: World) -> Truth:
    ns = w.namespace()
    held = configmap(w, ns, "ledger-state", a="b")
    held["metadata"] |= {
        "finalizers": ["corp.test/hold"],
        "deletionTimestamp": w.t(8900),
        "deletionGracePeriodSeconds": 0,
    }
    terminating(
        w,
        ns,
        [
            (
                "NamespaceContentRemaining",
                "SomeResourcesRemain",
                "Some resources are remaining: configmaps. has 1 resource instances",
            ),
            (
                "NamespaceFinalizersRemaining",
                "SomeFinalizersRemain",
                "Some content in the namespace has finalizers remaining: corp.test/hold in 1 resource instances",
            ),
        ],
    )
    return Truth(
        f"namespace {ns} does not go away",
        "finalizer_blocks_deletion",
        f"ConfigMap/{ns}/ledger-state",
        ("namespace_stuck_terminating",),
        (f"Namespace//{ns}",),
    )


@scenario()
def namespace_discovery(w: World) -> Truth:
    """An aggregated API is down, so the namespace controller cannot list everything."""
    ns = w.namespace()
    text = "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: custom.metrics.k8s.io/v1beta1: stale GroupVersion discovery: custom.metrics.k8s.io/v1beta1"
    terminating(w, ns, [("NamespaceDeletionDiscoveryFailure", "DiscoveryFailed", text)])
    no = {
        "type": "Available",
        "status": "False",
        "reason": "ServiceNotFound",
        "message": 'service/prometheus-adapter in "monitoring" is not present',
        "lastTransitionTime": w.t(86400),
    }
    w.add(
        "apiregistration.k8s.io/v1",
        "APIService",
        "",
        "v1beta1.custom.metrics.k8s.io",
        spec={
            "service": {"name": "prometheus-adapter", "namespace": "monitoring", "port": 443},
            "group": "custom.metrics.k8s.io",
            "version": "v1beta1",
        },
        status={"conditions": [no]},
    )
    service(w, w.ns, w.app, 80)
    deployment(w, w.ns, w.app, c(w.app), age=86400)
    return Truth(
        f"ns {ns} stuck in Terminating",
        "namespace_stuck_terminating",
        f"Namespace//{ns}",
        (),
        ("APIService//v1beta1.custom.metrics.k8s.io",),
    )


@scenario()
def renamed_configmap_rollout(w: World) -> Truth:
    """A new ReplicaSet waits, the old one serves, so that users see nothing yet."""
    from scenarios.parts import waiting

    message = 'configmap "app-config-7b9d" not found'
    good = c(w.app, envFrom=[{"configMapRef": {"name": "app-config-6a1c"}}])
    configmap(w, w.ns, "app-config-6a1c", a="b")
    old = older_replicaset(w, w.ns, w.app, [good], 2)
    bad = c(
        w.app,
        envFrom=[{"configMapRef": {"name": "app-config-7b9d"}}],
        state=waiting("CreateContainerConfigError", message),
    )
    adopt(
        old,
        deployment(
            w,
            w.ns,
            w.app,
            bad,
            replicas=2,
            pods=[bad],
            old=old,
            age=2600,
            events=[("Warning", "Failed", f"Error: {message}", 70, 2500, 9, w.app)],
        ),
    )
    return Truth(
        f"argo says {w.app} is Degraded",
        "configmap_missing",
        f"Deployment/{w.ns}/{w.app}",
        ("rollout_stuck",),
        (f"ConfigMap/{w.ns}/app-config-7b9d",),
    )
