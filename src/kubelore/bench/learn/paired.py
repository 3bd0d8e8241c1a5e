"""Two arms over the same cases: how many each has right that the other has not, and how sure that is."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

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


def difference(pairs: Sequence[Pair]) -> Difference:
    gained = sum(pair.after and not pair.before for pair in pairs)
    lost = sum(pair.before and not pair.after for pair in pairs)
    return Difference(len(pairs), gained, lost, mcnemar(gained, lost), _bootstrap(pairs))


def mcnemar(gained: int, lost: int) -> float:
    """Chance of so uneven a split or a more uneven one when neither arm is better."""
    total = gained + lost
    tail = sum(math.comb(total, k) for k in range(min(gained, lost) + 1))
    return float(min(1.0, 2 * tail / 2**total))


def _bootstrap(pairs: Sequence[Pair]) -> Interval:
    if not pairs:
        return Interval(0.0, 0.0)
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for pair in pairs:
        groups[pair.group].append(pair.after - pair.before)
    members = list(groups.values())
    rng = random.Random(0)  # noqa: S311 - statistics
    means = []
    for _ in range(RESAMPLES):
        drawn = rng.choices(members, k=len(members))
        means.append(sum(map(sum, drawn)) / sum(map(len, drawn)))
    means.sort()
    return Interval(percentile(means, 0.025), percentile(means, 0.975))
