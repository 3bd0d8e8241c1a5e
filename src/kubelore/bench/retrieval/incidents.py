"""Recorded incidents: does what an investigation saw find the pattern that its question does not name?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kubelore.bench.cases import Case
from kubelore.bench.questions import Asked
from kubelore.bench.retrieval.questions import by_pattern
from kubelore.bench.retrieval.table import Ask
from kubelore.knowledge.search import Search
from kubelore.patterns.load import Library
from kubelore.protocols import Progress
from kubelore.types import JsonObject


@dataclass(frozen=True, slots=True)
class Seen:
    """An incident's question, the patterns of its true cause, and what was seen, in words."""

    asked: Asked
    evidence: str


def look(
    cases: Sequence[Case],
    labels: Sequence[JsonObject],
    library: Library,
    investigate: Callable[[Case], str],
    progress: Progress,
) -> list[Seen]:
    """Investigate each case once; `investigate` gives the evidence in words. A case of no pattern is left
    out."""
    truth = {row["id"]: {row["root_cause"], *row.get("also_root_causes", ())} for row in labels}
    seen = []
    for done, case in enumerate(cases, 1):
        causes = truth.get(case.id, set())
        right = frozenset(p.id for p in library.patterns if causes & {c.root_cause for c in p.common_causes})
        if right and case.snapshot is not None:
            seen.append(Seen(Asked(f"{case.id}: {case.question}", right, is_none=False), investigate(case)))
        progress.advance(done, len(cases), case.id)
    return seen


def ways(search: Search, seen: Sequence[Seen]) -> Mapping[str, Ask]:
    """By the question, by the evidence, and by both."""
    evidence = {one.asked.question: one.evidence for one in seen}

    def question_of(question: str) -> str:
        return question.partition(": ")[2]

    return {
        "question": lambda q: by_pattern(search)(question_of(q)),
        "evidence": lambda q: by_pattern(search)(evidence[q]),
        "question, then evidence": lambda q: by_pattern(search, evidence[q])(question_of(q)),
    }
