"""Half d: every pod is Ready, the fault shows in logs, metrics, events or conditions only."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.field_parts import mount, shop, told
from scenarios.night_parts import DAY, app, condition, gave_up, ip, rbac
from scenarios.parts import c, ended, from_config
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


@scenario(flavour="eks", minor=33)
def not_placed(w: World) -> Truth:
    ns = w.namespace("sales")
    log = "2026-03-01T11:57:02.118Z ERROR 1 --- [order-service] [nio-8080-exec-7] o.h.engine.jdbc.spi.SqlExceptionHelper : ERROR: cannot execute INSERT in a read-only transaction\norg.springframework.orm.jpa.JpaSystemException: could not execute statement [ERROR: cannot execute INSERT in a read-only transaction] [insert into orders (customer,total) values (?,?)]\n\tat org.springframework.orm.jpa.vendor.HibernateJpaDialect.convertHibernateAccessException(HibernateJpaDialect.java:320)\n\tat com.acme.sales.OrderController.place(OrderController.java:61)\n"
    configmap(w, ns, "order-service", DB_HOST="pg-replicas", DB_PORT="5432")
    env = {"DB_HOST": from_config("order-service", "DB_HOST")}
    app(w, ns, "order-service", log * 3, box={"env": env})
    for role, replicas in (("primary", 1), ("replicas", 2)):
        text = "LOG:  database system is ready to accept " + (
            "connections" if role == "primary" else "read-only connections"
        )
        statefulset(
            w,
            ns,
            f"pg-{role}",
            c("postgres", "postgres:16.3", ports=[5432], log=text),
            replicas=replicas,
            age=DAY * 40,
        )
        service(w, ns, f"pg-{role}", 5432)
    return told(
        w,
        "customers can see their orders but cannot place new ones",
        "database_read_only",
        f"Deployment/{ns}/order-service",
        or_at=[f"ConfigMap/{ns}/order-service", f"Service/{ns}/pg-replicas", f"StatefulSet/{ns}/pg-replicas"],
    )


@scenario(flavour="openshift", minor=31)
def desole(w: World) -> Truth:
    """The messages of this database are French."""
    ns = w.namespace("bureau")
    text = "FATAL:  désolé, trop de clients sont déjà connectés"
    line = f'[2026-03-01 11:58:11] app.ERROR: SQLSTATE[08006] [7] {text} {{"route":"/dossiers"}}\n[2026-03-01 11:58:12] app.INFO: requête servie en 212 ms\n'
    app(w, ns, "dossiers", line * 5, replicas=6)
    statefulset(
        w,
        ns,
        "dossiers-db",
        c(
            "postgres",
            "postgres:14",
            ports=[5432],
            args=["-c", "max_connections=50"],
            log=f"{text}\nLOG:  requête interrompue\n" * 4,
        ),
        age=DAY * 200,
    )
    service(w, ns, "dossiers-db", 5432)
    return told(
        w,
        "back office is erratic today, every third click fails",
        "database_connections_exhausted",
        f"StatefulSet/{ns}/dossiers-db",
        or_at=[f"Deployment/{ns}/dossiers"],
    )


@scenario(flavour="gke", minor=32)
def tripled(w: World) -> Truth:
    ns = w.namespace("pricing")
    line = '{"severity":"WARNING","message":"request took 2140ms","route":"/price","budget_ms":300}\n'
    box = {"cpu": ("100m", "200m"), "usage": ("200m", "88Mi")}
    app(w, ns, "price-engine", line * 8, replicas=3, box=box)
    shop(w, ns, "discounts catalog-cache")
    return told(
        w,
        "p99 in namespace pricing tripled after Friday, no errors",
        "cpu_throttling",
        f"Deployment/{ns}/price-engine",
    )


@scenario(flavour="aks", minor=31)
def rush(w: World) -> Truth:
    """The adapter answers, but nobody exports the metric under the name that the autoscaler asks for."""
    ns = w.ns = w.namespace("dispatch")
    app(w, ns, "router", '{"level":"warn","msg":"backlog","queue":"rides","depth":9120}\n' * 6)
    text = "unable to get external metric dispatch/rides_queue_depth/nil: unable to fetch metrics from external metrics API: no matching metrics found for rides_queue_depth"
    scaler = hpa(
        w,
        "router",
        2,
        20,
        2,
        [
            (
                "AbleToScale",
                "True",
                "SucceededGetScale",
                "the HPA controller was able to get the target's current scale",
            ),
            (
                "ScalingActive",
                "False",
                "FailedGetExternalMetric",
                f"the HPA was unable to compute the replica count: {text}",
            ),
        ],
    )
    external = {
        "metric": {"name": "rides_queue_depth"},
        "target": {"type": "AverageValue", "averageValue": "50"},
    }
    scaler["spec"]["metrics"] = [{"type": "External", "external": external}]
    w.event(scaler, "Warning", "FailedGetExternalMetric", text, 230, 3500, 12)
    return told(
        w,
        "evening rush: rides wait minutes and nothing scales in dispatch",
        "hpa_metrics_unavailable",
        f"HorizontalPodAutoscaler/{ns}/router",
    )


@scenario(flavour="eks", minor=29)
def careers(w: World) -> Truth:
    ns = w.namespace("careers")
    shop(w, ns, "jobs-site")
    service(w, ns, "jobs-site", 80, target=8080)
    secret(w, ns, "jobs-tls", kind="kubernetes.io/tls", **{"tls.crt": "eA==", "tls.key": "eA=="})
    ingress(w, ns, "jobs-site", "jobs-site", 80, tls="jobs-tls", host="jobs.acme.example")
    rows = [
        condition(w, "Ready", False, "Expired", "Certificate expired on Sun, 01 Mar 2026 06:02:11 UTC", 21469)
    ]
    rows += [
        condition(w, "Issuing", True, "Renewing", "Renewing certificate as renewal was scheduled", DAY * 30)
    ]
    issuer = {"name": "letsencrypt-prod", "kind": "ClusterIssuer"}
    w.add(
        "cert-manager.io/v1",
        "Certificate",
        ns,
        "jobs-tls",
        age=DAY * 90,
        spec={"secretName": "jobs-tls", "dnsNames": ["jobs.acme.example"], "issuerRef": issuer},
        status={
            "conditions": rows,
            "notAfter": "2026-03-01T06:02:11Z",
            "renewalTime": "2026-01-30T06:02:11Z",
        },
    )
    text = 'Referenced "ClusterIssuer" not found: clusterissuer.cert-manager.io "letsencrypt-prod" not found'
    w.add(
        "cert-manager.io/v1",
        "CertificateRequest",
        ns,
        "jobs-tls-2",
        age=DAY * 30,
        spec={"issuerRef": issuer},
        status={"conditions": [condition(w, "Ready", False, "Pending", text, DAY * 30)]},
    )
    return told(
        w,
        "applicants get a browser warning on jobs.acme.example",
        "certificate_expired",
        f"Certificate/{ns}/jobs-tls",
        or_at=[f"Secret/{ns}/jobs-tls", f"Ingress/{ns}/jobs-site", "ClusterIssuer//letsencrypt-prod"],
    )


@scenario(flavour="kind", minor=34)
def leader(w: World) -> Truth:
    ns, team = w.namespace("db-operators"), w.namespace("team-lima")
    rules = [{"apiGroups": ["", "apps"], "resources": ["configmaps", "statefulsets"], "verbs": ["*"]}]
    rbac(w, ns, "pg-operator", rules)
    line = 'E0301 11:58:40.402113       1 leaderelection.go:436] error retrieving resource lock db-operators/pg-operator.acme.io: leases.coordination.k8s.io "pg-operator.acme.io" is forbidden: User "system:serviceaccount:db-operators:pg-operator" cannot get resource "leases" in API group "coordination.k8s.io" in the namespace "db-operators"\n'
    deployment(
        w,
        ns,
        "pg-operator",
        c(
            "manager",
            "ghcr.io/acme/pg-operator:0.9.0",
            args=["--leader-elect"],
            log="I0301 09:00:01.004 1 leaderelection.go:257] attempting to acquire leader lease db-operators/pg-operator.acme.io...\n"
            + line * 6,
        ),
        spec={"serviceAccountName": "pg-operator"},
        age=9000,
    )
    w.add("pg.acme.io/v1", "Postgres", team, "lima-db", spec={"version": 16}, age=8000)
    shop(w, team, "lima-api")
    return told(
        w,
        "team lima ordered a database two hours ago (kind Postgres), nothing happens",
        "rbac_forbidden",
        f"ServiceAccount/{ns}/pg-operator",
        or_at=[f"Deployment/{ns}/pg-operator", f"Role/{ns}/pg-operator", f"RoleBinding/{ns}/pg-operator"],
    )


@scenario(flavour="k3s", minor=30)
def firewall_logs(w: World) -> Truth:
    ns = w.namespace("siem")
    box = c("vector", "timberio/vector:0.43.0-alpine", ports=[("syslog", 5514, "UDP")], log="INFO vector::topology::running: Running healthchecks.\nINFO source{component_id=syslog_in component_kind=\"source\" component_type=syslog}: vector::sources::util::udp: Listening. addr=0.0.0.0:5514")  # fmt: skip
    deployment(w, ns, "collector", box, replicas=2, age=DAY * 2)
    svc = service(w, ns, "syslog", [("syslog", 514, 5514, "TCP")], selector={"app": "collector"}, type="LoadBalancer")  # fmt: skip
    svc["status"] = {"loadBalancer": {"ingress": [{"ip": "192.168.10.40"}]}}
    shop(w, ns, "search-ui")
    return told(
        w,
        "firewalls send syslog over udp/514 but nothing arrives in siem",
        "service_wrong_protocol",
        f"Service/{ns}/syslog",
    )


@scenario(flavour="gke", minor=33)
def git_backup(w: World) -> Truth:
    """Last night's run waits for an object store that was scaled away; Forbid skips the next runs."""
    ns, store = w.namespace("backup"), w.namespace("objectstore")
    deployment(w, store, "minio", c("minio", "quay.io/minio/minio:RELEASE.2025-01-20T14-49-07Z", ports=[9000]), replicas=0, age=DAY * 90)  # fmt: skip
    called = service(w, store, "minio", 9000)
    line = f'Get "http://minio.objectstore:9000/gitbackup/": dial tcp {ip(called)}:9000: connect: connection refused, retrying in 5m\n'
    box = c(
        "mirror",
        env={"S3_ENDPOINT": "http://minio.objectstore:9000"},
        log="cloned 212 repositories\n" + line * 8,
    )
    parent = cronjob(w, ns, "git-backup", c("mirror"), last=DAY, schedule="0 */6 * * *")
    top = job(w, ns, "git-backup-29537280", box, owner=parent, age=DAY)
    parent["status"]["lastSuccessfulTime"] = w.t(DAY + 21000)
    parent["status"]["active"] = [{"kind": "Job", "name": top["metadata"]["name"], "namespace": ns}]
    w.event(parent, "Normal", "JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid", 1, 20, 20)  # fmt: skip
    return told(
        w,
        "our newest git backup is more than a day old",
        "deployment_zero_replicas",
        f"Deployment/{store}/minio",
    )


