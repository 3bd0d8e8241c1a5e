"""What NetworkPolicies cut off: callers from what they call, pods from DNS, Services from everybody.

A policy is reported only where it hits a connection that somebody makes, or denies all to pods that a
Service selects: policies are there to drop traffic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kubelore.analysis.backends import selected_workloads, selector_of, services_selecting, troubled
from kubelore.analysis.calls import Call, calls_of
from kubelore.analysis.components import names
from kubelore.analysis.ingress import backends_of
from kubelore.analysis.logsample import TIMED_OUT, UNRESOLVED, LogSample
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject
from kubelore.analysis.traffic import (
    Flow,
    Party,
    Port,
    at_fault,
    blocking,
    in_block,
    party,
    peers_of,
    policies_on,
    rule_admits,
    rule_opens,
    rules_of,
)
from kubelore.analysis.view import View, ref_of
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity

UNSEEN_DNS = Party(Ref("Pod", "kube-system", "dns"), {"k8s-app": "kube-dns"}, (), {}, host_network=False)
"""Stands for DNS servers that no Service selects."""
NODE_LOCAL_DNS = "169.254.20.10"
NAME_LABELS = ("app.kubernetes.io/name", "app", "k8s-app", "name", "istio")


@dataclass(frozen=True, slots=True)
class Block:
    """A connection that policies drop. `hurt` is the workload that notices."""

    policy: JsonObject
    direction: str
    hurt: Ref
    isolated: Ref
    why: str
    service: Ref | None = None
    port: int | None = None

    def facts(self) -> list[Fact]:
        policy = ref_of(self.policy)
        params: dict[str, str | int] = {"policy": policy.name, "port": self.port or ""}
        if self.service is not None:
            params |= {"service": self.service.name, "service_namespace": self.service.namespace}
        hurt = dict.fromkeys((self.hurt, self.isolated))
        return [
            Subject(policy).fact("networkpolicy.blocks", self.direction, self.sentence(), **params),
            *(
                Subject(w, policy).fact("network.blocked", self.direction, self.sentence(), **params)
                for w in hurt
            ),
        ]

    def sentence(self) -> str:
        if self.direction == "dns":
            return f"{ref_of(self.policy)} keeps {self.hurt} from DNS (port 53): {self.why}."
        to = f" to {self.service}" if self.service else ""
        dropped = f"{ref_of(self.policy)} drops {self.direction} of {self.isolated}"
        return f"{dropped}, so {self.hurt} cannot connect{to}: {self.why}."


# -- what is blocked ----------------------------------------------------------------------------
def blocks_of(view: View, workload: Ref) -> list[Block]:
    """What policies cut the workload off from, as caller and as called."""
    return view.once(_blocks_by_workload).get(workload, [])


def _blocks_by_workload(view: View) -> dict[Ref, list[Block]]:
    index: dict[Ref, list[Block]] = {}
    if not view.cluster.list("NetworkPolicy"):
        return index
    for workload in view.workloads():
        for block in [*_blocked_calls(view, workload), *_blocked_dns(view, workload)]:
            for end in dict.fromkeys((block.hurt, block.isolated)):
                index.setdefault(end, []).append(block)
    return index


def _blocked_calls(view: View, caller: Ref) -> Iterator[Block]:
    source = party(view, caller)
    if source.host_network:
        return
    for call in calls_of(view, caller):
        service = view.find(call.service) if call.service else None
        for flow in _flows(view, source, call, service) if service else ():
            block = _block(view, flow, call.service)
            if block is not None:
                yield block
                break


def _flows(view: View, source: Party, call: Call, service: JsonObject) -> Iterator[Flow]:
    for workload in selected_workloads(view, service):
        target = party(view, workload)
        for port in _target_ports(service, call.target.port, target):
            yield Flow(source, target, port)


def _target_ports(service: JsonObject, port: int | None, target: Party) -> list[Port]:
    """Where on the pods a call to the Service's port arrives; the first port when the call names none."""
    ports = (service.get("spec") or {}).get("ports") or []
    chosen = [p for p in ports if p.get("port") == port] or (ports[:1] if port is None else [])
    found = []
    for p in chosen:
        number = p.get("targetPort") or p.get("port")
        number = target.port_names.get(number) if isinstance(number, str) else number
        found.append(Port(number, p.get("protocol") or "TCP"))
    return found or [Port(port)]


