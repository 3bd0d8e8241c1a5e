"""Two arms over the same cases: how many each has right that the other has not, and how sure that is."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypedDict

from kubelore.bench.scoring.stats import Interval, percentile

RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Pair:
    """One case in two arms. Cases of one group are drawn together."""

    group: Hashable
    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """`gained` cases are right after and wrong before, `lost` the other way round. `p` is of the exact
    McNemar test; `interval` of the difference in accuracy, bootstrapped by group, 95%."""

    cases: int
    gained: int
    lost: int
    p: float
    interval: Interval

    @property
    def mean(self) -> float:
        return (self.gained - self.lost) / self.cases if self.cases else 0.0

    @property
    def harm(self) -> float:
        """Share of all cases that memory turned from right to wrong."""
        return self.lost / self.cases if self.cases else 0.0


class GroupedShare(TypedDict):
    """Of cases that are right, with its 95% interval, bootstrapped by group."""

    right: int
    total: int
    mean: float
    low: float
    high: float


def share(answers: Sequence[tuple[Hashable, bool]]) -> GroupedShare:
    low, high = bootstrap([(group, float(right)) for group, right in answers])
    right, total = sum(right for _, right in answers), len(answers)
    mean = round(right / total, 4) if total else 0.0
    return {"right": right, "total": total, "mean": mean, "low": round(low, 4), "high": round(high, 4)}


def difference(pairs: Sequence[Pair]) -> Difference:
    gained = sum(pair.after and not pair.before for pair in pairs)
    lost = sum(pair.before and not pair.after for pair in pairs)
    interval = bootstrap([(pair.group, float(pair.after) - float(pair.before)) for pair in pairs])
    return Difference(len(pairs), gained, lost, mcnemar(gained, lost), interval)


def mcnemar(gained: int, lost: int) -> float:
    """Chance of so uneven a split or a more uneven one when neither arm is better."""
    total = gained + lost
    tail = sum(math.comb(total, k) for k in range(min(gained, lost) + 1))
    return float(min(1.0, 2 * tail / 2**total))


def bootstrap(values: Sequence[tuple[Hashable, float]]) -> Interval:
    """95% interval of the mean, whole groups drawn."""
    if not values:
        return Interval(0.0, 0.0)
    groups: dict[Hashable, list[float]] = defaultdict(list)
    for group, value in values:
        groups[group].append(value)
    sums = [(sum(members), len(members)) for members in groups.values()]
    rng = random.Random(0)  # noqa: S311 - statistics
    means = []
    for _ in range(RESAMPLES):
        drawn = rng.choices(sums, k=len(sums))
        means.append(sum(total for total, _ in drawn) / sum(number for _, number in drawn))
    return Interval(percentile(means, 0.025), percentile(means, 0.975))
