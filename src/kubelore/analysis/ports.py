"""Whether a Service's target port is open on the pods it selects.

containerPorts are informative only: a program may listen on a port that nothing declares. So an
undeclared port is called not open only when other signs agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from kubelore.analysis.backends import pod_state, port_was_resolved, selected_pods, selected_workloads
from kubelore.analysis.calls import callers_of
from kubelore.analysis.logsample import REFUSED, LogSample
from kubelore.analysis.targets import environment
from kubelore.analysis.view import View, ref_of
from kubelore.types import JsonObject

Verdict = Literal["declared", "open", "undeclared", "not-open", "name-missing"]
"""open: undeclared and still in use; undeclared: nothing more is known."""

MAX_READ = 2
"""Workloads on either side of a Service whose logs are read."""

_PORT_VARIABLE = re.compile(r"(?:(?:HTTP|SERVER|LISTEN|APP|SERVICE|WEB|GRPC|API)_)?(?:LISTEN_)?PORT")
_PORT_ARGUMENT = re.compile(
    r"(?:^|[\s\"'])--?(?:p|port|http-port|listen-port|server-port|server\.port|listen|bind|addr|address|"
    r"listen-address|bind-address|http|web\.listen-address)[=\s]\s*\"?(?:[\w.\-]*:)?(\d{2,5})\b"
)


@dataclass(frozen=True, slots=True)
class PortJudgement:
    """One port of one Service. `sure`: more than a missing declaration speaks against it."""

    port: int
    target: str
    protocol: str
    verdict: Verdict = "undeclared"
    mismatch: bool = False
    """Declared, but with another protocol only."""
    sure: bool = False
    container_port: str = ""
    """What the pods have instead, for the fix."""
    why: str = ""


def judge_ports(view: View, service: JsonObject) -> list[PortJudgement]:
    """All ports of a Service that selects pods; [] for headless and ExternalName Services."""
    spec = service.get("spec") or {}
    if spec.get("clusterIP") == "None" or spec.get("type") == "ExternalName":
        return []
    specs = _pod_specs(view, service)
    if not specs:
        return []
    ports = spec.get("ports") or []
    return [_judge(view, service, port, ports, specs) for port in ports]


def _pod_specs(view: View, service: JsonObject) -> list[JsonObject]:
    """One pod spec for each revision it selects; the templates when there are no pods."""
    by_owner = {view.controller(p) or ref_of(p): p.get("spec") or {} for p in selected_pods(view, service)}
    return list(by_owner.values()) or [view.pod_spec(w) for w in selected_workloads(view, service)]


def _judge(
    view: View, service: JsonObject, port: JsonObject, ports: list[JsonObject], specs: list[JsonObject]
) -> PortJudgement:
    found = PortJudgement(port.get("port", 0), _target(port), _protocol(port))
    target, protocol = found.target, found.protocol
    declared = [d for s in specs for d in _declared(s)]
    same = [d for d in declared if _protocol(d) == protocol]
    if any(target in _names(d) for d in same):
        return replace(found, verdict="declared")
    others = {_protocol(d) for d in declared if target in _names(d)}
    if others:
        # A port served in both protocols is often declared once.
        covered = any(_target(p) == target and _protocol(p) in others for p in ports)
        why = f"the pods declare port {target} as {'/'.join(sorted(others))}"
        return replace(found, verdict="declared", mismatch=not covered, why=why)
    if target.isdigit():
        return _judge_undeclared(view, service, found, ports, specs)
    if len(ports) == 1 and port_was_resolved(view, service):
        return replace(found, verdict="declared")
    have = ", ".join(sorted({d["name"] for d in same if d.get("name")})) or "none"
    why = f"no container port of its pods is named {target} (named ports: {have})"
    return replace(found, verdict="name-missing", container_port=_first(same), why=why)


def _judge_undeclared(
    view: View, service: JsonObject, found: PortJudgement, ports: list[JsonObject], specs: list[JsonObject]
) -> PortJudgement:
    probed = _passing_probe_ports(view, service)
    hinted = _hinted_ports(view, ref_of(service).namespace, specs)
    same = [[d for d in _declared(s) if _protocol(d) == found.protocol] for s in specs]
    declared = {str(d.get("containerPort")) for ds in same for d in ds}
    # Beside a port that is open, an undeclared one is most likely just not written down.
    if any(_target(p) in declared | probed | hinted or not _target(p).isdigit() for p in ports):
        return replace(found, verdict="open")
    signs = []
    if all(same):
        signs.append(f"its pods declare {', '.join(sorted(declared))}")
    if hinted:
        signs.append(f"their command or environment says {', '.join(sorted(hinted))}")
    if not signs:
        return found
    if probed:
        signs.append(f"probes pass on {', '.join(sorted(probed))}")
    instead = _first([d for ds in same for d in ds]) or min(hinted, default="")
    sure = len(signs) > 1
    return replace(found, verdict="not-open", sure=sure, container_port=instead, why="; ".join(signs))


def confirm_by_logs(view: View, service: JsonObject, port: PortJudgement) -> PortJudgement:
    """What the pods' logs say they listen on, and whether callers are refused, decides a doubtful case."""
    if port.verdict not in {"undeclared", "not-open"} or port.sure or not port.target.isdigit():
        return port
    sample, ref = view.once(LogSample), ref_of(service)
    heard = {n for w in selected_workloads(view, service)[:MAX_READ] for n in sample.listens_on(w)}
    if int(port.target) in heard:
        return replace(port, verdict="open", why="")
    signs = [port.why] if port.why else []
    if heard:
        signs.append(f"its pods say that they listen on {', '.join(map(str, sorted(heard)))}")
    cluster_ip = (service.get("spec") or {}).get("clusterIP") or ""
    for call in callers_of(view, ref)[:MAX_READ]:
        if call.port_served and sample.fails(call.caller, REFUSED, {call.target.host, ref.name, cluster_ip}):
            signs.append(f"{call.caller} is refused")
            break
    if len(signs) <= bool(port.why):
        return port
    instead = port.container_port or (str(min(heard)) if heard else "")
    return replace(port, verdict="not-open", sure=True, container_port=instead, why="; ".join(signs))


