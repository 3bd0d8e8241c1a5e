"""Patterns as text: what questions are matched to, and pages of the knowledge base."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kubelore.knowledge.ingest.page import Block, Page

SOURCE = "pattern library"


@dataclass(frozen=True, slots=True)
class CauseText:
    cause: str
    evidence: tuple[str, ...]
    fix: str


@dataclass(frozen=True, slots=True)
class PatternText:
    """What a pattern says to people."""

    id: str
    name: str
    version: int
    triggers: tuple[str, ...]
    symptoms: tuple[str, ...]
    steps: tuple[str, ...]
    causes: tuple[CauseText, ...]
    references: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """What somebody who has the trouble may say or paste."""
        yield self.name
        yield from self.symptoms
        yield from self.triggers
        for cause in self.causes:
            yield cause.cause
            yield from cause.evidence


def pages(patterns: Sequence[PatternText]) -> list[tuple[str, Page]]:
    """A page of each pattern, named by its id."""
    return [(pattern.id, _page(pattern)) for pattern in patterns]


def _page(pattern: PatternText) -> Page:
    blocks = [
        Block("heading", "Symptoms", 2),
        Block("list", "\n".join(f"- {symptom}" for symptom in (*pattern.symptoms, *pattern.triggers))),
        Block("heading", "Investigation", 2),
        Block("list", "\n".join(f"{number}. {step}" for number, step in enumerate(pattern.steps, 1))),
    ]
    for cause in pattern.causes:
        blocks += [
            Block("heading", cause.cause, 2),
            Block("prose", f"Evidence: {'; '.join(cause.evidence)}."),
            Block("prose", f"Fix: {cause.fix}"),
        ]
    return Page(
        pattern.name,
        tuple(blocks),
        type="pattern",
        tags=(pattern.id,),
        url=pattern.references[0] if pattern.references else "",
        version=str(pattern.version),
    )
