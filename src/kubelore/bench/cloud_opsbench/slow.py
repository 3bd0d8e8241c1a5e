"""Slow requests, by the word of monitoring: how late each workload is, and where that comes from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from kubelore.analysis.delay import Late, Network, sources
from kubelore.analysis.edges import nodes_of
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View
from kubelore.bench.cloud_opsbench.signs import workload_named
from kubelore.cluster.text.answers import Alerts, Measure
from kubelore.types import Edge, Fact, Ref

CLEAR = 0.55
"""Belief from which no more is asked."""
POSSIBLE = 0.12
"""Belief from which a source is worth naming."""
MEDIANS = ("p50", "median", "avg", "mean")


@dataclass(frozen=True, slots=True)
class Slow:
    """What is known of who is late and who calls whom. `asked` are those all of whose calls are known;
    `stores` are names of databases, of which requests are not timed."""

    view: View
    namespace: str
    alerts: Alerts
    calls: Mapping[Edge, None]
    asked: Collection[Ref]
    stores: Collection[str]

    def late(self) -> dict[Ref, Late]:
        found: dict[Ref, Late] = {}
        for name, measures in self._told("LATENCY").items():
            workload = workload_named(self.view, self.namespace, name)
            if workload is not None:
                found[workload] = Late(_added(measures, median=True), _added(measures, median=False))
        return found

    def sources(self) -> list[tuple[Ref, float]]:
        return sources(self._network())

    def next(self) -> Ref | None:
        """Of whom to ask whom it calls, to tell where the delay comes from; None when that is told."""
        late = self.late()
        if not late:
            return None
        if not self.asked:
            return max(late, key=lambda w: (late[w].median or late[w].tail / 10, w))
        believed = self.sources()
        best, belief = believed[0]
        if belief >= CLEAR and (best.kind == "Node" or best in self.asked):
            return None
        return next((ref for ref, _ in believed if ref in late and ref not in self.asked), None)

    def facts(self, *, explained: bool) -> Iterator[Fact]:
        """What the late ones and their nodes are. `explained`: something else is known to delay them."""
        late = self.late()
        sources = [] if explained else self.sources()
        believed = [(ref, belief) for ref, belief in sources if belief >= POSSIBLE]
        for ref, belief in believed[:1]:
            if ref.kind == "Node":
                detail = f"calls from or to what runs there are late ({belief:.0%})"
                yield Subject(ref).fact("node.network", "slow", detail)
            else:
                yield Subject(ref).fact("latency.from", "origin", f"this explains who is late ({belief:.0%})")
        for ref, belief in believed[1:]:
            is_node = ref.kind == "Node"
            key, value = ("node.network", "perhaps-slow") if is_node else ("latency.from", "perhaps")
            yield Subject(ref).fact(key, value, f"it may be the origin ({belief:.0%})")
        for ref in late.keys() - {ref for ref, _ in believed}:
            yield Subject(ref).fact("latency.from", "waits-for-others", "others explain that it is late")

    def _network(self) -> Network:
        rates = {}
        for name, measures in self._told("THROUGHPUT").items():
            workload = workload_named(self.view, self.namespace, name)
            if workload is not None:
                rates[workload] = max(m.normal for m in measures)
        workloads = {w for w in self.view.workloads(self.namespace) if w.name not in self.stores}
        nodes = {w: nodes_of(self.view, w) for w in workloads}
        return Network(self.late(), list(self._pairs(workloads)), self.asked, nodes, rates)

    def _pairs(self, workloads: set[Ref]) -> Iterator[tuple[Ref, Ref]]:
        for edge in self.calls:
            callee = workload_named(self.view, self.namespace, edge.target.name)
            if callee is not None and {callee, edge.source} <= workloads and callee != edge.source:
                yield edge.source, callee

    def _told(self, category: str) -> dict[str, list[Measure]]:
        """Measures by whom they are about."""
        found: dict[str, list[Measure]] = {}
        for alert in self.alerts.alerts:
            for sign in alert.signs:
                if category in sign.category and sign.measures:
                    found.setdefault(alert.name, []).extend(sign.measures)
        return found


def _added(measures: Iterable[Measure], *, median: bool) -> float:
    """How much was added to half of the requests, or to the slowest."""
    told = (m for m in measures if any(word in m.what.lower() for word in MEDIANS) is median)
    return max(((m.current or 0.0) - m.normal for m in told), default=0.0)
