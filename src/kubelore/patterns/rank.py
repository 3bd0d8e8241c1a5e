"""From evidence to ranked causes: evaluates the conditions of every pattern over facts and edges.

A pure function of (patterns, evidence). Scores are log-odds: a condition's `strength`, plus what
supports, minus what contradicts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice

from kubelore.patterns.model import Cause, Condition, Facts, Joined, Pattern
from kubelore.types import CitedFact, Evidence, Ref
from kubelore.vocabulary import WORKLOAD_KINDS, vocabulary

WORKLOADS = WORKLOAD_KINDS
MAX_JOINED = 50
"""Joined objects tried per condition: a Service called by a thousand workloads needs no more."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """A fact that would move a candidate and was not looked at: ask `tool` about `object`."""

    glob: str
    object: Ref
    tool: str
    weight: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cause that the evidence supports."""

    pattern: Pattern
    cause: Cause
    object: Ref
    """The object at fault."""
    seen_at: Ref
    """The object whose facts matched; differs from `object` when an edge was followed."""
    score: float
    """Log-odds."""
    support: tuple[CitedFact, ...]
    bindings: Mapping[str, Ref] = field(default_factory=dict)
    """Joined objects by name."""
    unseen: tuple[Unseen, ...] = ()

    @property
    def root_cause(self) -> str:
        return self.cause.root_cause


def sigmoid(score: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))


def rank(patterns: Iterable[Pattern], evidence: Evidence) -> list[Candidate]:
    """Candidates best first; one for each (root cause, object at fault)."""
    best: dict[tuple[str, Ref], Candidate] = {}
    objects = list(evidence.objects())
    for pattern in patterns:
        for cause in pattern.common_causes:
            for condition in cause.when:
                for ref in objects:
                    found = _evaluate(pattern, cause, condition, ref, evidence)
                    if found is None:
                        continue
                    key = (found.root_cause, found.object)
                    if key not in best or found.score > best[key].score:
                        best[key] = found
    return sorted(best.values(), key=lambda c: (-c.score, c.root_cause, c.object))


def possible(patterns: Iterable[Pattern], evidence: Evidence, ref: Ref) -> list[Unseen]:
    """What to look at: required facts nobody has looked for, of causes that nothing seen excludes."""
    wanted: list[Unseen] = []
    known = evidence.about(ref)
    for pattern in patterns:
        for cause in pattern.common_causes:
            for condition in cause.when:
                if not _kind_fits(condition, ref, known) or _any_holds(condition.none, known):
                    continue
                lacking = [g for g in condition.all if not _holds(g, known)]
                if condition.any and not _any_holds(condition.any, known):
                    lacking += [g for g in condition.any if _unlooked(g, ref, evidence)] or [condition.any[0]]
                held = any(_holds(g, known) for g in (*condition.all, *condition.any))
                if lacking and held and all(_unlooked(g, ref, evidence) for g in lacking):
                    weight = sigmoid(condition.strength) / len(lacking)
                    wanted += [Unseen(g, ref, tool_for(g), weight) for g in lacking]
    return wanted


def _evaluate(
    pattern: Pattern, cause: Cause, condition: Condition, ref: Ref, evidence: Evidence
) -> Candidate | None:
    matched = _match(condition, ref, evidence)
    if matched is None:
        return None
    score, support, unseen = matched
    score += condition.strength
    bindings: dict[str, Ref] = {}
    for joined in condition.joined:
        other = _best_joined(joined, ref, evidence)
        if other is None:
            if joined.required:
                return None
            continue
        joined_ref, (gain, cited, unlooked) = other
        score += gain
        support += cited
        unseen += unlooked
        bindings[joined.name] = joined_ref
    at_fault = ref if cause.at_fault == "self" else bindings.get(cause.at_fault)
    if at_fault is None:
        return None
    return Candidate(pattern, cause, at_fault, ref, score, support, bindings, unseen)


_Match = tuple[float, tuple[CitedFact, ...], tuple[Unseen, ...]]


def _match(facts: Facts, ref: Ref, evidence: Evidence) -> _Match | None:
    """Weight, cited facts and unseen weights of one object; None when what is required is missing."""
    known = evidence.about(ref)
    if not _kind_fits(facts, ref, known):
        return None
    cited: list[CitedFact] = []
    for glob in facts.all:
        hits = list(_hits(glob, known))
        if not hits:
            return None
        cited += hits
    if facts.any:
        hits = [hit for glob in facts.any for hit in _hits(glob, known)]
        if not hits:
            return None
        cited += hits
    if _any_holds(facts.none, known):
        return None
    score = 0.0
    unseen = []
    for weights, sign in ((facts.supports, 1.0), (facts.contradicts, -1.0)):
        for glob, weight in weights.items():
            hits = list(_hits(glob, known))
            if hits:
                score += sign * weight
                cited += hits if sign > 0 else []
            elif _unlooked(glob, ref, evidence):
                unseen.append(Unseen(glob, ref, tool_for(glob), weight))
    return score, tuple(dict.fromkeys(cited)), tuple(unseen)


def _best_joined(joined: Joined, ref: Ref, evidence: Evidence) -> tuple[Ref, _Match] | None:
    best: tuple[Ref, _Match] | None = None
    for other in islice(neighbours(ref, joined.edge, joined.direction, evidence), MAX_JOINED):
        matched = _match(joined, other, evidence)
        if matched is not None and (best is None or matched[0] > best[1][0]):
            best = (other, matched)
    return best


def neighbours(ref: Ref, edge: str, direction: str, evidence: Evidence) -> Iterator[Ref]:
    if direction == "to":
        return (e.target for e in evidence.edges_from(ref) if e.kind == edge)
    return (e.source for e in evidence.edges_to(ref) if e.kind == edge)


def _kind_fits(facts: Facts, ref: Ref, known: Iterable[str]) -> bool:
    if facts.object == "any":
        return True
    return is_workload(ref, known) if facts.object == "workload" else ref.kind == facts.object


def is_workload(ref: Ref, known: Iterable[str]) -> bool:
    """A built-in kind of workload, or an object (an operator's) that facts of workloads are about."""
    if ref.kind in WORKLOADS:
        return True
    entries = (vocabulary().get(name.split("=", 1)[0]) for name in known)
    return any(entry is not None and entry.about == "workload" for entry in entries)


def _hits(glob: str, known: Mapping[str, CitedFact]) -> Iterator[CitedFact]:
    if not ("*" in glob or "?" in glob or "[" in glob):
        if glob in known:
            yield known[glob]
        return
    yield from (cited for name, cited in known.items() if fnmatchcase(name, glob))


def _holds(glob: str, known: Mapping[str, CitedFact]) -> bool:
    return next(_hits(glob, known), None) is not None


def _any_holds(globs: Sequence[str], known: Mapping[str, CitedFact]) -> bool:
    return any(_holds(glob, known) for glob in globs)


def tool_for(glob: str) -> str:
    """The tool that shows facts of this key."""
    entry = vocabulary().get(glob.split("=", 1)[0])
    return entry.tool if entry else "DESCRIBE"


def _unlooked(glob: str, ref: Ref, evidence: Evidence) -> bool:
    return (tool_for(glob), ref) not in evidence.covered
