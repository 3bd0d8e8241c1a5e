"""What the knowledge base teaches an investigation: a few passages, by the question and by what was seen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from kubelore.errors import KubeloreError
from kubelore.knowledge.search import Found, Search
from kubelore.passages import KnowledgeFilter
from kubelore.types import Diagnosis, Evidence, Lesson, NotChecked, Reading

SHOWN = 3
DOCUMENTS = KnowledgeFilter(types=("solution", "doc", "investigation"))
"""Patterns are lessons of their own."""
MOST_FACTS = 12
"""What is seen first is nearest to the question."""
SEPARATORS = re.compile("[=._:]")


class KnowledgeLessons:
    """A `protocols.LessonSource`. What fails is told by `not_checked` and never stops an investigation."""

    name = "knowledge"

    def __init__(self, search: Search, limit: int = SHOWN) -> None:
        self._search = search
        self._limit = limit
        self._find = lru_cache(maxsize=64)(self._found)
        self._problem = ""

    def recall(self, question: str, evidence: Evidence) -> Sequence[Lesson]:
        """Passages for the question first; once there is evidence, for both."""
        return [
            Lesson(
                "knowledge",
                found.entry.id,
                found.entry.title,
                found.entry.content,
                source=where(found),
                date=found.entry.time[:10],
            )
            for found in self._find(question, in_words(evidence))
        ]

    def read_on(self, diagnosis: Diagnosis) -> Sequence[Reading]:
        """Passages about the diagnosis, for people."""
        if diagnosis.object is None:
            return ()
        said = [_words(cited.fact.name) for cited in diagnosis.evidence]
        answer = " ".join([_words(diagnosis.root_cause), *dict.fromkeys(said)])
        return [
            Reading(found.entry.title, where(found), found.entry.id, found.entry.time)
            for found in self._find(answer, "")
        ]

    def not_checked(self) -> tuple[NotChecked, ...]:
        return (NotChecked("knowledge base", self._problem),) if self._problem else ()

    def _found(self, question: str, evidence: str) -> Sequence[Found]:
        if self._problem:
            return ()
        try:
            return self._search.find(question, DOCUMENTS, evidence=evidence, limit=self._limit)
        except KubeloreError as error:
            self._problem = str(error)
            return ()


def in_words(evidence: Evidence) -> str:
    """What was seen, as text to search with: facts, for the names of objects are in nobody's documents."""
    unique = dict.fromkeys(_words(cited.fact.name) for cited in evidence)
    return " ".join([*unique][:MOST_FACTS])


def _words(name: str) -> str:
    return " ".join(SEPARATORS.split(name))


def where(found: Found) -> str:
    """Where a passage is from, for people."""
    entry = found.entry
    return entry.url or ", ".join(part for part in (entry.source, entry.document) if part)
