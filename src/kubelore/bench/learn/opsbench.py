"""Cloud-OpsBench as problems to learn from: its cases, its truth, and what that is in kubelore's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kubelore.bench.cloud_opsbench.cases import Case, Place, find_cases, read_case
from kubelore.bench.cloud_opsbench.gather import Gathered
from kubelore.bench.cloud_opsbench.labels import QUOTA, Translator, table
from kubelore.bench.cloud_opsbench.toolbox import CaseToolbox
from kubelore.bench.learn.lived import Lived, Problem
from kubelore.bench.learn.tasks import Named, Outcome, Task, Taught
from kubelore.bench.scoring.cloud_opsbench import guesses_of, merged, read_truth
from kubelore.bench.scoring.judge import Answer, Expected, judge
from kubelore.errors import DataError
from kubelore.types import Investigation, JsonObject, Ref

Investigate = Callable[[CaseToolbox, Gathered, Case, Taught], Investigation]
"""Asks a case's question with these tools, for an agent that was taught this. Picklable for several jobs."""


@dataclass(frozen=True, slots=True)
class OpsBench:
    """The cases below a folder, and how to investigate one."""

    places: Mapping[str, Place]
    expected: Mapping[str, Expected]
    investigate: Investigate

    @classmethod
    def below(cls, root: Path, investigate: Investigate) -> OpsBench:
        """Raises UsageError without cases, DataError without their truth."""
        places = {place.id: place for place in find_cases(root)}
        expected = {one.id: one for one in read_truth(root)}
        lacking = sorted(places.keys() - expected.keys())
        if lacking:
            raise DataError(f"{lacking[0]} has no truth to learn from")
        return cls(places, expected, investigate)

    def problems(self) -> list[Problem]:
        return [
            Problem(one.id, one.question, one.system, one.cause, one.group, _causes(one.cause))
            for one in (self.expected[name] for name in self.places)
        ]

    def solve(self, task: Task) -> Outcome:
        """Raises KubeloreError when a case cannot be read."""
        expected = self.expected[task.problem.id]
        case = read_case(self.places[task.problem.id])
        gathered = Gathered(case.answers, case.namespace, case.now)
        toolbox = CaseToolbox(gathered, case.namespace)
        investigation = self.investigate(toolbox, gathered, case, task.taught)
        translator = Translator(toolbox.view, investigation.evidence)
        diagnosis = investigation.diagnosis
        guesses: list[JsonObject] = [{**g} for g in translator.guesses(diagnosis)] if diagnosis else []
        answer = Answer(expected.id, guesses_of(guesses))
        right = judge({expected.id: answer}, [expected]).verdicts[0].right
        named = () if task.arm != "no memory" else tuple(_named(investigation, translator, expected))
        return Outcome.of(task, Lived.of(task.problem, investigation, right=right), named, investigation)


def _causes(label: str) -> frozenset[str]:
    """Canonical causes that the benchmark has this label for."""
    causes = {cause for cause, (_, name, _) in table()["causes"].items() if merged(name) == label}
    return frozenset(causes | ({QUOTA} if label in table()["quota"].values() else set()))


def _named(investigation: Investigation, translator: Translator, expected: Expected) -> Iterator[Named]:
    """The truth in kubelore's words: as answered, else among the alternatives, else all words for it that
    the objects of this evidence leave."""
    diagnosis = investigation.diagnosis
    answers = [(diagnosis.root_cause, diagnosis.object)] if diagnosis else []
    answers += [(a.root_cause, a.object) for a in diagnosis.alternatives] if diagnosis else []
    for cause, ref in answers:
        if ref is not None and _is_truth(cause, ref, translator, expected):
            yield Named(cause, ref, said=True)
            return
    for cause in sorted(_causes(expected.cause)):
        for ref in sorted(investigation.evidence.refs()):
            if _is_truth(cause, ref, translator, expected):
                yield Named(cause, ref, said=False)


def _is_truth(cause: str, ref: Ref, translator: Translator, expected: Expected) -> bool:
    label = translator.label(cause, ref)
    if label is None:
        return False
    answer = Answer(expected.id, guesses_of([{**label}]))
    return judge({expected.id: answer}, [expected]).verdicts[0].right
