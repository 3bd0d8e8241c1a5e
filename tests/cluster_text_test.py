"""Recorded kubectl text becomes objects that the same View, analyzers and patterns read."""

# ruff: noqa: E501  kubectl prints lines of any length

from __future__ import annotations

import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubelore.analysis.find import find
from kubelore.analysis.view import View
from kubelore.cluster import kinds
from kubelore.cluster.snapshot.shapes import Misfits, fit
from kubelore.cluster.text.collected import Collected
from kubelore.cluster.text.describe import describe, printed_at
from kubelore.cluster.text.describe_pod import read_probe
from kubelore.cluster.text.merge import Source, merge
from kubelore.cluster.text.tables import objects, read_tables
from kubelore.cluster.text.times import offset_in, parse_age, parse_date
from kubelore.errors import NotReadable
from kubelore.types import Ref
from support import SHARED

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HASH = "5d4f8c7b9"
POD = f"web-{HASH}-x2vjk"

PODS = f"""\
NAME                  READY   STATUS             RESTARTS       AGE     IP         NODE       NOMINATED NODE   READINESS GATES
{POD}   0/1     CrashLoopBackOff   4 (2m10s ago)  10m     10.1.0.5   worker-1   <none>           <none>
db-0                  1/1     Running            0              4h10m   10.1.0.6   worker-2   <none>           0/1
"""
WIDE_SETS = f"""\
NAME            DESIRED   CURRENT   READY   AGE   CONTAINERS   IMAGES      SELECTOR
web-{HASH}   1         1         0       10m   server       web:2.1     app=web,pod-template-hash={HASH}
"""
DEPLOYMENT = f"""\
Name:                   web
Namespace:              shop
CreationTimestamp:      Sun, 01 Mar 2026 10:00:00 +0000
Labels:                 app=web
Selector:               app=web
Replicas:               1 desired | 1 updated | 1 total | 0 available | 1 unavailable
StrategyType:           RollingUpdate
Pod Template:
  Labels:  app=web
           tier=front
  Containers:
   server:
    Image:      web:2.1
    Port:       8080/TCP
    Host Port:  0/TCP
    Limits:
      memory:   64Mi
    Liveness:   http-get http://:8080/healthz delay=10s timeout=1s period=10s #success=1 #failure=3
    Environment:
      DB_HOST:  db
    Mounts:     <none>
  Volumes:      <none>
Conditions:
  Type           Status  Reason
  ----           ------  ------
  Available      False   MinimumReplicasUnavailable
OldReplicaSets:  <none>
NewReplicaSet:   web-{HASH} (1/1 replicas created)
Events:          <none>
"""
DESCRIBED = f"""\
Name:             {POD}
Namespace:        shop
Node:             worker-1/192.168.0.11
Start Time:       Sun, 01 Mar 2026 19:50:00 +0800
Labels:           app=web
                  pod-template-hash={HASH}
Annotations:      <none>
Status:           Running
IP:               10.1.0.5
Controlled By:  ReplicaSet/web-{HASH}
Containers:
  server:
    Image:          web:2.1
    Port:           8080/TCP
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
      Started:      Sun, 01 Mar 2026 19:57:00 +0800
      Finished:     Sun, 01 Mar 2026 19:57:30 +0800
    Ready:          False
    Restart Count:  4
    Limits:
      memory:  64Mi
    Environment:
      TOKEN:  <set to the key 'token' in secret 'web'>  Optional: false
    Mounts:
      /data from store (rw)
Conditions:
  Type              Status
  Ready             False 
  PodScheduled      True 
Volumes:
  store:
    Type:       PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)
    ClaimName:  store
    ReadOnly:   false
Tolerations:    node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
Events:
  Type     Reason     Age                   From               Message
  ----     ------     ----                  ----               -------
  Normal   Scheduled  9m                    default-scheduler  Successfully assigned shop/{POD} to worker-1
  Warning  BackOff    2m (x5 over 8m)       kubelet            Back-off restarting failed container
"""  # noqa: W291


def collected(namespace: str = "shop") -> Collected:
    return Collected(NOW, namespace)


def one(kind: str, text: str) -> dict[str, Any]:
    (table,) = read_tables(text)
    (obj,) = objects(kind, table.rows, "shop", NOW)
    return obj


