"""From outcomes to the figures of the report: what JSON prints and pages show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean
from typing import Any

import kubelore
from kubelore.bench import calibration
from kubelore.bench.learn.arms import ARMS
from kubelore.bench.learn.attacks import ATTACKS, POISON
from kubelore.bench.learn.experiments import ALONE, OTHERS, SHOWN, frequent
from kubelore.bench.learn.lived import Lived, Problem
from kubelore.bench.learn.paired import GroupedShare, Pair, difference, share
from kubelore.bench.learn.tasks import Outcome

WINDOWS = 6
"""Of a learning curve."""


@dataclass(frozen=True, slots=True)
class Told:
    """All that was run."""

    benchmark: str
    seeds: int
    problems: Sequence[Problem]
    full: Sequence[Lived]
    """All patterns, no past cases."""
    ablated: Sequence[Lived]
    """Without the patterns of their own cause."""
    untaught: Sequence[Lived]
    """Without patterns."""
    outcomes: Mapping[str, Sequence[Outcome]]
    """By experiment."""


def figures(told: Told, day: date) -> dict[str, Any]:
    taken, on_top = told.outcomes["taken_away"], told.outcomes["on_top"]
    by_memory = {o.task.problem.id: o.lived for o in on_top if o.task.arm == "evidence"}
    return {
        "kubelore": kubelore.__version__,
        "date": day.isoformat(),
        "benchmark": told.benchmark,
        "cases": len(told.problems),
        "causes": len({p.label for p in told.problems}),
        "groups": len({p.group for p in told.problems}),
        "seeds": told.seeds,
        "without_memory": _of_lived(told.full),
        "taken_away": _taken_away(told, taken),
        "taken_away_causes": _taken_away_causes(told, taken),
        "on_top": _on_top(told, on_top),
        "worn": _worn(told.outcomes["worn"]),
        "recurring": _against(told.full, told.outcomes["recurring"]),
        "recurring_untaught": _against(told.ablated, told.outcomes["recurring_untaught"]),
        "curve": _curve(told.outcomes["from_nothing"], len(told.problems)),
        "poison": _poison(by_memory, told.outcomes["poisoned"]),
        "calibration": _calibration(told, taken, on_top),
    }


def _of_lived(lived: Iterable[Lived]) -> GroupedShare:
    return share([(one.problem.group, one.right) for one in lived])


def _of(outcomes: Iterable[Outcome]) -> GroupedShare:
    return share([(o.task.problem.group, o.right) for o in outcomes])


def _taken_away(told: Told, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Each arm after so many cases: its share, that of the pattern on the same cases, and what part of it
    came back, over all cases and as the mean over causes."""
    with_pattern = {one.problem.id: one.right for one in told.full}
    without = {one.problem.id: one.right for one in told.ablated}
    rows = []
    for part in [f"{where}, {shown}" for where in (OTHERS, ALONE) for shown in SHOWN]:
        for arm in ARMS[1:]:
            some = [o for o in outcomes if (o.task.part, o.task.arm) == (part, arm)]
            if some:
                pattern = fmean(with_pattern[o.task.problem.id] for o in some)
                found = _of(some)
                rows.append(
                    {
                        "casebook": part.rpartition(", ")[0],
                        "shown": int(part.rpartition(", ")[2]),
                        "arm": arm,
                        "causes": len({o.task.problem.label for o in some}),
                        "right": found,
                        "with_pattern": round(pattern, 3),
                        "without": round(fmean(without[o.task.problem.id] for o in some), 3),
                        "recovered": round(found["mean"] / pattern, 3) if pattern else None,
                        "recovered_by_cause": round(fmean(_recovered(some, with_pattern)), 3),
                    }
                )
    return rows


def _recovered(outcomes: Iterable[Outcome], with_pattern: Mapping[str, bool]) -> list[float]:
    """Of each cause, the part of what its pattern gave."""
    by_cause: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_cause[outcome.task.problem.label].append(outcome)
    found = []
    for some in by_cause.values():
        pattern = fmean(with_pattern[o.task.problem.id] for o in some)
        if pattern:
            found.append(min(1.0, fmean(o.right for o in some) / pattern))
    return found


