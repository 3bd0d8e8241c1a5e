"""How often an answer of a given probability is right: a curve that was fitted to a benchmark.

The curve is data (`calibration.yaml`), written by `kubelore bench calibrate` with what it was fitted to and
how it did on groups it had not seen. Without one, probabilities stay as they are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from kubelore.errors import DataError
from kubelore.packaged import packaged_yaml

FORMAT = "kubelore.calibration/1"
FILE = "calibration.yaml"


@dataclass(frozen=True, slots=True)
class Calibrator:
    """Straight lines between (probability, share that is right) points, from 0 to the first, for nobody
    knows what answers less sure than any seen are worth, and flat after the last. It never turns the order
    of two probabilities round."""

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        rising = all(x1 < x2 and y1 <= y2 for (x1, y1), (x2, y2) in pairwise(self.points))
        if not rising or not all(0 <= value <= 1 for point in self.points for value in point):
            raise DataError("the points of a calibration do not rise from 0 to 1")

    def __call__(self, probability: float) -> float:
        if not self.points:
            return probability
        right = bisect_left(self.points, probability, key=lambda point: point[0])
        if right == 0:
            x, y = self.points[0]
            return min(y, y * probability / x) if x else y
        if right == len(self.points):
            return self.points[-1][1]
        (x1, y1), (x2, y2) = self.points[right - 1 : right + 1]
        return y1 + (y2 - y1) * (probability - x1) / (x2 - x1)


def calibrator_from(data: Any) -> Calibrator:
    """Raises DataError when `data` is not what `kubelore bench calibrate` writes."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise DataError(f"not a calibration: `format` is not {FORMAT}")
    points = data.get("points")
    if not isinstance(points, Sequence) or not all(_is_point(point) for point in points):
        raise DataError("`points` of a calibration is not a list of pairs of numbers")
    return Calibrator(tuple((float(x), float(y)) for x, y in points))


@cache
def packaged() -> Calibrator:
    """The curve that ships with kubelore."""
    return calibrator_from(packaged_yaml("kubelore", FILE))


def calibrate(probability: float) -> float:
    """What an uncalibrated probability (0 to 1) is worth."""
    return packaged()(probability)


def _is_point(point: Any) -> bool:
    return isinstance(point, list | tuple) and len(point) == 2 and all(type(n) in (int, float) for n in point)
