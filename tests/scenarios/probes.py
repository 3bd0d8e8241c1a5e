"""Probes that ask the wrong thing, or too much."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from typing import Any

from scenarios.builders import Truth, World
from scenarios.parts import Json, State, c, crash, ended, execs, http, running, tcp
from scenarios.registry import scenario
from scenarios.workloads import daemonset, deployment, service, statefulset


def refused(port: int, path: str = "/healthz", scheme: str = "http") -> str:
    return f'Get "{scheme}://<ip>:{port}{path}": dial tcp <ip>:{port}: connect: connection refused'


def liveness(text: str, name: str, count: int = 21) -> list[tuple[Any, ...]]:
    return [
        ("Warning", "Unhealthy", f"Liveness probe failed: {text}", count, 3000, 20, name),
        (
            "Normal",
            "Killing",
            f"Container {name} failed liveness probe, will be restarted",
            count // 3,
            2980,
            25,
            name,
        ),
    ]


def readiness(text: str, name: str, count: int = 150) -> list[tuple[Any, ...]]:
    return [("Warning", "Unhealthy", f"Readiness probe failed: {text}", count, 3300, 4, name)]


def killed(code: int = 143, ran: int = 32, restarts: int = 7) -> State:
    return running(restarts=restarts, last=ended(code, "Error", finished=22, ran=ran), started=20)


SERVING = "INFO starting\nINFO server listening on port 8080\nINFO GET /items 200 3ms\nINFO received SIGTERM, shutting down"


@scenario()
def liveness_port(w: World) -> Truth:
    box = c(w.app, ports=[8080], livenessProbe=http("/healthz", 8081), state=killed(), log=SERVING)
    deployment(w, w.ns, w.app, box, replicas=2, events=liveness(refused(8081), w.app), age=3100)
    return Truth(
        f"{w.app} gets killed again and again, app log is clean",
        "liveness_probe_wrong_port",
        f"Deployment/{w.ns}/{w.app}",
        ("liveness_probe_failing",),
    )


@scenario()
def liveness_port_tcp(w: World) -> Truth:
    box = c(
        "db",
        "docker.io/library/redis:7",
        ports=[6379],
        livenessProbe=tcp(6380),
        state=crash(0, ran=31),
        log="1:M * Ready to accept connections tcp\n1:signal-handler Received SIGTERM scheduling shutdown...",
    )
    statefulset(
        w,
        w.ns,
        w.app,
        box,
        events=liveness("dial tcp <ip>:6380: connect: connection refused", "db"),
        age=3100,
    )
    return Truth(
        f"redis {w.app} restarts the whole time",
        "liveness_probe_wrong_port",
        f"StatefulSet/{w.ns}/{w.app}",
        ("liveness_probe_failing",),
    )


@scenario()
def liveness_path(w: World) -> Truth:
    box = c(
        w.app,
        ports=[8080],
        livenessProbe=http("/health/live", 8080),
        state=killed(),
        log='INFO listening on 8080\nINFO "GET /health/live HTTP/1.1" 404',
    )
    deployment(
        w, w.ns, w.app, box, events=liveness("HTTP probe failed with statuscode: 404", w.app), age=3100
    )
    return Truth(
        f"who restarts {w.app}?",
        "liveness_probe_wrong_path",
        f"Deployment/{w.ns}/{w.app}",
        ("liveness_probe_failing",),
    )


@scenario()
def liveness_protocol(w: World) -> Truth:
    box = c(
        w.app,
        ports=[8443],
        livenessProbe=http("/healthz", 8443, "HTTP"),
        state=killed(),
        log="INFO TLS server on :8443\nhttp: TLS handshake error from 10.244.1.1:48012: client sent an HTTP request to an HTTPS server",
    )
    deployment(
        w, w.ns, w.app, box, events=liveness("HTTP probe failed with statuscode: 400", w.app), age=3100
    )
    return Truth(
        f"{w.app} is restarted every 30 seconds",
        "liveness_probe_wrong_protocol",
        f"Deployment/{w.ns}/{w.app}",
        ("liveness_probe_failing",),
    )


@scenario()
def liveness_exec(w: World) -> Truth:
    box = c(
        w.app,
        livenessProbe=execs("/bin/check", "--deep", periodSeconds=20),
        state=killed(137, 65),
        log="INFO worker up\nINFO processed 12 messages",
    )
    deployment(w, w.ns, w.app, box, events=liveness("queue lag 48211 above threshold 1000", w.app), age=3100)
    return Truth(f"{w.app} restarts", "liveness_probe_failing", f"Deployment/{w.ns}/{w.app}")


@scenario()
def liveness_slow_start(w: World) -> Truth:
    log = "INFO 1 --- [main] Application : Starting Application\nINFO 1 --- [main] org.hibernate.Version : HHH000412\nINFO 1 --- [main] Migrating schema, 380 of 1200"
    box = c(
        w.app,
        ports=[8080],
        livenessProbe=http(
            "/actuator/health", 8080, initialDelaySeconds=5, periodSeconds=5, failureThreshold=2
        ),
        state=crash(143, ran=16, restarts=9),
        log=log,
    )
    deployment(w, w.ns, w.app, box, events=liveness(refused(8080, "/actuator/health"), w.app, 27), age=3100)
    return Truth(
        f"{w.app} never finishes starting",
        "liveness_probe_too_aggressive",
        f"Deployment/{w.ns}/{w.app}",
        ("liveness_probe_failing",),
    )


@scenario()
def liveness_timeout(w: World) -> Truth:
    box = c(
        w.app,
        ports=[8080],
        livenessProbe=http("/healthz", 8080, timeoutSeconds=1, periodSeconds=3, failureThreshold=1),
        state=killed(137, 190),
        log="INFO listening on :8080\nINFO GET /healthz 200 1840ms\nINFO GET /healthz 200 1302ms",
    )
    deployment(
        w,
        w.ns,
        w.app,
        box,
        events=liveness(
            'Get "http://<ip>:8080/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
            w.app,
            18,
        ),
        age=3100,
    )
    return Truth(
        f"under load {w.app} is restarted",
        "liveness_probe_too_aggressive",
        f"Deployment/{w.ns}/{w.app}",
        ("liveness_probe_failing",),
    )


@scenario()
def startup_probe(w: World) -> Truth:
    """A startup probe gives ten seconds to a program that needs a minute."""
    log = "INFO loading model weights (4.1 GiB)\nINFO 35% loaded"
    box = c(
        "serve",
        ports=[8080],
        startupProbe=http("/ready", 8080, periodSeconds=5, failureThreshold=2),
        state=crash(137, ran=12, restarts=11),
        log=log,
    )
    events = [
        ("Warning", "Unhealthy", f"Startup probe failed: {refused(8080, '/ready')}", 22, 3000, 20, "serve"),
        (
            "Normal",
            "Killing",
            "Container serve failed startup probe, will be restarted",
            11,
            2990,
            22,
            "serve",
        ),
    ]
    deployment(w, w.ns, w.app, box, events=events, age=3100)
    return Truth(
        f"{w.app} cannot get through startup",
        "liveness_probe_too_aggressive",
        f"Deployment/{w.ns}/{w.app}",
        ("liveness_probe_failing",),
    )


def unready(w: World, probe: Json, text: str, log: str, **more: Any) -> None:
    box = c(w.app, ports=[8080], readinessProbe=probe, state=running(ready=False), log=log)
    deployment(w, w.ns, w.app, box, replicas=2, events=readiness(text, w.app), age=3400, **more)
    service(w, w.ns, w.app, 80, target=8080)


@scenario()
def readiness_port(w: World) -> Truth:
    unready(w, http("/healthz", 8000), refused(8000), "INFO listening on 0.0.0.0:8080")
    return Truth(
        f"service {w.app} has no endpoints",
        "readiness_probe_wrong_port",
        f"Deployment/{w.ns}/{w.app}",
        ("readiness_probe_failing",),
    )


@scenario()
def readiness_port_daemonset(w: World) -> Truth:
    box = c(
        "node-agent",
        ports=[("metrics", 9100)],
        readinessProbe=tcp(9101),
        state=running(ready=False),
        log='level=info msg="Listening on" address=[::]:9100',
    )
    daemonset(
        w,
        w.ns,
        w.app,
        box,
        nodes=w.workers,
        events=readiness("dial tcp <ip>:9101: connect: connection refused", "node-agent"),
    )
    return Truth(
        f"0 of {len(w.workers)} {w.app} pods ready",
        "readiness_probe_wrong_port",
        f"DaemonSet/{w.ns}/{w.app}",
        ("readiness_probe_failing",),
    )


@scenario()
def readiness_path(w: World) -> Truth:
    unready(
        w,
        http("/ready", 8080),
        "HTTP probe failed with statuscode: 404",
        'INFO listening on 8080\n10.244.1.1 - "GET /ready HTTP/1.1" 404 Not Found',
    )
    return Truth(
        f"clients of {w.app} get connection refused",
        "readiness_probe_wrong_path",
        f"Deployment/{w.ns}/{w.app}",
        ("readiness_probe_failing",),
    )


@scenario()
def readiness_protocol(w: World) -> Truth:
    unready(
        w,
        http("/healthz", 8080, "HTTPS"),
        'Get "https://<ip>:8080/healthz": http: server gave HTTP response to HTTPS client',
        "INFO http server on 8080",
    )
    return Truth(
        f"{w.app} running but 0/1",
        "readiness_probe_wrong_protocol",
        f"Deployment/{w.ns}/{w.app}",
        ("readiness_probe_failing",),
    )


@scenario()
def readiness_grpc(w: World) -> Truth:
    unready(
        w,
        {"grpc": {"port": 8080, "service": ""}},
        'timeout: failed to connect service "<ip>:8080" within 1s: context deadline exceeded',
        "INFO serving http/1.1 on :8080",
    )
    return Truth(
        f"{w.app} never ready",
        "readiness_probe_wrong_protocol",
        f"Deployment/{w.ns}/{w.app}",
        ("readiness_probe_failing",),
    )


@scenario()
def readiness_exec(w: World) -> Truth:
    unready(
        w,
        execs("cat", "/tmp/ready"),
        "cat: can't open '/tmp/ready': No such file or directory",
        "INFO waiting for leader election",
    )
    return Truth(f"traffic does not reach {w.app}", "readiness_probe_failing", f"Deployment/{w.ns}/{w.app}")


@scenario()
def readiness_503_partial(w: World) -> Truth:
    """One replica of three is sick."""
    probe = http("/healthz", 8080)
    fine, sick = (
        c(
            w.app,
            ports=[8080],
            readinessProbe=probe,
            state=running(ready=r),
            log="INFO listening on 8080" + ("" if r else "\nERROR cache index is corrupt, refusing traffic"),
        )
        for r in (True, False)
    )
    deployment(w, w.ns, w.app, fine, replicas=3, pods=[fine, fine, sick], age=86400, was_ready=True)
    pod = w.of("Pod", w.ns)[-1]
    w.event(
        pod,
        "Warning",
        "Unhealthy",
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
        200,
        3300,
        4,
        w.app,
    )
    return Truth(
        f"only 2 of 3 {w.app} replicas take traffic",
        "readiness_probe_failing",
        f"Deployment/{w.ns}/{w.app}",
        ("application_error",),
    )