def pod(status: str, ready: str = "0/1", restarts: str = "0") -> dict[str, Any]:
    header = f"NAME   {'READY':8}{'STATUS':28}{'RESTARTS':16}AGE"
    return one("po", f"{header}\nweb    {ready:8}{status:28}{restarts:16}10m\n")


# -- times -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("73s", 73),
        ("4h10m", 15000),
        ("2d22h", 252000),
        ("3y17d", 96076800),
        ("0s", 0),
        ("<unknown>", None),
        ("5", None),
    ],
)
def test_ages_are_read(text: str, seconds: int | None) -> None:
    assert parse_age(text) == (None if seconds is None else timedelta(seconds=seconds))


def test_dates_keep_their_offset() -> None:
    assert parse_date("Fri, 28 Nov 2025 15:31:20 +0800") == datetime(2025, 11, 28, 7, 31, 20, tzinfo=UTC)
    assert parse_date("2026-03-16 22:09:13 +0800 CST") == datetime(2026, 3, 16, 14, 9, 13, tzinfo=UTC)
    assert parse_date("yesterday") is None
    assert offset_in(DESCRIBED) == timezone(timedelta(hours=8))


def test_a_pod_s_description_says_when_it_was_printed() -> None:
    assert printed_at(DESCRIBED) == datetime(2026, 3, 1, 11, 59, tzinfo=UTC)
    assert printed_at(DEPLOYMENT) is None


# -- tables ------------------------------------------------------------------------------------------
def test_blank_cells_and_headers_of_several_words_are_cut_by_their_columns() -> None:
    text = (
        "NAME   STATUS    VOLUME   CAPACITY   ACCESS MODES   STORAGECLASS   VOLUMEATTRIBUTESCLASS   AGE\n"
        "data   Pending                                      fast           <unset>                 101s\n"
    )
    (table,) = read_tables(text)
    assert table.columns[4] == "ACCESS MODES"
    assert table.rows[0]["VOLUME"] == ""
    claim = one("pvc", text)
    assert claim["status"] == {"phase": "Pending"}
    assert claim["spec"] == {"storageClassName": "fast"}
    assert claim["metadata"]["creationTimestamp"] == "2026-03-01T11:58:19Z"


def test_rows_that_do_not_line_up_are_cut_at_their_gaps_or_counted() -> None:
    (table,) = read_tables(
        "NAME   TYPE     DATA   AGE\na-very-long-name-indeed   Opaque   1   2d\nstray words\n"
    )
    assert table.rows == [{"NAME": "a-very-long-name-indeed", "TYPE": "Opaque", "DATA": "1", "AGE": "2d"}]
    assert table.unread == 1


def test_a_wrapped_row_goes_on_in_the_next_line() -> None:
    (table,) = read_tables("NAME   MESSAGE   AGE\nweb    one       2d\n       two\n")
    assert table.rows == [{"NAME": "web", "MESSAGE": "one two", "AGE": "2d"}]


def test_get_all_prints_several_tables_of_several_kinds() -> None:
    text = (
        "NAME        READY   STATUS    RESTARTS   AGE\npod/web-0   1/1     Running   0          5m\n\n"
        "NAME                  READY   AGE\nstatefulset.apps/web   1/1     5m\n"
    )
    found = [o for table in read_tables(text) for o in objects("all", table.rows, "shop", NOW)]
    assert [(o["kind"], o["metadata"]["name"]) for o in found] == [("Pod", "web-0"), ("StatefulSet", "web")]


def test_the_end_of_a_list_of_events_is_read_without_its_header_and_is_not_complete() -> None:
    cluster = collected()
    text = "2m1s        Warning   FailedCreate   replicaset/web-1   Error creating: a  b\n5s   Normal  Starting  node/n1\n"
    added = cluster.add("events", text, whole_list=True)
    assert (added.objects, cluster.readable("Event")) == (2, False)
    assert "last lines" in str(cluster.not_checked()[0])
    failed, started = cluster.list("Event")
    assert failed["message"] == "Error creating: a  b"
    assert started["involvedObject"] == {"kind": "Node", "name": "n1"}


