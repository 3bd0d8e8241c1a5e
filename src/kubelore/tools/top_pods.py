"""TOP_PODS: what pods and nodes use, beside what they asked for and may use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubelore.analysis.quantity import parse_quantity
from kubelore.analysis.requests import amounts, readable_amount
from kubelore.analysis.subject import Subject, subject_of
from kubelore.analysis.view import View, ref_of
from kubelore.tools.arguments import Target, read
from kubelore.tools.pods import pods_behind
from kubelore.tools.resolve import Resolver, kind_named
from kubelore.tools.text import table
from kubelore.types import Fact, JsonObject, NotChecked, Observation, Ref

MAX_ROWS = 60
NEAR_LIMIT = 0.9
"""Part of a limit, or of a node, from which usage is a fact."""
A_CORE = 1.0
NO_METRICS = "the metrics API does not answer (is metrics-server installed and ready?)"


@dataclass(frozen=True, slots=True)
class Usage:
    """One container: cores and bytes; None for what is not set."""

    pod: JsonObject
    container: str
    cpu: float
    memory: float
    request: dict[str, float]
    limit: dict[str, float]


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
        used = usages(self._view, pods)
        used.sort(key=lambda u: (-_share(u.memory, u.limit.get("memory")), -u.cpu, -u.memory))
        rows = (
            (
                ref_of(u.pod).namespace, ref_of(u.pod).name, u.container,
                *_columns("cpu", u.cpu, u), *_columns("memory", u.memory, u),
            )
            for u in used[:MAX_ROWS]
        )  # fmt: skip
        header = (
            "NAMESPACE",
            "POD",
            "CONTAINER",
            "CPU",
            "REQUEST",
            "LIMIT",
            "%",
            "MEMORY",
            "REQUEST",
            "LIMIT",
            "%",
        )
        parts = [f"Usage in {where}, % of the limit (of the request, marked r, where there is no limit):"]
        parts.append(table(header, rows) if used else "no pod there has been measured")
        if len(used) > MAX_ROWS:
            parts.append(f"... {len(used) - MAX_ROWS} more containers")
        facts = (fact for u in used for fact in usage_facts(self._view, u))
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
                if share >= NEAR_LIMIT:
                    detail = f"{ref_of(node).name} uses {share:.0%} of its allocatable {resource}."
                    facts.append(Subject(ref_of(node)).fact("node.usage", f"{resource}-high", detail))
            rows.append(row)
        header = ("NODE", "CPU", "ALLOCATABLE", "%", "MEMORY", "ALLOCATABLE", "%")
        covers = tuple((self.name, ref_of(n)) for n in nodes)
        return Observation(text=table(header, rows), facts=tuple(facts), covers=covers)


def usages(view: View, pods: Iterable[JsonObject]) -> list[Usage]:
    """What each measured container of these pods uses."""
    measured = {(ref_of(m).namespace, ref_of(m).name): m for m in view.cluster.metrics("Pod")}
    found = []
    for pod in pods:
        spec = pod.get("spec") or {}
        by_name = {c.get("name"): c for key in ("containers", "initContainers") for c in spec.get(key) or ()}
        metrics = measured.get((ref_of(pod).namespace, ref_of(pod).name)) or {}
        for item in metrics.get("containers") or ():
            resources = (by_name.get(item.get("name")) or {}).get("resources") or {}
            used = amounts(item.get("usage"))
            found.append(
                Usage(
                    pod, str(item.get("name")), used.get("cpu", 0.0), used.get("memory", 0.0),
                    amounts(resources.get("requests")), amounts(resources.get("limits")),
                )
            )  # fmt: skip
    return found


def usage_facts(view: View, used: Usage) -> Iterable[Fact]:
    """`usage.cpu` and `usage.memory` of one container, about its workload."""
    subject = subject_of(view, used.pod)
    params = {"container": used.container}
    for resource, amount, at_limit in (("cpu", used.cpu, "at-limit"), ("memory", used.memory, "near-limit")):
        limit, request = used.limit.get(resource), used.request.get(resource)
        shown = readable_amount(resource, amount)
        key = f"usage.{resource}"
        if limit and amount >= NEAR_LIMIT * limit:
            detail = f"{used.container} uses {shown} {resource}, {amount / limit:.0%} of its limit."
            yield subject.fact(key, at_limit, detail, limit=readable_amount(resource, limit), **params)
        elif not limit and resource == "cpu" and amount > A_CORE:
            yield subject.fact(key, "high", f"{used.container} uses {shown} CPU and has no limit.", **params)
        if request and amount > request:
            detail = f"{used.container} uses {shown} {resource}, {amount / request:.0%} of its request."
            yield subject.fact(key, "above-request", detail, **params)


def _columns(resource: str, amount: float, used: Usage) -> tuple[str, str, str, str]:
    limit, request = used.limit.get(resource), used.request.get(resource)
    share = f"{_share(amount, limit):.0%}" if limit else f"{_share(amount, request):.0%}r" if request else "-"
    return (
        readable_amount(resource, amount) if resource == "memory" else f"{amount * 1000:.0f}m",
        readable_amount(resource, request) if request is not None else "-",
        readable_amount(resource, limit) if limit is not None else "-",
        share,
    )


def _share(amount: float, whole: float | None) -> float:
    return amount / whole if whole else 0.0


def _unmeasured(what: str) -> Observation:
    return Observation(
        text=f"There are no metrics: {NO_METRICS}.", not_checked=(NotChecked(what, NO_METRICS),)
    )
