"""Cloud-OpsBench scores: what counts as right, agreement with the independent scorer, hints for bad input."""

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

from kubelore.bench.scoring.cloud_opsbench import (
    answer_of,
    is_telling,
    read_answers,
    read_truth,
    strangers,
)
from kubelore.bench.scoring.judge import Answer, Expected, Score, judge
from kubelore.bench.scoring.stats import Share
from kubelore.errors import DataError, KubeloreError, UsageError
from support import SHARED

OPSBENCH = SHARED / "cloud-opsbench"
SPELLINGS = {"db_read_only": "db_readonly_mode", "gateway_misroute": "gateway_misrouted"}
READ_ONLY = {"fault_taxonomy": "Runtime_Fault", "fault_object": "app/db", "root_cause": "db_read_only"}
QUOTA = {
    "fault_taxonomy": "Admission_Fault",
    "fault_object": "namespace/shop",
    "root_cause": "quota_exceeded",
}


def write_truth(root: Path, truth: dict[str, tuple[str, str, dict[str, str]]]) -> Path:
    """Folders named after each case, of (namespace, query, result)."""
    for name, (namespace, query, result) in truth.items():
        (root / name).mkdir(parents=True)
        data = {"namespace": namespace, "query": query, "result": result}
        (root / name / "metadata.json").write_text(json.dumps(data))
    return root