def _taken_away_causes(told: Told, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    known = {one.problem.id: one.right for one in told.full}
    rows = []
    for label, mates in sorted(frequent(told.problems).items()):
        after = {}
        for shown in SHOWN:
            some = [
                o.right
                for o in outcomes
                if (o.task.problem.label, o.task.arm, o.task.part)
                == (label, "evidence", f"{OTHERS}, {shown}")
            ]
            after[str(shown)] = round(fmean(some), 3) if some else None
        rows.append(
            {
                "cause": label,
                "cases": len(mates),
                "objects": len({p.group for p in mates}),
                "with_pattern": round(fmean(known[p.id] for p in mates), 3),
                "after": after,
            }
        )
    return rows


def _on_top(told: Told, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    return [
        {"arm": arm, **_against(told.full, [o for o in outcomes if o.task.arm == arm])} for arm in ARMS[1:]
    ]


def _worn(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Each worn library without and with memory."""
    rows = []
    for seed in sorted({o.task.worn for o in outcomes if o.task.worn is not None}):
        some = [o for o in outcomes if o.task.worn == seed]
        before = [o.lived for o in some if o.task.arm == "no memory"]
        rows.append({"library": seed + 1, **_against(before, [o for o in some if o.task.arm == "evidence"])})
    return rows


def _against(before: Sequence[Lived], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Outcomes beside the same problems without memory."""
    known = {one.problem.id: one.right for one in before}
    pairs = [Pair(o.task.problem.group, known[o.task.problem.id], o.right) for o in outcomes]
    found = difference(pairs)
    return {
        "right": _of(outcomes),
        "before": share([(pair.group, pair.before) for pair in pairs]),
        "gained": found.gained,
        "lost": found.lost,
        "harm": round(found.harm, 4),
        "difference": round(found.mean, 4),
        "low": round(found.interval.low, 4),
        "high": round(found.interval.high, 4),
        "p": round(found.p, 4),
    }


def _curve(outcomes: Sequence[Outcome], problems: int) -> list[dict[str, Any]]:
    """Shares in windows of the order, by how many cases came before."""
    rows = []
    for arm in ARMS:
        points = []
        for window in range(WINDOWS):
            first, last = problems * window // WINDOWS, problems * (window + 1) // WINDOWS
            some = [o for o in outcomes if o.task.arm == arm and first <= int(o.task.part) < last]
            if some:
                points.append({"before": (first + last) // 2, "right": _of(some)})
        if points:
            rows.append({"arm": arm, "points": points})
    return rows


def _poison(honest: Mapping[str, Lived], outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Each attack beside the same casebook without it. `answers` are wrong ones that poisoned cases speak for
    and that are not given without them."""
    rows = []
    for attack in ATTACKS:
        some = [o for o in outcomes if o.task.part == attack]
        if some:
            named = [
                o for o in some if not o.right and _spoke(o) and _differ(o.lived, honest[o.task.problem.id])
            ]
            rows.append({"attack": attack, **_against(list(honest.values()), some), "answers": len(named)})
    return rows


def _spoke(outcome: Outcome) -> bool:
    return any(case.startswith(POISON) for case in outcome.lived.cases)


def _differ(one: Lived, other: Lived) -> bool:
    return (one.cause, one.object) != (other.cause, other.object)


def _calibration(told: Told, taken: Sequence[Outcome], on_top: Sequence[Outcome]) -> list[dict[str, Any]]:
    four = [o.lived for o in taken if (o.task.arm, o.task.part) == ("evidence", f"{OTHERS}, {max(SHOWN)}")]
    arms = {
        "all patterns, no memory": told.full,
        "all patterns, with memory": [o.lived for o in on_top if o.task.arm == "evidence"],
        f"its pattern taken away, {max(SHOWN)} cases": four,
        "of these, named by past cases alone": [one for one in four if one.recalled],
    }
    rows = []
    for name, lived in arms.items():
        pairs = [(one.probability, one.right) for one in lived if one.cause]
        measured = calibration.measure(pairs, len(lived))
        if measured:
            rows.append(
                {
                    "answers": name,
                    "number": measured.answers,
                    "right": measured.right.data(),
                    "brier": round(measured.brier, 4),
                    "ece": round(measured.ece, 4),
                    "ece_by_chance": round(measured.ece_by_chance, 4),
                    "at_half": round(measured.at_half, 3),
                }
            )
    return rows
