"""GET_ENDPOINTS: how a Service reaches its pods, or why it does not."""

from __future__ import annotations

from collections.abc import Iterator

from kubelore.analysis.backends import selected_pods, selected_workloads, selector_of, services_selecting
from kubelore.analysis.edges import edges_of
from kubelore.analysis.near import selector_distance, similar
from kubelore.analysis.settings import object_facts
from kubelore.analysis.view import View, labels_of, ref_of
from kubelore.errors import ObjectNotFound
from kubelore.tools.arguments import read
from kubelore.tools.layout_kinds import endpoints, service_port
from kubelore.tools.layout_pod import pod_table, port
from kubelore.tools.resolve import Resolver
from kubelore.tools.text import indent, joined, pairs
from kubelore.types import JsonObject, Observation, Ref

KINDS = (
    "Service", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet",
    "ReplicationController", "Pod", "Ingress",
)  # fmt: skip
MAX_PODS = 20


class GetEndpoints:
    name = "GET_ENDPOINTS"
    usage = "namespace service  selector, ports, ready and not ready addresses, pods that match or nearly do"

    def __init__(self, view: View) -> None:
        self._view = view
        self._resolver = Resolver(view)

    def run(self, args: str) -> Observation:
        found = self._resolver.one(read(args), KINDS)
        services = self._services(found.obj)
        if not services:
            hint = f"see its labels: DESCRIBE {found.ref.kind} {found.ref.namespace} {found.ref.name}"
            raise ObjectNotFound(f"no Service selects {found.ref}", hint=hint)
        texts = [found.note] if found.note else []
        texts += ["\n".join(self._lines(service)) for service in services]
        about = dict.fromkeys(ref_of(s) for s in services)
        behind = dict.fromkeys(w for s in services for w in selected_workloads(self._view, s))
        both = [*about, *behind]
        return Observation(
            text="\n\n".join(texts),
            facts=tuple(dict.fromkeys(f for ref in both for f in object_facts(self._view, ref))),
            edges=tuple(dict.fromkeys(e for ref in both for e in edges_of(self._view, ref))),
            covers=tuple((self.name, ref) for ref in about),
            not_checked=self._view.cluster.not_checked(),
        )

    def _services(self, obj: JsonObject) -> list[JsonObject]:
        """The Service itself, those an Ingress routes to, or those that select a workload."""
        ref = ref_of(obj)
        if ref.kind == "Service":
            return [obj]
        if ref.kind == "Ingress":
            routed = [
                e.target for e in edges_of(self._view, ref) if e.source == ref and e.kind == "routes to"
            ]
            return [service for target in routed if (service := self._view.find(target))]
        return services_selecting(self._view, self._view.workload_of(obj))

    def _lines(self, service: JsonObject) -> Iterator[str]:
        ref, spec, selector = ref_of(service), service.get("spec") or {}, selector_of(service)
        yield f"{ref}   type {spec.get('type', 'ClusterIP')}, cluster IP {spec.get('clusterIP') or 'none'}"
        yield f"Selector: {pairs(dict(selector))}"
        yield f"Ports: {joined(service_port(p) for p in spec.get('ports') or ())}"
        yield from endpoints(self._view, service)
        if spec.get("externalName"):
            yield f"External name: {spec['externalName']}"
        if not selector:
            yield "It has no selector: its addresses are kept by hand or by a controller."
            return
        workloads = selected_workloads(self._view, service)
        yield f"Selects: {joined(map(str, workloads), 'no workload')}"
        for workload in workloads:
            yield from self._ports(workload)
        pods = selected_pods(self._view, service)
        if pods:
            yield f"Pods that match ({len(pods)}):"
            yield indent(pod_table(self._view, pods[:MAX_PODS]))
        else:
            yield "Pods that match: none"
        if not workloads:
            yield from self._near_misses(ref, selector)

    def _ports(self, workload: Ref) -> Iterator[str]:
        for container in self._view.pod_spec(workload).get("containers") or ():
            declared = joined((port(p) for p in container.get("ports") or ()), "none declared")
            yield f"  {workload.kind}/{workload.name} container {container.get('name')} ports: {declared}"

    def _near_misses(self, service: Ref, selector: dict[str, str]) -> Iterator[str]:
        rows = []
        for workload in self._view.workloads(service.namespace):
            labels = dict(self._view.template_labels(workload))
            if selector_distance(selector, labels) or similar(workload.name, service.name):
                rows.append(f"  {workload}: pod labels {pairs(dict(labels))}")
        if rows:
            yield "Nearly match:"
            yield from rows[:10]
        elsewhere = [
            ref_of(p).namespace
            for p in self._view.all("Pod")
            if all(labels_of(p).get(k) == v for k, v in selector.items())
        ]
        if elsewhere:
            yield f"Pods with these labels are in other namespaces: {joined(sorted(set(elsewhere)))}"
