"""Recorded incidents: their prediction lines and labels, as the scorer reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubelore.bench.incidents import Prediction
from kubelore.bench.scoring.judge import Answer, Expected, Guess, Score, judge


def score(predictions: Iterable[Prediction], labels: Iterable[Mapping[str, Any]]) -> Score:
    """Labels decide what is scored; a label without a prediction counts as broken."""
    return judge({line["id"]: _answer(line) for line in predictions}, map(expected_of, labels))


def expected_of(label: Mapping[str, Any]) -> Expected:
    return Expected(
        label["id"],
        (label["root_cause"], *(label.get("also_root_causes") or ())),
        (label.get("object") or "", *(label.get("also_objects") or ())),
    )


def _answer(line: Prediction) -> Answer:
    first = Guess(line["root_cause"], line["object"])
    others = (Guess(a["root_cause"], a["object"], probability=a["probability"]) for a in line["alternatives"])
    return Answer(
        line["id"],
        (first, *others),
        broken=line["error"],
        confidence=line["confidence"],
        steps=line["steps"],
        seconds=line["seconds"],
        found=tuple(found["object"] for found in line["findings"]),
    )
