"""What `kubelore doctor` says of a live cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubelore.cluster.app import create_app
from kubelore.cluster.live.doctor import Check, checks
from kubelore.cluster.snapshot import load
from kubelore.examples import path as example
from live_support import KUBECTL, TOKEN, Gate, Send, answer, needs_kubectl, served, status, write_kubeconfig

pytestmark = needs_kubectl


@pytest.fixture(autouse=True)
def _kubectl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECTL", str(KUBECTL))
    monkeypatch.setenv("HOME", str(tmp_path))


async def forbid(send: Send, nth: int) -> bool:
    await answer(send, 403, status(403, "not for you"))
    return True


def look(folder: Path, token: str = TOKEN, **faults: object) -> dict[str, Check]:
    app = Gate(create_app(load(example("memory-limit"))), TOKEN, faults)  # type: ignore[arg-type]
    with served(app, folder) as url:
        kubeconfig = write_kubeconfig(folder, url, {"token": token}, "shop")
        return {check.what: check for check in checks(kubeconfig=str(kubeconfig))}


def test_what_works_is_said_with_versions_and_names(tmp_path: Path) -> None:
    found = look(tmp_path)
    assert found["kubectl"].ok
    assert "v1." in found["kubectl"].detail
    assert str(KUBECTL) in found["kubectl"].detail
    assert found["context"].ok
    assert "test at https://127.0.0.1" in found["context"].detail
    assert "namespace shop" in found["context"].detail
    assert found["API server"].ok
    assert "v1.34.4" in found["API server"].detail
    assert found["metrics API"].ok
    assert "list pods" not in found


def test_a_kind_that_may_not_be_listed_has_its_own_line(tmp_path: Path) -> None:
    found = look(tmp_path, **{"/api/v1/nodes": forbid, "/api/v1/pods": forbid})
    assert not found["permissions"].ok
    assert "not for you" in found["list nodes"].detail
    assert found["list pods"].detail == "only in namespace shop"
    assert "list services" not in found


def test_a_cluster_without_metrics_gets_a_hint(tmp_path: Path) -> None:
    async def absent(send: Send, nth: int) -> bool:
        await answer(send, 404, status(404, "the server could not find the requested resource"))
        return True

    found = look(tmp_path, **{"/apis/metrics.k8s.io/v1beta1/nodes": absent})
    assert not found["metrics API"].ok
    assert "metrics-server" in found["metrics API"].hint


def test_it_ends_at_the_first_thing_that_the_rest_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = look(tmp_path, token="expired")
    assert list(found) == ["kubectl", "context", "API server"]
    assert not found["API server"].ok
    assert found["API server"].hint
    nowhere = checks(kubeconfig=str(tmp_path / "nowhere"))
    assert [(check.what, check.ok) for check in nowhere] == [("kubectl", True), ("context", False)]
    monkeypatch.setenv("KUBECTL", "")
    monkeypatch.setenv("PATH", "")
    missing = checks()
    assert [(check.what, check.ok) for check in missing] == [("kubectl", False)]
    assert "install kubectl" in missing[0].hint
