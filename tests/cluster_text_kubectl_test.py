"""What the real kubectl prints of known objects reads back as these objects, and as nothing else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster_snapshot_support import CAPTURED_AT, write_recording
from kubelore.cluster.app import create_app
from kubelore.cluster.kinds import find
from kubelore.cluster.snapshot import load
from kubelore.cluster.text.describe import describe
from kubelore.cluster.text.merge import Source
from kubelore.cluster.text.tables import objects, read_tables
from live_support import KUBECTL, TOKEN, needs_kubectl, served, write_kubeconfig

pytestmark = needs_kubectl

NOW = datetime.fromisoformat(CAPTURED_AT)
OBJECTS = [o for o in yaml.safe_load_all((Path(__file__).parent / "data" / "printed.yaml").read_text()) if o]
KINDS = sorted({o["kind"] for o in OBJECTS} - {"Event", "Lease"})

NOT_PRINTED = {
    "uid", "generation", "observedGeneration", "lastTransitionTime", "apiGroup", "apiVersion", "pathType",
    "restartPolicy", "clusterIPs", "kubeProxyVersion", "metrics",
}  # fmt: skip
"""Fields that kubectl describes for no kind."""
NOT_DESCRIBED = {
    ("ConfigMap", "binaryData"): "sizes only",
    ("PersistentVolumeClaim", "accessModes"): "those of the volume only",
    ("PersistentVolumeClaim", "resources"): "likewise",
}


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("printed")
    app = create_app(load(write_recording(folder / "recording", OBJECTS)))
    with served(app, folder) as url:
        config = write_kubeconfig(folder, url, {"token": TOKEN})

        def run(*arguments: str) -> str:
            command = (str(KUBECTL), f"--kubeconfig={config}", f"--cache-dir={folder}", *arguments)
            environment = {**os.environ, "TZ": "Asia/Kathmandu"}
            ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
            return ran.stdout

        yield run


def original(kind: str, obj: dict[str, Any]) -> dict[str, Any]:
    return next(
        o
        for o in OBJECTS
        if o["kind"] == kind
        and all(o["metadata"].get(f) == obj["metadata"].get(f) for f in ("name", "namespace"))
    )


def is_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(is_empty, value.values()))
    return value in (None, "", [], 0, False)


def differences(said: Any, true: Any, path: str = "") -> Iterator[str]:
    """Where `said` tells something else than `true`. Empty is like absent; times may be cut to seconds."""
    if isinstance(said, dict) and isinstance(true, dict):
        for key, value in said.items():
            yield from differences(value, true.get(key), f"{path}.{key}")
    elif isinstance(said, list) and isinstance(true, list) and len(said) == len(true):
        for index, pair in enumerate(zip(said, true, strict=True)):
            yield from differences(*pair, f"{path}[{index}]")
    elif said != true and not (is_empty(said) and is_empty(true)):
        yield f"{path}: {said!r}, and it is {true!r}"


def left_out(said: Any, true: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of what `true` has and `said` does not tell."""
    if isinstance(true, dict):
        for key, value in true.items():
            yield from left_out(said.get(key) if isinstance(said, dict) else None, value, (*path, key))
    elif isinstance(true, list):
        for index, value in enumerate(true):
            there = isinstance(said, list) and index < len(said)
            yield from left_out(said[index] if there else None, value, path)
    elif not is_empty(true) and is_empty(said):
        yield path


def known_forms(obj: dict[str, Any]) -> dict[str, Any]:
    """The object with what every printer rewrites: order of taints and tolerations, defaults, times."""
    spec = obj.get("spec") or {}
    for name in ("taints", "tolerations"):
        if name in spec:
            spec[name] = sorted(spec[name], key=lambda t: str(t.get("key", "")))
    return obj


