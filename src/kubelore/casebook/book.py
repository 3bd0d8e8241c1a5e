"""The casebook as people use it: find a case, judge it, take a judgement back."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from kubelore.casebook.effects import Others, give_credit, outcome, regroup
from kubelore.casebook.entries import lesson_texts, moment, signs_at
from kubelore.casebook.observed import evidence_of
from kubelore.casebook.states import (
    GOOD,
    Judgement,
    fingerprint,
    named,
    rated,
    tells_nothing,
)
from kubelore.casebook.text import cut, safe
from kubelore.cases import Case, CaseFilter, Entry, Recorded, What, as_fields, fold
from kubelore.errors import UsageError
from kubelore.protocols import CaseStore
from kubelore.types import Evidence, JsonObject, Ref

MAX_COMMENT = 2000
MAX_RATED = 20
"""Ratings of one person in an hour that count; of more, good ones wait until a person confirms each, and bad
ones change nothing."""
NAMED = re.compile(r"[A-Z][A-Za-z0-9]{0,99}/[A-Za-z0-9.-]{0,63}/[A-Za-z0-9][A-Za-z0-9._:-]{0,252}")
"""An object as people write it."""
UNDOABLE = ("rated", "confirmed", "corrected", "retired", "quarantined", "credited")
JUDGED = (
    "state", "why", "user_rating", "user_feedback", "confirmed", "confirmed_cause", "confirmed_object",
    "misled", "verdict", "signs", "tools", "fingerprint", "lesson",
)  # fmt: skip
"""Fields of a case that judgements change, and that `undo` restores."""


@dataclass(frozen=True, slots=True)
class Casebook:
    """Judges cases in the name of one person. Everything it does can be undone, and says who did it."""

    store: CaseStore
    who: str

    # -- finding
    def find(self, wanted: str) -> Case:
        """By id, by the beginning of one, or `last`: our own that was asked last. Raises UsageError, also for
        the id of an imported case that begins another one: it may be made to be taken for one of ours."""
        if wanted == "last":
            found = self.store.cases(CaseFilter(source=""), limit=1)
            if not found:
                raise UsageError(
                    "nothing was asked here yet", hint="ask first: kubelore investigate QUESTION"
                )
            return found[0]
        ids = self.store.ids(wanted, limit=3) if wanted else ()
        case = self.store.case(wanted) or (self.store.case(ids[0]) if len(ids) == 1 else None)
        if len(ids) > 1 and (case is None or case.source):
            raise UsageError(
                f"{wanted} begins more than one id: {', '.join(ids)}",
                hint="give more of it, or name imported cases by --source",
            )
        if case is None:
            raise UsageError(f"there is no case {wanted or 'without an id'}", hint="see: kubelore cases list")
        return case

    def get(self, case: str) -> Case:
        """By its whole id. Raises UsageError."""
        found = self.store.case(case)
        if found is None:
            raise UsageError(f"there is no case {case}", hint="see: kubelore cases list")
        return found

    def evidence(self, case: Case) -> Evidence:
        """All facts and edges of its investigation; raises DataError when they are damaged."""
        return evidence_of(self.store.bodies(case.id))

    # -- judging
    def judge(self, case: Case, judgement: Judgement) -> Case:
        """Take over what a person says of an answer. Raises UsageError for what contradicts itself, and
        CaseChanged when somebody else was quicker."""
        _check(case, judgement)
        values: JsonObject = {}
        if judgement.comment:
            values["user_feedback"] = safe(cut(judgement.comment, MAX_COMMENT))
        if judgement.rating:
            values["user_rating"] = judgement.rating
        what: What = "rated"
        if judgement.names_cause:
            values |= self._named(case, judgement)
            what = "confirmed" if judgement.confirm or values["verdict"] == "right" else "corrected"
        elif judgement.rating:
            values |= self._rated(case, judgement.rating)
        return self._change(case, what, values)

    def retire(self, case: Case, why: str = "") -> Case:
        """It teaches no more."""
        reason = f"retired by {self.who}" + (f": {safe(cut(why, MAX_COMMENT))}" if why else "")
        return self._change(case, "retired", {"state": "retired", "why": reason})

    def undo(self, case: Case) -> Case:
        """Take back the last judgement of a case that was not taken back yet. Raises UsageError when there
        is none."""
        entries = list(self.store.journal(case.id))
        undone = {e.entry.note["undid"] for e in entries if e.entry.what == "undone"}
        last = next((e for e in reversed(entries) if _undoable(e) and e.seq not in undone), None)
        if last is None:
            raise UsageError(
                f"there is nothing to take back of case {case.id}", hint=f"see: kubelore cases show {case.id}"
            )
        before: Case | None = None
        for recorded in entries:
            if recorded.seq < last.seq:
                before = fold(before, recorded.seq, recorded.entry)
        if before is None:
            raise UsageError(f"case {case.id} begins with what is to be undone")
        values: JsonObject = {name: getattr(before, name) for name in JUDGED}
        note = {"undid": last.seq, "what": last.entry.what, "of": last.entry.who}
        return self._change(case, "undone", values, note)

    def _named(self, case: Case, judgement: Judgement) -> JsonObject:
        values = named(case, judgement, self.who)
        evidence = self.evidence(case)
        at_fault = values["confirmed_object"]
        found = signs_at(evidence, at_fault)
        values["signs"] = found or list(case.signs if at_fault == case.at_fault else ())
        if values["state"] == "trusted" and tells_nothing(tuple(values["signs"])):
            values["state"] = "recorded"
            values["why"] += f"; nothing on record about {at_fault or 'an object'}, so that it cannot teach"
        if values["verdict"] == "wrong":
            values["tools"] = _tools_that_showed(evidence, at_fault, case) or list(case.tools)
            values["lesson"] = self._lesson(case, evidence, judgement.comment)
        return values

    def _lesson(self, case: Case, evidence: Evidence, comment: str) -> dict[str, str]:
        """After a correction: the texts of the wrong answer go, the person's own words stay."""
        name = str(case.cluster_context.get("context", ""))
        return lesson_texts(evidence, (name,), question=case.query, diagnosis=comment)

    def _rated(self, case: Case, rating: int) -> JsonObject:
        values: JsonObject = rated(case, rating, self.who)
        hour_ago = moment(datetime.now(UTC) - timedelta(hours=1))
        if not values or self.store.rated(self.who, hour_ago) < MAX_RATED:
            return values
        many = f"{self.who} rated more than {MAX_RATED} cases in an hour"
        if rating >= GOOD and values["state"] == "trusted" and case.state != "trusted":
            return {"state": "quarantined", "why": f"{many}: confirm it"}
        return {} if many in case.why else {"why": f"{case.why}; {many}: that counts for nothing"}

    # -- changing
    def _change(self, case: Case, what: What, values: JsonObject, note: JsonObject | None = None) -> Case:
        """One change of one case and what follows from it for others, in one transaction."""
        after = replace(case, **as_fields(values))
        values["fingerprint"] = fingerprint(after)
        after = replace(after, fingerprint=values["fingerprint"])
        others = Others(self.store)
        values |= regroup(case, after, others)
        gave = outcome(after, others)
        if gave != dict(case.credits):
            values["credits"] = gave
            give_credit(case.credits, gave, others)
        at = moment()
        entries = [Entry(case.id, at, self.who, what, values, note=note or {}), *others.entries(at, case.id)]
        self.store.append(entries, unchanged={**others.seqs(), case.id: case.seq})
        return self.get(case.id)


