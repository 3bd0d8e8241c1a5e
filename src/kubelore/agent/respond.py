"""From a model's answer to a diagnosis: every name it gives is checked against what was seen.

What does not hold is not dropped silently: it is corrected where the evidence says how, and noted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches

from kubelore.agent.prompt import clean
from kubelore.agent.protocol import RespondStep
from kubelore.redaction import redact
from kubelore.types import (
    CitedFact,
    Confidence,
    Diagnosis,
    Evidence,
    Finding,
    Fix,
    Investigation,
    NotChecked,
    Ref,
    Severity,
)

PROBABILITY: dict[Confidence, float] = {"high": 0.85, "medium": 0.6, "low": 0.35}
"""What a model's word for its confidence is worth, until it is calibrated on recorded cases."""
MAX_CITED = 12
MAX_RESPONSE = 20_000

_FENCE = re.compile(r"```(\w*)[ \t]*\n(.*?)(?:\n```|\Z)", re.DOTALL)
_FIX = re.compile(
    r"^[#*_ \t]*(?:fix(?: options)?|how to fix(?: it)?|solution|remediation|resolution)"
    r"(?:[*_]*:[*_]*[ \t]*|[*_ \t]*$)",
    re.IGNORECASE | re.MULTILINE,
)
_OWNED = ("pod", "replicaset", "job")
_SHORT_KINDS = {
    "deploy": "deployment", "sts": "statefulset", "ds": "daemonset", "po": "pod", "svc": "service",
    "pvc": "persistentvolumeclaim", "pv": "persistentvolume", "no": "node", "ns": "namespace",
    "cj": "cronjob", "ing": "ingress", "cm": "configmap", "sa": "serviceaccount",
    "hpa": "horizontalpodautoscaler", "netpol": "networkpolicy", "pdb": "poddisruptionbudget",
    "quota": "resourcequota", "rs": "replicaset",
}  # fmt: skip


@dataclass(slots=True)
class _Notes:
    notes: list[NotChecked] = field(default_factory=list)

    def add(self, why: str) -> None:
        self.notes.append(NotChecked("the model's answer", why))


def diagnosis_of(
    answer: RespondStep, investigation: Investigation, root_causes: Collection[str]
) -> Diagnosis:
    """The diagnosis that an answer stands for. Never raises, whatever the model wrote."""
    notes = _Notes()
    cause = _root_cause(answer.root_cause, root_causes, notes)
    ref = None if cause == "none" else _object(answer.object, investigation, notes)
    cause = cause if ref or cause == "none" else ""
    evidence = tuple(investigation.evidence.about(ref).values())[:MAX_CITED] if ref else ()
    confidence = _confidence(answer.confidence, cause, evidence, investigation, notes)
    response = redact(clean(answer.response[:MAX_RESPONSE])).strip()
    return Diagnosis(
        root_cause=cause,
        object=ref,
        explanation=_explanation(response) or redact(clean(answer.thought)),
        evidence=evidence,
        fix=_fix(response),
        probability=PROBABILITY[confidence],
        confidence=confidence,
        not_checked=(*_failed(investigation), *notes.notes),
        response=response,
    )


def _root_cause(said: str, known: Collection[str], notes: _Notes) -> str:
    wanted = re.sub(r"[^a-z0-9]+", "_", said.lower()).strip("_")
    if wanted in known:
        return wanted
    if not wanted:
        notes.add("it names no root cause")
        return ""
    near = get_close_matches(wanted, list(known), n=1, cutoff=0.75)
    said = clean(said)[:80]
    if near:
        notes.add(f"its root cause {said!r} is taken as {near[0]}")
        return near[0]
    notes.add(f"its root cause {said!r} is none that kubelore knows")
    return ""


def _object(said: str, investigation: Investigation, notes: _Notes) -> Ref | None:
    """The object at fault: one that was seen, the workload and not its pod."""
    evidence, said = investigation.evidence, clean(said).strip("` \n\"'")[:300]
    seen = _best_match(said, dict.fromkeys(_seen(investigation)))
    if seen is not None:
        return _owner(seen, evidence)
    parts = said.split("/")
    if len(parts) == 3 and parts[0] and parts[2]:
        notes.add(f"its object {said} was not seen in any step")
        return Ref(parts[0][:1].upper() + parts[0][1:], parts[1], parts[2])
    worst = next((f.object for f in _findings(investigation)), None)
    what = f"names {said!r} as the object" if said else "names no object"
    notes.add(f"it {what}; the worst finding's is taken" if worst else f"it {what}, and none was found")
    return worst


