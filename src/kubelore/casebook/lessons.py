"""Past cases as lessons: at most one whose cause is likely today, and one that misled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Literal

from kubelore.casebook.harmless import is_harmless
from kubelore.casebook.recall import Recall
from kubelore.packaged import packaged_yaml
from kubelore.types import Evidence, Lesson, PastCase, Vote

LIKELY = 0.5
"""Probability from which on a case is shown."""
SAID = ("against", "told", "tools", "diagnosis", "fix")
"""Of a case, where there is something to say."""


class CaseLessons:
    """A `protocols.LessonSource`. Texts are filled templates; of what people wrote only statements are shown
    (`harmless.statements`), and of cases from elsewhere nothing."""

    name = "casebook"

    def __init__(self, recall: Recall, meanings: Mapping[str, str]) -> None:
        """`meanings` of root causes, by id."""
        self._recall = recall
        self._meanings = meanings

    def recall(self, question: str, evidence: Evidence) -> Sequence[Lesson]:
        votes = self._recall.votes(question, evidence)
        likely = [vote for vote in votes if _probability(vote, votes) >= LIKELY]
        told = [(vote, case) for vote in likely for case in vote.cases]
        misled = next((each for each in told if each[1].misled), None)
        right = next((each for each in told if each != misled and each[0] is likely[0]), None)
        lessons = [self._lesson(*right, "right")] if right else []
        return [*lessons, self._lesson(*misled, "wrong")] if misled else lessons

    def _lesson(self, vote: Vote, case: PastCase, kind: Literal["right", "wrong"]) -> Lesson:
        facts = self._recall.telling(case.signs)
        told = ", ".join(fact for fact in facts if is_harmless(fact.partition("=")[2]))
        values = {
            "cause": case.root_cause,
            "meaning": self._meaning(case.root_cause),
            "misled": case.misled,
            "misled_meaning": self._meaning(case.misled),
            "kind": case.kind if is_harmless(case.kind) else "object",
            "how": "confirmed by a person" if case.confirmed else "rated right",
            "against": " or ".join(f"{c.root_cause} ({self._meaning(c.root_cause)})" for c in vote.against),
            "told": told,
            "tools": " and ".join(case.tools),
            "diagnosis": "" if case.source else case.diagnosis,
            "fix": case.fix,
        }
        parts = [kind, *(name for name in SAID if values[name])]
        return Lesson(
            "case",
            case.id,
            _texts()[f"title_{kind}"].format(**values),
            "\n".join(_texts()[name].format(**values) for name in ("reference", *parts)),
            source=f"case {case.id[:8]}"
            + (f", imported from {_harmless(case.source)}" if case.source else ""),
            date=case.date[:10],
        )

    def _meaning(self, cause: str) -> str:
        return self._meanings.get(cause, cause.replace("_", " "))


def _probability(vote: Vote, votes: Iterable[Vote]) -> float:
    """Of its cause, or of any that cases disagree with it about."""
    causes = {vote.root_cause, *(case.root_cause for case in vote.against)}
    told = [v.weight for v in votes if v.object == vote.object and v.root_cause in causes]
    return sum(1 / (1 + math.exp(-weight)) for weight in told)


def _harmless(source: str) -> str:
    return source if is_harmless(source) else "elsewhere"


@cache
def _texts() -> dict[str, str]:
    found: dict[str, str] = packaged_yaml("kubelore.casebook", "lessons.yaml")
    return found
