"""Cloud-OpsBench: causes of which no recorded case is at hand, on small hand-made answers of a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench_ops_test import key, run, write_case

NAMESPACE = "shop"
POD_ROW = "{name:<24}{ready:<8}{status:<19}{restarts:<11}5m    {ip:<12}n{node}\n"
POD_HEAD = "NAME                    READY   STATUS             RESTARTS   AGE   IP          NODE\n"
ACTIVE = "Service: kube-proxy\nNode: {node}\nStatus: ● kube-proxy.service\n     Active: {state}\n"


def listing(kind: str, text: str) -> dict[str, object]:
    return {
        key("GetResources", resource_type=kind, name="", namespace=NAMESPACE, output_wide=True): text,
        "collection_timestamp": "2025-11-10T10:05:00",
    }


def pod(name: str, node: int, status: str = "Running", ready: str = "1/1", restarts: int = 0) -> str:
    return POD_ROW.format(
        name=name, ready=ready, status=status, restarts=restarts, ip=f"10.1.0.{node}", node=node
    )


def first_label(folder: Path, cache: dict[str, object]) -> tuple[object, object]:
    write_case(folder / "cases" / "a", cache)
    (line,) = run(folder / "cases", folder / "out.jsonl")
    assert not line["error"]
    predictions = line["predictions"]
    assert isinstance(predictions, list)
    assert predictions, line
    return predictions[0]["root_cause"], predictions[0]["fault_object"]


DEPLOYMENTS = """\
NAME   READY   UP-TO-DATE   AVAILABLE   AGE   CONTAINERS   IMAGES       SELECTOR
web    1/1     1            1           5m    web          acme/web:1   app=web
api    {api}     {n}            {n}           5m    api          acme/api:1   app=api
"""
SERVICES = """\
NAME   TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)    AGE   SELECTOR
web    NodePort    10.9.0.1     <none>        80:30080/TCP   5m    app=web
api    ClusterIP   10.9.0.2     <none>        8080/{protocol}   5m    app=api
"""
ENDPOINTS = """\
NAME   ENDPOINTS       AGE
web    10.1.0.1:80     5m
api    {api}   5m
"""
TWO_PODS = POD_HEAD + pod("web-6d4cf56db6-x2x9z", 1) + pod("api-7c5ddbdf54-k8j2l", 2)


def fabric(api: str = "1/1", protocol: str = "TCP") -> dict[str, object]:
    """Two workloads that are well."""
    count = int(api[0])
    return {
        **listing("pods", TWO_PODS if count else POD_HEAD + pod("web-6d4cf56db6-x2x9z", 1)),
        **listing("deployments", DEPLOYMENTS.format(api=api, n=count)),
        **listing("services", SERVICES.format(protocol=protocol)),
        **listing("endpoints", ENDPOINTS.format(api="10.1.0.2:8080" if count else "<none>       ")),
    }


def test_a_workload_that_was_scaled_to_zero_is_named(tmp_path: Path) -> None:
    found = first_label(tmp_path, fabric(api="0/0"))

    assert found == ("deployment_zero_replicas", "app/api")


def test_calls_that_get_no_answer_lead_to_the_proxy_of_the_callers_node(tmp_path: Path) -> None:
    log = ["2025-11-10T10:04:00Z ERROR dial tcp api:8080: i/o timeout"]
    states = {"n1": "inactive (dead)", "n2": "active (running)"}
    cache = {
        **fabric(),
        key("GetErrorLogs", namespace=NAMESPACE, service_name="web"): {"web": log},
        **{
            key("CheckNodeServiceStatus", node_name=node, service_name="kube-proxy"): ACTIVE.format(
                node=node, state=state
            )
            for node, state in states.items()
        },
    }

    assert first_label(tmp_path, cache) == ("kube_proxy_unavailable", "node/n1")


DATABASE_SERVICES = """\
NAME        TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)    AGE   SELECTOR
api         ClusterIP   10.9.0.2     <none>        8080/TCP   5m    app=api
store-main  ClusterIP   10.9.0.3     <none>        3306/TCP   5m    app=store,role=main
"""
DATABASE_ENDPOINTS = """\
NAME        ENDPOINTS       AGE
api         <none>          5m
store-main  10.1.0.2:3306   5m
"""
LABELS = """\
NAME                    READY   STATUS             RESTARTS   AGE   LABELS
api-7c5ddbdf54-k8j2l    0/1     CrashLoopBackOff   4          5m    app=api,pod-template-hash=7c5ddbdf54
store-0                 1/1     Running            0          5m    app=store,role=main,\
statefulset.kubernetes.io/pod-name=store-0
"""
API = """\
Name:             api-7c5ddbdf54-k8j2l
Namespace:        shop
Node:             n1/192.168.0.2
Labels:           app=api
                  pod-template-hash=7c5ddbdf54
