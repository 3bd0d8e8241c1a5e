"""Writes the diagnosis: fills the templates of the chosen cause with the values its evidence carries."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping

from kubelore.agent.playbook.memory import is_recalled, testimony
from kubelore.agent.playbook.reason import Ranking, Suspect
from kubelore.agent.subject import Subjects
from kubelore.calibration import calibrate
from kubelore.patterns.model import FixTemplate
from kubelore.patterns.rank import sigmoid
from kubelore.types import (
    Alternative,
    CitedFact,
    Confidence,
    Diagnosis,
    Evidence,
    Fix,
    Investigation,
    NotChecked,
    Ref,
    Severity,
    Vote,
)

PLACEHOLDER = re.compile(r"\{([a-z_]+)\??\}")
OPTIONAL = re.compile(r"\{([a-z_]+)\?\}")
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z{`\"'])")
ROLLED_OUT = {"Deployment", "StatefulSet", "DaemonSet"}
ROLLOUT = re.compile(r"^.*\brollout (?:undo|history|status|restart) \{kind\}/.*\n?", re.MULTILINE)
"""Lines that only kinds with revisions take."""
HIGH, MEDIUM = 0.75, 0.45
NOTHING_BELOW = 0.3
"""A cause less likely than this, were there no others, is no answer."""
HEALTHY, UNREAD = 0.9, 0.05
"""How sure `nothing is wrong` is, and what each thing that could not be read takes off."""
UNNAMED = 0.7
"""The same where the question names no object: nobody looked into each."""
MAX_CITED = 8


def confidence_word(probability: float) -> Confidence:
    if probability >= HIGH:
        return "high"
    return "medium" if probability >= MEDIUM else "low"


def diagnose(investigation: Investigation, ranking: Ranking, subjects: Subjects) -> Diagnosis:
    """The best suspect as a diagnosis, or `none` when nothing wrong was found where it was asked."""
    best = ranking.best
    if best is None or sigmoid(best.weight) < NOTHING_BELOW:
        return _nothing_found(investigation, ranking, subjects)
    uncalibrated = ranking.probability(best)
    candidate = best.candidate
    probability = uncalibrated if is_recalled(candidate) else calibrate(uncalibrated)
    params = _params(best, investigation.evidence)
    return Diagnosis(
        root_cause=candidate.root_cause,
        object=best.object,
        explanation=_explanation(best, params),
        evidence=_cited(best, ranking),
        fix=_fix(candidate.cause.fix, params),
        probability=probability,
        confidence=confidence_word(probability),
        chain=_chain(best, ranking, subjects),
        alternatives=_alternatives(best, ranking, left=1 - probability),
        not_checked=_failed_steps(investigation),
        pattern=candidate.pattern.id,
        would_decide=_would_decide(ranking) if probability < HIGH else (),
        uncalibrated=uncalibrated,
        cases=tuple(case.id for case in best.vote.cases) if best.vote else (),
    )


def fill(template: str, params: Mapping[str, str], quote: Callable[[str], str]) -> str:
    """Replace placeholders; one without a value stays readable as `<name>`. A line with `{name?}` is left out
    when there is no such value."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        return quote(params[name]) if params.get(name) else f"<{name.replace('_', '-')}>"

    lines = template.splitlines(keepends=True)
    kept = (line for line in lines if all(params.get(name) for name in OPTIONAL.findall(line)))
    return PLACEHOLDER.sub(value, "".join(kept))


def _fix(template: FixTemplate, params: Mapping[str, str]) -> Fix:
    typed = {**params, "kind": params["kind"].lower()}  # as kubectl takes it
    command = template.command if params["namespace"] else template.command.replace("-n {namespace} ", "")
    if params["kind"] not in ROLLED_OUT:
        command = ROLLOUT.sub("", command)
    return Fix(
        text=fill(template.text, params, _plain),
        command=fill(command, typed, shlex.quote).strip(),
        yaml=fill(template.yaml, params, _plain),
    )


def _plain(value: str) -> str:
    return " ".join(value.split())


