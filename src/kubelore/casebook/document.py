"""One investigation as a JSON document: the contract of `-o json`, of the record on disk and of reports.

`FORMAT` changes when a key is renamed, removed or changes its meaning; new keys may appear at any time.
Times are RFC 3339 in UTC, objects are `Kind/namespace/name`, facts are `key=value`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal, TypedDict

from kubelore.redaction import redact
from kubelore.types import (
    CitedFact,
    ClusterInfo,
    Diagnosis,
    Finding,
    Investigation,
    Lesson,
    NotChecked,
    Step,
)

FORMAT = "kubelore.investigation/1"


class ClusterDocument(TypedDict):
    context: str
    server_version: str
    source: str
    now: str
    live: bool
    incomplete: bool


class FindingDocument(TypedDict):
    severity: str
    object: str
    what: str
    check: str
    facts: list[str]


class NotCheckedDocument(TypedDict):
    what: str
    why: str


class StepDocument(TypedDict):
    index: int
    thought: str
    tool: str
    args: str
    observation: str
    digest: str
    error: str
    new_facts: list[str]
    seconds: float


class EvidenceDocument(TypedDict):
    fact: str
    object: str
    detail: str
    step: int


class FixDocument(TypedDict):
    text: str
    command: str
    yaml: str


class AlternativeDocument(TypedDict):
    root_cause: str
    object: str
    probability: float
    why: str
    symptom: bool


class DiagnosisDocument(TypedDict):
    root_cause: str
    object: str
    explanation: str
    probability: float
    confidence: str
    chain: list[str]
    evidence: list[EvidenceDocument]
    fix: FixDocument
    alternatives: list[AlternativeDocument]
    not_checked: list[NotCheckedDocument]
    would_decide: list[str]
    pattern: str
    response: str
    reading: list[ReadingDocument]
    cases: list[str]


class ReadingDocument(TypedDict):
    title: str
    where: str
    entry: str
    date: str


class LessonDocument(TypedDict):
    kind: str
    id: str
    title: str
    source: str
    date: str


class UsageDocument(TypedDict):
    tokens_in: int
    tokens_out: int
    calls: int


class Document(TypedDict):
    format: str
    id: str
    state: Literal["running", "done", "failed"]
    question: str
    namespace: str
    started: str
    seconds: float
    decider: str
    cluster: ClusterDocument
    steps: list[StepDocument]
    diagnosis: DiagnosisDocument | None
    findings: list[FindingDocument]
    lessons: list[LessonDocument]
    """All that were shown to the decider at some step."""
    usage: UsageDocument
    hashes: dict[str, str]
    error: str


def document(investigation: Investigation) -> Document:
    """The investigation so far. Observations were redacted by the tools; the user's own words are here."""
    found: dict[Finding, None] = {}
    for step in investigation.steps:
        found.update(dict.fromkeys(step.observation.findings))
    diagnosis = investigation.diagnosis
    usage = investigation.usage
    return {
        "format": FORMAT,
        "id": investigation.id,
        "state": "failed" if investigation.error else "done" if diagnosis else "running",
        "question": redact(investigation.question),
        "namespace": investigation.namespace,
        "started": timestamp(investigation.started),
        "seconds": round(investigation.seconds, 3),
        "decider": investigation.decider,
        "cluster": cluster_document(investigation.cluster),
        "steps": [_step(step) for step in investigation.steps],
        "diagnosis": diagnosis_document(diagnosis) if diagnosis else None,
        "findings": [finding_document(finding) for finding in found],
        "lessons": [lesson_document(lesson) for lesson in investigation.shown.values()],
        "usage": {"tokens_in": usage.tokens_in, "tokens_out": usage.tokens_out, "calls": usage.calls},
        "hashes": dict(investigation.hashes),
        "error": redact(investigation.error),
    }


def cluster_document(info: ClusterInfo) -> ClusterDocument:
    return {
        "context": info.context,
        "server_version": info.server_version,
        "source": info.source,
        "now": timestamp(info.now),
        "live": info.live,
        "incomplete": info.incomplete,
    }


def finding_document(finding: Finding) -> FindingDocument:
    return {
        "severity": finding.severity.value,
        "object": str(finding.object),
        "what": finding.what,
        "check": finding.check,
        "facts": [fact.name for fact in finding.facts],
    }


def not_checked_documents(unread: Iterable[NotChecked]) -> list[NotCheckedDocument]:
    return [{"what": item.what, "why": item.why} for item in unread]


def lesson_document(lesson: Lesson) -> LessonDocument:
    return {
        "kind": lesson.kind,
        "id": lesson.id,
        "title": redact(lesson.title),
        "source": redact(lesson.source),
        "date": lesson.date,
    }


def timestamp(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _step(step: Step) -> StepDocument:
    return {
        "index": step.index,
        "thought": redact(step.thought),
        "tool": step.call.name,
        "args": redact(step.call.args),
        "observation": step.observation.text,
        "digest": step.digest,
        "error": step.observation.error,
        "new_facts": [fact.name for fact in step.new_facts],
        "seconds": round(step.seconds, 3),
    }


def diagnosis_document(diagnosis: Diagnosis) -> DiagnosisDocument:
    return {
        "root_cause": diagnosis.root_cause,
        "object": str(diagnosis.object or ""),
        "explanation": redact(diagnosis.explanation),
        "probability": round(diagnosis.probability, 3),
        "confidence": diagnosis.confidence,
        "chain": [str(ref) for ref in diagnosis.chain],
        "evidence": [_evidence(cited) for cited in diagnosis.evidence],
        "fix": {
            "text": redact(diagnosis.fix.text),
            "command": redact(diagnosis.fix.command),
            "yaml": redact(diagnosis.fix.yaml),
        },
        "alternatives": [
            {
                "root_cause": other.root_cause,
                "object": str(other.object),
                "probability": round(other.probability, 3),
                "why": other.why,
                "symptom": other.symptom,
            }
            for other in diagnosis.alternatives
        ],
        "not_checked": not_checked_documents(diagnosis.not_checked),
        "would_decide": list(diagnosis.would_decide),
        "pattern": diagnosis.pattern,
        "response": redact(diagnosis.response),
        "cases": list(diagnosis.cases),
        "reading": [
            {"title": redact(r.title), "where": redact(r.where), "entry": r.entry, "date": r.date}
            for r in diagnosis.reading
        ],
    }


def _evidence(cited: CitedFact) -> EvidenceDocument:
    fact = cited.fact
    return {"fact": fact.name, "object": str(fact.about), "detail": redact(fact.detail), "step": cited.step}
