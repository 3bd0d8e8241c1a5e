"""From trusted cases to drafts of patterns, for a person to review.

Cases of one cause that look alike make one draft: what nearly all of them show and others do not becomes its
condition. Words, explanation and fix are left to a person: they carry a mark, with which no library takes a
pattern.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from kubelore.casebook.recall import model
from kubelore.casebook.signs import SELF, edges_to, place_of
from kubelore.types import PastCase
from kubelore.vocabulary import WORKLOAD_KINDS, vocabulary

MIN_CASES = 3
ALIKE = 0.35
"""Share of their signs (Jaccard) that two cases of one draft have in common."""
NEARLY_ALL, OFTEN = 0.9, 0.5
"""Share of the cases from which a fact is required, and from which it supports."""
TELLING, APART = 1.0, 0.4
"""Log-odds by which a fact must speak for these cases against all others, and by how much larger its share
must be in them."""
AS_TELLING = 1.0
"""Facts that tell less than the most telling one by more than this are not required."""
USUAL_CASES = 20
"""Other cases that what is usual stands for."""
MAX_REQUIRED, MAX_SUPPORTING = 3, 6
MAX_WEIGHT = 2.0
MAX_ASKED = 5
JOINED = re.compile(r"(?P<edge>[a-z ]+)(?P<direction>[<>])(?P<kind>\w+)")
ARGUMENTS = {
    "DESCRIBE": "<kind> <namespace> <name>",
    "GET_LOGS": "<namespace> <pod>",
    "GET_EVENTS": "<namespace>",
    "TOP_PODS": "<namespace>",
    "GET_ENDPOINTS": "<namespace> <service>",
    "FIND_ISSUES": "<namespace>",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One sign, and how many of the cases of a draft and of all others have it."""

    place: str
    fact: str
    here: int
    of: int
    elsewhere: int
    others: int
    usual: float
    """Share of the objects of any incident that have it, as recall knows it."""

    @property
    def share(self) -> float:
        return self.here / self.of

    @property
    def weight(self) -> float:
        """Log-odds by which it speaks for these cases."""
        elsewhere = self.elsewhere + self.usual * USUAL_CASES
        return _log_odds(self.here, self.of) - _log_odds(elsewhere, self.others + USUAL_CASES)

    @property
    def telling(self) -> bool:
        elsewhere = max(self.usual, self.elsewhere / self.others if self.others else 0.0)
        return self.weight >= TELLING and self.share - elsewhere >= APART

    def __str__(self) -> str:
        where = "" if self.place == SELF else f" ({self.place})"
        return f"{self.fact}{where}: {self.here} of {self.of}, {self.elsewhere} of {self.others}"


@dataclass(frozen=True, slots=True)
class Draft:
    """One pattern to be: `id` is its file's stem too."""

    id: str
    root_cause: str
    cases: tuple[PastCase, ...]
    text: str
    """YAML, with its reasons as comments."""


def drafts(
    cases: Sequence[PastCase], kinds: Collection[str], mark: str, *, least: int = MIN_CASES, cause: str = ""
) -> Iterator[Draft]:
    """Drafts for each group of at least `least` alike cases, the largest first. `kinds` are those that a
    condition may name, `mark` stands where a person must write; `cause` restricts them to one."""
    taken: Counter[str] = Counter()
    by_cause: dict[str, list[PastCase]] = {}
    for case in cases:
        by_cause.setdefault(case.root_cause, []).append(case)
    wanted = [name for name in by_cause if not cause or name == cause]
    groups = [group for name in wanted for group in _alike(by_cause[name]) if _investigations(group) >= least]
    for group in sorted(groups, key=lambda group: -_investigations(group)):
        others = [case for case in cases if case.root_cause != group[0].root_cause]
        told = [t for t in _told(group, others) if _may_be_said(t, _object(group, kinds), kinds)]
        if not any(_requires(t) for t in told):
            continue  # nothing that they have in common tells them from others
        root_cause = group[0].root_cause
        taken[root_cause] += 1
        number = taken[root_cause]
        name = f"{root_cause}_from_cases" + (f"_{number}" if number > 1 else "")
        yield Draft(name, root_cause, tuple(group), _text(name, group, told, _object(group, kinds), mark))


def _alike(cases: Sequence[PastCase]) -> list[list[PastCase]]:
    """Groups around the cases with most merged into them: each case joins the first it is like."""
    groups: list[list[PastCase]] = []
    for case in sorted(cases, key=lambda case: (-case.count, case.id)):
        near = next((g for g in groups if _jaccard(_near_signs(case), _near_signs(g[0])) >= ALIKE), None)
        if near is None:
            groups.append([case])
        else:
            near.append(case)
    return groups


def _near_signs(case: PastCase) -> set[str]:
    """Of the object and of what one edge joins to it."""
    return {sign for sign in case.signs if place_of(sign) == SELF or edges_to(place_of(sign)) == 1}


def _jaccard(one: Collection[str], other: Collection[str]) -> float:
    both = set(one) & set(other)
    return len(both) / len({*one, *other}) if both else 0.0


def _investigations(group: Iterable[PastCase]) -> int:
    return sum(case.count for case in group)


def _object(group: Sequence[PastCase], kinds: Collection[str]) -> str:
    """The kind that a condition is about: `workload`, a kind, or `any` for several or an unknown one."""
    found = {"workload" if case.kind in WORKLOAD_KINDS else case.kind for case in group}
    kind = found.pop()
    return kind if not found and kind in kinds else "any"


