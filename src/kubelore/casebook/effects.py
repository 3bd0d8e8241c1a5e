"""What a change of one case means for others: duplicates merge, and lessons earn credit or blame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kubelore.casebook.states import HARMFUL
from kubelore.cases import Case, Entry, What
from kubelore.protocols import CaseStore
from kubelore.types import JsonObject

RULE = "kubelore"
"""Who changes a case where no person does."""
NAMED, RATED = 1.0, 0.5
"""Credit for an outcome of which a person named the cause, and for one that was only rated."""
HARMED = "it misled other investigations more often than it helped"


class Others:
    """Other cases that one change touches, as they will be after it."""

    def __init__(self, store: CaseStore) -> None:
        self._store = store
        self._known: dict[str, Case] = {}
        self._changes: dict[str, tuple[What, JsonObject]] = {}

    def get(self, case_id: str) -> Case | None:
        if case_id not in self._known:
            case = self._store.case(case_id)
            if case is None:
                return None
            self._known[case_id] = case
        return self._known[case_id]

    def head(self, fingerprint: str) -> Case | None:
        """The case that teaches for all of this fingerprint."""
        found = self._store.head(fingerprint) if fingerprint else None
        return self._known.setdefault(found.id, found) if found else None

    def merged(self, into: str) -> list[Case]:
        return [self._known.setdefault(case.id, case) for case in self._store.merged(into)]

    def change(self, case: Case, what: What, **values: Any) -> None:
        known = self._changes.setdefault(case.id, (what, {}))
        known[1].update(values)
        self._known[case.id] = replace(case, **values)

    def entries(self, at: str, by: str) -> list[Entry]:
        return [
            Entry(case_id, at, RULE, what, values, note={"by": by})
            for case_id, (what, values) in self._changes.items()
        ]

    def seqs(self) -> dict[str, int]:
        """What each changed case was when it was read."""
        return {case_id: self._known[case_id].seq for case_id in self._changes}


def regroup(before: Case, after: Case, others: Others) -> dict[str, Any]:
    """What changes in a case itself when it begins or ceases to teach, or teaches something else.

    Trusted cases of one fingerprint teach as one: the first of them, with a count. When it ceases to teach,
    the next one does so for the rest.
    """
    teaches = after.state == "trusted"
    same = before.fingerprint == after.fingerprint
    if teaches == (before.state == "trusted") and (same or not teaches):
        return {}
    changes: dict[str, Any] = {}
    if before.merged_into:
        changes["merged_into"] = ""
        if head := others.get(before.merged_into):
            others.change(head, "merged", count=head.count - 1)
    if merged := others.merged(before.id):
        changes["count"] = 1
        first, *rest = merged
        others.change(first, "merged", merged_into="", count=len(merged))
        for case in rest:
            others.change(case, "merged", merged_into=first.id)
    if teaches:
        head = others.head(after.fingerprint)
        if head is not None and head.id != after.id:
            others.change(head, "merged", count=head.count + 1)
            changes["merged_into"] = head.id
    return changes


def outcome(case: Case, others: Others) -> dict[str, float]:
    """What the outcome of a case says of each lesson it was shown and of each past case that spoke for its
    answer, by `kind/id`: above 0 it helped, below it harmed; 1 where a person named the cause, less where
    somebody only rated the answer.

    A past case is judged by the cause it spoke for: it helped where that was right, also when the answer
    was another one, and harmed where it was the wrong answer. Passages and patterns share in the answer.
    """
    if not case.verdict:
        return {}
    worth = NAMED if case.confirmed else RATED
    good = worth if case.verdict == "right" else -worth
    shown = [(lesson["kind"], lesson["id"]) for lesson in case.lessons]
    shown += [("case", spoke) for spoke in case.diagnosis.get("cases", ())]
    given: dict[str, float] = {}
    for kind, name in dict.fromkeys(shown):
        if kind == "case":
            told = others.get(name)
            amount = worth * _told(told.cause, case) if told else 0.0
        else:
            amount = 0.0 if kind == "pattern" and name != case.diagnosis.get("pattern") else good
        if amount:
            given[f"{kind}/{name}"] = amount
    return given


def _told(cause: str, case: Case) -> float:
    known = case.confirmed or case.verdict == "right"
    if known and cause == case.cause:
        return 1.0
    return -1.0 if case.verdict == "wrong" and cause == case.root_cause else 0.0


def give_credit(before: Mapping[str, float], now: Mapping[str, float], others: Others) -> None:
    """Give past cases what an outcome gives them more or less than before; those that harm retire, and with
    them all that they teach for."""
    for key in dict.fromkeys((*before, *now)):
        kind, _, case_id = key.partition("/")
        more = now.get(key, 0.0) - before.get(key, 0.0)
        told = others.get(case_id) if kind == "case" and more else None
        if told is None:
            continue
        credit = told.credit + more
        if credit <= HARMFUL and told.state == "trusted":
            others.change(told, "credited", credit=credit, state="retired", why=HARMED)
        elif credit > HARMFUL and (told.state, told.why) == ("retired", HARMED):
            others.change(told, "credited", credit=credit, state="trusted", why="its credit was restored")
        else:
            others.change(told, "credited", credit=credit)
