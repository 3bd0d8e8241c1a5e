"""Secrets of a live cluster: which exist and which keys they have, and never a value."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
import trustme

from kubelore.cluster.live.certificates import validity
from kubelore.cluster.live.kubectl import Kubectl
from kubelore.cluster.live.secrets import NOT_AFTER, NOT_BEFORE, read_secrets, secret
from kubelore.errors import CredentialsRejected, Forbidden, NotReadable
from live_support import KUBECTL, Gate, Scope, Send, answer, needs_kubectl, served, status, write_kubeconfig

pytestmark = needs_kubectl
VALUE = "c3VwZXItc2VjcmV0LXZhbHVl"
START = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


def pem(end: datetime) -> bytes:
    return trustme.CA().issue_cert("shop.example", not_before=START, not_after=end).cert_chain_pems[0].bytes()


CERTIFICATE = pem(START + timedelta(days=90))


def stored(namespace: str, name: str, kind: str = "Opaque", **data: str) -> dict[str, Any]:
    """A Secret as the API server has it: values and the copy that `kubectl apply` leaves of them."""
    metadata = {
        "name": name, "namespace": namespace, "uid": f"uid-{name}",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": VALUE},
    }  # fmt: skip
    values = {"data": {key.replace("_", "."): value for key, value in data.items()}} if data else {}
    return {"metadata": metadata, "type": kind, **values}


TLS = "kubernetes.io/tls"
SECRETS = [
    stored("shop", "db", password=VALUE, user_name=VALUE),
    stored("shop", "empty"),
    stored("edge", "web", TLS, tls_crt=base64.b64encode(CERTIFICATE).decode(), tls_key=VALUE),
    stored("edge", "half", TLS, tls_key=VALUE),
    stored("edge", "none", TLS),
    stored("edge", "odd", 'a "quoted"\n\u0007type', k=VALUE),
]


async def api(scope: Scope, receive: Any, send: Send) -> None:
    """Just enough of an API server for `kubectl get secrets`."""
    path = scope["path"]
    version = {"kind": "APIVersions", "versions": ["v1"]}
    resource = {
        "name": "secrets",
        "singularName": "",
        "namespaced": True,
        "kind": "Secret",
        "verbs": ["list"],
    }
    resources = {"kind": "APIResourceList", "groupVersion": "v1", "resources": [resource]}
    namespace = path.split("/")[4] if "/namespaces/" in path else ""
    items = [s for s in SECRETS if namespace in ("", s["metadata"]["namespace"])]
    if path == "/api":
        await answer(send, 200, version)
    elif path == "/apis":
        await answer(send, 200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": []})
    elif path == "/api/v1":
        await answer(send, 200, resources)
    else:
        await answer(send, 200, {"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": items})


@contextmanager
def kubectl_for(folder: Path, **faults: Any) -> Iterator[Kubectl]:
    with served(Gate(api, faults=faults), folder) as url:
        kubeconfig = write_kubeconfig(folder, url, {"token": "t"})
        yield Kubectl(str(KUBECTL), kubeconfig=str(kubeconfig))


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def test_keys_are_listed_and_values_are_not(tmp_path: Path) -> None:
    with kubectl_for(tmp_path) as kubectl:
        read = read_secrets(kubectl, timeout=10)
    assert read.problem == ""
    found = {s["metadata"]["name"]: s for s in read.items}
    assert set(found) == {"db", "empty", "web", "half", "none", "odd"}
    assert found["db"]["data"] == {"password": "", "user.name": ""}
    assert found["db"]["metadata"] == {
        "name": "db", "namespace": "shop", "uid": "uid-db", "creationTimestamp": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    assert found["empty"]["data"] == {}
    assert found["web"]["data"] == {"tls.crt": "", "tls.key": ""}
    assert found["odd"]["type"] == 'a "quoted"\n\u0007type'
    assert VALUE not in str(read.items)
    assert {s["kind"] for s in read.items} == {"Secret"}


def test_values_do_not_even_reach_this_process(tmp_path: Path) -> None:
    printed, overhearing = tmp_path / "printed", tmp_path / "overhearing-kubectl"
    overhearing.write_text(f'#!/bin/sh\n"{KUBECTL}" "$@" 2>&1 | tee "{printed}"\n')
    overhearing.chmod(0o700)
    with kubectl_for(tmp_path) as kubectl:
        assert read_secrets(replace(kubectl, path=str(overhearing)), timeout=10).items
    assert "password" in printed.read_text()
    assert VALUE not in printed.read_text()


def test_the_dates_of_a_tls_certificate_are_kept(tmp_path: Path) -> None:
    with kubectl_for(tmp_path) as kubectl:
        found = {
            s["metadata"]["name"]: s["metadata"].get("annotations")
            for s in read_secrets(kubectl, timeout=10).items
        }
    assert found["web"] == {NOT_BEFORE: "2024-01-02T03:04:05Z", NOT_AFTER: "2024-04-01T03:04:05Z"}
    assert found["half"] is None
    assert found["db"] is None


def test_one_namespace_only(tmp_path: Path) -> None:
    with kubectl_for(tmp_path) as kubectl:
        read = read_secrets(kubectl, ("shop",), timeout=10)
    assert [s["metadata"]["name"] for s in read.items] == ["db", "empty"]


async def forbid(send: Send, nth: int) -> bool:
    body = status(403, 'secrets is forbidden: User "jane" cannot list resource "secrets"') | {
        "reason": "Forbidden"
    }
    await answer(send, 403, body)
    return True


def test_forbidden_everywhere_is_forbidden(tmp_path: Path) -> None:
    faults = {"/api/v1/secrets": forbid, "/api/v1/namespaces/shop/secrets": forbid}
    with kubectl_for(tmp_path, **faults) as kubectl, pytest.raises(Forbidden, match="cannot list"):
        read_secrets(kubectl, fallback="shop", timeout=10)


def test_forbidden_cluster_wide_reads_the_own_namespace_and_says_so(tmp_path: Path) -> None:
    with kubectl_for(tmp_path, **{"/api/v1/secrets": forbid}) as kubectl:
        read = read_secrets(kubectl, fallback="shop", timeout=10)
    assert [s["metadata"]["name"] for s in read.items] == ["db", "empty"]
    assert read.problem.startswith("only namespace shop")


def test_rejected_credentials_are_said(tmp_path: Path) -> None:
    async def reject(send: Send, nth: int) -> bool:
        await answer(send, 401, status(401, "Unauthorized") | {"reason": "Unauthorized"})
        return True

    with kubectl_for(tmp_path, **{"/api/v1/secrets": reject}) as kubectl, pytest.raises(CredentialsRejected):
        read_secrets(kubectl, timeout=10)


def test_a_list_that_takes_too_long_is_not_readable(tmp_path: Path) -> None:
    async def sleep(send: Send, nth: int) -> bool:
        await anyio.sleep(4)
        return False

    with kubectl_for(tmp_path, **{"/api/v1/secrets": sleep}) as kubectl, pytest.raises(NotReadable):
        read_secrets(kubectl, timeout=1)


def test_output_of_another_form_is_not_taken_for_secrets() -> None:
    with pytest.raises(NotReadable):
        secret("No resources found")
    with pytest.raises(NotReadable):
        secret('("only","two")')


def test_dates_agree_with_a_full_certificate_parser() -> None:
    for end in (datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC), datetime(2077, 1, 1, tzinfo=UTC)):  # two encodings
        assert validity(b"bag attributes\n" + pem(end) + pem(START + timedelta(1))) == (START, end)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a certificate",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----",
        CERTIFICATE[: len(CERTIFICATE) // 2] + b"\n-----END CERTIFICATE-----\n",
    ],
)
def test_what_is_no_certificate_has_no_dates(content: bytes) -> None:
    assert validity(content) is None


def test_any_damage_to_a_certificate_is_survived() -> None:
    der = base64.b64decode(b"".join(CERTIFICATE.splitlines()[1:-1]))
    for at in range(200):
        damaged = base64.b64encode(der[:at] + bytes([der[at] ^ 0xFF]) + der[at + 1 :])
        validity(b"-----BEGIN CERTIFICATE-----\n" + damaged + b"\n-----END CERTIFICATE-----")
