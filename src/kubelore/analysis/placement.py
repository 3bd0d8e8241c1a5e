"""Where a pod could run: the scheduler's main filters, computed again from the nodes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from kubelore.analysis.podstate import condition
from kubelore.analysis.requests import amounts, pod_requests, readable_amount, total
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, matches_selector, ref_of
from kubelore.types import Fact, JsonObject

BLOCKING_EFFECTS = {"NoSchedule", "NoExecute"}
CORDON_TAINT = "node.kubernetes.io/unschedulable"
LOST_TAINTS = {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}
CONTROL_PLANE_TAINTS = {"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"}

REPORTED = frozenset({"cpu", "memory", "pods", "ephemeral-storage"})
"""Resources that every kubelet reports."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Why no node takes the pod; `value` is one of the vocabulary's pod.node_fit."""

    value: str
    detail: str
    params: Mapping[str, str]
    unusable: tuple[str, ...] = ()
    """Names of the nodes that would take the pod, were they schedulable and ready."""


def node_requests(view: View) -> dict[str, dict[str, float]]:
    """Requests of the pods on each node, by node name; finished pods take nothing."""
    by_node: dict[str, list[dict[str, float]]] = defaultdict(list)
    for pod in view.all("Pod"):
        spec, phase = pod.get("spec") or {}, (pod.get("status") or {}).get("phase")
        if spec.get("nodeName") and phase not in ("Succeeded", "Failed"):
            by_node[spec["nodeName"]].append(pod_requests(spec))
    return {node: total(lists) for node, lists in by_node.items()}


def selects_node(spec: JsonObject, node: JsonObject) -> bool:
    """nodeName, nodeSelector and the required node affinity."""
    name, labels = ref_of(node).name, (node.get("metadata") or {}).get("labels") or {}
    if spec.get("nodeName") not in (None, "", name):
        return False
    if not matches_selector(spec.get("nodeSelector") or {}, labels):
        return False
    required = _required_node_affinity(spec)
    if required is None:
        return True
    return any(_term_matches(term, name, labels) for term in required.get("nodeSelectorTerms") or ())


def _required_node_affinity(spec: JsonObject) -> JsonObject | None:
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    return affinity.get("requiredDuringSchedulingIgnoredDuringExecution")


def _term_matches(term: JsonObject, name: str, labels: Mapping[str, str]) -> bool:
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    return matches_selector({"matchExpressions": expressions}, labels) and matches_selector(
        {"matchExpressions": fields}, {"metadata.name": name}
    )


def tolerates(spec: JsonObject, taint: JsonObject) -> bool:
    for toleration in spec.get("tolerations") or ():
        if toleration.get("effect") not in (None, "", taint.get("effect")):
            continue
        if toleration.get("key") in (None, ""):
            if toleration.get("operator") == "Exists":
                return True
        elif toleration["key"] == taint.get("key") and (
            toleration.get("operator") == "Exists"
            or (toleration.get("value") or "") == (taint.get("value") or "")
        ):
            return True
    return False


def untolerated(spec: JsonObject, node: JsonObject) -> list[JsonObject]:
    """Taints that keep the pod away; cordon and loss of the node are not counted among them."""
    taints = (node.get("spec") or {}).get("taints") or ()
    return [
        taint
        for taint in taints
        if taint.get("effect") in BLOCKING_EFFECTS
        and taint.get("key") not in LOST_TAINTS | {CORDON_TAINT}
        and not tolerates(spec, taint)
    ]


def is_cordoned(spec: JsonObject, node: JsonObject) -> bool:
    cordon = {"key": CORDON_TAINT, "effect": "NoSchedule"}
    return bool((node.get("spec") or {}).get("unschedulable")) and not tolerates(spec, cordon)


def is_ready(node: JsonObject) -> bool:
    return condition(node, "Ready").get("status") == "True"


def taint_text(taint: JsonObject) -> str:
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint.get('key', '')}{value}:{taint.get('effect', '')}"


def shortage(wanted: Mapping[str, float], offered: Mapping[str, float]) -> list[str]:
    """Resources of which less is offered than wanted."""
    return [name for name, amount in wanted.items() if amount and amount > offered.get(name, 0.0)]


def node_fit(view: View, spec: JsonObject) -> Fit | None:
    """The first filter that leaves no node; None when a node is left, or nodes cannot be read."""
    nodes = view.all("Node")
    if not nodes:
        return None
    wanted = pod_requests(spec)
    chosen = [n for n in nodes if selects_node(spec, n)]
    if not chosen:
        return _no_match(spec, len(nodes))
    workers = [n for n in chosen if not _is_control_plane(spec, n)]
    left = workers or chosen

    def keep(test: Callable[[JsonObject], bool], otherwise: Callable[[list[JsonObject]], Fit]) -> Fit | None:
        nonlocal left
        kept = [n for n in left if test(n)]
        if kept:
            left = kept
            return None
        return otherwise(left)

    return (
        keep(lambda n: not shortage(wanted, _allocatable(n)), lambda ns: _too_big(wanted, ns))
        or keep(lambda n: not is_cordoned(spec, n), _only_cordoned)
        or keep(is_ready, _only_not_ready)
        or keep(lambda n: not untolerated(spec, n), lambda ns: _only_tainted(spec, ns))
        or keep(lambda n: not shortage(wanted, _free(view, n)), lambda ns: _full(view, wanted, ns))
    )


