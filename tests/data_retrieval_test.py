"""The form of the retrieval data. A failure names lines and never shows them: nobody who tunes may see a
report half, not even by an accident of pytest."""

from __future__ import annotations

import json
import re
import tarfile
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "data" / "retrieval"
CAUSES = ROOT / "src" / "kubelore" / "patterns" / "root-causes.tsv"
RUNBOOKS = ROOT.parent / "shared" / "runbooks" / "prometheus-operator-runbooks.tar.xz"
HALVES = ("tune", "report")
NAMES = [f"{what}-{half}.jsonl" for what in ("runbook-queries", "questions") for half in HALVES]
TRAIN = "questions-train.jsonl"
PLAIN = "questions-plain.jsonl"
OWN = "runbook-queries-own.jsonl"


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def text_of(row: dict[str, Any]) -> str:
    return str(row.get("query") or row.get("question"))


def folded(text: str) -> str:
    return "".join(re.findall(r"[a-z0-9]+", text.lower()))


def pattern_ids() -> set[str]:
    lines = CAUSES.read_text("utf-8").splitlines()
    return {line.split("\t")[1] for line in lines if not line.startswith("#")} - {"-"}


@pytest.mark.parametrize("name", [*NAMES, OWN, TRAIN, PLAIN])
def test_every_line_has_its_fields(name: str) -> None:
    is_query = name.startswith("runbook")
    needed = {"query", "source", "also"} if is_query else {"question", "label", "also", "source"}
    allowed = needed if is_query else needed | {"why"}

    def is_fine(row: dict[str, Any]) -> bool:
        texts = [value for key, value in row.items() if key != "also"]
        return (
            needed <= row.keys() <= allowed
            and all(isinstance(value, str) and value.strip() for value in texts)
            and isinstance(row["also"], list)
            and all(isinstance(value, str) for value in row["also"])
            and len(set(row["also"])) == len(row["also"])
            and (row["source"] if is_query else row["label"]) not in row["also"]
        )

    wrong = [number for number, row in enumerate(rows(name), 1) if not is_fine(row)]
    assert wrong == []


@pytest.mark.parametrize("half", HALVES)
def test_labels_are_patterns_and_every_pattern_is_asked_for(half: str) -> None:
    asked, known = rows(f"questions-{half}.jsonl"), pattern_ids() | {"none"}
    wrong = [n for n, row in enumerate(asked, 1) if not {row["label"], *row["also"]} <= known]
    assert wrong == []
    counts = Counter(row["label"] for row in asked)
    assert counts.keys() == known
    assert counts["none"] >= 30
    assert min(counts.values()) >= 4


@pytest.mark.parametrize("half", HALVES)
def test_half_of_the_questions_come_from_real_ones(half: str) -> None:
    sources = [row["source"] for row in rows(f"questions-{half}.jsonl")]
    assert all(source == "own" or source.startswith(("https://", "stackoverflow.com ")) for source in sources)
    assert sources.count("own") <= len(sources) / 2


@pytest.mark.parametrize("half", HALVES)
def test_no_query_says_the_name_of_its_runbook(half: str) -> None:
    name = f"runbook-queries-{half}.jsonl"

    def says_it(row: dict[str, Any]) -> bool:
        books = [row["source"], *row["also"]]
        return any(folded(book.removesuffix(".md")) in folded(row["query"]) for book in books)

    wrong = [number for number, row in enumerate(rows(name), 1) if says_it(row)]
    assert wrong == []


@pytest.mark.skipif(not RUNBOOKS.exists(), reason="no runbooks in ../shared")
def test_the_runbooks_exist_and_all_are_asked_for() -> None:
    with tarfile.open(RUNBOOKS) as archive:
        inside = {
            PurePosixPath(member.name).name
            for member in archive
            if member.isfile() and "/runbooks/" in member.name and not member.name.endswith("_index.md")
        }
    for half in HALVES:
        queries = rows(f"runbook-queries-{half}.jsonl")
        wrong = [n for n, row in enumerate(queries, 1) if not {row["source"], *row["also"]} <= inside]
        assert wrong == [], half
        assert {row["source"] for row in queries} == {name for name in inside if name.endswith(".md")}, half


def test_the_training_questions_cover_every_pattern_and_many_of_none() -> None:
    asked, known = rows(TRAIN), pattern_ids() | {"none"}
    wrong = [n for n, row in enumerate(asked, 1) if not {row["label"], *row["also"]} <= known]
    assert wrong == []
    counts = Counter(row["label"] for row in asked)
    assert counts.keys() == known
    assert counts["none"] >= 250
    assert counts.total() - counts["none"] >= 350
    assert min(counts.values()) >= 14


def test_the_training_questions_say_where_they_come_from() -> None:
    sources = [row["source"] for row in rows(TRAIN)]
    wrong = [
        n for n, source in enumerate(sources, 1) if not (source == "own" or source.startswith("https://"))
    ]
    assert wrong == []
    assert sources.count("own") <= len(sources) * 2 / 3


def test_plain_questions_cover_every_pattern() -> None:
    asked, known = rows(PLAIN), pattern_ids() | {"none"}
    counts = Counter(row["label"] for row in asked)
    assert counts.keys() == known
    assert min(counts.values()) >= 4


@pytest.mark.parametrize("name", [TRAIN, PLAIN])
def test_the_training_questions_share_nothing_with_the_halves(name: str) -> None:
    halves = [row for half in HALVES for row in rows(f"questions-{half}.jsonl")]
    taken = {folded(row["question"]) for row in halves} | {row["source"] for row in halves} - {"own"}
    asked = enumerate(rows(name), 1)
    wrong = [number for number, row in asked if {folded(row["question"]), row["source"]} & taken]
    assert wrong == []


def test_nothing_is_there_twice() -> None:
    for what, parts in (("runbook-queries", (*HALVES, "own")), ("questions", (*HALVES, "train", "plain"))):
        texts = Counter(folded(text_of(row)) for part in parts for row in rows(f"{what}-{part}.jsonl"))
        assert max(texts.values()) == 1, what


def test_the_halves_share_no_source_of_a_question() -> None:
    tune, report = (
        {row["source"] for row in rows(f"questions-{half}.jsonl")} - {"own"} for half in HALVES
    )  # fmt: skip
    assert len(tune & report) == 0


def test_the_readme_counts_the_lines() -> None:
    readme = (DATA / "README.md").read_text("utf-8")
    for name in (*NAMES, OWN, TRAIN, PLAIN):
        assert f"| `{name}` | {len(rows(name))} |" in readme
