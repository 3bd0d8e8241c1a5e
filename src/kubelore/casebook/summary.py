"""What one step showed, in a line that keeps what matters: abnormal things first."""

from __future__ import annotations

from collections.abc import Iterator

from kubelore.casebook.text import cut, safe
from kubelore.types import Fact, Severity, Step

MAX_SUMMARY = 200
SEPARATOR = "; "
CALM = ("Running", "Succeeded", "Completed")


def result_summary(step: Step) -> str:
    """At most 200 characters, redacted: its error, else findings, the worst first, else facts, those of
    trouble first and then the new ones, else the first lines of its digest. What does not fit is counted."""
    pieces = list(dict.fromkeys(cut(safe(piece), MAX_SUMMARY) for piece in _pieces(step)))
    pieces = [piece for piece in pieces if piece]
    shown = ""
    for number, piece in enumerate(pieces):
        rest = len(pieces) - number - 1
        longer = f"{shown}{SEPARATOR}{piece}" if shown else piece
        more = f" (+{rest} more)" if rest else ""
        if len(longer) + len(more) > MAX_SUMMARY:
            return _with_rest(shown, piece, rest + 1)
        shown = longer
    return shown


def _with_rest(shown: str, piece: str, left: int) -> str:
    """The pieces so far and how many are left; of a first piece that is too long, its beginning."""
    if shown:
        return f"{shown} (+{left} more)"
    more = f" (+{left - 1} more)" if left > 1 else ""
    return cut(piece, MAX_SUMMARY - len(more)) + more


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
    loud = [fact for fact in seen.facts if _loud(fact)]
    facts = dict.fromkeys((*loud, *step.new_facts))
    yield from (fact.detail or f"{fact.about}: {fact.name}" for fact in facts)
    if not facts:
        yield from step.digest.splitlines()


def _loud(fact: Fact) -> bool:
    """Events, logs, errors and what Kubernetes calls a reason, before settings."""
    reason = fact.value[:1].isupper() and fact.value not in CALM
    return reason or fact.key in ("event", "log") or "error" in fact.key
