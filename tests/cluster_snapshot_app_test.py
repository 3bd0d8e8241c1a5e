"""The read-only API over a recording: paths, selectors, pages, logs, tables, watches and refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from cluster_snapshot_support import named, write_recording
from kubelore.cluster.app import create_app
from kubelore.cluster.snapshot import load

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
PODS = "/api/v1/namespaces/web/pods"


class Api:
    """Requests to the app, as any client would make them."""

    def __init__(self, folder: Path, portal: Any) -> None:
        transport = httpx.ASGITransport(app=create_app(load(folder)))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://test")
        self._portal = portal

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            return await self._client.request(method, path, **options)

        response: httpx.Response = self._portal.call(send)
        return response

    def get(self, path: str, accept: str = "application/json", **query: str) -> Any:
        return self.request("GET", path, params=query or None, headers={"accept": accept}).json()

    def names(self, path: str, **query: str) -> list[str]:
        return named(self.get(path, **query)["items"])

    def text(self, path: str, **query: str) -> str:
        return self.request("GET", path, params=query).text

    def rows(self, path: str, *, wide: bool = False) -> list[dict[str, Any]]:
        table = self.get(path, TABLE)
        assert table["kind"] == "Table"
        columns = table["columnDefinitions"]
        return [
            {
                c["name"]: cell
                for c, cell in zip(columns, row["cells"], strict=True)
                if wide or not c["priority"]
            }
            for row in table["rows"]
        ]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with start_blocking_portal() as portal:
        yield Api(write_recording(tmp_path_factory.mktemp("recording")), portal)


# -- lists and objects -------------------------------------------------------------------------------------
def test_a_list_has_the_form_of_the_api(api: Api) -> None:
    document = api.get("/apis/apps/v1/deployments")
    assert (document["kind"], document["apiVersion"]) == ("DeploymentList", "apps/v1")
    assert "kind" not in document["items"][0]
    one = api.get("/apis/apps/v1/namespaces/web/deployments/api")
    assert (one["kind"], one["apiVersion"], one["metadata"]["name"]) == ("Deployment", "apps/v1", "api")


def test_a_list_within_a_namespace_holds_nothing_else(api: Api) -> None:
    assert api.names("/apis/coordination.k8s.io/v1/leases") == ["node-a"]
    assert api.names("/apis/coordination.k8s.io/v1/namespaces/web/leases") == []
    assert api.get("/api/v1/namespaces/web")["kind"] == "Namespace"


def test_pages_together_are_the_list(api: Api) -> None:
    whole = api.names("/api/v1/events")
    found, token = [], ""
    while True:
        page = api.get("/api/v1/events", limit="2", **({"continue": token} if token else {}))
        found += named(page["items"])
        token = page["metadata"].get("continue", "")
        if not token:
            break
        assert page["metadata"]["remainingItemCount"] == len(whole) - len(found)
    assert found == whole


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("app=api", ["api-7c9d-good", "api-7c9d-bad"]),
        ("app==api,tier=backend", ["api-7c9d-good"]),
        ("app!=api", ["waits"]),
        ("tier", ["api-7c9d-good"]),
        ("!tier", ["api-7c9d-bad", "waits"]),
        ("app in (api, waits),!tier", ["api-7c9d-bad", "waits"]),
        ("app notin (api)", ["waits"]),
        ("app=", []),
        ("tier!=backend", ["api-7c9d-bad", "waits"]),
        ("absent notin (x)", ["api-7c9d-good", "api-7c9d-bad", "waits"]),
    ],
)
def test_label_selectors(api: Api, selector: str, names: list[str]) -> None:
    assert api.names(PODS, labelSelector=selector) == names


@pytest.mark.parametrize(
    ("path", "selector", "names"),
    [
        (PODS, "metadata.name=waits", ["waits"]),
        (PODS, "status.phase=Pending", ["waits"]),
        (PODS, "status.phase!=Pending,spec.nodeName=node-b", ["api-7c9d-bad"]),
        (PODS, "spec.nodeName=", ["waits"]),
        ("/api/v1/nodes", "spec.unschedulable=true", ["node-b"]),
        ("/api/v1/nodes", "spec.unschedulable=false", ["node-a"]),
        ("/api/v1/events", "involvedObject.name=waits,type=Warning", ["waits.1"]),
        ("/api/v1/events", "reason!=BackOff,involvedObject.kind=Pod", ["waits.1"]),
        ("/api/v1/events", "source=kubelet", ["api-7c9d-bad.1"]),
        ("/api/v1/secrets", "type=Opaque", ["api-credentials"]),
    ],
)
def test_field_selectors(api: Api, path: str, selector: str, names: list[str]) -> None:
    assert api.names(path, fieldSelector=selector) == names


@pytest.mark.parametrize(
    "query",
    [
        {"labelSelector": "a in x"}, {"labelSelector": "=x"}, {"fieldSelector": "spec.image=x"},
        {"fieldSelector": "metadata.name"}, {"limit": "many"}, {"continue": "!"}, {"labelSelector": "a > b"},
    ],
)  # fmt: skip
def test_a_query_that_is_not_valid_is_a_bad_request(api: Api, query: dict[str, str]) -> None:
    document = api.get(PODS, **query)
    assert (document["kind"], document["code"], document["reason"]) == ("Status", 400, "BadRequest")


# -- refusals ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_writes_are_refused(api: Api, method: str) -> None:
    response = api.request(method, f"{PODS}/waits", content="{}")
    assert (response.status_code, response.json()["reason"]) == (405, "MethodNotAllowed")


@pytest.mark.parametrize(
    "path",
    [
        "/", "/nothing", "/api/v2", "/api/v1/widgets", "/apis/widgets.example", "/apis/apps/v9/deployments",
        f"{PODS}/waits/exec", "/api/v1/namespaces/web/nodes", "/openapi/v2", "/openapi/v3",
    ],
)  # fmt: skip
def test_an_unknown_path_is_not_found(api: Api, path: str) -> None:
    response = api.request("GET", path)
    assert (response.status_code, response.json()["kind"]) == (404, "Status")


def test_an_object_that_is_not_there_is_named(api: Api) -> None:
    document = api.get(f"{PODS}/nope")
    assert (document["code"], document["message"]) == (404, 'pods "nope" not found')


def test_a_kind_that_was_not_recorded_is_refused_and_not_empty(api: Api) -> None:
    document = api.get("/apis/rbac.authorization.k8s.io/v1/clusterroles")
    assert (document["code"], document["reason"]) == (403, "NotRecorded")


def test_access_reviews_say_what_can_be_read(api: Api) -> None:
    def allowed(verb: str, group: str, resource: str) -> bool:
        spec = {"resourceAttributes": {"verb": verb, "group": group, "resource": resource}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = api.request("POST", path, json={"kind": "SelfSubjectAccessReview", "spec": spec})
        return bool(answer.json()["status"]["allowed"])

    assert allowed("list", "apps", "deployments")
    assert not allowed("delete", "apps", "deployments")
    assert not allowed("list", "rbac.authorization.k8s.io", "clusterroles")


# -- discovery ---------------------------------------------------------------------------------------------
def test_both_forms_of_discovery_name_the_same_resources(api: Api) -> None:
    plain = {
        (group["name"], resource["name"])
        for group in api.get("/apis")["groups"]
        for version in group["versions"]
        for resource in api.get(f"/apis/{version['groupVersion']}")["resources"]
    }
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    aggregated = {
        (group["metadata"]["name"], resource["resource"])
        for group in api.get("/apis", accept)["items"]
        for version in group["versions"]
        for resource in version["resources"]
    }
    assert plain == aggregated
    assert ("cert-manager.io", "certificates") in plain
    assert ("gateway.networking.k8s.io", "gateways") not in plain


def test_the_version_is_that_of_the_recorded_server(api: Api) -> None:
    assert api.get("/version") == {"major": "1", "minor": "34", "gitVersion": "v1.34.1"}


# -- logs --------------------------------------------------------------------------------------------------
LOG = f"{PODS}/api-7c9d-good/log"


def test_a_log_is_cut_as_asked(api: Api) -> None:
    whole = api.text(LOG, container="main")
    assert whole.startswith("line 0\n")
    assert whole.endswith("line 59\n")
    assert api.text(LOG, container="main", tailLines="2") == "line 58\nline 59\n"
    assert api.text(LOG, container="main", tailLines="0") == ""
    assert api.text(LOG, container="main", sinceSeconds="150") == "line 58\nline 59\n"
    assert api.text(LOG, container="main", sinceTime="2026-03-01T11:59:00Z") == "line 59\n"
    assert api.text(LOG, container="main", limitBytes="6") == "line 0"
    stamped = api.text(LOG, container="main", tailLines="1", timestamps="true")
    assert stamped == "2026-03-01T11:59:00.000000000Z line 59\n"


@pytest.mark.parametrize(
    ("pod", "query", "code", "message"),
    [
        ("api-7c9d-good", {}, 400, "a container name must be specified"),
        ("api-7c9d-good", {"container": "x"}, 400, "container x is not valid"),
        ("api-7c9d-good", {"container": "main", "previous": "true"}, 400, "previous terminated container"),
        ("waits", {"container": "main"}, 400, "is waiting to start"),
        ("nope", {"container": "main"}, 404, "not found"),
        ("api-7c9d-good", {"container": "main", "tailLines": "-1"}, 400, "invalid tailLines"),
    ],
)
def test_a_log_that_there_is_not_says_why(
    api: Api, pod: str, query: dict[str, str], code: int, message: str
) -> None:
    document = api.get(f"{PODS}/{pod}/log", **query)
    assert document["code"] == code
    assert message in document["message"]


# -- tables ------------------------------------------------------------------------------------------------
def test_pods_have_the_columns_of_kubectl(api: Api) -> None:
    good, bad, waits = api.rows(PODS, wide=True)
    assert good == {
        "Name": "api-7c9d-good", "Ready": "2/2", "Status": "Running", "Restarts": "0", "Age": "24h",
        "IP": "10.244.0.5", "Node": "node-a", "Nominated Node": "<none>", "Readiness Gates": "<none>",
    }  # fmt: skip
    assert (bad["Ready"], bad["Status"], bad["Restarts"]) == ("1/2", "CrashLoopBackOff", "4 (2m ago)")
    assert (waits["Ready"], waits["Status"], waits["Node"]) == ("0/1", "Pending", "<none>")


@pytest.mark.parametrize(
    ("path", "cells"),
    [
        ("/apis/apps/v1/deployments", ["api", "1/2", 2, 1, "24h"]),
        ("/apis/apps/v1/replicasets", ["api-7c9d", 2, 2, 1, "24h"]),
        ("/apis/apps/v1/statefulsets", ["db", "1/1", "24h"]),
        ("/apis/apps/v1/daemonsets", ["agent", 2, 2, 1, 2, 1, "disk=ssd", "24h"]),
        ("/apis/batch/v1/jobs", ["migrate", "Failed", "0/1", "60m", "60m"]),
        ("/apis/batch/v1/cronjobs", ["report", "*/5 * * * *", "<none>", "False", 0, "5m", "24h"]),
        ("/api/v1/services", ["api", "ClusterIP", "10.96.0.20", "<none>", "80/TCP", "24h"]),
        ("/api/v1/endpoints", ["api", "10.244.0.5:8080", "24h"]),
        (
            "/apis/networking.k8s.io/v1/ingresses",
            ["site", "nginx", "www.example.com", "203.0.113.9", "80, 443", "24h"],
        ),
        ("/apis/networking.k8s.io/v1/networkpolicies", ["only-front", "app=api", "24h"]),
        ("/api/v1/nodes", ["node-a", "Ready", "control-plane", "59d", "v1.34.1"]),
        ("/api/v1/namespaces", ["default", "Active", "59d"]),
        ("/api/v1/persistentvolumeclaims", ["data", "Pending", "", "", "", "fast", "<unset>", "24h"]),
        (
            "/api/v1/persistentvolumes",
            ["pv-1", "5Gi", "RWX", "Retain", "Bound", "web/logs", "standard", "<unset>", "", "24h"],
        ),
        (
            "/apis/storage.k8s.io/v1/storageclasses",
            ["standard (default)", "example.com/disk", "Delete", "WaitForFirstConsumer", "true", "59d"],
        ),
        (
            "/apis/autoscaling/v2/horizontalpodautoscalers",
            ["api", "Deployment/api", "cpu: 12%/80%", "2", 10, 2, "24h"],
        ),
        ("/apis/policy/v1/poddisruptionbudgets", ["api", "1", "N/A", 0, "24h"]),
        ("/api/v1/configmaps", ["settings", 2, "24h"]),
        ("/api/v1/secrets", ["api-credentials", "Opaque", 2, "24h"]),
        ("/api/v1/resourcequotas", ["compute", "pods: 3/10", "limits.memory: 128Mi/1Gi", "24h"]),
        ("/apis/rbac.authorization.k8s.io/v1/rolebindings", ["reader", "Role/reader", "24h"]),
        ("/apis/coordination.k8s.io/v1/leases", ["node-a", "node-a", "59d"]),
        ("/apis/cert-manager.io/v1/certificates", ["site", "False", "site-tls", "24h"]),
    ],
)  # fmt: skip
def test_the_first_row_is_what_kubectl_prints(api: Api, path: str, cells: list[Any]) -> None:
    assert list(api.rows(path)[0].values()) == cells


def test_events_are_told_with_their_count_and_times(api: Api) -> None:
    backoff, scheduling, _ = api.rows("/api/v1/events", wide=True)
    assert (backoff["Last Seen"], backoff["First Seen"], backoff["Count"]) == ("30s", "60m", 40)
    assert (scheduling["Last Seen"], scheduling["Count"], scheduling["Source"]) == (
        "2m",
        3,
        "default-scheduler",
    )
    newer = api.rows("/apis/events.k8s.io/v1/events", wide=True)
    assert newer[0] == backoff


def test_a_row_carries_what_was_asked_for(api: Api) -> None:
    path = "/apis/apps/v1/deployments"
    rows = {
        include: api.get(path, TABLE, includeObject=include)["rows"][0]
        for include in ("None", "Metadata", "Object")
    }
    assert "object" not in rows["None"]
    assert rows["Metadata"]["object"]["kind"] == "PartialObjectMetadata"
    assert rows["Object"]["object"]["spec"]["replicas"] == 2


def test_a_form_that_there_is_not_is_not_acceptable(api: Api) -> None:
    assert api.get(PODS, "application/xml")["code"] == 406


# -- watches -----------------------------------------------------------------------------------------------
def watched(api: Api, path: str, **query: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in api.text(path, watch="1", **query).splitlines()]


def test_a_watch_from_nothing_shows_what_there_is_and_ends(api: Api) -> None:
    events = watched(api, PODS, fieldSelector="metadata.name=waits")
    assert [(e["type"], e["object"]["metadata"]["name"]) for e in events] == [("ADDED", "waits")]
    assert events[0]["object"]["kind"] == "Pod"


def test_a_watch_from_a_list_shows_that_nothing_changes(api: Api) -> None:
    version = api.get(PODS)["metadata"]["resourceVersion"]
    assert watched(api, PODS, resourceVersion=version) == []


def test_a_watch_that_asks_for_the_list_is_told_where_it_ends(api: Api) -> None:
    *added, end = watched(api, PODS, sendInitialEvents="true", resourceVersion="")
    assert [e["type"] for e in added] == ["ADDED"] * 3
    assert end["type"] == "BOOKMARK"
    assert end["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
