"""Past cases as one more voice: for each object of the fresh evidence, which causes had the same signs.

A case names a root cause for an object of a cluster it has never seen, because signs have no names. How much
its word is worth was learned (`recall.yaml`): from how alike the best case is, whether what told most then is
there today, how many cases agree, and how many of those as alike say something else. No origin (a source and
a cluster) counts for more than a few cases, however many it has. Never raises for what a case holds.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from kubelore.casebook.index import CaseIndex, Segment, Weighing
from kubelore.casebook.signs import LOOKED, SELF, place_of, signs_of
from kubelore.packaged import packaged_yaml
from kubelore.types import CitedFact, Evidence, PastCase, Ref, Vote
from kubelore.vocabulary import WORKLOAD_KINDS, vocabulary

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
    cases: tuple[PastCase, ...]
    """Most alike first."""

    def features(self) -> dict[str, float]:
        return {
            "alike": self.alike,
            "telling": self.telling,
            "support": math.log2(1 + self.support),
            "share": self.share,
        }


Hit = tuple[float, PastCase]
"""A case, and how alike it is."""


class Recall:
    """A `protocols.Voter` over trusted cases."""

    def __init__(self, cases: Iterable[PastCase], learned: Model | None = None) -> None:
        self._model = learned or model()
        self._cases = [case for case in cases if influence(case) > 0]
        self._index = CaseIndex([Segment.of(case.signs for case in self._cases)], self._model.weighing)
        self._last: tuple[Evidence, tuple[int, ...], Sequence[Vote]] | None = None

    def votes(self, question: str, evidence: Evidence) -> Sequence[Vote]:
        del question
        size = (len(evidence), sum(1 for _ in evidence.edges()), len(evidence.covered))  # it only grows
        if self._last is None or self._last[0] is not evidence or self._last[1] != size:
            votes = [self._vote(precedent, evidence) for precedent in self.precedents(evidence)]
            votes.sort(key=lambda vote: (-vote.weight, vote.root_cause, vote.object))
            self._last = (evidence, size, votes[:MAX_VOTES])
        return self._last[2]

    def precedents(self, evidence: Evidence) -> list[Precedent]:
        """All that cases suggest."""
        signs = signs_of(evidence, _objects(evidence))
        hits = {(cause, ref): found for ref in signs for cause, found in self._hits(ref, signs[ref]).items()}
        top = max((found[0][0] for found in hits.values()), default=0.0)
        voices = {key: self._voice(found, top) for key, found in hits.items()}
        everybody = sum(voices.values())
        return [
            Precedent(
                cause,
                ref,
                alike=found[0][0],
                telling=self._told(found[0][1], signs[ref]),
                support=self._support(found),
                share=voices[cause, ref] / everybody,
                cases=tuple(case for _, case in found),
            )
            for (cause, ref), found in hits.items()
        ]

    def _hits(self, ref: Ref, signs: frozenset[str]) -> Mapping[str, list[Hit]]:
        """Cases that are alike, by cause, most alike first."""
        hits: dict[str, list[Hit]] = defaultdict(list)
        for number, alike in self._index.nearest(signs, self._model.floor, _shown_by_tools(signs)):
            case = self._cases[number]
            if _fits(case.kind, ref.kind):
                hits[case.root_cause].append((alike, case))
        for found in hits.values():
            found.sort(key=lambda hit: (-hit[0], hit[1].id))
        return hits

    def _support(self, hits: Iterable[Hit]) -> float:
        floor = self._model.floor
        return self._capped(((alike - floor) / (1 - floor), case) for alike, case in hits)

    def _voice(self, hits: Iterable[Hit], top: float) -> float:
        return self._capped((math.exp((alike - top) / self._model.reach), case) for alike, case in hits)

    def _capped(self, hits: Iterable[Hit]) -> float:
        """Sum over the cases, each by its influence and no origin by more than a few."""
        sums: dict[tuple[str, str], float] = defaultdict(float)
        for weight, case in hits:
            sums[case.source, case.cluster] += weight * influence(case)
        return sum(min(self._model.per_origin, each) for each in sums.values())

    def telling(self, case: PastCase) -> list[str]:
        """The facts of its object that told most, the rarest first."""
        own = {sign: self._index.weight(sign) for sign in case.signs if place_of(sign) == SELF}
        most = sorted(own, key=lambda sign: (-own[sign], sign))[:MOST_TELLING]
        return [sign.removeprefix(f"{SELF}:") for sign in most]

    def _told(self, case: PastCase, signs: frozenset[str]) -> float:
        most = {f"{SELF}:{fact}" for fact in self.telling(case)}
        weights = {sign: self._index.weight(sign) for sign in most}
        total = sum(weights.values())
        return sum(weights[sign] for sign in most & signs) / total if total else 0.0

    def _vote(self, precedent: Precedent, evidence: Evidence) -> Vote:
        return Vote(
            precedent.root_cause,
            precedent.object,
            self._model.log_odds(precedent.features()),
            precedent.cases[:MAX_SHOWN],
            shared=tuple(_shared(precedent, evidence)),
            ask=tuple(self._unasked(precedent, evidence)),
        )

    def _unasked(self, precedent: Precedent, evidence: Evidence) -> Iterator[str]:
        ref = precedent.object
        for fact in self.telling(precedent.cases[0]):
            tool = vocabulary()[fact.partition("=")[0]].tool
            if fact not in evidence.about(ref) and (tool, ref) not in evidence.covered:
                yield tool


def influence(case: PastCase) -> float:
    """How much one case counts: 1 for one that a person confirmed and that never harmed."""
    trust = 1.0 if case.confirmed else 0.5
    if case.source:
        trust *= 0.5
    repeated = 1 + 0.25 * math.log2(max(1, case.count))
    return trust * repeated * max(0.0, min(1.0, 1 + case.credit / 3))


def _shown_by_tools(signs: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """Signs of the object itself, by the sign of the tool that shows them."""
    shown: dict[str, list[str]] = defaultdict(list)
    for sign in signs:
        place, _, fact = sign.partition(":")
        if place == SELF:
            shown[f"{LOOKED}:{vocabulary()[fact.partition('=')[0]].tool}"].append(sign)
    return shown


def _fits(past: str, today: str) -> bool:
    return past == today or {past, today} <= WORKLOAD_KINDS


def _objects(evidence: Evidence) -> list[Ref]:
    return sorted(evidence.objects(), key=lambda ref: (-len(evidence.about(ref)), ref))[:MAX_OBJECTS]


def _shared(precedent: Precedent, evidence: Evidence) -> Iterator[CitedFact]:
    """Facts about the object that its most alike case had too."""
    had = precedent.cases[0].signs
    for name, cited in evidence.about(precedent.object).items():
        if f"{SELF}:{name}" in had:
            yield cited
