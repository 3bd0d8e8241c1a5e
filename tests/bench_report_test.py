"""The report: baselines beside the score, one page in two forms, and the commands that write them."""

from __future__ import annotations

import json
import random
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from bench_score_test import line, write_lines, write_truth
from cli_support import DATABASE, CommandLine
from kubelore import build
from kubelore.bench.baselines import FIRST_FINDING, TRIGGERS, by_rule, learned
from kubelore.bench.report import plots
from kubelore.bench.scoring.judge import Answer, Expected
from kubelore.bench.scoring.stats import Share
from kubelore.calibration import calibrator_from
from kubelore.types import Fact, Finding, Severity

CAUSES = {"oom_killed": "Runtime_Fault", "node_affinity_mismatch": "Scheduling_Fault", "x<&|y": "Odd_Fault"}


def case(name: str, cause: str, at: str, question: str = "why?") -> Expected:
    return Expected(name, (cause,), (at,), cause, CAUSES[cause], "shop", question)


def test_the_nearest_evidence_says_the_cause_also_of_an_object_it_has_not_seen() -> None:
    expected = [
        case("1", "oom_killed", "app/a"), case("2", "oom_killed", "app/b"),
        case("3", "node_affinity_mismatch", "app/a"), case("4", "node_affinity_mismatch", "app/b"),
    ]  # fmt: skip
    facts = {
        "oom_killed": ("last=OOMKilled", "pod=down"),
        "node_affinity_mismatch": ("wait=affinity", "pod=down"),
    }
    answers = {e.id: Answer(e.id, (), evidence=facts[e.cause]) for e in expected}
    score = learned(answers, expected)["nearest evidence"]["group"]
    assert (score.cause, score.right) == (Share(4, 4), Share(0, 4))


def test_twins_are_found_by_question_unless_their_group_is_held_out() -> None:
    expected = [
        case("1", "oom_killed", "app/a", "killed again"), case("2", "oom_killed", "app/a", "killed again"),
        case("3", "node_affinity_mismatch", "app/b", "stays pending"),
        case("4", "node_affinity_mismatch", "app/b", "stays pending"),
    ]  # fmt: skip
    by_question = learned({}, expected)["nearest question"]
    assert by_question["case"].right == Share(4, 4)
    assert by_question["group"].cause == Share(0, 4)


def test_the_most_frequent_label_is_right_as_often_as_it_occurs() -> None:
    expected = [case(str(n), "oom_killed", "app/a") for n in range(3)]
    expected.append(case("4", "node_affinity_mismatch", "app/b"))
    frequent = learned({}, expected)["most frequent label"]
    assert frequent["nothing"].right == Share(3, 4)
    assert frequent["nothing"].in_three == Share(4, 4)
    assert frequent["group"].right == Share(0, 4)


def test_evidence_is_no_baseline_when_no_line_has_any() -> None:
    assert "nearest evidence" not in learned({}, [case("1", "oom_killed", "app/a")])


def test_the_first_finding_and_the_triggers_name_canonical_causes() -> None:
    library = build.library(build.Settings())
    killed = Fact("container.last_reason", "OOMKilled", DATABASE)
    found = [Finding(Severity.CRITICAL, DATABASE, "db is killed", (killed,), "pods")]
    guessed = by_rule("the pod shows OOMKilled", found, library)
    assert ("oom_killed", DATABASE) in guessed[FIRST_FINDING]
    assert ("oom_killed", DATABASE) in guessed[TRIGGERS]
    assert by_rule("the pod shows OOMKilled", [], library) == {FIRST_FINDING: [], TRIGGERS: []}
    assert by_rule("hello", found, library)[TRIGGERS] == []


@pytest.fixture
def run_files(tmp_path: Path) -> tuple[Path, Path]:
    """A predictions file of 60 cases and their truth, with hostile names among them."""
    rng = random.Random(1)
    truth: dict[str, tuple[str, str, dict[str, str]]] = {}
    lines: list[dict[str, Any]] = []
    for number in range(60):
        cause = rng.choice(list(CAUSES))
        result = {"fault_taxonomy": CAUSES[cause], "fault_object": f"app/{number % 12}", "root_cause": cause}
        name = f"shop/{number}"
        truth[name] = (("boutique", "bank")[number % 2], "Service quality degradation.", result)
        stated = round(rng.random(), 2)
        wrong = {**result, "root_cause": rng.choice(list(CAUSES)), "fault_object": "app/0"}
        guess = {
            **(result if rng.random() < stated else wrong),
            "probability": stated,
            "uncalibrated": stated,
        }
        lines.append(
            line(name, guess, evidence=[f"fact={cause}"], baselines={"FIND_ISSUES, first finding": [wrong]})
        )
    lines[0]["error"] = "it broke <b>here</b> | so"
    lines.append(line("not/there"))
    return write_lines(tmp_path / "p.jsonl", lines), write_truth(tmp_path / "cases", truth)


