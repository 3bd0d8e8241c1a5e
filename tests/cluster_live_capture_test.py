"""Recording a cluster: what comes back is what was there, nothing secret is written, a cut is survived."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from kubelore.cluster import open_snapshot
from kubelore.cluster.app import create_app
from kubelore.cluster.capture import capture
from kubelore.cluster.live import open_live
from kubelore.cluster.reader import Reader
from kubelore.cluster.snapshot import load
from kubelore.errors import NotReadable, UsageError
from kubelore.examples import path as example
from kubelore.redaction import redact, redact_object
from live_support import KUBECTL, TOKEN, Gate, Send, answer, needs_kubectl, served, status, write_kubeconfig

RECORDING = example("memory-limit")
KINDS = ("Pod", "Deployment", "ReplicaSet", "Service", "Event", "Node", "EndpointSlice", "ConfigMap", "Lease")
CANARY = "tR0ub4dor-and-3"


class Seen:
    """A progress bar that remembers."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int, str]] = []

    def advance(self, done: int, total: int, what: str) -> None:
        self.steps.append((done, total, what))


def written(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}


def logs_of(reader: Reader) -> dict[tuple[str, ...], str]:
    found = {}
    for pod in reader.list("Pod"):
        for container in pod["spec"]["containers"]:
            for previous in (False, True):
                where = pod["metadata"]["namespace"], pod["metadata"]["name"], container["name"]
                try:
                    found[*where, str(previous)] = reader.logs(*where, previous=previous)
                except NotReadable:
                    continue
    return found


def small_cluster(folder: Path, objects: dict[str, tuple[str, list[dict[str, Any]]]]) -> Path:
    """A recording written by hand: (List kind, items) by file name."""
    (folder / "objects").mkdir(parents=True)
    about = {
        "format_version": 1,
        "captured_at": "2026-03-01T12:00:00Z",
        "context": "c",
        "server_version": "v1.34.0",
    }
    (folder / "snapshot.json").write_text(json.dumps(about))
    for file, (kind, items) in objects.items():
        listing = {"kind": kind, "apiVersion": "v1", "items": items}
        (folder / "objects" / f"{file}.json").write_text(json.dumps(listing))
    return folder


def meta(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "namespace": "shop", **more}


# -- what comes back ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out", "out.tar.gz", "out.tgz", "out.tar.xz", "out.tar"])
def test_a_recording_read_back_has_the_same_objects_logs_and_metrics(tmp_path: Path, name: str) -> None:
    with open_snapshot(RECORDING) as source:
        done = capture(source, tmp_path / name)
        with open_snapshot(tmp_path / name) as copy:
            for kind in KINDS:
                assert list(copy.list(kind)) == [redact_object(item) for item in source.list(kind)]
                assert copy.readable(kind) == source.readable(kind)
            assert len(copy.list("Pod")) > 3
            assert logs_of(copy) == {key: redact(text) for key, text in logs_of(source).items()}
            assert any(previous == "True" for *_, previous in logs_of(copy))
            for kind in ("Pod", "Node"):
                assert list(copy.metrics(kind)) == list(source.metrics(kind))
            assert copy.info.now == source.info.now
            assert copy.info.server_version == source.info.server_version
            assert not copy.info.incomplete
    assert done.objects > 50
    assert done.logs > 3
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]


@needs_kubectl
def test_a_live_cluster_is_recorded_through_kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with live(tmp_path, monkeypatch) as reader:
        capture(reader, tmp_path / "out")
    with open_snapshot(tmp_path / "out") as copy, open_snapshot(RECORDING) as source:
        for kind in KINDS:
            assert list(copy.list(kind)) == [redact_object(item) for item in source.list(kind)]
        assert copy.info.context == "test"
        assert not copy.info.incomplete
        assert len(logs_of(copy)) == len(logs_of(source))


