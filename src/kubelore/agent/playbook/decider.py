"""Chooses the observation that best separates the first candidates, until they are separated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from kubelore.agent.opening import target
from kubelore.agent.playbook.answer import NOTHING_BELOW, diagnose
from kubelore.agent.playbook.reason import Ranking, Suspect, reason
from kubelore.agent.playbook.relevance import calls_cleared
from kubelore.agent.subject import Subjects
from kubelore.patterns.model import Pattern
from kubelore.patterns.rank import Unseen, is_workload, possible, sigmoid
from kubelore.protocols import Voter
from kubelore.types import Diagnosis, Edge, Evidence, Investigation, Ref, ToolCall, Usage

SURE = 0.93
"""From this probability on, with the object at fault described, nothing more is asked."""
LIKELY = 0.75
"""From this probability on, the second suspect is not looked into."""
WORTH_ASKING = 0.25
"""Weight of unseen facts below which another observation is not worth a step."""
NEVER_RAN = frozenset(
    f"pod.waiting={reason}"
    for reason in (
        "ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName", "ContainerCreating",
        "CreateContainerConfigError", "CreateContainerError",
    )
) | {"pod.scheduled=no", "workload.pods=none", "workload.replicas=zero"}  # fmt: skip
"""Facts by which there is no log to read."""

MAX_READ = 3
"""Workloads of a namespace whose logs are read when nothing in it is broken on the face of it."""
UNANSWERED = frozenset({"call.error=timeout", "call.error=no-route"})
"""Facts of calls that were lost on their way."""

Proposal = tuple[str, ToolCall]


class Playbook:
    """The offline decider. See the package docstring."""

    name = "playbook"
    usage = Usage()

    def __init__(
        self,
        patterns: Sequence[Pattern],
        resolve: Callable[[str, str], Subjects],
        match: Callable[[str], Sequence[Pattern]],
        memory: Voter | None = None,
    ) -> None:
        """`match` gives the patterns that a question's words fire; `memory` what past cases say."""
        self._patterns = patterns
        self._resolve = resolve
        self._match = match
        self._memory = memory

    def decide(self, investigation: Investigation) -> Proposal | Diagnosis:
        subjects, ranking = self._weigh(investigation)
        done = {(s.call.name, s.call.args) for s in investigation.steps}
        for thought, call in self._proposals(investigation, ranking, subjects):
            if (call.name, call.args) not in done:
                return thought, call
        return diagnose(investigation, ranking, subjects)

    def conclude(self, investigation: Investigation) -> Diagnosis:
        """Answer from what is known now."""
        subjects, ranking = self._weigh(investigation)
        return diagnose(investigation, ranking, subjects)

    def _weigh(self, investigation: Investigation) -> tuple[Subjects, Ranking]:
        subjects = self._resolve(investigation.question, investigation.namespace)
        asked = {pattern.id for pattern in self._match(investigation.question)}
        votes = self._memory.votes(investigation.question, investigation.evidence) if self._memory else ()
        return subjects, reason(investigation, self._patterns, subjects, asked, votes)

    def _proposals(
        self, investigation: Investigation, ranking: Ranking, subjects: Subjects
    ) -> Iterator[Proposal]:
        best = ranking.best
        if best is None or sigmoid(best.weight) < NOTHING_BELOW:
            yield from self._when_nothing_is_found(investigation, subjects)
        if best is None:
            return
        yield from self._confirm(ranking, best, investigation)
        sure = ranking.probability(best) >= SURE and best.symptom_of is None
        if sure and not best.candidate.cause.yields_to:
            return
        yield from self._read_first(ranking, investigation)
        yield from self._follow(ranking, investigation)
        if sure:
            return
        yield from self._remember(ranking, investigation)
        yield from self._separate(ranking, investigation)
        if ranking.probability(best) < 0.5:
            yield from self._when_nothing_is_found(investigation, subjects)

    def _confirm(self, ranking: Ranking, best: Suspect, investigation: Investigation) -> Iterator[Proposal]:
        """Look at the object at fault, and at the logs of what is said to suffer from it."""
        covered = investigation.evidence.covered
        for ref in dict.fromkeys((best.candidate.seen_at, best.object)):
            if ("DESCRIBE", ref) not in covered:
                yield f"{best.candidate.cause.cause} at {ref.name}? Look at it.", _describe(ref)
        for suspect in ranking.suspects:
            victim = suspect.candidate.seen_at
            if suspect.symptom_of is best and victim != best.object and ("GET_LOGS", victim) not in covered:
                call = self._call("GET_LOGS", victim, investigation)
                if call is not None:
                    yield f"Does {victim.name} fail because of {best.object.name}? Its log tells.", call

    def _remember(self, ranking: Ranking, investigation: Investigation) -> Iterator[Proposal]:
        """What told a past case from others, where nobody has looked for it yet."""
        for vote in [s.vote for s in ranking.suspects[:2] if s.vote]:
            for tool in vote.ask:
                call = self._call(tool, vote.object, investigation)
                if call is not None:
                    yield f"Was it as in case {vote.cases[0].id[:8]}? There {tool} told.", call

    def _read_first(self, ranking: Ranking, investigation: Investigation) -> Iterator[Proposal]:
        """The log of what may fail for something that it calls: it says which call fails, if any."""
        for suspect in _first(ranking):
            ref = suspect.candidate.seen_at
            if (
                "calls" in suspect.candidate.cause.yields_to
                and ("GET_LOGS", ref) not in investigation.evidence.covered
            ):
                call = self._call("GET_LOGS", ref, investigation)
                if call is not None:
                    yield f"Does {ref.name} fail because of what it calls? Its log tells.", call

    def _follow(self, ranking: Ranking, investigation: Investigation) -> Iterator[Proposal]:
        """A symptom that comes from something else: look at what it depends on."""
        evidence = investigation.evidence
        for suspect in _first(ranking):
            for edge in evidence.edges_from(suspect.candidate.seen_at):
                if edge.kind not in suspect.candidate.cause.yields_to or _is_judged(edge, evidence):
                    continue
                ref = edge.target
                if ref.kind == "Service" and ("GET_ENDPOINTS", ref) not in evidence.covered:
                    yield (
                        f"{suspect.candidate.seen_at.name} depends on {ref.name}: does it answer?",
                        ToolCall("GET_ENDPOINTS", f"{ref.namespace} {ref.name}"),
                    )
                elif (
                    edge.kind != "calls" and evidence.about(ref) and ("DESCRIBE", ref) not in evidence.covered
                ):
                    yield f"{suspect.candidate.seen_at.name} needs {ref.name}.", _describe(ref)
            yield from self._other_namespaces(suspect, investigation)
            known = evidence.about(suspect.candidate.seen_at)
            if "dependency.service=ok" in known and not UNANSWERED.isdisjoint(known):
                yield (
                    "What it calls is there and does not answer: what is between?",
                    ToolCall("CLUSTER_HEALTH"),
                )

    @staticmethod
    def _other_namespaces(suspect: Suspect, investigation: Investigation) -> Iterator[Proposal]:
        looked = {s.call.args for s in investigation.steps if s.call.name == "FIND_ISSUES"}
        if "-A" in looked or not suspect.candidate.cause.yields_to:
            return
        for edge in investigation.evidence.edges_from(suspect.candidate.seen_at):
            namespace = edge.target.namespace
            if edge.kind == "calls" and namespace and namespace not in looked:
                yield (
                    f"{suspect.candidate.seen_at.name} calls {edge.target.name} in {namespace}.",
                    ToolCall("FIND_ISSUES", namespace),
                )

    def _separate(self, ranking: Ranking, investigation: Investigation) -> Iterator[Proposal]:
        """The call whose unseen facts weigh most for the first two suspects."""
        evidence = investigation.evidence
        weights: dict[tuple[str, Ref], float] = defaultdict(float)
        focus = {s.candidate.seen_at for s in ranking.suspects[:2]}
        unseen: list[Unseen] = [u for s in ranking.suspects[:2] for u in s.candidate.unseen]
        unseen += [u for ref in focus for u in possible(self._patterns, evidence, ref)]
        for item in unseen:
            weights[item.tool, item.object] += item.weight
        for (tool, ref), weight in sorted(weights.items(), key=lambda kv: (-kv[1], kv[0])):
            call = self._call(tool, ref, investigation)
            if weight >= WORTH_ASKING and call is not None:
                names = " or ".join(dict.fromkeys(s.candidate.cause.cause for s in ranking.suspects[:2]))
                yield f"What separates: {names}?", call

    @staticmethod
    def _call(tool: str, ref: Ref, investigation: Investigation) -> ToolCall | None:
        known = investigation.evidence.about(ref)
        match tool:
            case "GET_LOGS":
                if not is_workload(ref, known) or NEVER_RAN & known.keys() or _holds(known, "sandbox.error="):
                    return None
                return ToolCall("GET_LOGS", target(ref))
            case "TOP_PODS" | "GET_EVENTS":
                return ToolCall(tool, ref.namespace or "-A")
            case "GET_ENDPOINTS":
                if ref.kind != "Service" or ("DESCRIBE", ref) in investigation.evidence.covered:
                    return None
                return ToolCall(tool, f"{ref.namespace} {ref.name}")
            case "CLUSTER_HEALTH":
                return ToolCall(tool)
            case "DESCRIBE":
                return _describe(ref)
            case _:
                return None

    def _when_nothing_is_found(self, investigation: Investigation, subjects: Subjects) -> Iterator[Proposal]:
        """Nothing is broken on the face of it: the steps of the matched patterns, then the usual ones."""
        for subject in subjects.objects[:3]:
            if ("DESCRIBE", subject.ref) not in investigation.evidence.covered:
                yield f"Look at {subject.ref.name} itself.", _describe(subject.ref)
        asked = self._match(investigation.question)
        tools = [step.tool for pattern in asked for step in pattern.investigation_steps]
        for tool in dict.fromkeys([*tools, "GET_LOGS", "GET_ENDPOINTS", "TOP_PODS", "CLUSTER_HEALTH"]):
            for ref in _places(subjects, investigation):
                call = self._call(tool, ref, investigation)
                if call is not None:
                    yield f"Nothing is broken on the face of it; {tool} may show it.", call
        for ref in (*_behind(subjects, investigation), *subjects.inside[:MAX_READ]):
            call = self._call("GET_LOGS", ref, investigation)
            if call is not None and ("GET_LOGS", ref) not in investigation.evidence.covered:
                yield f"What does {ref.name} complain of?", call
        if subjects.objects and subjects.weak:
            yield "Perhaps something else was meant.", ToolCall("FIND_ISSUES", "-A")


