"""How well each strategy finds the patterns of labelled questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kubelore.bench.cases import read_lines
from kubelore.errors import DataError
from kubelore.patterns.load import Library
from kubelore.patterns.question import Strategy, match
from kubelore.types import JsonObject


@dataclass(frozen=True, slots=True)
class Asked:
    """One labelled question; `none` as label means that no pattern may fire."""

    question: str
    right: frozenset[str]
    """Label and what else counts as right."""
    is_none: bool


@dataclass(frozen=True, slots=True)
class QuestionScore:
    """Shares of 1. `false_fires` is over the questions labelled none, the hits over the others."""

    strategy: str
    asked: int
    none: int
    hit_at_1: float
    hit_at_2: float
    false_fires: float
    misses: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
    """(question, right patterns, patterns that fired) of everything that was not a hit at 2."""


def read_questions(path: Path) -> list[Asked]:
    """Lines of `{question, label, also}`, `also` a list that may be missing. Raises UsageError when there
    is no such file, DataError with the line."""
    return [_asked(row, f"{path}:{number}") for number, row in read_lines(path, "question", "label")]


def _asked(row: JsonObject, place: str) -> Asked:
    also = row.get("also", [])
    if not isinstance(also, list) or not all(isinstance(label, str) for label in also):
        raise DataError(
            f"{place}: `also` is not a list of labels",
            hint='a line looks like {"question": "...", "label": "oomkilled", "also": []}',
        )
    return Asked(row["question"], frozenset({row["label"], *also}), row["label"] == "none")


def score_questions(asked: Sequence[Asked], library: Library, strategy: Strategy) -> QuestionScore:
    """How well a strategy finds the labelled patterns."""
    first = second = fired_on_none = 0
    misses = []
    for one in asked:
        fired = tuple(m.pattern.id for m in match(one.question, library, strategy))
        if one.is_none:
            wrong = bool(set(fired) - one.right)
            fired_on_none += wrong
        else:
            first += bool(set(fired[:1]) & one.right)
            wrong = not set(fired) & one.right
            second += not wrong
        if wrong:
            misses.append((one.question, tuple(sorted(one.right)), fired))
    none = sum(one.is_none for one in asked)
    some = len(asked) - none
    return QuestionScore(
        strategy,
        len(asked),
        none,
        first / some if some else 0.0,
        second / some if some else 0.0,
        fired_on_none / none if none else 0.0,
        tuple(misses),
    )
