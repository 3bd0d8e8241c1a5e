"""NetworkPolicy semantics: whether the policies of a cluster let one workload reach another."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kubelore.analysis.near import selector_distance
from kubelore.analysis.view import View, labels_of, matches_selector, ref_of
from kubelore.types import JsonObject, Ref

Direction = Literal["ingress", "egress"]
DIRECTIONS: tuple[Direction, ...] = ("egress", "ingress")
NAMESPACE_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True)
class Party:
    """One end of a connection. `port_names` maps the names of its container ports to numbers."""

    ref: Ref
    labels: Mapping[str, str]
    addresses: tuple[str, ...]
    port_names: Mapping[str, int]
    host_network: bool


@dataclass(frozen=True, slots=True)
class Port:
    """A port on the far end. `number` None: any."""

    number: int | None
    protocol: str = "TCP"


@dataclass(frozen=True, slots=True)
class Flow:
    """One connection that somebody wants to make."""

    source: Party
    target: Party
    port: Port

    def isolated(self, direction: Direction) -> Party:
        """The end whose policies decide in this direction."""
        return self.source if direction == "egress" else self.target

    def peer(self, direction: Direction) -> Party:
        return self.target if direction == "egress" else self.source


def party(view: View, workload: Ref) -> Party:
    spec = view.pod_spec(workload)
    statuses = [p.get("status") or {} for p in view.pods_of(workload)]
    ports = [p for c in spec.get("containers") or () for p in c.get("ports") or ()]
    return Party(
        workload,
        view.template_labels(workload),
        tuple(s["podIP"] for s in statuses if s.get("podIP")),
        {p["name"]: p["containerPort"] for p in ports if p.get("name") and p.get("containerPort")},
        bool(spec.get("hostNetwork")),
    )


def policies_on(view: View, end: Party, direction: Direction) -> list[JsonObject]:
    """Policies that isolate a workload in one direction; pods on the host network are never isolated."""
    if end.host_network:
        return []
    policies = view.once(_policies).get(end.ref.namespace, ())
    return [p for p in policies if direction in policy_types(p) and _selects(p, end.labels)]


def _policies(view: View) -> dict[str, list[JsonObject]]:
    index: dict[str, list[JsonObject]] = defaultdict(list)
    for policy in view.cluster.list("NetworkPolicy"):
        index[ref_of(policy).namespace].append(policy)
    return index


def policy_types(policy: JsonObject) -> set[str]:
    """Lower-case policy types; unset means ingress, and egress too when there are egress rules."""
    spec = policy.get("spec") or {}
    types = spec.get("policyTypes")
    if types:
        return {str(t).lower() for t in types}
    return {"ingress", "egress"} if spec.get("egress") else {"ingress"}


def _selects(policy: JsonObject, labels: Mapping[str, str]) -> bool:
    return _matches((policy.get("spec") or {}).get("podSelector") or {}, labels)


def _matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    return not selector or matches_selector(selector, labels)


def rules_of(policy: JsonObject, direction: Direction) -> list[JsonObject]:
    return (policy.get("spec") or {}).get(direction) or []


def blocking(view: View, flow: Flow) -> tuple[Direction, list[JsonObject]] | None:
    """The direction in which a connection is dropped and the policies that isolate there; None: it passes."""
    for direction in DIRECTIONS:
        policies = policies_on(view, flow.isolated(direction), direction)
        if policies and not any(
            rule_admits(view, policy, rule, direction, flow.peer(direction))
            and rule_opens(rule, flow.target, flow.port)
            for policy in policies
            for rule in rules_of(policy, direction)
        ):
            return direction, policies
    return None


def peers_of(rule: JsonObject, direction: Direction) -> list[JsonObject]:
    return rule.get("from" if direction == "ingress" else "to") or []


def rule_admits(view: View, policy: JsonObject, rule: JsonObject, direction: Direction, peer: Party) -> bool:
    """Whether a rule's peers include this one; a rule without peers is for everyone."""
    peers = peers_of(rule, direction)
    return not peers or any(_is_peer(view, policy, spec, peer) for spec in peers)


