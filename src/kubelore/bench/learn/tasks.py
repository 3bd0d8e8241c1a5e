"""Investigations to make, and making them in several processes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from kubelore.bench.learn.arms import Arm, voter
from kubelore.bench.learn.lived import Lived, Problem
from kubelore.bench.pool import unordered
from kubelore.patterns.load import Library
from kubelore.patterns.model import Cause, Condition
from kubelore.protocols import Progress, Voter
from kubelore.types import Evidence, Investigation, PastCase, Ref

WORN = 0.3
"""Share of conditions, and of signs, that a worn library lacks."""


@dataclass(frozen=True, slots=True)
class Taught:
    """What the agent knows that investigates."""

    patterns: bool
    forgotten: frozenset[str]
    """Causes that the patterns do not know."""
    worn: int | None
    """Seed by which the patterns lost some of what they know."""
    memory: Voter | None

    def patterns_of(self, library: Library) -> Library:
        """What is left of it."""
        left = without(library, self.forgotten) if self.forgotten else library
        return left if self.worn is None else worn(left, self.worn)


@dataclass(frozen=True, slots=True)
class Task:
    """One investigation of one problem with one memory."""

    problem: Problem
    arm: Arm = "no memory"
    book: tuple[PastCase, ...] = ()
    forgotten: frozenset[str] = frozenset()
    patterns: bool = True
    worn: int | None = None
    seed: int = 0
    whole: bool = False
    """The outcome has the whole investigation."""
    part: str = ""
    """Which of an experiment's conditions this is."""

    @property
    def taught(self) -> Taught:
        memory = voter(self.arm, self.book, f"{self.seed} {self.problem.id}")
        return Taught(self.patterns, self.forgotten, self.worn, memory)


@dataclass(frozen=True, slots=True)
class Named:
    """A way to say the truth about a problem; `said` when the agent itself named it so."""

    cause: str
    object: Ref
    said: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task."""

    task: Task
    lived: Lived
    named: tuple[Named, ...] = ()
    """Ways to say the truth, best first."""
    investigation: Investigation | None = None
    """None unless the task asks for it."""

    @classmethod
    def of(cls, task: Task, lived: Lived, named: tuple[Named, ...], investigation: Investigation) -> Outcome:
        """Without what nobody asks for any more: the casebook, and evidence that nobody learns from."""
        if task.arm != "no memory":
            lived = replace(lived, evidence=Evidence())
        return cls(replace(task, book=()), lived, named, investigation if task.whole else None)

    @property
    def right(self) -> bool:
        return self.lived.right


Solve = Callable[[Task], Outcome]
"""Investigates. It must be picklable when several jobs run. Raises KubeloreError."""


def without(library: Library, causes: frozenset[str]) -> Library:
    """The library as if nobody had ever written down these causes."""
    return _rewritten(library, lambda cause: None if cause.root_cause in causes else cause)


def worn(library: Library, seed: int) -> Library:
    """The library as a worse author would have written it: conditions and signs of causes left out at
    random."""
    rng = random.Random(seed)  # noqa: S311 - a simulation

    def remembered(condition: Condition) -> Condition:
        supports = {sign: worth for sign, worth in condition.supports.items() if rng.random() >= WORN}
        contradicts = {sign: worth for sign, worth in condition.contradicts.items() if rng.random() >= WORN}
        return condition.model_copy(update={"supports": supports, "contradicts": contradicts})

    def left(cause: Cause) -> Cause | None:
        when = tuple(remembered(condition) for condition in cause.when if rng.random() >= WORN)
        return cause.model_copy(update={"when": when}) if when else None

    return _rewritten(library, left)


def _rewritten(library: Library, change: Callable[[Cause], Cause | None]) -> Library:
    """With causes as `change` makes them, without those for which it gives None, and without patterns that
    have none left."""
    patterns = []
    for pattern in library.patterns:
        causes = tuple(changed for cause in pattern.common_causes if (changed := change(cause)))
        if causes:
            patterns.append(pattern.model_copy(update={"common_causes": causes}))
    return replace(library, patterns=tuple(patterns))


def run(tasks: Sequence[Task], solve: Solve, jobs: int, progress: Progress, what: str) -> list[Outcome]:
    """All outcomes, in the order of the tasks."""
    found: dict[int, Outcome] = {}
    for done, (index, outcome) in enumerate(unordered(solve, tasks, jobs), 1):
        found[index] = outcome
        progress.advance(done, len(tasks), what)
    return [found[index] for index in range(len(tasks))]


def judged(outcomes: Sequence[Outcome]) -> list[Lived]:
    """With what a person says of each: the truth as kubelore itself says it, else a cause of the label at an
    object of the kind that is usually at fault for it."""
    usual: Counter[tuple[str, str, str]] = Counter()
    for outcome in outcomes:
        usual.update((outcome.task.problem.label, n.cause, n.object.kind) for n in outcome.named if n.said)

    def fits(outcome: Outcome, named: Named) -> tuple[bool, int, bool]:
        seen = usual[outcome.task.problem.label, named.cause, named.object.kind]
        return named.said, seen, bool(outcome.lived.evidence.about(named.object))

    found = []
    for outcome in outcomes:
        best = max(outcome.named, key=partial(fits, outcome), default=None)
        truth = (best.cause, best.object) if best else None
        found.append(replace(outcome.lived, truth=truth))
    return found
