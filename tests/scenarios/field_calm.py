"""Half c: what only looks broken, as in clusters in use."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.field_parts import DAY, argo, cloudsql, helm, leftover, pull, pulling, shop, told
from scenarios.parts import State, c, ended, http, running
from scenarios.pressure import hpa
from scenarios.registry import scenario
from scenarios.workloads import cronjob, deployment, ingress, job, secret, service

SYSTEM = "kube-system"


@scenario(flavour="gke", minor=32)
def calm_after_rollout(w: World) -> Truth:
    """Probes failed while the pods of the new version started, ten minutes ago."""
    ns = w.namespace("checkout")
    box = c(
        "checkout",
        ports=[8080],
        readinessProbe=http("/healthz", 8080),
        log='{"severity":"INFO","message":"Started CheckoutApplication in 31.2 seconds"}\n{"severity":"WARNING","message":"HikariPool-1 - Thread starvation or clock leap detected (housekeeper delta=51s)"}',
    )
    text = 'Readiness probe failed: Get "http://<ip>:8080/healthz": dial tcp <ip>:8080: connect: connection refused'
    deployment(
        w,
        ns,
        "checkout",
        [box, cloudsql()],
        replicas=3,
        age=640,
        events=[("Warning", "Unhealthy", text, 3, 630, 608, "checkout")],
        annotations=argo("checkout", "Deployment", ns, "checkout"),
    )
    service(w, ns, "checkout", 80, target=8080)
    return told(
        w, "is checkout ok after the 11:49 release? saw Unhealthy warnings", "none", note="healthy control"
    )


@scenario(flavour="eks", minor=31)
def calm_retry(w: World) -> Truth:
    """The first pod of a Job failed, the second did the work."""
    ns = w.namespace("dwh")
    bad = c(
        "load",
        log='botocore.exceptions.EndpointConnectionError: Could not connect to the endpoint URL: "https://s3.eu-west-1.amazonaws.com/"',
        state=ended(1, finished=2600, ran=20),
    )
    good = c("load", log="INFO loaded 1182231 rows\nINFO done", state=ended(0, finished=1900, ran=600))
    parent = cronjob(w, ns, "nightly-load", good, last=2700, schedule="15 11 * * *")
    top = job(w, ns, "nightly-load-29539395", good, pods=[bad, good], owner=parent, complete=True, age=2700)
    top["status"] |= {"failed": 1, "completionTime": w.t(1895)}
    return told(w, "did nightly-load finish? one of its pods shows Error", "none", note="healthy control")


@scenario(flavour="gke", minor=30)
def calm_preempted(w: World) -> Truth:
    ns = w.namespace("crawler")
    box = c("fetcher", log="INFO fetched 2001 pages, 14 timeouts")
    deployment(w, ns, "fetcher", box, replicas=3, age=DAY * 5, **helm("fetcher", "fetcher", "worker-1.0.0"))
    rs = w.of("ReplicaSet", ns)[-1]
    for _ in range(2):
        leftover(w, ns, rs, box)
    return told(
        w,
        "do we have a problem with fetcher in crawler?",
        "none",
        note="healthy control: preempted two days ago, replaced since",
    )


@scenario(flavour="aks", minor=32)
def calm_beside_trouble(w: World) -> Truth:
    """A namespace of somebody else is broken; asked about one that is not."""
    ns, other = w.namespace("payments-prod"), w.namespace("playground")
    shop(w, ns, "acquirer settlement")
    service(w, ns, "acquirer", 80, target=8080)
    secret(w, ns, "acquirer-tls", kind="kubernetes.io/tls", **{"tls.crt": "eA==", "tls.key": "eA=="})
    ingress(w, ns, "acquirer", "acquirer", 80, tls="acquirer-tls", host="acq.acme.example")
    image = "docker.io/library/ngnix:latest"
    error = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed'
    deployment(
        w, other, "test", c("test", image, state=pulling(image, error)), age=1500, events=pull(image, error)
    )
    return told(
        w,
        "is acquirer in payments-prod healthy? auditors ask",
        "none",
        note="healthy control: only the playground is broken",
    )


@scenario(flavour="eks", minor=34)
def calm_scaler(w: World) -> Truth:
    ns = w.ns = w.namespace("quoting")
    deployment(
        w,
        ns,
        "quoter",
        c(
            "quoter",
            ports=[8080],
            cpu=("200m", "1"),
            usage=("90m", "100Mi"),
            readinessProbe=http("/healthz", 8080),
        ),
        replicas=3,
        age=DAY,
    )
    current = [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "current": {"averageUtilization": 45, "averageValue": "90m"}},
        }
    ]
    scaler = hpa(
        w,
        "quoter",
        2,
        10,
        3,
        [
            ("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size"),
            (
                "ScalingActive",
                "True",
                "ValidMetricFound",
                "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)",
            ),
            (
                "ScalingLimited",
                "False",
                "DesiredWithinRange",
                "the desired count is within the acceptable range",
            ),
        ],
        currentMetrics=current,
    )
    w.event(
        scaler,
        "Warning",
        "FailedGetResourceMetric",
        "failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)",
        3,
        3400,
        3350,
    )
    return told(
        w,
        "autoscaling of quoter working?",
        "none",
        note="healthy control: three gaps in the metrics almost an hour ago",
    )


@scenario(flavour="k3s", minor=32)
def calm_weekly(w: World) -> Truth:
    """The CronJob runs on Saturdays; today is Sunday."""
    ns = w.namespace("archive")
    done = c(
        "prune",
        log="deleted 411 objects",
        state=State("terminated", "Completed", started=118790, finished=118760, ready=False),
    )
    parent = cronjob(w, ns, "weekly-prune", done, last=118800, schedule="0 3 * * 6")
    job(w, ns, "weekly-prune-29537460", done, owner=parent, complete=True, age=118800)
    deployment(
        w,
        ns,
        "archive-api",
        c("archive-api", ports=[8080], state=running(), readinessProbe=http("/healthz", 8080)),
        age=DAY * 40,
    )
    return told(w, "weekly-prune did not run today, is it broken?", "none", note="healthy control: not due")