Status:           Running
Controlled By:    ReplicaSet/api-7c5ddbdf54
Containers:
  api:
    Image:          acme/api:1
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       Error
      Exit Code:    1
    Ready:          False
    Restart Count:  4
"""
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - name: api
        image: acme/api:1
        envFrom:
        - secretRef: {name: api-db}
---
apiVersion: v1
kind: Secret
metadata: {name: api-db, namespace: shop}
stringData:
  DB_HOST: store-main
  DB_PASSWORD: Pa55-of-nobody
"""


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            "java.sql.SQLException: The MySQL server is running with the --super-read-only option so it "
            "cannot execute this statement",
            "db_read_only",
        ),
        ("java.sql.SQLNonTransientConnectionException: Too many connections", "db_connection_exhaustion"),
    ],
)
def test_a_database_that_refuses_is_at_fault_and_not_who_calls_it(
    tmp_path: Path, said: str, cause: str
) -> None:
    pods = POD_HEAD + pod("api-7c5ddbdf54-k8j2l", 1, "CrashLoopBackOff", "0/1", 4) + pod("store-0", 2)
    cache = {
        **listing("pods", pods),
        key("GetResources", resource_type="pods", namespace=NAMESPACE, show_labels=True): LABELS,
        **listing("services", DATABASE_SERVICES),
        **listing("endpoints", DATABASE_ENDPOINTS),
        key("DescribeResource", resource_type="pods", name="api-7c5ddbdf54-k8j2l", namespace=NAMESPACE): API,
        key("GetAppYAML", app_name="api"): MANIFEST,
        key("GetErrorLogs", namespace=NAMESPACE, service_name="api"): {"api": [said]},
    }

    assert first_label(tmp_path, cache) == (cause, "app/store")
    assert "Pa55-of-nobody" not in (tmp_path / "out.jsonl").read_text()


WELL_MADE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - name: api
        image: acme/api:1
        ports:
        - containerPort: 8080
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec:
  selector: {app: api}
  ports:
  - {port: 8080, targetPort: 8080, protocol: UDP}
"""


def test_a_service_of_another_protocol_than_its_program_is_named(tmp_path: Path) -> None:
    others = "".join(
        f"s{n}     ClusterIP   10.9.0.{n}     <none>        80/TCP     5m    app=s{n}\n" for n in range(3, 7)
    )
    cache = {
        **fabric(protocol="UDP"),
        **listing("services", SERVICES.format(protocol="UDP") + others),
        key("GetAppYAML", app_name="api"): WELL_MADE,
    }

    assert first_label(tmp_path, cache) == ("service_protocol_mismatch", "app/api")


GATEWAY_SERVICES = """\
NAME     TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)        AGE   SELECTOR
edge     NodePort    10.9.0.1     <none>        80:30080/TCP   5m    app=edge
orders   ClusterIP   10.9.0.2     <none>        8080/TCP       5m    app=orders
food     ClusterIP   10.9.0.3     <none>        8080/TCP       5m    app=food
"""
GATEWAY_ENDPOINTS = """\
NAME     ENDPOINTS       AGE
edge     10.1.0.1:80     5m
orders   10.1.0.2:8080   5m
food     10.1.0.3:8080   5m
"""
GATEWAY_DEPLOYMENTS = """\
NAME     READY   UP-TO-DATE   AVAILABLE   AGE   CONTAINERS   IMAGES                SELECTOR
edge     1/1     1            1           5m    gateway      acme/edge-gateway:1   app=edge
orders   1/1     1            1           5m    orders       acme/orders:1         app=orders
food     1/1     1            1           5m    food         acme/food:1           app=food
"""
GATEWAY = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: shop}
spec:
  selector: {matchLabels: {app: edge}}
  template:
    metadata: {labels: {app: edge}}
    spec:
      containers:
      - name: gateway
        image: acme/edge-gateway:1
        env:
        - {name: ROUTES_0_ID, value: order}
        - {name: ROUTES_0_URI, value: "lb://%s"}
        - {name: ROUTES_0_PREDICATES_0, value: "Path=/api/v1/orders/**"}
"""
BEFORE_ORDERS = """\
[Service]: orders
[Upstream (Called By)]: edge
[Downstream (Calls)]:
(none)
"""


