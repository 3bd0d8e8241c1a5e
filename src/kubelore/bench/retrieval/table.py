"""What each way of searching finds: places of the right answers, and the table that compares the ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kubelore.bench.questions import Asked
from kubelore.bench.report.page import Section, Table
from kubelore.bench.scoring.stats import Share, mean_interval
from kubelore.protocols import Progress

DEPTH = 10
"""Answers that are asked for; a right one behind them is not found."""

LEGEND = (
    "In brackets, 95% intervals: Wilson's for shares, bootstrap for MRR. +/-: found among the first three by "
    "this way and not by the last, and the other way round."
)

Ask = Callable[[str], Sequence[str]]
"""Ids of the answers to a question, best first; none when it has no answer."""


@dataclass(frozen=True, slots=True)
class Answers:
    """One way of searching, on all questions."""

    way: str
    places: tuple[int, ...]
    """Of the first right answer from 1, 0 when there is none; for questions that have one."""
    spoke: tuple[bool, ...]
    """Whether it answered, be it by the smallest mistake; for questions that have no answer."""
    misses: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
    """(question, right ids, first three answers) where no right one is among these, or none should be."""

    def hits(self, depth: int) -> Share:
        return Share.of(0 < place <= depth for place in self.places)

    @property
    def reciprocal(self) -> list[float]:
        return [1 / place if place else 0.0 for place in self.places]


def answers(way: str, ask: Ask, asked: Sequence[Asked], progress: Progress) -> Answers:
    """Ask all questions."""
    places, spoke, misses = [], [], []
    for done, one in enumerate(asked, 1):
        found = tuple(ask(one.question))[:DEPTH]
        place = next((number for number, id_ in enumerate(found, 1) if id_ in one.right), 0)
        wrong = not 0 < place <= 3
        if one.is_none:
            wrong = bool(found)
            spoke.append(wrong)
        else:
            places.append(place)
        if wrong:
            misses.append((one.question, tuple(sorted(one.right)), found[:3]))
        progress.advance(done, len(asked), way)
    return Answers(way, tuple(places), tuple(spoke), tuple(misses))


def figures(name: str, ways: Sequence[Answers]) -> dict[str, Any]:
    """For reports. The last way is the one that is used; the others are compared with it."""
    return {"name": name, "ways": [_row(way, ways[-1]) for way in ways]}


def section(part: dict[str, Any]) -> Section:
    """The table of one set of questions."""
    with_none = any(row["answered_none"]["total"] for row in part["ways"])
    several = len(part["ways"]) > 1
    header = ["way", "hit@1", "hit@3", "MRR", *(["none answered"] * with_none), *(["+/-"] * several)]
    rows = []
    for row in part["ways"]:
        mrr = row["mrr"]
        cells = [row["way"], _share(row["hit_at_1"]), _share(row["hit_at_3"])]
        cells.append(f"{mrr['mean']:.2f} ({mrr['low']:.2f}-{mrr['high']:.2f})")
        cells += [_share(row["answered_none"])] * with_none + [
            f"{row['only_this']}/{row['only_used']}"
        ] * several
        rows.append(tuple(cells))
    total, none = part["ways"][-1]["hit_at_3"]["total"], part["ways"][-1]["answered_none"]["total"]
    asked = f"{total} with an answer" + (f", {none} with none" if none else "")
    table = Table(tuple(header), tuple(rows), frozenset({len(rows) - 1}))
    return Section(f"{part['name']} ({asked})", (table,))


def _row(way: Answers, used: Answers) -> dict[str, Any]:
    both = list(zip(way.places, used.places, strict=True))
    mean = sum(way.reciprocal) / len(way.places) if way.places else 0.0
    low, high = mean_interval(way.reciprocal)
    return {
        "way": way.way,
        "hit_at_1": way.hits(1).data(),
        "hit_at_3": way.hits(3).data(),
        "mrr": {"mean": round(mean, 3), "low": round(low, 3), "high": round(high, 3)},
        "answered_none": Share.of(way.spoke).data(),
        "only_this": sum(0 < own <= 3 and not 0 < other <= 3 for own, other in both),
        "only_used": sum(0 < other <= 3 and not 0 < own <= 3 for own, other in both),
        "misses": [{"question": q, "right": right, "found": found} for q, right, found in way.misses],
    }


def _share(share: dict[str, Any]) -> str:
    if not share["total"]:
        return "none"
    return f"{share['right'] / share['total']:.1%} ({share['low'] * 100:.0f}-{share['high'] * 100:.0f})"
