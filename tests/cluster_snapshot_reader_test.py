"""The reader over servers that are slow, partial, forbidding, of another version, or gone."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cluster_snapshot_support import named, write_recording
from kubelore.cluster import open_snapshot
from kubelore.cluster.api import Policy, Read
from kubelore.cluster.reader import Reader
from kubelore.errors import CredentialsRejected, Forbidden, NotReadable, Unreachable
from kubelore.types import ClusterInfo

Handler = Callable[[Request], Awaitable[Response]]
HASTY = Policy(timeout=2, attempts=3, backoff=0.001)


class Server:
    """An API server in process: answers by path, counts requests."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.requests: Counter[str] = Counter()
        self.busy, self.most_busy = 0, 0

    async def answer(self, request: Request) -> Response:
        path = request.url.path
        self.requests[path] += 1
        found = self.answers.get(path, status(404, "not found"))
        if not isinstance(found, Response) and callable(found):
            found = found(self.requests[path], request)
        return found if isinstance(found, Response) else JSONResponse(found)

    def reader(self, *, namespace: str = "", policy: Policy = HASTY, **options: Any) -> Reader:
        app = Starlette(routes=[Route("/{path:path}", self.answer)])
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")
        info = ClusterInfo("test", "v1.34.1", "test", datetime.now(UTC), live=True, namespace=namespace)
        return Reader(client, info, policy=policy, **options)


def status(code: int, message: str, **headers: str) -> Response:
    return JSONResponse({"kind": "Status", "code": code, "message": message}, code, headers)


def listed(kind: str, *names: str, token: str = "", api_version: str = "v1") -> dict[str, Any]:
    items = [{"metadata": {"name": name, "namespace": "web"}} for name in names]
    metadata = {"continue": token} if token else {}
    return {"kind": f"{kind}List", "apiVersion": api_version, "metadata": metadata, "items": items}


PODS = "/api/v1/pods"


def test_a_list_is_fetched_once_by_whatever_name_and_thread() -> None:
    server = Server({PODS: listed("Pod", "a")})
    with server.reader() as reader:
        threads = [threading.Thread(target=reader.list, args=(name,)) for name in ("Pod", "pods", "po") * 5]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        reader.prefetch(["Pod", "PODS"])
        assert reader.list("Pod")[0]["kind"] == "Pod"
        assert reader.readable("pod")
    assert server.requests[PODS] == 1


def test_the_age_of_a_list_is_known_once_it_was_read() -> None:
    with Server({PODS: listed("Pod")}).reader() as reader:
        assert reader.age("Pod") is None
        reader.list("Pod")
        age = reader.age("Pod")
        assert age is not None
        assert timedelta() <= age < timedelta(minutes=1)


def test_pages_are_joined() -> None:
    def page(_count: int, request: Request) -> Any:
        assert request.query_params["limit"] == "500"
        if request.query_params.get("continue") == "more":
            return listed("Pod", "b")
        return listed("Pod", "a", token="more")

    with Server({PODS: page}).reader() as reader:
        assert named(reader.list("Pod")) == ["a", "b"]
        assert reader.readable("Pod")


def test_a_list_that_expires_between_pages_is_read_again() -> None:
    def page(count: int, request: Request) -> Any:
        if "continue" in request.query_params:
            return status(410, "expired") if count == 2 else listed("Pod", "b")
        return listed("Pod", "a", token="more")

    with Server({PODS: page}).reader() as reader:
        assert named(reader.list("Pod")) == ["a", "b"]
        assert reader.readable("Pod")


def test_a_list_that_breaks_off_is_partial() -> None:
    def page(_count: int, request: Request) -> Any:
        if "continue" in request.query_params:
            return status(500, "etcd is sad")
        return listed("Pod", "a", token="more")

    with Server({PODS: page}).reader() as reader:
        assert named(reader.list("Pod")) == ["a"]
        assert not reader.readable("Pod")
        (problem,) = reader.not_checked()
    assert (problem.what, "etcd is sad" in problem.why) == ("pods", True)


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_passing_failure_is_retried(code: int) -> None:
    def answer(count: int, _request: Request) -> Any:
        return status(code, "busy", **{"Retry-After": "0"}) if count < 3 else listed("Pod", "a")

    with Server({PODS: answer}).reader() as reader:
        assert named(reader.list("Pod")) == ["a"]
        assert not reader.not_checked()


def test_a_lasting_failure_of_one_kind_leaves_the_others() -> None:
    server = Server({PODS: listed("Pod", "a"), "/api/v1/services": status(503, "overloaded")})
    with server.reader() as reader:
        reader.list("Pod")
        assert not reader.list("Service")
        assert not reader.readable("Service")
        assert "overloaded" in str(reader.not_checked()[0])
    assert server.requests["/api/v1/services"] == HASTY.attempts


def test_a_server_that_never_answers_is_unreachable_and_soon_so() -> None:
    def refuse(_count: int, _request: Request) -> Any:
        return status(502, "connection refused")

    server = Server({PODS: refuse, "/api/v1/services": refuse})
    with server.reader() as reader:
        with pytest.raises(Unreachable, match="connection refused"):
            reader.list("Pod")
        with pytest.raises(Unreachable):
            reader.prefetch(["Service", "Node"])
    assert server.requests["/api/v1/services"] == 0, "known to be down: not asked again"


def test_a_slow_answer_is_given_up() -> None:
    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ReadTimeout("slow", request=request)

    client = httpx.AsyncClient(transport=Slow(), base_url="http://test")
    info = ClusterInfo("test", "", "test", datetime.now(UTC), live=True)
    with Reader(client, info, policy=HASTY) as reader, pytest.raises(Unreachable, match="within 2 s"):
        reader.list("Pod")