@pytest.mark.parametrize(
    ("status", "where", "expected"),
    [
        ("CrashLoopBackOff", "waiting", {"reason": "CrashLoopBackOff"}),
        ("ImagePullBackOff", "waiting", {"reason": "ImagePullBackOff"}),
        ("OOMKilled", "terminated", {"reason": "OOMKilled"}),
        ("Completed", "terminated", {"reason": "Completed", "exitCode": 0}),
        ("ExitCode:3", "terminated", {"exitCode": 3}),
        ("Signal:9", "terminated", {"signal": 9}),
    ],
)
def test_the_status_column_tells_a_container_s_state(
    status: str, where: str, expected: dict[str, Any]
) -> None:
    (container,) = pod(status)["status"]["containerStatuses"]
    assert container["state"] == {where: expected}
    assert container["ready"] is False


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("Running", "Running"),
        ("Pending", "Pending"),
        ("ErrImagePull", "Pending"),
        ("CrashLoopBackOff", "Running"),
        ("Evicted", "Failed"),
        ("Unknown", "Unknown"),
        ("Error", None),  # failed for good, or about to be restarted
        ("Completed", None),
        ("Terminating", None),
    ],
)
def test_a_phase_is_told_only_where_the_status_leaves_no_other(status: str, phase: str | None) -> None:
    assert pod(status)["status"].get("phase") == phase


def test_restarts_tell_when_the_last_run_ended() -> None:
    (container,) = pod("Running", "1/1", "4 (2m10s ago)")["status"]["containerStatuses"]
    assert container["restartCount"] == 4
    assert container["lastState"]["terminated"]["finishedAt"] == "2026-03-01T11:57:50Z"
    assert container["state"] == {"running": {"startedAt": "2026-03-01T11:57:50Z"}}


def test_of_several_containers_only_as_many_are_ready_as_the_column_says() -> None:
    states = pod("CrashLoopBackOff", "1/3")["status"]["containerStatuses"]
    assert [s["ready"] for s in states] == [False, False, True]
    assert [next(iter(s.get("state", {"?": 0}))) for s in states] == ["waiting", "?", "running"]
    assert len({s["name"] for s in states}) == 3


def test_init_containers_are_told_by_their_step_or_reason() -> None:
    steps = pod("Init:1/3")["status"]["initContainerStatuses"]
    assert [s["ready"] for s in steps] == [True, False, False]
    failing = pod("Init:CrashLoopBackOff", "0/2", "5 (10s ago)")["status"]
    assert failing["initContainerStatuses"][0]["state"] == {"waiting": {"reason": "CrashLoopBackOff"}}
    assert failing["initContainerStatuses"][0]["restartCount"] == 5
    assert [s["state"]["waiting"]["reason"] for s in failing["containerStatuses"]] == ["PodInitializing"] * 2


def test_a_node_is_unknown_where_the_pod_must_have_one_and_absent_where_it_has_none() -> None:
    assert pod("Running", "1/1")["spec"]["nodeName"] == "<unknown>"
    assert "nodeName" not in pod("Pending")["spec"]
    (web, db) = objects("pods", read_tables(PODS)[0].rows, "shop", NOW)
    assert (web["spec"]["nodeName"], web["status"]["podIP"]) == ("worker-1", "10.1.0.5")
    assert db["status"]["conditions"] == [{"type": "Ready", "status": "False"}]  # a closed readiness gate


def test_blank_endpoints_are_not_ready_ones_and_none_are_none() -> None:
    header = "NAME   ENDPOINTS          AGE\n"
    assert one("ep", header + "web    <none>             5m")["subsets"] == []
    assert one("ep", header + "web                       5m")["subsets"][0]["notReadyAddresses"]
    many = one(
        "ep",
        "NAME   ENDPOINTS                                   AGE\nweb    10.0.0.1:80,10.0.0.1:81,[fd::1]:80 + 9 more...   5m",
    )
    assert [(s["ports"][0]["port"], [a["ip"] for a in s["addresses"]]) for s in many["subsets"]] == [
        (80, ["10.0.0.1", "fd::1"]),
        (81, ["10.0.0.1"]),
    ]


def test_a_row_of_a_network_policy_is_no_policy_that_denies_everything() -> None:
    cluster = collected()
    cluster.add("netpol", "NAME   POD-SELECTOR   AGE\nonly   app=web        5m", whole_list=True)
    cluster.add("pods", PODS)
    assert not [f for f in find(View(cluster), "shop") if f.object.kind == "NetworkPolicy"]


