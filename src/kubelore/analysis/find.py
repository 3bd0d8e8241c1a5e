"""All that is broken: runs the analyzers and folds what they say to one finding per fault."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from kubelore.analysis import (  # noqa: F401  importing them fills the registry
    autoscaling,
    calls,
    certs,
    components,
    config,
    containers,
    deletion,
    disruption,
    ingress,
    jobs,
    netpol,
    nodes,
    pods,
    quota,
    rbac,
    rollouts,
    services,
    siblings,
    storage,
    usage,
    webhooks,
    workloads,
)
from kubelore.analysis.registry import CHECKS, Check
from kubelore.analysis.view import View
from kubelore.types import Fact, Finding, NotChecked, Ref, Severity

ORDER = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
NAMING_PARAMS = (
    "configmap", "secret", "key", "pvc", "service_account", "quota", "resource", "service", "host", "policy",
    "webhook",
)  # fmt: skip
"""Params that tell two facts of the same name on one object apart."""
SHORTAGE = "workload.available"
EXPLAIN_SHORTAGE = {"containers", "scheduling", "setup", "readiness", "failed-pods", "creation", "rollouts"}
"""Checks whose findings say why replicas are missing."""

log = logging.getLogger(__name__)


def find(
    view: View,
    namespace: str | None = None,
    checks: Iterable[str] | None = None,
    broken: list[NotChecked] | None = None,
) -> list[Finding]:
    """Everything that is wrong in one namespace (None: everywhere), the worst objects first.

    `checks` limits it to these analyzers; KeyError when one does not exist. An analyzer that fails
    for a bug of its own hides no other: it is appended to `broken`. Without that list its error is raised.
    """
    found: list[Finding] = []
    for check in _chosen(checks):
        try:
            found.extend(check.run(view, namespace))
        except Exception as error:  # one analyzer's bug must not hide the others' findings
            if broken is None:
                raise
            log.debug("analyzer %s failed", check.name, exc_info=True)
            broken.append(NotChecked(f"analyzer {check.name}", f"{type(error).__name__}: {error}"))
    return ranked(_absorb_shortages(_fold_contained(_fold_replicas(found))))


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Most severe object first; findings of one object stay together."""
    found = list(findings)
    worst: dict[Ref, int] = {}
    for f in found:
        worst[f.object] = min(ORDER[f.severity], worst.get(f.object, 9))
    return sorted(found, key=lambda f: (worst[f.object], f.object, ORDER[f.severity], f.check, f.what))


def needs(checks: Iterable[str] | None = None) -> tuple[str, ...]:
    """Kinds that the analyzers read, to fetch them in one go."""
    return tuple(dict.fromkeys(kind for check in _chosen(checks) for kind in check.needs))


def _chosen(checks: Iterable[str] | None) -> Sequence[Check]:
    return list(CHECKS.values()) if checks is None else [CHECKS[name] for name in checks]


def _identity(fact: Fact) -> tuple[object, ...]:
    return (fact.key, fact.value, fact.about, *(fact.params.get(p, "") for p in NAMING_PARAMS))


def _fold_replicas(found: Iterable[Finding]) -> list[Finding]:
    """One finding for one fault: same analyzer, same object, same first fact."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in found:
        first = _identity(finding.facts[0]) if finding.facts else (finding.what,)
        groups.setdefault((finding.check, finding.object, first), []).append(finding)
    return [_one(group) for group in groups.values()]


def _one(group: list[Finding]) -> Finding:
    worst = min(group, key=lambda f: ORDER[f.severity])
    shown_by = {fact.seen_on for f in group for fact in f.facts if fact.seen_on}
    what = f"{worst.what} ({len(shown_by)} of its objects show this)" if len(shown_by) > 1 else worst.what
    return replace(worst, what=what, facts=_distinct(fact for f in (worst, *group) for fact in f.facts))


def _distinct(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Each fact once, as it was told first."""
    found: dict[tuple[object, ...], Fact] = {}
    for fact in facts:
        found.setdefault(_identity(fact), fact)
    return tuple(found.values())


def _fold_contained(found: list[Finding]) -> list[Finding]:
    """Drop a finding whose facts another finding on the same object has all, and is as severe."""
    by_object: dict[object, list[tuple[Finding, frozenset[tuple[object, ...]]]]] = {}
    for finding in found:
        facts = frozenset(map(_identity, finding.facts))
        by_object.setdefault(finding.object, []).append((finding, facts))
    kept = []
    for group in by_object.values():
        for i, (finding, facts) in enumerate(group):
            contained = any(
                i != j
                and facts <= other_facts
                and ORDER[other.severity] <= ORDER[finding.severity]
                and (facts != other_facts or j < i)
                for j, (other, other_facts) in enumerate(group)
            )
            if not (contained and facts):
                kept.append(finding)
    return kept


def _absorb_shortages(found: list[Finding]) -> list[Finding]:
    """Missing replicas are no fault of their own where another finding on the workload says why."""
    shortages = {f.object: f for f in found if f.facts and f.facts[0].key == SHORTAGE}
    causes: dict[Ref, Finding] = {}
    for finding in found:
        if finding.object in shortages and finding.check in EXPLAIN_SHORTAGE:
            best = causes.setdefault(finding.object, finding)
            if ORDER[finding.severity] < ORDER[best.severity]:
                causes[finding.object] = finding
    kept = []
    for finding in found:
        if finding.object in causes and finding is shortages[finding.object]:
            continue
        if causes.get(finding.object) is finding:
            kept.append(replace(finding, facts=_distinct((*finding.facts, *shortages[finding.object].facts))))
        else:
            kept.append(finding)
    return kept
