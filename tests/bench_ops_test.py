"""Cloud-OpsBench: cases of recorded calls, what is asked of them, and the lines that come out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kubelore.bench.baselines import FIRST_FINDING, TRIGGERS
from kubelore.bench.cloud_opsbench.cases import Place, find_cases, read_case
from kubelore.bench.cloud_opsbench.labels import table
from kubelore.bench.cloud_opsbench.recorded import Recorded
from kubelore.bench.scoring.cloud_opsbench import read_answers
from kubelore.cli.app import app
from kubelore.errors import DataError, UsageError

PODS = """\
NAME                    READY   STATUS             RESTARTS   AGE   IP          NODE
web-6d4cf56db6-x2x9z    0/1     ImagePullBackOff   0          5m    10.1.0.7    n1
db-7c5ddbdf54-k8j2l     1/1     Running            0          5m    10.1.0.8    n1
"""
WEB = """\
Name:             web-6d4cf56db6-x2x9z
Namespace:        shop
Node:             n1/192.168.0.2
Start Time:       Mon, 10 Nov 2025 10:00:00 +0000
Labels:           app=web
                  pod-template-hash=6d4cf56db6
Status:           Pending
IP:               10.1.0.7
Controlled By:    ReplicaSet/web-6d4cf56db6
Containers:
  web:
    Image:          registry.example.com/web:9.9
    Port:           8080/TCP
    State:          Waiting
      Reason:       ImagePullBackOff
    Ready:          False
    Restart Count:  0
Conditions:
  Type              Status
  Ready             False
  PodScheduled      True
Events:
  Type     Reason   Age   From     Message
  ----     ------   ----  ----     -------
  Warning  Failed   4m    kubelet  Failed to pull image "registry.example.com/web:9.9": \
registry.example.com/web:9.9: not found
  Warning  Failed   4m    kubelet  Error: ErrImagePull
