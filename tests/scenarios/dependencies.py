"""Programs that need another: databases, queues, the API server."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.parts import c, crash, ended, from_secret, http, running, waiting
from scenarios.registry import scenario
from scenarios.workloads import cronjob, deployment, job, secret, service, statefulset


def database(w: World, name: str, port: int = 5432, log: str = "", ns: str = "", **more: object) -> None:
    log = log or "LOG:  database system is ready to accept connections"
    statefulset(
        w, ns or w.ns, name, c("postgres", "docker.io/library/postgres:16", ports=[port], log=log, **more)
    )  # type: ignore[arg-type]
    service(w, ns or w.ns, name, port)


@scenario()
def callee_lacks_secret(w: World) -> Truth:
    """checkout crashes because payments lacks a Secret: the chain ends at payments."""
    callee = w.name("payments")
    message = 'secret "psp-keys" not found'
    box = c(
        callee,
        ports=[8080],
        env={"PSP_KEY": from_secret("psp-keys", "key")},
        state=waiting("CreateContainerConfigError", message),
    )
    deployment(
        w,
        w.ns,
        callee,
        box,
        events=[("Warning", "Failed", f"Error: {message}", 90, 3000, 10, callee)],
        age=3100,
    )
    service(w, w.ns, callee, 80, target=8080)
    log = f"INFO checking dependencies\nERROR dial tcp 10.96.7.7:80: connect: connection refused\nFATAL dependency {callee} not available, giving up"
    deployment(
        w, w.ns, w.app, c(w.app, env={"PAYMENTS_URL": f"http://{callee}"}, log=log, state=crash(1)), age=3100
    )
    return Truth(
        f"{w.app} is crash looping",
        "secret_missing",
        f"Deployment/{w.ns}/{callee}",
        ("dependency_unavailable",),
        (f"Secret/{w.ns}/psp-keys",),
    )


@scenario()
def callee_other_namespace_oom(w: World) -> Truth:
    other, cache = w.namespace(), w.name("cache")
    box = c(
        "redis",
        "docker.io/library/redis:7",
        ports=[6379],
        memory=("64Mi", "64Mi"),
        state=crash(137, "OOMKilled", ran=60),
    )
    statefulset(w, other, cache, box)
    service(w, other, cache, 6379)
    log = (
        f"redis.exceptions.ConnectionError: Error 111 connecting to {cache}.{other}:6379. Connection refused.\n"
        * 3
    )
    deployment(
        w,
        w.ns,
        w.app,
        c(w.app, env={"REDIS_URL": f"redis://{cache}.{other}:6379/0"}, log=log, state=crash(1)),
        replicas=2,
    )
    return Truth(
        f"{w.app} down, redis errors",
        "oom_killed",
        f"StatefulSet/{other}/{cache}",
        ("dependency_unavailable",),
        (f"Service/{other}/{cache}",),
    )


@scenario()
def external_host(w: World) -> Truth:
    """The address is outside of the cluster; nothing inside is wrong."""
    log = (
        "INFO sync started\nERROR POST https://10.55.1.20:8443/erp: dial tcp 10.55.1.20:8443: connect: connection refused\n"
        * 3
    )
    deployment(w, w.ns, w.app, c(w.app, env={"ERP_URL": "https://10.55.1.20:8443"}, log=log, state=crash(1)))
    return Truth(f"{w.app} fails all day", "dependency_unavailable", f"Deployment/{w.ns}/{w.app}")


@scenario()
def mongo_not_ready(w: World) -> Truth:
    """The database recovers and is not ready; the caller restarts."""
    db = w.name("mongo")
    statefulset(w, w.ns, db, c("mongo", "docker.io/library/mongo:7", ports=[27017], readinessProbe=http("/", 27017), state=running(ready=False), log='{"s":"I","c":"STORAGE","msg":"Recovering log","attr":{"progress":"17%"}}'),
                events=[("Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", 100, 2000, 5, "mongo")], age=2100)  # fmt: skip
    service(w, w.ns, db, 27017)
    log = f"MongoServerSelectionError: connect ECONNREFUSED 10.96.3.3:27017\n    at {db}"
    deployment(
        w, w.ns, w.app, c(w.app, env={"MONGO_URL": f"mongodb://{db}:27017/app"}, log=log, state=crash(1))
    )
    return Truth(
        f"why does {w.app} crash",
        "dependency_unavailable",
        f"StatefulSet/{w.ns}/{db}",
        ("readiness_probe_failing",),
        (f"Service/{w.ns}/{db}", f"Deployment/{w.ns}/{w.app}"),
    )


@scenario()
def unresolvable_typo(w: World) -> Truth:
    db = w.name("db")
    database(w, db)
    log = f'psycopg2.OperationalError: could not translate host name "{db}x" to address: Name or service not known'
    deployment(w, w.ns, w.app, c(w.app, env={"DB_HOST": f"{db}x"}, log=log, state=crash(1)))
    return Truth(
        f"{w.app} won't come up",
        "dependency_host_unresolvable",
        f"Deployment/{w.ns}/{w.app}",
        ("missing_service", "invalid_configuration"),
        (f"Service/{w.ns}/{db}x",),
    )


@scenario(flavour="gke")
def unresolvable_namespace(w: World) -> Truth:
    """The host names the wrong namespace."""
    other, db = w.namespace(), w.name("kafka")
    database(w, db, 9092, ns=other)
    log = f"[kafka-producer] WARN Couldn't resolve server {db}.{w.ns}.svc:9092 from bootstrap.servers as DNS resolution failed for {db}.{w.ns}.svc\norg.apache.kafka.common.config.ConfigException: No resolvable bootstrap urls given in bootstrap.servers"
    deployment(
        w,
        w.ns,
        w.app,
        c(w.app, env={"KAFKA_BOOTSTRAP": f"{db}.{w.ns}.svc:9092"}, log=log, state=crash(1)),
        replicas=2,
    )
    return Truth(
        f"{w.ns}/{w.app} restarts constantly",
        "dependency_host_unresolvable",
        f"Deployment/{w.ns}/{w.app}",
        ("missing_service", "invalid_configuration"),
        (f"Service/{w.ns}/{db}",),
    )


@scenario()
def credentials_postgres(w: World) -> Truth:
    db = w.name("db")
    database(
        w,
        db,
        log='LOG:  database system is ready to accept connections\nFATAL:  password authentication failed for user "orders"',
    )
    log = f'org.postgresql.util.PSQLException: FATAL: password authentication failed for user "orders"\n\tat com.zaxxer.hikari.pool.HikariPool.throwPoolInitializationException\nurl=jdbc:postgresql://orders:CANARY-pw9Q@{db}:5432/orders'
    box = c(
        w.app,
        env={"SPRING_DATASOURCE_URL": f"jdbc:postgresql://{db}:5432/orders", "DB_PASSWORD": "CANARY-pw9Q"},
        log=log,
        state=crash(1),
    )
    deployment(w, w.ns, w.app, box)
    return Truth(
        f"{w.app} broke after the password rotation",
        "database_invalid_credentials",
        f"Deployment/{w.ns}/{w.app}",
        canaries=("CANARY-pw9Q",),
    )


@scenario()
def credentials_mysql(w: World) -> Truth:
    db = w.name("mysql")
    database(w, db, 3306)
    secret(w, w.ns, "mysql-user", password="eA==")
    log = "ERROR 1045 (28000): Access denied for user 'shop'@'10.244.2.14' (using password: YES)"
    deployment(
        w,
        w.ns,
        w.app,
        c(
            w.app,
            env={"MYSQL_HOST": db, "MYSQL_PASSWORD": from_secret("mysql-user", "password")},
            log=log,
            state=crash(1),
        ),
    )
    return Truth(
        f"{w.app} cannot start, database?",
        "database_invalid_credentials",
        f"Deployment/{w.ns}/{w.app}",
        (),
        (f"Secret/{w.ns}/mysql-user", f"StatefulSet/{w.ns}/{db}"),
    )


@scenario()
def database_port(w: World) -> Truth:
    db = w.name("mysql")
    database(w, db, 3306)
    log = f"sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (2003, \"Can't connect to MySQL server on '{db}' ([Errno 111] Connection refused)\")"
    deployment(
        w, w.ns, w.app, c(w.app, env={"MYSQL_HOST": db, "MYSQL_PORT": "3360"}, log=log, state=crash(1))
    )
    return Truth(
        f"{w.app} can't reach its db",
        "database_wrong_port",
        f"Deployment/{w.ns}/{w.app}",
        ("dependency_unavailable", "invalid_configuration"),
    )


@scenario()
def database_port_url(w: World) -> Truth:
    db = w.name("pg")
    database(w, db, 5432)
    log = f"Error: connect ECONNREFUSED 10.96.5.5:5433\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1595:16)\nfailed to connect to postgres at {db}:5433"
    deployment(
        w,
        w.ns,
        w.app,
        c(w.app, env={"DATABASE_URL": f"postgres://app@{db}:5433/app"}, log=log, state=crash(1)),
    )
    return Truth(
        f"{w.app} ECONNREFUSED",
        "database_wrong_port",
        f"Deployment/{w.ns}/{w.app}",
        ("dependency_unavailable", "invalid_configuration"),
    )


@scenario()
def connections(w: World) -> Truth:
    db = w.name("db")
    database(
        w,
        db,
        log="LOG:  database system is ready to accept connections\n"
        + "FATAL:  sorry, too many clients already\n" * 12,
    )
    log = "ERROR pq: sorry, too many clients already\nERROR GET /orders 500\n" * 6
    deployment(w, w.ns, w.app, c(w.app, ports=[8080], env={"DB_HOST": db}, log=log), replicas=6)
    return Truth(
        f"{w.app} throws 500s at peak",
        "database_connections_exhausted",
        f"StatefulSet/{w.ns}/{db}",
        (),
        (f"Deployment/{w.ns}/{w.app}", f"Service/{w.ns}/{db}"),
    )


@scenario()
def read_only_mysql(w: World) -> Truth:
    db = w.name("mysql")
    database(w, db, 3306, log="[System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections.")
    log = (
        "ERROR insert order: Error 1290 (HY000): The MySQL server is running with the --read-only option so it cannot execute this statement\n"
        * 5
    )
    deployment(w, w.ns, w.app, c(w.app, env={"DB_HOST": db}, log=log))
    return Truth(
        f"nobody can save orders in {w.app}",
        "database_read_only",
        f"StatefulSet/{w.ns}/{db}",
        (),
        (f"Deployment/{w.ns}/{w.app}", f"Service/{w.ns}/{db}"),
    )


@scenario()
def rbac_client_go(w: World) -> Truth:
    w.add("v1", "ServiceAccount", w.ns, f"{w.app}-sa")
    log = (
        f'E0301 11:58:01.000001 1 reflector.go:147] k8s.io/client-go/informers/factory.go:150: Failed to watch *v1.ConfigMap: failed to list *v1.ConfigMap: configmaps is forbidden: User "system:serviceaccount:{w.ns}:{w.app}-sa" cannot list resource "configmaps" in API group "" at the cluster scope\n'
        * 4
    )
    deployment(w, w.ns, w.app, c("operator", log=log), spec={"serviceAccountName": f"{w.app}-sa"})
    return Truth(
        f"operator {w.app} does nothing",
        "rbac_forbidden",
        f"ServiceAccount/{w.ns}/{w.app}-sa",
        (),
        (f"Deployment/{w.ns}/{w.app}",),
    )


@scenario()
def rbac_cronjob(w: World) -> Truth:
    w.add("v1", "ServiceAccount", w.ns, "cleaner")
    log = f'Error from server (Forbidden): pods is forbidden: User "system:serviceaccount:{w.ns}:cleaner" cannot delete resource "pods" in API group "" in the namespace "{w.ns}"'
    box = c("kubectl", "docker.io/bitnami/kubectl:1.30", log=log, state=ended(1))
    parent = cronjob(w, w.ns, w.app, box)
    job(
        w,
        w.ns,
        f"{w.app}-29501220",
        box,
        pods=[box] * 3,
        owner=parent,
        spec={"serviceAccountName": "cleaner"},
        backoff=2,
        failed=("BackoffLimitExceeded", "Job has reached the specified backoff limit"),
    )
    return Truth(
        f"the {w.app} cron fails",
        "rbac_forbidden",
        f"ServiceAccount/{w.ns}/cleaner",
        (),
        (f"CronJob/{w.ns}/{w.app}", f"Job/{w.ns}/{w.app}-29501220"),
    )


@scenario()
def unrelated_beside(w: World) -> Truth:
    """Two faults in one namespace; one is asked about."""
    noisy = w.name("legacy")
    deployment(
        w,
        w.ns,
        noisy,
        c(
            noisy,
            "registry.corp.test/legacy:gone",
            state=waiting("ImagePullBackOff", 'Back-off pulling image "registry.corp.test/legacy:gone"'),
        ),
        age=86400 * 3,
    )
    box = c(w.app, memory=("128Mi", "128Mi"), state=crash(137, "OOMKilled"))
    deployment(w, w.ns, w.app, box)
    typo = w.app.replace("-", "", 1)
    return Truth(f"why is {typo} crashing?", "oom_killed", f"Deployment/{w.ns}/{w.app}")