def _is_peer(view: View, policy: JsonObject, spec: JsonObject, peer: Party) -> bool:
    if spec.get("ipBlock"):
        return any(in_block(spec["ipBlock"], a) for a in peer.addresses)
    namespace_selector, pod_selector = spec.get("namespaceSelector"), spec.get("podSelector")
    if namespace_selector is None:
        if peer.ref.namespace != ref_of(policy).namespace:
            return False
    elif not _matches(namespace_selector, namespace_labels(view, peer.ref.namespace)):
        return False
    return pod_selector is None or _matches(pod_selector, peer.labels)


def namespace_labels(view: View, namespace: str) -> dict[str, str]:
    found = view.get("Namespace", "", namespace)
    return {NAMESPACE_NAME: namespace, **labels_of(found or {})}


def in_block(block: JsonObject, address: str) -> bool:
    """Whether an ipBlock covers an address; a malformed one covers nothing."""
    try:
        ip = ipaddress.ip_address(address)
        inside = ip in ipaddress.ip_network(block.get("cidr", ""), strict=False)
        return inside and not any(
            ip in ipaddress.ip_network(e, strict=False) for e in block.get("except") or ()
        )
    except ValueError:
        return False


def rule_opens(rule: JsonObject, target: Party, port: Port) -> bool:
    """Whether a rule's ports include this one; a rule without ports opens all."""
    ports = rule.get("ports") or []
    return not ports or any(_is_port(spec, target, port) for spec in ports)


def _is_port(spec: JsonObject, target: Party, port: Port) -> bool:
    if (spec.get("protocol") or "TCP") != port.protocol:
        return False
    wanted = spec.get("port")
    if wanted is None or port.number is None:
        return True
    if isinstance(wanted, str):
        return target.port_names.get(wanted) == port.number
    return bool(wanted <= port.number <= (spec.get("endPort") or wanted))


def at_fault(
    view: View, policies: Iterable[JsonObject], direction: Direction, peer: Party
) -> tuple[JsonObject, str]:
    """The policy to change, and why: one that was meant to allow the peer, else the one that denies all."""
    policies = sorted(
        policies, key=lambda p: (p.get("metadata") or {}).get("creationTimestamp") or "", reverse=True
    )
    for policy in policies:
        for rule in rules_of(policy, direction):
            if rule_admits(view, policy, rule, direction, peer):
                return policy, "it admits them, but not on that port"
    for policy in policies:
        for spec in (s for rule in rules_of(policy, direction) for s in peers_of(rule, direction)):
            difference = _nearly(view, spec, peer)
            if difference:
                return policy, difference
    denies = [p for p in policies if not rules_of(p, direction)]
    chosen = (denies or policies)[0]
    return chosen, "it allows nothing" if denies else "none of its rules admits them"


def _nearly(view: View, spec: JsonObject, peer: Party) -> str:
    pods, namespaces = _plain(spec.get("podSelector")), _plain(spec.get("namespaceSelector"))
    difference = selector_distance(pods, peer.labels) if pods else ""
    if difference:
        return f"its podSelector asks for {_pairs(pods)}, the pods have {difference}"
    have = namespace_labels(view, peer.ref.namespace)
    if selector_distance(namespaces, have) and _matches(spec.get("podSelector") or {}, peer.labels):
        return (
            f"its namespaceSelector asks for {_pairs(namespaces)}, which namespace {peer.ref.namespace} lacks"
        )
    if pods and spec.get("namespaceSelector") is None and _matches(pods, peer.labels):
        return "its podSelector, without a namespaceSelector, admits pods of its own namespace only"
    return ""


def _plain(selector: JsonObject | None) -> dict[str, str]:
    labels = (selector or {}).get("matchLabels") or {}
    return {k: v for k, v in labels.items() if isinstance(v, str)}


def _pairs(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{k}={v}" for k, v in labels.items())