def _protocol(port: JsonObject) -> str:
    return str(port.get("protocol") or "TCP")


def _target(port: JsonObject) -> str:
    target = port.get("targetPort")
    return str(port.get("port") if target in (None, "", 0) else target)


def _containers(spec: JsonObject) -> Iterator[JsonObject]:
    yield from spec.get("containers") or ()
    yield from (c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always")


def _declared(spec: JsonObject) -> list[JsonObject]:
    return [port for c in _containers(spec) for port in c.get("ports") or ()]


def _names(declared: JsonObject) -> set[str]:
    return {str(declared.get("name") or ""), str(declared.get("containerPort"))}


def _first(declared: list[JsonObject]) -> str:
    return str(declared[0].get("containerPort")) if declared else ""


def _passing_probe_ports(view: View, service: JsonObject) -> set[str]:
    """Ports on which a probe of a ready pod succeeds: something listens there."""
    found: set[str] = set()
    for pod in selected_pods(view, service):
        if pod_state(pod) != "ready":
            continue
        for container in _containers(pod.get("spec") or {}):
            names = {p.get("name"): str(p.get("containerPort")) for p in container.get("ports") or ()}
            for kind in ("readinessProbe", "livenessProbe", "startupProbe"):
                probe = container.get(kind) or {}
                action = probe.get("httpGet") or probe.get("tcpSocket") or probe.get("grpc") or {}
                if action.get("port"):
                    found.add(names.get(action["port"], str(action["port"])))
    return found


def _hinted_ports(view: View, namespace: str, specs: Iterable[JsonObject]) -> set[str]:
    """Ports that commands and environment tell the programs to listen on."""
    found: set[str] = set()
    for spec in specs:
        for container in _containers(spec):
            for key, value in environment(view, namespace, container).items():
                if _PORT_VARIABLE.fullmatch(key) and value.isdigit():
                    found.add(value)
            words = [*(container.get("command") or ()), *(container.get("args") or ())]
            found.update(_PORT_ARGUMENT.findall("\n".join(str(w) for w in words)[:4096]))
    return found