def test_an_empty_kind_is_known_to_be_empty_and_an_unreadable_one_to_be_unknown(tmp_path: Path) -> None:
    pods = [{"metadata": meta("a"), "spec": {"containers": []}}]
    source = small_cluster(tmp_path / "in", {"core_v1_pods": ("PodList", pods)})
    about = json.loads((source / "snapshot.json").read_text())
    about |= {"recorded": ["pods", "jobs.batch"], "errors": {"nodes": "forbidden: no"}}
    (source / "snapshot.json").write_text(json.dumps(about))
    with open_snapshot(source) as reader:
        done = capture(reader, tmp_path / "out")
    with open_snapshot(tmp_path / "out") as copy:
        assert copy.readable("Job")
        assert copy.list("Job") == []
        assert not copy.readable("Node")
        assert "forbidden: no" in {n.what: n.why for n in copy.not_checked()}["nodes"]
    assert "forbidden: no" in {n.what: n.why for n in done.not_checked}["nodes"]


def test_custom_resources_that_matter_are_recorded(tmp_path: Path) -> None:
    rollout = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": meta("web"),
        "status": {"phase": "Degraded"},
    }
    other = {"apiVersion": "example.org/v1", "kind": "Blob", "metadata": meta("b")}
    source = small_cluster(
        tmp_path / "in",
        {
            "argoproj.io_v1alpha1_rollouts": ("RolloutList", [rollout]),
            "example.org_v1_blobs": ("BlobList", [other]),
        },
    )
    with open_snapshot(source) as reader:
        capture(reader, tmp_path / "out")
    with open_snapshot(tmp_path / "out") as copy:
        assert copy.list("rollouts.argoproj.io") == [rollout]
    assert not any("blobs" in file for file in written(tmp_path / "out"))


def test_one_namespace_keeps_its_objects_and_the_cluster_scoped_ones(tmp_path: Path) -> None:
    with open_snapshot(RECORDING) as source:
        capture(source, tmp_path / "out", namespaces=("shop",))
    with open_snapshot(tmp_path / "out") as copy:
        assert {pod["metadata"]["namespace"] for pod in copy.list("Pod")} == {"shop"}
        assert copy.list("Node")
        assert {namespace for namespace, *_ in logs_of(copy)} == {"shop"}


def test_logs_are_as_long_as_asked_and_can_be_left_out(tmp_path: Path) -> None:
    with open_snapshot(RECORDING) as source:
        capture(source, tmp_path / "three", logs_tail=3)
        capture(source, tmp_path / "none", logs_tail=0)
    lengths = [
        len(text.splitlines()) for name, text in written(tmp_path / "three").items() if name.endswith(".log")
    ]
    assert max(lengths) == 3
    assert not (tmp_path / "none" / "logs").exists()


def test_progress_counts_up_to_its_total(tmp_path: Path) -> None:
    seen = Seen()
    with open_snapshot(RECORDING) as source:
        capture(source, tmp_path / "out", progress=seen)
    assert [done for done, _, _ in seen.steps] == list(range(1, len(seen.steps) + 1))
    assert {total for _, total, _ in seen.steps} == {len(seen.steps)}
    assert any("pods" in what for _, _, what in seen.steps)


# -- nothing secret ---------------------------------------------------------------------------------------


RAN = {"containerStatuses": [{"name": "c", "containerID": "containerd://1", "state": {"running": {}}}]}


class Leaky(Reader):
    """A reader that returns Secrets with their values, as no reader of ours does."""

    def list(self, kind: str) -> Any:
        items = super().list(kind)
        if kind != "secrets":
            return items
        return [{**item, "data": dict.fromkeys(item["data"], CANARY)} for item in items]


