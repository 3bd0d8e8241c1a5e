"""From a running investigation to journal entries. Everything is redacted here, before anyone keeps it."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from kubelore.casebook.document import cluster_document, diagnosis_document, lesson_document
from kubelore.casebook.harmless import nameless, statements
from kubelore.casebook.observed import pack_evidence, pack_observation
from kubelore.casebook.signs import signs
from kubelore.casebook.states import ended, fingerprint
from kubelore.casebook.summary import result_summary
from kubelore.casebook.text import safe, safe_all
from kubelore.cases import Body, Case, Entry, What
from kubelore.types import ClusterInfo, Diagnosis, Evidence, Fact, Investigation, JsonObject, Ref, Step

MAX_CASE_BYTES = 4 << 20
"""Of what the steps of one investigation saw, compressed."""


@dataclass(slots=True)
class Writer:
    """Writes the entries of one investigation, in order, for one person."""

    who: str
    key: bytes
    """Clusters' names are hashed with it."""
    room: int = MAX_CASE_BYTES

    def started(self, investigation: Investigation) -> Entry:
        decider, _, model = investigation.decider.partition(":")
        values: JsonObject = {
            "timestamp": moment(investigation.started),
            "query": safe(investigation.question),
            "namespace": safe(investigation.namespace),
            "decider": decider,
            "model": safe(model),
            "cluster": cluster_hash(self.key, investigation.cluster),
            "cluster_context": safe_all(dict(cluster_document(investigation.cluster))),
            "hashes": dict(investigation.hashes),
        }
        return self._entry(investigation, "started", values)

    def stepped(self, investigation: Investigation, step: Step) -> tuple[Entry, Body]:
        data = pack_observation(step.observation, self.room)
        self.room = max(0, self.room - len(data))
        record: JsonObject = {
            "iteration": step.index,
            "thought": safe(step.thought),
            "tool": step.call.name,
            "args": safe(step.call.args),
            "result_summary": result_summary(step),
            "useful": step.useful,
            "evidence": [_name(fact) for fact in step.new_facts],
            "error": safe(step.observation.error),
            "seconds": round(step.seconds, 3),
            "sha256": sha256(data).hexdigest(),
        }
        values = {"lessons": _lessons(investigation)} if investigation.shown else {}
        entry = self._entry(investigation, "stepped", values)
        return replace(entry, step=record), Body(investigation.id, step.index, data)

    def finished(self, investigation: Investigation) -> tuple[Entry, Body]:
        diagnosis, evidence, used = investigation.diagnosis, investigation.evidence, investigation.usage
        state, why = ended(diagnosis)
        data = pack_evidence(evidence)
        values: JsonObject = {
            "status": "failed" if diagnosis is None else "done",
            "state": state,
            "why": why,
            "facts": sorted({_name(cited.fact) for cited in evidence}),
            "lessons": _lessons(investigation),
            "tokens_in": used.tokens_in,
            "tokens_out": used.tokens_out,
            "calls": used.calls,
            "seconds": round(investigation.seconds, 3),
            "error": safe(investigation.error),
            **(_answer(diagnosis, investigation) if diagnosis else {}),
        }
        values["fingerprint"] = fingerprint(
            Case(
                investigation.id,
                root_cause=values.get("root_cause", ""),
                signs=tuple(values.get("signs", ())),
                cluster=cluster_hash(self.key, investigation.cluster),
            )
        )
        note = {"evidence": sha256(data).hexdigest()}
        return self._entry(investigation, "finished", values, note), Body(investigation.id, 0, data)

    def _entry(
        self, investigation: Investigation, what: What, values: JsonObject, note: JsonObject | None = None
    ) -> Entry:
        return Entry(investigation.id, moment(), self.who, what, values, note=note or {})


def moment(when: datetime | None = None) -> str:
    """RFC 3339 in UTC, to the millisecond, so that texts sort as times do; now for None."""
    when = (when or datetime.now(UTC)).astimezone(UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def cluster_hash(key: bytes, cluster: ClusterInfo) -> str:
    return hashed(key, cluster.context or cluster.source)


def hashed(key: bytes, cluster: str) -> str:
    """The same for the same cluster, and nobody can tell its name without the key."""
    return hmac.new(key, cluster.encode("utf-8", "replace"), "sha256").hexdigest()[:32]


def signs_at(evidence: Evidence, ref: str) -> list[str]:
    """Signs of an object written `Kind/namespace/name`; none for no object."""
    try:
        return sorted(signs(evidence, Ref.parse(ref)))
    except ValueError:
        return []


def lesson_texts(
    evidence: Evidence, cluster: Iterable[str], *, question: str, diagnosis: str, fix: str = ""
) -> dict[str, str]:
    """Texts as another investigation may be shown them. `cluster` holds names of it; `fix` must be a
    template's: it speaks to the reader."""
    refs = evidence.refs()
    hidden = [name for name in cluster if name]
    texts = {
        "question": statements(nameless(safe(question), refs, hidden)),
        "diagnosis": statements(nameless(safe(diagnosis), refs, hidden)),
        "fix": nameless(safe(fix), refs, hidden),
    }
    return {name: text for name, text in texts.items() if text}


def _answer(diagnosis: Diagnosis, investigation: Investigation) -> dict[str, Any]:
    evidence = investigation.evidence
    at_fault = str(diagnosis.object or "")
    tools = {step.index: step.call.name for step in investigation.steps}
    by_pattern = bool(diagnosis.pattern)  # else a model wrote it, who read what the cluster says
    return {
        "diagnosis": safe_all(dict(diagnosis_document(diagnosis))),
        "root_cause": diagnosis.root_cause,
        "object": at_fault,
        "probability": round(diagnosis.probability, 4),
        "confidence": diagnosis.confidence,
        "signs": signs_at(evidence, at_fault),
        "tools": list(dict.fromkeys(tools[c.step] for c in diagnosis.evidence if c.step in tools)),
        "lesson": lesson_texts(
            evidence,
            (investigation.cluster.context,),
            question=investigation.question,
            diagnosis=diagnosis.explanation if by_pattern else "",
            fix=diagnosis.fix.text if by_pattern else "",
        ),
    }


def _name(fact: Fact) -> str:
    """Values alone are redacted: `pull.secret=present` is no secret."""
    return f"{fact.key}={safe(fact.value)}"


def _lessons(investigation: Investigation) -> list[JsonObject]:
    return [safe_all(dict(lesson_document(lesson))) for lesson in investigation.shown.values()]