def _check(case: Case, judgement: Judgement) -> None:
    if judgement.rating not in range(6):
        raise UsageError("a rating is a number from 1 (wrong) to 5 (right)")
    if not (judgement.rating or judgement.comment or judgement.names_cause):
        raise UsageError("nothing is said about the answer", hint="give --rating, --cause or --comment")
    if not judgement.names_cause:
        if judgement.rating and case.status != "done":
            raise UsageError(
                f"case {case.id} ended without an answer to rate",
                hint="say what it was with --cause and --object",
            )
        return
    if judgement.object:
        check_object(judgement.object)
    cause = judgement.cause or case.cause
    if not cause:
        raise UsageError("the answer names no cause to confirm", hint="say what it was with --cause")
    if cause == "none":
        return
    if not (judgement.object or case.at_fault):
        raise UsageError(f"what is at fault for {cause}?", hint="name it: --object Kind/namespace/name")


def check_object(text: str) -> None:
    """Raises UsageError when it is not `Kind/namespace/name`, or has a secret in it."""
    if not NAMED.fullmatch(text) or safe(text) != text:
        raise UsageError(
            f"{safe(text)} is not how an object is written",
            hint="write Kind/namespace/name, or Kind//name for what has no namespace",
        )


def _undoable(recorded: Recorded) -> bool:
    entry = recorded.entry
    return entry.what in UNDOABLE and not entry.set.keys().isdisjoint(JUDGED)


def _tools_that_showed(evidence: Evidence, at_fault: str, case: Case) -> list[str]:
    """Tools that showed facts of an object, in order."""
    steps = {step["iteration"]: step["tool"] for step in case.steps}
    told = evidence.about(Ref.parse(at_fault)).values() if at_fault else ()
    return list(dict.fromkeys(steps[cited.step] for cited in told if cited.step in steps))
