"""Which cases teach: the states of a case, and what moves it from one to another.

recorded -> candidate: it ended, sure of itself, with a cause. candidate -> trusted: rated 4 or 5; any case
-> trusted: a person confirmed or corrected its cause. quarantined: imported, or rated in bulk, until a
person confirms it. retired: rated 1 or 2, or retired by a person or a rule; a correction is worth more than
the rating beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from kubelore.casebook.signs import KIND, LOOKED, NEAR, place_of
from kubelore.cases import Case
from kubelore.types import CaseState, Diagnosis

NO_CAUSES = ("", "none")
"""Answers that teach nothing."""
GOOD, BAD = 4, 2
"""Ratings from and up to which an answer counts as right and as wrong."""
HARMFUL = -2.0
"""Credit at which a case retires."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person says of an answer; empty fields say nothing.

    With `cause` or `object`, or with `confirm`, the person names the cause: as answered, or another one.
    """

    rating: int = 0
    cause: str = ""
    object: str = ""
    comment: str = ""
    confirm: bool = False

    @property
    def names_cause(self) -> bool:
        return self.confirm or bool(self.cause or self.object)


def ended(diagnosis: Diagnosis | None) -> tuple[CaseState, str]:
    """State of an investigation that has just ended, and why."""
    if diagnosis is None:
        return "recorded", "it ended without an answer"
    return _of_itself(diagnosis.root_cause, diagnosis.confidence)


def unjudged(case: Case) -> tuple[CaseState, str]:
    """The state that a case has while nobody has judged it."""
    if case.source:
        return "quarantined", f"imported from {case.source}; not confirmed by a person"
    return _of_itself(case.root_cause, case.confidence) if case.status == "done" else ended(None)


def _of_itself(cause: str, confidence: str) -> tuple[CaseState, str]:
    if cause in NO_CAUSES:
        return "recorded", "it names no cause"
    if confidence != "high":
        return "recorded", f"its confidence was {confidence}; it teaches once a person confirms the cause"
    return "candidate", "sure of its answer; not judged by a person"


def named(case: Case, judgement: Judgement, who: str) -> dict[str, Any]:
    """What changes when a person names the cause."""
    cause = judgement.cause or case.cause
    at_fault = judgement.object or ("" if cause == "none" else case.at_fault)
    right = cause == case.root_cause and at_fault == case.object
    teaches = cause not in NO_CAUSES
    said = "confirmed" if right or judgement.confirm else "corrected"
    return {
        "confirmed": True,
        "confirmed_cause": cause,
        "confirmed_object": at_fault,
        "misled": "" if cause == case.root_cause else case.root_cause,
        "verdict": "right" if right else "wrong",
        "state": "trusted" if teaches else "recorded",
        "why": f"{said} by {who}" + ("" if teaches else "; no cause to teach"),
    }


def rated(case: Case, rating: int, who: str) -> dict[str, Any]:
    """What changes when a person rates an answer and names no cause."""
    if case.confirmed and (case.misled or case.verdict == "wrong"):
        return {}  # the rating is about an answer that a person has corrected
    if rating <= BAD:
        return {"verdict": "wrong", "state": "retired", "why": f"rated {rating} by {who}"}
    if rating < GOOD:
        return {}
    state, why = unjudged(case)
    if case.confirmed or state == "candidate":
        return {"verdict": "right", "state": "trusted", "why": f"rated {rating} by {who}"}
    return {"verdict": "right", "state": state, "why": why}


def fingerprint(case: Case) -> str:
    """Of what a case teaches and where that was seen; empty when it teaches nothing."""
    if case.cause in NO_CAUSES:
        return ""
    lasting = sorted(sign for sign in case.signs if place_of(sign) not in (NEAR, LOOKED))
    text = "\n".join((case.cause, case.cluster, case.source, *lasting))
    return sha256(text.encode()).hexdigest()[:32]


def tells_nothing(signs: frozenset[str] | tuple[str, ...]) -> bool:
    """Whether these signs say no more than what kind of object it is and what was looked at."""
    return all(place_of(sign) in (KIND, LOOKED, NEAR) for sign in signs)