def write_lines(path: Path, lines: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def line(case: str, *predictions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"case": case, "predictions": list(predictions), "steps": 4, "seconds": 0.5, "error": "", **more}


def scored(truth: dict[str, str], *lines: dict[str, Any]) -> Score:
    """The score against one label."""
    label = (truth["root_cause"],), (truth["fault_object"],), truth["root_cause"], truth["fault_taxonomy"]
    answers = [answer_of(one) for one in lines]
    return judge({a.id: a for a in answers}, [Expected(a.id, *label) for a in answers])


@pytest.mark.parametrize(
    ("change", "right", "cause", "at", "strict"),
    [
        ({}, True, True, True, True),
        ({"fault_object": "App/DB"}, True, True, True, True),
        ({"root_cause": "db_readonly_mode"}, True, True, True, False),
        ({"fault_taxonomy": "Startup_Fault"}, False, True, True, False),
        ({"fault_object": "app/other"}, False, True, False, False),
        ({"root_cause": "oom_killed"}, False, False, True, False),
    ],
)
def test_an_answer_is_right_when_category_cause_and_object_are(
    change: dict[str, str], right: bool, cause: bool, at: bool, strict: bool
) -> None:
    (verdict,) = scored(READ_ONLY, line("a", {**READ_ONLY, **change})).verdicts
    assert (verdict.right, verdict.cause, verdict.object, verdict.strict) == (right, cause, at, strict)


def test_only_three_answers_count_and_the_first_alone_at_one() -> None:
    score = scored(
        READ_ONLY, line("third", QUOTA, QUOTA, READ_ONLY), line("fourth", QUOTA, QUOTA, QUOTA, READ_ONLY)
    )
    assert [v.in_three for v in score.verdicts] == [True, False]
    assert score.right == Share(0, 2)


def test_a_broken_case_is_broken_whatever_it_predicts_and_has_no_part_in_steps() -> None:
    score = scored(READ_ONLY, line("a", READ_ONLY, error="boom"), line("b", READ_ONLY))
    assert (score.right, score.broken, len(score.answers())) == (Share(1, 2), 1, 1)
    assert [v.got for v in score.verdicts if v.broken] == ["boom"]
    assert sum(score.confusion().values()) == 1


def test_no_answer_is_wrong_and_not_broken() -> None:
    score = scored(READ_ONLY, line("a"), {"case": "b", "predictions": None})
    assert (score.right, score.broken, score.verdicts[0].got) == (Share(0, 2), 0, "no answer")


def test_truth_is_found_by_folder_and_scored_whole(tmp_path: Path) -> None:
    truth = write_truth(
        tmp_path / "cases",
        {
            "shop/x/1": ("shop", "Service quality degradation.", READ_ONLY),
            "shop/x/2": ("shop", "?", QUOTA),
            "bank/1": ("bank", "?", QUOTA),
        },
    )
    path = write_lines(tmp_path / "p.jsonl", [line("/shop/x/1/", READ_ONLY), line("elsewhere", QUOTA)])
    answers, expected = read_answers(path), read_truth(truth)
    assert [(one.id, one.system, is_telling(one)) for one in expected] == [
        ("bank/1", "bank", False),
        ("shop/x/1", "shop", True),
        ("shop/x/2", "shop", False),
    ]
    score = judge({a.id: a for a in answers}, expected)
    assert (score.right, score.broken) == (Share(1, 3), 2)
    assert {name: part.right for name, part in score.by(lambda one: one.system).items()} == {
        "bank": Share(0, 1),
        "shop": Share(1, 2),
    }
    assert strangers(answers, expected) == ["elsewhere"]


def test_truth_under_other_names_is_found_by_alias(tmp_path: Path) -> None:
    truth = write_truth(tmp_path, {"shop/x/1": ("shop", "?", QUOTA), "shop/x/2": ("shop", "?", QUOTA)})
    (truth / "alias.json").write_text('{"c0017": "shop/x/2"}')
    assert [one.id for one in read_truth(truth)] == ["c0017"]


def test_of_two_lines_about_a_case_the_later_counts(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "p.jsonl", [line("a", error="interrupted"), line("a", QUOTA)])
    (answer,) = read_answers(path)
    assert (answer.broken, answer.guesses[0].cause) == ("", "quota_exceeded")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"predictions": []}, "1: needs case"),
        ({"case": "a", "predictions": {}}, "1: `predictions` is not a list of objects"),
        ({"case": "a", "predictions": ["x"]}, "1: `predictions` is not a list of objects"),
        ({"case": "a", "predictions": [{"root_cause": 1}]}, "1: `root_cause` is not text"),
        ({"case": "a", "predictions": [{"probability": 1.5}]}, "1: `probability` is above 1"),
        ({"case": "a", "predictions": [{"probability": True}]}, "1: `probability` is not a number"),
        ({"case": "a", "steps": -1}, "1: `steps` is not a number"),
        ({"case": "a", "evidence": "x"}, "1: `evidence` is not a list of names"),
        ({"case": "a", "baselines": []}, "1: `baselines` is not an object"),
    ],
)
def test_a_line_that_is_no_prediction_is_named(row: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_answers(write_lines(tmp_path / "p.jsonl", [row]))


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        ({}, UsageError, "no metadata.json below"),
        ({"a/metadata.json": "{"}, DataError, "not JSON"),
        ({"a/metadata.json": "[]"}, DataError, "not a JSON object"),
        ({"a/metadata.json": '{"namespace": "x", "query": "?"}'}, DataError, "no `result`"),
        ({"alias.json": '{"a": "gone"}'}, UsageError, "No such file"),
    ],
)
def test_truth_that_cannot_be_read_is_named(
    files: dict[str, str], error: type[KubeloreError], message: str, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(error, match=message):
        read_truth(tmp_path)


def test_an_archive_of_cases_is_to_be_unpacked_first(tmp_path: Path) -> None:
    (tmp_path / "dev.tar.xz").write_text("")
    with pytest.raises(UsageError) as caught:
        read_truth(tmp_path / "dev.tar.xz")
    assert "tar xf" in caught.value.hint


@pytest.fixture(scope="module")
def dev_truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published cases without their recordings."""
    if not (OPSBENCH / "dev.tar.xz").exists():
        pytest.skip("Cloud-OpsBench is not on this machine")
    root = tmp_path_factory.mktemp("opsbench")
    with tarfile.open(OPSBENCH / "dev.tar.xz", "r|xz") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.name.endswith("metadata.json") else None
            if stream:
                (root / member.name).parent.mkdir(parents=True)
                (root / member.name).write_bytes(stream.read())
    return root / "benchmark"


def random_prediction(rng: random.Random, one: Expected, others: Sequence[Expected]) -> dict[str, Any]:
    """A prediction of which some parts are right."""
    parts = [one if rng.random() < 0.8 else rng.choice(others) for _ in range(3)]
    cause = parts[0].written
    return {
        "root_cause": SPELLINGS.get(cause, cause) if rng.random() < 0.4 else cause,
        "fault_object": parts[1].objects[0].upper() if rng.random() < 0.2 else parts[1].objects[0],
        "fault_taxonomy": parts[2].category,
        "probability": round(rng.random(), 3),
    }


def random_line(rng: random.Random, one: Expected, others: Sequence[Expected]) -> dict[str, Any]:
    predictions = [random_prediction(rng, one, others) for _ in range(rng.randrange(5))]
    # The other scorer forgets a broken case when it sets the telling question apart.
    broken = rng.random() < 0.1 and not is_telling(one)
    return line(one.id, *predictions, steps=rng.randrange(12), error="boom" if broken else "")


@pytest.mark.parametrize("seed", range(5))
def test_the_score_agrees_with_the_independent_scorer(seed: int, dev_truth: Path, tmp_path: Path) -> None:
    rng = random.Random(seed)
    expected = read_truth(dev_truth)
    lines = [random_line(rng, one, expected) for one in expected if is_telling(one) or rng.random() < 0.97]
    path = write_lines(tmp_path / "p.jsonl", lines)
    command = [sys.executable, OPSBENCH / "score.py", path, dev_truth]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    score = judge({a.id: a for a in read_answers(path)}, expected)
    ours = [
        figures_of(name, part, part.only(lambda one: not is_telling(one)))
        for name, part in score.by(lambda one: one.system).items()
    ]
    assert [re.findall(r"[a-z-]+ticket|boutique|[\d.]*\d", row) for row in said.splitlines()] == ours


def figures_of(name: str, score: Score, rest: Score) -> list[str]:
    """The numbers of a line of the other scorer; its mean of steps is over broken cases too."""
    total = len(score.verdicts)
    shares = (score.right, score.strict, score.in_three, score.cause)
    a1, strict, a3, cause = (f"{share.right / share.total:.3f}" for share in shares)
    steps = f"{sum(a.steps for a in score.answers()) / total:.1f}"
    alone = f"{rest.right.right / rest.right.total:.3f}"
    numbers = [a1, strict, a3, cause, steps, str(score.broken), alone, str(rest.right.total)]
    return [name, str(total), "1", *numbers[:2], "3", *numbers[2:6], "1", *numbers[6:]]


def test_an_answer_says_its_probability_before_calibration() -> None:
    told = answer_of(line("a", {**QUOTA, "probability": 0.9, "uncalibrated": 0.7}))
    silent = answer_of(line("a", {**QUOTA, "probability": 0.9}))
    assert (told.probability, told.raw_probability, silent.raw_probability) == (0.9, 0.7, 0.9)
    assert Answer("a", ()).raw_probability is None


def test_evidence_is_compared_by_name_without_its_object() -> None:
    answer = answer_of(line("a", QUOTA, evidence=["pod.phase=Pending Pod/shop/a", "quota.used=cpu"]))
    assert answer.evidence == ("pod.phase=Pending", "quota.used=cpu")


def test_a_diagnosis_without_a_label_is_wrong_as_surely_as_it_was_given() -> None:
    own = {"root_cause": "db_read_only", "object": "Deployment/x/db", "probability": 0.9}
    (verdict,) = scored(READ_ONLY, line("a", **own)).verdicts
    assert (verdict.right, verdict.cause, verdict.in_three, verdict.broken) == (False, False, False, "")
    assert (verdict.answer.probability, verdict.got_cause) == (0.9, "(no label) db_read_only")
