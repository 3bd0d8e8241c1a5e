"""What one investigation leaves behind, and the past case that a simulated person makes of it."""

from __future__ import annotations

from dataclasses import dataclass

from kubelore.agent.playbook.memory import CASEBOOK
from kubelore.casebook.signs import signs
from kubelore.types import Evidence, Investigation, PastCase, Ref

Truth = tuple[str, Ref]
"""Canonical root cause and the object at fault: what a person would say."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One case of a benchmark, as far as all experiments know it."""

    id: str
    question: str
    system: str
    label: str
    """The cause as the benchmark names it."""
    group: tuple[str, str]
    """Of cause and object at fault: never learned from and tested on at once."""
    causes: frozenset[str] = frozenset()
    """Canonical causes that the benchmark has this label for."""


@dataclass(frozen=True, slots=True)
class Lived:
    """One investigation of a problem, and what a person says of its answer."""

    problem: Problem
    evidence: Evidence
    cause: str
    """As answered."""
    object: Ref | None
    probability: float
    cases: tuple[str, ...]
    """Past cases that spoke for the answer."""
    recalled: bool
    """No pattern names the answer: past cases alone do."""
    right: bool
    truth: Truth | None = None
    """None while nobody said it, or where the evidence has no object for it."""

    @classmethod
    def of(cls, problem: Problem, investigation: Investigation, *, right: bool) -> Lived:
        answer = investigation.diagnosis
        return cls(
            problem,
            investigation.evidence,
            answer.root_cause if answer else "",
            answer.object if answer else None,
            answer.probability if answer else 0.0,
            answer.cases if answer else (),
            bool(answer and answer.pattern == CASEBOOK),
            right,
        )


def confirmed(lived: Lived) -> PastCase | None:
    """The case once a person has confirmed or corrected the answer."""
    if lived.truth is None:
        return None
    cause, ref = lived.truth
    misled = "" if lived.cause == cause else lived.cause
    return _case(lived, cause, ref, misled=misled, confirmed=True)


def unverified(lived: Lived) -> PastCase | None:
    """The case as it teaches where nobody checks answers: as right as it says it is."""
    if lived.object is None or not lived.cause:
        return None
    return _case(lived, lived.cause, lived.object, confirmed=True)


def _case(lived: Lived, cause: str, ref: Ref, *, confirmed: bool, misled: str = "") -> PastCase:
    return PastCase(
        lived.problem.id,
        cause,
        ref.kind,
        signs(lived.evidence, ref),
        "trusted",
        confirmed,
        misled=misled,
        cluster=lived.problem.system,
        question=lived.problem.question,
    )