def described(kind: str, text: str) -> list[dict[str, Any]]:
    parts = describe(kind, text, "shop", NOW)
    return [o for source, o in parts if source is Source.DESCRIPTION and o["kind"] == kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_description_tells_the_object_and_nothing_else(kind: str, kubectl: Any) -> None:
    resource = find(kind)
    assert resource is not None
    found = described(kind, kubectl("describe", resource.resource, "-A"))
    assert sorted(o["metadata"]["name"] for o in found) == sorted(
        o["metadata"]["name"] for o in OBJECTS if o["kind"] == kind
    )
    for obj in found:
        true = known_forms(yaml.safe_load(yaml.safe_dump(original(kind, obj))))
        said = known_forms({k: v for k, v in obj.items() if k != "apiVersion"})
        assert [d for d in differences(said, true) if not allowed(kind, d)] == []
        missing = {p for p in left_out(said, true) if not NOT_PRINTED & set(p)}
        assert {p for p in missing if not expected_gap(kind, p)} == set()


def allowed(kind: str, difference: str) -> bool:
    """Protocols and operators that the API server would have filled in; sizes in place of bytes."""
    return difference.endswith("'TCP', and it is None") or difference.startswith(
        (".metadata.annotations.storageclass", ".binaryData")
    )


def expected_gap(kind: str, path: tuple[str, ...]) -> bool:
    if any((kind, part) in NOT_DESCRIBED for part in path):
        return True
    last = path[-1]
    created = last == "creationTimestamp" and kind not in {"Deployment", "StatefulSet", "Node"}
    of_conditions = path[:2] == ("status", "conditions") and last in {"message", "reason"}
    return (
        created
        or of_conditions
        or path[:1] == ("kind",)
        or (last == "message" and "waiting" in path)
        or (last == "image" and "status" in path)
        or (kind == "CronJob" and last == "namespace")
    )


@pytest.mark.parametrize("form", [(), ("-o", "wide"), ("--show-labels",)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_table_tells_nothing_that_the_object_is_not(kind: str, form: Sequence[str], kubectl: Any) -> None:
    resource = find(kind)
    assert resource is not None
    tables = read_tables(kubectl("get", resource.resource, "-A", *form))
    found = [o for table in tables for o in objects(kind, table.rows, "", NOW)]
    assert [t.unread for t in tables] == [0]
    assert len(found) == sum(o["kind"] == kind for o in OBJECTS)
    for obj in found:
        true, said = original(kind, obj), {k: v for k, v in obj.items() if k != "apiVersion"}
        if "--show-labels" in form:
            assert said["metadata"]["labels"] == (true["metadata"].get("labels") or {})
        assert [d for d in differences(said, true) if not rounded(d) and "<" not in d] == []


def rounded(difference: str) -> bool:
    """Ages are cut to their larger units; conditions, addresses and subjects are shown in part."""
    path = difference.partition(":")[0]
    return (
        "creationTimestamp" in path
        or "startedAt" in path
        or "finishedAt" in path
        or "lastScheduleTime" in path
        or path in {".status.conditions", ".status.addresses", ".spec.limits"}
        or path.startswith((".subjects[", ".metadata.annotations.storageclass"))
        or difference.endswith("'TCP', and it is None")
        or "notReadyAddresses" in difference  # our own server prints <none> for these
    )


def test_ages_count_back_from_the_time_of_printing(kubectl: Any) -> None:
    rows = read_tables(kubectl("get", "deployments", "-A"))[0].rows
    created = objects("deploy", rows, "", NOW)[0]["metadata"]["creationTimestamp"]
    true = datetime.fromisoformat("2026-02-20T10:00:00Z")
    assert timedelta() <= datetime.fromisoformat(created) - true < timedelta(days=1)


def test_events_of_a_description_and_of_a_table_are_the_same_events(kubectl: Any) -> None:
    name = "web-5d4f8c7b9-x2vjk"
    now = datetime.now(UTC)
    text = kubectl("describe", "pod", name, "-n", "shop")
    parts = [o for _, o in describe("pod", text, "shop", now) if o["kind"] == "Event"]
    told = {o["reason"]: o for o in parts}
    assert set(told) == {"BackOff", "Unhealthy"}
    assert told["BackOff"]["count"] == 12
    about = told["BackOff"]["involvedObject"]
    assert (about["kind"], about["namespace"], about["name"]) == ("Pod", "shop", name)
    assert told["BackOff"]["message"].startswith("Back-off restarting")
    assert "No such file" in told["Unhealthy"]["message"]
    for field in ("firstTimestamp", "lastTimestamp"):
        true = next(o for o in OBJECTS if o["kind"] == "Event" and o["reason"] == "BackOff")[field]
        said = datetime.fromisoformat(told["BackOff"][field])
        assert abs(said - datetime.fromisoformat(true)) < timedelta(days=2)
    rows = read_tables(kubectl("get", "events", "-A", "-o", "wide"))[0].rows
    listed = {o["reason"]: o for o in objects("events", rows, "", NOW)}
    assert listed["BackOff"]["count"] == 12
    assert listed["BackOff"]["metadata"]["name"] == told["BackOff"]["metadata"]["name"]
    assert listed["FailedCreate"]["involvedObject"]["kind"] == "ReplicaSet"


def test_a_node_s_description_tells_its_lease(kubectl: Any) -> None:
    parts = describe("node", kubectl("describe", "nodes"), "", NOW)
    leases = [o for source, o in parts if source is Source.MENTION]
    assert [(o["kind"], o["metadata"], o["spec"]["renewTime"]) for o in leases] == [
        ("Lease", {"name": "worker-1", "namespace": "kube-node-lease"}, "2026-02-27T10:59:50Z")
    ]


def test_a_namespace_s_description_tells_its_quotas(kubectl: Any) -> None:
    parts = describe("ns", kubectl("describe", "namespaces"), "", NOW)
    quota = next(o for source, o in parts if source is Source.MENTION)
    true = next(o for o in OBJECTS if o["kind"] == "ResourceQuota")
    assert (quota["kind"], quota["metadata"]["namespace"]) == ("ResourceQuota", "shop")
    assert quota["status"] == true["status"]
