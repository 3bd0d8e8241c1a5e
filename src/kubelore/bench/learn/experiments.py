"""The experiments: for each the investigations to make, over the same cases in the same order."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kubelore.bench.learn.arms import ARMS, Arm
from kubelore.bench.learn.attacks import ATTACKS
from kubelore.bench.learn.lived import Lived, Problem, confirmed, unverified
from kubelore.bench.learn.tasks import Task
from kubelore.types import PastCase

FEWEST = 4
"""Cases of a cause that is taken away."""
SHOWN = (1, 2, 4)
"""Cases of a cause that was taken away which the casebook sees."""
OTHERS, ALONE = "among others", "alone"
"""Whether the casebook has cases of other causes too."""


@dataclass(frozen=True, slots=True)
class Book:
    """What cases teach when they were lived with some patterns."""

    verified: Mapping[str, PastCase]
    own: Mapping[str, PastCase]
    """With the agent's own answers."""

    @classmethod
    def of(cls, lived: Sequence[Lived]) -> Book:
        right = {one.problem.id: confirmed(one) for one in lived}
        own = {one.problem.id: unverified(one) for one in lived}
        return cls(
            {name: case for name, case in right.items() if case},
            {name: case for name, case in own.items() if case},
        )

    def cases(self, arm: Arm, problems: Sequence[Problem]) -> tuple[PastCase, ...]:
        known = self.own if arm == "unverified" else self.verified
        return tuple(known[problem.id] for problem in problems if problem.id in known)


def bare(problems: Sequence[Problem]) -> list[Task]:
    """All patterns, no past cases."""
    return [Task(problem, whole=True) for problem in problems]


def ablated(problems: Sequence[Problem]) -> list[Task]:
    """Each case of a frequent cause without the patterns of that cause, and without past cases."""
    return [Task(p, forgotten=p.causes) for mates in frequent(problems).values() for p in mates]


def untaught(problems: Sequence[Problem]) -> list[Task]:
    """No patterns, no past cases."""
    return [Task(problem, patterns=False) for problem in problems]


@dataclass(frozen=True, slots=True)
class Experiments:
    """What can be asked of memory once every problem was lived without it: with all patterns, without those
    of its cause, and with none."""

    problems: Sequence[Problem]
    full: Book
    ablated: Book
    untaught: Book
    seeds: int

    def all(self) -> Mapping[str, Iterator[Task]]:
        """Every experiment by its name."""
        return {
            "taken_away": self.taken_away(),
            "on_top": self.on_top(),
            "worn": self.worn(),
            "recurring": self.recurring(),
            "recurring_untaught": self.recurring_untaught(),
            "from_nothing": self.from_nothing(),
            "poisoned": self.poisoned(),
        }

    def taken_away(self) -> Iterator[Task]:
        """A cause that no pattern knows, after 1, 2 and 4 confirmed cases of it on other objects."""
        for mates in frequent(self.problems).values():
            for problem in mates:
                others = [mate for mate in mates if mate.group != problem.group]
                for shown in SHOWN:
                    if len(others) >= shown:
                        yield from self._after(problem, others, shown)

    def _after(self, problem: Problem, mates: Sequence[Problem], shown: int) -> Iterator[Task]:
        strangers = [p for p in self.problems if p.label != problem.label]
        for seed in range(self.seeds):
            rng = random.Random(f"{seed} {problem.id} {shown}")  # noqa: S311 - a simulation
            seen = rng.sample(mates, shown)
            compared = shown == max(SHOWN) and seed == 0
            for arm in ARMS[1:] if compared else ("evidence",):
                known = self.ablated.cases(arm, seen)
                book = (*known, *self.full.cases(arm, strangers))
                yield Task(problem, arm, book, problem.causes, seed=seed, part=f"{OTHERS}, {shown}")
                if arm == "evidence" and seed == 0:
                    yield Task(problem, arm, known, problem.causes, part=f"{ALONE}, {shown}")

    def on_top(self) -> Iterator[Task]:
        """All patterns, and all cases of other groups."""
        for problem in self.problems:
            for arm in ARMS[1:]:
                yield Task(problem, arm, self.full.cases(arm, self._other_groups(problem)))

    def worn(self) -> Iterator[Task]:
        """Patterns that lack much of what they should know, without memory and with all cases of other
        groups. There is a library for each seed."""
        for seed in range(self.seeds):
            for problem in self.problems:
                book = self.full.cases("evidence", self._other_groups(problem))
                yield Task(problem, worn=seed)
                yield Task(problem, "evidence", book, worn=seed)

    def recurring(self) -> Iterator[Task]:
        """All patterns, and all other cases, of problems that came more than once."""
        for problem in self.problems:
            if self._again(problem):
                others = [p for p in self.problems if p.id != problem.id]
                yield Task(problem, "evidence", self.full.cases("evidence", others))

    def recurring_untaught(self) -> Iterator[Task]:
        """The same where no pattern knows the cause."""
        for mates in frequent(self.problems).values():
            strangers = [p for p in self.problems if p.label != mates[0].label]
            for problem in mates:
                if again := self._again(problem):
                    known = self.ablated.cases("evidence", again)
                    book = (*known, *self.full.cases("evidence", strangers))
                    yield Task(problem, "evidence", book, problem.causes)

    def from_nothing(self) -> Iterator[Task]:
        """No patterns: each case after all that came before it, but for its own group. `part` is how many
        came before."""
        for seed in range(self.seeds):
            order = list(self.problems)
            random.Random(seed).shuffle(order)  # noqa: S311 - a simulation
            for place, problem in enumerate(order):
                before = [p for p in order[:place] if p.group != problem.group]
                for arm in ("question", "evidence", "placebo"):
                    book = self.untaught.cases(arm, before)
                    yield Task(problem, arm, book, patterns=False, seed=seed, part=str(place))

    def poisoned(self) -> Iterator[Task]:
        """All patterns, all cases of other groups, and those of an attacker who knows every case."""
        honest = list(self.full.verified.values())
        if len({case.root_cause for case in honest}) < 2:
            return  # there is no wrong cause to name
        for name, attack in ATTACKS.items():
            poison = attack(honest, random.Random(name))  # noqa: S311 - a simulation
            for problem in self.problems:
                known = self.full.cases("evidence", self._other_groups(problem))
                yield Task(problem, "evidence", (*known, *poison), part=name)

    def _other_groups(self, problem: Problem) -> list[Problem]:
        return [p for p in self.problems if p.group != problem.group]

    def _again(self, problem: Problem) -> list[Problem]:
        return [p for p in self.problems if p.group == problem.group and p.id != problem.id]


def frequent(problems: Sequence[Problem]) -> dict[str, list[Problem]]:
    """Problems by cause, of the causes that are frequent enough to be taken away and that patterns name."""
    found: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        found[problem.label].append(problem)
    return {label: mates for label, mates in found.items() if len(mates) >= FEWEST and mates[0].causes}
