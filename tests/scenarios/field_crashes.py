"""Half c: programs that stop, as in clusters in use."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.field_parts import DAY, argo, cloudsql, helm, istio, mount, shop, told, vault
from scenarios.parts import c, crash, ended, from_secret, running, tcp, waiting
from scenarios.registry import scenario
from scenarios.workloads import configmap, daemonset, deployment, pvc, secret, service, statefulset


@scenario(flavour="aks", minor=30)
def celery_memory(w: World) -> Truth:
    ns = w.namespace("payments-prod")
    shop(w, ns, "payments-api fx-rates")
    log = "[2026-03-01 11:40:02,114: INFO/MainProcess] celery@<pod> ready.\n[2026-03-01 11:46:11,900: INFO/MainProcess] Task reports.render_statement[9b1c] received\n[2026-03-01 11:46:12,008: WARNING/ForkPoolWorker-2] building statement for 48211 rows"
    state = running(restarts=14, last=ended(137, "OOMKilled", finished=340, ran=1190), started=338)
    box = c(
        "worker",
        "paymentsacr.azurecr.io/statements:2026.02.3",
        command=["celery", "-A", "statements", "worker", "-c", "4"],
        memory=("512Mi", "512Mi"),
        usage=("350m", "431Mi"),
        state=state,
        log=log,
    )
    deployment(w, ns, "statement-worker", [box, istio()], replicas=2, pods=[[box, istio()]] * 2, age=DAY)
    return told(
        w,
        "statement-worker in payments-prod restarts every 20 minutes or so, nothing in the logs that explains it",
        "oom_killed",
        f"Deployment/{ns}/statement-worker",
    )


@scenario(flavour="eks", minor=31)
def redis_memory(w: World) -> Truth:
    """Asked about the caller; the cache behind it is what dies."""
    ns = w.namespace("shop")
    shop(w, ns, "catalog search")
    log = "1:C 01 Mar 2026 11:55:01.020 * oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n1:M 01 Mar 2026 11:55:01.090 * Loading RDB produced by version 7.4.1\n1:M 01 Mar 2026 11:55:01.090 * RDB memory usage when created 611.04 Mb"
    redis = c(
        "redis",
        "docker.io/bitnami/redis:7.4.1-debian-12-r2",
        ports=[("redis", 6379)],
        memory=("256Mi", "512Mi"),
        log=log,
        state=crash(137, "OOMKilled", restarts=23, ran=9),
        readinessProbe=tcp(6379),
    )
    statefulset(w, ns, "cart-redis-master", redis, claims=[("redis-data", "8Gi", "gp3")], age=DAY * 3)
    called = service(w, ns, "cart-redis-master", [("tcp-redis", 6379, "redis")])
    caller = (
        "2026-03-01T11:57:10.114Z ERROR [cart] RedisError: connect ECONNREFUSED <called>:6379\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16)\n2026-03-01T11:57:10.300Z INFO  POST /cart/items 500 12ms\n"
        * 4
    )
    deployment(
        w,
        ns,
        "cart-api",
        c(
            "cart-api",
            ports=[8080],
            env={"REDIS_URL": "redis://cart-redis-master:6379/0"},
            log=caller.replace("<called>", called["spec"]["clusterIP"]),
        ),
        replicas=3,
        age=DAY * 3,
    )
    return told(
        w,
        "customers can't add to cart, cart-api in ns shop answers 500",
        "oom_killed",
        f"StatefulSet/{ns}/cart-redis-master",
    )


@scenario(flavour="openshift", minor=29)
def dotnet_exception(w: World) -> Truth:
    ns = w.namespace("claims-uat")
    shop(w, ns, "intake")
    log = """info: Microsoft.Hosting.Lifetime[14]
      Now listening on: http://[::]:8080