class Balance(HTMLParser):
    """Fails on tags that are not closed; keeps what the page asks others for."""

    VOID = frozenset({"meta"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.titles: list[str] = []
        self.asks: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.asks += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.titles.append(data)


def test_both_pages_tell_the_same_and_stand_alone(
    run_files: tuple[Path, Path], tmp_path: Path, kubelore: CommandLine
) -> None:
    predictions, truth = run_files
    html, markdown = tmp_path / "page.html", tmp_path / "page.md"
    ran = kubelore(
        "bench",
        "score",
        str(predictions),
        "--truth",
        str(truth),
        "--html",
        str(html),
        "--markdown",
        str(markdown),
    )
    assert ran.code == 0, ran.err
    assert "predictions of no case" in ran.err
    page = Balance()
    page.feed(html.read_text())
    assert page.open == []
    assert page.asks == []
    text = markdown.read_text()
    assert page.titles == re.findall(r"^## (.*)$", text, re.M)
    assert {"Result", "Beside published results", "Calibration", "How to repeat it"} <= set(page.titles)
    assert "<b>here" not in html.read_text()
    assert "<b>here" not in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1
    for image in re.findall(r"!\[.*\]\((.*)\)", text):
        assert ElementTree.parse(tmp_path / image).getroot().tag.endswith("svg")
    assert max(len(row) for row in text.splitlines() if not row.startswith("|")) <= 120


def test_the_figures_are_the_same_in_every_form(run_files: tuple[Path, Path], kubelore: CommandLine) -> None:
    predictions, truth = run_files
    arguments = ("bench", "score", str(predictions), "--truth", str(truth))
    data = kubelore(*arguments, "-o", "json").json
    shown = kubelore(*arguments).out
    assert (data["total"]["cases"], data["total"]["broken"]) == (60, 1)
    assert data["broken"] == [{"case": "shop/0", "why": "it broke <b>here</b> | so"}]
    assert data["strangers"] == ["not/there"]
    for system, part in data["systems"].items():
        a1 = part["right"]["right"] / part["right"]["total"]
        assert re.search(rf"{system} +30 +{a1:.3f} \(", shown)
    assert {b["name"] for b in data["baselines"]} == {
        "FIND_ISSUES, first finding", "most frequent label", "nearest question", "nearest evidence",
    }  # fmt: skip
    assert sum(c["cases"] for c in data["confusion"]) == 59 - data["total"]["cause"]["right"]


def test_a_calibration_is_written_with_its_scores_and_can_be_read(
    run_files: tuple[Path, Path], tmp_path: Path, kubelore: CommandLine
) -> None:
    predictions, truth = run_files
    out = tmp_path / "calibration.yaml"
    ran = kubelore("bench", "calibrate", str(predictions), "--truth", str(truth), "--out", str(out))
    assert ran.code == 0, ran.err
    data = yaml.safe_load(out.read_text())
    assert data["answers"] == 59
    assert data["source"] == "p.jsonl"
    assert set(data["scores"]) == {"before", "after"}
    curve = calibrator_from(data)
    assert 0 <= curve(0.1) < curve(0.9) <= 1


@pytest.mark.parametrize("command", ["score", "calibrate"])
def test_predictions_of_other_cases_are_refused(
    command: str, run_files: tuple[Path, Path], tmp_path: Path, kubelore: CommandLine
) -> None:
    _, truth = run_files
    other = write_lines(tmp_path / "other.jsonl", [line("x/1")])
    more = ["--out", str(tmp_path / "c.yaml")] if command == "calibrate" else []
    ran = kubelore("bench", command, str(other), "--truth", str(truth), *more)
    assert ran.code == 2
    assert "no case of" in ran.err
    assert "hint: give --truth the folder that was predicted" in ran.err


def test_a_run_without_probabilities_is_scored_without_calibration(
    tmp_path: Path, kubelore: CommandLine
) -> None:
    result = {"fault_taxonomy": "Runtime_Fault", "fault_object": "app/a", "root_cause": "oom_killed"}
    truth = write_truth(tmp_path / "cases", {"a": ("bank", "?", result)})
    predictions = write_lines(tmp_path / "p.jsonl", [line("a", result)])
    html = tmp_path / "page.html"
    ran = kubelore("bench", "score", str(predictions), "--truth", str(truth), "--html", str(html))
    assert ran.code == 0, ran.err
    assert "No answer has a probability." in html.read_text()
    assert "No cause was taken for another." in html.read_text()


def test_a_confusion_plot_has_a_cell_for_each_pair_that_occurred() -> None:
    svg = plots.confusion([{"want": "a", "got": "<b>", "cases": 2}], {"a": 3})
    root = ElementTree.fromstring(svg)
    words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(filter(None, words)) == ["2", "3", "<b>", "a", "a"]


def test_a_broken_line_is_named_with_its_number(run_files: tuple[Path, Path], kubelore: CommandLine) -> None:
    predictions, truth = run_files
    with predictions.open("a") as file:
        file.write(json.dumps({"case": "a", "predictions": 3}) + "\n")
    ran = kubelore("bench", "score", str(predictions), "--truth", str(truth))
    assert ran.code == 4
    assert "p.jsonl:62: `predictions` is not a list of objects" in ran.err