# -- descriptions ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("http-get http://:8080/healthz delay=10s timeout=1s period=10s #success=1 #failure=3",
         {"httpGet": {"scheme": "HTTP", "port": 8080, "path": "/healthz"}}),
        ("http-get https://host:web/ delay=10s timeout=1s period=10s #success=1 #failure=3",
         {"httpGet": {"scheme": "HTTPS", "host": "host", "port": "web", "path": "/"}}),
        ("exec [sh -c mysql -e \"SELECT 1\"] delay=10s timeout=1s period=10s #success=1 #failure=3",
         {"exec": {"command": ["sh", "-c", "mysql", "-e", "SELECT 1"]}}),
        ("tcp-socket :6379 delay=10s timeout=1s period=10s #success=1 #failure=3", {"tcpSocket": {"port": 6379}}),
        ("grpc <pod>:8080  delay=10s timeout=1s period=10s #success=1 #failure=3", {"grpc": {"port": 8080}}),
    ],
)  # fmt: skip
def test_probes_are_read_into_the_form_of_the_api(text: str, action: dict[str, Any]) -> None:
    numbers = {"initialDelaySeconds": 10, "timeoutSeconds": 1, "periodSeconds": 10}
    assert read_probe(text) == {**action, **numbers, "successThreshold": 1, "failureThreshold": 3}


def test_a_described_pod_is_as_the_api_has_it() -> None:
    (first, *rest) = [o for _, o in describe("pods", DESCRIBED, "other", NOW)]
    container = first["spec"]["containers"][0]
    assert first["metadata"]["namespace"] == "shop"
    assert container["env"] == [
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "web", "key": "token", "optional": False}}}
    ]
    assert container["livenessProbe"] is None  # known not to be there
    state = first["status"]["containerStatuses"][0]["lastState"]["terminated"]
    assert (state["reason"], state["exitCode"], state["finishedAt"]) == (
        "OOMKilled",
        137,
        "2026-03-01T11:57:30Z",
    )
    assert first["spec"]["volumes"] == [
        {"name": "store", "persistentVolumeClaim": {"claimName": "store", "readOnly": False}}
    ]
    backoff = rest[1]
    assert (backoff["count"], backoff["involvedObject"]["name"]) == (5, POD)
    assert (backoff["firstTimestamp"], backoff["lastTimestamp"]) == (
        "2026-03-01T11:51:00Z",
        "2026-03-01T11:57:00Z",
    )


def test_text_with_line_breaks_does_not_become_fields() -> None:
    trace = "panic:\nEvents: none\n    at main.run (main.go:1)\n  Status: x"
    text = DESCRIBED.replace("Reason:       OOMKilled", f"Reason:       Error\n      Message:      {trace}")
    (first, *_) = [o for _, o in describe("pods", text, "", NOW)]
    assert first["status"]["phase"] == "Running"
    (status,) = first["status"]["containerStatuses"]
    last = status["lastState"]["terminated"]
    assert (last["message"], last["exitCode"], status["restartCount"]) == (trace, 137, 4)


def test_an_object_that_is_being_deleted_says_since_when() -> None:
    text = DESCRIBED.replace("Status:           Running", "Status:           Terminating (lasts 5m)")
    (first, *_) = [o for _, o in describe("pods", text.partition("Events:")[0], "", NOW)]
    assert first["metadata"]["deletionTimestamp"] == "2026-03-01T11:55:00Z"
    assert "phase" not in first["status"]


# -- documents ---------------------------------------------------------------------------------------
SECRET = 'apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata: {password: c2VjcmV0}\nstringData: {user: "root"}\n'


@pytest.mark.parametrize("text", [SECRET, f"```yaml\n{SECRET}```\n", f"---\n{SECRET}---\n# nothing\n"])
def test_secrets_keep_their_keys_and_lose_their_values(text: str) -> None:
    cluster = collected()
    assert cluster.add("secret", text).form == "documents"
    (secret,) = cluster.list("Secret")
    assert secret["data"] == {"password": "", "user": ""}
    assert secret["metadata"]["namespace"] == "shop"
    assert "c2VjcmV0" not in str(secret)
    described = collected()
    described.add(
        "secret",
        "Name:         t\nNamespace:    shop\n\nType:  Opaque\n\nData\n====\ntoken:  eyJhbGciOi\nca.crt:  9 bytes\n",
    )
    assert described.list("Secret")[0]["data"] == {"token": "", "ca.crt": ""}