def _seen(investigation: Investigation) -> Iterator[Ref]:
    evidence = investigation.evidence
    yield from evidence.objects()
    yield from (finding.object for finding in _findings(investigation))
    yield from (cited.fact.seen_on for cited in evidence if cited.fact.seen_on)
    for edge in evidence.edges():
        yield edge.source
        yield edge.target


def _best_match(said: str, seen: Collection[Ref]) -> Ref | None:
    """`Kind/namespace/name` and what models write instead: `kind namespace name`, `namespace/name`."""
    *rest, name = [word for word in re.split(r"[/\s:]+", said) if word] or [""]
    kinds = {_kind(ref.kind) for ref in seen} | set(_SHORT_KINDS.values())
    kind = next((k for word in rest if (k := _kind(word)) in kinds), "")

    def possible(ref: Ref) -> bool:
        same_kind = not kind or _kind(ref.kind) == kind or kind in _OWNED
        elsewhere = len(rest) > 1 and ref.namespace and ref.namespace not in rest
        return ref.name == name and same_kind and not elsewhere

    named = [ref for ref in seen if possible(ref)]
    return max(named, key=lambda r: (_kind(r.kind) == kind, r.namespace in rest), default=None)


def _kind(word: str) -> str:
    low = word.lower()
    low = low[:-1] if low[:-1] in _SHORT_KINDS.values() else low
    return _SHORT_KINDS.get(low, low)


def _owner(ref: Ref, evidence: Evidence) -> Ref:
    """The workload of a pod, a ReplicaSet or a Job, when an edge or a fact says whose it is."""
    for _ in range(4):
        if _kind(ref.kind) not in _OWNED:
            break
        owners = [edge.source for edge in evidence.edges_to(ref) if edge.kind == "owns"]
        owners += [c.fact.about for c in evidence if c.fact.seen_on == ref and c.fact.about != ref]
        if not owners:
            break
        ref = owners[0]
    return ref


def _findings(investigation: Investigation) -> list[Finding]:
    """Critical findings of all steps, in their order."""
    found = (f for step in investigation.steps for f in step.observation.findings)
    return [f for f in found if f.severity is Severity.CRITICAL]


def _confidence(
    said: Confidence,
    cause: str,
    evidence: tuple[CitedFact, ...],
    investigation: Investigation,
    notes: _Notes,
) -> Confidence:
    if not cause:
        return "low"
    if cause == "none":
        standing = _findings(investigation)
        if standing:
            notes.add(f"it says that nothing is wrong, but {standing[0].object} has: {standing[0].what}")
            return "low"
        return said
    return "medium" if said == "high" and not evidence else said


def _explanation(response: str) -> str:
    """The first paragraph that is prose."""
    for paragraph in re.split(r"\n\s*\n", _FENCE.sub("", response)):
        lines = [line.strip() for line in paragraph.splitlines()]
        prose = [line for line in lines if line and not re.match(r"#|[-*] |\d+\.|\*\*[^*]+:?\*\*:?$", line)]
        if prose:
            return " ".join(prose)[:600]
    return ""


def _fix(response: str) -> Fix:
    """What stands under the heading of the fix, its first command and its first YAML."""
    heading = _FIX.search(response)
    part = response[heading.end() :].strip() if heading else ""
    command = yaml = ""
    for language, body in _FENCE.findall(part or response):
        runs = language.lower() in ("bash", "sh", "shell", "console") or body.lstrip().startswith("kubectl ")
        if runs:
            command = command or body.strip()
        elif language.lower() in ("yaml", "yml"):
            yaml = yaml or body.strip("\n")
    text = _FENCE.sub("", part).strip()
    return Fix(re.sub(r"\n{2,}", "\n", text)[:2000], command, yaml)


def _failed(investigation: Investigation) -> Iterator[NotChecked]:
    """Steps that showed nothing because they could not be taken."""
    for step in investigation.steps:
        if step.observation.error:
            yield NotChecked(f"{step.call.name} {step.call.args}".strip(), step.observation.error)
