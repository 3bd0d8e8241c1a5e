"""Things that work badly: CPU, memory, network, autoscaling."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.parts import Json, c, ended, http, running
from scenarios.registry import scenario
from scenarios.workloads import deployment, service, statefulset


@scenario()
def throttled(w: World) -> Truth:
    box = c(
        w.app,
        ports=[8080],
        cpu=("100m", "200m"),
        usage=("200m", "90Mi"),
        log="WARN GET /search took 8212ms\n" * 8,
    )
    deployment(w, w.ns, w.app, box, replicas=2, age=86400)
    service(w, w.ns, w.app, 80, target=8080)
    return Truth(f"{w.app} is very slow", "cpu_throttling", f"Deployment/{w.ns}/{w.app}")


@scenario()
def throttled_sidecar(w: World) -> Truth:
    """The proxy is at its limit, the program idles; probes time out now and then."""
    main = c("app", ports=[8080], cpu=("500m", "2"), usage=("60m", "200Mi"))
    side = c("istio-proxy", "docker.io/istio/proxyv2:1.21.0", cpu=("10m", "50m"), usage=("50m", "60Mi"))
    deployment(w, w.ns, w.app, [main, side], replicas=2, age=86400)
    for pod in w.of("Pod", w.ns):
        w.event(
            pod,
            "Warning",
            "Unhealthy",
            'Readiness probe failed: Get "http://10.244.1.9:15021/healthz/ready": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
            9,
            3300,
            200,
            "istio-proxy",
        )
    return Truth(
        f"high latency at {w.app}",
        "cpu_throttling",
        f"Deployment/{w.ns}/{w.app}",
        ("readiness_probe_failing",),
    )


@scenario()
def leak(w: World) -> Truth:
    box = c(
        w.app,
        memory=("256Mi", "1Gi"),
        usage=("40m", "987Mi"),
        log="INFO gc pause 310ms heap 880MiB\nINFO gc pause 390ms heap 921MiB\nWARN gc pause 620ms heap 958MiB",
    )
    deployment(w, w.ns, w.app, box, age=86400 * 2)
    return Truth(f"memory of {w.app} goes up and up", "memory_leak", f"Deployment/{w.ns}/{w.app}")


@scenario()
def leak_statefulset(w: World) -> Truth:
    box = c(
        "cache",
        memory=("512Mi", "512Mi"),
        usage=("30m", "501Mi"),
        state=running(),
        log="INFO cache entries 4811002 evicted 0",
    )
    statefulset(w, w.ns, w.app, box, replicas=2, age=86400 * 4)
    return Truth(f"{w.app} eats more and more ram", "memory_leak", f"StatefulSet/{w.ns}/{w.app}")


@scenario()
def pod_delay(w: World) -> Truth:
    """tc netem was left on one workload by a chaos experiment."""
    box = c(w.app, ports=[8080], log="INFO listening\nINFO handled in 4ms\n" * 5, usage=("12m", "60Mi"))
    deployment(w, w.ns, w.app, box, age=86400)
    service(w, w.ns, w.app, 80, target=8080)
    caller = w.name("web")
    deployment(
        w,
        w.ns,
        caller,
        c(
            caller,
            env={"API": f"http://{w.app}"},
            log=f"WARN GET http://{w.app}/items took 3021ms\nWARN upstream {w.app} slow: 3017ms\n" * 6,
        ),
        age=86400,
    )
    experiment = {
        "action": "delay",
        "mode": "all",
        "delay": {"latency": "3s"},
        "selector": {"namespaces": [w.ns], "labelSelectors": {"app": w.app}},
    }
    w.add(
        "chaos-mesh.org/v1alpha1",
        "NetworkChaos",
        w.ns,
        "left-over",
        spec=experiment,
        status={"conditions": [{"type": "AllInjected", "status": "True"}]},
    )
    return Truth(
        f"every call to {w.app} takes three seconds",
        "pod_network_delay",
        f"Deployment/{w.ns}/{w.app}",
        (),
        (f"NetworkChaos/{w.ns}/left-over",),
    )


def hpa(
    w: World,
    target: str,
    minimum: int,
    maximum: int,
    now: int,
    conditions: list[tuple[str, str, str, str]],
    **status: object,
) -> Json:
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
    }
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
        "minReplicas": minimum,
        "maxReplicas": maximum,
        "metrics": [metric],
    }
    rows = [
        {"type": t, "status": s, "reason": r, "message": m, "lastTransitionTime": w.t(1800)}
        for t, s, r, m in conditions
    ]
    return w.add(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        w.ns,
        target,
        spec=spec,
        status={"currentReplicas": now, "desiredReplicas": now, "conditions": rows, **status},
    )


@scenario()
def hpa_no_requests(w: World) -> Truth:
    deployment(w, w.ns, w.app, c(w.app, cpu=None), replicas=2, age=86400)
    text = f"the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in container {w.app} of Pod {w.app}-6d5-x2"
    scaler = hpa(
        w,
        w.app,
        2,
        10,
        2,
        [
            (
                "AbleToScale",
                "True",
                "SucceededGetScale",
                "the HPA controller was able to get the target's current scale",
            ),
            ("ScalingActive", "False", "FailedGetResourceMetric", text),
        ],
    )
    w.event(scaler, "Warning", "FailedGetResourceMetric", text.split(": ", 1)[1], 110, 3300, 15)
    w.event(
        scaler,
        "Warning",
        "FailedComputeMetricsReplicas",
        "invalid metrics (1 invalid out of 1), first error is: " + text,
        110,
        3300,
        15,
    )
    return Truth(
        f"{w.app} does not scale under load",
        "hpa_metrics_unavailable",
        f"HorizontalPodAutoscaler/{w.ns}/{w.app}",
        (),
        (f"Deployment/{w.ns}/{w.app}",),
    )


@scenario(flavour="kubeadm-docker")
def hpa_no_metrics(w: World) -> Truth:
    """No metrics-server in this cluster."""
    w.metrics_up = False
    deployment(w, w.ns, w.app, c(w.app), replicas=1, age=86400)
    text = "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)"
    scaler = hpa(
        w,
        w.app,
        1,
        5,
        1,
        [
            (
                "AbleToScale",
                "True",
                "SucceededGetScale",
                "the HPA controller was able to get the target's current scale",
            ),
            ("ScalingActive", "False", "FailedGetResourceMetric", text),
        ],
    )
    w.event(scaler, "Warning", "FailedGetResourceMetric", text.split(": ", 1)[1], 200, 3300, 15)
    no = {
        "type": "Available",
        "status": "False",
        "reason": "MissingEndpoints",
        "message": 'endpoints for service/metrics-server in "kube-system" have no addresses with port name "https"',
        "lastTransitionTime": w.t(86400),
    }
    w.add(
        "apiregistration.k8s.io/v1",
        "APIService",
        "",
        "v1beta1.metrics.k8s.io",
        spec={"service": {"name": "metrics-server", "namespace": "kube-system", "port": 443}},
        status={"conditions": [no]},
    )
    w.namespace("kube-system")
    w.namespace("default")
    deployment(
        w,
        "kube-system",
        "metrics-server",
        c("metrics-server", ports=[("https", 10250)]),
        replicas=0,
        labels={"k8s-app": "metrics-server"},
    )
    service(
        w, "kube-system", "metrics-server", [("https", 443, "https")], selector={"k8s-app": "metrics-server"}
    )
    return Truth(
        f"hpa {w.app} shows <unknown>/60%",
        "hpa_metrics_unavailable",
        f"HorizontalPodAutoscaler/{w.ns}/{w.app}",
        ("deployment_zero_replicas",),
        (
            "Deployment/kube-system/metrics-server",
            f"Deployment/{w.ns}/{w.app}",
            "APIService//v1beta1.metrics.k8s.io",
            "Service/kube-system/metrics-server",
        ),
    )


@scenario()
def hpa_maximum(w: World) -> Truth:
    box = c(w.app, cpu=("200m", "1"), usage=("390m", "90Mi"))
    deployment(w, w.ns, w.app, box, replicas=4, age=86400)
    current = [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "current": {"averageUtilization": 195, "averageValue": "390m"}},
        }
    ]
    hpa(w, w.app, 2, 4, 4, [("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size"), ("ScalingActive", "True", "ValidMetricFound", "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)"),
        ("ScalingLimited", "True", "TooManyReplicas", "the desired replica count is more than the maximum replica count")], currentMetrics=current)  # fmt: skip
    return Truth(
        f"{w.app} is overloaded but autoscaler adds no pods",
        "hpa_at_maximum",
        f"HorizontalPodAutoscaler/{w.ns}/{w.app}",
        (),
        (f"Deployment/{w.ns}/{w.app}",),
    )


@scenario()
def hpa_maximum_latency(w: World) -> Truth:
    box = c(
        w.app, cpu=("500m", "500m"), usage=("498m", "90Mi"), readinessProbe=http("/ok", 8080), ports=[8080]
    )
    deployment(w, w.ns, w.app, box, replicas=3, age=86400)
    current = [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "current": {"averageUtilization": 99, "averageValue": "498m"}},
        }
    ]
    hpa(w, w.app, 1, 3, 3, [("ScalingActive", "True", "ValidMetricFound", "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)"),
        ("ScalingLimited", "True", "TooManyReplicas", "the desired replica count is more than the maximum replica count")], currentMetrics=current)  # fmt: skip
    return Truth(
        f"[FIRING:1] KubeHpaMaxedOut HPA {w.ns}/{w.app} has been running at max replicas for longer than 15 minutes.",
        "hpa_at_maximum",
        f"HorizontalPodAutoscaler/{w.ns}/{w.app}",
        ("cpu_throttling",),
        (f"Deployment/{w.ns}/{w.app}",),
    )


@scenario()
def oom_before_scale(w: World) -> Truth:
    """Restarts look like load; the memory limit is the cause."""
    state = running(restarts=3, last=ended(137, "OOMKilled", finished=300, ran=2400), started=298)
    box = c(w.app, memory=("128Mi", "128Mi"), cpu=("100m", "500m"), usage=("40m", "119Mi"), state=state)
    deployment(w, w.ns, w.app, box, replicas=2, age=8000, was_ready=True)
    return Truth(
        f"{w.app} drops connections every now and then",
        "oom_killed",
        f"Deployment/{w.ns}/{w.app}",
        ("memory_leak",),
    )
