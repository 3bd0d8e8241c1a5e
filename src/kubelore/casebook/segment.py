"""Signs of very many cases as numbers in numpy arrays: by case, and by sign."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ids = NDArray[np.bytes_]
    Ints = NDArray[np.integer[Any]]

SHORT = 1 << 16
"""Numbers below it are sorted in a quarter of the time, and take half the room."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of numbers, of unequal lengths: row i is `numbers[starts[i]:starts[i + 1]]`."""

    starts: Ints
    numbers: Ints

    @classmethod
    def of(cls, lengths: Ints, numbers: Ints) -> Rows:
        return cls(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32), numbers)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, row: int) -> Ints:
        return self.numbers[self.starts[row] : self.starts[row + 1]]

    def lengths(self) -> Ints:
        lengths: Ints = np.diff(self.starts)
        return lengths

    def take(self, rows: Ints) -> Rows:
        """Some of them, in that order."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        before = np.cumsum(lengths) - lengths
        places = np.arange(lengths.sum()) + np.repeat(self.starts[rows] - before, lengths)
        return Rows.of(lengths, self.numbers[places])

    def sums(self, weights: Floats) -> Floats:
        """Of the weights of the numbers of each row."""
        sums = np.zeros(len(self))
        filled = np.flatnonzero(self.lengths())
        if len(filled):
            sums[filled] = np.add.reduceat(weights[self.numbers], self.starts[filled])
        return sums

    def inverted(self, numbers: int) -> Rows:
        """The rows that each number below `numbers` is in."""
        rows: Ints = np.repeat(np.arange(len(self), dtype=np.int32), self.lengths())
        order = np.argsort(self.numbers, kind="stable")
        return Rows.of(np.bincount(self.numbers, minlength=numbers), rows[order])


class Segment:
    """Cases in the order of their ids, numbered from 0, with the signs of each in the order of a vocabulary.

    Never changes; `without` some of its cases is another segment over the same arrays.
    """

    def __init__(self, ids: Ids, vocabulary: Sequence[str], signs: Rows, holders: Rows) -> None:
        """`signs` of each case: places in the sorted `vocabulary`; `holders` of each sign: cases."""
        self.ids, self.vocabulary = ids, vocabulary
        self.signs, self.holders = signs, holders
        self.numbers = {sign: number for number, sign in enumerate(vocabulary)}
        self.held = holders.lengths()
        """How many of the living cases have each sign."""
        self.alive: Bools = np.ones(len(ids), dtype=bool)
        self._marks: dict[str, Bools] = {}

    @classmethod
    def of(cls, cases: Mapping[str, Collection[str]]) -> Segment:
        """Of signs by id."""
        ids = sorted(case.encode() for case in cases)
        vocabulary = sorted(set(chain.from_iterable(cases.values())))
        numbers = {sign: number for number, sign in enumerate(vocabulary)}
        rows = [sorted(numbers[sign] for sign in cases[case.decode()]) for case in ids]
        starts = np.fromiter(accumulate(map(len, rows), initial=0), dtype=np.int32)
        signs = np.fromiter(chain.from_iterable(rows), dtype=_smallest(vocabulary))
        return cls._inverted(np.array(ids, dtype=np.bytes_), vocabulary, Rows(starts, signs))

    @classmethod
    def joined(cls, segments: Sequence[Segment]) -> Segment:
        """All living cases of segments that have none in common, as `of` would make it."""
        vocabulary = sorted({s.vocabulary[n] for s in segments for n in np.flatnonzero(s.held).tolist()})
        numbers = {sign: number for number, sign in enumerate(vocabulary)}
        ids, lengths, signs = [], [], []
        for segment in segments:
            living = np.flatnonzero(segment.alive)
            rows = segment.signs.take(living)
            here = [numbers.get(sign, 0) for sign in segment.vocabulary]  # 0: only dead ones have it
            ids.append(segment.ids[living])
            lengths.append(rows.lengths())
            signs.append(np.array(here, dtype=_smallest(vocabulary))[rows.numbers])
        named = np.concatenate(ids)
        order = np.argsort(named, kind="stable")
        together = Rows.of(np.concatenate(lengths), np.concatenate(signs)).take(order)
        return cls._inverted(named[order], vocabulary, together)

    @classmethod
    def _inverted(cls, ids: Ids, vocabulary: Sequence[str], signs: Rows) -> Segment:
        return cls(ids, vocabulary, signs, signs.inverted(len(vocabulary)))

    def without(self, cases: Ints) -> Segment:
        """The same, where these cases count for nothing."""
        gone = cases[self.alive[cases]]
        made = copy(self)
        made.alive = self.alive.copy()
        made.alive[gone] = False
        lost = self.signs.take(gone).numbers
        made.held = self.held - np.bincount(lost, minlength=len(self.vocabulary))
        return made

    def __len__(self) -> int:
        return len(self.ids)

    def places(self, ids: Collection[str]) -> Ints:
        """Numbers of those of these cases that are here."""
        wanted = np.array([case.encode() for case in ids], dtype=np.bytes_)
        found: Ints = np.searchsorted(self.ids, wanted)
        inside = found < len(self)
        found, wanted = found[inside], wanted[inside]
        here: Ints = found[self.ids[found] == wanted]
        return here

    def has(self, sign: str, cases: Ints) -> Bools:
        """Whether each of these cases has a sign."""
        if sign not in self._marks:
            self._marks[sign] = mark = np.zeros(len(self), dtype=bool)
            if sign in self.numbers:
                mark[self.holders[self.numbers[sign]]] = True
        return self._marks[sign][cases]

    def held_by(self, worth: Floats) -> Floats:
        """For each sign the sum over the cases that have it, of what each case is worth."""
        each = np.repeat(worth, self.signs.lengths())
        held = np.bincount(self.signs.numbers, weights=each, minlength=len(self.vocabulary))
        return held.astype(np.float64)  # of no signs at all numpy makes integers

    def vector(self, weights: Mapping[str, float]) -> Floats:
        """Weights by sign number; signs that no case has are left out."""
        found = np.zeros(len(self.vocabulary))
        for sign, weight in weights.items():
            if sign in self.numbers:
                found[self.numbers[sign]] = weight
        return found


def _smallest(vocabulary: Sequence[str]) -> type[np.integer[Any]]:
    """Type that numbers of these signs are kept in."""
    return np.uint16 if len(vocabulary) < SHORT else np.int32
