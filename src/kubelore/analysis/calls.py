"""Whom each workload calls, by Kubernetes' rules of names, and whether that can be reached."""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from kubelore.analysis.backends import addresses_of, has_run, selected_workloads, services_selecting, troubled
from kubelore.analysis.logsample import REFUSED, TIMED_OUT, UNRESOLVED, LogSample
from kubelore.analysis.near import closest
from kubelore.analysis.programs import is_database_port, runs_database
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject
from kubelore.analysis.targets import Target, parse_target, targets_of
from kubelore.analysis.view import View, ref_of
from kubelore.types import Edge, Fact, Finding, JsonObject, Ref, Severity

SYSTEM_NAMESPACES = {"kube-system", "kube-public", "kube-node-lease"}

_SETTING = re.compile(r"env (?P<setting>\S+) of container (?P<container>\S+)")

Reach = Literal["ok", "no-endpoints", "missing", "external", "unknown"]


@dataclass(frozen=True, slots=True)
class Call:
    """One address a workload names, resolved. `service` is set when the name is one of this cluster,
    whether the Service exists or not; `unknown`: what is needed to tell could not be read."""

    caller: Ref
    target: Target
    reach: Reach
    service: Ref | None = None
    port_served: bool | None = None
    like: str = ""
    """A Service of the same namespace that was probably meant."""
    elsewhere: str = ""
    """A namespace that has a Service of this name, where the one asked has not."""
    database: bool = False

    @property
    def broken(self) -> bool:
        return self.reach in {"missing", "no-endpoints"} or self.port_served is False


def resolve(view: View, caller: Ref, target: Target) -> Call | None:
    """What the address is in this cluster; None when it is not sure to be one and no Service has the name."""
    if _is_ip(target.host):
        service = view.once(_services_by_ip).get(target.host)
        return _reached(view, caller, target, service) if service else Call(caller, target, "external")
    if target.host in _host_aliases(view, caller):
        return Call(caller, target, "external")
    name = _service_name(view, caller.namespace, target.host)
    if name is None:
        return Call(caller, target, "external") if target.sure else None
    found = view.find(name)
    if found is not None:
        return _reached(view, caller, target, found)
    if not target.sure:
        return None
    if view.exists("Service", name.namespace, name.name) is None or not _namespace_known(view, caller, name):
        return Call(caller, target, "unknown", name)
    return _missing(view, caller, target, name)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _services_by_ip(view: View) -> dict[str, JsonObject]:
    index: dict[str, JsonObject] = {}
    for service in view.cluster.list("Service"):
        spec = service.get("spec") or {}
        for address in (
            spec.get("clusterIP"),
            *(spec.get("clusterIPs") or ()),
            *(spec.get("externalIPs") or ()),
        ):
            if address and address != "None":
                index[address] = service
    return index


def _host_aliases(view: View, caller: Ref) -> set[str]:
    aliases = view.pod_spec(caller).get("hostAliases") or ()
    return {name for alias in aliases for name in alias.get("hostnames") or ()}


def _service_name(view: View, namespace: str, host: str) -> Ref | None:
    """The Service a host name means inside the cluster, existing or not; None for a name outside."""
    labels = host.split(".")
    if "svc" in labels[2:4]:
        at = labels.index("svc", 2)
        return Ref("Service", labels[at - 1], labels[at - 2])
    if len(labels) == 1:
        return Ref("Service", namespace, host)
    if len(labels) > 3:
        return None
    # a.b is Service a of namespace b, or pod a of the headless Service b; a.b.c likewise with a namespace.
    direct = Ref("Service", labels[1], labels[0])
    of_pod = Ref("Service", labels[2] if len(labels) == 3 else namespace, labels[1])
    if len(labels) == 2 and (view.find(direct) or view.get("Namespace", "", labels[1])):
        return direct
    if view.find(of_pod):
        return of_pod
    if len(labels) == 2 and view.once(_namespaces_by_service).get(labels[0]):
        return direct
    return None


def _namespaces_by_service(view: View) -> dict[str, list[str]]:
    index: dict[str, list[str]] = defaultdict(list)
    for service in view.cluster.list("Service"):
        ref = ref_of(service)
        index[ref.name].append(ref.namespace)
    return index


def _namespace_known(view: View, caller: Ref, name: Ref) -> bool:
    """Whether Services of that namespace were read: a cluster read for one namespace shows no others."""
    if name.namespace == caller.namespace:
        return True
    return view.cluster.readable("Namespace")


