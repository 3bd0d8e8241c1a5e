"""How far each object is from what the question is about, along the edges that faults travel."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from kubelore.types import Evidence, Ref

FORWARD = {
    "owns": 0.2, "selects": 0.3, "mounts": 0.4, "runs on": 0.5, "routes to": 0.3, "calls": 0.5,
}  # fmt: skip
BACKWARD = {
    "owns": 0.2, "selects": 0.3, "mounts": 1.5, "runs on": 1.5, "routes to": 0.4, "calls": 1.8,
}  # fmt: skip
"""Cost of following an edge against its direction: callers and co-users are rarely the cause."""

SAME_NAMESPACE = 1.0
"""From a subject to its own Namespace object and what governs it (quotas)."""
CLUSTER_WIDE = 2.0
"""From anything to a cluster-scoped object without an edge: nodes, webhooks, API services."""
CLEARED = 2.0
"""Added to a call that the caller's log does not complain of."""
TELLS_NOTHING = frozenset(
    {"log=empty", "log=no-error", "log=listening", "log=shutdown-signal", "log=slow", "log=client-gone"}
)
"""Facts of logs that name no reason for a failure."""
FAR = 4.0
"""Beyond this an object is unrelated."""

Distances = Mapping[Ref, float]


def distances(subjects: Iterable[tuple[Ref, float]], evidence: Evidence) -> Distances:
    """Least cost from any subject (with its start cost) to every object within `FAR`."""
    best: dict[Ref, float] = {}
    queue = [(cost, ref) for ref, cost in subjects]
    heapq.heapify(queue)
    while queue:
        cost, ref = heapq.heappop(queue)
        if ref in best or cost > FAR:
            continue
        best[ref] = cost
        for edge in evidence.edges_from(ref):
            cleared = CLEARED if edge.kind == "calls" and calls_cleared(ref, evidence) else 0.0
            heapq.heappush(queue, (cost + cleared + FORWARD[edge.kind], edge.target))
        for edge in evidence.edges_to(ref):
            heapq.heappush(queue, (cost + BACKWARD[edge.kind], edge.source))
    start = min(best.values(), default=0.0)
    namespaces = {ref.namespace for ref, cost in best.items() if ref.namespace and cost <= 1}
    for ref in evidence.objects():
        governs = ref.namespace if ref.kind in ("ResourceQuota", "LimitRange") else ref.name
        if ref in best:
            continue
        if ref.kind in ("ResourceQuota", "LimitRange", "Namespace") and governs in namespaces:
            best[ref] = start + SAME_NAMESPACE
        elif not ref.namespace and ref.kind != "Namespace":
            best[ref] = start + CLUSTER_WIDE
    return best


def calls_cleared(caller: Ref, evidence: Evidence) -> bool:
    """Its log was read, names a reason to fail, and that is neither a failed call nor a database."""
    known = evidence.about(caller)
    tells = any(name.startswith("log=") and name not in TELLS_NOTHING for name in known)
    return tells and not any(name.startswith(("call.error=", "log=db-")) for name in known)
