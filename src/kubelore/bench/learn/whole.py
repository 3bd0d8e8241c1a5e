"""One learning benchmark from start to figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from kubelore.bench.learn import experiments as plan
from kubelore.bench.learn.figures import Told
from kubelore.bench.learn.lived import Lived, Problem
from kubelore.bench.learn.tasks import Outcome, Task, judged
from kubelore.types import Investigation


@dataclass(frozen=True, slots=True)
class Lives:
    """Every problem lived without memory: with all patterns, without those of its cause, and with none."""

    full: Sequence[Lived]
    ablated: Sequence[Lived]
    untaught: Sequence[Lived]
    investigations: Sequence[Investigation]
    """Those of `full`."""


Run = Callable[[Sequence[Task], str], list[Outcome]]
"""Makes investigations and says what for; `tasks.run` with all else bound."""


def live(problems: Sequence[Problem], run: Run) -> Lives:
    """Raises KubeloreError when a case cannot be investigated."""
    bare = run(plan.bare(problems), "all patterns")
    full = judged(bare)
    truths = {one.problem.id: one.truth for one in full}

    def lived(tasks: Sequence[Task], what: str) -> list[Lived]:
        """A person says the same of a problem, whatever the patterns made of it."""
        return [replace(one, truth=truths[one.problem.id] or one.truth) for one in judged(run(tasks, what))]

    return Lives(
        full,
        lived(plan.ablated(problems), "without the patterns of a cause"),
        lived(plan.untaught(problems), "without patterns"),
        [outcome.investigation for outcome in bare if outcome.investigation],
    )


def experiment(name: str, lives: Lives, seeds: int, run: Run) -> Told:
    """All experiments of the benchmark called `name`."""
    problems = [one.problem for one in lives.full]
    books = (plan.Book.of(lives.full), plan.Book.of(lives.ablated), plan.Book.of(lives.untaught))
    planned = plan.Experiments(problems, *books, seeds).all()
    outcomes = {what: run(list(tasks), what.replace("_", " ")) for what, tasks in planned.items()}
    return Told(name, seeds, problems, lives.full, lives.ablated, lives.untaught, outcomes)