def _reached(view: View, caller: Ref, target: Target, service: JsonObject) -> Call:
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return Call(caller, target, "external", ref_of(service))
    ports = {p.get("port") for p in spec.get("ports") or ()}
    # Through a headless Service a client speaks to the pods themselves, on whatever port they have.
    judged = target.port is not None and spec.get("clusterIP") != "None" and bool(ports)
    addresses = addresses_of(view, service)
    reach: Reach = "ok" if addresses.ready else "no-endpoints" if addresses.known else "unknown"
    served = target.port in ports if judged else None
    return Call(
        caller, target, reach, ref_of(service), served, database=_is_database(view, service, target.port)
    )


def _is_database(view: View, service: JsonObject, port: int | None) -> bool:
    ports = [port, *(p.get("port") for p in (service.get("spec") or {}).get("ports") or ())]
    behind = (view.pod_spec(workload) for workload in selected_workloads(view, service))
    return any(map(is_database_port, ports)) or any(map(runs_database, behind))


def _missing(view: View, caller: Ref, target: Target, name: Ref) -> Call:
    others = [n for n in view.once(_namespaces_by_service).get(name.name, ()) if n != name.namespace]
    siblings = (ref_of(s).name for s in view.all("Service", name.namespace))
    namesakes = {w.name for w in view.workloads(name.namespace)}  # it is the Service that is missing
    return Call(
        caller,
        target,
        "missing",
        name,
        like="" if others or name.name in namesakes else closest(name.name, siblings),
        elsewhere=min(others, default=""),
    )


# -- indices ------------------------------------------------------------------------------------
def calls_of(view: View, workload: Ref) -> list[Call]:
    """The calls that the workload's settings and commands name."""
    return view.once(_calls_by_caller).get(workload, [])


def callers_of(view: View, service: Ref) -> list[Call]:
    return view.once(_calls_by_service).get(service, [])


def _calls_by_caller(view: View) -> dict[Ref, list[Call]]:
    index: dict[Ref, list[Call]] = {}
    for workload in view.workloads():
        resolved = (resolve(view, workload, t) for t in targets_of(view, workload))
        # Its own name in its settings is no call.
        own = {ref_of(s) for s in services_selecting(view, workload)}
        index[workload] = [c for c in resolved if c is not None and c.service not in own]
    return index


def _calls_by_service(view: View) -> dict[Ref, list[Call]]:
    index: dict[Ref, list[Call]] = defaultdict(list)
    for calls in view.once(_calls_by_caller).values():
        for call in calls:
            if call.service is not None:
                index[call.service].append(call)
    return index


def call_edges(view: View, workload: Ref, targets: Iterable[str] = ()) -> list[Edge]:
    """Edges to the Services, existing or not, and the hosts (`Host//name`) that the workload calls."""
    calls = [*_from_texts(view, workload, targets), *calls_of(view, workload)]
    ends = dict.fromkeys(c.service or Ref("Host", "", c.target.host) for c in calls)
    return [Edge("calls", workload, end) for end in ends]


# -- facts --------------------------------------------------------------------------------------
def call_facts(view: View, workload: Ref, targets: Iterable[str] = ()) -> list[Fact]:
    """What the workload's calls reach. `targets` are failing addresses from its log (host, host:port or
    URL); what the settings name besides is told when it is broken, or when there are no targets."""
    logged, named = _from_texts(view, workload, targets), calls_of(view, workload)
    broken = [c for c in named if c.broken]
    shown = [*logged, *broken] if logged else (broken or list(named))
    facts = {(f.key, f.value, f.about): f for c in reversed(shown) for f in _facts(c)}
    missed = {c.service for c in logged}
    unused = {c.service for c in broken if c.reach == "missing"} - missed if logged else set()
    found = [
        Subject(s, workload).fact("service.missed", "not-in-log", _unused(workload, s)) for s in unused if s
    ]
    return [*reversed(facts.values()), *found]


def _unused(caller: Ref, service: Ref) -> str:
    return f"{caller} names {service} in its settings; its log complains of others."


def _from_texts(view: View, workload: Ref, texts: Iterable[str]) -> list[Call]:
    parsed = (parse_target(text) for text in texts)
    resolved = (
        resolve(view, workload, t) for t in parsed if t is not None and not _relayed(view, workload, t)
    )
    return [c for c in resolved if c is not None]


def _relayed(view: View, workload: Ref, target: Target) -> bool:
    """Whether only others are set up to call this address: then the log repeats the error of one of them."""
    address = (target.host, target.port)
    named = {
        w for w, calls in view.once(_calls_by_caller).items() if any(address == _address(c) for c in calls)
    }
    return bool(named) and workload not in named


def _address(call: Call) -> tuple[str, int | None]:
    return call.target.host, call.target.port


