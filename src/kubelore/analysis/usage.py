"""Measured CPU and memory against limits and requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from kubelore.analysis.podstate import Case, Container, age, live_pods
from kubelore.analysis.quantity import doubled, parse_quantity
from kubelore.analysis.registry import check
from kubelore.analysis.requests import readable_amount
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity

FULL = 0.9
"""Share of a limit from which on a container is said to be at it."""
HIGH_CORES = 1.0
WARM_UP = timedelta(minutes=2)
"""Programs use all the CPU they may while they start."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One container's measured use, in cores and bytes, with its limits and requests."""

    container: Container
    cpu: float
    memory: float

    def bound(self, kind: str, resource: str) -> float | None:
        resources = self.container.spec.get("resources") or {}
        return parse_quantity((resources.get(kind) or {}).get(resource))


def metrics_by_pod(view: View) -> dict[tuple[str, str], JsonObject]:
    found = {}
    for item in view.cluster.metrics("Pod"):
        meta = item.get("metadata") or {}
        found[meta.get("namespace") or "", meta.get("name") or ""] = item
    return found


def usages(case: Case) -> Iterator[Usage]:
    meta = case.pod.get("metadata") or {}
    measured = case.view.once(metrics_by_pod).get((meta.get("namespace") or "", meta.get("name") or "")) or {}
    by_name = {c.get("name"): c.get("usage") or {} for c in measured.get("containers") or ()}
    for container in case.containers:
        usage = by_name.get(container.name)
        if usage and container.running:
            cpu, memory = parse_quantity(usage.get("cpu")), parse_quantity(usage.get("memory"))
            yield Usage(container, cpu or 0.0, memory or 0.0)


def usage_facts(view: View, workload: Ref) -> list[Fact]:
    """Facts of all running pods of a workload, for TOP_PODS."""
    return [
        fact
        for pod in view.pods_of(workload)
        for case in (Case(view, pod),)
        for usage in usages(case)
        for fact in _facts(case.subject, usage)
    ]


def _facts(subject: Subject, usage: Usage) -> list[Fact]:
    facts = []
    cpu_limit, cpu_request = usage.bound("limits", "cpu"), usage.bound("requests", "cpu")
    if cpu_limit and usage.cpu >= FULL * cpu_limit:
        facts.append(_fact(subject, usage, "cpu", "at-limit", cpu_limit))
    elif not cpu_limit and usage.cpu > HIGH_CORES:
        facts.append(_fact(subject, usage, "cpu", "high", None))
    if cpu_request and usage.cpu > cpu_request:
        facts.append(_fact(subject, usage, "cpu", "above-request", cpu_request))
    memory_limit, memory_request = usage.bound("limits", "memory"), usage.bound("requests", "memory")
    if memory_limit and usage.memory >= FULL * memory_limit:
        facts.append(_fact(subject, usage, "memory", "near-limit", memory_limit))
    if memory_request and usage.memory > memory_request:
        facts.append(_fact(subject, usage, "memory", "above-request", memory_request))
    return facts


def _fact(subject: Subject, usage: Usage, resource: str, value: str, bound: float | None) -> Fact:
    amount = readable_amount(resource, usage.cpu if resource == "cpu" else usage.memory)
    kind = "request" if value == "above-request" else "limit"
    against = f"its {kind} is {readable_amount(resource, bound)}" if bound else "it has no limit"
    detail = f"container {usage.container.name} uses {amount} of {resource}; {against}"
    limit = str(((usage.container.spec.get("resources") or {}).get("limits") or {}).get(resource, ""))
    params = {f"{resource}_usage": amount, f"{resource}_limit": limit}
    params[f"double_{resource}_limit"] = doubled(limit)
    return subject.fact(
        f"usage.{resource}",
        value,
        detail,
        container=usage.container.name,
        **params,
    )


@check("usage", "Pod", "ReplicaSet", "Job")
def usage(view: View, namespace: str | None) -> Iterator[Finding]:
    """Containers at their CPU limit (throttled) or close to their memory limit (about to be killed)."""
    if not view.once(metrics_by_pod):
        return
    for pod in live_pods(view, namespace):
        case = Case(view, pod)
        for used in usages(case):
            facts = _facts(case.subject, used)
            starting = age(view, used.container.started) < WARM_UP
            alarming = [
                f for f in facts if f.value == "near-limit" or (f.value == "at-limit" and not starting)
            ]
            for fact in alarming:
                others = tuple(f for f in facts if f not in alarming)
                yield Finding(Severity.WARNING, case.subject.about, fact.detail, (fact, *others), "usage")
