"""What the knowledge base teaches an investigation: a few passages, by the question and by what was seen.

A passage is shown with what follows it in its document, for the remedy often stands there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from kubelore.errors import KubeloreError
from kubelore.knowledge.search import Found, Search
from kubelore.passages import KnowledgeFilter
from kubelore.types import CitedFact, Diagnosis, Evidence, KnowledgeEntry, Lesson, NotChecked, Reading
from kubelore.vocabulary import is_everyday

SHOWN = 3
WORTH_TEACHING = 0.15
"""Relevance from which a passage is shown to a model: evidence has many words, some of them everywhere."""
WORTH_READING = 0.3
"""Relevance from which people are sent to a passage."""
LETTERS = 2_000
"""Of a passage with what follows it."""
DOCUMENTS = KnowledgeFilter(types=("solution", "doc", "investigation"))
"""Patterns are lessons of their own."""
MOST_FACTS = 12
"""What is seen first is nearest to the question."""
SEPARATORS = re.compile("[=._:]")


class KnowledgeLessons:
    """A `protocols.LessonSource`. What fails is told by `not_checked` and never stops an investigation."""

    name = "knowledge"

    def __init__(self, search: Search, causes: Mapping[str, str], limit: int = SHOWN) -> None:
        """`causes` says in words what each root cause means."""
        self._search = search
        self._causes = causes
        self._limit = limit
        self._find = lru_cache(maxsize=64)(self._found)
        self._text = lru_cache(maxsize=64)(self._read)
        self._problem = ""

    def recall(self, question: str, evidence: Evidence) -> Sequence[Lesson]:
        """Passages for the question first; once there is evidence, for both."""
        return [
            Lesson(
                "knowledge",
                found.entry.id,
                found.entry.title,
                self._text(found.entry),
                source=where(found),
                date=found.entry.time[:10],
            )
            for found in self._find(question, in_words(evidence))
            if found.relevance >= WORTH_TEACHING
        ]

    def read_on(self, diagnosis: Diagnosis) -> Sequence[Reading]:
        """Passages about the diagnosis, for people."""
        if diagnosis.object is None:
            return ()
        meaning = self._causes.get(diagnosis.root_cause, "")
        answer = " ".join([_words(diagnosis.root_cause), meaning, *_telling(diagnosis.evidence)])
        return [
            Reading(found.entry.title, where(found), found.entry.id, found.entry.time)
            for found in self._find("", answer)
            if found.relevance >= WORTH_READING
        ]

    def not_checked(self) -> tuple[NotChecked, ...]:
        return (NotChecked("knowledge base", self._problem),) if self._problem else ()

    def _read(self, entry: KnowledgeEntry) -> str:
        try:
            return self._search.read_on(entry, LETTERS)
        except KubeloreError as error:
            self._problem = str(error)
            return entry.content

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
    return " ".join(_telling(evidence)[:MOST_FACTS])


def _telling(seen: Iterable[CitedFact]) -> list[str]:
    """Facts in words, each once, without those that healthy workloads show too."""
    names = dict.fromkeys(item.fact.name for item in seen)
    return [_words(name) for name in names if not is_everyday(name)]


def _words(name: str) -> str:
    return " ".join(SEPARATORS.split(name))


def where(found: Found) -> str:
    """Where a passage is from, for people."""
    entry = found.entry
    return entry.url or ", ".join(part for part in (entry.source, entry.document) if part)
