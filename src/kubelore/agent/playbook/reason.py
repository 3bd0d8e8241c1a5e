"""Ranks the causes that the evidence supports for what was asked, and tells symptoms from causes."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from kubelore.agent.playbook.memory import agreement, at_most, is_recalled, recalled
from kubelore.agent.playbook.relevance import TELLS_NOTHING, Distances, calls_cleared, distances
from kubelore.agent.subject import Subjects, akin, is_platform
from kubelore.patterns.model import Pattern
from kubelore.patterns.rank import Candidate, rank
from kubelore.types import EdgeKind, Evidence, Investigation, Ref, Severity, Vote

ASKED_PATTERN = 0.5
"""Log-odds for a cause whose pattern the words of the question matched."""
ONLY_THE_WORDS = 2.0
"""The same when the question names no object, so that its words alone say which fault is meant."""
DISTANCE = 1.0
"""Log-odds lost for each unit of distance from what was asked."""
QUIET = 2.0
"""Log-odds lost by a cause that no finding, log or measurement backs: settings alone break nothing."""
TROUBLE = (
    "log=", "call.error=", "usage.cpu=at-limit", "usage.memory=near-limit", "cert=", "component.down=",
    "latency=high", "traffic=", "requests=", "service.connection=f", "node.network=", "create.error=",
    "object.terminating=", "database.refuses=",
)  # fmt: skip
"""Facts outside of findings that tell of trouble."""
EVERYDAY = TELLS_NOTHING | {"log=exception", "log=unauthorized", "log=rate-limited", "log=file-not-found"}
"""Log lines that healthy programs write too: alone they tell of no trouble."""
NODE_EXPLAINS_FROM = 1.5
"""Score from which a node's trouble explains a symptom; for other objects it is 0. Everything runs on some
node, so that an oddity of the node explains little."""
UNMEANT = 1.2
"""Distance of what nobody seems to have meant, where words are only like the name of what was looked at."""
STRANGE = 0.4
"""Distance of what has no word in common with a question that names nothing; twice that for the platform."""
MAX_CHAIN = 4


@dataclass(slots=True)
class Suspect:
    """A candidate weighed for this question."""

    candidate: Candidate
    weight: float
    """Score less distance, in log-odds."""
    symptom_of: Suspect | None = None
    path: tuple[Ref, ...] = ()
    """From the object asked about to the object at fault."""
    vote: Vote | None = None
    """What past cases say of it."""

    @property
    def object(self) -> Ref:
        return self.candidate.object

    def agrees_with(self, other: Suspect) -> bool:
        """The same cause, told of two objects of which one was seen from the other."""
        return self.candidate.root_cause == other.candidate.root_cause and bool(
            _involved(self.candidate) & _involved(other.candidate)
        )


@dataclass(frozen=True, slots=True)
class Ranking:
    """Suspects best first; symptoms come after the causes that explain them."""

    suspects: Sequence[Suspect]
    distances: Distances

    @property
    def best(self) -> Suspect | None:
        return self.suspects[0] if self.suspects else None

    def probability(self, suspect: Suspect) -> float:
        """Share of this cause among its rivals and `nothing of this`. No rivals are symptoms that another
        suspect explains, and the same cause seen from a joined object."""
        rivals = [
            s for s in self.suspects if s is suspect or (s.symptom_of is None and not suspect.agrees_with(s))
        ]
        top = max(s.weight for s in rivals)
        total = math.exp(-top) + sum(math.exp(s.weight - top) for s in rivals)
        return math.exp(suspect.weight - top) / total


def reason(
    investigation: Investigation,
    patterns: Sequence[Pattern],
    subjects: Subjects,
    asked: Collection[str] = (),
    votes: Sequence[Vote] = (),
) -> Ranking:
    """Weigh every candidate by its evidence, by its distance from what was asked, and by past cases.

    `asked` holds the ids of the patterns that the question's words fired.
    """
    evidence = investigation.evidence
    candidates = rank(patterns, evidence)
    candidates += recalled(votes, candidates, patterns)
    said = {(vote.root_cause, vote.object): vote for vote in votes}
    near = distances(_start(subjects, candidates, evidence), evidence)
    broken = {
        finding.object
        for step in investigation.steps
        for finding in step.observation.findings
        if finding.severity is not Severity.INFO
    }
    suspects: list[Suspect] = []
    for candidate in candidates:
        cost = min(near.get(candidate.object, math.inf), near.get(candidate.seen_at, math.inf) + 0.2)
        if math.isinf(cost):
            continue  # not related to what was asked
        weight = candidate.score - DISTANCE * cost
        if candidate.pattern.id in asked:
            weight += ASKED_PATTERN if subjects.objects else ONLY_THE_WORDS
        weight -= 0.0 if _in_trouble(candidate, broken) else QUIET
        suspects.append(Suspect(candidate, weight, vote=said.get((candidate.root_cause, candidate.object))))
    _hear(suspects, patterns)
    _explain_symptoms(suspects, evidence)
    suspects.sort(key=lambda s: (-s.weight, s.candidate.root_cause, s.object))
    return Ranking(suspects, near)


def _hear(suspects: Sequence[Suspect], patterns: Sequence[Pattern]) -> None:
    """Past cases move the ranking, but fresh evidence comes before what was seen before."""
    answer = max((s.weight for s in suspects if not is_recalled(s.candidate)), default=-math.inf)
    for suspect in suspects:
        if suspect.vote is None:
            continue
        most = at_most(suspect.vote, answer, patterns)
        if is_recalled(suspect.candidate):
            suspect.weight = min(suspect.weight, most)
        else:
            lifted = suspect.vote.weight + suspect.weight - suspect.candidate.score
            held = min(lifted, most) if suspect.vote.shared else -math.inf
            suspect.weight = max(suspect.weight + agreement(suspect.vote), held)


def _in_trouble(candidate: Candidate, broken: Collection[Ref]) -> bool:
    if not _involved(candidate).isdisjoint(broken):
        return True
    names = (cited.fact.name for cited in candidate.support)
    return any(name.startswith(TROUBLE) and name not in EVERYDAY for name in names)


def _involved(candidate: Candidate) -> set[Ref]:
    return {candidate.object, candidate.seen_at, *candidate.bindings.values()}


def _start(
    subjects: Subjects, candidates: Sequence[Candidate], evidence: Evidence
) -> list[tuple[Ref, float]]:
    """What was asked about; without a named object, everything in the namespaces in question."""
    named = [(s.ref, 2 * (1 - s.certainty)) for s in subjects.objects]
    if named and any(ref in _touched(evidence) for ref, _ in named):
        return [*named, *((c.object, UNMEANT) for c in candidates if subjects.weak)]
    scope = set(subjects.namespaces)
    return named + [
        (c.object, _strange(c.object, subjects))
        for c in candidates
        if not scope or not scope.isdisjoint((c.object.namespace, c.seen_at.namespace, _namespace(c.object)))
    ]


def _namespace(ref: Ref) -> str:
    """That it is, and not that it is in."""
    return ref.name if ref.kind == "Namespace" else ""


def _strange(ref: Ref, subjects: Subjects) -> float:
    """How little an object has to do with a question that names none."""
    if akin(subjects.stems, ref) or ref.namespace in subjects.namespaces:
        return 0.0
    return STRANGE + (STRANGE if is_platform(ref.namespace) else 0.0)


def _touched(evidence: Evidence) -> set[Ref]:
    return {ref for _, ref in evidence.covered} | set(evidence.objects())


def _explain_symptoms(suspects: list[Suspect], evidence: Evidence) -> None:
    """A cause that yields to what it depends on becomes that one's symptom when it has a cause."""
    at: dict[Ref, list[Suspect]] = {}
    for suspect in suspects:
        at.setdefault(suspect.object, []).append(suspect)
    for symptom in sorted(suspects, key=lambda s: -s.weight):
        edges = _open_ways(symptom.candidate, evidence)
        if not edges:
            continue
        for path in _downstream(symptom.candidate.seen_at, edges, evidence):
            needed = NODE_EXPLAINS_FROM if path[-1].kind == "Node" else 0.0
            causes = [
                s
                for s in at.get(path[-1], ())
                if s.candidate.score >= needed and not _explained_by(s, symptom)
            ]
            if not causes:
                continue
            cause = max(causes, key=lambda s: s.candidate.score)
            cause.weight = max(cause.weight, min(cause.candidate.score, symptom.weight))
            cause.path = path
            symptom.symptom_of = cause
            symptom.weight = min(symptom.weight, cause.weight - 1.0)
            break


