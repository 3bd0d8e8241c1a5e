"""Reading a live cluster through the real kubectl over TLS: every way to log in, and a server that fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from kubelore.cluster import open_snapshot
from kubelore.cluster.app import create_app
from kubelore.cluster.live import open_live
from kubelore.cluster.reader import Reader
from kubelore.cluster.snapshot import load
from kubelore.errors import CredentialsRejected, NotReadable, Unreachable
from kubelore.examples import path as example
from live_support import (
    KUBECTL,
    TOKEN,
    Gate,
    Send,
    answer,
    authority,
    needs_kubectl,
    plugin,
    served,
    status,
    token_script,
    write_kubeconfig,
)

pytestmark = needs_kubectl
RECORDING = example("memory-limit")
KINDS = ("Pod", "Deployment", "ReplicaSet", "Service", "Event", "Node", "EndpointSlice", "ConfigMap", "Lease")
PODS = "/api/v1/pods"


@pytest.fixture(autouse=True)
def _kubectl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECTL", str(KUBECTL))
    monkeypatch.setenv("HOME", str(tmp_path))


def gate(**faults: Any) -> Gate:
    return Gate(create_app(load(RECORDING)), TOKEN, faults)


@contextmanager
def live(app: Gate, folder: Path, user: dict[str, Any] | None = None, **settings: Any) -> Iterator[Reader]:
    with served(app, folder) as url:
        kubeconfig = write_kubeconfig(folder, url, user or {"token": TOKEN}, settings.pop("default", ""))
        with open_live(kubeconfig=str(kubeconfig), **settings) as reader:
            yield reader


def names(reader: Reader, kind: str) -> list[tuple[str, str]]:
    return sorted((o["metadata"].get("namespace", ""), o["metadata"]["name"]) for o in reader.list(kind))


def why(reader: Reader, what: str) -> str:
    return next((n.why for n in reader.not_checked() if n.what == what), "")


# -- logging in -------------------------------------------------------------------------------------------


def same_as_recording(reader: Reader) -> None:
    with open_snapshot(RECORDING) as recorded:
        reader.prefetch(KINDS)
        for kind in KINDS:
            assert list(reader.list(kind)) == list(recorded.list(kind))
            assert reader.readable(kind)
        assert len(reader.list("Pod")) > 3
        assert list(reader.metrics("Pod")) == list(recorded.metrics("Pod"))
        for pod in recorded.list("Pod")[:3]:
            where = (
                pod["metadata"]["namespace"],
                pod["metadata"]["name"],
                pod["spec"]["containers"][0]["name"],
            )
            assert log(reader, *where) == log(recorded, *where)
    assert reader.info.live
    assert reader.info.context == "test"
    assert reader.info.server_version == recorded.info.server_version


def log(reader: Reader, namespace: str, pod: str, container: str) -> str:
    try:
        return reader.logs(namespace, pod, container)
    except NotReadable as error:
        return f"none: {type(error).__name__}"


def test_with_a_token_the_lists_are_those_of_the_server(tmp_path: Path) -> None:
    with live(gate(), tmp_path) as reader:
        same_as_recording(reader)


def test_with_a_client_certificate_the_lists_are_those_of_the_server(tmp_path: Path) -> None:
    identity = authority().issue_cert("jane@example.org", common_name="jane")
    certificate, key = tmp_path / "me.pem", tmp_path / "me.key"
    identity.cert_chain_pems[0].write_to_path(certificate)
    identity.private_key_pem.write_to_path(key)
    app = Gate(create_app(load(RECORDING)))
    with served(app, tmp_path, client_certificates=True) as url:
        user = {"client-certificate": str(certificate), "client-key": str(key)}
        kubeconfig = str(write_kubeconfig(tmp_path, url, user))
        with open_live(kubeconfig=kubeconfig) as reader:
            same_as_recording(reader)
        kubeconfig = str(write_kubeconfig(tmp_path, url, {"token": TOKEN}))
        with pytest.raises((CredentialsRejected, Unreachable)):  # a Python server closes without a word
            open_live(kubeconfig=kubeconfig)


def test_with_an_exec_plugin_the_lists_are_those_of_the_server(tmp_path: Path) -> None:
    with live(gate(), tmp_path, plugin(tmp_path, token_script(TOKEN))) as reader:
        same_as_recording(reader)


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ({"token": "long-expired"}, "401"),
        ({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-login",
                   "interactiveMode": "Never", "installHint": "brew install no-such-login"}},
         "no-such-login is not installed"),
    ],
)  # fmt: skip
def test_credentials_that_do_not_work_are_said_before_anything_is_read(
    tmp_path: Path, user: dict[str, Any], message: str
) -> None:
    app = gate()
    with pytest.raises(CredentialsRejected, match=message) as error, live(app, tmp_path, user):
        pass
    assert error.value.hint
    assert app.asked(PODS) == 0


def test_a_plugin_that_is_not_installed_brings_its_own_hint(tmp_path: Path) -> None:
    user = plugin(tmp_path, "")
    user["exec"] |= {"command": "no-such-login", "installHint": "brew install no-such-login"}
    with pytest.raises(CredentialsRejected) as error, live(gate(), tmp_path, user):
        pass
    assert error.value.hint == "brew install no-such-login"


def test_what_a_failing_plugin_printed_is_shown(tmp_path: Path) -> None:
    user = plugin(tmp_path, "echo 'Your SSO session has expired, run: sso login' >&2; exit 1")
    with pytest.raises(CredentialsRejected, match="SSO session has expired"), live(gate(), tmp_path, user):
        pass


def test_credentials_that_expire_while_reading_end_it(tmp_path: Path) -> None:
    app = gate()
    with live(app, tmp_path) as reader:
        assert reader.list("Node")
        app.token = "another"
        with pytest.raises(CredentialsRejected, match="401"):
            reader.list("Pod")


def test_secrets_come_with_keys_and_without_values_beside_everything_else(tmp_path: Path) -> None:
    recording = tmp_path / "recording"
    (recording / "objects").mkdir(parents=True)
    metadata = {"name": "db", "namespace": "shop", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"}
    secret = {"metadata": metadata, "type": "Opaque", "data": {"password": "eA=="}}
    listing = {"kind": "SecretList", "apiVersion": "v1", "items": [secret]}
    (recording / "objects" / "core_v1_secrets.json").write_text(json.dumps(listing))
    about = {"format_version": 1, "captured_at": "2026-03-01T12:00:00Z"}
    (recording / "snapshot.json").write_text(json.dumps(about))
    app = Gate(create_app(load(recording)), TOKEN)
    with live(app, tmp_path) as reader:
        assert [s["metadata"]["name"] for s in reader.list("Secret")] == ["db"]
        assert reader.list("Secret")[0]["data"] == {"password": ""}
        assert reader.readable("Secret")
    with live(app, tmp_path, namespace="elsewhere") as reader:
        assert reader.list("Secret") == []
        assert reader.readable("Secret")


def test_forbidden_secrets_are_not_checked(tmp_path: Path) -> None:
    faults = {"/api/v1/secrets": forbid, "/api/v1/namespaces/default/secrets": forbid}
    with live(gate(**faults), tmp_path) as reader:
        assert reader.list("Secret") == []
        assert not reader.readable("Secret")
        assert why(reader, "secrets")
        assert reader.list("Pod")


# -- a server that fails ----------------------------------------------------------------------------------


def test_a_server_that_refuses_connections_is_unreachable(tmp_path: Path) -> None:
    kubeconfig = write_kubeconfig(tmp_path, "https://127.0.0.1:1", {"token": TOKEN})
    with pytest.raises(Unreachable, match="connection refused") as error:
        open_live(kubeconfig=str(kubeconfig))
    assert error.value.hint


def test_an_untrusted_server_is_named_so(tmp_path: Path) -> None:
    with served(gate(), tmp_path) as url:
        (tmp_path / "ca.pem").unlink()
        kubeconfig = write_kubeconfig(tmp_path, url, {"token": TOKEN})
        with pytest.raises(Unreachable, match="x509"):
            open_live(kubeconfig=str(kubeconfig))


async def forbid(send: Send, count: int) -> bool:
    await answer(send, 403, status(403, 'pods is forbidden: User "jane" cannot list resource "pods"'))
    return True


def test_a_forbidden_kind_is_not_checked_and_the_others_are_read(tmp_path: Path) -> None:
    path = "/apis/apps/v1/deployments"
    with live(gate(**{path: forbid, path.replace("deployments", "namespaces/default/deployments"): forbid}),
              tmp_path) as reader:  # fmt: skip
        assert reader.list("Deployment") == []
        assert not reader.readable("Deployment")
        assert "cannot list" in why(reader, "deployments.apps")
        assert reader.list("Pod")


def test_where_all_namespaces_are_forbidden_the_own_one_is_read_and_said(tmp_path: Path) -> None:
    with live(gate(**{PODS: forbid}), tmp_path, default="shop") as reader:
        assert reader.list("Pod")
        assert {namespace for namespace, _ in names(reader, "Pod")} == {"shop"}
        assert not reader.readable("Pod")
        assert "only namespace shop" in why(reader, "pods")


def test_one_namespace_is_read_with_the_cluster_scoped_kinds(tmp_path: Path) -> None:
    app = gate()
    with live(app, tmp_path, namespace="shop") as reader:
        assert {namespace for namespace, _ in names(reader, "Pod")} == {"shop"}
        assert reader.list("Node")
        assert reader.readable("Pod")
        assert reader.info.namespace == "shop"
        assert app.asked(PODS) == 0


def times(count: int, code: int, headers: dict[str, str] | None = None) -> Any:
    """Fails the first `count` requests of a path."""

    async def fail(send: Send, nth: int) -> bool:
        if nth > count:
            return False
        await answer(send, code, status(code, f"failure number {nth}"), headers)
        return True

    return fail


@pytest.mark.parametrize(("code", "headers"), [(429, {"retry-after": "1"}), (500, None), (503, None)])
def test_a_server_that_recovers_is_asked_again(
    tmp_path: Path, code: int, headers: dict[str, str] | None
) -> None:
    with live(gate(**{PODS: times(2, code, headers)}), tmp_path) as reader:
        assert reader.list("Pod")
        assert reader.readable("Pod")
        assert reader.not_checked() == ()


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_kind_that_keeps_failing_is_not_checked(tmp_path: Path, code: int) -> None:
    with live(gate(**{PODS: times(99, code)}), tmp_path) as reader:
        assert reader.list("Pod") == []
        assert not reader.readable("Pod")
        assert str(code) in why(reader, "pods")
        assert reader.list("Node")


def test_a_slow_kind_is_not_checked(tmp_path: Path) -> None:
    async def sleep(send: Send, nth: int) -> bool:
        await anyio.sleep(3)
        return False

    with live(gate(**{PODS: sleep}), tmp_path, timeout=0.5) as reader:
        started = time.monotonic()
        assert reader.list("Pod") == []
        assert time.monotonic() - started < 10
        assert "0.5 s" in why(reader, "pods")
        assert reader.list("Node")


def cut_off(after: int) -> Any:
    """Breaks the connection in the middle of a body, from the given request on."""

    async def cut(send: Send, nth: int) -> bool:
        if nth < after:
            return False
        headers = [(b"content-type", b"application/json"), (b"content-length", b"100000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"kind":"PodList","items":[', "more_body": True})
        raise ConnectionResetError

    return cut


def test_a_connection_that_always_breaks_leaves_the_kind_not_checked(tmp_path: Path) -> None:
    with live(gate(**{PODS: cut_off(1)}), tmp_path) as reader:
        assert reader.list("Pod") == []
        assert not reader.readable("Pod")
        assert why(reader, "pods")


def test_a_list_that_breaks_off_on_its_second_page_is_not_taken_for_complete(tmp_path: Path) -> None:
    async def two_pages(send: Send, nth: int) -> bool:
        if nth > 1:
            return bool(await cut_off(1)(send, nth))
        pods = [{"metadata": {"name": f"p{n}", "namespace": "shop"}} for n in range(500)]
        page = {"kind": "PodList", "apiVersion": "v1", "metadata": {"continue": "more"}, "items": pods}
        await answer(send, 200, page)
        return True

    with live(gate(**{PODS: two_pages}), tmp_path) as reader:
        assert len(reader.list("Pod")) in {0, 500}
        assert not reader.readable("Pod")
        assert "breaks off after 500" in why(reader, "pods")


def test_a_proxy_that_is_killed_is_said_and_does_not_hang(tmp_path: Path) -> None:
    with live(gate(), tmp_path) as reader:
        assert reader.list("Node")
        shown = subprocess.run(["ps", "-eww", "-o", "pid=,args="], capture_output=True, text=True, check=True)
        kubeconfig = str(tmp_path / "kubeconfig")
        for line in shown.stdout.splitlines():
            pid, _, command = line.strip().partition(" ")
            if command.startswith(str(KUBECTL)) and kubeconfig in command:
                os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.3)
        with pytest.raises(Unreachable, match="kubectl proxy has ended"):
            reader.raw(PODS)