@scenario(flavour="aks", minor=34)
def avatars(w: World) -> Truth:
    ns = w.namespace("forum")
    line = "Error: EACCES: permission denied, open '/data/uploads/avatar-1182.png'\n    at async open (node:internal/fs/promises:639:25)\n    at async Object.writeFile (node:internal/fs/promises:1257:14) {\n  errno: -13,\n  code: 'EACCES',\n  syscall: 'open'\n}\n"
    pvc(w, ns, "uploads", "20Gi", age=DAY)
    spec = mount("uploads") | {"securityContext": {"runAsUser": 1000, "runAsNonRoot": True}}
    app(w, ns, "discourse", line * 4, replicas=1, spec=spec, box={"mounts": {"data": "/data/uploads"}})
    return told(
        w,
        "forum: reading works, nobody can upload an avatar",
        "volume_permission_denied",
        f"Deployment/{ns}/discourse",
    )


@scenario(flavour="eks", minor=28)
def editors(w: World) -> Truth:
    ns = w.namespace("cms")
    line = '[01-Mar-2026 11:58:01] WARNING: [pool www] child 12 said into stderr: "PHP Warning:  session_start(): open(/var/lib/php/sessions/sess_9f2, O_RDWR) failed: Read-only file system (30) in /app/web/login.php on line 18"\n'
    security = {"readOnlyRootFilesystem": True, "runAsNonRoot": True, "runAsUser": 82}
    app(w, ns, "typo3", line * 6, box={"securityContext": security})
    statefulset(w, ns, "mariadb", c("mariadb", "mariadb:11.4", ports=[3306], log="[Note] mariadbd: ready for connections."), age=DAY * 60)  # fmt: skip
    service(w, ns, "mariadb", 3306)
    return told(
        w,
        "editors in cms are thrown back to the login page",
        "read_only_filesystem",
        f"Deployment/{ns}/typo3",
    )


@scenario(flavour="openshift", minor=32)
def pdf_missing(w: World) -> Truth:
    """The deadline of the Job is shorter than its work."""
    ns = w.namespace("actuarial")
    done = c("report", state=ended(0, finished=DAY * 7, ran=500))
    parent = cronjob(w, ns, "solvency-report", done, last=4500, schedule="45 10 * * 0")
    parent["status"]["lastSuccessfulTime"] = w.t(DAY * 7)
    failed = ("DeadlineExceeded", "Job was active longer than specified deadline")
    top = job(w, ns, "solvency-report-29538645", done, pods=[], owner=parent, failed=failed, age=4500, body={"activeDeadlineSeconds": 600})  # fmt: skip
    gave_up(top, w.t(3900))
    shop(w, ns, "portal")
    return told(
        w,
        "the board did not get the weekly solvency PDF",
        "job_failed",
        f"Job/{ns}/{top['metadata']['name']}",
        or_at=[f"CronJob/{ns}/solvency-report"],
    )
