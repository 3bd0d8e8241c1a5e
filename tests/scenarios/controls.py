"""Healthy clusters that look suspicious to the hasty."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.lifecycle import pdb
from scenarios.parts import State, c, ended, from_config, http, running, waiting
from scenarios.pressure import hpa
from scenarios.registry import scenario
from scenarios.workloads import (
    configmap,
    cronjob,
    deployment,
    ingress,
    job,
    pvc,
    secret,
    service,
    statefulset,
)


def fine(question: str) -> Truth:
    return Truth(question, "none", note="healthy control")


def up(w: World, name: str, **more: object) -> None:
    box = c(
        name,
        ports=[8080],
        readinessProbe=http("/healthz", 8080),
        log="INFO listening on :8080\nWARN cache miss ratio 0.4\nINFO GET /healthz 200",
    )
    deployment(w, w.ns, name, box, replicas=2, age=86400, **more)  # type: ignore[arg-type]
    service(w, w.ns, name, 80, target=8080)


@scenario()
def starting(w: World) -> Truth:
    """Pods ten seconds old: one creates its container, one is not ready yet."""
    box = c(w.app, ports=[8080], readinessProbe=http("/healthz", 8080, initialDelaySeconds=15))
    creating = c(w.app, ports=[8080], state=waiting("ContainerCreating"))
    booting = c(
        w.app,
        ports=[8080],
        state=running(ready=False, started=6),
        log="INFO starting",
        readinessProbe=http("/healthz", 8080, initialDelaySeconds=15),
    )
    deployment(w, w.ns, w.app, box, replicas=2, pods=[creating, booting], age=10)
    service(w, w.ns, w.app, 80, target=8080)
    return fine(f"is {w.app} ok? just deployed it")


@scenario()
def completed(w: World) -> Truth:
    box = c("run", log="INFO 0 errors\ndone", state=ended(0, finished=1200, ran=90))
    parent = cronjob(w, w.ns, w.app, box, last=1300)
    for index in range(3):
        job(w, w.ns, f"{w.app}-2950{index}220", box, owner=parent, complete=True, age=1300 + index * 3600)
    job(w, w.ns, w.name("report"), box, complete=True)
    return fine(f"did {w.app} work last night?")


@scenario()
def optional_config(w: World) -> Truth:
    box = c(
        w.app,
        env={"TUNING": from_config("tuning", "x", optional=True)},
        envFrom=[
            {"configMapRef": {"name": "overrides", "optional": True}},
            {"secretRef": {"name": "extra", "optional": True}},
        ],
    )
    spec = {"volumes": [{"name": "extra", "configMap": {"name": "extra-files", "optional": True}}]}
    deployment(w, w.ns, w.app, box, spec=spec, age=86400)
    return fine(f"something is off in {w.ns}?")


@scenario()
def rollout_with_budget(w: World) -> Truth:
    """A budget at its limit for the half minute that a StatefulSet's pod needs to come back."""
    good = c("node", ports=[9092], readinessProbe=http("/healthz", 8080))
    booting = c(
        "node",
        ports=[9092],
        state=running(ready=False, started=12),
        log="INFO starting",
        readinessProbe=http("/healthz", 8080, initialDelaySeconds=10),
    )
    statefulset(w, w.ns, w.app, good, replicas=3, pods=[good, good, booting], age=86400)
    last = w.of("Pod", w.ns)[-1]
    last["metadata"]["creationTimestamp"] = last["status"]["startTime"] = w.t(14)
    for row in last["status"]["conditions"]:
        row["lastTransitionTime"] = w.t(13)
    service(w, w.ns, w.app, 9092, clusterIP="None")
    pdb(w, w.app, {"app": w.app}, {"maxUnavailable": 1}, 2, 2, 3, allowed=0)
    return fine(f"check {w.app} in {w.ns}")


@scenario(flavour="eks")
def unused_claim(w: World) -> Truth:
    """WaitForFirstConsumer without a consumer."""
    text = "waiting for first consumer to be created before binding"
    pvc(w, w.ns, "for-later", bound=False, events=[("Normal", "WaitForFirstConsumer", text, 200, 3500, 10)])
    up(w, w.app)
    return fine(f"any problems in namespace {w.ns}")


@scenario()
def special_services(w: World) -> Truth:
    """Without selector, headless, ExternalName, manual endpoints."""
    up(w, w.app)
    service(w, w.ns, "legacy-db", 5432, selector={})
    w.add(
        "v1",
        "Endpoints",
        w.ns,
        "legacy-db",
        subsets=[{"addresses": [{"ip": "10.9.8.7"}], "ports": [{"port": 5432, "protocol": "TCP"}]}],
    )
    w.add(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        w.ns,
        "legacy-db-k2x",
        labels={"kubernetes.io/service-name": "legacy-db"},
        addressType="IPv4",
        ports=[{"name": "", "port": 5432, "protocol": "TCP"}],
        endpoints=[{"addresses": ["10.9.8.7"], "conditions": {"ready": True}}],
    )
    service(w, w.ns, "mail", 25, selector={}, type="ExternalName", externalName="smtp.corp.test")
    statefulset(w, w.ns, "ring", c("ring", ports=[7000]), replicas=3, age=86400)
    service(w, w.ns, "ring", 7000, clusterIP="None")
    return fine(f"are the services in {w.ns} fine?")