def _is_control_plane(spec: JsonObject, node: JsonObject) -> bool:
    return any(t.get("key") in CONTROL_PLANE_TAINTS for t in untolerated(spec, node))


def _allocatable(node: JsonObject) -> dict[str, float]:
    """What it offers. Of the resources that every node reports, one that is not told is taken as plenty."""
    told = amounts((node.get("status") or {}).get("allocatable"))
    return dict.fromkeys(REPORTED - told.keys(), math.inf) | told


def _free(view: View, node: JsonObject) -> dict[str, float]:
    used = view.once(node_requests).get(ref_of(node).name, {})
    return {name: amount - used.get(name, 0.0) for name, amount in _allocatable(node).items()}


def _names(nodes: Iterable[JsonObject]) -> str:
    names = sorted(ref_of(n).name for n in nodes)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _no_match(spec: JsonObject, count: int) -> Fit:
    wish = selector_text(spec)
    detail = f"none of the {count} nodes satisfies {wish or 'the node affinity'}"
    return Fit("no-node-matches", detail, {"selector": wish, "label": wish})


def _only_cordoned(nodes: list[JsonObject]) -> Fit:
    detail = f"the nodes that would fit are cordoned: {_names(nodes)}"
    return _unusable("only-cordoned", detail, nodes)


def _only_not_ready(nodes: list[JsonObject]) -> Fit:
    detail = f"the nodes that would fit are not ready: {_names(nodes)}"
    return _unusable("only-not-ready", detail, nodes)


def _unusable(value: str, detail: str, nodes: list[JsonObject]) -> Fit:
    names = tuple(ref_of(node).name for node in nodes)
    return Fit(value, detail, {"node": names[0]}, names)


def _only_tainted(spec: JsonObject, nodes: list[JsonObject]) -> Fit:
    taints = list(dict.fromkeys(taint_text(t) for n in nodes for t in untolerated(spec, n)))
    detail = (
        f"the nodes that would fit ({_names(nodes)}) carry taints it does not tolerate: {', '.join(taints)}"
    )
    return Fit("only-tainted", detail, {"taint": taints[0], "node": ref_of(nodes[0]).name})


def _too_big(wanted: Mapping[str, float], nodes: list[JsonObject]) -> Fit:
    short = _shortest(wanted, [_allocatable(n) for n in nodes])
    best = max(_allocatable(n).get(short, 0.0) for n in nodes)
    detail = (
        f"it requests {readable_amount(short, wanted[short])} of {short}; the largest node it may run "
        f"on offers {readable_amount(short, best)}"
    )
    return Fit("request-exceeds-every-node", detail, _amount_params(short, wanted[short], best))


def _full(view: View, wanted: Mapping[str, float], nodes: list[JsonObject]) -> Fit:
    short = _shortest(wanted, [_free(view, n) for n in nodes])
    best = max(_free(view, n).get(short, 0.0) for n in nodes)
    detail = (
        f"it requests {readable_amount(short, wanted[short])} of {short}; the most that is free on a node "
        f"it may run on is {readable_amount(short, max(best, 0.0))}"
    )
    return Fit("free-capacity-short", detail, _amount_params(short, wanted[short], best))


def _shortest(wanted: Mapping[str, float], offers: list[Mapping[str, float]]) -> str:
    """The resource that is short on the most nodes."""
    counts: dict[str, int] = defaultdict(int)
    for offer in offers:
        for name in shortage(wanted, offer):
            counts[name] += 1
    return max(counts, key=lambda name: counts[name])


def _amount_params(resource: str, requested: float, limit: float) -> dict[str, str]:
    return {
        "resource": resource,
        "requested": readable_amount(resource, requested),
        "limit": readable_amount(resource, limit),
    }


def selector_text(spec: JsonObject) -> str:
    """`disktype=ssd`: the node selector, or the first term of the required node affinity."""
    if spec.get("nodeSelector"):
        return ",".join(f"{k}={v}" for k, v in sorted(spec["nodeSelector"].items()))
    required = _required_node_affinity(spec) or {}
    for term in required.get("nodeSelectorTerms") or ():
        return ", ".join(
            " ".join((e.get("key", ""), e.get("operator", ""), ",".join(e.get("values") or ()))).strip()
            for e in (*(term.get("matchExpressions") or ()), *(term.get("matchFields") or ()))
        )
    return ""


def constraint_facts(subject: Subject, spec: JsonObject) -> list[Fact]:
    """How a pod template restricts its nodes."""
    affinity = spec.get("affinity") or {}
    hard = "requiredDuringSchedulingIgnoredDuringExecution"
    wish = selector_text(spec)
    spread = [
        c
        for c in spec.get("topologySpreadConstraints") or ()
        if c.get("whenUnsatisfiable") != "ScheduleAnyway"
    ]
    found = (
        ("selector", spec.get("nodeSelector"), f"nodeSelector {wish}"),
        ("affinity", _required_node_affinity(spec), f"required node affinity {wish}"),
        ("name", spec.get("nodeName"), f"nodeName {spec.get('nodeName')}"),
        (
            "anti-affinity",
            (affinity.get("podAntiAffinity") or {}).get(hard)
            or (affinity.get("podAffinity") or {}).get(hard),
            "required affinity or anti-affinity to other pods",
        ),
        ("topology-spread", spread, "a topology spread constraint that must hold"),
    )
    params = {"selector": wish, "label": wish}
    return [
        subject.fact("pod.node_constraint", kind, detail, **params) for kind, value, detail in found if value
    ]
