"""The calibration that ships with kubelore, made of a benchmark's predictions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from kubelore import __version__
from kubelore.bench import calibration
from kubelore.bench.scoring.judge import Answer, Expected, judge
from kubelore.calibration import FORMAT, packaged
from kubelore.errors import DataError


def fitted(answers: Sequence[Answer], expected: Sequence[Expected], on: date, source: str) -> dict[str, Any]:
    """What `kubelore.calibration` reads: a curve fitted to all answers, and its scores on groups it was not
    fitted to. Raises DataError with too few answers, or when they were calibrated already."""
    if packaged().points and any(a.guesses and a.guesses[0].uncalibrated is None for a in answers):
        raise DataError(
            "some predictions do not say their probability before calibration",
            hint="predict again, so that each prediction has `uncalibrated`",
        )
    grouped = calibration.raw_pairs(judge({a.id: a for a in answers}, expected))
    pairs = [pair for _, pair in grouped]
    method = calibration.best_method(grouped)
    curve = calibration.fit(pairs, method)
    return {
        "format": FORMAT,
        "date": on.isoformat(),
        "kubelore": __version__,
        "source": source,
        "method": method,
        "answers": len(pairs),
        "groups": len({group for group, _ in grouped}),
        "scores": {
            "before": _scores(pairs),
            "after": _scores(calibration.cross_validate(grouped, method)),
        },
        "points": [list(point) for point in curve.points],
    }


def _scores(pairs: Sequence[calibration.Pair]) -> dict[str, float]:
    return {"brier": round(calibration.brier(pairs), 4), "ece": round(calibration.ece(pairs), 4)}
