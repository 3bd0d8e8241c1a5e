"""Whom a log blames without an address: the cluster's DNS, or the only database that is called."""

from __future__ import annotations

from collections.abc import Collection

from kubelore.analysis.backends import selected_workloads
from kubelore.analysis.calls import calls_of
from kubelore.analysis.components import component_of, names
from kubelore.analysis.dns import dns_facts
from kubelore.analysis.programs import runs_database
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View
from kubelore.types import Edge, Fact, JsonObject, Ref


def blamed(view: View, workload: Ref, kinds: Collection[str]) -> tuple[list[Fact], list[Edge]]:
    """Facts of others, and edges to them. `kinds` are the classes of the workload's log lines."""
    facts: list[Fact] = []
    edges: list[Edge] = []
    spec = view.pod_spec(workload)
    if "dns-timeout" in kinds and component_of(workload) != "dns" and _asks_the_cluster(view, workload, spec):
        edges += [Edge("calls", workload, server) for server in _dns_servers(view)]
    if "db-read-only" in kinds and not runs_database(spec):
        called = {call.service for call in calls_of(view, workload) if call.database and call.service}
        if len(called) == 1:
            service = called.pop()
            obj = view.find(service)
            for database in selected_workloads(view, obj) if obj else ():
                detail = f"{workload.kind} {workload.name} cannot write to it, and calls no other database"
                facts.append(Subject(database, workload).fact("database.refuses", "writes", detail))
                edges += [Edge("calls", workload, service), Edge("selects", service, database)]
    return facts, edges


def _asks_the_cluster(view: View, workload: Ref, spec: JsonObject) -> bool:
    return not any(dns_facts(view, Subject(workload), spec))


def _dns_servers(view: View) -> list[Ref]:
    return [w for n in names().namespaces for w in view.workloads(n) if component_of(w) == "dns"]
