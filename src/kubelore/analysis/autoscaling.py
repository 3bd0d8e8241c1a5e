"""HorizontalPodAutoscalers: whether they see their metric, their target, and have room."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from kubelore.analysis.events import read_text
from kubelore.analysis.nodes import conditions_of
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, parse_time, ref_of
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity

SETTLING = timedelta(minutes=2)
"""New pods have no metrics for about a minute."""


def target_of(hpa: JsonObject) -> Ref:
    target = (hpa.get("spec") or {}).get("scaleTargetRef") or {}
    return Ref(target.get("kind") or "", ref_of(hpa).namespace, target.get("name") or "")


def hpa_facts(view: View, hpa: JsonObject) -> list[Fact]:
    """All facts about one autoscaler."""
    return [*_target_facts(view, hpa), *_metric_facts(hpa), *_limit_facts(hpa)]


def _target_facts(view: View, hpa: JsonObject) -> Iterator[Fact]:
    ref, target = ref_of(hpa), target_of(hpa)
    able = conditions_of(hpa).get("AbleToScale") or {}
    known = target.kind in {"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"}
    gone = known and view.exists(target.kind, target.namespace, target.name) is False
    if gone or (able.get("status") == "False" and able.get("reason") == "FailedGetScale"):
        message = able.get("message") or "it does not exist"
        yield Subject(ref).fact("hpa.target", "missing", f"{ref} scales {target}: {message}.")


def _metric_facts(hpa: JsonObject) -> Iterator[Fact]:
    ref, active = ref_of(hpa), conditions_of(hpa).get("ScalingActive") or {}
    reason, message = str(active.get("reason") or ""), str(active.get("message") or "")
    if active.get("status") == "False" and reason != "ScalingDisabled":
        value = read_text(reason, message).label or "unspecified"
        detail = f"{ref} cannot read its metric ({reason}): {message[:300]}"
        yield Subject(ref).fact("hpa.metrics", value, detail, message=message[:300])


def _limit_facts(hpa: JsonObject) -> Iterator[Fact]:
    ref, limited = ref_of(hpa), conditions_of(hpa).get("ScalingLimited") or {}
    spec, status = hpa.get("spec") or {}, hpa.get("status") or {}
    if limited.get("status") != "True":
        return
    current, most = status.get("currentReplicas"), spec.get("maxReplicas")
    if limited.get("reason") == "TooManyReplicas" and current is not None and current >= (most or 0):
        detail = f"{ref} is at its maximum of {most} replicas and the metric wants more."
        yield Subject(ref).fact("hpa.at", "maximum", detail, limit=most or 0, replicas=current)
    elif limited.get("reason") == "TooFewReplicas":
        detail = f"{ref} is at its minimum of {spec.get('minReplicas', 1)} replicas."
        yield Subject(ref).fact("hpa.at", "minimum", detail, replicas=current or 0)


@check("autoscalers", "HorizontalPodAutoscaler", "Deployment", "StatefulSet", "ReplicaSet")
def broken_autoscalers(view: View, namespace: str | None) -> Iterable[Finding]:
    """Autoscalers that cannot scale, or that want more than they may."""
    for hpa in view.all("HorizontalPodAutoscaler", namespace):
        for fact in hpa_facts(view, hpa):
            created = parse_time((hpa.get("metadata") or {}).get("creationTimestamp"))
            new = created is not None and view.now - created < SETTLING
            if not (new and fact.key == "hpa.metrics"):
                what = fact.detail.removeprefix(f"{ref_of(hpa)} ").rstrip(".")
                yield Finding(_severity(fact), ref_of(hpa), what, (fact,), "autoscalers")


def _severity(fact: Fact) -> Severity:
    if fact.name == "hpa.at=minimum":
        return Severity.INFO
    return Severity.WARNING if fact.name == "hpa.at=maximum" else Severity.CRITICAL
