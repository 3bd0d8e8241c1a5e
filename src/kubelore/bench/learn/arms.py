"""What is recalled, in each arm: nothing, by the question, by the evidence, or at random."""

from __future__ import annotations

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from kubelore.casebook.recall import Recall
from kubelore.protocols import Voter
from kubelore.types import Evidence, PastCase, Ref, Vote

Arm = Literal["no memory", "question", "evidence", "unverified", "placebo"]
"""unverified: by the evidence, but cases enter with the agent's own answers; placebo: the votes of evidence,
each for the cause of a case drawn at random."""
ARMS: tuple[Arm, ...] = ("no memory", "question", "evidence", "unverified", "placebo")

NEAREST = 5
"""Cases that a question recalls."""
WORD = re.compile(r"[a-z0-9]+")


def voter(arm: Arm, book: Sequence[PastCase], seed: str) -> Voter | None:
    """`seed` draws the placebo."""
    match arm:
        case "no memory":
            return None
        case "question":
            return ByQuestion(book)
        case "placebo":
            return Placebo(Recall(book), book, seed)
        case _:
            return Recall(book)


@dataclass(frozen=True, slots=True)
class Placebo:
    """As many votes as the evidence gives, as strong, for the same objects; what they say is drawn."""

    recall: Recall
    book: Sequence[PastCase]
    seed: str

    def votes(self, question: str, evidence: Evidence) -> Sequence[Vote]:
        rng = random.Random(self.seed)  # noqa: S311 - a simulation
        drawn: dict[tuple[str, Ref], Vote] = {}
        for vote in self.recall.votes(question, evidence):
            case = rng.choice(self.book)
            told = replace(vote, root_cause=case.root_cause, cases=(case,) * len(vote.cases))
            drawn.setdefault((told.root_cause, told.object), told)
        return list(drawn.values())


class ByQuestion:
    """Cases whose question has the same words (TF-IDF), for the object of the case's kind that most is known
    of. How sure it is of a cause is the share of the nearest cases that have it."""

    def __init__(self, book: Sequence[PastCase]) -> None:
        self._book = book
        words = [Counter(WORD.findall(case.question.lower())) for case in book]
        seen = Counter(word for counted in words for word in counted)
        self._rarity = {word: math.log((1 + len(book)) / (1 + n)) + 1 for word, n in seen.items()}
        self._vectors = [self._vector(counted) for counted in words]

    def votes(self, question: str, evidence: Evidence) -> Sequence[Vote]:
        asked = self._vector(Counter(WORD.findall(question.lower())))
        near = sorted(zip(self._book, self._vectors, strict=True), key=lambda pair: -_dot(asked, pair[1]))
        by_cause: dict[str, list[PastCase]] = defaultdict(list)
        for case, vector in near[:NEAREST]:
            if _dot(asked, vector) > 0:
                by_cause[case.root_cause].append(case)
        votes = [self._vote(cause, cases, evidence) for cause, cases in by_cause.items()]
        return sorted((v for v in votes if v), key=lambda v: -v.weight)

    @staticmethod
    def _vote(cause: str, cases: Sequence[PastCase], evidence: Evidence) -> Vote | None:
        kinds = {case.kind for case in cases}
        known = sorted(
            (ref for ref in evidence.objects() if ref.kind in kinds),
            key=lambda ref: (-len(evidence.about(ref)), ref),
        )
        if not known:
            return None
        share = (len(cases) + 0.5) / (NEAREST + 1)
        shared = tuple(evidence.about(known[0]).values())
        return Vote(cause, known[0], math.log(share / (1 - share)), tuple(cases), shared)

    def _vector(self, counted: Mapping[str, int]) -> dict[str, float]:
        weights = {word: n * self._rarity.get(word, 0.0) for word, n in counted.items()}
        length = math.sqrt(sum(x * x for x in weights.values())) or 1.0
        return {word: x / length for word, x in weights.items()}


def _dot(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    return sum(x * b.get(word, 0.0) for word, x in a.items())
