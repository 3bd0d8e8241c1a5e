"""The benchmark: every case gives a line, the score agrees with the independent scorer."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cli_support import DATABASE, make_investigation
from kubelore.bench.cases import Case, find_cases, read_labels, read_lines
from kubelore.bench.incidents import Examined, Prediction, predict, run, write
from kubelore.bench.scoring.incidents import score
from kubelore.bench.scoring.judge import same_object
from kubelore.bench.scoring.stats import Share, percentile, wilson
from kubelore.errors import ClusterError, DataError, KubeloreError, UsageError
from kubelore.types import Finding, Severity
from support import INCIDENTS, needs_incidents

FINDING = Finding(Severity.CRITICAL, DATABASE, "db is down", (), "pods")


def examine(snapshot: Path, question: str) -> Examined:
    """Stands for the agent; a recording named after an error raises it."""
    if snapshot.name == "unreadable":
        raise ClusterError("cut short")
    if snapshot.name == "bug":
        raise ValueError("boom")
    made = make_investigation()
    made.question = question
    return Examined(made, [FINDING], 0.5)


class Heard:
    def __init__(self) -> None:
        self.calls: list[tuple[int, int, str]] = []

    def advance(self, done: int, total: int, what: str) -> None:
        self.calls.append((done, total, what))


def cases(*names: str) -> list[Case]:
    return [Case(name, "why?", Path(name)) for name in names]


def test_a_prediction_line_has_what_the_scorers_read() -> None:
    assert predict(Case("a", "why?", Path("a")), examine) == {
        "id": "a",
        "root_cause": "oom_killed",
        "object": "StatefulSet/shop/db",
        "confidence": "high",
        "alternatives": [{"root_cause": "memory_leak", "object": "StatefulSet/shop/db", "probability": 0.06}],
        "steps": 1,
        "seconds": 0.5,
        "findings": [{"object": "StatefulSet/shop/db", "what": "db is down"}],
        "error": "",
    }


@pytest.mark.parametrize(
    ("case", "error"),
    [
        (Case("a", "why?", Path("unreadable")), "cut short"),
        (Case("a", "why?", Path("bug")), "ValueError: boom"),
        (Case("a", "why?", None), "there is no recording of this name"),
    ],
)
def test_a_broken_case_is_a_line_with_its_error(case: Case, error: str) -> None:
    line = predict(case, examine)
    assert (line["error"], line["root_cause"]) == (error, "")


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_keeps_the_order_and_reports_progress(jobs: int) -> None:
    heard = Heard()
    lines = run(cases("a", "bug", "c"), examine, jobs, heard)
    assert [line["id"] for line in lines] == ["a", "bug", "c"]
    assert [bool(line["error"]) for line in lines] == [False, True, False]
    assert [(done, total) for done, total, _ in heard.calls] == [(1, 3), (2, 3), (3, 3)]


def questions(folder: Path, *ids: str) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps({"id": name, "question": "why?"}) + "\n" for name in ids))
    return path


def recording(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "snapshot.json").write_text("{}")
    return folder


def test_recordings_are_found_by_id_as_folder_archive_or_one_folder_down(tmp_path: Path) -> None:
    root = tmp_path / "all"
    recording(root / "a")
    recording(root / "more" / "b")
    (root / "c.tar.xz").write_text("")
    with find_cases(root, questions(tmp_path, "a", "b", "c", "d", "../a", "")) as found:
        names = [case.snapshot and case.snapshot.relative_to(root).as_posix() for case in found]
    assert names == ["a", "more/b", "c.tar.xz", None, None, None]


def test_an_archive_of_recordings_is_unpacked_and_removed_again(tmp_path: Path) -> None:
    recording(tmp_path / "set" / "a")
    archive = tmp_path / "all.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "set" / "a", "a")
    with find_cases(archive, questions(tmp_path, "a")) as found:
        snapshot = found[0].snapshot
        assert snapshot is not None
        assert (snapshot / "snapshot.json").read_text() == "{}"
    assert not snapshot.exists()


def test_one_recording_serves_all_questions_about_it(tmp_path: Path) -> None:
    root = recording(tmp_path / "one")
    with find_cases(root, questions(tmp_path, "a", "b")) as found:
        assert [case.snapshot for case in found] == [root, root]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("not json\n", DataError, "1: not JSON"),
        ('{"id": "a"}\n', DataError, "1: needs question"),
        ('{"id": "a", "question": "?"}\n[]\n', DataError, "2: needs id, question"),
        ("\n", DataError, "holds no line"),
        (b"\xff\xfe", UsageError, "not UTF-8"),
        (None, UsageError, "No such file"),
    ],
)
def test_a_bad_questions_file_is_named_with_its_line(
    text: str | bytes | None, error: type[KubeloreError], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "questions.jsonl"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(error, match=message):
        read_lines(path, "id", "question")


def test_predictions_are_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    write(path, [predict(case, examine) for case in cases("a", "b")])
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ["a", "b"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("got", "want", "same"),
    [
        ("Deployment/shop/front", "deployment/shop/front", True),
        ("Pod/shop/front-7d9-x2", "Deployment/shop/front", True),
        ("ReplicaSet/shop/front-7d9", "Deployment/shop/front", True),
        ("Pod/shop/frontend-1", "Deployment/shop/front", False),
        ("Pod/shop/front-1", "Service/shop/front", False),
        ("Deployment/other/front", "Deployment/shop/front", False),
        ("Service/shop/front", "Deployment/shop/front", False),
        ("Anything/at/all", "*", True),
        ("Deployment/shop/front", "*/shop/front", True),
        ("Deployment/shop/front", "Deployment/shop/*", True),
        ("Node//w1", "Node//w1", True),
        ("", "", True),
        ("", "Node//w1", False),
    ],
)
def test_a_pod_counts_as_its_workload(got: str, want: str, same: bool) -> None:
    assert same_object(got, want) is same


def prediction(name: str, cause: str, at: str, **more: Any) -> Prediction:
    line = predict(Case(name, "?", Path("a")), examine)
    line["root_cause"], line["object"] = cause, at
    return Prediction(**{**line, **more})  # type: ignore[typeddict-item]


def label(name: str, cause: str, at: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "root_cause": cause, "object": at, **more}


def test_the_score_counts_causes_objects_alarms_and_scans() -> None:
    labels = [
        label("right", "oom_killed", "Deployment/a/a"),
        label("also", "x", "y", also_root_causes=["oom_killed"], also_objects=["Deployment/a/a"]),
        label("second", "memory_leak", "StatefulSet/shop/db"),
        label("broken", "oom_killed", "Deployment/a/a"),
        label("absent", "oom_killed", "Deployment/a/a"),
        label("healthy", "none", ""),
        label("alarm", "none", ""),
    ]
    lines = [
        prediction("right", "oom_killed", "Deployment/a/a", findings=[{"object": "Pod/a/a-1", "what": "x"}]),
        prediction("also", "oom_killed", "Deployment/a/a"),
        prediction("second", "oom_killed", "Deployment/a/b"),
        prediction("broken", "", "", error="no"),
        prediction("healthy", "none", "", findings=[]),
        prediction("alarm", "oom_killed", "Deployment/a/a"),
    ]
    result = score(lines, labels)
    assert result.right == Share(3, 7)
    assert result.in_three == Share(4, 7)
    assert result.broken == 2
    assert result.false_alarms == Share(1, 2)
    assert result.scanned(healthy=False) == Share(2, 5)
    assert result.scanned(healthy=True) == Share(1, 2)
    assert [v.id for v in result.misses()] == ["second", "broken", "absent", "alarm"]


def guesses(rng: random.Random, objects: Sequence[str], causes: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"root_cause": rng.choice(causes), "object": rng.choice(objects), "probability": 0.1}
        for _ in range(rng.randrange(4))
    ]


@needs_incidents
@pytest.mark.parametrize("seed", range(5))
def test_the_score_agrees_with_the_independent_scorer(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    labels = read_labels(INCIDENTS / "labels-dev.jsonl")
    objects = [o for entry in labels for o in (entry["object"], *entry["also_objects"])]
    objects += [o.replace("Deployment", "Pod") + "-5d8f-abcde" for o in objects if "Deployment" in o]
    causes = [c for entry in labels for c in (entry["root_cause"], *entry["also_root_causes"])]
    lines = []
    for entry in labels[1:]:
        lucky = rng.random() < 0.6
        cause, at = (
            (entry["root_cause"], entry["object"]) if lucky else (rng.choice(causes), rng.choice(objects))
        )
        error = "broken" if rng.random() < 0.1 else ""
        lines.append(
            prediction(entry["id"], cause, at, error=error, alternatives=guesses(rng, objects, causes))
        )
    write(tmp_path / "p.jsonl", lines)
    command = [sys.executable, INCIDENTS / "score.py", tmp_path / "p.jsonl", INCIDENTS / "labels-dev.jsonl"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    ours = score(lines, labels)
    expected = (
        ours.right.right,
        len(labels),
        ours.cause.right,
        ours.object.right,
        ours.in_three.right,
        ours.broken,
    )
    assert tuple(map(int, re.findall(r"\d+", said))) == expected


def test_wilson_intervals_hold_the_share_and_stay_in_bounds() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(27, 27) == pytest.approx((0.8754, 1.0), abs=1e-4)
    assert wilson(25, 27) == pytest.approx((0.7663, 0.9794), abs=1e-4)


def test_percentiles_are_values_that_were_seen() -> None:
    values = [float(n) for n in range(1, 21)]
    assert (percentile(values, 0.95), percentile(values, 0.5), percentile([], 0.95)) == (19.0, 10.0, 0.0)