def _block(view: View, flow: Flow, service: Ref | None) -> Block | None:
    dropped = blocking(view, flow)
    if dropped is None:
        return None
    direction, policies = dropped
    policy, why = at_fault(view, policies, direction, flow.peer(direction))
    isolated = flow.isolated(direction).ref
    return Block(policy, direction, flow.source.ref, isolated, why, service, flow.port.number)


def _blocked_dns(view: View, workload: Ref) -> Iterator[Block]:
    """A workload that calls by name needs port 53."""
    source = party(view, workload)
    policies = policies_on(view, source, "egress")
    if not policies or not any(not c.target.host[:1].isdigit() for c in calls_of(view, workload)):
        return
    servers = view.once(_dns_servers)
    if not any(_lets_dns(view, p, r, servers) for p in policies for r in rules_of(p, "egress")):
        peer = servers[0] if servers else source
        policy, why = (
            at_fault(view, policies, "egress", peer) if servers else (policies[0], "no rule opens it")
        )
        yield Block(policy, "dns", workload, workload, why, port=53)


def _dns_servers(view: View) -> list[Party]:
    found = []
    for service in view.all("Service", "kube-system"):
        ports = (service.get("spec") or {}).get("ports") or ()
        if any(p.get("port") == 53 for p in ports) and selector_of(service):
            found += [party(view, w) for w in selected_workloads(view, service)]
    return found


def _lets_dns(view: View, policy: JsonObject, rule: JsonObject, servers: list[Party]) -> bool:
    peers = peers_of(rule, "egress")
    if not servers and any(p.get("port") in {53, "dns"} or p.get("endPort") for p in rule.get("ports") or ()):
        return True  # whoever answers DNS here, the rule is meant for it
    elsewhere = any(in_block(p.get("ipBlock") or {}, NODE_LOCAL_DNS) for p in peers)
    return any(
        (elsewhere or rule_admits(view, policy, rule, "egress", s)) and _opens_dns(rule, s)
        for s in servers or [UNSEEN_DNS]
    )


def _opens_dns(rule: JsonObject, server: Party) -> bool:
    """Policies see the pod's own port, which is not always 53."""
    numbers = {53, *(n for name, n in server.port_names.items() if name.startswith("dns"))}
    return any(rule_opens(rule, server, Port(n, "UDP")) for n in numbers)


# -- analyzers ----------------------------------------------------------------------------------
@check(
    "network_policies", "NetworkPolicy", "Service", "Pod", "Deployment", "Namespace", "ConfigMap", "Ingress"
)
def cutting_policies(view: View, namespace: str | None) -> Iterable[Finding]:
    """Policies that drop connections which workloads make, or that leave a Service without any client."""
    found: dict[tuple[Ref, str], list[Block]] = {}
    for workload in view.workloads():
        for block in blocks_of(view, workload):
            found.setdefault((ref_of(block.policy), block.direction), []).append(block)
    for (policy, _), blocks in found.items():
        if namespace in (None, policy.namespace, blocks[0].hurt.namespace):
            yield _finding(view, policy, list({b.hurt: b for b in blocks}.values()))
    reported = {b.isolated for blocks in found.values() for b in blocks if b.direction == "ingress"}
    yield from _unreachable(view, namespace, reported)


def _finding(view: View, policy: Ref, blocks: list[Block]) -> Finding:
    felt = any(troubled(view, b.hurt) or _times_out(view, b) for b in blocks)
    severity = Severity.CRITICAL if felt else Severity.WARNING
    who = ", ".join(str(b.hurt) for b in blocks[:3])
    to = next(
        (f" from {b.service}" for b in blocks if b.service), " from DNS" if blocks[0].port == 53 else ""
    )
    what = f"cuts off {who}{to} ({blocks[0].direction}): {blocks[0].why}"
    return Finding(severity, policy, what, tuple(f for b in blocks for f in b.facts()), "network_policies")


