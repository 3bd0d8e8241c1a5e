"""What is forgotten by rule. A case stays on record whatever happens; it only ceases to teach, and what its
steps saw is dropped. `undo` takes a retirement back, and then no rule retires that case again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kubelore.casebook.book import Casebook
from kubelore.casebook.effects import RULE
from kubelore.casebook.entries import moment
from kubelore.cases import CaseFilter, Forgetting
from kubelore.protocols import CaseStore

MAX_RETIRED = 100
"""Cases that retire at once; more on another day."""
OUTLIVED = "it is old, or its cluster is gone, and it has helped nobody"
DAY = len("2026-03-01")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many cases lost what their steps saw, and how many retired."""

    observed: int = 0
    retired: int = 0

    def __bool__(self) -> bool:
        return bool(self.observed or self.retired)

    def __str__(self) -> str:
        parts = [f"what {self.observed} investigations saw"] if self.observed else []
        parts += [f"{self.retired} cases, which retired"] if self.retired else []
        return f"forgot by rule: {' and '.join(parts)}"


def forget(store: CaseStore, rules: Forgetting) -> Forgotten:
    """Apply all rules."""
    dropped = store.drop_bodies(
        before=_ago(rules.observed_days), over=rules.observed_bytes, retired=_ago(rules.retired_days)
    )
    book = Casebook(store, RULE)
    outlived = store.outlived(
        before=_ago(rules.taught_days), unseen=_ago(rules.cluster_days), limit=MAX_RETIRED
    )
    for case in outlived:
        book.retire(book.get(case), OUTLIVED)
    return Forgotten(dropped, len(outlived))


def forget_after(store: CaseStore, rules: Forgetting) -> Forgotten:
    """After an investigation: what steps saw is held to its limits every time; rules that look at every case
    are applied after the first one of a day."""
    days = {case.timestamp[:DAY] for case in store.cases(CaseFilter(source=""), limit=2)}
    if len(days) > 1:
        return forget(store, rules)
    return Forgotten(store.drop_bodies(before=_ago(rules.observed_days), over=rules.observed_bytes))


def _ago(days: int) -> str:
    try:
        return moment(datetime.now(UTC) - timedelta(days=days))
    except OverflowError:
        return ""  # longer than there are dates: never