def gateway(target: str, said: str) -> dict[str, object]:
    """A gateway that sends requests for orders to `target`; those who ask say what they got."""
    pods = POD_HEAD + "".join(
        pod(f"{name}-6d4cf56db6-x2x9z", n + 1) for n, name in enumerate(("edge", "orders", "food"))
    )
    alert = {"entry_service": "orders", "url": "/api/v1/orders/7", "request_method": "GET"}
    return {
        **listing("pods", pods),
        **listing("deployments", GATEWAY_DEPLOYMENTS),
        **listing("services", GATEWAY_SERVICES),
        **listing("endpoints", GATEWAY_ENDPOINTS),
        "GetAlerts:{}": {
            "status": "has_anomalies",
            "alerts": [{**alert, "raw_error": f"HTTPError('{said}')"}],
        },
        key("GetServiceDependencies", service_name="orders"): BEFORE_ORDERS,
        key("GetAppYAML", app_name="edge"): GATEWAY % target,
        key("GetErrorLogs", namespace=NAMESPACE, service_name="orders"): {},
        key("GetErrorLogs", namespace=NAMESPACE, service_name="edge"): {},
    }


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("food", "404 Client Error: Not Found"),  # the setting and the answer say it
        ("food", "500 Server Error"),  # the setting says it
        (
            "orders",
            "404 Client Error: Not Found",
        ),  # the answer says it: it was not orders that gave it
    ],
)
def test_requests_that_never_reach_whom_they_are_for_lead_to_the_gateway(
    tmp_path: Path, target: str, said: str
) -> None:
    assert first_label(tmp_path, gateway(target, said)) == ("gateway_misroute", "app/edge")


NOT_MOUNTED = """\
Name:             api-7c5ddbdf54-k8j2l
Namespace:        shop
Node:             n2/192.168.0.3
Labels:           app=api
                  pod-template-hash=7c5ddbdf54
Status:           Pending
Controlled By:    ReplicaSet/api-7c5ddbdf54
Containers:
  api:
    Image:          acme/api:1
    State:          Waiting
      Reason:       ContainerCreating
    Ready:          False
    Restart Count:  0
    Mounts:
      /data from data (rw)
Volumes:
  data:
    Type:       PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)
    ClaimName:  api-data
    ReadOnly:   false
Events:
  Type     Reason       Age   From               Message
  ----     ------       ----  ----               -------
  Normal   Scheduled    5m    default-scheduler  Successfully assigned shop/api-7c5ddbdf54-k8j2l to n2
  Warning  FailedMount  20s   kubelet            MountVolume.SetUp failed for volume "api-data" : \
mkdir /mnt/data: permission denied
"""


def test_a_volume_that_may_not_be_set_up_is_named(tmp_path: Path) -> None:
    name = "api-7c5ddbdf54-k8j2l"
    cache = {
        **fabric(),
        **listing(
            "pods", POD_HEAD + pod("web-6d4cf56db6-x2x9z", 1) + pod(name, 2, "ContainerCreating", "0/1")
        ),
        key("DescribeResource", resource_type="pods", name=name, namespace=NAMESPACE): NOT_MOUNTED,
    }

    assert first_label(tmp_path, cache) == ("volume_mount_permission_denied", "app/api")