def test_one_broken_document_does_not_hide_the_others() -> None:
    cluster = collected()
    added = cluster.add(
        "deploy", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n---\na: [\n---\nkind: 3\n"
    )
    assert added.objects == 1
    assert "document 2" in added.problem
    assert cluster.add("deploy", "kind: A\nmetadata: &x {name: a}\nspec: {a: *x}\n").problem


# -- merging -----------------------------------------------------------------------------------------
def test_the_better_view_wins_and_the_lesser_adds_what_it_alone_knows() -> None:
    def service(**spec: Any) -> dict[str, Any]:
        return {
            "kind": "Service",
            "apiVersion": "v1",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": spec,
        }

    manifest = service(
        selector={"app": "old", "x": "y"}, ports=[{"port": 80, "targetPort": 8080}, {"port": 81}]
    )
    table = service(type="ClusterIP", ports=[{"port": 80, "protocol": "TCP"}])
    described = service(selector={"app": "web"})
    (merged,) = merge([(Source.DESCRIPTION, described), (Source.TABLE, table), (Source.MANIFEST, manifest)])
    assert merged["spec"] == {
        "type": "ClusterIP",
        "selector": {"app": "web"},
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080}],
    }


def test_what_a_description_does_not_name_is_not_taken_from_a_manifest() -> None:
    cluster = collected()
    probe = "readinessProbe: {tcpSocket: {port: 1}}, securityContext: {runAsUser: 5}"
    cluster.add(
        "deploy",
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: shop}}\nspec: {{replicas: 3, "
        f"template: {{spec: {{containers: [{{name: server, image: old, {probe}}}]}}}}}}\n",
    )
    cluster.add("deploy", DEPLOYMENT)
    (deployment,) = cluster.list("Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert (deployment["spec"]["replicas"], container["image"]) == (1, "web:2.1")
    assert "readinessProbe" not in container
    assert container["securityContext"] == {"runAsUser": 5}  # which no description tells


def test_a_manifest_is_no_proof_that_the_object_is_there() -> None:
    manifest = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {ports: [{port: 80}]}\n"
    )
    cluster = collected()
    cluster.add("svc", manifest)
    assert len(cluster.list("Service")) == 1
    cluster.add("svc", 'Error from server (NotFound): services "web" not found')
    assert cluster.list("Service") == ()
    listed = collected()
    listed.add("svc", manifest)
    listed.add("svc", "No resources found in shop namespace.", whole_list=True)
    assert View(listed).exists("Service", "shop", "web") is False


# -- owners ------------------------------------------------------------------------------------------
def workload_of(cluster: Collected, name: str) -> str:
    view = View(cluster)
    found = view.get("Pod", "shop", name)
    assert found is not None
    return str(view.workload_of(found))


@pytest.mark.parametrize(
    ("kind", "table", "name", "workload"),
    [
        ("rs", f"NAME      DESIRED\nweb-{HASH}   1", POD, "Deployment/shop/web"),
        ("pods", "NAME   READY\nnone   1/1", POD, "Deployment/shop/web"),
        ("sts", "NAME   READY\ndb     1/1", "db-0", "StatefulSet/shop/db"),
        ("ds", "NAME    DESIRED\nagent   1", "agent-x2vjk", "DaemonSet/shop/agent"),
        ("pods", "NAME   READY\nnone   1/1", "db-0", "Pod/shop/db-0"),
        ("pods", "NAME   READY\nnone   1/1", "my-standalone-thing", "Pod/shop/my-standalone-thing"),
    ],
)
def test_pods_find_their_workload_by_name(kind: str, table: str, name: str, workload: str) -> None:
    cluster = collected()
    cluster.add(kind, table)
    cluster.add("pods", f"NAME   READY   STATUS\n{name}   1/1   Running")
    assert workload_of(cluster, name) == workload


def test_labels_without_a_template_hash_speak_against_a_deployment() -> None:
    cluster = collected()
    cluster.add("pods", f"NAME   READY   STATUS    AGE   LABELS\n{POD}   1/1   Running   5m   app=web")
    assert workload_of(cluster, POD) == f"Pod/shop/{POD}"


def test_a_described_pod_without_a_controller_has_none() -> None:
    cluster = collected()
    cluster.add("pods", DESCRIBED.replace(f"Controlled By:  ReplicaSet/web-{HASH}\n", ""))
    assert workload_of(cluster, POD) == f"Pod/shop/{POD}"


def test_a_pod_of_a_table_gets_the_template_it_was_made_from() -> None:
    cluster = collected()
    cluster.add("pods", PODS)
    cluster.add("rs", WIDE_SETS)
    cluster.add("deploy", DEPLOYMENT)
    web = next(p for p in cluster.list("Pod") if p["metadata"]["name"] == POD)
    assert web["spec"]["containers"][0]["resources"]["limits"] == {"memory": "64Mi"}
    assert web["spec"]["nodeName"] == "worker-1"
    assert web["status"]["containerStatuses"][0]["name"] == "server"
    assert View(cluster).selected_pods({"app": "web"}, "shop") == [web]


def test_a_pod_of_an_older_revision_is_not_filled_from_the_new_template() -> None:
    cluster = collected()
    cluster.add("pods", PODS)
    cluster.add("rs", f"NAME             DESIRED\nweb-{HASH}    1\nweb-66cc77dd88   1\n")
    cluster.add("deploy", DEPLOYMENT)
    web = next(p for p in cluster.list("Pod") if p["metadata"]["name"] == POD)
    assert web["spec"]["containers"] == [{"name": "<container 1>"}]


# -- collected ---------------------------------------------------------------------------------------
def test_a_list_is_complete_only_when_it_was_asked_for_as_a_whole_in_the_namespace() -> None:
    cluster = collected()
    table = "NAME   TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE\nweb    ClusterIP   10.0.0.1     <none>        80/TCP    5m\n"
    cluster.add("svc", table)
    assert not cluster.readable("Service")
    cluster.add("services", table, namespace="elsewhere", whole_list=True)
    assert not cluster.readable("Service")
    cluster.add("services", table, whole_list=True)
    assert cluster.readable("Service")
    assert {o["metadata"]["namespace"] for o in cluster.list("services")} == {"shop", "elsewhere"}


def test_pods_without_labels_prove_nothing_about_selectors() -> None:
    cluster = collected()
    cluster.add("pods", PODS, whole_list=True)
    assert not cluster.readable("Pod")
    labelled = (
        PODS.replace("READINESS GATES", "READINESS GATES   LABELS")
        .replace("<none>           <none>\n", "<none>           <none>            app=web\n")
        .replace("0/1\n", "0/1               <none>\n")
    )
    cluster.add("pods", labelled)
    assert cluster.readable("Pod")


@pytest.mark.parametrize(
    "text", ["Error from server (Forbidden): pods is forbidden", "\x00 nonsense", "Unable to connect"]
)
def test_a_list_that_could_not_be_read_is_not_checked_until_it_is(text: str) -> None:
    cluster = collected()
    assert cluster.add("pods", text, whole_list=True).problem
    assert [n.what for n in cluster.not_checked()] == ["pods"]
    assert not cluster.readable("Pod")
    cluster.add("pods", "", whole_list=True)
    assert cluster.readable("Pod")
    assert cluster.not_checked() == ()


def test_sources_tell_how_well_an_object_is_known() -> None:
    cluster = collected()
    cluster.add("deploy", DEPLOYMENT)
    assert cluster.sources("deploy", "shop", "web") == {Source.DESCRIPTION}
    assert cluster.sources("rs", "shop", f"web-{HASH}") == {Source.MENTION}
    assert cluster.sources("rs", "shop", "other") == frozenset()


def test_logs_are_found_by_container_or_for_the_pod_as_a_whole() -> None:
    cluster = collected()
    cluster.add_log("shop", POD, "", "one\ntwo")
    cluster.add_log("shop", POD, "server", "before", previous=True)
    assert cluster.logs("shop", POD, "server", tail=1) == "two"
    assert cluster.logs("shop", POD, "server", previous=True) == "before"
    with pytest.raises(NotReadable, match=POD):
        cluster.logs("shop", POD, "other", previous=True)


def test_the_keys_of_a_config_map_that_only_a_table_shows_are_not_known() -> None:
    cluster = collected()
    cluster.add("cm", "NAME    DATA   AGE\nfull    2      5m\nempty   0      5m\n")
    full, empty = cluster.list("ConfigMap")
    assert (full["data"], empty["data"]) == (None, {})


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        Collected(NOW.replace(tzinfo=None), "shop")


def test_the_same_analyzers_find_the_fault_in_text() -> None:
    cluster = collected()
    cluster.add("pods", PODS, whole_list=True)
    cluster.add("pods", DESCRIBED)
    cluster.add("deploy", DEPLOYMENT, whole_list=True)
    found = [f for f in find(View(cluster), "shop") if f.object == Ref("Deployment", "shop", "web")]
    facts = {fact.name for finding in found for fact in finding.facts}
    assert {
        "pod.waiting=CrashLoopBackOff",
        "container.last_reason=OOMKilled",
        "workload.available=none",
    } <= facts


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([PODS, WIDE_SETS, DEPLOYMENT, DESCRIBED, SECRET]),
    st.lists(
        st.tuples(
            st.integers(0, 3000), st.sampled_from(["", "\n", ":", " " * 9, "é\t", "Name:  ", "<none>"])
        ),
        max_size=8,
    ),
    st.sampled_from(["pods", "deploy", "cm", "nodes", "netpol", "ing", "quota", "events", "hpa", "widgets"]),
)
def test_no_text_breaks_the_reading(text: str, cuts: list[tuple[int, str]], kind: str) -> None:
    for at, piece in cuts:
        text = text[:at] + piece + text[at + len(piece) :]
    cluster = collected()
    cluster.add(kind, text, whole_list=True)
    for found in kinds.BUILT_IN:
        cluster.list(found.kind)