def _holds(known: Iterable[str], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in known)


def _first(ranking: Ranking) -> Sequence[Suspect]:
    """The first suspect, and the second while the first is not sure."""
    best = ranking.suspects[0]
    return ranking.suspects[: 1 if ranking.probability(best) >= LIKELY else 2]


def _is_judged(edge: Edge, evidence: Evidence) -> bool:
    """Whether a call need not be followed: the caller's log complains of none, or of others."""
    if edge.kind != "calls" or ("GET_LOGS", edge.source) not in evidence.covered:
        return False
    known = evidence.about(edge.source)
    told = [cited.fact for name, cited in known.items() if name.startswith("dependency.service=")]
    broken = {fact.params.get("service") for fact in told if fact.value not in ("ok", "external")}
    return calls_cleared(edge.source, evidence) or (bool(told) and edge.target.name not in broken)


def _places(subjects: Subjects, investigation: Investigation) -> Iterator[Ref]:
    """What was asked about and the Services before it, else the namespaces."""
    for subject in subjects.objects[:2]:
        yield subject.ref
        for edge in investigation.evidence.edges_to(subject.ref):
            if edge.source.kind == "Service":
                yield edge.source
    if not subjects.objects:
        for namespace in subjects.namespaces:
            yield Ref("Namespace", namespace, namespace)


def _behind(subjects: Subjects, investigation: Investigation) -> Iterator[Ref]:
    """Workloads behind what was asked about: that an Ingress leads to, that mount a claim."""
    evidence = investigation.evidence
    near = [subject.ref for subject in subjects.objects[:2]]
    for ref in near:
        ahead = [e.target for e in evidence.edges_from(ref) if e.kind in ("routes to", "selects")]
        users = [e.source for e in evidence.edges_to(ref) if e.kind == "mounts"]
        near += [found for found in (*ahead, *users) if found not in near]
    yield from [ref for ref in near if is_workload(ref, ())][:MAX_READ]


def _describe(ref: Ref) -> ToolCall:
    return ToolCall("DESCRIBE", target(ref))
