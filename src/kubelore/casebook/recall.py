"""Past cases as one more voice: for each object of the fresh evidence, which causes had the same signs.

A case names a root cause for an object of a cluster it has never seen, because signs have no names. How much
its word is worth was learned (`recall.yaml`): from how alike the best case is, whether what told most then is
there today, how many cases agree, and how many of those as alike say something else. No origin (a source and
a cluster) counts for more than a few cases, however many it has, and against other origins as one voice.

Never raises for what a case holds. Only cases that a vote names are read; all others are weighed by what the
catalogue knows of them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from kubelore.casebook.catalogue import Catalogue, Section, Standing
from kubelore.casebook.index import CaseIndex, Weighing
from kubelore.casebook.signs import LOOKED, SELF, place_of, signs_of
from kubelore.cases import Case
from kubelore.packaged import packaged_yaml
from kubelore.types import Evidence, PastCase, Ref, Vote
from kubelore.vocabulary import WORKLOAD_KINDS, vocabulary

if TYPE_CHECKING:
    from kubelore.casebook.segment import Ints

FORMAT = "kubelore.recall/1"
FILE = "recall.yaml"
FEATURES = ("alike", "telling", "support", "share")
"""Of a precedent, by which its worth was learned."""
MAX_OBJECTS = 64
"""Objects of one investigation that cases are sought for: those with the most facts."""
MAX_VOTES = 8
MOST_TELLING = 3
"""Signs of a case that weigh most."""
MAX_SHOWN = 5
"""Cases that a vote names."""
NEARLY = 0.5
"""Alike enough to say of two cases that they disagree."""


@dataclass(frozen=True, slots=True)
class Model:
    """What was learned; see `recall.yaml`."""

    weighing: Weighing
    floor: float
    """Less alike is not recalled."""
    reach: float
    """A case that is less alike by this much has a voice smaller by a factor of e."""
    per_origin: float
    """Most that the cases of one source and cluster count together for one cause of one object."""
    coefficients: Mapping[str, float]

    def log_odds(self, features: Mapping[str, float]) -> float:
        known = self.coefficients
        return known["constant"] + sum(known[name] * features[name] for name in FEATURES)


@cache
def model() -> Model:
    """The one that ships with kubelore."""
    return model_from(packaged_yaml("kubelore.casebook", FILE))


def model_from(data: Mapping[str, Any]) -> Model:
    weighing = Weighing(data["places"], data["background"], data["background_cases"], data["rarity"])
    return Model(weighing, data["floor"], data["reach"], data["per_origin"], data["coefficients"])


@dataclass(frozen=True, slots=True)
class Precedent:
    """One cause for one object, as past cases have it."""

    root_cause: str
    object: Ref
    alike: float
    """Of the most alike case, 0 to 1."""
    telling: float
    """Share of its most telling signs that are there today."""
    support: float
    """Number of cases, each by how alike and how trusted it is."""
    share: float
    """Of the voices of all cases that are nearly as alike as the most alike one, whatever they say."""
    cases: tuple[int, ...]
    """Their numbers in the index, most alike first."""

    def features(self) -> dict[str, float]:
        return {
            "alike": self.alike,
            "telling": self.telling,
            "support": math.log2(1 + self.support),
            "share": self.share,
        }


Hit = tuple[float, int]
"""How alike a case is, and its number."""
Key = tuple[str, Ref]
"""A cause of an object."""
Origin = tuple[str, str]
"""Source and cluster."""


class Recall:
    """A `protocols.Voter` over trusted cases."""

    def __init__(self, cases: Catalogue | Iterable[PastCase], learned: Model | None = None) -> None:
        self._model = learned or model()
        catalogue = cases if isinstance(cases, Catalogue) else Catalogue.of(cases)
        self._sections = [_that_count(section) for section in catalogue.sections]
        segments, camps = [section.segment for section in self._sections], _camps(self._sections)
        self._index = CaseIndex(segments, camps, self._model.weighing)
        self._load = catalogue.load
        self._last: tuple[Evidence, tuple[int, ...], Sequence[Vote]] | None = None

    def votes(self, question: str, evidence: Evidence) -> Sequence[Vote]:
        del question
        size = (len(evidence), sum(1 for _ in evidence.edges()), len(evidence.covered))  # it only grows
        if self._last is None or self._last[0] is not evidence or self._last[1] != size:
            self._last = (evidence, size, self._votes(evidence))
        return self._last[2]

    def _votes(self, evidence: Evidence) -> list[Vote]:
        weighed = [(self._model.log_odds(p.features()), p) for p in self.precedents(evidence)]
        weighed.sort(key=lambda each: (-each[0], each[1].root_cause, each[1].object))
        heard = [
            (weight, precedent, [self._index.id(number) for number in precedent.cases[:MAX_SHOWN]])
            for weight, precedent in weighed[:MAX_VOTES]
        ]
        read = {case.id: case for case in self._load({case for _, _, ids in heard for case in ids})}
        votes: list[tuple[float, Vote]] = []
        for weight, precedent, ids in heard:
            # Others may have changed a case since the catalogue was made.
            cases = tuple(
                case for id_ in ids if (case := read.get(id_)) and case.root_cause == precedent.root_cause
            )
            if cases:
                votes.append((precedent.alike, self._vote(weight, precedent, cases, evidence)))
        return [replace(vote, against=self._against(alike, vote, votes)) for alike, vote in votes]

    def _against(self, alike: float, vote: Vote, votes: Iterable[tuple[float, Vote]]) -> tuple[PastCase, ...]:
        return tuple(
            other.cases[0]
            for near, other in votes
            if other.object == vote.object and other is not vote and near >= alike - self._model.reach
        )

    def disagreeing(self, case: Case) -> list[PastCase]:
        """Cases with nearly the same signs that name another cause: of each cause the most alike one, the
        nearest first."""
        nearest: dict[str, str] = {}
        near = [
            (-alike, self._index.id(number), number)
            for number, alike in self._index.nearest(case.signs, NEARLY)
        ]
        for _, id_, number in sorted(near):
            standing = self._standing(number)
            if standing.root_cause != case.cause and _fits(standing.kind, case.at_fault.partition("/")[0]):
                nearest.setdefault(standing.root_cause, id_)
        read = {other.id: other for other in self._load(nearest.values())}
        return [read[id_] for id_ in nearest.values() if id_ in read]

    def precedents(self, evidence: Evidence) -> list[Precedent]:
        """All that cases suggest."""
        signs = signs_of(evidence, _objects(evidence))
        hits = {(cause, ref): found for ref in signs for cause, found in self._hits(ref, signs[ref]).items()}
        top = max((found[0][0] for found in hits.values()), default=0.0)
        voices = self._voices(hits, top)
        everybody = sum(voices.values())
        return [
            Precedent(
                cause,
                ref,
                alike=found[0][0],
                telling=self._told(found[0][1], signs[ref]),
                support=self._support(found),
                share=voices[cause, ref] / everybody,
                cases=tuple(number for _, number in found),
            )
            for (cause, ref), found in hits.items()
        ]

    def _hits(self, ref: Ref, signs: frozenset[str]) -> Mapping[str, list[Hit]]:
        """Cases that are alike, by cause, most alike first."""
        hits: dict[str, list[Hit]] = defaultdict(list)
        for number, alike in self._index.nearest(signs, self._model.floor, _shown_by_tools(signs)):
            standing = self._standing(number)
            if _fits(standing.kind, ref.kind):
                hits[standing.root_cause].append((alike, number))
        return {
            cause: sorted(hits[cause], key=lambda hit: (-hit[0], self._index.id(hit[1])))
            for cause in sorted(hits)
        }

    def _standing(self, number: int) -> Standing:
        place, local = self._index.place(number)
        return self._sections[place].standing(local)

    def _support(self, hits: Iterable[Hit]) -> float:
        floor = self._model.floor
        by_origin = self._by_origin(((alike - floor) / (1 - floor), number) for alike, number in hits)
        return sum(by_origin.values())

    def _voices(self, hits: Mapping[Key, Sequence[Hit]], top: float) -> dict[Key, float]:
        """How loudly cases speak for each cause of each object. Where they say different things, each origin
        has one voice in all."""
        reach = self._model.reach
        said = {
            key: self._by_origin((math.exp((alike - top) / reach), number) for alike, number in found)
            for key, found in hits.items()
        }
        totals: dict[Origin, float] = defaultdict(float)
        for by_origin in said.values():
            for origin, voice in by_origin.items():
                totals[origin] += voice
        quieter = {origin: min(1.0, _trust(origin[0]) / total) for origin, total in totals.items()}
        return {
            key: sum(voice * quieter[origin] for origin, voice in by_origin.items())
            for key, by_origin in said.items()
        }

    def _by_origin(self, hits: Iterable[Hit]) -> Mapping[Origin, float]:
        """Sums over the cases of each origin, each by its influence and together no more than a few."""
        sums: dict[Origin, float] = defaultdict(float)
        for weight, number in hits:
            standing = self._standing(number)
            sums[_origin(standing)] += weight * influence(standing)
        return {origin: min(self._model.per_origin, each) for origin, each in sums.items()}

    def telling(self, signs: Iterable[str]) -> list[str]:
        """Of the signs of a case, the facts of its object that told most, the rarest first."""
        own = {sign: self._index.weight(sign) for sign in signs if place_of(sign) == SELF and _known(sign)}
        most = sorted(own, key=lambda sign: (-own[sign], sign))[:MOST_TELLING]
        return [sign.removeprefix(f"{SELF}:") for sign in most]

    def _told(self, number: int, signs: frozenset[str]) -> float:
        most = {f"{SELF}:{fact}" for fact in self.telling(self._index.signs(number))}
        weights = {sign: self._index.weight(sign) for sign in most}
        total = sum(weights.values())
        return sum(weights[sign] for sign in most & signs) / total if total else 0.0

    def _vote(
        self, weight: float, precedent: Precedent, cases: tuple[PastCase, ...], evidence: Evidence
    ) -> Vote:
        ref = precedent.object
        about = evidence.about(ref)
        had = set(self._index.signs(precedent.cases[0]))
        tools = {fact: _tool(fact) for fact in self.telling(had)}
        return Vote(
            precedent.root_cause,
            ref,
            weight,
            cases,
            shared=tuple(cited for name, cited in about.items() if f"{SELF}:{name}" in had),
            ask=tuple(
                tool
                for fact, tool in tools.items()
                if fact not in about and (tool, ref) not in evidence.covered
            ),
        )


def influence(case: PastCase | Standing) -> float:
    """How much one case counts: 1 for one that a person confirmed and that never harmed."""
    trust = _trust(case.source) * (1.0 if case.confirmed else 0.5)
    repeated = 1 + 0.25 * math.log2(max(1, case.count))
    return trust * repeated * max(0.0, min(1.0, 1 + case.credit / 3))


def _trust(source: str) -> float:
    """Ours, or imported."""
    return 0.5 if source else 1.0


def _origin(standing: Standing) -> Origin:
    """Cases of ours are of a cluster. An imported file names its clusters itself: it counts as one origin."""
    return standing.source, "" if standing.source else standing.cluster


def _camps(sections: Iterable[Section]) -> list[Ints]:
    """Which camp each case is of: its origin, and the cause that it names."""
    known: dict[tuple[str, str, str], int] = {}
    found: list[Ints] = []
    for section in sections:
        camps = [known.setdefault((*_origin(s), s.root_cause), len(known)) for s in section.standings]
        found.append(np.array(camps, dtype=np.int64)[section.which])
    return found


def _that_count(section: Section) -> Section:
    """Without cases that have no influence: those that harmed."""
    nothing = [place for place, standing in enumerate(section.standings) if influence(standing) <= 0]
    return section.without(np.flatnonzero(np.isin(section.which, nothing))) if nothing else section


def _shown_by_tools(signs: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """Signs of the object itself, by the sign of the tool that shows them."""
    shown: dict[str, list[str]] = defaultdict(list)
    for sign in signs:
        place, _, fact = sign.partition(":")
        if place == SELF:
            shown[f"{LOOKED}:{_tool(fact)}"].append(sign)
    return shown


def _tool(fact: str) -> str:
    """That shows it."""
    return vocabulary()[fact.partition("=")[0]].tool


def _known(sign: str) -> bool:
    """Whether it is of a fact that this kubelore knows: a case may be of an older one."""
    return sign.partition(":")[2].partition("=")[0] in vocabulary()


def _fits(past: str, today: str) -> bool:
    return past == today or {past, today} <= WORKLOAD_KINDS


def _objects(evidence: Evidence) -> list[Ref]:
    return sorted(evidence.objects(), key=lambda ref: (-len(evidence.about(ref)), ref))[:MAX_OBJECTS]
