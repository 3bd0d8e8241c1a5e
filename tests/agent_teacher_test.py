"""The teacher: one budget for all sources, and each source's best before any source's second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubelore.agent.teacher import Teacher
from kubelore.types import Evidence, Lesson


def lesson(name: str, words: int = 20) -> Lesson:
    return Lesson("knowledge", name, name, "word " * words)


@dataclass
class Source:
    lessons: Sequence[Lesson]
    name: str = "source"

    def recall(self, question: str, evidence: Evidence) -> Sequence[Lesson]:
        return self.lessons


def recalled(*sources: Sequence[Lesson], budget: int = 3_000) -> list[str]:
    return [x.id for x in Teacher([Source(s) for s in sources], budget).recall("why?", Evidence())]


def test_sources_come_in_order() -> None:
    assert recalled([lesson("a"), lesson("b")], [lesson("c")]) == ["a", "b", "c"]


def test_each_sources_best_comes_before_any_sources_second() -> None:
    assert recalled([lesson("a"), lesson("b")], [lesson("c")], budget=70) == ["a", "c"]


def test_a_lesson_too_long_makes_room_for_the_next() -> None:
    assert recalled([lesson("long", 500), lesson("b")], [lesson("c")], budget=70) == ["b", "c"]


def test_a_lesson_is_shown_once() -> None:
    assert recalled([lesson("a")], [lesson("a"), lesson("b")]) == ["a", "b"]


def test_without_budget_nothing_is_taught() -> None:
    assert recalled([lesson("a")], budget=0) == []