"""
TRUTH = {"result": {"root_cause": "secret-truth"}, "process": {"path1": ["secret-path"]}}


def key(tool: str, **args: object) -> str:
    return f"{tool}:{json.dumps(args)}"


CACHE = {
    "collection_timestamp": "2025-11-10T10:05:00",
    key("GetResources", resource_type="pods", name="", namespace="shop", output_wide=True): PODS,
    key("DescribeResource", resource_type="pods", name="web-6d4cf56db6-x2x9z", namespace="shop"): WEB,
}


def write_case(folder: Path, cache: object = CACHE, **more: object) -> Path:
    folder.mkdir(parents=True)
    told = {"namespace": "shop", "query": "Something is wrong.", **more}
    (folder / "metadata.json").write_text(json.dumps(told))
    (folder / "tool_cache.json").write_text(cache if isinstance(cache, str) else json.dumps(cache))
    return folder


def run(root: Path, out: Path, *more: str) -> list[dict[str, object]]:
    done = CliRunner().invoke(app, ["bench", "cloud-opsbench", str(root), "--out", str(out), "-q", *more])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_a_case_is_investigated_with_few_calls_and_labelled(tmp_path: Path) -> None:
    write_case(tmp_path / "cases" / "a" / "7")
    (line,) = run(tmp_path / "cases", tmp_path / "out.jsonl")
    assert line["case"] == "a/7"
    assert line["error"] == ""
    first = line["predictions"][0]  # type: ignore[index]
    assert first["root_cause"] == "incorrect_image_reference"
    assert first["fault_object"] == "app/web"
    assert first["fault_taxonomy"] == "Startup_Fault"
    assert line["root_cause"] == "image_not_found"
    assert line["steps"] == len(line["calls"]) <= 8  # type: ignore[arg-type]
    assert str(line["calls"][0]).startswith("GetResources")  # type: ignore[index]


def test_a_line_carries_what_scores_and_curves_are_made_of(tmp_path: Path) -> None:
    root, out = tmp_path / "cases", tmp_path / "out.jsonl"
    write_case(root / "1")
    (line,) = run(root, out)
    (answer,) = read_answers(out)
    assert answer.raw_probability == line["uncalibrated"]
    assert {"pod.waiting=ImagePullBackOff", "pull.error=not-found"} <= set(answer.evidence)
    found = answer.baselines[FIRST_FINDING][0]
    assert (found.cause, found.object) == ("incorrect_image_reference", "app/web")
    assert TRIGGERS in answer.baselines


def test_neither_truth_nor_folder_name_changes_the_answer(tmp_path: Path) -> None:
    write_case(tmp_path / "plain" / "1")
    write_case(tmp_path / "telling" / "oom_killed", **TRUTH)
    (plain,) = run(tmp_path / "plain", tmp_path / "a.jsonl")
    (telling,) = run(tmp_path / "telling", tmp_path / "b.jsonl")
    same = ("predictions", "calls", "evidence", "probability", "object")
    assert {k: plain[k] for k in same} == {k: telling[k] for k in same}
    assert "secret-" not in json.dumps(telling)


def test_a_broken_case_is_an_error_line_and_the_others_go_on(tmp_path: Path) -> None:
    root = tmp_path / "cases"
    write_case(root / "1", cache="{not json")
    write_case(root / "2")
    write_case(root / "3", namespace=None)
    lines = {line["case"]: line for line in run(root, tmp_path / "out.jsonl")}
    assert "not JSON" in str(lines["1"]["error"])
    assert "namespace" in str(lines["3"]["error"])
    assert lines["1"]["predictions"] == []
    assert lines["2"]["error"] == ""


def test_resume_keeps_answers_and_repeats_what_broke(tmp_path: Path) -> None:
    root, out = tmp_path / "cases", tmp_path / "out.jsonl"
    for name in ("1", "2", "3"):
        write_case(root / name)
    kept = run(root, out, "--limit", "1")[0] | {"seconds": 99.0}
    broken = kept | {"case": "2", "error": "it broke"}
    out.write_text(json.dumps(kept) + "\n" + json.dumps(broken) + "\n" + '{"case": "3", "ha')
    lines = {str(line["case"]): line for line in run(root, out, "--resume")}
    assert lines["1"]["seconds"] == 99.0
    assert lines["2"]["error"] == ""
    assert set(lines) == {"1", "2", "3"}


def test_a_folder_without_cases_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        find_cases(tmp_path)
    with pytest.raises(UsageError):
        find_cases(tmp_path / "absent")


def test_cases_are_named_by_path_and_numbers_are_in_order(tmp_path: Path) -> None:
    for name in ("b/10", "b/9", "a/1"):
        write_case(tmp_path / name)
    assert [place.id for place in find_cases(tmp_path)] == ["a/1", "b/9", "b/10"]


def test_the_clock_of_a_recording_is_that_of_its_descriptions(tmp_path: Path) -> None:
    folder = write_case(tmp_path / "1", CACHE | {"DescribeResource:{}": WEB.replace("+0000", "+0800")})
    bare = write_case(tmp_path / "2", {"collection_timestamp": "2025-11-10T10:05:00"})
    described = {**CACHE}
    described.pop(
        key("DescribeResource", resource_type="pods", name="web-6d4cf56db6-x2x9z", namespace="shop")
    )
    east = write_case(tmp_path / "3", described | {"DescribeResource:{}": WEB.replace("+0000", "+0800")})
    assert read_case(Place("1", folder)).now.utcoffset() is not None
    assert read_case(Place("2", bare)).now.isoformat() == "2025-11-10T10:05:00+00:00"
    assert read_case(Place("3", east)).now.isoformat() == "2025-11-10T10:05:00+08:00"
    (folder / "tool_cache.json").write_text("[]")
    with pytest.raises(DataError):
        read_case(Place("1", folder))


def test_a_call_counts_once_however_it_is_written_and_an_unknown_one_counts_too() -> None:
    recorded = Recorded(
        {
            'GetResources:{"resource_type":"pods","name":"","namespace":"shop"}': "no wide",
            'GetResources:{"resource_type":"nodes","namespace":""}': "nodes",
            "CheckServiceConnectivity-shop-my-db-3306": "Connection Failed",
            "GetAlerts": {"status": "clean"},
            "broken:{": "x",
        }
    )
    assert recorded.ask("GetResources", resource_type="pod", namespace="shop") == "no wide"
    assert recorded.ask("GetResources", resource_type="pods", namespace="shop", name="") == "no wide"
    assert recorded.steps == 1
    assert recorded.ask("GetResources", resource_type="nodes", namespace="shop") == "nodes"
    connect = {"namespace": "shop", "service_name": "my-db", "port": 3306}
    assert recorded.ask("CheckServiceConnectivity", **connect) == "Connection Failed"
    assert recorded.ask("GetAlerts") == {"status": "clean"}
    assert recorded.ask("GetRecentLogs", service_name="web") is None
    assert recorded.steps == 5


def test_every_label_has_a_known_cause() -> None:
    causes = Path(__file__).parents[1] / "src/kubelore/patterns/root-causes.tsv"
    known = {line.split("\t")[0] for line in causes.read_text().splitlines()}
    told = [*table()["causes"], *table()["only_with"], *(c for _, c in table()["only_with"].values())]
    assert set(told) <= known
    assert {kind for *_, kind in table()["causes"].values()} <= {"app", "database", "node", "namespace"}


ARCHIVE = Path(__file__).parents[2] / "shared/cloud-opsbench/dev.tar.xz"


@pytest.mark.skipif(not ARCHIVE.exists(), reason="the recorded cases are not here")
def test_recorded_cases_without_their_truth_are_answered_within_the_steps(tmp_path: Path) -> None:
    import tarfile

    right = 0
    truths = {}
    wanted = {"boutique/startup/1", "boutique/admission/1", "boutique/service/31", "trainticket/runtime/34"}
    with tarfile.open(ARCHIVE) as archive:
        for name in wanted:
            place = tmp_path / "cases" / str(len(truths))
            place.mkdir(parents=True)
            for file in ("metadata.json", "tool_cache.json"):
                member = archive.extractfile(f"benchmark/{name}/{file}")
                assert member is not None
                (place / file).write_bytes(member.read())
            told = json.loads((place / "metadata.json").read_text())
            truths[str(len(truths))] = told["result"]
            bare = {key: told[key] for key in ("namespace", "query")}
            (place / "metadata.json").write_text(json.dumps(bare))
    for line in run(tmp_path / "cases", tmp_path / "out.jsonl"):
        assert line["error"] == ""
        assert int(str(line["steps"])) <= 8
        first = line["predictions"][0]  # type: ignore[index]
        right += all(first[k] == v for k, v in truths[str(line["case"])].items())
    assert right == len(wanted)
