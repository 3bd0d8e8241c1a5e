"""The table of kinds, and that nothing a recording holds ends in a traceback."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster_snapshot_support import cluster_objects, write, write_recording
from kubelore.cluster import kinds, open_snapshot
from kubelore.cluster.kinds import BUILT_IN
from kubelore.errors import SnapshotError


@pytest.mark.parametrize(
    ("name", "kind", "group"),
    [
        ("Pod", "Pod", ""), ("pods", "Pod", ""), ("po", "Pod", ""), ("PODS", "Pod", ""),
        ("pods.v1", "Pod", ""),
        ("Event", "Event", ""), ("events.events.k8s.io", "Event", "events.k8s.io"),
        ("deployments.apps", "Deployment", "apps"), ("Deployment.apps", "Deployment", "apps"),
        ("deployments.v1.apps", "Deployment", "apps"), ("sts", "StatefulSet", "apps"),
        ("hpa", "HorizontalPodAutoscaler", "autoscaling"), ("ing", "Ingress", "networking.k8s.io"),
        ("pods.metrics.k8s.io", "PodMetrics", "metrics.k8s.io"),
        ("crd", "CustomResourceDefinition", "apiextensions.k8s.io"),
        ("httproutes.gateway.networking.k8s.io", "HTTPRoute", "gateway.networking.k8s.io"),
    ],
)  # fmt: skip
def test_a_kind_is_found_by_every_name_that_kubectl_knows(name: str, kind: str, group: str) -> None:
    found = kinds.find(name)
    assert found is not None
    assert (found.kind, found.group) == (kind, group)


@pytest.mark.parametrize("name", ["", "widget", "pods.apps", "pod/x"])
def test_other_names_are_no_kind(name: str) -> None:
    assert kinds.find(name) is None


def test_every_kind_is_found_by_its_resource_and_file() -> None:
    assert len({k.resource for k in BUILT_IN}) == len(BUILT_IN)
    for kind in BUILT_IN:
        assert kinds.find(kind.resource) is kind
        assert kinds.find_resource(kind.group, kind.plural) is kind


def test_paths_are_those_of_the_api() -> None:
    deployment, node = kinds.find("deploy"), kinds.find("node")
    assert deployment is not None
    assert node is not None
    assert deployment.path() == "/apis/apps/v1/deployments"
    assert deployment.path("web", "api") == "/apis/apps/v1/namespaces/web/deployments/api"
    assert node.path("web", "a") == "/api/v1/nodes/a"


NAMES = st.sampled_from(["name", "type", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "2026-03-01T12:00:00Z"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [p for key, v in inner for p in places(v, (*path, key))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_an_object_that_breaks_its_schema_is_still_read_or_reported(data: st.DataObject) -> None:
    obj = data.draw(st.sampled_from(cluster_objects()))
    path = data.draw(st.sampled_from([p for p in places(obj) if p[0] not in {"kind", "apiVersion"}]))
    put(obj, path, data.draw(JSON))
    kind = obj["kind"]
    with TemporaryDirectory() as folder, open_snapshot(write_recording(Path(folder), [obj])) as reader:
        items = reader.list(kind)
        assert len(items) == 1 or not reader.readable(kind)
        found = reader.resolve(kind)
        assert found is not None
        table = json.loads(reader.raw(found.path(), accept=TABLE))
        assert len(table["rows"]) == len(items)
        for query in ("labelSelector=a%3Db", "fieldSelector=metadata.name%3Dx", "limit=1"):
            reader.raw(f"{found.path()}?{query}")


ABOUT = ["format_version", "captured_at", "context", "errors", "recorded", "namespaces", "incomplete"]


@settings(max_examples=40, deadline=None)
@given(about=st.dictionaries(st.sampled_from(ABOUT), JSON))
def test_a_description_of_any_form_is_read_or_refused(about: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder, suppress(SnapshotError):
        open_snapshot(write_recording(Path(folder), [], about)).close()


@settings(max_examples=40, deadline=None)
@given(document=JSON)
def test_a_file_of_any_content_is_read_or_reported(document: Any) -> None:
    with TemporaryDirectory() as folder:
        write_recording(Path(folder))
        write(Path(folder) / "objects" / "core_v1_services.json", json.dumps(document))
        with open_snapshot(Path(folder)) as reader:
            assert not reader.list("Service")
            assert reader.readable("Pod")
