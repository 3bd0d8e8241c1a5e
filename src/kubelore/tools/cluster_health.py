"""CLUSTER_HEALTH: nodes, the cluster's own components, aggregated APIs, webhooks, and pods by state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kubelore.analysis.edges import edges_of
from kubelore.analysis.find import find, needs
from kubelore.analysis.settings import object_facts
from kubelore.analysis.view import View, ref_of
from kubelore.tools.find_issues import line
from kubelore.tools.layout_pod import replicas
from kubelore.tools.pods import pod_ready, pod_status
from kubelore.tools.text import age, indent, joined, table
from kubelore.types import Fact, Finding, JsonObject, NotChecked, Observation, Ref, Severity

MAX_NODES = 50
FINE = ("yes", "yes", "none", "none")
"""READY, SCHEDULABLE, PRESSURE and TAINTS of a node without fault; such nodes come last."""
SYSTEM = "kube-system"
COMPONENTS = ("Deployment", "DaemonSet", "StatefulSet")
CLUSTER_KINDS = {
    "Node", "APIService", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "Namespace",
    "PersistentVolume", "StorageClass",
}  # fmt: skip


class ClusterHealth:
    name = "CLUSTER_HEALTH"
    usage = "  nodes, system components, aggregated APIs, webhooks, pods by state"

    def __init__(self, view: View) -> None:
        self._view = view

    def run(self, args: str) -> Observation:
        del args  # it is about the whole cluster, whatever else is named
        self._view.cluster.prefetch(needs())
        broken: list[NotChecked] = []
        findings = [f for f in find(self._view, broken=broken) if _is_of_cluster(f)]
        nodes = [ref_of(n) for n in self._view.all("Node")]
        facts: dict[Fact, None] = dict.fromkeys(f for finding in findings for f in finding.facts)
        facts.update(dict.fromkeys(f for ref in nodes for f in object_facts(self._view, ref)))
        objects = dict.fromkeys([*(f.object for f in findings), *nodes])
        return Observation(
            text="\n\n".join(part for part in self._parts(findings) if part),
            facts=tuple(facts),
            edges=tuple(dict.fromkeys(e for ref in objects for e in edges_of(self._view, ref))),
            covers=(*((self.name, ref) for ref in objects), (self.name, Ref("Namespace", "", SYSTEM))),
            findings=tuple(findings),
            not_checked=(*self._view.cluster.not_checked(), *broken),
        )

    def _parts(self, findings: list[Finding]) -> Iterator[str]:
        view, info = self._view, self._view.cluster.info
        nodes, namespaces = len(view.all("Node")), len(view.namespaces())
        yield f"Kubernetes {info.server_version}, {nodes} nodes, {namespaces} namespaces"
        worth = [f for f in findings if f.severity is not Severity.INFO]
        yield "Issues:\n" + "\n".join(f"  {line(f)}" for f in worth) if worth else "Issues: none"
        header = ("NAME", "READY", "SCHEDULABLE", "PRESSURE", "TAINTS", "VERSION", "PODS", "AGE")
        here = Counter((p.get("spec") or {}).get("nodeName") for p in view.all("Pod"))
        rows = [self._node(n, here[ref_of(n).name]) for n in view.all("Node")]
        rows.sort(key=lambda row: row[1:5] == FINE)
        more = f"\n  ... {len(rows) - MAX_NODES} more" if len(rows) > MAX_NODES else ""
        yield "Nodes:\n" + indent(table(header, rows[:MAX_NODES])) + more
        rows = [
            (ref_of(o).kind, ref_of(o).name, replicas(o)) for k in COMPONENTS for o in view.all(k, SYSTEM)
        ]
        yield f"Components in {SYSTEM}:\n" + indent(table(("KIND", "NAME", "STATE"), rows)) if rows else ""
        bare = [p for p in view.all("Pod", SYSTEM) if view.workload_of(p).kind in ("Pod", "Node")]
        rows = [(ref_of(p).name, pod_status(p), "yes" if pod_ready(p) else "no") for p in bare]
        yield "Static pods:\n" + indent(table(("NAME", "STATUS", "READY"), rows)) if rows else ""
        down = [f"{ref_of(a).name} ({_why(a)})" for a in view.all("APIService") if _why(a)]
        yield f"API services that are not available: {joined(down)}"
        hooks = [
            f"{ref_of(w).kind}/{ref_of(w).name}"
            for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
            for w in view.all(kind)
        ]
        yield f"Admission webhooks: {joined(hooks)}"
        yield "Pods by state:\n" + indent(self._pods())
        unread = view.cluster.not_checked()
        yield "Not checked:\n" + "\n".join(f"  {item}" for item in unread) if unread else ""

    def _node(self, node: JsonObject, pods: int) -> tuple[str, ...]:
        meta, spec, status = node.get("metadata") or {}, node.get("spec") or {}, node.get("status") or {}
        conditions = {c.get("type"): c for c in status.get("conditions") or ()}
        ready = conditions.pop("Ready", {})
        pressure = [str(kind) for kind, c in conditions.items() if c.get("status") == "True"]
        name = meta.get("name", "")
        word = {"True": "yes", "False": "no"}.get(ready.get("status", ""), "unknown")
        return (
            name,
            word if word == "yes" else f"{word} ({ready.get('reason', '?')})",
            "cordoned" if spec.get("unschedulable") else "yes",
            joined(pressure),
            joined(f"{t.get('key')}:{t.get('effect')}" for t in spec.get("taints") or ()),
            (status.get("nodeInfo") or {}).get("kubeletVersion", "?"),
            f"{pods}/{(status.get('allocatable') or {}).get('pods', '?')}",
            age(meta.get("creationTimestamp"), self._view.now),
        )

    def _pods(self) -> str:
        rows = []
        for namespace in self._view.namespaces():
            pods = self._view.all("Pod", namespace)
            states = Counter(_state(p) for p in pods)
            if pods:
                rows.append((namespace, str(len(pods)), joined(f"{n} {s}" for s, n in states.most_common())))
        return table(("NAMESPACE", "PODS", "STATES"), rows)


def _state(pod: JsonObject) -> str:
    word = pod_status(pod)
    return "Running, not ready" if word == "Running" and not pod_ready(pod) else word


def _is_of_cluster(finding: Finding) -> bool:
    if finding.object.kind in CLUSTER_KINDS or finding.object.namespace == SYSTEM:
        return True
    return any(fact.key in ("component.down", "component.replicas") for fact in finding.facts)


def _why(api_service: JsonObject) -> str:
    """Why an aggregated API does not answer; "" when it does."""
    for condition in (api_service.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Available" and condition.get("status") != "True":
            return str(condition.get("reason") or "not available")
    return ""