def late(name: str, median: float, tail: float) -> dict[str, object]:
    told = ((50, 10, 10 + median), (90, 20, 20 + tail))
    measures = " | ".join(f"p{n}latency: Normal={was}ms -> Current={now}ms (+9%)" for n, was, now in told)
    return {
        "type": "Service",
        "name": name,
        "evidence": [f"LATENCY_DEGRADATION [Slow Response] | {measures}"],
    }


TREE = """\
[Service]: web (Entrypoint)
[Upstream (Called By)]: (User Traffic)
[Downstream (Calls)]:
web
├── api
│   ├── pay
│   └── mail
├── ads
└── cart
    └── stock
"""
TREE_PODS = {"web": 1, "cart": 1, "stock": 1, "api": 2, "pay": 2, "mail": 2, "ads": 2}


@pytest.mark.parametrize(
    ("alerts", "label"),
    [
        # what crosses from one node to the other is late, what stays on one is not
        (
            [late("web", 900, 2000), late("api", 0, 700), late("ads", 0, 600)],
            ("node_network_delay", "node/n2"),
        ),
        ([late("web", 0, 900), late("api", 0, 800), late("pay", 200, 700)], ("pod_network_delay", "app/pay")),
    ],
)
def test_the_origin_of_a_delay_is_told_by_who_is_late(
    tmp_path: Path, alerts: list[dict[str, object]], label: tuple[str, str]
) -> None:
    pods = POD_HEAD + "".join(pod(f"{name}-6d4cf56db6-x2x9z", node) for name, node in TREE_PODS.items())
    cache = {
        **listing("pods", pods),
        "GetAlerts:{}": {"status": "has_anomalies", "alerts": alerts},
        **{key("GetServiceDependencies", service_name=name): TREE for name in TREE_PODS},
    }

    assert first_label(tmp_path, cache) == label


def test_of_two_nodes_that_send_packets_anew_the_one_that_does_so_most_is_named(tmp_path: Path) -> None:
    said = "NETWORK_QUALITY_DEGRADED [TCP Retransmission] | Normal=0.01retrans -> Current=%sretrans (+9%%)"
    lost = [{"type": "Node", "name": node, "evidence": [said % n]} for node, n in (("n1", 1.1), ("n2", 8.4))]
    cache = {**fabric(), "GetAlerts:{}": {"status": "has_anomalies", "alerts": [*lost, late("web", 90, 200)]}}

    assert first_label(tmp_path, cache) == ("node_network_packet_loss", "node/n2")


FAMILY = ("orders", "users", "stock", "mails", "carts")
MEMBER = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
      - name: app
        image: acme/{name}:1
        ports: [{{containerPort: 8080}}]
        env: [{env}]
"""


def test_settings_of_siblings_are_read_for_what_is_in_trouble_unexplained(tmp_path: Path) -> None:
    env = dict.fromkeys(FAMILY, "{name: REGION, value: north}") | {"api": ""}
    broken = pod("api-7c5ddbdf54-k8j2l", 2, "CrashLoopBackOff", "0/1", 4)
    healthy = (pod(f"{name}-6d4cf56db6-x2x9z", 1) for name in FAMILY)
    cache = {
        **listing("pods", POD_HEAD + broken + "".join(healthy)),
        key("DescribeResource", resource_type="pods", name="api-7c5ddbdf54-k8j2l", namespace=NAMESPACE): API,
        **{key("GetAppYAML", app_name=n): MEMBER.format(name=n, env=e) for n, e in env.items()},
        key("GetErrorLogs", namespace=NAMESPACE, service_name="api"): {},
        "GetAlerts:{}": {},
    }
    write_case(tmp_path / "cases" / "a", cache)

    (line,) = run(tmp_path / "cases", tmp_path / "out.jsonl")
    assert "sibling.differs=setting-missing" in line["evidence"], line