def test_nothing_secret_is_written(tmp_path: Path) -> None:
    applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": {"password": CANARY}})}
    environment = [{"name": "DB_PASSWORD", "value": CANARY}, {"name": "DB_HOST", "value": "db"}]
    pod = {"metadata": meta("a"), "spec": {"containers": [{"name": "c", "env": environment}]}, "status": RAN}
    secret = {"metadata": meta("db", annotations=applied), "type": "Opaque", "data": {"password": CANARY}}
    source = small_cluster(
        tmp_path / "in",
        {"core_v1_pods": ("PodList", [pod]), "core_v1_secrets": ("SecretList", [secret])},
    )
    log = source / "logs/shop/a/c.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"2026-03-01T11:59:00Z connecting to postgres://app:{CANARY}@db:5432/shop\n")
    with open_snapshot(source) as reader:
        reader.__class__ = Leaky
        capture(reader, tmp_path / "out")
    everything = written(tmp_path / "out")
    assert not [name for name, text in everything.items() if CANARY in text]
    assert "connecting to postgres" in everything["logs/shop/a/c.log"]
    assert json.loads(everything["objects/core_v1_secrets.json"])["items"][0]["data"] == {"password": ""}
    assert "last-applied" not in everything["objects/core_v1_secrets.json"]
    assert "DB_HOST" in everything["objects/core_v1_pods.json"]


class Evil(Reader):
    """A reader of a server that has a log for whatever is asked."""

    def raw(self, path: str, *, accept: str = "application/json") -> bytes:
        return b"line"


def test_names_that_lead_out_of_the_folder_are_not_written(tmp_path: Path) -> None:
    ran = {"name": "../../../../escaped", "containerID": "containerd://1"}
    status = {"containerStatuses": [ran]}
    pod = {"metadata": {"name": "a", "namespace": "shop"}, "spec": {}, "status": status}
    source = small_cluster(tmp_path / "in", {"core_v1_pods": ("PodList", [pod])})
    with open_snapshot(source) as reader:
        reader.__class__ = Evil
        done = capture(reader, tmp_path / "out")
    assert done.logs == 0
    assert "is not a name" in {n.what: n.why for n in done.not_checked}["logs"]
    assert not list(tmp_path.rglob("*escaped*"))


# -- where to -----------------------------------------------------------------------------------------


def test_only_a_new_or_empty_place_is_written_to(tmp_path: Path) -> None:
    full, file, empty = tmp_path / "full", tmp_path / "file", tmp_path / "empty"
    full.mkdir()
    (full / "x").touch()
    file.touch()
    (tmp_path / "old.tar.gz").touch()
    empty.mkdir()
    with open_snapshot(RECORDING) as source:
        for out in (full, file, tmp_path / "old.tar.gz", file / "below"):
            with pytest.raises(UsageError):
                capture(source, out)
        capture(source, empty, logs_tail=0)
    assert sorted(full.iterdir()) == [full / "x"]


def test_nobody_else_can_read_a_recording(tmp_path: Path) -> None:
    with open_snapshot(RECORDING) as source:
        capture(source, tmp_path / "out", logs_tail=0)
        capture(source, tmp_path / "out.tar.gz", logs_tail=0)
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0
    assert (tmp_path / "out.tar.gz").stat().st_mode & 0o077 == 0


# -- cut short ------------------------------------------------------------------------------------------


@contextmanager
def live(folder: Path, monkeypatch: pytest.MonkeyPatch, **faults: Any) -> Iterator[Reader]:
    monkeypatch.setenv("KUBECTL", str(KUBECTL))
    monkeypatch.setenv("HOME", str(folder))
    with served(Gate(create_app(load(RECORDING)), TOKEN, faults), folder) as url:
        kubeconfig = write_kubeconfig(folder, url, {"token": TOKEN})
        with open_live(kubeconfig=str(kubeconfig)) as reader:
            yield reader


@needs_kubectl
def test_forbidden_kinds_and_logs_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forbid(send: Send, nth: int) -> bool:
        await answer(send, 403, status(403, "not for you"))
        return True

    with open_snapshot(RECORDING) as source:
        pod = next(key for key in logs_of(source))
    log = f"/api/v1/namespaces/{pod[0]}/pods/{pod[1]}/log"
    with live(tmp_path, monkeypatch, **{"/api/v1/nodes": forbid, log: forbid}) as reader:
        done = capture(reader, tmp_path / "out")
    problems = {n.what: n.why for n in done.not_checked}
    assert "not for you" in problems["nodes"]
    assert re.fullmatch(r"[12] of \d+ could not be read: .*not for you", problems["logs"])
    with open_snapshot(tmp_path / "out") as copy:
        assert not copy.readable("Node")
        assert not copy.info.incomplete


