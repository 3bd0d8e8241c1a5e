"""Recordings that somebody edited, cut or made to do harm: what is wrong is said, and the rest is read."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from cluster_snapshot_support import cluster_objects, write_recording
from kubelore.analysis.find import find
from kubelore.analysis.view import View
from kubelore.build import Settings, investigator
from kubelore.cluster import open_snapshot
from kubelore.cluster.snapshot import load
from kubelore.errors import NotReadable, SnapshotError
from kubelore.types import NotChecked, ToolCall

WRONG = (
    None, 0, -1, 10**30, 1.5, float("nan"), float("inf"), "", "x", "9" * 4000, "\ud800\x1b]0;x\x07", True,
    [], {}, [None], [0], ["x"], [[]], [{}], {"x": None}, {"x": 1}, [{"name": None}],
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59",
)  # fmt: skip
ROUNDS = 60
CHANGES = 12


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in it with every key."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield node, key
        if isinstance(value, dict | list):
            yield from places(value)


def mutated(seed: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    objects = cluster_objects()
    for _ in range(CHANGES):
        obj = rng.choice(objects)
        container, key = rng.choice([p for p in places(obj) if p[1] not in ("kind", "apiVersion")])
        container[key] = deepcopy(rng.choice(WRONG))
    return objects


@pytest.mark.parametrize("part", range(4))
def test_values_of_the_wrong_type_break_no_analyzer_tool_or_investigation(tmp_path: Path, part: int) -> None:
    for seed in range(part, ROUNDS, 4):
        folder = write_recording(tmp_path / str(seed), mutated(seed))
        with open_snapshot(folder) as cluster:
            broken: list[NotChecked] = []
            find(View(cluster), broken=broken)
            assert broken == [], f"seed {seed}"
            engine = investigator(Settings(), cluster)
            engine.investigate("why does api in web keep failing?")
            for call in (
                "CLUSTER_HEALTH",
                "TOP_PODS web",
                "GET_EVENTS web",
                "RUN_KUBECTL get all -A -o yaml",
            ):
                name, _, args = call.partition(" ")
                assert "a bug" not in engine.toolbox.run(ToolCall(name, args)).error, f"seed {seed}"


def test_what_is_left_out_is_reported_as_not_checked(tmp_path: Path) -> None:
    objects = cluster_objects()
    pod = next(o for o in objects if o["kind"] == "Pod")
    pod["spec"]["containers"][0]["ports"] = "8080"
    with open_snapshot(write_recording(tmp_path / "r", objects)) as cluster:
        name = pod["metadata"]["name"]
        assert any(p["metadata"]["name"] == name for p in cluster.list("Pod"))
        assert not cluster.readable("Pod")
        why = {n.what: n.why for n in cluster.not_checked()}["pods"]
        assert f"{name}.spec.containers[0].ports" in why


def test_nulls_are_absent_fields_and_nothing_to_report(tmp_path: Path) -> None:
    objects = cluster_objects()
    for obj in objects:
        if obj["kind"] == "Pod":
            obj["spec"] |= {"nodeSelector": None, "volumes": [None]}
            obj["metadata"]["labels"] = {**obj["metadata"].get("labels", {}), "gone": None}
    snapshot = load(write_recording(tmp_path / "r", objects))
    assert snapshot.listings["pods"].problem == ""
    assert all("nodeSelector" not in p["spec"] for p in snapshot.listings["pods"].items)
    assert all("gone" not in p["metadata"]["labels"] for p in snapshot.listings["pods"].items)


def test_untyped_parts_are_bounded_in_depth(tmp_path: Path) -> None:
    folder = write_recording(tmp_path / "r")
    deep = '{"a":' * 900 + "1" + "}" * 900
    item = '{"metadata":{"name":"w","namespace":"web"},"spec":' + deep + "}"
    (folder / "objects" / "acme.test_v1_widgets.json").write_text(f'{{"kind":"WidgetList","items":[{item}]}}')
    with open_snapshot(folder) as cluster:
        assert json.dumps(cluster.list("widgets.acme.test")).count("{") < 100
        assert "deeper than" in str(cluster.not_checked())


@pytest.mark.parametrize(
    "name", ["--kubeconfig=x", "a/b", "a\nb", "a\x1b[31m", "..", "x" * 100_000, "", "a b", 5]
)
def test_what_can_be_no_name_is_no_object(tmp_path: Path, name: Any) -> None:
    objects = cluster_objects()
    next(o for o in objects if o["kind"] == "Node")["metadata"]["name"] = name
    nodes = load(write_recording(tmp_path / "r", objects)).listings["nodes"]
    assert name not in [n["metadata"]["name"] for n in nodes.items]
    assert "are not objects" in nodes.problem


def test_a_container_name_that_fits_no_url_is_not_read_and_said(tmp_path: Path) -> None:
    objects = cluster_objects()
    pod = next(o for o in objects if o["metadata"]["name"] == "api-7c9d-bad")
    with open_snapshot(write_recording(tmp_path / "r", objects)) as cluster:
        with pytest.raises(NotReadable, match="not a path"):
            cluster.logs("web", pod["metadata"]["name"], "x" * 100_000)
        assert any(n.what.startswith("log of web/api") for n in cluster.not_checked())


@pytest.mark.parametrize(
    "when", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "soon", ["x"], None]
)
def test_a_time_at_the_end_of_time_is_refused(tmp_path: Path, when: Any) -> None:
    with pytest.raises(SnapshotError, match="captured_at"):
        load(write_recording(tmp_path / "r", about={"captured_at": when}))
