"""What the calls made so far have shown: objects in a `Collected`, and facts that no object shows."""

from __future__ import annotations

from datetime import datetime
from itertools import chain, repeat
from typing import Any

from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, ref_of
from kubelore.bench.cloud_opsbench import signs
from kubelore.bench.cloud_opsbench.recorded import Recorded
from kubelore.bench.cloud_opsbench.slow import Slow
from kubelore.cluster import kinds
from kubelore.cluster.text.answers import (
    Alerts,
    Excerpt,
    read_alerts,
    read_connectivity,
    read_dependencies,
    read_logs,
)
from kubelore.cluster.text.collected import Collected
from kubelore.cluster.text.documents import read_documents
from kubelore.cluster.text.node_answers import read_configuration, read_service_status
from kubelore.types import Edge, Fact, JsonObject, NotChecked, Ref

MAX_REPEATS = 5
"""How often a log line that came many times is repeated: often enough to count as lasting."""

MAX_PATH = 3
"""Slow workloads of which is asked whom they call."""


class Gathered:
    """Makes calls, and keeps what they show. A `view` is good until the next call."""

    def __init__(self, recorded: Recorded, namespace: str, now: datetime) -> None:
        self._recorded = recorded
        self._namespace = namespace
        self.cluster = Collected(now, namespace, context="recorded calls")
        self.view = View(self.cluster)
        self.alerts = Alerts()
        self.edges: dict[Edge, None] = {}
        self._asked: dict[Ref, None] = {}
        self._stores: dict[str, None] = {}
        self.unread: dict[str, NotChecked] = {}
        self.texts: list[str] = []
        """Answers about no object since they were last taken, for an observation's text."""
        self._told: dict[Fact, None] = {}
        self._wanted: list[tuple[Ref, JsonObject]] = []

    @property
    def facts(self) -> list[Fact]:
        """Facts that no object shows: told by monitoring, by connecting, or by a node's own services."""
        told = list(signs.alert_facts(self.view, self._namespace, self.alerts))
        refused = signs.refused_facts(self.view, self._namespace, self.absent())
        return [
            *self._told,
            *refused,
            *told,
            *self._slow().facts(explained=any(f.key == "node.network" for f in told)),
        ]

    def _slow(self) -> Slow:
        return Slow(self.view, self._namespace, self.alerts, self.edges, self._asked, self._stores)

    @property
    def steps(self) -> int:
        return self._recorded.steps

    # -- objects -----------------------------------------------------------------------------------
    def listing(self, kind: str) -> None:
        """All objects of a kind, with the wide columns."""
        found = kinds.find(kind)
        name = found.plural if found else kind
        answer = self._ask("GetResources", resource_type=name, namespace=self._namespace, output_wide=True)
        if isinstance(answer, str):
            self.cluster.add(kind, answer, whole_list=True)
        self._renew()

    def labels(self) -> None:
        """The labels of all pods."""
        answer = self._ask("GetResources", resource_type="pods", namespace=self._namespace, show_labels=True)
        if isinstance(answer, str):
            self.cluster.add("Pod", answer, whole_list=True)
        self._renew()

    def describe(self, ref: Ref) -> None:
        found = kinds.find(ref.kind)
        if found is None:
            return
        answer = self._ask(
            "DescribeResource", resource_type=found.plural, name=ref.name, namespace=ref.namespace
        )
        if isinstance(answer, str):
            self.cluster.add(ref.kind, answer, namespace=ref.namespace)
        self._renew()

    def manifest(self, workload: Ref) -> None:
        """The settings of a workload, and of the Services that come with it."""
        answer = self._ask("GetAppYAML", app_name=workload.name)
        if isinstance(answer, str):
            self.cluster.add(workload.kind, answer)
            self._wanted += [(workload, obj) for obj in read_documents(answer, self._namespace)[0]]
            for host in signs.addresses_in(answer):
                self.edges[Edge("calls", workload, Ref("Service", self._namespace, host))] = None
        self._renew()

    def absent(self) -> list[tuple[Ref, JsonObject]]:
        """What workloads were to be made with, and is not there; each with its workload."""
        return [
            (workload, obj)
            for workload, obj in self._wanted
            if self.view.exists(ref_of(obj).kind, ref_of(obj).namespace, ref_of(obj).name) is False
        ]

    def nodes(self) -> None:
        answer = self._ask("GetClusterConfiguration")
        self.cluster.add_objects(read_configuration(answer), whole_list="Node" if answer else "")
        self._renew()

    # -- anything else -----------------------------------------------------------------------------
    def logs(self, workload: Ref) -> None:
        """Error lines of a workload. The answer names no pod: they are taken for those of each."""
        answer = self._ask("GetErrorLogs", service_name=workload.name, namespace=self._namespace)
        excerpts = read_logs(answer).excerpts
        for pod in self.view.pods_of(workload):
            self._add_logs(pod, excerpts)
        self._renew()

    def _add_logs(self, pod: JsonObject, excerpts: tuple[Excerpt, ...]) -> None:
        ref = ref_of(pod)
        names = [str(c.get("name", "")) for c in (pod.get("spec") or {}).get("containers") or ()]
        if not excerpts:
            self.cluster.add_log(ref.namespace, ref.name, "", "")
        for excerpt in excerpts:
            container = excerpt.container if excerpt.container in names else ""
            lines = chain.from_iterable(
                repeat(line, min(count, MAX_REPEATS)) for line, count in reversed(excerpt.lines)
            )
            self.cluster.add_log(ref.namespace, ref.name, container, "\n".join(lines))

    def monitoring(self) -> None:
        answer = self._ask("GetAlerts")
        self.alerts = read_alerts(answer)
        self.texts += [f"{a.kind} {a.name}: {s.text}" for a in self.alerts.alerts for s in a.signs]
        self.texts += [f"Request {a.method} {a.url}: {a.error}" for a in self.alerts.alerts if a.error]

    def slow_path(self) -> None:
        """Who calls whom among the slow ones, until it is known where the delay comes from."""
        for _ in range(MAX_PATH):
            workload = self._slow().next()
            if workload is None:
                return
            self.dependencies(workload)

    def dependencies(self, workload: Ref) -> None:
        """Who calls whom around a workload, as edges to Services."""
        self._asked[workload] = None
        answer = self._ask("GetServiceDependencies", service_name=workload.name)
        if not isinstance(answer, str):
            return
        self.texts.append(answer)
        found = read_dependencies(answer)
        self._stores |= dict.fromkeys(name for name, note in found.notes if "database" in note.lower())
        callers = {caller for caller, _ in found.calls} - {workload.name, *found.callers}
        for caller, callee in found.calls:
            source = signs.workload_named(self.view, self._namespace, caller)
            if source is not None:
                self.edges[Edge("calls", source, Ref("Service", self._namespace, callee))] = None
            target = signs.workload_named(self.view, self._namespace, callee)
            if callers and target is not None:  # a tree that goes on below its first row goes on to its end
                self._asked[target] = None

    def connect(self, service: Ref, port: int) -> None:
        answer = self._ask(
            "CheckServiceConnectivity", service_name=service.name, namespace=service.namespace, port=port
        )
        if not isinstance(answer, str):
            return
        self.texts.append(answer)
        verdict = {"failed": "failed", "partly": "from-some-nodes", "open": "open"}.get(
            read_connectivity(answer).verdict
        )
        if verdict:
            self._tell(
                Subject(service).fact(
                    "service.connection", verdict, f"Connecting to {service.name}:{port}: {verdict}"
                )
            )

    def blame(self, workload: Ref, caller: Ref) -> None:
        """A caller's log says that calls to this workload fail."""
        detail = f"the log of {caller.name} says that its calls to {workload.name} fail"
        self._tell(Subject(workload, caller).fact("requests", "failing", detail))

    def node_service(self, node: Ref, name: str) -> None:
        """Whether one of the node's own services runs."""
        answer = self._ask("CheckNodeServiceStatus", node_name=node.name, service_name=name)
        if not isinstance(answer, str):
            return
        status = read_service_status(answer)
        self.texts.append("\n".join(answer.splitlines()[:5]))
        for fact in signs.service_facts(node, name, status):
            self._tell(fact)

    def _tell(self, fact: Fact) -> None:
        self._told[fact] = None

    def _ask(self, tool: str, **args: str | int | bool) -> Any:
        answer = self._recorded.ask(tool, **args)
        if answer is None:
            what = " ".join([tool, *(str(value) for value in args.values() if value is not True)])
            self.unread[what] = NotChecked(what, "this call was not recorded")
        return answer

    def _renew(self) -> None:
        self.view = View(self.cluster)
