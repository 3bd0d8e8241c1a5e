"""Recorded incidents as problems to learn from: recordings, questions, and labels in kubelore's own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kubelore.bench.cases import Case
from kubelore.bench.learn.lived import Lived, Problem
from kubelore.bench.learn.tasks import Named, Outcome, Task, Taught
from kubelore.bench.scoring.incidents import expected_of
from kubelore.bench.scoring.judge import Answer, Expected, Guess, judge
from kubelore.errors import DataError
from kubelore.types import Investigation, JsonObject, Ref

Investigate = Callable[[Path, str, Taught], Investigation]
"""Asks one question about a recording, for an agent that was taught this. Picklable for several jobs."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The incidents of a questions file with their labels, and how to investigate one."""

    cases: Mapping[str, Case]
    expected: Mapping[str, Expected]
    investigate: Investigate

    @classmethod
    def of(cls, cases: Sequence[Case], labels: Sequence[JsonObject], investigate: Investigate) -> Recorded:
        """Raises DataError for a case without a recording or without a label."""
        expected = {one.id: one for one in map(expected_of, labels)}
        for case in cases:
            if case.snapshot is None or case.id not in expected:
                raise DataError(f"{case.id} has no {'label' if case.snapshot else 'recording'}")
        return cls({case.id: case for case in cases}, expected, investigate)

    def problems(self) -> list[Problem]:
        return [
            Problem(one.id, case.question, one.id, one.cause, one.group, frozenset(one.causes))
            for case in self.cases.values()
            for one in [self.expected[case.id]]
        ]

    def solve(self, task: Task) -> Outcome:
        """Raises KubeloreError when a recording cannot be read."""
        case, expected = self.cases[task.problem.id], self.expected[task.problem.id]
        investigation = self.investigate(case.snapshot or Path(), case.question, task.taught)
        diagnosis = investigation.diagnosis
        guesses = (Guess(diagnosis.root_cause, str(diagnosis.object or "")),) if diagnosis else ()
        right = judge({case.id: Answer(case.id, guesses)}, [expected]).verdicts[0].right
        lived = Lived.of(task.problem, investigation, right=right)
        return Outcome.of(task, lived, _named(lived, expected), investigation)


def _named(lived: Lived, expected: Expected) -> tuple[Named, ...]:
    """The label, or the answer where that says it as well."""
    if expected.healthy:
        return ()
    if lived.right and lived.object:
        return (Named(lived.cause, lived.object, said=True),)
    return (Named(expected.cause, Ref.parse(expected.objects[0]), said=True),)
