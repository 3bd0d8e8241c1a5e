"""Experiments on memory: what is held out, what is poisoned, and the sums."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from kubelore.bench.learn.arms import ByQuestion, Placebo, voter
from kubelore.bench.learn.attacks import ATTACKS, POISON, POISONED
from kubelore.bench.learn.experiments import Book, Experiments, bare, frequent
from kubelore.bench.learn.figures import Told, figures
from kubelore.bench.learn.fit import fitted
from kubelore.bench.learn.lived import Lived, Problem, confirmed, unverified
from kubelore.bench.learn.page import full, short
from kubelore.bench.learn.paired import Pair, bootstrap, difference, mcnemar, share
from kubelore.bench.learn.tasks import Named, Outcome, Task, judged, without, worn
from kubelore.bench.report import html
from kubelore.casebook.recall import FEATURES, Recall, model
from kubelore.patterns.load import Library, load
from kubelore.types import Evidence, Fact, Observation, Ref

FACTS = {
    "oom_killed": ("container.last_reason=OOMKilled", "container.last_exit_code=137"),
    "node_cordoned": ("pod.node_fit=only-cordoned", "event=FailedScheduling:node-unschedulable"),
    "image_not_found": ("pod.waiting=ImagePullBackOff", "pull.error=not-found"),
}
USUAL = ("workload.replicas=set", "container.cpu_limit=set")


def lived(cause: str, number: int, *, right: bool = True, answered: str = "") -> Lived:
    ref = Ref("Deployment", "shop", f"{cause}-{number // 2}")
    facts = tuple(Fact(*name.split("=", 1), ref) for name in (*FACTS[cause], *USUAL))
    evidence = Evidence()
    evidence.add(Observation("", facts, covers=(("DESCRIBE", ref),)), 1)
    problem = Problem(
        f"{cause}-{number}", f"why does {cause} fail?", "shop", cause, (cause, ref.name), frozenset({cause})
    )
    return Lived(problem, evidence, answered or cause, ref, 0.9, (), False, right, (cause, ref))


ALL = [lived(cause, number) for cause in FACTS for number in range(10)]
PROBLEMS = [one.problem for one in ALL]
BOOK = Book.of(ALL)
PLANNED = Experiments(PROBLEMS, BOOK, BOOK, BOOK, seeds=2)
GROUP = {problem.id: problem.group for problem in PROBLEMS}


def outcome(task: Task, *, right: bool) -> Outcome:
    one = next(one for one in ALL if one.problem.id == task.problem.id)
    return Outcome(replace(task, book=()), replace(one, right=right))


@pytest.mark.parametrize("experiment", ["taken_away", "on_top", "worn", "from_nothing", "poisoned"])
def test_a_group_is_never_learned_from_and_tested_on_at_once(experiment: str) -> None:
    tasks = list(PLANNED.all()[experiment])
    assert len(tasks) > len(PROBLEMS)
    for task in tasks:
        learned = {GROUP[case.id] for case in task.book if not case.id.startswith(POISON)}
        assert task.problem.group not in learned


def test_recurring_problems_have_seen_their_own_group() -> None:
    for task in PLANNED.recurring():
        assert task.problem.group in {GROUP[case.id] for case in task.book}
        assert task.problem.id not in {case.id for case in task.book}


def test_so_many_cases_of_a_cause_are_seen_as_the_part_says() -> None:
    for task in PLANNED.taken_away():
        mates = [case for case in task.book if case.root_cause == task.problem.label]
        where, _, shown = task.part.rpartition(", ")
        assert len(mates) == int(shown)
        assert (len(task.book) > len(mates)) is (where == "among others")
        assert task.forgotten == {task.problem.label}


def test_arms_see_the_same_cases_in_the_same_order() -> None:
    by_arm: dict[str, list[tuple[str, list[str]]]] = {}
    for task in PLANNED.from_nothing():
        by_arm.setdefault(task.arm, []).append((task.problem.id, [case.id for case in task.book]))
    first, *others = by_arm.values()
    assert others
    assert all(other == first for other in others)


def test_rare_causes_are_not_taken_away() -> None:
    assert set(frequent([*PROBLEMS, replace(PROBLEMS[0], id="x", label="rare")])) == set(FACTS)


def test_a_person_confirms_what_is_right_and_corrects_what_is_wrong() -> None:
    right, wrong = confirmed(ALL[0]), confirmed(replace(ALL[0], cause="none", right=False))
    assert right is not None
    assert wrong is not None
    assert (right.root_cause, right.misled) == ("oom_killed", "")
    assert (wrong.root_cause, wrong.misled, wrong.signs) == ("oom_killed", "none", right.signs)
    own = unverified(replace(ALL[0], cause="node_cordoned", right=False))
    assert own is not None
    assert own.root_cause == "node_cordoned"
    assert unverified(replace(ALL[0], cause="none", object=None)) is None


def test_the_truth_is_said_as_kubelore_says_it_elsewhere() -> None:
    service, workload = Ref("Service", "shop", "a"), Ref("Deployment", "shop", "a")
    said = Outcome(Task(PROBLEMS[0]), ALL[0], (Named("oom_killed", service, said=True),))
    unsaid = Outcome(
        Task(PROBLEMS[1]),
        ALL[1],
        (Named("oom_killed", workload, said=False), Named("oom_killed", service, said=False)),
    )
    nobody = Outcome(Task(PROBLEMS[2]), ALL[2])
    assert [one.truth for one in judged([said, unsaid, nobody])] == [
        ("oom_killed", service),
        ("oom_killed", service),
        None,
    ]


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_make_enough_wrong_cases(name: str) -> None:
    honest = list(BOOK.verified.values())
    poison = ATTACKS[name](honest, random.Random(0))
    assert len(poison) >= POISONED
    assert all(case.id.startswith(POISON) and case.state == "trusted" for case in poison)
    truth = {case.signs: case.root_cause for case in honest}
    assert all(truth.get(case.signs) != case.root_cause for case in poison)


def test_the_placebo_is_as_strong_as_the_evidence_and_says_anything() -> None:
    book = list(BOOK.verified.values())
    votes = Recall(book).votes("", ALL[0].evidence)
    drawn = [
        vote
        for seed in range(20)
        for vote in Placebo(Recall(book), book, str(seed)).votes("", ALL[0].evidence)
    ]
    assert {vote.weight for vote in drawn} <= {vote.weight for vote in votes}
    assert {vote.root_cause for vote in drawn} == set(FACTS)


def test_a_question_recalls_what_was_asked_alike() -> None:
    votes = ByQuestion(list(BOOK.verified.values())).votes("why does image_not_found fail?", ALL[0].evidence)
    assert votes[0].root_cause == "image_not_found"
    assert votes[0].object == ALL[0].object


def test_without_memory_nobody_votes() -> None:
    assert voter("no memory", list(BOOK.verified.values()), "") is None


def test_what_patterns_know_of_a_cause_can_be_taken_away() -> None:
    library = load()
    left = without(library, frozenset({"oom_killed"}))
    known = {cause.root_cause for pattern in left.patterns for cause in pattern.common_causes}
    before = {cause.root_cause for pattern in library.patterns for cause in pattern.common_causes}
    assert before - known == {"oom_killed"}


def test_a_worn_library_lacks_some_of_what_it_knew_and_says_nothing_new() -> None:
    library = load()
    left = worn(library, 1)
    signs = {"all": sign_count(library), "left": sign_count(left), "again": sign_count(worn(library, 1))}
    assert 0.3 * signs["all"] < signs["left"] < 0.7 * signs["all"]
    assert signs["left"] == signs["again"] != sign_count(worn(library, 2))
    known = {c.root_cause for pattern in library.patterns for c in pattern.common_causes}
    assert {c.root_cause for pattern in left.patterns for c in pattern.common_causes} < known


def sign_count(library: Library) -> int:
    causes = [cause for pattern in library.patterns for cause in pattern.common_causes]
    return sum(len(one.supports) + len(one.contradicts) for cause in causes for one in cause.when)


@pytest.mark.parametrize(("gained", "lost", "p"), [(0, 0, 1.0), (5, 0, 0.0625), (1, 9, 0.0215), (4, 4, 1.0)])
def test_mcnemar(gained: int, lost: int, p: float) -> None:
    assert mcnemar(gained, lost) == pytest.approx(p, abs=1e-4)


def test_difference_counts_who_gained_and_who_lost() -> None:
    pairs = [
        Pair(n, before, after) for n, (before, after) in enumerate([(False, True)] * 6 + [(True, False)] * 2)
    ]
    found = difference(pairs * 2)
    assert (found.gained, found.lost, found.harm, found.mean) == (12, 4, 0.25, 0.5)
    assert found.interval.low < 0.5 < found.interval.high


def test_cases_of_one_group_are_worth_less_than_as_many_groups() -> None:
    apart = bootstrap([(n, float(n % 2)) for n in range(40)])
    together = bootstrap([(n // 10, float(n // 10 % 2)) for n in range(40)])
    assert together.high - together.low > apart.high - apart.low
    assert share([])["total"] == 0


def made(experiment: Sequence[Task], *, wrong: int) -> list[Outcome]:
    return [outcome(task, right=place % wrong != 0) for place, task in enumerate(experiment)]


def test_the_report_has_every_experiment() -> None:
    outcomes = {name: made(list(tasks), wrong=7) for name, tasks in PLANNED.all().items()}
    missed = [replace(one, right=False) for one in ALL]
    data = figures(Told("made up", 2, PROBLEMS, ALL, missed, missed, outcomes), date(2026, 1, 1))
    four = next(
        r
        for r in data["taken_away"]
        if (r["arm"], r["casebook"], r["shown"]) == ("evidence", "among others", 4)
    )
    assert four["causes"] == 3
    assert four["recovered"] == pytest.approx(four["right"]["mean"], abs=1e-3)
    assert all(row["gained"] == 0 and row["lost"] > 0 for row in data["on_top"])
    assert [row["library"] for row in data["worn"]] == [1, 2]
    assert [len(row["points"]) for row in data["curve"]] == [6, 6, 6]
    assert {row["attack"] for row in data["poison"]} == set(ATTACKS)
    page = html.render("t", "i", full(data, ("kubelore bench learn",)))
    assert "<svg" in page
    assert all(section.title in page for section in short(data))


def test_a_report_without_frequent_causes_is_still_a_report() -> None:
    few = Experiments(PROBLEMS[:3], BOOK, BOOK, BOOK, seeds=1)
    outcomes = {name: made(list(tasks), wrong=2) for name, tasks in few.all().items()}
    data = figures(Told("few", 1, PROBLEMS[:3], ALL[:3], [], [], outcomes), date(2026, 1, 1))
    assert data["taken_away"] == []
    assert full(data, ())


def test_the_worth_of_a_case_is_learned_from_cases_that_are_right_and_wrong() -> None:
    data = fitted(ALL, [replace(one, right=False) for one in ALL], model(), "made up", date(2026, 1, 1))
    assert set(data["coefficients"]) == {"constant", *FEATURES}
    assert data["coefficients"]["share"] > 0
    assert data["background"]["workload.replicas=set"] == 1.0
    assert 0 <= data["cross_validated"]["ece"] <= 1


def test_every_problem_is_lived_once_without_memory() -> None:
    assert [(t.problem.id, t.arm, t.book) for t in bare(PROBLEMS)] == [
        (p.id, "no memory", ()) for p in PROBLEMS
    ]
