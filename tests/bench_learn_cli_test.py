"""From the command line: learn from some cases, and recall them in others."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from typer.testing import CliRunner

from bench_ops_test import CACHE, WEB, key, run, write_case
from kubelore.cli.app import app
from kubelore.errors import DataError, StoreError
from kubelore.store.sqlite.cases import SqliteCaseStore
from support_openai import ChatServer

WRONG = {
    "fault_taxonomy": "Startup_Fault",
    "fault_object": "app/web",
    "root_cause": "missing_image_pull_secret",
}
RIGHT = {**WRONG, "root_cause": "incorrect_image_reference"}


def learn(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["bench", "learn", *arguments, "-q"])
    assert done.exit_code == 0, done.output
    return done.output


def cases_with(tmp_path: Path, truth: dict[str, str], number: int) -> Path:
    """The same incident several times, in workloads of several names."""
    for n in range(number):
        text = json.dumps(CACHE).replace("web", f"web{n}" if n else "web")
        write_case(tmp_path / "cases" / str(n), text, result={**truth, "fault_object": f"app/web{n or ''}"})
    return tmp_path / "cases"


def test_answers_are_confirmed_or_corrected_and_recalled_elsewhere(tmp_path: Path) -> None:
    root, file = cases_with(tmp_path, WRONG, 3), tmp_path / "learned.db"
    learn("cloud-opsbench", str(root), "--seeds", "0", "--out", str(file))
    with closing(SqliteCaseStore(file)) as store:
        taught = store.past_cases().taught
    assert sum(case.count for case in taught) == 3
    assert {case.misled for case in taught} == {"image_not_found"}
    assert all(case.root_cause.startswith("image_pull_") for case in taught)  # the label has two names
    without = run(root, tmp_path / "without.jsonl")
    recalled = run(root, tmp_path / "with.jsonl", "--casebook", str(file))
    for before, after in zip(without, recalled, strict=True):
        assert before["root_cause"] == after["root_cause"] == "image_not_found"  # fresh evidence is strong
        assert before["probability"] >= after["probability"]  # type: ignore[operator]


def test_learning_again_starts_the_casebook_anew(tmp_path: Path) -> None:
    root, file = cases_with(tmp_path, RIGHT, 2), tmp_path / "learned.db"
    for _ in range(2):
        learn("cloud-opsbench", str(root), "--seeds", "0", "--out", str(file))
    with closing(SqliteCaseStore(file)) as store:
        assert store.stats().cases == 2
        assert store.stats().states == {"trusted": 2}


def test_the_users_own_casebook_is_not_begun_anew(tmp_path: Path) -> None:
    root, own = cases_with(tmp_path, RIGHT, 1), tmp_path / "own.db"
    own.write_text("mine")
    done = CliRunner().invoke(
        app,
        ["bench", "learn", "cloud-opsbench", str(root), "--out", str(own)],
        env={"KUBELORE_CASEBOOK": str(own)},
    )
    assert "is your own casebook" in str(done.exception)
    assert own.read_text() == "mine"


def test_the_report_is_written(tmp_path: Path) -> None:
    root, html, page = cases_with(tmp_path, RIGHT, 5), tmp_path / "page.html", tmp_path / "page.md"
    pages = ("--html", str(html), "--markdown", str(page))
    printed = learn("cloud-opsbench", str(root), "--seeds", "1", *pages, "-o", "json")
    data = json.loads(printed[printed.index("{") :])
    assert data["cases"] == 5
    four = [r for r in data["taken_away"] if (r["arm"], r["shown"]) == ("evidence", 4)]
    assert four
    assert all(row["without"] == 0 for row in four)
    assert "A pattern taken away comes back" in page.read_text()
    assert (tmp_path / "page-learning.svg").exists()
    assert "<svg" in html.read_text()


def test_nothing_can_be_learned_from_cases_that_are_all_alike(tmp_path: Path) -> None:
    root = cases_with(tmp_path, RIGHT, 2)
    done = CliRunner().invoke(
        app,
        ["bench", "learn", "cloud-opsbench", str(root), "--seeds", "0", "--fit", str(tmp_path / "f.yaml")],
    )
    assert isinstance(done.exception, DataError)


def test_a_model_is_shown_the_past_cases_of_a_casebook(tmp_path: Path) -> None:
    root, file = cases_with(tmp_path, WRONG, 3), tmp_path / "learned.db"
    learn("cloud-opsbench", str(root), "--seeds", "0", "--out", str(file))
    said = {"thought": "t", "action": "respond", "response": "It cannot be pulled.", "root_cause": "unknown",
            "object": "Deployment/shop/web", "confidence": "low"}  # fmt: skip
    with ChatServer(*[json.dumps(said)] * 9) as server:
        model = ("--model", "m", "--base-url", server.url, "--limit", "1")
        run(root, tmp_path / "with.jsonl", "--casebook", str(file), *model)
        shown = b"".join(server.bodies).decode()
        run(root, tmp_path / "without.jsonl", *model)
        assert "Use as reference, investigate the current issue fresh." in shown
        assert "was answered, and it was wrong" in shown
        assert "investigate the current issue fresh" not in server.bodies[-1].decode()


def test_a_damaged_casebook_is_told_once(tmp_path: Path) -> None:
    root, file = cases_with(tmp_path, RIGHT, 1), tmp_path / "damaged.db"
    file.write_bytes(b"no database" * 999)
    told = ["bench", "cloud-opsbench", str(root), "--out", str(tmp_path / "o"), "--casebook", str(file)]
    assert isinstance(CliRunner().invoke(app, told).exception, StoreError)
    assert not (tmp_path / "o").exists()


def test_a_casebook_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    cases_with(tmp_path, RIGHT, 1)
    done = CliRunner().invoke(
        app,
        [
            "bench",
            "cloud-opsbench",
            str(tmp_path / "cases"),
            "--out",
            str(tmp_path / "o"),
            "--casebook",
            "missing.db",
        ],
    )
    assert isinstance(done.exception, Exception)
    assert "missing.db" in str(done.exception)


def test_cases_without_truth_cannot_be_learned_from(tmp_path: Path) -> None:
    write_case(tmp_path / "cases" / "1", {**CACHE, key("GetAlerts"): WEB})
    done = CliRunner().invoke(app, ["bench", "learn", "cloud-opsbench", str(tmp_path / "cases")])
    assert "result" in str(done.exception)
