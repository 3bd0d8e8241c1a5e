"""TOP_PODS: what pods and nodes use, beside what they asked for and may use."""

from __future__ import annotations

from collections.abc import Sequence

from kubelore.analysis.podstate import Case
from kubelore.analysis.quantity import parse_quantity
from kubelore.analysis.requests import amounts, readable_amount
from kubelore.analysis.subject import Subject
from kubelore.analysis.usage import Usage, usage_facts, usages
from kubelore.analysis.view import View, ref_of
from kubelore.tools.arguments import Target, read
from kubelore.tools.pods import pods_behind
from kubelore.tools.resolve import Resolver, kind_named
from kubelore.tools.text import table
from kubelore.types import Fact, JsonObject, NotChecked, Observation, Ref

HEADER = (
    "NAMESPACE", "POD", "CONTAINER", "CPU", "REQUEST", "LIMIT", "%", "MEMORY", "REQUEST", "LIMIT", "%",
)  # fmt: skip
MAX_ROWS = 60
BUSY = 0.9
"""Part of a node's allocatable from which usage is a fact."""
NO_METRICS = "the metrics API does not answer (is metrics-server installed and ready?)"


class TopPods:
    name = "TOP_PODS"
    usage = "[namespace] [workload] | nodes  CPU and memory used, against requests and limits"

    def __init__(self, view: View) -> None:
        self._view = view
        self._resolver = Resolver(view)

    def run(self, args: str) -> Observation:
        target = read(args)
        if len(target.words) == 1 and kind_named(target.words[0], self._view) == "Node":
            return self.nodes()
        return self.of(target)

    def of(self, target: Target) -> Observation:
        """Usage of what a target names."""
        found = self._resolver.maybe(target)
        if found is not None and found.ref.kind == "Node":
            return self.nodes(found.ref.name)
        if found is not None:
            pods, where = pods_behind(self._view, found.obj), str(found.ref)
            covers: tuple[tuple[str, Ref], ...] = tuple(
                (self.name, ref) for ref in dict.fromkeys((self._view.workload_of(found.obj), found.ref))
            )
        else:
            if target.selector:
                pods, where = self._resolver.selected(target), f"pods with {target.selector}"
            else:
                namespace = self._resolver.namespace(target)
                pods = self._view.all("Pod", namespace)
                where = f"namespace {namespace}" if namespace else "all namespaces"
            covers = tuple((self.name, ref) for ref in dict.fromkeys(map(self._view.workload_of, pods)))
        return self._pods(pods, where, covers)

    def _pods(
        self, pods: Sequence[JsonObject], where: str, covers: tuple[tuple[str, Ref], ...]
    ) -> Observation:
        if not self._view.cluster.metrics("Pod"):
            return _unmeasured(f"usage of the pods of {where}")
        used = [(ref_of(pod), usage) for pod in pods for usage in usages(Case(self._view, pod))]
        used.sort(key=lambda pair: (-_fullest(pair[1]), -pair[1].cpu, -pair[1].memory))
        rows = (
            (
                ref.namespace,
                ref.name,
                u.container.name,
                *_columns(u, "cpu", u.cpu),
                *_columns(u, "memory", u.memory),
            )
            for ref, u in used[:MAX_ROWS]
        )
        parts = [f"Usage in {where}, % of the limit (of the request, marked r, where there is no limit):"]
        parts.append(table(HEADER, rows) if used else "no running container there has been measured")
        if len(used) > MAX_ROWS:
            parts.append(f"... {len(used) - MAX_ROWS} more containers")
        facts = (f for workload in dict.fromkeys(map(self._view.workload_of, pods))
                 for f in usage_facts(self._view, workload))  # fmt: skip
        return Observation(text="\n".join(parts), facts=tuple(dict.fromkeys(facts)), covers=covers)

    def nodes(self, name: str = "") -> Observation:
        """Usage of all nodes, or of one."""
        measured = {ref_of(m).name: m.get("usage") or {} for m in self._view.cluster.metrics("Node")}
        if not measured:
            return _unmeasured("usage of the nodes")
        rows, facts = [], list[Fact]()
        nodes = [n for n in self._view.all("Node") if name in ("", ref_of(n).name)]
        for node in nodes:
            has = amounts((node.get("status") or {}).get("allocatable"))
            row = [ref_of(node).name]
            for resource in ("cpu", "memory"):
                used = parse_quantity(measured.get(ref_of(node).name, {}).get(resource))
                share = _share(used or 0.0, has.get(resource))
                shown = "<unknown>" if used is None else readable_amount(resource, used)
                row += [shown, readable_amount(resource, has.get(resource, 0.0)), f"{share:.0%}"]
                if share >= BUSY:
                    detail = f"{ref_of(node).name} uses {share:.0%} of its allocatable {resource}."
                    facts.append(Subject(ref_of(node)).fact("node.usage", f"{resource}-high", detail))
            rows.append(row)
        header = ("NODE", "CPU", "ALLOCATABLE", "%", "MEMORY", "ALLOCATABLE", "%")
        covers = tuple((self.name, ref_of(n)) for n in nodes)
        return Observation(text=table(header, rows), facts=tuple(facts), covers=covers)


def _fullest(usage: Usage) -> float:
    """The larger part of its limits that a container uses."""
    return max(
        _share(usage.cpu, usage.bound("limits", "cpu")), _share(usage.memory, usage.bound("limits", "memory"))
    )


def _columns(usage: Usage, resource: str, amount: float) -> tuple[str, str, str, str]:
    limit, request = usage.bound("limits", resource), usage.bound("requests", resource)
    share = f"{_share(amount, limit):.0%}" if limit else f"{_share(amount, request):.0%}r" if request else "-"
    return (
        readable_amount(resource, amount),
        "-" if request is None else readable_amount(resource, request),
        "-" if limit is None else readable_amount(resource, limit),
        share,
    )


def _share(amount: float, whole: float | None) -> float:
    return amount / whole if whole else 0.0


def _unmeasured(what: str) -> Observation:
    return Observation(
        text=f"There are no metrics: {NO_METRICS}.", not_checked=(NotChecked(what, NO_METRICS),)
    )
