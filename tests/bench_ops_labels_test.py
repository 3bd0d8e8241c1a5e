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
