"""What one pass over a source did."""

from __future__ import annotations

from dataclasses import dataclass, field

EXAMPLES = 5
"""Names kept for each reason to skip."""
LISTED = 1000
"""Duplicates that are listed; all are counted."""


@dataclass(slots=True)
class Reason:
    count: int = 0
    examples: list[str] = field(default_factory=list)
    """The first few names."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Passages of one document that another one has, in the same words or nearly so."""

    document: str
    passages: int
    source: str
    """Where the other one is from."""
    of: str


@dataclass(slots=True)
class Summary:
    """Counts are of documents unless they say otherwise."""

    source: str = ""
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    passages: int = 0
    """Of what was added or changed."""
    shared: int = 0
    """Passages among these that were known, in the same words or nearly so."""
    duplicates: list[Duplicate] = field(default_factory=list)
    skipped: dict[str, Reason] = field(default_factory=dict)
    partly: dict[str, Reason] = field(default_factory=dict)
    """Documents of which something is missing."""
    finished: bool = False
    """Everything was looked at."""

    def skip(self, name: str, why: str) -> None:
        _count(self.skipped, name, why)

    def cut(self, name: str, why: str) -> None:
        _count(self.partly, name, why)

    def duplicate(self, found: Duplicate) -> None:
        self.shared += found.passages
        if len(self.duplicates) < LISTED:
            self.duplicates.append(found)


def _count(reasons: dict[str, Reason], name: str, why: str) -> None:
    reason = reasons.setdefault(why, Reason())
    reason.count += 1
    if len(reason.examples) < EXAMPLES:
        reason.examples.append(name)
