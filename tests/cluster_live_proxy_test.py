"""The kubectl proxy child: what it lets through, how it starts and fails, and that it never outlives us."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from kubelore.cluster.live.kubectl import Kubectl, failure, plain
from kubelore.cluster.live.proxy import PREFIX, Proxy, sweep
from kubelore.errors import (
    ClusterError,
    CredentialsRejected,
    Forbidden,
    KubectlMissing,
    KubeloreError,
    NoContext,
    Unreachable,
)
from live_support import KUBECTL, Gate, Scope, Send, answer, needs_kubectl, served, write_kubeconfig

pytestmark = needs_kubectl


async def echo(scope: Scope, receive: Any, send: Send) -> None:
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    await answer(send, 200, {"path": scope["path"], "headers": headers})


@pytest.fixture(autouse=True)
def _kubectl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECTL", str(KUBECTL))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)


@pytest.fixture(scope="module")
def echoing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Gate, Path]]:
    """(kubeconfig, what reached the server, private folder) behind one proxy shared by the filter tests."""
    folder = tmp_path_factory.mktemp("echo")
    gate = Gate(echo)
    with served(gate, folder) as url:
        kubeconfig = write_kubeconfig(folder, url, {"token": "t"})
        kubectl = Kubectl(str(KUBECTL), kubeconfig=str(kubeconfig))
        with Proxy(kubectl, kubectl.read_context()) as proxy:
            yield str(proxy.socket), gate, proxy.folder


def ask(socket: str, method: str, path: str, **headers: str) -> httpx.Response:
    with httpx.Client(transport=httpx.HTTPTransport(uds=socket), base_url="http://localhost") as client:
        return client.request(method, path, headers=headers)


@pytest.mark.parametrize(
    "path",
    [
        "/version", "/livez", "/readyz/etcd", "/api", "/apis", "/api/v1", "/apis/apps/v1",
        "/openapi/v3/apis/apps/v1",
        "/api/v1/pods?limit=500&continue=abc", "/api/v1/nodes/n", "/api/v1/namespaces/a",
        "/api/v1/namespaces/a/pods/p", "/api/v1/namespaces/a/pods/p/log?container=c&tailLines=10",
        "/apis/apps/v1/namespaces/a/deployments/d/scale", "/apis/metrics.k8s.io/v1beta1/pods",
        "/apis/apps/v1/namespaces/secrets/deployments", "/api/v1/namespaces/secrets",
        "/api/v1/namespaces/a/pods/secrets/log", "/apis/external-secrets.io/v1/externalsecrets",
    ],
)  # fmt: skip
def test_reading_lists_objects_and_logs_passes(echoing: tuple[str, Gate, Path], path: str) -> None:
    response = ask(echoing[0], "GET", path)
    assert response.status_code == 200
    assert response.json()["path"] == path.partition("?")[0]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/secrets", "/api/v1/secrets/", "/api/v1/secrets?watch=true", "/api/v1/namespaces/a/secrets",
        "/api/v1/namespaces/a/secrets/db", "/api/v1/watch/secrets", "/api/v1/watch/namespaces/a/secrets",
        "//api/v1/secrets", "/api/v1/./secrets", "/api/v1/pods/../secrets", "/api/v1/%73ecrets",
        "/api/v1%2Fsecrets", "/api/v1/namespaces/a%2fsecrets", "/api/v1/secrets/%0Ax", "/api/v1/%2573ecrets",
        "/api/v1/namespaces/a/pods/p/exec?command=id", "/api/v1/namespaces/a/pods/p/attach",
        "/api/v1/namespaces/a/pods/p/portforward", "/api/v1/namespaces/a/pods/p/proxy",
        "/api/v1/namespaces/a/pods/p/proxy/metrics", "/api/v1/namespaces/a/services/s:80/proxy/admin",
        "/api/v1/nodes/n/proxy/logs/", "/api/v1/proxy/nodes/n", "/api/v1/proxy/namespaces/a/pods/p",
        "/api/v1/namespaces/a/serviceaccounts/s/token", "/api/v1/namespaces/a/pods/p/exec/",
        "/apis/subresources.kubevirt.io/v1/namespaces/a/virtualmachineinstances/v/console",
        "/logs/kube-apiserver.log", "/metrics", "/debug/pprof/heap", "/static/x", "/", "/oauth/token",
    ],
)  # fmt: skip
def test_secrets_and_ways_into_pods_and_nodes_never_reach_the_server(
    echoing: tuple[str, Gate, Path], path: str
) -> None:
    address, gate, _ = echoing
    before = len(gate.seen)
    assert ask(address, "GET", path).status_code == 403
    assert len(gate.seen) == before


@pytest.mark.parametrize(
    "path",
    ["/apis/../api/v1/secrets", "/api/v1/./secrets", "/openapi/v3/api/../../api/v1/secrets", "/livez/.."],
)
def test_a_path_with_dots_that_no_client_has_tidied_never_reaches_the_server(
    echoing: tuple[str, Gate, Path], path: str
) -> None:
    address, gate, _ = echoing
    before = len(gate.seen)
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(address)
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert raw.recv(12).removeprefix(b"HTTP/1.1 ") in {b"301", b"307", b"403"}
    assert len(gate.seen) == before


def test_a_path_with_an_empty_part_is_at_most_redirected(echoing: tuple[str, Gate, Path]) -> None:
    address, gate, _ = echoing
    before = len(gate.seen)
    assert ask(address, "GET", "/api/v1//secrets").status_code in {301, 307, 403}
    assert len(gate.seen) == before


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE", "GETX", "G", "PURGE"]
)
def test_only_get_passes(echoing: tuple[str, Gate, Path], method: str) -> None:
    address, gate, _ = echoing
    before = len(gate.seen)
    assert ask(address, method, "/api/v1/namespaces/a/pods/p").status_code in {400, 403}
    assert len(gate.seen) == before


def test_another_host_name_is_refused(echoing: tuple[str, Gate, Path]) -> None:
    assert ask(echoing[0], "GET", "/api/v1/pods", host="rebound.example").status_code == 403


def test_nobody_else_may_use_the_socket(echoing: tuple[str, Gate, Path]) -> None:
    folder = echoing[2]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.stat().st_uid == os.getuid()


def test_identity_and_server_path_are_kubectls_business(tmp_path: Path) -> None:
    with served(echo, tmp_path) as url:
        kubeconfig = write_kubeconfig(tmp_path, f"{url}/k8s/clusters/c-7", {"token": "t"})
        kubectl = Kubectl.find(kubeconfig=str(kubeconfig), context="test", impersonate="jane", groups=["dev"])
        with Proxy(kubectl, kubectl.read_context()) as proxy:
            seen = ask(str(proxy.socket), "GET", "/api/v1/pods").json()
    assert seen["path"] == "/k8s/clusters/c-7/api/v1/pods"
    assert seen["headers"]["authorization"] == "Bearer t"
    assert seen["headers"]["impersonate-user"] == "jane"
    assert seen["headers"]["impersonate-group"] == "dev"


def test_a_kuberc_cannot_open_the_filter(tmp_path: Path) -> None:
    defaults = [{"name": "disable-filter", "default": "true"}, {"name": "reject-paths", "default": "^$"}]
    kuberc = {
        "apiVersion": "kubectl.config.k8s.io/v1beta1", "kind": "Preference",
        "defaults": [{"command": "proxy", "options": defaults}],
    }  # fmt: skip
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "kuberc").write_text(str(kuberc).replace("'", '"'))
    with served(echo, tmp_path) as url:
        kubectl = Kubectl.find(kubeconfig=str(write_kubeconfig(tmp_path, url, {"token": "t"})))
        with Proxy(kubectl, kubectl.read_context()) as proxy:
            assert ask(str(proxy.socket), "GET", "/api/v1/pods").status_code == 200
            assert ask(str(proxy.socket), "GET", "/api/v1/secrets").status_code == 403
            assert ask(str(proxy.socket), "DELETE", "/api/v1/pods").status_code == 403


# -- starting -------------------------------------------------------------------------------------------


def test_no_kubectl_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBECTL")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KubectlMissing) as error:
        Kubectl.find()
    assert "--snapshot" in error.value.hint


def test_kubectl_variable_that_names_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECTL", "/no/such/kubectl")
    with pytest.raises(KubectlMissing, match="/no/such/kubectl"):
        Kubectl.find()


def config_without_context(folder: Path) -> Kubectl:
    path = write_kubeconfig(folder, "https://127.0.0.1:1", {})
    path.write_text(path.read_text().replace('"current-context": "test"', '"current-context": ""'))
    return Kubectl.find(kubeconfig=str(path))


def config_with_unknown_context(folder: Path) -> Kubectl:
    return Kubectl.find(kubeconfig=str(write_kubeconfig(folder, "https://127.0.0.1:1", {})), context="tset")


def config_without_its_cluster(folder: Path) -> Kubectl:
    path = write_kubeconfig(folder, "https://127.0.0.1:1", {})
    path.write_text(path.read_text().replace('"cluster": "here"', '"cluster": "elsewhere"'))
    return Kubectl.find(kubeconfig=str(path))


def config_that_is_not_yaml(folder: Path) -> Kubectl:
    (folder / "broken").write_text("{clusters: [")
    return Kubectl.find(kubeconfig=str(folder / "broken"))


def config_that_is_missing(folder: Path) -> Kubectl:
    return Kubectl.find(kubeconfig=str(folder / "nowhere"))


def config_in_no_place(folder: Path) -> Kubectl:
    return Kubectl.find()


@pytest.mark.parametrize(
    ("make", "message", "hint"),
    [
        (config_without_context, "names no current context", "--context: test"),
        (config_with_unknown_context, "has no context tset", "--context: test"),
        (config_without_its_cluster, "elsewhere", "--context: test"),
        (config_that_is_not_yaml, "error loading config file", "--kubeconfig"),
        (config_that_is_missing, "there is no kubeconfig", "--kubeconfig"),
        (config_in_no_place, "there is no kubeconfig", "--snapshot"),
    ],
)
def test_a_context_that_cannot_be_used_is_explained(
    make: Callable[[Path], Kubectl], message: str, hint: str, tmp_path: Path
) -> None:
    with pytest.raises(NoContext) as error:
        make(tmp_path).read_context()
    assert message in str(error.value)
    assert hint in error.value.hint


@pytest.fixture
def own_temp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder that no other test writes to, with a short path as they have."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def test_a_kubectl_that_ends_at_once_is_quoted(tmp_path: Path, own_temp: Path) -> None:
    fake = tmp_path / "kubectl"
    fake.write_text("#!/bin/sh\necho 'error: unknown flag: --unix-socket' >&2; exit 1\n")
    fake.chmod(0o700)
    context = Kubectl.find(
        kubeconfig=str(write_kubeconfig(tmp_path, "https://127.0.0.1:1", {}))
    ).read_context()
    with pytest.raises(ClusterError, match="unknown flag: --unix-socket"):
        Proxy(Kubectl(str(fake)), context)
    assert list(own_temp.iterdir()) == []


def test_a_context_without_credentials_is_explained(tmp_path: Path) -> None:
    kubectl = Kubectl.find(kubeconfig=str(write_kubeconfig(tmp_path, "https://127.0.0.1:1", {})))
    with pytest.raises(CredentialsRejected, match="has no credentials"):
        Proxy(kubectl, kubectl.read_context())


def test_a_kubectl_that_never_gets_ready_is_given_up(tmp_path: Path, own_temp: Path) -> None:
    fake = tmp_path / "kubectl"
    fake.write_text("#!/bin/sh\necho waiting for a login >&2\nexec sleep 60\n")
    fake.chmod(0o700)
    context = Kubectl.find(
        kubeconfig=str(write_kubeconfig(tmp_path, "https://127.0.0.1:1", {}))
    ).read_context()
    with pytest.raises(Unreachable, match=r"not ready after 0\.3 s.*waiting for a login"):
        Proxy(Kubectl(str(fake)), context, deadline=0.3)
    assert list(own_temp.iterdir()) == []


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("getting credentials: exec: executable aws failed with exit code 255", CredentialsRejected),
        (
            "getting credentials: exec: executable gke-gcloud-auth-plugin not found\n\nhint",
            CredentialsRejected,
        ),
        ("error: You must be logged in to the server (Unauthorized)", CredentialsRejected),
        ("oauth2: cannot fetch token: 400 Bad Request", CredentialsRejected),
        ("failed to refresh token: invalid_grant", CredentialsRejected),
        ("remote error: tls: expired certificate", CredentialsRejected),
        ('Error from server (Forbidden): secrets is forbidden: User "x" cannot list', Forbidden),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", Unreachable),
        ("dial tcp 10.0.0.1:443: i/o timeout", Unreachable),
        ("dial tcp: lookup api.example on 10.0.0.2:53: no such host", Unreachable),
        ("unexpected EOF", Unreachable),
        ('error: context "x" does not exist', NoContext),
    ],
)
def test_what_kubectl_says_becomes_the_error_it_means(said: str, error: type[KubeloreError]) -> None:
    assert type(failure(said)) is error
    assert failure(said).hint or error is Forbidden


def test_log_prefixes_and_repeats_are_left_out() -> None:
    line = (
        b"E1123 03:05:06.876243 8646 proxy_server.go:147] Error while proxying request: dial tcp: refused\n"
    )
    assert plain(line * 3 + b"\n  \nlast words\n") == "dial tcp: refused\nlast words"


# -- ending -----------------------------------------------------------------------------------------------

CHILD = """
import os, signal, sys, time
from kubelore.cluster.live.kubectl import Kubectl
from kubelore.cluster.live.proxy import Proxy
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in some test runners
kubectl = Kubectl.find(kubeconfig=sys.argv[1])
proxy = Proxy(kubectl, kubectl.read_context())
print(proxy.folder, flush=True)
match sys.argv[2]:
    case "exit": sys.exit(0)
    case "error": raise RuntimeError("on purpose")
    case "abort": os.abort()
    case "wait": time.sleep(60)
