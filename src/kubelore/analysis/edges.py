"""How an object is joined to others, in both directions: all kinds of `types.EdgeKind`, workloads folded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from kubelore.analysis.autoscaling import target_of
from kubelore.analysis.backends import selected_workloads, selector_of, services_selecting
from kubelore.analysis.calls import call_edges, callers_of
from kubelore.analysis.certs import CERTIFICATE
from kubelore.analysis.disruption import budget_pods
from kubelore.analysis.ingress import ROUTES, backends_of
from kubelore.analysis.placement import node_fit
from kubelore.analysis.rbac import account_of
from kubelore.analysis.storage import claims_in, class_of, pods_using
from kubelore.analysis.traffic import party, policies_on
from kubelore.analysis.view import WORKLOAD_KINDS, View, ref_of
from kubelore.analysis.webhooks import CONFIGURATIONS, service_of
from kubelore.types import Edge, JsonObject, Ref


def edges_of(view: View, ref: Ref) -> list[Edge]:
    """Edges that start or end at this object. A pod, ReplicaSet or Job counts as its workload."""
    ref = _folded(view, ref)
    found = dict.fromkeys(_workload_edges(view, ref) if _is_workload(view, ref) else ())
    found.update(dict.fromkeys(_object_edges(view, ref)))
    return list(found)


def _folded(view: View, ref: Ref) -> Ref:
    obj = view.find(ref) if ref.kind in WORKLOAD_KINDS else None
    return view.workload_of(obj) if obj else ref


def _is_workload(view: View, ref: Ref) -> bool:
    return ref.kind in WORKLOAD_KINDS or bool(view.pods_of(ref))


# -- from and to a workload ---------------------------------------------------------------------
def _workload_edges(view: View, workload: Ref) -> Iterator[Edge]:
    yield from (Edge("owns", workload, ref_of(d)) for d in view.dependents(workload))
    yield from (Edge("selects", ref_of(s), workload) for s in services_selecting(view, workload))
    for policy in _policies(view, workload):
        yield Edge("selects", ref_of(policy), workload)
    yield from (Edge("selects", b, workload) for b in view.once(_budgets).get(workload, ()))
    yield from (Edge("mounts", workload, target) for target in mounts_of(view, workload))
    yield from (Edge("runs on", workload, node) for node in nodes_of(view, workload))
    yield from (Edge("routes to", h, workload) for h in view.once(_autoscalers).get(workload, ()))
    yield from call_edges(view, workload)


def _policies(view: View, workload: Ref) -> list[JsonObject]:
    end = party(view, workload)
    found = [*policies_on(view, end, "ingress"), *policies_on(view, end, "egress")]
    return list({ref_of(p): p for p in found}.values())


def _budgets(view: View) -> dict[Ref, list[Ref]]:
    index: dict[Ref, list[Ref]] = defaultdict(list)
    for pdb in view.all("PodDisruptionBudget"):
        for workload in dict.fromkeys(view.workload_of(p) for p in budget_pods(view, pdb)):
            index[workload].append(ref_of(pdb))
    return index


def _autoscalers(view: View) -> dict[Ref, list[Ref]]:
    index: dict[Ref, list[Ref]] = defaultdict(list)
    for hpa in view.all("HorizontalPodAutoscaler"):
        index[target_of(hpa)].append(ref_of(hpa))
    return index


def nodes_of(view: View, workload: Ref) -> list[Ref]:
    """Nodes its pods run on, or would if these nodes were schedulable and ready."""
    names: dict[str, None] = {}
    for pod in view.pods_of(workload):
        spec = pod.get("spec") or {}
        fit = None if spec.get("nodeName") else node_fit(view, spec)
        names |= dict.fromkeys(fit.unusable if fit else (str(spec.get("nodeName") or ""),))
    return [Ref("Node", "", name) for name in names if name]


def mounts_of(view: View, workload: Ref) -> list[Ref]:
    """ConfigMaps, Secrets, claims and the service account that the pods refer to by name."""
    spec, namespace = view.pod_spec(workload), workload.namespace
    found = [Ref(kind, namespace, name) for kind, name in _references(spec)]
    claims = [name for p in view.pods_of(workload) for name in claims_in(p.get("spec") or {}, ref_of(p).name)]
    found += [Ref("PersistentVolumeClaim", namespace, name) for name in [*claims_in(spec), *claims]]
    return list(dict.fromkeys([*found, account_of(view, workload)] if spec else found))


def _references(spec: JsonObject) -> Iterator[tuple[str, str]]:
    for volume in spec.get("volumes") or ():
        sources = [volume, *((volume.get("projected") or {}).get("sources") or ())]
        for source in sources:
            secret = source.get("secret") or {}
            yield from _named("ConfigMap", (source.get("configMap") or {}).get("name"))
            yield from _named("Secret", secret.get("secretName") or secret.get("name"))
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        for source in container.get("envFrom") or ():
            yield from _named("ConfigMap", (source.get("configMapRef") or {}).get("name"))
            yield from _named("Secret", (source.get("secretRef") or {}).get("name"))
        for variable in container.get("env") or ():
            source = variable.get("valueFrom") or {}
            yield from _named("ConfigMap", (source.get("configMapKeyRef") or {}).get("name"))
            yield from _named("Secret", (source.get("secretKeyRef") or {}).get("name"))
    for secret in spec.get("imagePullSecrets") or ():
        yield from _named("Secret", secret.get("name"))


def _named(kind: str, name: str | None) -> Iterator[tuple[str, str]]:
    if name:
        yield kind, name


# -- from and to other objects ------------------------------------------------------------------
def _object_edges(view: View, ref: Ref) -> Iterable[Edge]:
    reader = _READERS.get(ref.kind)
    return reader(view, ref) if reader else ()


def _service_edges(view: View, ref: Ref) -> Iterator[Edge]:
    service = view.find(ref)
    if service is not None and selector_of(service):
        yield from (Edge("selects", ref, w) for w in selected_workloads(view, service))
    yield from (Edge("routes to", source, ref) for source in view.once(_routers).get(ref, ()))
    yield from (Edge("calls", c.caller, ref) for c in callers_of(view, ref))


def _routers(view: View) -> dict[Ref, list[Ref]]:
    """Ingresses, routes, webhook configurations and APIServices, by the Service they lead to."""
    index: dict[Ref, list[Ref]] = defaultdict(list)
    for kind in ("Ingress", *ROUTES, *CONFIGURATIONS, "APIService"):
        for obj in view.all(kind):
            for service in _routed(obj):
                index[service].append(ref_of(obj))
    return index


def _routed(obj: JsonObject) -> Iterator[Ref]:
    if obj.get("kind") in ("Ingress", *ROUTES):
        yield from (b.service for b in backends_of(obj))
    elif obj.get("kind") in CONFIGURATIONS:
        yield from (s for hook in obj.get("webhooks") or () if (s := service_of(hook)))
    elif named := (obj.get("spec") or {}).get("service"):
        yield Ref("Service", named.get("namespace") or "", named.get("name") or "")


def _router_edges(view: View, ref: Ref) -> Iterator[Edge]:
    obj = view.find(ref)
    yield from (Edge("routes to", ref, s) for s in (_routed(obj) if obj else ()))
    if obj is not None and ref.kind == "Ingress":
        secrets = (e.get("secretName") for e in (obj.get("spec") or {}).get("tls") or ())
        yield from (Edge("mounts", ref, Ref("Secret", ref.namespace, s)) for s in secrets if s)


def _certificate_edges(view: View, ref: Ref) -> Iterator[Edge]:
    secret = ((view.get(CERTIFICATE, ref.namespace, ref.name) or {}).get("spec") or {}).get("secretName")
    if secret:
        yield Edge("owns", ref, Ref("Secret", ref.namespace, secret))


def _policy_edges(view: View, ref: Ref) -> Iterator[Edge]:
    policy = view.find(ref)
    for workload in view.workloads(ref.namespace) if policy else ():
        if policy in _policies(view, workload):
            yield Edge("selects", ref, workload)


def _budget_edges(view: View, ref: Ref) -> Iterator[Edge]:
    for workload, budgets in view.once(_budgets).items():
        if ref in budgets:
            yield Edge("selects", ref, workload)


def _autoscaler_edges(view: View, ref: Ref) -> Iterator[Edge]:
    hpa = view.find(ref)
    if hpa is not None:
        yield Edge("routes to", ref, target_of(hpa))


def _quota_edges(view: View, ref: Ref) -> Iterator[Edge]:
    yield Edge("routes to", ref, Ref("Namespace", "", ref.namespace))


def _namespace_edges(view: View, ref: Ref) -> Iterator[Edge]:
    for quota in view.all("ResourceQuota", ref.name):
        yield Edge("routes to", ref_of(quota), ref)


def _claim_edges(view: View, ref: Ref) -> Iterator[Edge]:
    for workload in dict.fromkeys(view.workload_of(p) for p in pods_using(view, ref)):
        yield Edge("mounts", workload, ref)
    claim = view.find(ref)
    if claim is not None:
        volume, storage_class = (claim.get("spec") or {}).get("volumeName"), class_of(claim)
        if volume:
            yield Edge("mounts", ref, Ref("PersistentVolume", "", volume))
        if storage_class:
            yield Edge("mounts", ref, Ref("StorageClass", "", storage_class))


def _volume_edges(view: View, ref: Ref) -> Iterator[Edge]:
    owner = ((view.find(ref) or {}).get("spec") or {}).get("claimRef") or {}
    if owner.get("name"):
        claim = Ref("PersistentVolumeClaim", owner.get("namespace") or "", owner["name"])
        yield Edge("mounts", claim, ref)


def _class_edges(view: View, ref: Ref) -> Iterator[Edge]:
    for claim in view.all("PersistentVolumeClaim"):
        if class_of(claim) == ref.name:
            yield Edge("mounts", ref_of(claim), ref)


def _user_edges(view: View, ref: Ref) -> Iterator[Edge]:
    """Workloads that refer to a ConfigMap, Secret or service account."""
    yield from (Edge("mounts", w, ref) for w in view.once(_users).get(ref, ()))


def _users(view: View) -> dict[Ref, list[Ref]]:
    index: dict[Ref, list[Ref]] = defaultdict(list)
    for workload in view.workloads():
        for target in mounts_of(view, workload):
            index[target].append(workload)
    for ingress in view.all("Ingress"):
        for edge in _router_edges(view, ref_of(ingress)):
            if edge.kind == "mounts":
                index[edge.target].append(edge.source)
    return index


def _node_edges(view: View, ref: Ref) -> Iterator[Edge]:
    yield from (Edge("runs on", w, ref) for w in view.once(_workloads_by_node).get(ref.name, ()))


def _workloads_by_node(view: View) -> dict[str, list[Ref]]:
    index: dict[str, dict[Ref, None]] = defaultdict(dict)
    for pod in view.all("Pod"):
        index[(pod.get("spec") or {}).get("nodeName") or ""].setdefault(view.workload_of(pod))
    return {name: list(workloads) for name, workloads in index.items()}


_READERS = {
    "Service": _service_edges,
    "NetworkPolicy": _policy_edges,
    "PodDisruptionBudget": _budget_edges,
    "HorizontalPodAutoscaler": _autoscaler_edges,
    "ResourceQuota": _quota_edges,
    "Namespace": _namespace_edges,
    "PersistentVolumeClaim": _claim_edges,
    "PersistentVolume": _volume_edges,
    "StorageClass": _class_edges,
    "Node": _node_edges,
    "Certificate": _certificate_edges,
    **dict.fromkeys(("ConfigMap", "Secret", "ServiceAccount"), _user_edges),
    **dict.fromkeys(("Ingress", *ROUTES, *CONFIGURATIONS, "APIService"), _router_edges),
}
