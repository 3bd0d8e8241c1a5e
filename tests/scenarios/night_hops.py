"""Half d: only the victim is named, the culprit is one to three hops away."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.field_parts import shop, told
from scenarios.night_parts import DAY, DNS, app, config_error, crashing, ip, policy, to_namespace
from scenarios.nodes import fail_pods, name_of
from scenarios.parts import c, from_secret, running
from scenarios.registry import scenario
from scenarios.workloads import configmap, deployment, ingress, secret, service, statefulset


@scenario(flavour="eks", minor=32)
def checkout(w: World) -> Truth:
    """Ingress, web, orders, database, claim, storage class that is not there."""
    ns, back = w.namespace("shopfront"), w.namespace("orders")
    log = (
        '{"level":50,"time":1772366100123,"name":"web","msg":"POST /checkout failed","err":{"type":"AxiosError","message":"Request failed with status code 503","url":"http://orders.orders.svc.cluster.local/v1/orders"}}\n'
        * 5
    )
    app(w, ns, "web", log)
    ingress(w, ns, "web", "web", 80, host="shop.acme.example")
    log = "2026-03-01 11:56:12.301  WARN 1 --- [io-8080-exec-3] c.z.h.p.PoolBase : HikariPool-1 - Failed to obtain connection\norg.postgresql.util.PSQLException: The connection attempt failed.\n\tat org.postgresql.core.v3.ConnectionFactoryImpl.openConnectionImpl(ConnectionFactoryImpl.java:354)\nCaused by: java.net.UnknownHostException: orders-db-0.orders-db\n"
    text = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    app(
        w,
        back,
        "orders",
        log * 3,
        box={"state": running(ready=False)},
        events=[("Warning", "Unhealthy", text, 300, 3400, 8)],
        age=9000,
    )
    why = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    statefulset(
        w,
        back,
        "orders-db",
        c("postgres", "docker.io/library/postgres:16.4", ports=[5432]),
        claims=[("data", "50Gi", "io2-encrypted")],
        bound=False,
        why_not=why,
        age=9000,
    )
    service(w, back, "orders-db", 5432, clusterIP="None")
    claim = w.get("PersistentVolumeClaim", back, "data-orders-db-0")
    w.event(
        claim,
        "Warning",
        "ProvisioningFailed",
        'storageclass.storage.k8s.io "io2-encrypted" not found',
        230,
        3500,
        10,
    )
    return told(
        w,
        "customers get an error page at checkout since this morning",
        "storage_class_missing",
        f"PersistentVolumeClaim/{back}/data-orders-db-0",
        or_at=[f"StatefulSet/{back}/orders-db"],
    )


@scenario(flavour="kubeadm-docker", minor=28)
def anmeldung(w: World) -> Truth:
    """The portal calls the account service, whose database no longer accepts its password."""
    ns, iam = w.namespace("portal"), w.namespace("konten")
    log = "2026-03-01 11:55:09,113 ERROR [anmeldung] Aufruf von http://kontodienst.konten/token fehlgeschlagen: 503 Service Unavailable\n"
    app(w, ns, "buergerportal", log * 6)
    log = '2026-03-01 11:57:31 INFO  Starte Kontodienst 3.8.0\n2026-03-01 11:57:33 ERROR Verbindung zur Datenbank gescheitert\npsycopg2.OperationalError: connection to server at "kontodb" (10.96.14.3), port 5432 failed: FATAL:  Passwort-Authentifizierung für Benutzer »konto« fehlgeschlagen\nFATAL:  password authentication failed for user "konto"\n'
    secret(w, iam, "kontodb-zugang", password="eA==")
    box = {"env": {"DB_HOST": "kontodb", "DB_PASSWORD": from_secret("kontodb-zugang", "password")}}
    crashing(w, iam, "kontodienst", log, box=box, replicas=2)
    service(w, iam, "kontodienst", 80, target=8080)
    statefulset(
        w,
        iam,
        "kontodb",
        c(
            "postgres",
            "postgres:15",
            ports=[5432],
            log='FATAL:  password authentication failed for user "konto"\nDETAIL:  Connection matched pg_hba.conf line 100: "host all all all scram-sha-256"\n'
            * 4,
        ),
        age=DAY * 80,
    )
    service(w, iam, "kontodb", 5432)
    return told(
        w,
        "Seit heute früh kann sich niemand mehr am Portal anmelden",
        "database_invalid_credentials",
        f"Deployment/{iam}/kontodienst",
        or_at=[f"Secret/{iam}/kontodb-zugang", f"StatefulSet/{iam}/kontodb"],
    )


@scenario(flavour="aks", minor=33)
def mail(w: World) -> Truth:
    """The new allow list for outgoing traffic forgot the relay in another namespace."""
    ns, relay = w.namespace("billing"), w.namespace("mail")
    app(w, ns, "ledger", "INFO booked 12 invoices")
    called = app(w, relay, "smtp-relay", "postfix/smtpd[88]: connect from localhost", port=2525)
    called["spec"]["ports"][0] |= {"port": 25}
    line = f'{{"ts":"2026-03-01T11:58:04Z","lvl":"error","logger":"mailer","msg":"delivery deferred","invoice":"2026-1182","error":"dial tcp {ip(called)}:25: i/o timeout"}}\n'
    deployment(
        w,
        ns,
        "invoice-mailer",
        c("mailer", env={"SMTP_ADDR": "smtp-relay.mail:25"}, log=line * 7),
        age=DAY * 5,
    )
    rules = [DNS, {"to": [{"podSelector": {}}]}]
    policy(w, ns, "egress-allowlist", policyTypes=["Egress"], egress=rules)
    return told(
        w,
        "invoices are booked but customers don't receive them",
        "network_policy_blocking",
        f"NetworkPolicy/{ns}/egress-allowlist",
    )


@scenario(flavour="gke", minor=31)
def blank_report(w: World) -> Truth:
    """An ExternalName points at a Service that has another name."""
    ns, dwh = w.namespace("bi"), w.namespace("dwh")
    log = "Error: getaddrinfo ENOTFOUND warehouse\n    at GetAddrInfoReqWrap.onlookupall [as oncomplete] (node:dns:120:26) {\n  errno: -3008,\n  code: 'ENOTFOUND',\n  syscall: 'getaddrinfo',\n  hostname: 'warehouse'\n}\n"
    app(w, ns, "report-ui", log * 4, box={"env": {"WAREHOUSE_URL": "http://warehouse:8123"}})
    w.add(
        "v1",
        "Service",
        ns,
        "warehouse",
        spec={
            "type": "ExternalName",
            "externalName": "clickhouse.dwh.svc.cluster.local",
            "sessionAffinity": "None",
        },
        status={"loadBalancer": {}},
    )
    statefulset(
        w,
        dwh,
        "clickhouse-main",
        c("clickhouse", "clickhouse/clickhouse-server:24.8", ports=[8123]),
        age=DAY * 30,
    )
    service(w, dwh, "clickhouse-main", 8123)
    return told(
        w,
        "all charts in namespace bi are blank",
        "dependency_host_unresolvable",
        f"Service/{ns}/warehouse",
        or_cause=["missing_service"],
        or_at=[f"Deployment/{ns}/report-ui", f"Service/{dwh}/clickhouse"],
    )


@scenario(flavour="openshift", minor=30)
def late_events(w: World) -> Truth:
    """The headless Service selects nothing, so the names of its pods do not exist."""
    ns, streaming = w.namespace("analytics"), w.namespace("streaming")
    line = "[2026-03-01 11:57:44,870] WARN [Consumer clientId=clicks-1, groupId=clicks] Error connecting to node kafka-0.kafka-headless.streaming.svc.cluster.local:9092 (id: 0 rack: null) (org.apache.kafka.clients.NetworkClient)\njava.net.UnknownHostException: kafka-0.kafka-headless.streaming.svc.cluster.local: Name or service not known\n\tat java.base/java.net.Inet6AddressImpl.lookupAllHostAddr(Native Method)\n"
    env = {"BOOTSTRAP": "kafka-0.kafka-headless.streaming.svc.cluster.local:9092"}
    deployment(w, ns, "clicks", c("clicks", env=env, log=line * 4), replicas=2, age=DAY * 3)
    top = statefulset(
        w,
        streaming,
        "kafka",
        c(
            "kafka",
            "quay.io/strimzi/kafka:0.44.0-kafka-3.8.0",
            ports=[9092],
            log="INFO [KafkaRaftServer nodeId=0] Kafka Server started",
        ),
        age=DAY * 3,
    )
    top["spec"]["serviceName"] = "kafka-headless"
    service(w, streaming, "kafka-headless", 9092, selector={"app": "kafka-broker"}, clusterIP="None")
    return told(
        w,
        "click events no longer show up in analytics",
        "service_selector_mismatch",
        f"Service/{streaming}/kafka-headless",
    )


@scenario(flavour="eks", minor=30)
def processing(w: World) -> Truth:
    """Everything is Ready; the consumers of the queue were scaled away."""
    ns, mq = w.namespace("media"), w.namespace("messaging")
    line = '{"level":"warn","msg":"queue depth growing","queue":"transcode","messages":18231,"consumers":0}\n{"level":"info","msg":"job published","queue":"transcode"}\n'
    app(w, ns, "upload-api", line * 4, box={"env": {"AMQP_URL": "amqp://rabbitmq.messaging:5672"}})
    statefulset(
        w,
        mq,
        "rabbitmq",
        c(
            "rabbitmq",
            "rabbitmq:3.13-management",
            ports=[5672],
            log="[info] <0.531.0> Server startup complete; 5 plugins started.",
        ),
        age=DAY * 30,
    )
    service(w, mq, "rabbitmq", 5672)
    env = {"AMQP_URL": "amqp://rabbitmq.messaging:5672", "QUEUE": "transcode"}
    deployment(w, ns, "transcoder", c("transcoder", env=env), replicas=0, age=DAY * 40)
    shop(w, ns, "gallery")
    return told(
        w,
        "uploads stay in 'processing' forever",
        "deployment_zero_replicas",
        f"Deployment/{ns}/transcoder",
    )


@scenario(flavour="gke", minor=34)
def unavailable(w: World) -> Truth:
    """Front, catalogue, cache; the cache sits on a machine whose runtime hangs."""
    ns, data = w.namespace("mobile"), w.namespace("catalogue")
    app(w, ns, "bff", "ERROR upstream catalogue 503\n" * 5)
    text = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    log = '{"time":"2026-03-01T11:57:02Z","level":"ERROR","msg":"redis ping","error":"dial tcp: connect: connection refused"}\n'
    good, bad = w.workers[0], w.workers[1]
    app(
        w,
        data,
        "catalogue",
        log * 5,
        box={"state": running(ready=False)},
        node=good,
        events=[("Warning", "Unhealthy", text, 80, 800, 8)],
    )
    statefulset(w, data, "cache", c("redis", "redis:7.4", ports=[6379]), node=bad, age=DAY * 30)
    service(w, data, "cache", 6379)
    text = "[container runtime is down, PLEG is not healthy: pleg was last seen active 14m2.11s ago; threshold is 3m0s]"
    w.node_condition(bad, "Ready", "False", "KubeletNotReady", text, 700)
    for effect in ("NoSchedule", "NoExecute"):
        w.taint(bad, "node.kubernetes.io/not-ready", effect=effect, ago=700)
    w.event(
        bad, "Normal", "NodeNotReady", f"Node {name_of(bad)} status is now: NodeNotReady", 1, 700, 700,
        source="node-controller",
    )  # fmt: skip
    fail_pods(w, bad, 700, data)
    return told(
        w,
        "the mobile app says 'temporarily unavailable'",
        "container_runtime_unavailable",
        f"Node//{name_of(bad)}",
        or_cause=["node_not_ready"],
    )


@scenario(flavour="aks", minor=30)
def signups(w: World) -> Truth:
    ns, growth = w.namespace("landing"), w.namespace("growth")
    app(
        w,
        ns,
        "site",
        "[error] POST /signup -> http://user-service.growth/users: connect ECONNREFUSED\n" * 4,
    )
    secret(w, growth, "user-service-env", DB_PASSWORD="eA==", SMTP_PASS="eA==")
    state, events = config_error("couldn't find key SMTP_PASSWORD in Secret growth/user-service-env")
    env = {"SMTP_PASSWORD": from_secret("user-service-env", "SMTP_PASSWORD")}
    deployment(
        w,
        growth,
        "user-service",
        c("user-service", env=env, state=state, ports=[8080]),
        replicas=2,
        events=events,
        age=4000,
    )
    service(w, growth, "user-service", 80, target=8080)
    configmap(w, growth, "user-service", LOCALE="fr_FR")
    return told(
        w,
        "no new signups in the last hour, marketing is furious",
        "secret_key_missing",
        f"Deployment/{growth}/user-service",
        or_at=[f"Secret/{growth}/user-service-env"],
    )


@scenario(flavour="kind", minor=33)
def no_score(w: World) -> Truth:
    """Hardening blocked DNS too."""
    ns = w.namespace("fraud")
    line = "urllib3.exceptions.NameResolutionError: <urllib3.connection.HTTPConnection object at 0x7f2b>: Failed to resolve 'rules' ([Errno -3] Temporary failure in name resolution)\n"
    app(w, ns, "rules", "INFO:     Uvicorn running on http://0.0.0.0:8080")
    app(
        w,
        ns,
        "scoring",
        "Traceback (most recent call last):\n" + line * 5,
        box={"env": {"RULES_URL": "http://rules"}},
    )
    policy(w, ns, "default-deny-egress", policyTypes=["Egress"], egress=[{"to": [to_namespace(ns)]}])
    return told(
        w,
        "payments are approved without a risk score",
        "network_policy_blocking",
        f"NetworkPolicy/{ns}/default-deny-egress",
    )
