"""Finds the past cases whose signs are most alike, among very many, exactly.

Likeness of two sets of signs is what they share over what either has (weighted Jaccard, 0 to 1). A sign
weighs more the nearer to the object it is, and the fewer cases have it. The cases of one camp (all of one
origin that name the same cause) make it common like a few, however many they are: else whoever records one
incident again and again takes the weight from what tells it. Cases stand in segments that never change: a
large one and, beside it, a small one of what is new. However they are divided, what is found is the same to
the last bit.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from kubelore.casebook.signs import edges_to, place_of

if TYPE_CHECKING:
    from kubelore.casebook.segment import Floats, Ints, Segment

MAX_COMPARED = 256
"""Cases compared in full with one object: those that are most alike by their rarest signs, ..."""
MAX_LIKELY, MAX_OF_CAMP = 2048, 32
"""... of so many that may be, and of each camp no more than so many while others are left."""
PER_CAMP = 10
"""Cases that a camp counts like at most where the cases that have a sign are counted."""
UNIT = 1 << 20
"""What one whole case counts: sums of integers are the same in any order."""
EXCUSED = 0.7
"""Part of a sign's weight that does not count against a case in which nobody looked for it."""
TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Weighing:
    """How much a sign counts: by its place, and by how few of the cases have it."""

    places: Mapping[str, float]
    """Of `self`, `cluster`, `near` and `kind`, of `1` and `2` edges away. Other places count nothing."""
    background: Mapping[str, float]
    """Share of the objects of recorded incidents that have a fact, or are of a kind: all that is known of how
    rare a sign is while cases are few."""
    background_cases: float
    """How many cases the background stands for."""
    rarity: float
    """Exponent of the logarithm of the inverse frequency."""

    def weight(self, sign: str, holders: float, cases: float) -> float:
        """Of a sign that so many of all `cases` have."""
        place = place_of(sign)
        usual = self.background_cases * self.background.get(sign[len(place) + 1 :], 0.0)
        share = (holders + usual + 0.5) / (cases + self.background_cases + 1)
        counts = self.places.get(_distance(place), 0.0)
        return float(counts * max(0.0, -math.log(share)) ** self.rarity)


@cache
def _distance(place: str) -> str:
    return str(edges_to(place) or place)


