"""Recordings in their three formats, from folders and archives, whole, partial and broken."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster_snapshot_support import LOGS, cluster_objects, named, write, write_recording
from kubelore.cluster import open_snapshot
from kubelore.cluster.snapshot import load
from kubelore.errors import NotReadable, SnapshotError


def pack(folder: Path, archive: Path, mode: str) -> Path:
    with tarfile.open(archive, mode) as tar:  # type: ignore[call-overload]
        tar.add(folder, folder.name)
    return archive


def pods(*names: str) -> list[dict[str, Any]]:
    return [o for o in cluster_objects() if o["kind"] == "Pod" and o["metadata"]["name"] in names]


def listed(kind: str, items: list[dict[str, Any]]) -> str:
    return json.dumps({"kind": f"{kind}List", "apiVersion": "v1", "items": items})


# -- kubelore's own format ---------------------------------------------------------------------------------
def test_items_carry_the_kind_that_their_list_had(tmp_path: Path) -> None:
    with open_snapshot(write_recording(tmp_path)) as cluster:
        assert {(d["kind"], d["apiVersion"]) for d in cluster.list("Deployment")} == {
            ("Deployment", "apps/v1")
        }
        assert cluster.info.server_version == "v1.34.1"
        assert cluster.info.now.isoformat() == "2026-03-01T12:00:00+00:00"


@pytest.mark.parametrize(("suffix", "mode"), [("tar.gz", "w:gz"), ("tar.xz", "w:xz"), ("tar", "w")])
def test_an_archive_reads_like_its_folder(tmp_path: Path, suffix: str, mode: str) -> None:
    folder = write_recording(tmp_path / "recording")
    archive = pack(folder, tmp_path / f"recording.{suffix}", mode)
    with open_snapshot(folder) as one, open_snapshot(archive) as other:
        for kind in ("Pod", "Event", "Certificate", "PodMetrics"):
            assert list(one.list(kind)) == list(other.list(kind))
        assert one.logs("web", "api-7c9d-bad", "main") == other.logs("web", "api-7c9d-bad", "main")


def test_every_recorded_log_is_readable(tmp_path: Path) -> None:
    with open_snapshot(write_recording(tmp_path)) as cluster:
        for path, text in LOGS.items():
            namespace, pod, file = path.split("/")
            container = file.removesuffix(".log").removesuffix(".previous")
            previous = file.endswith(".previous.log")
            assert cluster.logs(namespace, pod, container, previous=previous) == text


def test_custom_kinds_go_by_all_names_of_their_definition(tmp_path: Path) -> None:
    with open_snapshot(write_recording(tmp_path)) as cluster:
        for name in ("Certificate", "certificates.cert-manager.io", "cert", "CERTIFICATES"):
            assert named(cluster.list(name)) == ["site"]
            assert cluster.readable(name)


def test_events_of_the_newer_api_are_read_as_core_events(tmp_path: Path) -> None:
    event = {
        "kind": "Event",
        "apiVersion": "events.k8s.io/v1",
        "metadata": {"name": "e", "namespace": "web"},
        "regarding": {"kind": "Pod", "namespace": "web", "name": "waits"},
        "note": "no nodes",
        "reason": "FailedScheduling",
        "type": "Warning",
        "deprecatedCount": 3,
    }
    with open_snapshot(write_recording(tmp_path, [event])) as cluster:
        (core,) = cluster.list("Event")
        assert (core["message"], core["involvedObject"]["name"], core["count"]) == ("no nodes", "waits", 3)
        (newer,) = cluster.list("events.events.k8s.io")
        assert (newer["note"], newer["regarding"]["name"]) == ("no nodes", "waits")


def test_secret_values_are_gone_and_keys_stay(tmp_path: Path) -> None:
    secret = {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {
            "name": "s",
            "namespace": "web",
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"password":"aHVudGVyMg=="}}',
                "team": "shop",
            },
        },
        "data": {"password": "aHVudGVyMg=="},
        "stringData": {"token": "hunter2"},
    }
    unknown = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "t", "namespace": "web"}}
    with open_snapshot(write_recording(tmp_path, [secret, unknown])) as cluster:
        first, second = cluster.list("Secret")
        assert first["data"] == {"password": ""}
        assert first["metadata"]["annotations"] == {"team": "shop"}
        assert "data" not in second
        everything = cluster.raw("/api/v1/secrets")
    assert b"hunter2" not in everything
    assert b"aHVudGVyMg" not in everything


# -- what was not recorded ---------------------------------------------------------------------------------
def test_a_kind_without_file_is_empty_where_most_kinds_were_recorded(tmp_path: Path) -> None:
    objects = [o for o in cluster_objects() if o["kind"] not in {"PersistentVolumeClaim", "StorageClass"}]
    with open_snapshot(write_recording(tmp_path, objects)) as cluster:
        assert not cluster.list("PersistentVolumeClaim")
        assert cluster.readable("PersistentVolumeClaim")
        assert cluster.readable("StorageClass")
        assert not cluster.not_checked()


def test_a_kind_that_every_cluster_has_was_not_recorded_when_its_file_is_missing(tmp_path: Path) -> None:
    objects = [o for o in cluster_objects() if o["kind"] not in {"Secret", "Node"}]
    with open_snapshot(write_recording(tmp_path, objects)) as cluster:
        for kind in ("Secret", "Node", "ClusterRole"):
            assert not cluster.readable(kind)
        assert {n.what for n in cluster.not_checked()} == {
            "secrets", "nodes", "clusterroles.rbac.authorization.k8s.io",
        }  # fmt: skip


def test_nothing_is_known_to_be_empty_where_few_kinds_were_recorded(tmp_path: Path) -> None:
    with open_snapshot(write_recording(tmp_path, pods("waits"))) as cluster:
        assert cluster.readable("Pod")
        assert not cluster.readable("PersistentVolumeClaim")


def test_the_list_of_recorded_kinds_decides_where_there_is_one(tmp_path: Path) -> None:
    about = {"recorded": ["pods", "secrets"], "errors": {"nodes": "forbidden (403)"}}
    with open_snapshot(write_recording(tmp_path, about=about)) as cluster:
        assert cluster.readable("Pod")
        assert cluster.list("Service")
        assert not cluster.readable("Service"), "has a file, but was not read to its end"
        assert not cluster.readable("LimitRange")
        why = {n.what: n.why for n in cluster.not_checked()}
    assert why["services"] == "recording of this kind was cut short"


def test_a_recorded_kind_without_file_has_no_object(tmp_path: Path) -> None:
    about = {"recorded": ["pods", "secrets"]}
    with open_snapshot(write_recording(tmp_path, pods("waits"), about)) as cluster:
        assert cluster.readable("Secret")
        assert not cluster.list("Secret")


def test_the_reason_of_the_recorder_is_the_one_that_is_reported(tmp_path: Path) -> None:
    about = {"errors": {"secrets": "forbidden: no list", "metrics": "the metrics API did not answer"}}
    with open_snapshot(write_recording(tmp_path, pods("waits"), about)) as cluster:
        assert not cluster.list("Secret")
        assert not cluster.metrics("Pod")
        why = {n.what: n.why for n in cluster.not_checked()}
    assert why["secrets"] == "forbidden: no list"
    assert why["pods.metrics.k8s.io"] == "the metrics API did not answer"


def test_an_incomplete_recording_proves_no_absence(tmp_path: Path) -> None:
    with open_snapshot(write_recording(tmp_path, about={"incomplete": True})) as cluster:
        assert cluster.info.incomplete
        assert not cluster.readable("IngressClass")


# -- broken recordings -------------------------------------------------------------------------------------
def test_one_corrupt_file_makes_its_kind_unreadable_and_no_other(tmp_path: Path) -> None:
    write_recording(tmp_path)
    file = tmp_path / "objects" / "core_v1_services.json"
    file.write_text(file.read_text()[:-40])
    with open_snapshot(tmp_path) as cluster:
        assert not cluster.readable("Service")
        assert cluster.readable("Pod")
        (problem,) = cluster.not_checked()
    assert problem.what == "services"
    assert "core_v1_services.json" in problem.why


@pytest.mark.parametrize("item", ["x", {"metadata": {}}, {"metadata": {"name": "x", "labels": ["a"]}}, None])
def test_items_that_are_no_objects_make_a_list_partial(tmp_path: Path, item: Any) -> None:
    write_recording(tmp_path)
    write(
        tmp_path / "objects" / "core_v1_services.json",
        listed("Service", [item, {"metadata": {"name": "good"}}]),
    )
    with open_snapshot(tmp_path) as cluster:
        assert named(cluster.list("Service")) == ["good"]
        assert not cluster.readable("Service")
        assert "1 of 2 items" in str(cluster.not_checked()[0])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty file"),
        ('{"format_version": 1', "not valid, or cut short"),
        ("[]", "not an object"),
        ('{"format_version": 99, "captured_at": "2026-03-01T12:00:00Z"}', "format_version is 99"),
        ('{"format_version": 1}', "captured_at"),
        ('{"format_version": 1, "captured_at": "yesterday"}', "'yesterday'"),
        ('{"format_version": 1, "captured_at": "2026-03-01T12:00:00Z", "errors": []}', "errors is not"),
    ],
)
def test_a_broken_description_is_named_with_its_reason(tmp_path: Path, text: str, reason: str) -> None:
    write_recording(tmp_path)
    write(tmp_path / "snapshot.json", text)
    with pytest.raises(SnapshotError, match=reason) as raised:
        load(tmp_path)
    assert "snapshot.json" in str(raised.value)


def test_what_is_no_recording_is_told_so(tmp_path: Path) -> None:
    write(tmp_path / "folder" / "notes.txt", "hello")
    write(tmp_path / "notes.txt", "hello")
    (tmp_path / "nothing").mkdir()
    empty = pack(tmp_path / "nothing", tmp_path / "empty.tar.gz", "w:gz")
    whole = pack(write_recording(tmp_path / "recording"), tmp_path / "whole.tar.xz", "w:xz")
    cut = tmp_path / "cut.tar.xz"
    cut.write_bytes(whole.read_bytes()[:2000])
    for path, reason in {
        tmp_path / "absent": "no such file",
        tmp_path / "folder": "not a recording",
        tmp_path / "nothing": "empty",
        tmp_path / "notes.txt": "not a readable tar archive",
        empty: "empty",
        cut: "cut short",
    }.items():
        with pytest.raises(SnapshotError, match=reason) as raised:
            load(path)
        assert str(path) in str(raised.value)


def test_a_folder_of_recordings_asks_for_one(tmp_path: Path) -> None:
    write_recording(tmp_path / "one")
    write_recording(tmp_path / "two")
    with pytest.raises(SnapshotError, match="holds 2 recordings"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["../outside.json", "/outside.json", "a/../../outside.json"])
def test_an_archive_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "evil.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = 2
        tar.addfile(member, io.BytesIO(b"{}"))
    with pytest.raises(SnapshotError, match="outside"):
        load(archive)


def test_links_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.log"
    secret.write_text("2026-03-01T11:00:00Z private\n")
    folder = write_recording(tmp_path / "recording")
    (folder / "logs" / "web" / "waits").mkdir()
    (folder / "logs" / "web" / "waits" / "main.log").symlink_to(secret)
    archive = pack(folder, tmp_path / "recording.tar.gz", "w:gz")
    for path in (folder, archive):
        assert not [key for key in load(path).logs if key.pod == "waits"]


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "bomb.tar"
    member = tarfile.TarInfo("snapshot.json")
    member.size = 600 * 1024**2
    archive.write_bytes(member.tobuf() + b"\0" * 10240)
    with pytest.raises(SnapshotError, match="unpacks to more"):
        load(archive)


# -- kubectl cluster-info dump -----------------------------------------------------------------------------
def write_dump(folder: Path, suffix: str) -> Path:
    text = json.dumps if suffix == "json" else yaml.safe_dump
    everything = cluster_objects()
    names = {
        "pods": "Pod", "events": "Event", "services": "Service", "deployments": "Deployment",
        "replicasets": "ReplicaSet", "daemonsets": "DaemonSet",
        "replication-controllers": "ReplicationController",
    }  # fmt: skip
    for namespace in ("web", "kube-system"):
        for name, kind in names.items():
            items = [
                o for o in everything if o["kind"] == kind and o["metadata"].get("namespace") == namespace
            ]
            write(folder / namespace / f"{name}.{suffix}", text({"kind": f"{kind}List", "items": items}))
    nodes = [o for o in everything if o["kind"] == "Node"]
    write(folder / f"nodes.{suffix}", text({"kind": "NodeList", "items": nodes}))
    write(
        folder / "web" / "api-7c9d-bad" / "logs.txt",
        "==== START logs for container main of pod web/api-7c9d-bad ====\nloading\n"
        "==== END logs for container main of pod web/api-7c9d-bad ====\n"
        "==== START logs for container proxy of pod web/api-7c9d-bad ====\nproxying\n"
        "==== END logs for container proxy of pod web/api-7c9d-bad ====\n",
    )
    return folder


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_a_cluster_info_dump_is_read(tmp_path: Path, suffix: str) -> None:
    with open_snapshot(write_dump(tmp_path, suffix)) as cluster:
        assert named(cluster.list("Pod")) == ["api-7c9d-good", "api-7c9d-bad", "waits"]
        assert named(cluster.list("Node")) == ["node-a", "node-b"]
        assert len(cluster.list("Event")) == 3
        assert cluster.readable("Event")
        assert cluster.readable("ReplicationController")
        assert not cluster.readable("PersistentVolumeClaim"), "a dump does not have them"
        assert cluster.logs("web", "api-7c9d-bad", "main") == "loading\n"
        assert cluster.logs("web", "api-7c9d-bad", "proxy") == "proxying\n"
        assert cluster.info.now.isoformat() == "2026-03-01T11:59:30+00:00", "the newest time in it"
        assert isinstance(cluster.list("Pod")[0]["metadata"]["creationTimestamp"], str)


def test_a_dump_that_lacks_a_file_is_partial(tmp_path: Path) -> None:
    write_dump(tmp_path, "json")
    (tmp_path / "kube-system" / "deployments.json").unlink()
    with open_snapshot(tmp_path) as cluster:
        assert len(cluster.list("Deployment")) == 2
        assert not cluster.readable("Deployment")
        assert "kube-system/deployments" in str(cluster.not_checked()[0])


def test_yaml_that_stands_for_more_than_it_says_is_refused(tmp_path: Path) -> None:
    write_dump(tmp_path, "yaml")
    write(tmp_path / "web" / "pods.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nitems: [*b, *b]\n")
    with open_snapshot(tmp_path) as cluster:
        assert not cluster.readable("Pod")
        assert "aliases" in str(cluster.not_checked()[0])


# -- Troubleshoot support bundles --------------------------------------------------------------------------
def write_bundle(folder: Path, *, arrays: bool = False) -> Path:
    top = folder / "cluster-resources"
    places = {
        "pods": "Pod", "events": "Event", "services": "Service", "deployments": "Deployment",
        "ingress": "Ingress", "network-policy": "NetworkPolicy", "pvcs": "PersistentVolumeClaim",
        "resource-quota": "ResourceQuota", "pod-disruption-budgets": "PodDisruptionBudget",
    }  # fmt: skip
    whole = {
        "nodes": "Node",
        "namespaces": "Namespace",
        "pvs": "PersistentVolume",
        "storage-classes": "StorageClass",
    }

    def text(kind: str) -> str:
        items = [o for o in cluster_objects() if o["kind"] == kind]
        return json.dumps(items) if arrays else listed(kind, items)

    for name, kind in places.items():
        write(top / name / "web.json", text(kind))
        write(top / name / "empty.json", json.dumps({"kind": f"{kind}List", "items": None}))
        write(top / f"{name}-errors.json", "null")
    for name, kind in whole.items():
        write(top / f"{name}.json", text(kind))
    certificates = [o for o in cluster_objects() if o["kind"] == "Certificate"]
    write(top / "custom-resources" / "certificates.cert-manager.io" / "web.json", json.dumps(certificates))
    write(top / "image-pull-secrets" / "web" / "registry.json", '{"auths": {"r": {"password": "hunter2"}}}')
    write(top / "auth-cani-list" / "web.json", "[]")
    write(top / "pods" / "logs" / "web" / "api-7c9d-bad" / "main.log", "loading\n")
    write(top / "pods" / "logs" / "web" / "api-7c9d-bad" / "main-previous.log", "loading before\n")
    write(folder / "app" / "api-7c9d-good" / "proxy.log", "collected\n")
    write(
        folder / "cluster-info" / "cluster_version.json",
        '{"info": {"gitVersion": "v1.31.2"}, "string": "v1.31.2"}',
    )
    return folder


@pytest.mark.parametrize("arrays", [False, True])
def test_a_support_bundle_is_read(tmp_path: Path, arrays: bool) -> None:
    folder = write_bundle(tmp_path / "support-bundle", arrays=arrays)
    with open_snapshot(pack(folder, tmp_path / "bundle.tar.gz", "w:gz")) as cluster:
        for kind, names in {
            "Pod": ["api-7c9d-good", "api-7c9d-bad", "waits"],
            "PersistentVolumeClaim": ["data", "logs"],
            "PersistentVolume": ["pv-1"],
            "StorageClass": ["standard"],
            "Ingress": ["site"],
            "NetworkPolicy": ["only-front"],
            "PodDisruptionBudget": ["api"],
            "certificates.cert-manager.io": ["site"],
        }.items():
            assert named(cluster.list(kind)) == names
            assert cluster.readable(kind)
        assert cluster.list("Pod")[0]["kind"] == "Pod"
        assert not cluster.readable("Secret")
        assert cluster.info.server_version == "v1.31.2"
        assert cluster.logs("web", "api-7c9d-bad", "main") == "loading\n"
        assert cluster.logs("web", "api-7c9d-bad", "main", previous=True) == "loading before\n"
        assert cluster.logs("web", "api-7c9d-good", "proxy") == "collected\n"
        with pytest.raises(NotReadable):
            cluster.logs("web", "api-7c9d-good", "main")


def test_errors_of_a_bundle_make_the_kind_partial(tmp_path: Path) -> None:
    write_bundle(tmp_path)
    write(tmp_path / "cluster-resources" / "pods-errors.json", '{"billing": "pods is forbidden"}')
    with open_snapshot(tmp_path) as cluster:
        assert len(cluster.list("Pod")) == 3
        assert not cluster.readable("Pod")
        assert "billing: pods is forbidden" in str(cluster.not_checked()[0])