# -- the recorded answers of the benchmark -------------------------------------------------------------
ARCHIVE = SHARED / "cloud-opsbench" / "dev.tar.xz"


def recorded(step: int) -> Iterator[tuple[str, dict[str, Any]]]:
    with tarfile.open(ARCHIVE) as archive:
        caches = [m for m in archive if m.name.endswith("tool_cache.json")]
        for member in caches[::step]:
            stream = archive.extractfile(member)
            assert stream is not None
            yield member.name, json.load(stream)


@pytest.mark.skipif(not ARCHIVE.exists(), reason="the benchmark is not on this machine")
def test_every_recorded_answer_about_objects_is_read() -> None:
    forms: Counter[str] = Counter()
    for name, cache in recorded(step=40):
        now = datetime.fromisoformat(cache["collection_timestamp"]).replace(
            tzinfo=timezone(timedelta(hours=8))
        )
        cluster = Collected(now, "boutique" if "boutique" in name else "train-ticket")
        for call, answer in cache.items():
            tool, _, arguments = call.partition(":")
            if tool not in {"GetResources", "DescribeResource", "GetAppYAML"}:
                continue
            asked = json.loads(arguments)
            added = cluster.add(
                asked.get("resource_type", "deploy"), answer, namespace=asked.get("namespace")
            )
            forms[added.form] += 1
            assert added.objects or added.form in {"empty", "error"}, (name, call)
            assert added.problem in {"", "only its last lines were shown"}, (name, call)
            if added.form == "table" and not added.problem:
                assert added.objects == len(answer.strip().splitlines()) - 1, (name, call)
        check_consistency(cluster)
    assert set(forms) == {"table", "description", "documents", "empty"}


def check_consistency(cluster: Collected) -> None:
    """Every field has the type that the API gives it, and every pod a workload."""
    view, misfits = View(cluster), Misfits()
    for kind in kinds.BUILT_IN:
        for obj in cluster.list(kind.kind):
            fit({k: v for k, v in obj.items() if k not in {"kind", "apiVersion"}}, kind.resource, misfits)
    assert str(misfits) == ""
    for found in view.all("Pod", cluster.info.namespace):
        assert view.workload_of(found).kind in {"Deployment", "StatefulSet", "DaemonSet"}
        names = [c["name"] for c in found["spec"]["containers"]]
        assert [
            s["name"] for s in found["status"].get("containerStatuses") or [{"name": n} for n in names]
        ] == names
