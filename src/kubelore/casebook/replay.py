"""Answers from the record: the tools and the cluster of a past investigation, as far as it saw them.

Same question, same observations, today's patterns: what changes then is the knowledge, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from kubelore.casebook.observed import unpack_observation
from kubelore.casebook.text import safe
from kubelore.cases import Case
from kubelore.errors import ClusterError, NotReadable, UsageError
from kubelore.types import ClusterInfo, Investigation, JsonObject, NotChecked, Observation, Ref, ToolCall

NOT_RECORDED = "not recorded"


class RecordedTools:
    """A `protocols.Toolbox` that gives each call the observation it had then. `missing` lists the calls that
    nobody made then."""

    def __init__(self, seen: Mapping[ToolCall, Observation]) -> None:
        self._seen = seen
        self.missing: list[ToolCall] = []

    def run(self, call: ToolCall) -> Observation:
        asked = ToolCall(call.name, safe(call.args))  # as the record has it
        if asked in self._seen:
            return self._seen[asked]
        self.missing.append(call)
        return Observation(NOT_RECORDED, error=NOT_RECORDED)

    def describe(self) -> str:
        return "\n".join(f"{call.name} {call.args}".rstrip() for call in self._seen)


class RecordedCluster:
    """A `protocols.Cluster` of which nothing is known but the names of what was seen, and who owns it: enough
    to find the objects that a question names."""

    def __init__(self, info: ClusterInfo, seen: Iterable[Observation]) -> None:
        self.info = info
        self._objects: dict[Ref, JsonObject] = {}
        for observation in seen:
            self._take(observation)

    def _take(self, seen: Observation) -> None:
        for ref in _named(seen):
            meta = {"name": ref.name, "namespace": ref.namespace}
            self._objects.setdefault(ref, {"kind": ref.kind, "metadata": meta})
        owned = [(edge.source, edge.target) for edge in seen.edges if edge.kind == "owns"]
        owned += [(fact.about, fact.seen_on) for fact in seen.facts if fact.seen_on]
        for owner, dependent in owned:
            if owner != dependent:
                reference = {"kind": owner.kind, "name": owner.name, "controller": True}
                self._objects[dependent]["metadata"]["ownerReferences"] = [reference]

    def list(self, kind: str) -> Sequence[JsonObject]:
        return [obj for ref, obj in self._objects.items() if ref.kind == kind]

    def readable(self, kind: str) -> bool:
        return False

    def prefetch(self, kinds: Iterable[str]) -> None:
        """Everything is here."""

    def logs(
        self, namespace: str, pod: str, container: str, *, previous: bool = False, tail: int = 1000
    ) -> str:
        raise NotReadable(NOT_RECORDED)

    def metrics(self, kind: str) -> Sequence[JsonObject]:
        return ()

    def not_checked(self) -> tuple[NotChecked, ...]:
        return ()

    def raw(self, path: str, *, accept: str = "application/json") -> bytes:
        raise ClusterError(NOT_RECORDED)

    def close(self) -> None:
        """Nothing is open."""


def recorded(case: Case, bodies: Mapping[int, bytes]) -> tuple[RecordedCluster, RecordedTools]:
    """What a case saw. Raises UsageError when that is not kept (any more), DataError when it is damaged."""
    seen = {
        ToolCall(step["tool"], step["args"]): unpack_observation(bodies[step["iteration"]])
        for step in case.steps
        if step["iteration"] in bodies
    }
    if not any(observation.facts or observation.covers for observation in seen.values()):
        raise UsageError(
            f"what case {case.id} saw is not on record",
            hint="it was imported, or its observations were dropped for their age: kubelore cases stats",
        )
    return RecordedCluster(_info(case), seen.values()), RecordedTools(seen)


def compared(case: Case, made: Investigation, missing: Iterable[ToolCall]) -> JsonObject:
    """The answer then and the one that `made` gives today, and in what they differ."""
    answer = made.diagnosis
    before = {
        "root_cause": case.root_cause,
        "object": case.object,
        "probability": case.probability,
        "confidence": case.confidence,
        "patterns": case.hashes.get("patterns", ""),
    }
    after = {
        "root_cause": answer.root_cause if answer else "",
        "object": str(answer.object or "") if answer else "",
        "probability": round(answer.probability, 4) if answer else 0.0,
        "confidence": answer.confidence if answer else "",
        "patterns": made.hashes.get("patterns", ""),
    }
    return {
        "case": case.id,
        "query": case.query,
        "before": before,
        "after": after,
        "changed": [name for name, value in before.items() if after[name] != value],
        "confirmed_cause": case.confirmed_cause,
        "confirmed_object": case.confirmed_object,
        "not_recorded": [f"{call.name} {call.args}".strip() for call in missing],
    }


def _named(seen: Observation) -> Iterator[Ref]:
    for fact in seen.facts:
        yield from (ref for ref in (fact.about, fact.seen_on) if ref)
    for edge in seen.edges:
        yield from (edge.source, edge.target)
    yield from (finding.object for finding in seen.findings)
    yield from (ref for _, ref in seen.covers if ref.name != "*")


def _info(case: Case) -> ClusterInfo:
    then = case.cluster_context
    try:
        now = datetime.fromisoformat(then.get("now", ""))
    except ValueError:
        now = datetime.now(UTC)
    return ClusterInfo(
        context=then.get("context", ""),
        server_version=then.get("server_version", ""),
        source=f"the record of case {case.id}",
        now=now,
        incomplete=True,
    )
