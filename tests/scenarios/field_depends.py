"""Half c: programs and what they depend on, as in clusters in use."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.field_parts import DAY, istio, told
from scenarios.parts import c, crash, from_config, from_secret, http
from scenarios.registry import scenario
from scenarios.workloads import configmap, deployment, secret, service, statefulset


@scenario(flavour="eks", minor=30)
def wrong_namespace_host(w: World) -> Truth:
    ns, data = w.namespace("fulfilment"), w.namespace("data")
    statefulset(
        w,
        data,
        "orders-postgres",
        c(
            "postgres",
            "docker.io/library/postgres:16.6",
            ports=[5432],
            log="LOG:  database system is ready to accept connections",
        ),
        age=DAY * 20,
    )
    service(w, data, "orders-postgres", 5432)
    log = '{"time":"2026-03-01T11:57:01Z","level":"INFO","msg":"connecting to database"}\n{"time":"2026-03-01T11:57:01Z","level":"ERROR","msg":"ping failed","error":"failed to connect to `user=orders database=orders`: hostname resolving error: lookup orders-postgres.fulfilment.svc.cluster.local on 10.96.0.10:53: no such host"}'
    box = c(
        "shipper",
        env={
            "PGHOST": "orders-postgres.fulfilment.svc.cluster.local",
            "PGPORT": "5432",
            "PGPASSWORD": from_secret("orders-pg", "password"),
        },
        log=log,
        state=crash(1, ran=1),
    )
    secret(w, ns, "orders-pg", password="eA==")
    deployment(w, ns, "shipper", [box, istio()], age=3000)
    return told(
        w,
        "shipper cannot reach its database after move to namespace fulfilment",
        "dependency_host_unresolvable",
        f"Deployment/{ns}/shipper",
        or_cause=["missing_service"],
        or_at=[f"Service/{ns}/orders-postgres"],
    )


@scenario(flavour="aks", minor=30)
def coredns_loop(w: World) -> Truth:
    w.namespace("kube-system")
    w.namespace("default")
    log = '.:53\n[INFO] plugin/reload: Running configuration SHA512 = 591cf328\nCoreDNS-1.11.1\n[FATAL] plugin/loop: Loop (127.0.0.1:55953 -> :53) detected for zone ".", see https://coredns.io/plugins/loop#troubleshooting. Query: "HINFO 4547991504243258144.3688648895315093531."'
    box = c(
        "coredns",
        "mcr.microsoft.com/oss/kubernetes/coredns:v1.11.1",
        ports=[("dns", 53, "UDP"), ("dns-tcp", 53)],
        log=log,
        state=crash(1, ran=1, restarts=12),
        args=["-conf", "/etc/coredns/Corefile"],
        memory=("70Mi", "170Mi"),
        readinessProbe=http("/ready", 8181),
    )
    deployment(w, "kube-system", "coredns", box, replicas=2, labels={"k8s-app": "kube-dns"}, age=4000)
    ns = w.namespace("tickets")
    log = (
        '2026-03-01 11:55:41,002 ERROR sqlalchemy.pool Exception during reset\npsycopg2.OperationalError: could not translate host name "tickets-pg.postgres.database.azure.com" to address: Temporary failure in name resolution\n'
        * 5
    )
    deployment(w, ns, "tickets-api", c("tickets-api", ports=[8000], log=log), replicas=2, age=DAY * 4)
    return told(
        w,
        "tickets-api says 'Temporary failure in name resolution' all the time, db itself is fine",
        "service_dns_failure",
        "Deployment/kube-system/coredns",
        or_at=["Service/kube-system/kube-dns", "ConfigMap/kube-system/coredns"],
    )


@scenario(flavour="openshift", minor=29)
def keycloak_password(w: World) -> Truth:
    ns = w.namespace("sso")
    db_log = (
        '2026-03-01 11:56:10.101 UTC [8812] FATAL:  password authentication failed for user "keycloak"\n2026-03-01 11:56:10.101 UTC [8812] DETAIL:  Connection matched file "/pgdata/pg16/pg_hba.conf" line 104: "hostssl all all all scram-sha-256"\n'
        * 3
    )
    statefulset(
        w,
        ns,
        "sso-pg-instance1-7hgc",
        c(
            "database",
            "registry.connect.redhat.com/crunchydata/crunchy-postgres:ubi8-16.4",
            ports=[("postgres", 5432)],
            log=db_log,
        ),
        age=DAY * 9,
    )
    service(w, ns, "sso-pg-primary", 5432, selector={"app": "sso-pg-instance1-7hgc"})
    log = '2026-03-01 11:56:10,120 ERROR [org.keycloak.quarkus.runtime.cli.ExecutionExceptionHandler] (main) ERROR: Failed to start server in (production) mode\n2026-03-01 11:56:10,121 ERROR (main) ERROR: Failed to obtain JDBC connection\n2026-03-01 11:56:10,121 ERROR (main) ERROR: FATAL: password authentication failed for user "keycloak"'
    box = c(
        "keycloak",
        "quay.io/keycloak/keycloak:26.0",
        ports=[("https", 8443)],
        env={
            "KC_DB_URL_HOST": "sso-pg-primary",
            "KC_DB_USERNAME": "keycloak",
            "KC_DB_PASSWORD": from_secret("keycloak-db", "password"),
        },
        memory=("1Gi", "2Gi"),
        log=log,
        state=crash(1, ran=14),
    )
    secret(w, ns, "keycloak-db", password="eA==")
    statefulset(w, ns, "keycloak", box, age=5000)
    return told(
        w,
        "nobody can log in, keycloak-0 restarts",
        "database_invalid_credentials",
        f"StatefulSet/{ns}/keycloak",
        or_at=[f"Secret/{ns}/keycloak-db"],
    )


@scenario(flavour="eks", minor=33)
def django_port(w: World) -> Truth:
    ns, data = w.namespace("booking"), w.namespace("databases")
    statefulset(
        w,
        data,
        "booking-pg",
        c(
            "postgres",
            "ghcr.io/cloudnative-pg/postgresql:16.4",
            ports=[("postgresql", 5432)],
            log='{"level":"info","msg":"record","record":{"message":"database system is ready to accept connections"}}',
        ),
        age=DAY * 20,
    )
    called = service(w, data, "booking-pg-rw", [("postgres", 5432, 5432)], selector={"app": "booking-pg"})
    log = 'django.db.utils.OperationalError: connection to server at "booking-pg-rw.databases.svc" (<called>), port 5433 failed: Connection timed out\n\tIs the server running on that host and accepting TCP/IP connections?'
    box = c(
        "web",
        "111122223333.dkr.ecr.eu-west-1.amazonaws.com/booking:1.44",
        env={"DB_HOST": "booking-pg-rw.databases.svc", "DB_PORT": "5433", "DB_NAME": "booking"},
        log=log.replace("<called>", called["spec"]["clusterIP"]),
        state=crash(1, ran=133, restarts=5),
    )
    deployment(w, ns, "booking-web", box, replicas=2, age=3300)
    configmap(w, ns, "booking-flags", BETA="1")
    return told(
        w,
        "booking-web crashes a couple of minutes after start",
        "database_wrong_port",
        f"Deployment/{ns}/booking-web",
    )


@scenario(flavour="gke", minor=31)
def too_many_clients(w: World) -> Truth:
    ns = w.namespace("learning")
    db = "2026-03-01 11:58:10.004 UTC [5121] FATAL:  sorry, too many clients already\n" * 9
    statefulset(
        w,
        ns,
        "lms-postgresql",
        c(
            "postgresql",
            "docker.io/bitnami/postgresql:16.4.0",
            ports=[("tcp-postgresql", 5432)],
            args=["-c", "max_connections=50"],
            log=db,
        ),
        claims=[("data", "20Gi", "standard-rwo")],
        age=DAY * 30,
    )
    service(w, ns, "lms-postgresql", 5432)
    log = (
        "2026-03-01T11:58:10.010Z  WARN 1 --- [http-nio-8080-exec-9] o.h.engine.jdbc.spi.SqlExceptionHelper : SQL Error: 0, SQLState: 53300\n2026-03-01T11:58:10.010Z ERROR 1 --- [http-nio-8080-exec-9] o.h.engine.jdbc.spi.SqlExceptionHelper : FATAL: sorry, too many clients already\n"
        * 5
    )
    env = {
        "SPRING_DATASOURCE_URL": "jdbc:postgresql://lms-postgresql:5432/lms",
        "LOG_LEVEL": from_config("lms", "LOG_LEVEL"),
    }
    configmap(w, ns, "lms", LOG_LEVEL="info")
    deployment(
        w, ns, "lms", c("lms", ports=[8080], env=env, log=log, memory=("512Mi", "1Gi")), replicas=6, age=7200
    )
    return told(
        w,
        "lms throws 500s at peak time since we scaled it to 6",
        "database_connections_exhausted",
        f"StatefulSet/{ns}/lms-postgresql",
        or_at=[f"Deployment/{ns}/lms"],
    )


@scenario(flavour="k3s", minor=30)
def mysql_read_only(w: World) -> Truth:
    ns = w.namespace("wordpress")
    statefulset(
        w,
        ns,
        "wp-mysql",
        c(
            "mysql",
            "docker.io/library/mysql:8.4",
            ports=[3306],
            args=["--read-only=ON", "--super-read-only=ON"],
            memory=("512Mi", "1Gi"),
            log="[System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: '8.4.3'  socket: '/var/run/mysqld/mysqld.sock'  port: 3306",
        ),
        claims=[("data", "10Gi", "local-path")],
        age=20000,
    )
    service(w, ns, "wp-mysql", 3306, clusterIP="None")
    log = (
        "WordPress database error The MySQL server is running with the --super-read-only option so it cannot execute this statement for query UPDATE `wp_options` SET `option_value` = '1772366' WHERE `option_name` = '_transient_timeout'\n[01-Mar-2026 11:57:59 UTC] PHP Warning: Undefined array key\n"
        * 4
    )
    deployment(
        w,
        ns,
        "wordpress",
        c(
            "wordpress",
            "docker.io/library/wordpress:6.7",
            ports=[80],
            env={"WORDPRESS_DB_HOST": "wp-mysql"},
            log=log,
        ),
        age=DAY * 3,
    )
    return told(
        w,
        "editors can read posts but saving anything fails in wordpress",
        "database_read_only",
        f"StatefulSet/{ns}/wp-mysql",
    )


@scenario(flavour="eks", minor=34)
def msk_down(w: World) -> Truth:
    """The brokers are outside the cluster."""
    ns = w.namespace("clickstream")
    log = (
        "[main] INFO org.apache.kafka.common.utils.AppInfoParser - Kafka version: 3.8.0\n"
        + "[kafka-admin-client-thread | adminclient-1] WARN org.apache.kafka.clients.NetworkClient - [AdminClient clientId=adminclient-1] Connection to node -1 (b-1.events.x1y2z3.c4.kafka.eu-west-1.amazonaws.com/10.20.4.11:9096) could not be established. Node may not be available.\n"
        * 5
        + 'Exception in thread "main" org.apache.kafka.common.errors.TimeoutException: Timed out waiting for a node assignment. Call: listTopics'
    )
    box = c(
        "collector",
        env={"KAFKA_BOOTSTRAP_SERVERS": "b-1.events.x1y2z3.c4.kafka.eu-west-1.amazonaws.com:9096"},
        log=log,
        state=crash(1, ran=62, restarts=8),
        memory=("512Mi", "1Gi"),
    )
    deployment(w, ns, "event-collector", box, replicas=3, age=5000)
    return told(
        w,
        "event-collector flapping, lag alert fired",
        "dependency_unavailable",
        f"Deployment/{ns}/event-collector",
    )


@scenario(flavour="aks", minor=29)
def rabbit_asleep(w: World) -> Truth:
    ns = w.namespace("mail-staging")
    statefulset(
        w,
        ns,
        "rabbitmq",
        c("rabbitmq", "docker.io/library/rabbitmq:3.13-management", ports=[("amqp", 5672)]),
        replicas=0,
        age=DAY * 40,
    )
    service(w, ns, "rabbitmq", [("amqp", 5672, "amqp")])
    log = (
        "2026-03-01 11:58:00,501 [ERROR] kombu.connection: Cannot connect to amqp://mail:**@rabbitmq:5672//: [Errno 111] Connection refused.\nTrying again in 32.00 seconds... (16/100)\n"
        * 3
    )
    deployment(w, ns, "mail-dispatcher", c("dispatcher", env={"AMQP_HOST": "rabbitmq"}, log=log), age=DAY * 2)
    return told(
        w,
        "mail-dispatcher in mail-staging sends nothing",
        "deployment_zero_replicas",
        f"StatefulSet/{ns}/rabbitmq",
        or_at=[f"Service/{ns}/rabbitmq"],
    )
