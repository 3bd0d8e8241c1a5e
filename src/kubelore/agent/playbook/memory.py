"""What past cases say to the suspects of the patterns: agreement, or a suspect that no pattern names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from kubelore.patterns.check import root_causes
from kubelore.patterns.model import Cause, Condition, FixTemplate, InvestigationStep, Pattern
from kubelore.patterns.rank import Candidate, sigmoid
from kubelore.types import Vote

CASEBOOK = "casebook"
"""Id of the pattern that a recalled case is treated as."""
AGREEMENT = 0.25
"""Log-odds that a suspect gains at most when past cases name it too: enough between equals, no more."""
CORROBORATED = 2
"""Confirmed cases that may change an answer; one alone gives an answer only where there is no other."""
SURE = 1.0
"""Log-odds of an answer of the patterns that past cases do not overrule with a cause that patterns know
too, whose own signs are not there."""
BELOW = 0.5
"""Log-odds by which a suspect that is held back stays below that answer."""
NAMED = 3
"""Cases that an explanation names."""


def recalled(
    votes: Iterable[Vote], known: Iterable[Candidate], patterns: Sequence[Pattern]
) -> list[Candidate]:
    """A candidate for each vote that no pattern's candidate stands for, and that facts of today back."""
    named = {(candidate.root_cause, candidate.object) for candidate in known}
    return [
        _candidate(vote, patterns)
        for vote in votes
        if (vote.root_cause, vote.object) not in named and vote.shared
    ]


def agreement(vote: Vote | None) -> float:
    """Log-odds that a vote adds to a suspect that has evidence of its own."""
    return AGREEMENT * sigmoid(vote.weight) if vote and corroborated(vote) else 0.0


def at_most(vote: Vote, answer: float, patterns: Sequence[Pattern]) -> float:
    """What a suspect that only past cases name may weigh beside the patterns' best `answer`, in log-odds."""
    overruled = 0.0 if not corroborated(vote) else SURE if _known(vote.root_cause, patterns) else math.inf
    return answer - BELOW if answer > overruled else math.inf


def is_recalled(candidate: Candidate) -> bool:
    return candidate.pattern.id == CASEBOOK


def corroborated(vote: Vote) -> bool:
    return sum(case.count for case in vote.cases if case.confirmed) >= CORROBORATED


def testimony(vote: Vote) -> str:
    """What users read of it."""
    cases = [case for case in vote.cases if case.root_cause == vote.root_cause]
    number = sum(case.count for case in cases)
    word = "confirmed" if all(case.confirmed for case in cases) else "trusted"
    ids = ", ".join(case.id[:8] for case in cases[:NAMED])
    return f"{number} {word} case{'s' * (number != 1)} with nearly the same evidence ({ids})."


def _candidate(vote: Vote, patterns: Sequence[Pattern]) -> Candidate:
    cause = _known(vote.root_cause, patterns) or _cause(vote)
    pattern = Pattern(
        id=CASEBOOK,
        version=1,
        name="Seen before",
        triggers=(CASEBOOK,),
        symptoms=cause.evidence,
        investigation_steps=(InvestigationStep(tool="DESCRIBE", look_for="the same evidence"),),
        common_causes=(cause,),
    )
    return Candidate(pattern, cause, vote.object, vote.object, vote.weight, vote.shared)


def _known(root_cause: str, patterns: Sequence[Pattern]) -> Cause | None:
    """As a pattern describes it, whose conditions do not hold today."""
    causes = (cause for pattern in patterns for cause in pattern.common_causes)
    return next((cause for cause in causes if cause.root_cause == root_cause), None)


def _cause(vote: Vote) -> Cause:
    known = root_causes().get(vote.root_cause)
    meaning = known.meaning if known else vote.root_cause.replace("_", " ")
    fix = next((case.fix for case in vote.cases if case.fix and case.root_cause == vote.root_cause), "")
    return Cause(
        cause=meaning,
        root_cause=vote.root_cause,
        evidence=tuple(dict.fromkeys(cited.fact.name for cited in vote.shared)),
        when=(Condition(),),
        explanation=f"{meaning}.",
        fix=FixTemplate(text=fix or "No pattern knows this cause; see how the cases named here were solved."),
    )
