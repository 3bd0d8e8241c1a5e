"""What one step showed, in a line that keeps what matters: abnormal things first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kubelore.casebook.text import cut, safe
from kubelore.types import Severity, Step
from kubelore.vocabulary import is_everyday

MAX_SUMMARY = 200
SEPARATOR, MORE = "; ", " (+{} more)"
WORD = re.compile(r"[\w./-]+")
HEADING = re.compile(r".*:|[A-Z%/() -]+|Not checked\b.*")
"""Lines of a digest that say nothing by themselves: what follows, and the names of columns."""


def result_summary(step: Step) -> str:
    """At most 200 characters, redacted: its error, else findings, the worst first, else facts, those of
    trouble first and then what is new, else lines of its digest. What does not fit is counted."""
    pieces = _told_once(cut(safe(piece), MAX_SUMMARY).rstrip(" .") for piece in _pieces(step))
    if len(whole := SEPARATOR.join(pieces)) <= MAX_SUMMARY:
        return whole
    shown = cut(pieces[0], MAX_SUMMARY - len(MORE.format(len(pieces))))
    left = len(pieces) - 1
    for piece in pieces[1:]:
        longer = shown + SEPARATOR + piece
        if len(longer) + len(MORE.format(left)) <= MAX_SUMMARY:
            shown, left = longer, left - 1
    return shown + (MORE.format(left) if left else "")


def _told_once(pieces: Iterable[str]) -> list[str]:
    """Without those of which an earlier one has every word."""
    told: dict[str, set[str]] = {}
    for piece in pieces:
        words = set(WORD.findall(piece))
        if words and not any(words <= known for known in told.values()):
            told[piece] = words
    return list(told)


def _pieces(step: Step) -> Iterator[str]:
    seen = step.observation
    if seen.error:
        yield seen.error
        return
    order = list(Severity)
    findings = sorted(seen.findings, key=lambda finding: order.index(finding.severity))
    yield from (f"{finding.object}: {finding.what}" for finding in findings)
    if findings:
        return
    trouble = [fact for fact in seen.facts if not is_everyday(fact.name)]
    facts = dict.fromkeys((*trouble, *step.new_facts))
    yield from (fact.detail or f"{fact.about}: {fact.name}" for fact in facts)
    if not facts:
        yield from (line for line in step.digest.splitlines() if not HEADING.fullmatch(line.strip()))
