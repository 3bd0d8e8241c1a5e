"""What stands behind each Service: its addresses, the pods and workloads it selects, and their state."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from kubelore.analysis.view import View, ref_of
from kubelore.types import JsonObject, Ref

PodState = Literal["ready", "crashing", "pending", "not-ready"]
SERVICE_NAME = "kubernetes.io/service-name"
FINISHED = {"Succeeded", "Failed"}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Endpoint addresses of one Service. Not `known`: neither EndpointSlices nor Endpoints nor pods could
    be read, so that zero proves nothing."""

    ready: int = 0
    not_ready: int = 0
    known: bool = True


def addresses_of(view: View, service: JsonObject) -> Addresses:
    """From EndpointSlices, else from Endpoints, else from the readiness of the selected pods."""
    ref = ref_of(service)
    slices = view.once(_slices_by_service).get((ref.namespace, ref.name))
    if slices:
        return _from_slices(slices)
    endpoints = view.get("Endpoints", ref.namespace, ref.name)
    if endpoints is not None:
        return _from_subsets(endpoints.get("subsets") or ())
    if view.cluster.readable("EndpointSlice") or view.cluster.readable("Endpoints"):
        return Addresses()
    if not view.cluster.readable("Pod"):
        return Addresses(known=False)
    states = Counter(pod_state(p) for p in selected_pods(view, service))
    return Addresses(states["ready"], states.total() - states["ready"] - states["pending"])


def port_was_resolved(view: View, service: JsonObject) -> bool:
    """Whether its endpoints carry a port. A target port whose name no pod has leaves them without one."""
    ref = ref_of(service)
    slices = view.once(_slices_by_service).get((ref.namespace, ref.name)) or []
    if slices:
        return any(piece.get("ports") and piece.get("endpoints") for piece in slices)
    endpoints = view.get("Endpoints", ref.namespace, ref.name) or {}
    return any(s.get("ports") and s.get("addresses") for s in endpoints.get("subsets") or ())


def _slices_by_service(view: View) -> dict[tuple[str, str], list[JsonObject]]:
    index: dict[tuple[str, str], list[JsonObject]] = defaultdict(list)
    for piece in view.cluster.list("EndpointSlice"):
        meta = piece.get("metadata") or {}
        name = (meta.get("labels") or {}).get(SERVICE_NAME)
        if name:
            index[meta.get("namespace") or "", name].append(piece)
    return index


def _from_slices(slices: Iterable[JsonObject]) -> Addresses:
    ready: set[str] = set()
    rest: set[str] = set()
    for piece in slices:
        for endpoint in piece.get("endpoints") or ():
            # An absent condition counts as ready, as for kube-proxy.
            is_ready = (endpoint.get("conditions") or {}).get("ready") is not False
            (ready if is_ready else rest).update(endpoint.get("addresses") or ())
    return Addresses(len(ready), len(rest - ready))


def _from_subsets(subsets: Iterable[JsonObject]) -> Addresses:
    ready: set[str] = set()
    rest: set[str] = set()
    for subset in subsets:
        ready.update(a.get("ip", "") for a in subset.get("addresses") or ())
        rest.update(a.get("ip", "") for a in subset.get("notReadyAddresses") or ())
    return Addresses(len(ready), len(rest - ready))


def selected_pods(view: View, service: JsonObject) -> list[JsonObject]:
    """Pods that could serve it: finished ones never do."""
    pods = view.selected_pods(selector_of(service), ref_of(service).namespace)
    return [p for p in pods if (p.get("status") or {}).get("phase") not in FINISHED]


def selected_workloads(view: View, service: JsonObject) -> list[Ref]:
    """Workloads whose template or whose pods the Service selects."""
    namespace = ref_of(service).namespace
    found = dict.fromkeys(view.selected_workloads(selector_of(service), namespace))
    found.update(dict.fromkeys(view.workload_of(p) for p in selected_pods(view, service)))
    return list(found)


def selector_of(service: JsonObject) -> dict[str, str]:
    selector = (service.get("spec") or {}).get("selector") or {}
    return {k: v for k, v in selector.items() if isinstance(v, str)}


def services_selecting(view: View, workload: Ref) -> list[JsonObject]:
    return view.once(_services_by_workload).get(workload, [])


def _services_by_workload(view: View) -> dict[Ref, list[JsonObject]]:
    index: dict[Ref, list[JsonObject]] = defaultdict(list)
    for service in view.cluster.list("Service"):
        for workload in selected_workloads(view, service):
            index[workload].append(service)
    return index


def pod_state(pod: JsonObject) -> PodState:
    status = pod.get("status") or {}
    conditions = {c.get("type"): c.get("status") for c in status.get("conditions") or ()}
    if conditions.get("Ready") == "True":
        return "ready"
    if any(map(_crashing, _statuses(pod))):
        return "crashing"
    return "pending" if status.get("phase") == "Pending" else "not-ready"


def _crashing(container: JsonObject) -> bool:
    state = container.get("state") or {}
    if (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff":
        return True
    return bool((state.get("terminated") or {}).get("exitCode"))


def troubled(view: View, workload: Ref) -> bool:
    """Whether a pod of the workload that should run is not ready."""
    pods = view.pods_of(workload)
    return any(pod_state(p) != "ready" for p in pods if (p.get("status") or {}).get("phase") != "Succeeded")


def has_run(view: View, workload: Ref) -> bool:
    """Whether any container of its pods has run: before that, no call can have failed."""
    return any(_has_run(status) for pod in view.pods_of(workload) for status in _statuses(pod))


def _has_run(container: JsonObject) -> bool:
    ran = container.get("lastState") or container.get("restartCount") or _crashing(container)
    return bool(ran) or not {"running", "terminated"}.isdisjoint(container.get("state") or {})


def _statuses(pod: JsonObject) -> list[JsonObject]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def desired_replicas(view: View, workload: Ref) -> int | None:
    """`spec.replicas` of what can be scaled, None for other kinds and for what is not there."""
    if workload.kind not in {"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"}:
        return None
    obj = view.find(workload)
    if obj is None:
        return None
    replicas = (obj.get("spec") or {}).get("replicas")
    return 1 if replicas is None else int(replicas)
