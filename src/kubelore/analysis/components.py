"""The parts of the cluster itself: scheduler, DNS, proxy, network plugin, storage drivers, other APIs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from kubelore.analysis.backends import addresses_of, desired_replicas, pod_state
from kubelore.analysis.nodes import conditions_of
from kubelore.analysis.placement import is_ready, selects_node, untolerated
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, parse_time, ref_of
from kubelore.packaged import packaged_yaml
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity

STARTING = timedelta(minutes=2)
LEASE_STALE = timedelta(minutes=2)
ON_EVERY_NODE = {"proxy", "network-plugin"}
LEASES = {"scheduler": "kube-scheduler", "controller-manager": "kube-controller-manager"}
KINDS = ("Pod", "Deployment", "DaemonSet", "StatefulSet", "Lease", "Node")


@dataclass(frozen=True, slots=True)
class Names:
    namespaces: tuple[str, ...]
    components: tuple[tuple[str, re.Pattern[str]], ...]
    ingress_controllers: frozenset[str]


@cache
def names() -> Names:
    """What `components.yaml` says of how the parts of a cluster are called."""
    raw = packaged_yaml("kubelore.analysis", "components.yaml")
    return Names(
        tuple(raw["namespaces"]),
        tuple((c["name"], re.compile(c["workload"])) for c in raw["components"]),
        frozenset(raw["ingress_controllers"]),
    )


def component_of(workload: Ref) -> str:
    """Which part of the cluster a workload is, "" when it is none."""
    if workload.namespace not in names().namespaces:
        return ""
    return next((name for name, pattern in names().components if pattern.search(workload.name)), "")


def component_facts(view: View, workload: Ref) -> list[Fact]:
    """Whether a part of the cluster runs; [] when it does, or when the workload is no such part."""
    component = component_of(workload)
    if not component:
        return []
    about = Subject(workload)
    if desired_replicas(view, workload) == 0:
        detail = f"{workload} ({component}) is scaled to zero."
        return [
            about.fact("component.down", component, detail),
            about.fact("component.replicas", "zero", detail),
        ]
    pods = [p for p in view.pods_of(workload) if not _starting(view, p)]
    down = [p for p in pods if pod_state(p) != "ready" and not _on_lost_node(view, p)]
    if not view.pods_of(workload) and _wants_pods(workload, view.find(workload)):
        return [about.fact("component.down", component, f"{workload} ({component}) has no pods.")]
    nodes = sorted({n for p in down if (n := (p.get("spec") or {}).get("nodeName"))})
    if component in ON_EVERY_NODE and workload.kind == "DaemonSet":
        nodes = sorted({*nodes, *_nodes_without(view, workload)})
    if not down and not nodes:
        return []
    where = f" on {', '.join(nodes[:5])}" if nodes else ""
    ready = f"{len(pods) - len(down)} of {len(pods)} pods are ready"
    detail = f"{workload} ({component}) does not run{where}: {ready}."
    facts = [about.fact("component.down", component, detail, node=next(iter(nodes), ""))]
    if component in ON_EVERY_NODE:
        facts += [
            Subject(Ref("Node", "", n), workload).fact("component.down", component, detail, node=n)
            for n in nodes
        ]
    return facts


def _on_lost_node(view: View, pod: JsonObject) -> bool:
    node = view.get("Node", "", (pod.get("spec") or {}).get("nodeName") or "")
    return node is not None and not is_ready(node)


def _nodes_without(view: View, workload: Ref) -> list[str]:
    """Ready nodes that a DaemonSet is meant for and that have none of its pods."""
    have = {(p.get("spec") or {}).get("nodeName") for p in view.pods_of(workload)}
    spec = view.pod_spec(workload)
    return [
        ref_of(n).name for n in view.all("Node")
        if ref_of(n).name not in have and is_ready(n) and selects_node(spec, n) and not untolerated(spec, n)
    ]  # fmt: skip


def _wants_pods(workload: Ref, obj: JsonObject | None) -> bool:
    if obj is None:
        return False
    if workload.kind == "DaemonSet":
        return bool((obj.get("status") or {}).get("desiredNumberScheduled"))
    return workload.kind in {"Deployment", "StatefulSet"}


def _starting(view: View, pod: JsonObject) -> bool:
    created = parse_time((pod.get("metadata") or {}).get("creationTimestamp"))
    return created is not None and view.now - created < STARTING and pod_state(pod) != "crashing"


# -- analyzers ----------------------------------------------------------------------------------
@check("components", *KINDS)
def broken_components(view: View, namespace: str | None) -> Iterable[Finding]:
    """Parts of the cluster that do not run; one pod of several down is a warning."""
    for name in names().namespaces:
        if namespace not in (None, name):
            continue
        for workload in view.workloads(name):
            facts = component_facts(view, workload)
            if facts:
                some_run = any(pod_state(p) == "ready" for p in view.pods_of(workload))
                severity = Severity.WARNING if some_run else Severity.CRITICAL
                yield Finding(severity, workload, facts[0].detail.rstrip("."), tuple(facts), "components")
    if namespace in (None, "kube-system"):
        yield from _absent_static(view)


def _absent_static(view: View) -> Iterator[Finding]:
    """A control plane of static pods that lacks one of its parts, or whose leader stopped renewing.

    Managed clusters show no such pods, and then nothing is said. A lease may also be left over from other
    days: that it is stale counts where the part's work is left undone.
    """
    present = {component_of(w) for w in view.workloads("kube-system")}
    for component, lease_name in LEASES.items():
        missing = "api-server" in present and component not in present
        stale = component not in present and _lease_is_stale(view, lease_name) and _idle(view, component)
        if stale or missing:
            ref = Ref("Pod", "kube-system", lease_name)
            why = "no longer renews its lease" if stale else "has no pod beside the API server's"
            detail = f"{lease_name} {why}."
            facts = [Subject(ref).fact("component.down", component, detail)]
            if missing:
                facts.append(Subject(ref).fact("component.replicas", "zero", detail))
            yield Finding(Severity.CRITICAL, ref, why, tuple(facts), "components")


def _lease_is_stale(view: View, name: str) -> bool:
    lease = view.get("Lease", "kube-system", name) or {}
    renewed, newest = parse_time((lease.get("spec") or {}).get("renewTime")), view.once(_newest_lease)
    return renewed is not None and newest is not None and newest - renewed > LEASE_STALE


def _idle(view: View, component: str) -> bool:
    """Whether pods wait without a node, or workloads whose last change nobody has observed."""
    if component == "scheduler":
        return any(
            (p.get("status") or {}).get("phase") == "Pending" and not (p.get("spec") or {}).get("nodeName")
            for p in view.all("Pod")
        )
    return any(
        ((o.get("status") or {}).get("observedGeneration") or 0)
        < (o.get("metadata") or {}).get("generation", 0)
        for o in view.all("Deployment")
    )


def _newest_lease(view: View) -> datetime | None:
    times = (parse_time((lease.get("spec") or {}).get("renewTime")) for lease in view.all("Lease"))
    return max((t for t in times if t is not None), default=None)


@check("api_services", "APIService", "Service", "EndpointSlice", "Endpoints")
def unavailable_apis(view: View, namespace: str | None) -> Iterable[Finding]:
    """Aggregated APIs that do not answer: discovery, kubectl top or autoscaling fail with them."""
    for api in view.all("APIService"):
        facts = api_service_facts(view, api)
        if facts:
            what = facts[0].detail.removeprefix(f"{ref_of(api)} ").rstrip(".")
            yield Finding(Severity.CRITICAL, ref_of(api), what, tuple(facts), "api_services")


def api_service_facts(view: View, api: JsonObject) -> list[Fact]:
    """Whether an aggregated API answers, and its Service when that is the reason."""
    available = conditions_of(api).get("Available") or {}
    if available.get("status") in {None, "True"}:
        return []
    ref, named = ref_of(api), (api.get("spec") or {}).get("service") or {}
    message = str(available.get("message") or "")[:200]
    detail = f"{ref} is not available ({available.get('reason', '')}): {message}"
    params = {"service": named.get("name", ""), "service_namespace": named.get("namespace", "")}
    facts = [Subject(ref).fact("apiservice.available", "no", detail, **params)]
    service = Ref("Service", named.get("namespace") or "", named.get("name") or "")
    found = view.find(service) if service.name else None
    if service.name and view.exists("Service", service.namespace, service.name) is False:
        facts.append(Subject(service, ref).fact("service.exists", "no", f"{ref} needs {service}.", **params))
    elif found is not None and addresses_of(view, found).known and not addresses_of(view, found).ready:
        gone = f"{service}, behind {ref}, has no ready endpoints."
        facts.append(Subject(service, ref).fact("service.endpoints", "none", gone, **params))
    return facts
