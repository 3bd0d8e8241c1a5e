"""Services: whether anything answers behind them, and if not, why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta

from kubelore.analysis.autoscaling import target_of
from kubelore.analysis.backends import (
    addresses_of,
    desired_replicas,
    pod_state,
    selected_pods,
    selected_workloads,
    selector_of,
    services_selecting,
)
from kubelore.analysis.calls import callers_of
from kubelore.analysis.near import selector_distance
from kubelore.analysis.ports import PortJudgement, confirm_by_logs, judge_ports
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, labels_of, parse_time, ref_of
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity

STARTING = timedelta(seconds=60)
"""A pod younger than this may still become ready."""
PROVISIONING = timedelta(minutes=5)
"""What a cloud takes at most to give a load balancer an address."""
KNATIVE, KEDA = "serving.knative.dev/", "scaledobject.keda.sh/name"
"""Labels of what is scaled to zero on purpose, and of its autoscaler."""
BAD_PORTS = {"service.target_port=not-open", "service.target_port=name-missing", "service.protocol=mismatch"}
BATCH = {"Job", "CronJob"}
KINDS = (
    "Service",
    "EndpointSlice",
    "Endpoints",
    "Pod",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
)


def service_facts(view: View, service: JsonObject) -> list[Fact]:
    """All facts about one Service, healthy ones too."""
    return _facts(view, service, judge_ports(view, service))


def _facts(view: View, service: JsonObject, ports: list[PortJudgement]) -> list[Fact]:
    spec = service.get("spec") or {}
    subject = Subject(ref_of(service))
    if spec.get("type") == "ExternalName":
        detail = f"{subject.about} stands for the outside name {spec.get('externalName')}."
        return [subject.fact("service.external_name", "set", detail, host=spec.get("externalName", ""))]
    facts = [*_selector_facts(view, service), *_endpoint_facts(view, service)]
    facts += _backend_facts(view, service)
    facts += [fact for port in ports for fact in _port_facts(subject, port)]
    facts += _load_balancer_facts(view, service)
    return facts


# -- facts --------------------------------------------------------------------------------------
def _names(service: JsonObject) -> dict[str, str]:
    ref = ref_of(service)
    selector = ",".join(f"{k}={v}" for k, v in selector_of(service).items())
    return {"service": ref.name, "service_namespace": ref.namespace, "selector": selector}


def _endpoint_facts(view: View, service: JsonObject) -> Iterator[Fact]:
    addresses = addresses_of(view, service)
    if not addresses.known:
        return
    value = "some" if addresses.ready else "not-ready" if addresses.not_ready else "none"
    ref = ref_of(service)
    detail = f"{ref} has {addresses.ready} ready and {addresses.not_ready} not-ready addresses."
    yield Subject(ref).fact("service.endpoints", value, detail, **_names(service))


def _selector_facts(view: View, service: JsonObject) -> Iterator[Fact]:
    subject, names = Subject(ref_of(service)), _names(service)
    if not selector_of(service):
        yield subject.fact("service.selector", "empty", f"{subject.about} has no selector.", **names)
        return
    if selected_workloads(view, service):
        yield subject.fact("service.selector", "matches", f"{names['selector']} selects pods.", **names)
        return
    if not view.cluster.readable("Pod"):
        return
    near = nearest_workload(view, service)
    if near is None:
        detail = f"Nothing in namespace {subject.about.namespace} has the labels {names['selector']}."
        yield subject.fact("service.selector", "matches-nothing", detail, **names)
        return
    workload, label = near
    detail = f"{names['selector']} selects nothing; the pods of {workload} differ: {label}."
    label = label if "=" in label else ""
    yield subject.fact("service.selector", "near-miss", detail, label=label, **names)


def nearest_workload(view: View, service: JsonObject) -> tuple[Ref, str] | None:
    """The workload that a Service which selects nothing was likely meant for, and how its labels differ."""
    ref, selector = ref_of(service), selector_of(service)
    best: tuple[Ref, str] | None = None
    for workload in view.workloads(ref.namespace):
        if workload.kind in BATCH:
            continue
        labels = view.template_labels(workload)
        difference = selector_distance(selector, labels)
        if workload.name == ref.name:
            pairs = ", ".join(f"{k}={v}" for k, v in labels.items())
            return workload, difference or pairs or "they have no labels"
        if difference and best is None:
            best = workload, difference
    return best


def _backend_facts(view: View, service: JsonObject) -> Iterator[Fact]:
    value, detail = backend_state(view, service)
    if value:
        yield Subject(ref_of(service)).fact("service.backends", value, detail, **_names(service))


def backend_state(view: View, service: JsonObject) -> tuple[str, str]:
    """State of what it selects, as in the vocabulary, with a sentence; ("", "") when it selects nothing."""
    workloads = [w for w in selected_workloads(view, service) if w.kind not in BATCH]
    states = Counter(pod_state(p) for p in selected_pods(view, service))
    if not workloads:
        return "", ""
    who = ", ".join(str(w) for w in workloads[:3])
    if not states:
        replicas = [desired_replicas(view, w) for w in workloads]
        if any(r == 0 for r in replicas) and not any(replicas):
            return "zero-replicas", f"{who} is scaled to zero."
        return "pending", f"{who} has no pods."
    if states["ready"]:
        return "ready", f"{states['ready']} of {states.total()} pods of {who} are ready."
    worst = min(states, key=("crashing", "pending", "not-ready").index)
    return worst, f"None of {states.total()} pods of {who} is ready; {states[worst]} {worst}."


def _port_facts(subject: Subject, port: PortJudgement) -> Iterator[Fact]:
    if port.verdict in {"open", "undeclared"}:
        return
    params: dict[str, str | int] = {
        "service": subject.about.name,
        "service_namespace": subject.about.namespace,
        "port": port.port,
        "target_port": port.target,
        "container_port": port.container_port,
    }
    detail = f"{subject.about} sends port {port.port} to {port.target}" + (
        f"; {port.why}." if port.why else "."
    )
    if port.mismatch:
        yield subject.fact("service.protocol", "mismatch", f"{detail[:-1]}, not {port.protocol}.", **params)
    else:
        yield subject.fact("service.target_port", port.verdict, detail, **params)


def _load_balancer_facts(view: View, service: JsonObject) -> Iterator[Fact]:
    spec, status = service.get("spec") or {}, service.get("status") or {}
    if spec.get("type") != "LoadBalancer" or (status.get("loadBalancer") or {}).get("ingress"):
        return
    ref = ref_of(service)
    created = parse_time((service.get("metadata") or {}).get("creationTimestamp"))
    failed = [e for e in view.events_on(service) if e.type == "Warning" and "LoadBalancer" in e.reason]
    if failed:
        detail = f"{ref} gets no load balancer: {failed[-1].message[:200]}"
        yield Subject(ref).fact("service.load_balancer", "failed", detail, **_names(service))
    elif created is None or view.now - created > PROVISIONING:
        detail = f"{ref} is of type LoadBalancer and has no external address."
        yield Subject(ref).fact("service.load_balancer", "pending", detail, **_names(service))


# -- analyzers ----------------------------------------------------------------------------------
@check("services", *KINDS, "Event")
def broken_services(view: View, namespace: str | None) -> Iterable[Finding]:
    """Services without a ready endpoint, with ports that lead nowhere, or without their load balancer."""
    for service in view.all("Service", namespace):
        if ref_of(service) == Ref("Service", "default", "kubernetes"):
            continue  # the API server is its backend, and it answers
        ready = bool(addresses_of(view, service).ready)
        ports = judge_ports(view, service)
        ports = [confirm_by_logs(view, service, p) for p in ports] if ready else ports
        facts = _facts(view, service, ports)
        yield from _endpoint_finding(view, service, facts)
        yield from _port_finding(service, facts, sure=any(p.sure for p in ports))
        yield from _load_balancer_finding(service, facts)


def _value(facts: Iterable[Fact], key: str) -> str:
    return next((f.value for f in facts if f.key == key), "")


def _endpoint_finding(view: View, service: JsonObject, facts: list[Fact]) -> Iterator[Finding]:
    endpoints, selector = _value(facts, "service.endpoints"), _value(facts, "service.selector")
    if endpoints not in {"none", "not-ready"}:
        return
    ref = ref_of(service)
    shown = tuple(f for f in facts if f.key in {"service.endpoints", "service.selector", "service.backends"})
    match selector, _value(facts, "service.backends"):
        case "matches", "zero-replicas":
            return  # reported at the workload
        case "matches", "":
            return  # the pods of a Job come and go
        case "matches", state:
            if not _starting(view, service):
                what = f"no ready endpoints: the pods it selects are {state}"
                yield Finding(Severity.CRITICAL, ref, what, shown, "services")
        case "empty", _:
            severity = Severity.INFO if _headless(service) else Severity.CRITICAL
            yield Finding(severity, ref, "no selector and no endpoints", shown, "services")
        case _:
            detail = next((f.detail for f in facts if f.key == "service.selector"), "")
            what = f"selects no pods. {detail}"
            yield Finding(_unmatched_severity(view, service, selector), ref, what, shown, "services")


def _unmatched_severity(view: View, service: JsonObject, selector: str) -> Severity:
    """Operators give a role label to some running pods only: its absence is their business."""
    wanted, namespace = selector_of(service), ref_of(service).namespace
    roles = view.once(_labels_set_at_run_time).get(namespace, set())
    others = {k: v for k, v in wanted.items() if k not in roles}
    if len(others) < len(wanted) and others and view.selected_pods(others, namespace):
        return Severity.INFO
    called = bool(callers_of(view, ref_of(service)))
    if selector == "near-miss" or called:
        return Severity.CRITICAL
    return Severity.INFO if _headless(service) else Severity.WARNING  # nothing resembles it: a leftover


def _labels_set_at_run_time(view: View) -> dict[str, set[str]]:
    """By namespace, the label keys that pods carry and their templates do not."""
    found: dict[str, set[str]] = defaultdict(set)
    for pod in view.cluster.list("Pod"):
        workload = view.workload_of(pod)
        if workload.kind != "Pod":
            extra = labels_of(pod).keys() - view.template_labels(workload).keys()
            found[workload.namespace].update(extra)
    return found


def _headless(service: JsonObject) -> bool:
    return (service.get("spec") or {}).get("clusterIP") == "None"


def _starting(view: View, service: JsonObject) -> bool:
    pods = selected_pods(view, service)
    ages = [parse_time((p.get("metadata") or {}).get("creationTimestamp")) for p in pods]
    young = [t for t in ages if t is not None and view.now - t < STARTING]
    return bool(pods) and len(young) == len(pods) and all(pod_state(p) != "crashing" for p in pods)


def _port_finding(service: JsonObject, facts: list[Fact], sure: bool) -> Iterator[Finding]:
    ref = ref_of(service)
    bad = [f for f in facts if f.name in BAD_PORTS]
    sure = sure or any(f.name != "service.target_port=not-open" for f in bad)
    if bad:
        rest = tuple(f for f in facts if f.key == "service.endpoints")
        severity = Severity.CRITICAL if sure else Severity.WARNING
        yield Finding(severity, ref, bad[0].detail.partition(" ")[2], (*bad, *rest), "services")


def _load_balancer_finding(service: JsonObject, facts: list[Fact]) -> Iterator[Finding]:
    for fact in facts:
        if fact.key == "service.load_balancer":
            severity = Severity.CRITICAL if fact.value == "failed" else Severity.WARNING
            yield Finding(severity, ref_of(service), f"load balancer {fact.value}", (fact,), "services")


@check("scaled_to_zero", *KINDS, "HorizontalPodAutoscaler")
def scaled_to_zero(view: View, namespace: str | None) -> Iterable[Finding]:
    """Workloads scaled to zero although a Service relies on them; others are only worth knowing."""
    for workload in view.workloads(namespace):
        if desired_replicas(view, workload) != 0:
            continue
        detail = f"{workload} is scaled to 0 replicas."
        fact = Subject(workload).fact("workload.replicas", "zero", detail, replicas=0)
        asleep = _wakes_on_demand(view, workload)
        starved = [s for s in services_selecting(view, workload) if not asleep and _starved(view, s)]
        shown = [f for s in starved for f in service_facts(view, s) if f.key.startswith("service.")]
        if starved:
            who = ", ".join(str(ref_of(s)) for s in starved)
            what = f"scaled to zero, so {who} has no endpoints"
            yield Finding(Severity.CRITICAL, workload, what, (fact, *shown), "scaled_to_zero")
        else:
            yield Finding(Severity.INFO, workload, "scaled to zero", (fact,), "scaled_to_zero")


def _wakes_on_demand(view: View, workload: Ref) -> bool:
    """Whether Knative or KEDA scales it: from zero as soon as there is work."""
    if any(label.startswith(KNATIVE) for label in labels_of(view.find(workload) or {})):
        return True
    scalers = (h for h in view.all("HorizontalPodAutoscaler", workload.namespace) if KEDA in labels_of(h))
    return any(target_of(scaler) == workload for scaler in scalers)


def _starved(view: View, service: JsonObject) -> bool:
    addresses = addresses_of(view, service)
    return addresses.known and not addresses.ready and backend_state(view, service)[0] == "zero-replicas"