def _times_out(view: View, block: Block) -> bool:
    calls = calls_of(view, block.hurt)
    services = (view.find(c.service) or {} for c in calls if c.service)
    hosts = {c.target.host for c in calls} | {str((s.get("spec") or {}).get("clusterIP")) for s in services}
    return view.once(LogSample).fails(block.hurt, TIMED_OUT | UNRESOLVED, hosts)


def _unreachable(view: View, namespace: str | None, reported: set[Ref]) -> Iterator[Finding]:
    for name in sorted({ref_of(p).namespace for p in view.all("NetworkPolicy", namespace)}):
        for workload in view.workloads(name):
            if workload in reported or workload.kind in {"Job", "CronJob"}:
                continue
            block = _cut_off(view, workload)
            if block is not None:
                what = f"drops all that comes to {workload}, which a Service selects: {block.why}"
                facts = tuple(block.facts())
                yield Finding(Severity.WARNING, ref_of(block.policy), what, facts, "network_policies")


def _cut_off(view: View, workload: Ref) -> Block | None:
    """The policy that leaves a workload behind a Service, or an Ingress, without any client."""
    target = party(view, workload)
    policies = policies_on(view, target, "ingress")
    services = services_selecting(view, workload)
    if not policies or not services:
        return None
    service = ref_of(services[0])
    if not any(ref_of(p) in view.once(_admitting) for p in policies):
        denies = [p for p in policies if not rules_of(p, "ingress")]
        why = "it allows nothing" if denies else "nothing in the cluster matches its rules"
        return Block((denies or policies)[0], "ingress", workload, workload, why, service)
    routed = view.once(_routed_services)
    behind = next((ref_of(s) for s in services if ref_of(s) in routed), None)
    controllers = view.once(_ingress_controllers) if behind else []
    flows = [Flow(c, target, p) for c in controllers for p in _target_ports(services[0], None, target)]
    blocked = [_block(view, f, behind) for f in flows]
    return blocked[0] if blocked and all(blocked) else None


def _admitting(view: View) -> set[Ref]:
    """Policies with an ingress rule for an address range, everybody, or a workload that exists."""
    policies = view.cluster.list("NetworkPolicy")
    return {ref_of(p) for p in policies if any(_admits_someone(view, p, r) for r in rules_of(p, "ingress"))}


def _admits_someone(view: View, policy: JsonObject, rule: JsonObject) -> bool:
    peers = peers_of(rule, "ingress")
    if not peers or any(p.get("ipBlock") for p in peers):
        return True
    return any(rule_admits(view, policy, rule, "ingress", end) for end in view.once(_parties))


def _parties(view: View) -> list[Party]:
    return [party(view, w) for w in view.workloads()]


def _routed_services(view: View) -> set[Ref]:
    return {b.service for ingress in view.cluster.list("Ingress") for b in backends_of(ingress)}


def _ingress_controllers(view: View) -> list[Party]:
    controllers = names().ingress_controllers
    return [
        end for end in view.once(_parties)
        if not end.host_network and any(end.labels.get(k) in controllers for k in NAME_LABELS)
    ]  # fmt: skip


def policy_facts(view: View, policy: JsonObject) -> list[Fact]:
    """What one NetworkPolicy blocks, as facts about it and the workloads it hits."""
    ref = ref_of(policy)
    workloads = view.workloads()
    blocks = [b for w in workloads for b in blocks_of(view, w) if ref_of(b.policy) == ref]
    cut = (_cut_off(view, w) for w in view.workloads(ref.namespace)) if not blocks else ()
    blocks += [b for b in cut if b is not None and ref_of(b.policy) == ref]
    return list({(f.name, f.about): f for b in blocks for f in b.facts()}.values())


def blocked_facts(view: View, workload: Ref) -> list[Fact]:
    """What policies cut the workload off from, as facts."""
    return list({(f.name, f.about): f for b in blocks_of(view, workload) for f in b.facts()}.values())