def test_rejected_credentials_are_raised() -> None:
    with (
        Server({PODS: status(401, "Unauthorized")}).reader() as reader,
        pytest.raises(CredentialsRejected, match="Unauthorized"),
    ):
        reader.list("Pod")


def test_a_forbidden_kind_is_not_checked() -> None:
    server = Server({PODS: listed("Pod", "a"), "/api/v1/nodes": status(403, "nodes is forbidden")})
    with server.reader() as reader:
        assert not reader.list("Node")
        assert not reader.readable("Node")
        assert [(n.what, n.why) for n in reader.not_checked()] == [("nodes", "nodes is forbidden")]


def test_where_all_namespaces_are_forbidden_the_own_one_is_read_and_counts_as_part() -> None:
    server = Server({PODS: status(403, "no"), "/api/v1/namespaces/web/pods": listed("Pod", "a")})
    with server.reader(namespace="web") as reader:
        assert named(reader.list("Pod")) == ["a"]
        assert not reader.readable("Pod")
        assert "only namespace web" in str(reader.not_checked()[0])


def test_a_reader_of_some_namespaces_asks_for_nothing_else() -> None:
    server = Server({f"/api/v1/namespaces/{ns}/pods": listed("Pod", ns) for ns in ("web", "db")})
    with server.reader(namespaces=("web", "db")) as reader:
        assert named(reader.list("Pod")) == ["web", "db"]
        assert reader.readable("Pod")
    assert server.requests[PODS] == 0


def test_a_kind_that_the_server_does_not_have_has_no_objects() -> None:
    with Server({PODS: listed("Pod")}).reader() as reader:
        assert not reader.list("Gateway")
        assert reader.readable("Gateway")
        assert not reader.not_checked()


def test_a_name_that_is_no_kind_is_not_checked() -> None:
    with Server({"/apis": {"groups": []}}).reader() as reader:
        assert not reader.list("Widget")
        assert not reader.readable("Widget")
        assert "Widget" in str(reader.not_checked()[0])


def test_another_version_of_a_kind_is_found() -> None:
    resource = {"name": "horizontalpodautoscalers", "kind": "HorizontalPodAutoscaler", "namespaced": True}
    server = Server(
        {
            "/apis/autoscaling": {"preferredVersion": {"version": "v1"}},
            "/apis/autoscaling/v1": {"resources": [{**resource, "verbs": ["list"]}]},
            "/apis/autoscaling/v1/horizontalpodautoscalers": listed(
                "HorizontalPodAutoscaler", "a", api_version="autoscaling/v1"
            ),
        }
    )
    with server.reader() as reader:
        (found,) = reader.list("HorizontalPodAutoscaler")
        assert found["apiVersion"] == "autoscaling/v1"
        assert reader.readable("HorizontalPodAutoscaler")


def test_metrics_that_do_not_answer_are_not_checked() -> None:
    with Server({PODS: listed("Pod")}).reader() as reader:
        assert not reader.metrics("Pod")
        assert "pods.metrics.k8s.io" in str(reader.not_checked()[0])


def test_secrets_are_listed_by_the_lister_that_was_given() -> None:
    secret = {"kind": "Secret", "metadata": {"name": "s", "namespace": "web"}, "data": {"k": ""}}
    server = Server({})
    with server.reader(secrets=lambda: Read([secret])) as reader:
        assert reader.list("Secret") == [secret]
        assert reader.readable("Secret")

    def refuse() -> Read:
        raise Forbidden("secrets is forbidden")

    with server.reader(secrets=refuse) as reader:
        assert not reader.readable("Secret")
        assert "secrets is forbidden" in str(reader.not_checked()[0])
    assert not server.requests


def test_a_log_that_never_was_is_an_answer_and_one_that_is_refused_is_not() -> None:
    server = Server(
        {
            "/api/v1/namespaces/web/pods/a/log": status(400, "waiting to start"),
            "/api/v1/namespaces/web/pods/b/log": status(403, "forbidden"),
            "/api/v1/namespaces/web/pods/c/log": Response("one\n"),
        }
    )
    with server.reader() as reader:
        assert reader.logs("web", "c", "main") == reader.logs("web", "c", "main") == "one\n"
        with pytest.raises(NotReadable, match="waiting to start"):
            reader.logs("web", "a", "main")
        assert not reader.not_checked()
        with pytest.raises(NotReadable):
            reader.logs("web", "b", "main")
        assert [n.what for n in reader.not_checked()] == ["log of web/b/main"]
    assert server.requests["/api/v1/namespaces/web/pods/c/log"] == 1


@pytest.mark.parametrize("path", ["api/v1/pods", "//evil.example/api", "http://evil.example/"])
def test_raw_asks_this_server_only(path: str) -> None:
    with Server({}).reader() as reader, pytest.raises(NotReadable, match="not a path"):
        reader.raw(path)


def test_an_answer_that_is_not_json_is_not_checked() -> None:
    with Server({PODS: Response("<html>log in</html>")}).reader() as reader:
        assert not reader.readable("Pod")
        assert "not JSON" in str(reader.not_checked()[0])


def test_a_closed_reader_closes_again_quietly(tmp_path: Path) -> None:
    reader = open_snapshot(write_recording(tmp_path))
    reader.close()
    reader.close()


def test_a_reader_that_nobody_closes_does_not_hold_up_the_end(tmp_path: Path) -> None:
    code = (
        "import sys; from kubelore.cluster import open_snapshot; "
        "print(len(open_snapshot(sys.argv[1]).list('Pod')))"
    )
    command = [sys.executable, "-c", code, str(write_recording(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")