Unhandled exception. System.NullReferenceException: Object reference not set to an instance of an object.
   at Claims.Worker.TariffTable.BuildIndex(IReadOnlyList`1 rows) in /src/Claims.Worker/TariffTable.cs:line 71
   at Claims.Worker.Program.<Main>$(String[] args) in /src/Claims.Worker/Program.cs:line 38"""
    box = c(
        "claims-worker",
        "quay.io/acme/claims-worker:4.2.0",
        ports=[8080],
        log=log,
        state=crash(134, restarts=11, ran=4),
    )
    deployment(
        w, ns, "claims-worker", box, age=7000, annotations=argo("claims", "Deployment", ns, "claims-worker")
    )
    return told(
        w,
        "claims-worker is in CrashLoopBackOff since this morning's deploy to claims-uat",
        "application_error",
        f"Deployment/{ns}/claims-worker",
    )


@scenario(flavour="gke", minor=32)
def rust_panic(w: World) -> Truth:
    ns = w.namespace("edge-ingest")
    log = "2026-03-01T11:52:44.101Z  INFO ingest: shard assignment loaded shards=16\nthread 'main' panicked at src/router.rs:118:31:\nindex out of bounds: the len is 16 but the index is 16\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace"
    box = c(
        "router",
        "europe-west1-docker.pkg.dev/acme/edge/router:0.31.0",
        log=log,
        state=crash(101, restarts=9, ran=1),
    )
    statefulset(
        w,
        ns,
        "shard-router",
        [box, vault()],
        replicas=2,
        pods=[
            [c("router", box.spec["image"], log="2026-03-01T09:00:01Z  INFO ingest: ready"), vault()],
            [box, vault()],
        ],
        age=8000,
    )
    return told(
        w,
        '[FIRING:1] KubePodCrashLooping (edge-ingest shard-router-1 router warning) Pod edge-ingest/shard-router-1 (router) is in waiting state (reason: "CrashLoopBackOff")',
        "application_error",
        f"StatefulSet/{ns}/shard-router",
    )


@scenario(flavour="aks", minor=33)
def spring_placeholder(w: World) -> Truth:
    ns = w.namespace("billing")
    shop(w, ns, "invoices ledger")
    log = """  .   ____          _            __ _ _
 :: Spring Boot ::                (v3.3.5)
2026-03-01T11:50:10.020Z  INFO 1 --- [main] c.a.billing.PayoutApplication : Starting PayoutApplication v2.9.0
2026-03-01T11:50:14.871Z ERROR 1 --- [main] o.s.boot.SpringApplication : Application run failed
org.springframework.beans.factory.BeanCreationException: Error creating bean with name 'stripeWebhookController': Injection of autowired dependencies failed
Caused by: java.lang.IllegalArgumentException: Could not resolve placeholder 'STRIPE_WEBHOOK_SECRET' in value "${STRIPE_WEBHOOK_SECRET}\""""
    box = c(
        "payout",
        "billingacr.azurecr.io/payout:2.9.0",
        ports=[8080],
        env={"SPRING_PROFILES_ACTIVE": "prod"},
        memory=("512Mi", "1Gi"),
        log=log,
        state=crash(1, ran=8, restarts=6),
    )
    deployment(w, ns, "payout", box, age=2400, **helm("payout", "payout", "spring-service-1.8.2"))
    return told(
        w,
        "helm upgrade payout timed out waiting for the condition (namespace billing)",
        "missing_environment_variable",
        f"Deployment/{ns}/payout",
    )


@scenario(flavour="k3s", minor=31)
def node_env(w: World) -> Truth:
    ns = w.namespace("notifications")
    log = """> push-gateway@3.1.0 start
> node dist/main.js
/app/dist/env.js:22
    throw new Error(`Missing required environment variable: ${name}`);
Error: Missing required environment variable: FCM_PROJECT_ID
    at required (/app/dist/env.js:22:11)
    at Object.<anonymous> (/app/dist/env.js:31:17)
Node.js v20.18.1"""
    box = c(
        "push-gateway",
        "ghcr.io/acme/push-gateway:3.1.0",
        env={"NODE_ENV": "production", "APNS_KEY_ID": from_secret("apns", "key-id")},
        log=log,
        state=crash(1, ran=1, restarts=31),
    )
    secret(w, ns, "apns", **{"key-id": "eA=="})
    deployment(w, ns, "push-gateway", box, age=9000)
    return told(
        w, "no push notifications go out", "missing_environment_variable", f"Deployment/{ns}/push-gateway"
    )


@scenario(flavour="gke", minor=30)
def java_options(w: World) -> Truth:
    ns = w.namespace("pricing")
    shop(w, ns, "quotes")
    log = "Unrecognized VM option 'UseConcMarkSweepGC'\nDid you mean '(+/-)UseShenandoahGC'?\nError: Could not create the Java Virtual Machine.\nError: A fatal exception has occurred. Program will exit."
    box = c(
        "engine",
        "europe-west1-docker.pkg.dev/acme/pricing/engine:21-jre",
        env={"JDK_JAVA_OPTIONS": "-Xmx768m -XX:+UseConcMarkSweepGC"},
        memory=("1Gi", "1Gi"),
        log=log,
        state=crash(1, ran=1),
    )
    deployment(w, ns, "pricing-engine", [box, cloudsql()], age=3000)
    return told(
        w,
        "pricing-engine won't come up after the java 21 base image bump",
        "invalid_configuration",
        f"Deployment/{ns}/pricing-engine",
    )


@scenario(flavour="eks", minor=29)
def fluent_bit(w: World) -> Truth:
    ns = w.namespace("logging")
    log = "Fluent Bit v3.1.9\n* Copyright (C) 2015-2024 The Fluent Bit Authors\n[2026/03/01 11:54:03] [error] [config] error in /fluent-bit/etc/conf/fluent-bit.conf:7: undefined value - check config is in valid classic format\n[2026/03/01 11:54:03] [error] configuration file contains errors, aborting."
    configmap(
        w,
        ns,
        "fluent-bit",
        **{
            "fluent-bit.conf": "[SERVICE]\n    Flush 1\n[INPUT]\n    Name tail\n[OUTPUT]\n    Name es\n    Host\n"
        },
    )
    box = c(
        "fluent-bit",
        "cr.fluentbit.io/fluent/fluent-bit:3.1.9",
        ports=[("http", 2020)],
        mounts={"config": "/fluent-bit/etc/conf"},
        log=log,
        state=crash(1, ran=1, restarts=18),
    )
    daemonset(
        w,
        ns,
        "fluent-bit",
        box,
        spec={
            "volumes": [{"name": "config", "configMap": {"name": "fluent-bit"}}],
            "tolerations": [{"operator": "Exists"}],
        },
        age=6000,
    )
    return told(
        w,
        "kibana shows no new logs from any node since ~10:20",
        "invalid_configuration",
        f"DaemonSet/{ns}/fluent-bit",
        or_at=[f"ConfigMap/{ns}/fluent-bit"],
    )


@scenario(flavour="openshift", minor=29)
def crio_command(w: World) -> Truth:
    ns = w.namespace("crm")
    text = 'container create failed: time="2026-03-01T11:58:20Z" level=error msg="runc create failed: unable to start container process: exec: \\"bundle\\": executable file not found in $PATH"'
    box = c(
        "web",
        "quay.io/acme/crm-web:7.0.1",
        command=["bundle", "exec", "puma"],
        state=waiting("CreateContainerError", text),
    )
    deployment(
        w,
        ns,
        "crm-web",
        box,
        age=1800,
        events=[
            ("Warning", "Failed", f"Error: {text}", 8, 1790, 25, "web"),
            (
                "Normal",
                "Pulled",
                'Container image "quay.io/acme/crm-web:7.0.1" already present on machine',
                8,
                1790,
                25,
                "web",
            ),
        ],
    )
    return told(
        w, "crm web pod does not start, oc get pods shows 0/1", "invalid_command", f"Deployment/{ns}/crm-web"
    )


@scenario(flavour="kind", minor=34)
def toolbox(w: World) -> Truth:
    ns = w.namespace("platform-tools")
    box = c("toolbox", "docker.io/library/ubuntu:24.04", state=crash(0, restarts=40, ran=0), log="")
    deployment(w, ns, "toolbox", box, age=12000, **helm("toolbox", "toolbox", "generic-2.0.0"))
    return told(
        w,
        "toolbox pod in platform-tools keeps crashing, no logs at all?!",
        "container_exits_immediately",
        f"Deployment/{ns}/toolbox",
    )


@scenario(flavour="aks", minor=31)
def nginx_read_only(w: World) -> Truth:
    ns = w.namespace("frontend")
    shop(w, ns, "bff")
    log = '/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty, will attempt to perform configuration\n10-listen-on-ipv6-by-default.sh: info: can not modify /etc/nginx/conf.d/default.conf (read-only file system?)\n2026/03/01 11:51:02 [emerg] 1#1: mkdir() "/var/cache/nginx/client_temp" failed (30: Read-only file system)\nnginx: [emerg] mkdir() "/var/cache/nginx/client_temp" failed (30: Read-only file system)'
    box = c(
        "spa",
        "webacr.azurecr.io/spa:812",
        ports=[8080],
        securityContext={
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 101,
            "allowPrivilegeEscalation": False,
        },
        log=log,
        state=crash(1, ran=1),
    )
    deployment(w, ns, "spa", box, replicas=2, age=3000, annotations=argo("web", "Deployment", ns, "spa"))
    service(w, ns, "spa", 80, target=8080)
    return told(
        w, "after security hardening PR the spa is down", "read_only_filesystem", f"Deployment/{ns}/spa"
    )


@scenario(flavour="eks", minor=32)
def grafana_permissions(w: World) -> Truth:
    ns = w.namespace("observability")
    log = "GF_PATHS_DATA='/var/lib/grafana' is not writable.\nYou may have issues with file permissions, more information here: http://docs.grafana.org/installation/docker/#migrate-to-v51-or-later\nmkdir: can't create directory '/var/lib/grafana/plugins': Permission denied"
    box = c(
        "grafana",
        "docker.io/grafana/grafana:11.3.0",
        ports=[("grafana", 3000)],
        mounts={"data": "/var/lib/grafana"},
        log=log,
        state=crash(1, ran=1, restarts=13),
    )
    pvc(w, ns, "grafana", "10Gi")
    deployment(
        w,
        ns,
        "grafana",
        box,
        spec=mount("grafana") | {"securityContext": {"runAsUser": 472, "runAsGroup": 472}},
        age=5000,
        strategy={"type": "Recreate"},
        **helm("grafana", "grafana", "grafana-8.6.0"),
    )
    return told(
        w,
        "grafana is down since we restored its volume from snapshot",
        "volume_permission_denied",
        f"Deployment/{ns}/grafana",
    )


@scenario(flavour="gke", minor=33)
def metrics_port_twice(w: World) -> Truth:
    ns = w.namespace("orders")
    log = '{"level":"info","msg":"starting order-api 5.4.1"}\nnode:events:497\n      throw er; // Unhandled \'error\' event\nError: listen EADDRINUSE: address already in use 0.0.0.0:9090\n    at Server.setupListenHandle [as _listen2] (node:net:1817:16)'
    app = c("order-api", ports=[("http", 8080), ("metrics", 9090)], log=log, state=crash(1, ran=2))
    side = c(
        "statsd-exporter",
        "prom/statsd-exporter:v0.27.2",
        ports=[("web", 9090), ("statsd", 9125, "UDP")],
        args=["--web.listen-address=:9090"],
        log='level=INFO msg="Accepting Prometheus Requests" addr=:9090',
    )
    deployment(w, ns, "order-api", [app, side], replicas=2, age=4000)
    return told(
        w,
        "order-api 1/2 ready and crash looping since we added metrics",
        "port_conflict",
        f"Deployment/{ns}/order-api",
    )


@scenario(flavour="k3s", minor=33)
def non_root(w: World) -> Truth:
    ns = w.namespace("iot")
    text = 'container has runAsNonRoot and image will run as root (pod: "<pod>_<ns>(<uid>)", container: mosquitto)'
    box = c(
        "mosquitto",
        "docker.io/library/eclipse-mosquitto:2.0.20",
        ports=[1883],
        state=waiting("CreateContainerConfigError", text),
    )
    statefulset(
        w,
        ns,
        "mosquitto",
        box,
        spec={"securityContext": {"runAsNonRoot": True}},
        age=2500,
        events=[("Warning", "Failed", f"Error: {text}", 12, 2490, 20, "mosquitto")],
    )
    return told(w, "mqtt broker not starting", "run_as_non_root_violation", f"StatefulSet/{ns}/mosquitto")