"""


def processes(text: str) -> list[str]:
    shown = subprocess.run(
        ["ps", "-eww", "-o", "pid=,args="], capture_output=True, text=True, check=True
    ).stdout
    return [line for line in shown.splitlines() if text in line]


def gone(folder: str, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not os.path.exists(folder) and not processes(folder):
            return True
        time.sleep(0.05)
    return False


@contextmanager
def child(folder: Path, way: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that holds a proxy, in a session of its own, and the proxy's folder."""
    kubeconfig = write_kubeconfig(folder, "https://127.0.0.1:1", {"token": "t"})
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(kubeconfig), way],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            private = process.stdout.readline().strip()
            assert private
            yield process, private
            process.wait(10)
        finally:
            process.kill()


@pytest.mark.parametrize("way", ["exit", "error", "abort"])
def test_child_and_socket_are_gone_when_we_end(tmp_path: Path, way: str) -> None:
    with child(tmp_path, way) as (_, folder):
        pass
    assert gone(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_child_and_socket_are_gone_when_we_are_killed(tmp_path: Path, number: signal.Signals) -> None:
    with child(tmp_path, "wait") as (process, folder):
        assert processes(f"{folder}/api")
        process.send_signal(number)
    assert gone(folder)


def test_ctrl_c_for_the_whole_terminal_leaves_nothing(tmp_path: Path) -> None:
    with child(tmp_path, "wait") as (process, folder):
        os.killpg(process.pid, signal.SIGINT)
    assert gone(folder)


def test_a_long_temporary_folder_does_not_break_the_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    kubectl = Kubectl.find(kubeconfig=str(write_kubeconfig(tmp_path, "https://127.0.0.1:1", {"token": "t"})))
    with Proxy(kubectl, kubectl.read_context()) as proxy:
        assert proxy.socket.exists()


def test_closing_twice_is_harmless_and_leaves_nothing(tmp_path: Path) -> None:
    kubectl = Kubectl.find(kubeconfig=str(write_kubeconfig(tmp_path, "https://127.0.0.1:1", {"token": "t"})))
    proxy = Proxy(kubectl, kubectl.read_context())
    assert proxy.running
    proxy.close()
    proxy.close()
    assert not proxy.running
    assert gone(str(proxy.folder), 1)


def test_a_folder_left_by_the_dead_is_swept_and_one_in_use_is_not(tmp_path: Path) -> None:
    stale = Path(tempfile.mkdtemp(prefix=PREFIX))
    (stale / "lock").touch()
    kubectl = Kubectl.find(kubeconfig=str(write_kubeconfig(tmp_path, "https://127.0.0.1:1", {"token": "t"})))
    with Proxy(kubectl, kubectl.read_context()) as proxy:
        hour_ago = time.time() - 3600
        for folder in (stale, proxy.folder):
            os.utime(folder, (hour_ago, hour_ago))
        sweep()
        assert not stale.exists()
        assert proxy.running
        assert proxy.socket.exists()
