"""What recall knows of past cases without reading them: their signs, and what each counts for.

Cases are read from the store only where an answer names them. A section of very many cases can be packed and
kept; whatever was packed comes back as it was, or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from kubelore.casebook.segment import Rows, Segment

if TYPE_CHECKING:
    from kubelore.casebook.segment import Ints
    from kubelore.types import PastCase

FORMAT = b"kubelore.catalogue/1"
DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Standing:
    """What a case says and counts for, as in `PastCase`; very many cases share one."""

    kind: str
    root_cause: str
    source: str
    cluster: str
    confirmed: bool
    count: int
    credit: float

    @classmethod
    def of(cls, case: PastCase) -> Standing:
        return cls(*_told(case))


def _told(case: PastCase | Standing) -> tuple[str, str, str, str, bool, int, float]:
    return (
        case.kind, case.root_cause, case.source, case.cluster, case.confirmed, case.count, case.credit,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Section:
    """Some cases; the same ones always make the same section. `which` is the place in `standings` of each."""

    segment: Segment
    standings: Sequence[Standing]
    which: Ints

    @classmethod
    def of(cls, cases: Iterable[PastCase]) -> Section:
        known = {case.id: case for case in cases}
        segment = Segment.of({case.id: case.signs for case in known.values()})
        of_each = [Standing.of(known[case.decode()]) for case in segment.ids.tolist()]
        standings = sorted(set(of_each), key=_told)
        places = {standing: place for place, standing in enumerate(standings)}
        which = np.fromiter((places[standing] for standing in of_each), dtype=np.int32, count=len(of_each))
        return cls(segment, standings, which)

    @classmethod
    def joined(cls, sections: Sequence[Section]) -> Section:
        """All living cases of sections that have none in common, as `of` would make it."""
        segment = Segment.joined([section.segment for section in sections])
        living = [section.which[section.segment.alive] for section in sections]
        used = zip(sections, living, strict=True)
        known = {section.standings[n] for section, which in used for n in np.unique(which).tolist()}
        standings = sorted(known, key=_told)
        places = {standing: place for place, standing in enumerate(standings)}
        which = np.zeros(len(segment), dtype=np.int32)
        for section, old in zip(sections, living, strict=True):
            new = np.array([places.get(standing, 0) for standing in section.standings], dtype=np.int32)
            here = section.segment.ids[section.segment.alive]
            which[np.searchsorted(segment.ids, here)] = new[old]
        return cls(segment, standings, which)

    def standing(self, number: int) -> Standing:
        """Of one case."""
        return self.standings[int(self.which[number])]

    def without(self, cases: Ints) -> Section:
        """The same, where these cases count for nothing."""
        return Section(self.segment.without(cases), self.standings, self.which)

    def pack(self) -> bytes:
        """All of it, with a digest; of a section without dead cases."""
        segment = self.segment
        signs, holders = segment.signs, segment.holders
        arrays = [segment.ids, signs.starts, signs.numbers, holders.starts, holders.numbers, self.which]
        little = [array.astype(array.dtype.newbyteorder("<"), copy=False) for array in arrays]
        head = {
            "arrays": [(array.dtype.str, len(array)) for array in little],
            "vocabulary": segment.vocabulary,
            "standings": list(map(_told, self.standings)),
        }
        content = b"".join([json.dumps(head).encode(), b"\n", *(array.tobytes() for array in little)])
        return FORMAT + sha256(content).digest() + content

    @classmethod
    def unpack(cls, packed: bytes) -> Section | None:
        """None when it is not as it was packed, or was packed by another kubelore."""
        begin = len(FORMAT) + DIGEST_BYTES
        if packed[: len(FORMAT)] != FORMAT:
            return None
        if sha256(memoryview(packed)[begin:]).digest() != packed[len(FORMAT) : begin]:
            return None
        try:
            return cls._unpacked(packed, begin)
        except (ValueError, KeyError, TypeError):
            return None

    @classmethod
    def _unpacked(cls, packed: bytes, begin: int) -> Section:
        end = packed.index(b"\n", begin)
        head = json.loads(packed[begin:end])
        at, arrays = end + 1, []
        for kind, length in head["arrays"]:
            arrays.append(np.frombuffer(packed, np.dtype(kind), length, at))
            at += arrays[-1].nbytes
        ids, signs, signs_numbers, holders, holders_numbers, which = arrays
        segment = Segment(ids, head["vocabulary"], Rows(signs, signs_numbers), Rows(holders, holders_numbers))
        return cls(segment, [Standing(*each) for each in head["standings"]], which)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All cases that teach, in sections that have none in common."""

    sections: Sequence[Section]
    load: Callable[[Collection[str]], Iterable[PastCase]]
    """Reads cases by their ids; those that teach no more by now are left out."""

    @classmethod
    def of(cls, cases: Iterable[PastCase]) -> Catalogue:
        """Of cases that are all at hand."""
        known = {case.id: case for case in cases}
        return cls([Section.of(known.values())], lambda ids: [known[case] for case in ids])
