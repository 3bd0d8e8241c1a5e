"""Finds the past cases whose signs are most alike, among very many, exactly.

Likeness of two sets of signs is what they share over what either has (weighted Jaccard, 0 to 1). A sign
weighs more the nearer to the object it is, and the fewer cases have it. Cases are kept as numbers in numpy
arrays, in segments that never change: a large one and, beside it, a small one of what is new.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import TYPE_CHECKING

import numpy as np

from kubelore.casebook.signs import edges_to, place_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int32]
    Floats = NDArray[np.float64]

MAX_COMPARED = 256
"""Cases of a segment compared in full: those that are most alike by their rarest signs."""
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

    def place(self, sign: str) -> float:
        place = place_of(sign)
        return self.places.get(str(edges_to(place) or place), 0.0)

    def weight(self, sign: str, holders: float, cases: int) -> float:
        """Of a sign that so many of all `cases` have."""
        usual = self.background_cases * self.background.get(sign.partition(":")[2], 0.0)
        share = (holders + usual + 0.5) / (cases + self.background_cases + 1)
        return float(self.place(sign) * max(0.0, -math.log(share)) ** self.rarity)


class Segment:
    """The signs of some cases, numbered from 0: by case and by sign."""

    def __init__(self, vocabulary: Sequence[str], signs: Ints, starts: Ints) -> None:
        """`signs[starts[i]:starts[i + 1]]` are those of case i, as places in `vocabulary`."""
        self.vocabulary = vocabulary
        self.numbers = {sign: number for number, sign in enumerate(vocabulary)}
        self.signs, self.starts = signs, starts
        self.owners = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(starts))
        self.holders: Ints = self.owners[np.argsort(signs, kind="stable")]
        self.counts = np.bincount(signs, minlength=len(vocabulary))
        self.ends = np.concatenate([[0], np.cumsum(self.counts)])
        self._marks: dict[str, NDArray[np.bool_]] = {}

    @classmethod
    def of(cls, cases: Iterable[Collection[str]]) -> Segment:
        numbers: dict[str, int] = {}
        rows = [[numbers.setdefault(sign, len(numbers)) for sign in signs] for signs in cases]
        signs = np.fromiter(chain.from_iterable(rows), dtype=np.int32)
        starts = np.fromiter(accumulate(map(len, rows), initial=0), dtype=np.int32)
        return cls(list(numbers), signs, starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def having(self, sign: int) -> Ints:
        """Cases that have a sign."""
        return self.holders[self.ends[sign] : self.ends[sign + 1]]

    def has(self, sign: str, cases: Ints) -> NDArray[np.bool_]:
        """Whether each of these cases has a sign."""
        if sign not in self._marks:
            self._marks[sign] = mark = np.zeros(len(self), dtype=bool)
            if sign in self.numbers:
                mark[self.having(self.numbers[sign])] = True
        return self._marks[sign][cases]

    def vector(self, weights: Mapping[str, float]) -> Floats:
        """Weights by sign number; signs that no case has are left out."""
        found = np.zeros(len(self.vocabulary))
        for sign, weight in weights.items():
            if sign in self.numbers:
                found[self.numbers[sign]] = weight
        return found

    def sums(self, cases: Ints, weights: Floats) -> Floats:
        """Of the weights of each case's signs; `weights` by sign."""
        lengths = self.starts[cases + 1] - self.starts[cases]
        owners = np.repeat(np.arange(len(cases)), lengths)
        before = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        places = np.arange(lengths.sum()) + np.repeat(self.starts[cases] - before, lengths)
        return np.bincount(owners, weights[self.signs[places]], minlength=len(cases)).astype(np.float64)


class CaseIndex:
    """Cases of several segments, numbered through. Never changes: build a new one of the same segments."""

    def __init__(self, segments: Sequence[Segment], weighing: Weighing) -> None:
        self._weighing = weighing
        self._segments = [segment for segment in segments if len(segment)]
        self.cases = sum(map(len, self._segments))
        self._known: dict[str, float] = {}
        weights = [np.array([self.weight(sign) for sign in s.vocabulary]) for s in self._segments]
        self._totals = [
            np.bincount(s.owners, w[s.signs], minlength=len(s)).astype(np.float64)
            for s, w in zip(self._segments, weights, strict=True)
        ]

    def weight(self, sign: str) -> float:
        """How much a sign counts here."""
        if sign not in self._known:
            holders = sum(int(s.counts[n]) for s in self._segments if (n := s.numbers.get(sign)) is not None)
            self._known[sign] = self._weighing.weight(sign, holders, self.cases)
        return self._known[sign]

    def nearest(
        self, signs: Collection[str], floor: float, news: Mapping[str, Collection[str]] | None = None
    ) -> list[tuple[int, float]]:
        """Cases at least as alike as `floor` (above 0), with how alike they are; in no order. Of very many
        that are, the most alike ones.

        `news` names signs that a case without the key sign could not have: they count little against it.
        """
        weighed = {sign: self.weight(sign) for sign in signs}
        excused = {key: {sign: weighed[sign] for sign in found} for key, found in (news or {}).items()}
        found: list[tuple[int, float]] = []
        first = 0
        for segment, totals in zip(self._segments, self._totals, strict=True):
            cases, alike = _compared(segment, totals, weighed, excused, floor)
            kept = alike >= floor
            found += zip((cases[kept] + first).tolist(), alike[kept].tolist(), strict=True)
            first += len(segment)
        return found


def _compared(
    segment: Segment,
    totals: Floats,
    weighed: Mapping[str, float],
    excused: Mapping[str, Mapping[str, float]],
    floor: float,
) -> tuple[Ints, Floats]:
    """All cases of a segment that may be alike enough, and how alike they are."""
    total = sum(weighed.values())
    least = total - EXCUSED * sum(sum(those.values()) for those in excused.values())
    asked = segment.vector(weighed)
    cases = _candidates(segment, asked, totals, total, floor * least)
    shared = segment.sums(cases, asked)
    either = total + totals[cases] - shared
    for key, those in excused.items():
        unseen = sum(those.values()) - segment.sums(cases, segment.vector(those))
        either -= np.where(segment.has(key, cases), 0.0, EXCUSED * unseen)
    return cases, shared / np.maximum(either, TINY)


def _candidates(segment: Segment, asked: Floats, totals: Floats, total: float, needed: float) -> Ints:
    """Cases that may share signs of weight `needed`: they have one of the rarer signs, of those without which
    the rest weighs less."""
    partial = np.zeros(len(segment))
    left = float(asked.sum())
    signs = np.flatnonzero(asked)
    for sign in signs[np.argsort(-asked[signs], kind="stable")].tolist():
        if left < needed:
            break
        partial[segment.having(sign)] += asked[sign]
        left -= float(asked[sign])
    found = np.flatnonzero((partial > 0) & (partial + left >= needed - TINY)).astype(np.int32)
    if len(found) <= MAX_COMPARED:
        return found
    likely = partial[found] / (total + totals[found] - partial[found])
    return found[np.argpartition(-likely, MAX_COMPARED)[:MAX_COMPARED]]