def _facts(call: Call) -> Iterator[Fact]:
    if call.reach == "unknown":
        return
    about, target, service = Subject(call.caller), call.target, call.service
    params: dict[str, str | int] = {"host": target.host, "port": target.port or ""}
    if told := _SETTING.fullmatch(target.where):
        params |= told.groupdict()
    if service is not None:
        params |= {"service": service.name, "service_namespace": service.namespace}
    yield about.fact("dependency.service", call.reach, _sentence(call), **params)
    if call.database or is_database_port(target.port):
        yield about.fact("dependency.kind", "database", f"{target.host} is a database.", **params)
    if call.port_served is not None:
        value = "served" if call.port_served else "not-served"
        yield about.fact("dependency.port", value, _port_sentence(call), **params)
        if not call.port_served and service is not None:
            yield Subject(service, call.caller).fact(
                "service.port", "not-served", _port_sentence(call), **params
            )
    if call.reach != "missing" or service is None:
        return
    yield Subject(service, call.caller).fact("service.exists", "no", _sentence(call), **params)
    if call.elsewhere:
        detail = f"Service {service.name} exists in namespace {call.elsewhere}, not in {service.namespace}."
        yield about.fact("dependency.namespace", "other-has-it", detail, **params)
    if call.like:
        detail = f"No Service is called {service.name}; one is called {call.like}."
        yield about.fact("dependency.name", "near-miss", detail, **params)


def _sentence(call: Call) -> str:
    address = f"{call.target.host}:{call.target.port}" if call.target.port else call.target.host
    what = {
        "ok": f"which Service {call.service} answers",
        "no-endpoints": f"but Service {call.service} has no ready endpoints",
        "missing": f"but there is no {call.service}",
        "external": "which is outside of this cluster",
        "unknown": "which could not be checked",
    }[call.reach]
    return f"{call.caller} calls {address} ({call.target.where}), {what}."


def _port_sentence(call: Call) -> str:
    verb = "has" if call.port_served else "does not have"
    return (
        f"{call.caller} calls port {call.target.port} ({call.target.where}); {call.service} {verb} that port."
    )


# -- analyzer -----------------------------------------------------------------------------------
@check("calls", "Service", "EndpointSlice", "Endpoints", "ConfigMap", "Namespace", "Pod")
def broken_calls(view: View, namespace: str | None) -> Iterable[Finding]:
    """Callers in trouble whose settings name what does not answer; settings that are plainly mistyped; and
    calls that a log says fail and that cannot succeed.

    A setting that names an absent Service is no fault by itself: optional parts are often not installed.
    """
    for workload in view.workloads(namespace):
        told = set()
        for call in calls_of(view, workload):
            severity = _severity(view, call)
            if severity is not None:
                told.add(call.service)
                yield Finding(severity, workload, _what(call), tuple(_facts(call)), "calls")
        for call in _failing_calls(view, workload):
            if call.service not in told:
                told.add(call.service)
                yield Finding(Severity.CRITICAL, workload, _what(call), tuple(_facts(call)), "calls")


def _failing_calls(view: View, workload: Ref) -> list[Call]:
    sample, in_trouble = view.once(LogSample), troubled(view, workload)
    if workload.namespace in SYSTEM_NAMESPACES or not (sample.plenty or in_trouble):
        return []
    kinds = REFUSED | TIMED_OUT | UNRESOLVED
    targets = sample.failing_targets(workload, kinds, failing=in_trouble)
    return [call for call in _from_texts(view, workload, targets) if call.broken]


def _severity(view: View, call: Call) -> Severity | None:
    if not call.broken:
        return None
    in_trouble = troubled(view, call.caller) and has_run(view, call.caller)
    if in_trouble and call.reach != "missing":
        return Severity.CRITICAL
    if call.reach == "missing" and view.once(LogSample).fails(call.caller, UNRESOLVED, {call.target.host}):
        return Severity.CRITICAL
    mistyped = call.port_served is False or bool(call.like) or bool(call.elsewhere)
    return Severity.WARNING if in_trouble or mistyped else None


def _what(call: Call) -> str:
    address = f"{call.target.host}:{call.target.port}" if call.target.port else call.target.host
    if call.reach == "missing" and call.service is not None:
        hint = f"; did it mean {call.like}?" if call.like else ""
        if call.elsewhere:
            hint = f"; namespace {call.elsewhere} has one"
        return f"calls {address}, but namespace {call.service.namespace} has no such Service{hint}"
    if call.port_served is False:
        return f"calls {address}, but {call.service} does not have that port"
    return f"calls {address}, but {call.service} has no ready endpoints"
