"""Collects lessons from its sources, each removable on its own, and asks again as evidence arrives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

from kubelore.analysis.digest import estimate_tokens
from kubelore.patterns.model import Pattern
from kubelore.patterns.rank import rank
from kubelore.protocols import LessonSource
from kubelore.types import Evidence, Lesson

LESSON_TOKENS = 3_000
MAX_PATTERNS = 2
"""By the question, and as many again by the evidence."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """All sources; nothing else decides what a decider is taught.

    Within `budget` tokens each source's best lesson comes before any source's second; what does not fit is
    left out. Sources come first to last in what is returned.
    """

    sources: Sequence[LessonSource]
    budget: int = LESSON_TOKENS
    name: str = "teacher"

    def recall(self, question: str, evidence: Evidence) -> Sequence[Lesson]:
        recalled = [source.recall(question, evidence) for source in self.sources]
        left = self.budget
        taken: set[tuple[str, str]] = set()
        for lesson in filter(None, chain.from_iterable(zip_longest(*recalled))):
            cost = estimate_tokens(lesson.title + lesson.text)
            if cost <= left and (lesson.kind, lesson.id) not in taken:
                left -= cost
                taken.add((lesson.kind, lesson.id))
        unique = {(x.kind, x.id): x for lessons in recalled for x in lessons}
        return [lesson for key, lesson in unique.items() if key in taken]


@dataclass(frozen=True, slots=True)
class PatternLessons:
    """The pattern library as lessons: by the question's words at first, by the evidence once there is any.

    `match` gives the patterns that the question's words fire; `show` writes one for a prompt.
    """

    patterns: Sequence[Pattern]
    match: Callable[[str], Sequence[Pattern]]
    show: Callable[[Pattern], str]
    name: str = "patterns"

    def recall(self, question: str, evidence: Evidence) -> Sequence[Lesson]:
        asked = list(self.match(question))[:MAX_PATTERNS]
        seen = {c.pattern.id: c.pattern for c in rank(self.patterns, evidence)}
        chosen = {p.id: p for p in [*asked, *islice(seen.values(), MAX_PATTERNS)]}
        return [
            Lesson("pattern", p.id, p.name, self.show(p), source=f"pattern library, version {p.version}")
            for p in chosen.values()
        ]
