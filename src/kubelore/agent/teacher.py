"""Collects lessons from its sources, each removable on its own, and asks again as evidence arrives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from kubelore.patterns.model import Pattern
from kubelore.patterns.rank import rank
from kubelore.protocols import LessonSource
from kubelore.types import Evidence, Lesson

MAX_PATTERNS = 2
"""By the question, and as many again by the evidence."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """All sources, in order; nothing else decides what a decider is taught."""

    sources: Sequence[LessonSource]
    name: str = "teacher"

    def recall(self, question: str, evidence: Evidence) -> Sequence[Lesson]:
        return [lesson for source in self.sources for lesson in source.recall(question, evidence)]


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
