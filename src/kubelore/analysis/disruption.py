"""PodDisruptionBudgets: whether they let anything be evicted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator

from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, ref_of
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity


def pdb_facts(view: View, pdb: JsonObject) -> list[Fact]:
    """All facts about one budget."""
    return [*_allowance_facts(view, pdb), *_selector_facts(view, pdb)]


def budget_pods(view: View, pdb: JsonObject) -> list[JsonObject]:
    """Pods it covers; an empty selector covers the namespace."""
    selector, namespace = (pdb.get("spec") or {}).get("selector"), ref_of(pdb).namespace
    if selector is None:
        return []
    return view.selected_pods(selector, namespace) if any(selector.values()) else view.all("Pod", namespace)


def _allowance_facts(view: View, pdb: JsonObject) -> Iterator[Fact]:
    status, spec, ref = pdb.get("status") or {}, pdb.get("spec") or {}, ref_of(pdb)
    expected, healthy = status.get("expectedPods") or 0, status.get("currentHealthy") or 0
    if not expected or status.get("disruptionsAllowed"):
        return
    rule = (
        f"minAvailable {spec['minAvailable']}"
        if "minAvailable" in spec
        else f"maxUnavailable {spec.get('maxUnavailable')}"
    )
    detail = f"{ref} ({rule}) allows no eviction: {healthy} of {expected} pods are healthy."
    yield Subject(ref).fact("pdb.disruptions_allowed", "zero", detail, policy=ref.name)
    if _impossible(spec, expected):
        detail = f"{ref} ({rule}) can never allow an eviction of its {expected} pods."
        yield Subject(ref).fact("pdb.impossible", "yes", detail, policy=ref.name)


def _impossible(spec: JsonObject, pods: int) -> bool:
    least, most = _amount(spec.get("minAvailable"), pods), _amount(spec.get("maxUnavailable"), pods)
    return most == 0 if least is None else least >= pods


def _amount(value: object, pods: int) -> int | None:
    """A number or a percentage of the pods, rounded up as the disruption controller does."""
    text = str(value)
    if not text.removesuffix("%").isdigit():
        return None
    return math.ceil(int(text[:-1]) * pods / 100) if text.endswith("%") else int(text)


def _selector_facts(view: View, pdb: JsonObject) -> Iterator[Fact]:
    ref = ref_of(pdb)
    pods = budget_pods(view, pdb)
    if not pods and view.cluster.readable("Pod"):
        yield Subject(ref).fact("pdb.selector", "matches-nothing", f"{ref} selects no pod.", policy=ref.name)
    shared = view.once(_budgets_by_pod)
    if any(shared[ref_of(p)] > 1 for p in pods):
        detail = f"{ref} covers pods that another budget covers too: they cannot be evicted."
        yield Subject(ref).fact("pdb.selector", "overlaps", detail, policy=ref.name)


def _budgets_by_pod(view: View) -> Counter[Ref]:
    return Counter(
        ref_of(p) for pdb in view.cluster.list("PodDisruptionBudget") for p in budget_pods(view, pdb)
    )


@check("disruption_budgets", "PodDisruptionBudget", "Pod", "Node")
def blocking_budgets(view: View, namespace: str | None) -> Iterable[Finding]:
    """Budgets that no eviction can ever satisfy, that overlap, or that block a drain that is going on.

    A budget that allows none at the moment, because a pod is down, does what it is there for.
    """
    for pdb in view.all("PodDisruptionBudget", namespace):
        facts = {f.name: f for f in pdb_facts(view, pdb)}
        drained = _on_cordoned_node(view, budget_pods(view, pdb))
        severity = None
        if "pdb.selector=overlaps" in facts or "pdb.impossible=yes" in facts:
            severity = Severity.CRITICAL if drained else Severity.WARNING
        elif "pdb.disruptions_allowed=zero" in facts and drained:
            severity = Severity.WARNING
        elif facts:
            severity = Severity.INFO
        if severity is not None:
            shown = (
                next(reversed(facts.values())) if severity != Severity.INFO else next(iter(facts.values()))
            )
            what = shown.detail.removeprefix(f"{ref_of(pdb)} ").rstrip(".")
            yield Finding(severity, ref_of(pdb), what, tuple(facts.values()), "disruption_budgets")


def _on_cordoned_node(view: View, pods: Iterable[JsonObject]) -> bool:
    names = {(p.get("spec") or {}).get("nodeName") or "" for p in pods}
    nodes = (view.get("Node", "", name) or {} for name in names if name)
    return any((node.get("spec") or {}).get("unschedulable") for node in nodes)