@scenario()
def scaled_down(w: World) -> Truth:
    """A canary at zero that nobody calls, a budget without pods, and a suspended job of old."""
    up(w, w.app)
    deployment(w, w.ns, f"{w.app}-canary", c("canary"), replicas=0, age=86400 * 5)
    return fine(f"is {w.app} healthy")


@scenario()
def evicted_long_ago(w: World) -> Truth:
    """The corpse of a pod evicted two days ago; its replacement serves."""
    up(w, w.app)
    rs = w.of("ReplicaSet", w.ns)[-1]
    message = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. "
    status = {
        "phase": "Failed",
        "reason": "Evicted",
        "message": message,
        "containerStatuses": [],
        "conditions": [],
    }
    w.pod(
        w.ns,
        f"{rs['metadata']['name']}-{w.suffix()}",
        [c(w.app)],
        owner=rs,
        labels=rs["spec"]["selector"]["matchLabels"],
        status=status,
        age=86400 * 2,
    )
    return fine(f"anything wrong with {w.app}?")


@scenario()
def old_restart(w: World) -> Truth:
    """One restart after a node reboot three days ago, one by hand a week ago."""
    reboot = running(
        restarts=1, last=ended(255, "Unknown", finished=86400 * 3, ran=40000), started=86400 * 3 - 20
    )
    kill = running(
        restarts=1, last=ended(143, "Error", finished=86400 * 7, ran=40000), started=86400 * 7 - 20
    )
    boxes = [
        c(w.app, ports=[8080], state=s, log="INFO ok\nERROR user 8811 not found (404)\nINFO ok")
        for s in (reboot, kill)
    ]
    deployment(w, w.ns, w.app, boxes[0], replicas=2, pods=boxes, age=86400 * 9)
    service(w, w.ns, w.app, 80, target=8080)
    return fine(f"pls have a look at {w.app}")


@scenario()
def scaler_at_minimum(w: World) -> Truth:
    up(w, w.app)
    current = [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "current": {"averageUtilization": 8, "averageValue": "4m"}},
        }
    ]
    hpa(w, w.app, 2, 10, 2, [("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size"), ("ScalingActive", "True", "ValidMetricFound", "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)"),
        ("ScalingLimited", "True", "TooFewReplicas", "the desired replica count is less than the minimum replica count")], currentMetrics=current)  # fmt: skip
    return fine(f"why doesn't {w.app} scale down")


@scenario()
def ingress_and_policy(w: World) -> Truth:
    """A policy that lets the callers through, an Ingress with TLS that is in order."""
    up(w, w.app)
    secret(w, w.ns, "site-tls", kind="kubernetes.io/tls", **{"tls.crt": "eA==", "tls.key": "eA=="})
    ingress(w, w.ns, w.app, w.app, 80, tls="site-tls")
    spec = {
        "podSelector": {"matchLabels": {"app": w.app}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 8080, "protocol": "TCP"}]}],
    }
    w.add("networking.k8s.io/v1", "NetworkPolicy", w.ns, "allow-web", spec=spec)
    return fine(f"health check of {w.ns} please")


@scenario()
def terminating_normally(w: World) -> Truth:
    """A pod on its way out for eight seconds during scale down."""
    up(w, w.app)
    rs = w.of("ReplicaSet", w.ns)[-1]
    pod = w.pod(
        w.ns,
        f"{rs['metadata']['name']}-{w.suffix()}",
        [c(w.app)],
        owner=rs,
        labels=rs["spec"]["selector"]["matchLabels"],
        meta={"deletionTimestamp": w.t(-22), "deletionGracePeriodSeconds": 30},
        age=86400,
    )
    w.event(pod, "Normal", "Killing", f"Stopping container {w.app}", 1, 8, 8, w.app)
    return fine(f"is there an issue with {w.app}")


@scenario(flavour="kind")
def completed_inits(w: World) -> Truth:
    """Init container that retried once before it went well; a native sidecar."""
    inits = [
        c(
            "wait",
            state=State(
                "terminated", "Completed", exit_code=0, started=86000, finished=85990, ready=False, restarts=1
            ),
            log="waiting\nok",
        ),
        c("mesh", state=running(), restartPolicy="Always", log="proxy ready"),
    ]
    deployment(w, w.ns, w.app, c(w.app, ports=[8080]), inits=inits, age=86400)
    configmap(w, w.ns, "notes", text="ERROR this is documentation about OOMKilled")
    return fine(f"status of {w.app}?")


@scenario(flavour="openshift")
def busy_but_fine(w: World) -> Truth:
    """Uses its CPU, well below the limit; a probe failed once while the pod started."""
    box = c(
        w.app,
        ports=[8080],
        cpu=("500m", "2"),
        usage=("610m", "300Mi"),
        memory=("512Mi", "1Gi"),
        readinessProbe=http("/healthz", 8080),
    )
    deployment(
        w,
        w.ns,
        w.app,
        box,
        replicas=2,
        age=3000,
        events=[
            (
                "Warning",
                "Unhealthy",
                'Readiness probe failed: Get "http://<ip>:8080/healthz": dial tcp <ip>:8080: connect: connection refused',
                1,
                2992,
                2992,
                w.app,
            )
        ],
    )
    service(w, w.ns, w.app, 80, target=8080)
    w.add(
        "v1",
        "ResourceQuota",
        w.ns,
        "q",
        spec={"hard": {"pods": "20"}},
        status={"hard": {"pods": "20"}, "used": {"pods": "2"}},
    )
    return fine(f"users say {w.app} felt slow an hour ago, all good now?")