CHILD = """
import sys
from pathlib import Path
from kubelore.cluster.capture import capture
from kubelore.cluster.live import open_live

class Line:
    def advance(self, done, total, what):
        print(what, flush=True)

with open_live(kubeconfig=sys.argv[1]) as reader:
    capture(reader, Path(sys.argv[2]), progress=Line())
"""


@contextmanager
def capturing(folder: Path, hanging: str, name: str) -> Iterator[tuple[subprocess.Popen[str], Gate]]:
    """A process that records a served cluster into `folder`/`name` and waits forever at one path."""

    async def hang(send: Send, nth: int) -> bool:
        await anyio.sleep(60)
        return False

    app = Gate(create_app(load(RECORDING)), TOKEN, {hanging: hang})
    environment = os.environ | {"KUBECTL": str(KUBECTL), "HOME": str(folder)}
    with served(app, folder) as url:
        kubeconfig = write_kubeconfig(folder, url, {"token": TOKEN})
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, str(kubeconfig), str(folder / name)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
        ) as child:  # fmt: skip
            try:
                yield child, app
                assert child.wait(10) != 0
            finally:
                child.kill()


@needs_kubectl
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["out", "out.tar.gz"])
def test_a_capture_that_is_killed_is_readable_and_marked_incomplete(
    tmp_path: Path, number: signal.Signals, name: str
) -> None:
    with capturing(tmp_path, "/apis/networking.k8s.io/v1/ingresses", name) as (child, _):
        assert child.stdout is not None
        assert any("configmaps" in line for line in child.stdout)
        child.send_signal(number)
    left = tmp_path / ("out" if name == "out" else "out.tar.gz.partial")
    assert not (tmp_path / "out.tar.gz").exists()
    with open_snapshot(left) as copy:
        assert copy.info.incomplete
        assert copy.list("Pod")
        assert copy.readable("Pod")
        assert not copy.readable("Ingress")


@needs_kubectl
def test_a_capture_that_is_killed_before_its_first_list_says_so_too(tmp_path: Path) -> None:
    with capturing(tmp_path, "/api/v1/pods", "out") as (child, app):
        end = time.monotonic() + 10
        while not app.asked("/api/v1/pods") and time.monotonic() < end:
            time.sleep(0.02)
        child.kill()
    with open_snapshot(tmp_path / "out") as copy:
        assert copy.info.incomplete
        assert not copy.readable("Pod")


def test_a_full_disk_is_said_and_what_was_recorded_stays(tmp_path: Path) -> None:
    command = f"ulimit -f 40; exec {sys.executable} -c '{FULL}' {RECORDING} {tmp_path / 'out'}"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert "SnapshotError" in done.stdout, done.stderr
    assert "marked incomplete" in done.stdout
    assert open_snapshot(tmp_path / "out").info.incomplete


FULL = """
import signal, sys
from pathlib import Path
from kubelore.cluster import open_snapshot
from kubelore.cluster.capture import capture
from kubelore.errors import KubeloreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open_snapshot(sys.argv[1]) as reader:
    try:
        capture(reader, Path(sys.argv[2]))
    except KubeloreError as error:
        print(type(error).__name__, error, error.hint)
"""


def test_an_archive_holds_nothing_but_the_recording(tmp_path: Path) -> None:
    with open_snapshot(RECORDING) as source:
        capture(source, tmp_path / "out.tar.gz")
    with tarfile.open(tmp_path / "out.tar.gz") as tar:
        tops = {name.split("/")[0] for name in tar.getnames()}
    assert tops == {"snapshot.json", "objects", "metrics", "logs"}
