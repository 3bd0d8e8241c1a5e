"""Labelled questions: read with the line of every mistake, scored for each strategy."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubelore.bench.questions import read_questions, score_questions
from kubelore.errors import DataError, UsageError
from kubelore.patterns.load import load

OWN = Path(__file__).parent / "data" / "questions-own.jsonl"
DEV = Path(__file__).resolve().parents[2] / "shared" / "questions" / "dev.jsonl"
LIBRARY = load()


@pytest.mark.parametrize(
    ("path", "hit_at_2", "false_fires"),
    [
        (OWN, 0.95, 0.17),
        pytest.param(DEV, 0.9, 0.1, marks=pytest.mark.skipif(not DEV.exists(), reason="no dev questions")),
    ],
)  # fmt: skip
def test_words_beat_substrings(path: Path, hit_at_2: float, false_fires: float) -> None:
    asked = read_questions(path)
    weighed = score_questions(asked, LIBRARY, "words")
    plain = score_questions(asked, LIBRARY, "substring")
    assert weighed.hit_at_2 >= max(hit_at_2, plain.hit_at_2)
    assert weighed.false_fires <= min(false_fires, plain.false_fires)
    assert (weighed.asked, weighed.none) == (plain.asked, plain.none)


def test_the_score_counts_hits_and_false_fires(tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text(
        '{"question": "the hpa fails", "label": "hpa_not_scaling", "also": []}\n\n'
        '{"question": "the hpa fails", "label": "dns_failure", "also": ["hpa_not_scaling"]}\n'
        '{"question": "the hpa fails", "label": "dns_failure"}\n'
        '{"question": "the hpa fails", "label": "none", "also": []}\n'
        '{"question": "the hpa fails", "label": "none", "also": ["hpa_not_scaling"]}\n'
    )
    score = score_questions(read_questions(file), LIBRARY, "words")
    assert (score.asked, score.none) == (5, 2)
    assert score.hit_at_1 == score.hit_at_2 == pytest.approx(2 / 3)
    assert score.false_fires == 0.5
    assert [right for _, right, _ in score.misses] == [("dns_failure",), ("none",)]


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"question": "x"}', "1", '{"label": "x", "question": "y", "also": 3}']
)
def test_a_line_that_is_no_labelled_question_is_named(line: str, tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text('{"question": "x", "label": "none"}\n' + line + "\n")
    with pytest.raises(DataError, match=r"q\.jsonl:2: "):
        read_questions(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.jsonl: No such file"):
        read_questions(tmp_path / "none.jsonl")