class CaseIndex:
    """Cases of several segments, numbered through. Never changes: build a new one of the same segments."""

    def __init__(self, segments: Sequence[Segment], camps: Sequence[Ints], weighing: Weighing) -> None:
        """`camps` says of each case of each segment which camp it is of; they are numbered from 0."""
        self._weighing = weighing
        self._segments = segments
        self._camps = camps
        self._firsts = list(accumulate(map(len, segments), initial=0))
        self._known: dict[str, float] = {}
        self._order: Ints | None = None
        self._count()
        self._totals = [
            segment.signs.sums(np.array([self.weight(sign) for sign in segment.vocabulary]))
            for segment in segments
        ]

    def _count(self) -> None:
        """How many cases there are, and how many have each sign."""
        living = [camps[s.alive] for camps, s in zip(self._camps, self._segments, strict=True)]
        sizes = np.bincount(np.concatenate(living))
        worth = np.round(UNIT * np.minimum(1.0, PER_CAMP / np.maximum(sizes, 1)))
        self._cases = sum(float(worth[camps].sum()) for camps in living) / UNIT
        self._held: list[Floats] = []
        for segment, camps in zip(self._segments, living, strict=True):
            each = np.zeros(len(segment))
            each[segment.alive] = worth[camps]
            self._held.append(segment.held_by(each) / UNIT)

    def weight(self, sign: str) -> float:
        """How much a sign counts here."""
        if sign not in self._known:
            self._known[sign] = self._weighing.weight(sign, self._holders(sign), self._cases)
        return self._known[sign]

    def _holders(self, sign: str) -> float:
        each = zip(self._segments, self._held, strict=True)
        return sum(float(held[n]) for segment, held in each if (n := segment.numbers.get(sign)) is not None)

    def place(self, number: int) -> tuple[int, int]:
        """Segment of a case, and its number there."""
        place = bisect(self._firsts, number) - 1
        return place, number - self._firsts[place]

    def id(self, number: int) -> str:
        place, local = self.place(number)
        return str(self._segments[place].ids[local].decode())

    def signs(self, number: int) -> list[str]:
        place, local = self.place(number)
        segment = self._segments[place]
        return [segment.vocabulary[sign] for sign in segment.signs[local].tolist()]

    def nearest(
        self, signs: Collection[str], floor: float, news: Mapping[str, Collection[str]] | None = None
    ) -> list[tuple[int, float]]:
        """Cases at least as alike as `floor` (above 0), with how alike they are; in no order. Of very many
        that are, the most alike ones.

        `news` names signs that a case without the key sign could not have: they count little against it.
        """
        weighed = {sign: self.weight(sign) for sign in sorted(signs)}
        excused = [(key, {sign: weighed[sign] for sign in found}) for key, found in (news or {}).items()]
        total = sum(weighed.values())
        least = total - EXCUSED * sum(sum(those.values()) for _, those in excused)
        found: list[tuple[int, float]] = []
        for place, cases in enumerate(self._candidates(weighed, total, floor * least)):
            segment = self._segments[place]
            rows = segment.signs.take(cases)
            shared = rows.sums(segment.vector(weighed))
            either = total + self._totals[place][cases] - shared
            for key, those in excused:
                unseen = sum(those.values()) - rows.sums(segment.vector(those))
                either -= np.where(segment.has(key, cases), 0.0, EXCUSED * unseen)
            alike = shared / np.maximum(either, TINY)
            kept = alike >= floor
            numbers = cases[kept] + self._firsts[place]
            found += zip(numbers.tolist(), alike[kept].tolist(), strict=True)
        return found

    def _candidates(self, weighed: Mapping[str, float], total: float, needed: float) -> list[Ints]:
        """For each segment the cases that may share signs of weight `needed`: they have one of the rarer
        signs, of those without which the rest weighs less."""
        rarest = sorted((sign for sign in weighed if self._holders(sign)), key=lambda sign: -weighed[sign])
        left = sum(weighed[sign] for sign in rarest)
        partial = [np.zeros(len(segment)) for segment in self._segments]
        for sign in rarest:
            if left < needed:
                break
            left -= weighed[sign]
            for segment, sums in zip(self._segments, partial, strict=True):
                if (number := segment.numbers.get(sign)) is not None:
                    sums[segment.holders[number]] += weighed[sign]
        found: list[Ints] = []
        likely: list[Floats] = []
        for segment, sums, totals in zip(self._segments, partial, self._totals, strict=True):
            able = (sums > 0) & (sums + left >= needed - TINY) & segment.alive
            found.append(np.flatnonzero(able))
            likely.append(sums[found[-1]] / (total + totals[found[-1]] - sums[found[-1]]))
        return found if sum(map(len, found)) <= MAX_COMPARED else self._likeliest(found, likely)

    def _likeliest(self, found: Sequence[Ints], likely: Sequence[Floats]) -> list[Ints]:
        """The likeliest, of equally likely ones the first by id; of each camp a few before more of any."""
        unlikely = -np.concatenate(likely)
        last = min(MAX_LIKELY, len(unlikely)) - 1
        able = unlikely <= np.partition(unlikely, last)[last]
        cases = np.concatenate([each + first for each, first in zip(found, self._firsts[:-1], strict=True)])
        camps = np.concatenate([known[each] for known, each in zip(self._camps, found, strict=True)])
        cases, camps, unlikely = cases[able], camps[able], unlikely[able]
        order = self._by_id()[cases]
        by_camp = np.lexsort((order, unlikely, camps))
        begins = np.flatnonzero(np.diff(camps[by_camp], prepend=-1))
        place = np.arange(len(cases)) - np.repeat(begins, np.diff(begins, append=len(cases)))
        rest = np.empty(len(cases), dtype=bool)
        rest[by_camp] = place >= MAX_OF_CAMP
        chosen = np.sort(cases[np.lexsort((order, unlikely, rest))[:MAX_COMPARED]])
        ends = np.searchsorted(chosen, self._firsts)
        return [chosen[ends[n] : ends[n + 1]] - self._firsts[n] for n in range(len(found))]

    def _by_id(self) -> Ints:
        """The place of each case in the order of all ids."""
        if self._order is None:
            ids = np.concatenate([segment.ids for segment in self._segments])
            self._order = np.empty(len(ids), dtype=np.int64)
            self._order[np.argsort(ids, kind="stable")] = np.arange(len(ids))
        return self._order
