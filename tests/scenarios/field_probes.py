"""Half c: pods that are not taken for healthy, as in clusters in use."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from typing import Any

from scenarios.builders import Truth, World
from scenarios.field_parts import told
from scenarios.parts import c, ended, http, running
from scenarios.registry import scenario
from scenarios.workloads import (
    adopt,
    deployment,
    older_replicaset,
    service,
    statefulset,
)


def failing(kind: str, text: str, box: str, count: int = 40) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = [
        ("Warning", "Unhealthy", f"{kind} probe failed: {text}", count, 3300, 12, box)
    ]
    if kind == "Liveness":
        killed = f"Container {box} failed liveness probe, will be restarted"
        rows.append(("Normal", "Killing", killed, count // 3, 3290, 40, box))
    return rows


@scenario(flavour="aks", minor=32)
def actuator_port(w: World) -> Truth:
    ns = w.namespace("policy-admin")
    log = "2026-03-01T11:56:20.101Z  INFO 1 --- [main] o.s.b.w.embedded.tomcat.TomcatWebServer : Tomcat started on port 8080 (http) with context path '/'\n2026-03-01T11:56:22.318Z  INFO 1 --- [main] o.s.b.w.embedded.tomcat.TomcatWebServer : Tomcat started on port 9001 (http) with context path '/'\n2026-03-01T11:56:22.404Z  INFO 1 --- [main] c.a.p.PolicyApplication : Started PolicyApplication in 9.3 seconds\n2026-03-01T11:57:42.020Z  INFO 1 --- [ionShutdownHook] o.s.b.w.e.tomcat.GracefulShutdown : Commencing graceful shutdown. Waiting for active requests to complete"
    state = running(restarts=9, last=ended(143, "Error", finished=60, ran=95), started=58)
    probe = http("/actuator/health/liveness", 8081, initialDelaySeconds=60)
    box = c(
        "policy",
        ports=[("http", 8080), ("management", 9001)],
        env={"MANAGEMENT_SERVER_PORT": "9001"},
        livenessProbe=probe,
        readinessProbe=http("/actuator/health/readiness", 9001),
        memory=("512Mi", "1Gi"),
        log=log,
        state=state,
    )
    text = 'Get "http://<ip>:8081/actuator/health/liveness": dial tcp <ip>:8081: connect: connection refused'
    deployment(w, ns, "policy", box, replicas=2, age=3500, events=failing("Liveness", text, "policy", 27))
    return told(
        w,
        "policy service restarts every 90s, app logs look clean and then it shuts down gracefully",
        "liveness_probe_wrong_port",
        f"Deployment/{ns}/policy",
    )


@scenario(flavour="openshift", minor=29)
def slow_wildfly(w: World) -> Truth:
    ns = w.namespace("legacy-erp")
    log = '11:57:31,004 INFO  [org.jboss.modules] (main) JBoss Modules version 2.1.5.Final\n11:57:33,870 INFO  [org.jboss.as] (MSC service thread 1-2) WFLYSRV0049: WildFly 33.0.2.Final starting\n11:57:51,417 INFO  [org.jboss.as.server.deployment] (MSC service thread 1-1) WFLYSRV0027: Starting deployment of "erp.ear" (runtime-name: "erp.ear")'
    previous = (
        log
        + "\n11:58:05,002 INFO  [org.jboss.as.server] (Thread-1) WFLYSRV0220: Server shutdown has been requested via an OS signal"
    )
    probe = http("/health/live", 9990, initialDelaySeconds=15, periodSeconds=5)
    state = running(ready=False, restarts=22, last=ended(143, "Error", finished=31, ran=38), started=29)
    box = c(
        "wildfly",
        ports=[8080, 9990],
        livenessProbe=probe,
        readinessProbe=http("/health/ready", 9990),
        memory=("1Gi", "3Gi"),
        cpu=("500m", "2"),
        usage=("910m", "700Mi"),
        log=log,
        previous=previous,
        state=state,
    )
    text = 'Get "http://<ip>:9990/health/live": dial tcp <ip>:9990: connect: connection refused'
    deployment(w, ns, "erp", box, age=3500, events=failing("Liveness", text, "wildfly", 66))
    return told(
        w,
        "erp never gets past deploying erp.ear before it is restarted",
        "liveness_probe_too_aggressive",
        f"Deployment/{ns}/erp",
        or_cause=["liveness_probe_failing"],
    )


@scenario(flavour="eks", minor=31)
def ready_path(w: World) -> Truth:
    ns = w.namespace("checkout")
    log = (
        '{"level":30,"msg":"Server listening at http://0.0.0.0:3000"}\n'
        + '{"level":30,"req":{"method":"GET","url":"/readyz"},"res":{"statusCode":404},"msg":"request completed"}\n'
        * 6
    )
    good = c("tax", ports=[3000], readinessProbe=http("/health", 3000))
    old = older_replicaset(w, ns, "tax", [good], 2)
    box = c(
        "tax",
        "111122223333.dkr.ecr.eu-west-1.amazonaws.com/tax:2.0.0",
        ports=[3000],
        readinessProbe=http("/readyz", 3000),
        log=log,
        state=running(ready=False),
    )
    top = deployment(
        w,
        ns,
        "tax",
        box,
        replicas=2,
        pods=[box],
        old=old,
        age=2600,
        events=failing("Readiness", "HTTP probe failed with statuscode: 404", "tax", 250),
    )
    adopt(old, top)
    service(w, ns, "tax", 80, target=3000)
    return told(
        w,
        "rollout of tax 2.0.0 hangs: 'Waiting for deployment \"tax\" rollout to finish: 1 out of 2 new replicas have been updated...'",
        "readiness_probe_wrong_path",
        f"Deployment/{ns}/tax",
        or_cause=["rollout_stuck"],
    )


@scenario(flavour="gke", minor=30)
def ready_https(w: World) -> Truth:
    ns = w.namespace("maps")
    text = 'Get "https://<ip>:8080/healthz": http: server gave HTTP response to HTTPS client'
    box = c(
        "tileserver",
        ports=[("http", 8080)],
        readinessProbe=http("/healthz", "http", "HTTPS"),
        log='time=2026-03-01T11:40:01Z level=INFO msg="serving plain http" addr=:8080',
        state=running(ready=False),
    )
    deployment(
        w, ns, "tileserver", box, replicas=2, age=3400, events=failing("Readiness", text, "tileserver", 300)
    )
    service(w, ns, "tileserver", [("http", 80, "http")])
    return told(
        w, "maps tileserver has no endpoints", "readiness_probe_wrong_protocol", f"Deployment/{ns}/tileserver"
    )


@scenario(flavour="k3s", minor=32)
def grpc_not_serving(w: World) -> Truth:
    ns = w.namespace("vision")
    probe = {"grpc": {"port": 50051, "service": ""}}
    log = "INFO:root:gRPC server on [::]:50051\nWARNING:model:warm-up failed, model registry returned version 0, staying NOT_SERVING\n"
    box = c(
        "inference",
        ports=[("grpc", 50051)],
        readinessProbe=probe,
        log=log,
        memory=("512Mi", "1Gi"),
        state=running(ready=False),
    )
    statefulset(
        w,
        ns,
        "inference",
        box,
        age=3000,
        events=failing("Readiness", 'service unhealthy (responded with "NOT_SERVING")', "inference", 280),
    )
    return told(
        w,
        "inference-0 Running but 0/1 ready for 50 min",
        "readiness_probe_failing",
        f"StatefulSet/{ns}/inference",
    )
