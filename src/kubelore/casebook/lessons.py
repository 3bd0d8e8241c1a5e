"""Past cases as lessons: at most one whose cause is likely today, and one that misled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from kubelore.casebook.lesson import is_harmless
from kubelore.casebook.recall import Recall
from kubelore.packaged import packaged_yaml
from kubelore.types import Evidence, Lesson, PastCase

LIKELY = 0.0
"""Log-odds from which on a case is shown."""


class CaseLessons:
    """A `protocols.LessonSource`. Texts are filled templates; of what people wrote only the fix is shown."""

    name = "casebook"

    def __init__(self, recall: Recall, meanings: Mapping[str, str]) -> None:
        """`meanings` of root causes, by id."""
        self._recall = recall
        self._meanings = meanings

    def recall(self, question: str, evidence: Evidence) -> Sequence[Lesson]:
        likely = [vote for vote in self._recall.votes(question, evidence) if vote.weight >= LIKELY]
        misled = next((case for vote in likely for case in vote.cases if case.misled), None)
        right = next((case for vote in likely[:1] for case in vote.cases if case is not misled), None)
        lessons = [self._right(right)] if right else []
        return [*lessons, self._wrong(misled)] if misled else lessons

    def _right(self, case: PastCase) -> Lesson:
        return self._lesson(case, _texts()["title_right"], _texts()["right"])

    def _wrong(self, case: PastCase) -> Lesson:
        return self._lesson(case, _texts()["title_wrong"], _texts()["wrong"])

    def _lesson(self, case: PastCase, title: str, text: str) -> Lesson:
        facts = self._recall.telling(case.signs)
        told = ", ".join(fact for fact in facts if is_harmless(fact.partition("=")[2]))
        values = {
            "cause": case.root_cause,
            "meaning": self._meanings.get(case.root_cause, case.root_cause.replace("_", " ")),
            "misled": case.misled,
            "misled_meaning": self._meanings.get(case.misled, case.misled.replace("_", " ")),
            "kind": case.kind if is_harmless(case.kind) else "object",
            "how": "confirmed by a person" if case.confirmed else "rated right",
            "facts": told,
            "fix": case.fix,
        }
        parts = [text, *([_texts()["told"]] if told else []), *([_texts()["fix"]] if case.fix else [])]
        return Lesson(
            "case",
            case.id,
            title.format(**values),
            "\n".join([_texts()["reference"], *(part.format(**values) for part in parts)]),
            source=f"case {case.id[:8]}" + (f", imported from {case.source}" if case.source else ""),
            date=case.date[:10],
        )


@cache
def _texts() -> dict[str, str]:
    found: dict[str, str] = packaged_yaml("kubelore.casebook", "lessons.yaml")
    return found
