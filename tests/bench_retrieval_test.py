from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli_support import CommandLine
from kubelore.bench.questions import Asked
from kubelore.bench.retrieval.table import answers, figures
from kubelore.bench.scoring.stats import mean_interval


class Silent:
    def advance(self, done: int, total: int, what: str) -> None: ...


def write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


ASKED = [
    Asked("first", frozenset({"a"}), is_none=False),
    Asked("third", frozenset({"c"}), is_none=False),
    Asked("never", frozenset({"z"}), is_none=False),
    Asked("chat", frozenset({"none"}), is_none=True),
]


def test_places_of_right_answers_are_counted() -> None:
    found = answers("way", lambda question: ["a", "b", "c"], ASKED, Silent())
    row = figures("set", [found])["ways"][0]
    assert (row["hit_at_1"]["right"], row["hit_at_3"]["right"], row["hit_at_3"]["total"]) == (1, 2, 3)
    assert row["mrr"]["mean"] == pytest.approx((1 + 1 / 3) / 3, abs=1e-3)
    assert row["answered_none"] == {
        "right": 1,
        "total": 1,
        "low": pytest.approx(0.207, abs=0.01),
        "high": 1.0,
    }
    assert [miss["question"] for miss in row["misses"]] == ["never", "chat"]


def test_a_way_that_is_silent_answers_nothing_wrongly() -> None:
    row = figures("set", [answers("way", lambda question: [], ASKED, Silent())])["ways"][0]
    assert row["answered_none"]["right"] == row["hit_at_3"]["right"] == 0


def test_ways_are_compared_question_by_question() -> None:
    one = answers("one", lambda q: ["a"] if q == "first" else [], ASKED, Silent())
    other = answers("other", lambda q: ["c", "z"], ASKED, Silent())
    row = figures("set", [one, other])["ways"][0]
    assert (row["only_this"], row["only_used"]) == (1, 2)


def test_the_interval_of_a_mean_holds_it_and_does_not_change() -> None:
    values = [0.0, 1.0, 1.0, 0.5, 0.0, 1.0]
    low, high = mean_interval(values)
    assert low < sum(values) / len(values) < high
    assert mean_interval(values) == (low, high)
    assert mean_interval([]) == (0, 0)


def test_documents_are_searched_without_touching_the_users_knowledge(
    kubelore: CommandLine, tmp_path: Path, own_home: Path
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "etcd.md").write_text(
        "# etcdNoLeader\n\nThe cluster has no leader, a majority of members is down.\n"
    )
    (docs / "disk.md").write_text(
        "# NodeFilesystem\n\nThe disk of a node is almost full, no space is left.\n"
    )
    queries = write(
        tmp_path / "q.jsonl",
        {"query": "etcd lost its majority", "source": "etcd.md"},
        {"query": "no disk space left on the worker", "source": "disk.md", "also": ["etcd.md"]},
    )
    found = kubelore("bench", "retrieval", "--docs", docs, "--queries", queries, "-o", "json", "-q")
    strict, also = json.loads(found.out)["parts"]
    assert [row["way"] for row in strict["ways"]] == ["keywords alone", "vectors alone", "fused"]
    assert strict["ways"][-1]["hit_at_3"]["right"] == 2
    assert "other documents" in also["name"]
    assert not list(own_home.rglob("knowledge.db"))


def test_questions_are_asked_in_every_way_and_weights_can_be_learned(
    kubelore: CommandLine, tmp_path: Path
) -> None:
    asked = write(
        tmp_path / "asked.jsonl",
        *(
            {"question": f"pod {number} is in CrashLoopBackOff", "label": "crashloopbackoff"}
            for number in range(6)
        ),
        *({"question": f"how do I install tool {number}", "label": "none"} for number in range(6)),
    )
    fitted, page = tmp_path / "matching.yaml", tmp_path / "page.md"
    found = kubelore(
        "bench", "retrieval", "--questions", asked, "--fit", fitted, "--markdown", page, "--misses", "-q"
    )
    assert "all signs (used)" in found.out
    assert "cross-validated" in found.out
    assert "fitted_to: {asked.jsonl: 12}" in fitted.read_text()
    assert page.read_text().startswith("# Retrieval")


@pytest.mark.parametrize(
    "options",
    [[], ["--docs", "."], ["--recordings", "."], ["--fit", "weights.yaml"]],
)
def test_what_does_not_go_together_is_said(kubelore: CommandLine, options: list[str]) -> None:
    found = kubelore("bench", "retrieval", *options)
    assert found.code == 2
    assert "hint" in found.err.lower() or "give" in found.err.lower()


def test_a_line_that_is_no_query_is_named(kubelore: CommandLine, tmp_path: Path) -> None:
    queries = write(tmp_path / "q.jsonl", {"query": "x", "source": "a.md", "also": "b.md"})
    found = kubelore("bench", "retrieval", "--docs", tmp_path, "--queries", queries, "-q")
    assert found.code == 4
    assert "q.jsonl:1" in found.err


def test_the_smallest_mistake_is_a_mistake() -> None:
    asked = [Asked("how does it scale?", frozenset({"none", "hpa"}), is_none=True)]
    row = figures("set", [answers("way", lambda question: ["hpa"], asked, Silent())])["ways"][0]
    assert row["answered_none"]["right"] == 1
