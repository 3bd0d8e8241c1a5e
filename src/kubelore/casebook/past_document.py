"""Investigations as `-o json` prints them and as kubelore once kept them in files, read back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from kubelore.casebook.exchange import CauseId, Id, Object, Time, Tool
from kubelore.types import (
    CitedFact,
    ClusterInfo,
    Diagnosis,
    Fact,
    Fix,
    Investigation,
    Observation,
    Ref,
    Step,
    ToolCall,
    Usage,
)

FactName = Annotated[str, Field(max_length=200, pattern=r"^[a-z][a-z._]*=\S+$")]
Count = Annotated[int, Field(ge=0)]


class Lenient(BaseModel):
    """Later versions of the document may have more keys."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class PastCluster(Lenient):
    context: str = ""
    server_version: str = ""
    source: str = ""
    now: Time


class PastFinding(Lenient):
    object: Object
    facts: tuple[FactName, ...] = ()


class PastStep(Lenient):
    index: int = Field(ge=1, le=1000)
    thought: str
    tool: Tool
    args: str
    observation: str
    digest: str = ""
    error: str = ""
    new_facts: tuple[FactName, ...] = ()
    seconds: float = Field(default=0, ge=0)


class PastEvidence(Lenient):
    fact: FactName
    object: Object
    detail: str = ""
    step: int = Field(default=0, ge=0)


class PastFix(Lenient):
    text: str = ""
    command: str = ""
    yaml: str = ""


class PastDiagnosis(Lenient):
    root_cause: CauseId
    object: Object
    explanation: str
    probability: float = Field(ge=0, le=1)
    confidence: Literal["high", "medium", "low"]
    evidence: tuple[PastEvidence, ...] = ()
    fix: PastFix = PastFix()


class PastUsage(Lenient):
    tokens_in: Count = 0
    tokens_out: Count = 0
    calls: Count = 0


class PastDocument(Lenient):
    """`casebook.document.Document`."""

    format: Literal["kubelore.investigation/1"]
    id: Id
    question: str = Field(max_length=20_000)
    namespace: str = Field(default="", max_length=63)
    started: Time
    seconds: float = Field(default=0, ge=0)
    decider: str = Field(default="", max_length=200)
    cluster: PastCluster
    steps: Annotated[tuple[PastStep, ...], Field(max_length=1000)] = ()
    diagnosis: PastDiagnosis | None = None
    findings: tuple[PastFinding, ...] = ()
    usage: PastUsage = PastUsage()
    error: str = ""

    def facts(self) -> Iterator[tuple[int, str, str]]:
        """(step, fact, object) of all that it says of facts and objects together."""
        shown = {name: step.index for step in reversed(self.steps) for name in step.new_facts}
        if self.diagnosis is not None:
            yield from ((cited.step, cited.fact, cited.object) for cited in self.diagnosis.evidence)
        for finding in self.findings:
            yield from ((shown.get(name, 1), name, finding.object) for name in finding.facts)


def investigation_of(past: PastDocument) -> Investigation:
    """The investigation as far as the document has it: texts whole, facts where it names their object. No
    pattern vouches for its explanation and its fix."""
    then = past.cluster
    made = Investigation(
        id=past.id,
        question=past.question,
        started=_time(past.started),
        cluster=ClusterInfo(then.context, then.server_version, then.source, _time(then.now)),
        decider=past.decider,
        namespace=past.namespace,
        usage=Usage(past.usage.tokens_in, past.usage.tokens_out, past.usage.calls),
        error=past.error,
        seconds=past.seconds,
    )
    facts: dict[int, list[Fact]] = {}
    for index, name, ref in past.facts():
        if ref:
            key, _, value = name.partition("=")
            facts.setdefault(index, []).append(Fact(key, value, Ref.parse(ref)))
    for step in past.steps:
        seen = Observation(step.observation, tuple(facts.get(step.index, ())), error=step.error)
        new = made.evidence.add(seen, step.index)
        call = ToolCall(step.tool, step.args)
        made.steps.append(Step(step.index, step.thought, call, seen, step.digest, new, step.seconds))
    if past.diagnosis is not None:
        made.diagnosis = _diagnosis(past.diagnosis, made)
    return made


def _diagnosis(past: PastDiagnosis, made: Investigation) -> Diagnosis:
    cited = [
        c
        for c in made.evidence
        for e in past.evidence
        if (c.fact.name, str(c.fact.about)) == (e.fact, e.object)
    ]
    return Diagnosis(
        root_cause=past.root_cause,
        object=Ref.parse(past.object) if past.object else None,
        explanation=past.explanation,
        evidence=tuple(dict.fromkeys(CitedFact(c.fact, c.step) for c in cited)),
        fix=Fix(past.fix.text, past.fix.command, past.fix.yaml),
        probability=past.probability,
        confidence=past.confidence,
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
