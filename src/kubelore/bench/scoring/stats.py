"""Shares with their uncertainty, and the spread of a measurement."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypedDict

Z95 = 1.959964
"""Standard normal quantile of a two-sided 95% interval."""


class Interval(NamedTuple):
    low: float
    high: float


class ShareData(TypedDict):
    right: int
    total: int
    low: float
    high: float


class Share(NamedTuple):
    """`right` of `total`."""

    right: int
    total: int

    def __str__(self) -> str:
        if not self.total:
            return "none"
        low, high = wilson(self.right, self.total)
        return f"{self.right}/{self.total} = {self.right / self.total:.0%} (95%: {low:.0%} to {high:.0%})"

    @classmethod
    def of(cls, answers: Iterable[bool]) -> Share:
        known = list(answers)
        return cls(sum(known), len(known))

    def data(self) -> ShareData:
        """For reports: with the bounds of the 95% interval."""
        low, high = wilson(self.right, self.total)
        return {"right": self.right, "total": self.total, "low": round(low, 3), "high": round(high, 3)}


class Spread(TypedDict):
    """All 0 when nothing was measured."""

    mean: float
    p50: float
    p95: float
    most: float


def wilson(right: int, total: int) -> Interval:
    """Wilson score interval of a share, 95%. (0, 1) when nothing was counted."""
    if total == 0:
        return Interval(0.0, 1.0)
    share = right / total
    spread = 1 + Z95**2 / total
    middle = (share + Z95**2 / (2 * total)) / spread
    half = Z95 * math.sqrt(share * (1 - share) / total + Z95**2 / (4 * total**2)) / spread
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


RESAMPLES = 2_000
SEED = 11


def mean_interval(values: Sequence[float]) -> Interval:
    """Bootstrap interval of a mean, 95%, the same for the same values each time. (0, 0) when empty."""
    if not values:
        return Interval(0.0, 0.0)
    chosen = random.Random(SEED)  # noqa: S311 - statistics
    means = sorted(sum(chosen.choices(values, k=len(values))) / len(values) for _ in range(RESAMPLES))
    return Interval(percentile(means, 0.025), percentile(means, 0.975))


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank: the smallest value that at least `share` of all are not above. 0 when empty."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def spread(values: Sequence[float]) -> Spread:
    mean = sum(values) / len(values) if values else 0.0
    return {
        "mean": round(mean, 3),
        "p50": percentile(values, 0.5),
        "p95": percentile(values, 0.95),
        "most": max(values, default=0.0),
    }