def _open_ways(candidate: Candidate, evidence: Evidence) -> list[EdgeKind]:
    """Edges the cause may lie behind."""
    cleared = calls_cleared(candidate.seen_at, evidence)
    return [way for way in candidate.cause.yields_to if way != "calls" or not cleared]


def _explained_by(suspect: Suspect, other: Suspect) -> bool:
    seen = set()
    cause = suspect.symptom_of
    while cause is not None and id(cause) not in seen:
        if cause is other:
            return True
        seen.add(id(cause))
        cause = cause.symptom_of
    return suspect is other


def _downstream(start: Ref, kinds: Sequence[EdgeKind], evidence: Evidence) -> Iterable[tuple[Ref, ...]]:
    """Paths to what an object depends on, nearest first: the first edge of these kinds, then on."""
    onward = {"selects", "mounts", "routes to", "calls", "runs on", *kinds}
    queue: list[tuple[Ref, ...]] = [(start,)]
    seen = {start}
    for path in queue:
        allowed = set(kinds) if len(path) == 1 else onward
        for edge in evidence.edges_from(path[-1]):
            if edge.kind in allowed and edge.target not in seen:
                seen.add(edge.target)
                queue.append((*path, edge.target))
                yield (*path, edge.target)
        if len(path) >= MAX_CHAIN:
            return