def _params(suspect: Suspect, evidence: Evidence) -> dict[str, str]:
    params: dict[str, str] = {}
    for cited in suspect.candidate.support:
        for key, value in cited.fact.params.items():
            params.setdefault(key, value)
    for name, ref in suspect.candidate.bindings.items():
        params.setdefault(name, ref.name)
        params.setdefault(f"{name}_namespace", ref.namespace)
    ref = suspect.object
    containers = {c.fact.params.get("container", "") for c in evidence.about(ref).values()} - {""}
    if len(containers) == 1:
        params.setdefault("container", containers.pop())
    return params | {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def _explanation(suspect: Suspect, params: Mapping[str, str]) -> str:
    """The sentences of the template whose values are known, then what showed it."""
    sentences = SENTENCE.split(suspect.candidate.cause.explanation.strip())
    known = [s for s in sentences if all(params.get(p) for p in PLACEHOLDER.findall(s))]
    text = " ".join(fill(s, params, _plain) for s in known)
    text = text or f"{suspect.candidate.cause.cause}: {_first_detail(suspect)}"
    return f"{text} {testimony(suspect.vote)}{_dissent(suspect.vote)}" if suspect.vote else text


def _dissent(vote: Vote) -> str:
    """Past cases that say something else."""
    others = ", ".join(f"{case.root_cause} ({case.id[:8]})" for case in vote.against)
    return f" Past cases disagree: with evidence as near it was {others}." if others else ""


def _first_detail(suspect: Suspect) -> str:
    return next((c.fact.detail for c in suspect.candidate.support if c.fact.detail), "see the evidence")


def _cited(best: Suspect, ranking: Ranking) -> tuple[CitedFact, ...]:
    cited = list(best.candidate.support)
    for symptom in _explained(best, ranking):
        cited += symptom.candidate.support
    return tuple(dict.fromkeys(cited))[:MAX_CITED]


def _explained(best: Suspect, ranking: Ranking) -> list[Suspect]:
    """Symptoms of the cause, and symptoms of these."""
    found = [best]
    for suspect in found:
        found += [s for s in ranking.suspects if s.symptom_of is suspect and s not in found]
    return found[1:]


def _chain(best: Suspect, ranking: Ranking, subjects: Subjects) -> tuple[Ref, ...]:
    """Object asked about -> ... -> object at fault; () when they are the same."""
    chain = [*best.path] or [best.object]
    for symptom in _explained(best, ranking):
        if symptom.path and symptom.path[-1] == chain[0]:
            chain = [*symptom.path[:-1], *chain]
    asked = [subject.ref for subject in subjects.objects]
    if len(chain) == 1 and asked and best.object not in asked and best.object in ranking.distances:
        chain = [asked[0], *chain]
    return tuple(chain) if len(chain) > 1 else ()


def _alternatives(best: Suspect, ranking: Ranking, left: float) -> tuple[Alternative, ...]:
    """`left` is what the answer leaves of certainty."""
    return tuple(
        Alternative(
            suspect.candidate.root_cause,
            suspect.object,
            min(left, ranking.probability(suspect)),
            _first_detail(suspect),
            symptom=suspect.symptom_of is not None,
        )
        for suspect in ranking.suspects
        if suspect is not best
    )[:3]


def _would_decide(ranking: Ranking) -> tuple[str, ...]:
    unseen = [u for s in ranking.suspects[:2] for u in s.candidate.unseen]
    unseen.sort(key=lambda u: -u.weight)
    return tuple(dict.fromkeys(f"{u.tool} {u.object}: {u.glob}" for u in unseen))[:3]


def _failed_steps(investigation: Investigation) -> tuple[NotChecked, ...]:
    failed = [
        NotChecked(f"{step.call.name} {step.call.args}".strip(), step.observation.error)
        for step in investigation.steps
        if step.observation.error
    ]
    unread = [note for step in investigation.steps for note in step.observation.not_checked]
    return tuple(dict.fromkeys(failed + unread))


def _nothing_found(investigation: Investigation, ranking: Ranking, subjects: Subjects) -> Diagnosis:
    findings = [f for step in investigation.steps for f in step.observation.findings]
    here = [f for f in findings if _is_asked(f.object, subjects) and f.severity is not Severity.INFO]
    elsewhere = list(dict.fromkeys(f"{f.object}: {f.what}" for f in findings if f not in here))
    not_checked = _failed_steps(investigation)
    alternatives = tuple(
        Alternative(s.candidate.root_cause, s.object, ranking.probability(s), _first_detail(s))
        for s in ranking.suspects[:3]
    )
    if here:
        cited = [c for f in here for c in investigation.evidence.about(f.object).values()]
        return Diagnosis(
            root_cause="",
            object=here[0].object,
            explanation="Something is wrong, but no known cause fits: " + "; ".join(f.what for f in here[:3]),
            evidence=tuple(dict.fromkeys(cited))[:MAX_CITED],
            fix=Fix("Look at the evidence; add a pattern for it with: kubelore patterns new"),
            probability=0.2,
            confidence="low",
            alternatives=alternatives,
            not_checked=not_checked,
            would_decide=_would_decide(ranking),
        )
    where = (
        ", ".join(str(s.ref) for s in subjects.objects[:2]) or ", ".join(subjects.namespaces) or "the cluster"
    )
    looked = ", ".join(dict.fromkeys(f"{s.call.name} {s.call.args}".strip() for s in investigation.steps))
    explanation = f"Nothing wrong was found with {where}. Checked: {looked}."
    if elsewhere:
        explanation += " Found elsewhere, not related: " + "; ".join(elsewhere[:3]) + "."
    doubt = max((other.probability for other in alternatives), default=0.0)
    healthy = HEALTHY if subjects.objects and not subjects.weak else UNNAMED
    probability = max(0.5, min(healthy - UNREAD * len(not_checked), 1 - doubt))
    return Diagnosis(
        root_cause="none",
        object=None,
        explanation=explanation,
        evidence=(),
        fix=Fix(""),
        probability=probability,
        confidence=confidence_word(probability),
        alternatives=alternatives,
        not_checked=not_checked,
    )


def _is_asked(ref: Ref, subjects: Subjects) -> bool:
    """Whether a question is about an object: one that it names, else any where it looks."""
    if subjects.objects:
        return any(ref == subject.ref for subject in subjects.objects)
    return not subjects.namespaces or ref.namespace in subjects.namespaces