def _told(group: Sequence[PastCase], others: Sequence[PastCase]) -> list[Told]:
    """Signs of the group, those that tell it from the others first."""
    here = Counter(sign for case in group for sign in _near_signs(case))
    elsewhere = Counter(sign for case in others for sign in _near_signs(case))
    usual, told = model().weighing.background, []
    for sign, count in here.items():
        place, _, fact = sign.partition(":")
        told.append(Told(place, fact, count, len(group), elsewhere[sign], len(others), usual.get(sign, 0.0)))
    return sorted(told, key=lambda t: (-round(t.weight, 6), t.place != SELF, t.fact))


def _log_odds(part: float, whole: float) -> float:
    return math.log((part + 0.5) / (whole - part + 0.5))


def _requires(told: Told) -> bool:
    return told.place == SELF and told.share >= NEARLY_ALL and told.telling


def _may_be_said(told: Told, kind: str, kinds: Collection[str]) -> bool:
    """Whether a condition may name this fact of this object."""
    known = vocabulary().get(told.fact.partition("=")[0])
    if known is None:
        return False
    if told.place != SELF:
        joined = JOINED.fullmatch(told.place)
        if joined is None or joined["kind"] not in kinds:
            return False
        kind = joined["kind"]
    return "any" in (kind, known.about) or known.about == kind


def _text(name: str, group: Sequence[PastCase], told: Sequence[Told], kind: str, mark: str) -> str:
    able = [t for t in told if _requires(t)]
    required = [t for t in able if t.weight >= able[0].weight - AS_TELLING][:MAX_REQUIRED]
    supporting = [t for t in told if t.place == SELF and t not in required and _supports(t)][:MAX_SUPPORTING]
    joined = [t for t in told if t.place != SELF and _supports(t)][:MAX_SUPPORTING]
    condition: dict[str, Any] = {
        "object": kind,
        "all": [t.fact for t in required],
        "strength": _strength(required),
    }
    if supporting:
        condition["supports"] = {t.fact: _weight(t) for t in supporting}
    if joined:
        condition["joined"] = list(_joined(joined))
    tools = Counter(tool for case in group for tool in case.tools)
    pattern = {
        "id": name,
        "version": 1,
        "name": f"{mark}: a title",
        "triggers": [f"{mark}: words that a user would type"],
        "symptoms": [f"{mark}: what a user sees"],
        "investigation_steps": [
            {
                "tool": tool,
                "args": ARGUMENTS.get(tool, ""),
                "look_for": _look_for(tool, required + supporting),
            }
            for tool, _ in tools.most_common() or [("FIND_ISSUES", 1)]
        ],
        "common_causes": [
            {
                "cause": f"{mark}: in a few words",
                "root_cause": group[0].root_cause,
                "evidence": [t.fact for t in (*required, *supporting)],
                "when": [condition],
                "explanation": f"{mark}: what happens to {{kind}} {{name}}, and why",
                "fix": {"text": f"{mark}: what to do"},
            }
        ],
    }
    body = yaml.safe_dump(pattern, sort_keys=False, allow_unicode=True, width=100)
    return (
        "".join(f"# {line}".rstrip() + "\n" for line in _reasons(group, [*required, *supporting, *joined]))
        + body
    )


def _supports(told: Told) -> bool:
    return told.share >= OFTEN and told.telling


def _weight(told: Told) -> float:
    return round(min(MAX_WEIGHT, told.weight / 2), 1)


def _strength(required: Sequence[Told]) -> float:
    """How sure the cause is once what is required holds, were all its facts to come together by chance: that
    of the most telling one, and cautious, for cases of healthy objects are not among the others."""
    return round(min(MAX_WEIGHT, max(t.weight for t in required) / 2) - 1, 1)


def _joined(told: Sequence[Told]) -> Iterator[Mapping[str, Any]]:
    """Objects that an edge joins, each with its facts; they only add their weights."""
    by_place: dict[str, list[Told]] = {}
    for t in told:
        by_place.setdefault(t.place, []).append(t)
    for number, (place, facts) in enumerate(by_place.items(), 1):
        match = JOINED.fullmatch(place)
        assert match is not None  # `_may_be_said`
        yield {
            "edge": match["edge"],
            "direction": "to" if match["direction"] == ">" else "from",
            "object": match["kind"],
            "name": f"joined_{number}",
            "required": False,
            "supports": {t.fact: _weight(t) for t in facts},
            "any": [t.fact for t in facts],
        }


def _look_for(tool: str, told: Sequence[Told]) -> str:
    shown = [t.fact for t in told if vocabulary()[t.fact.partition("=")[0]].tool in (tool, "")]
    return ", ".join(shown or [t.fact for t in told[:2]])


def _reasons(group: Sequence[PastCase], told: Sequence[Told]) -> Iterator[str]:
    origins = {(case.source, case.cluster) for case in group}
    confirmed = sum(case.confirmed for case in group)
    many, clusters = _counted(_investigations(group), "investigation"), _counted(len(origins), "cluster")
    yield f"A draft, made of {many} from {clusters}; of {_counted(len(group), 'case')} a person confirmed"
    yield f"{confirmed}. Review it, fill in what is marked, then: kubelore patterns lint FILE"
    yield ""
    yield "Why (a fact: how many of these cases have it, and how many of other causes):"
    yield from (f"- {t}" for t in told)
    misled = Counter(case.misled for case in group if case.misled)
    if misled:
        yield "Answered before a person corrected it: " + ", ".join(
            f"{c} ({n})" for c, n in misled.most_common()
        )
    asked = [case.question for case in group if case.question][:MAX_ASKED]
    if asked:
        yield "Asked as:"
        yield from (f"- {' '.join(question.split())}" for question in asked)
    yield "Cases (kubelore cases show ID):"
    yield from (
        f"- {case.id}{f' from {case.source}' if case.source else ''}, {case.date[:10]}" for case in group
    )
    yield ""


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
