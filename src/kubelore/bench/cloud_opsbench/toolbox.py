"""kubelore's tools over recorded calls: each call first fetches what it needs, in as few recorded calls as
will do, and is then answered by the ordinary tool from all that is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from kubelore.agent.opening import target
from kubelore.analysis.backends import addresses_of, desired_replicas, has_run, troubled
from kubelore.analysis.find import find
from kubelore.analysis.settings import object_facts
from kubelore.analysis.storage import claims_in
from kubelore.analysis.view import View, parse_time, ref_of
from kubelore.bench.cloud_opsbench import signs
from kubelore.bench.cloud_opsbench.gather import Gathered
from kubelore.bench.cloud_opsbench.known import AllKnown
from kubelore.bench.cloud_opsbench.trail import MAX_FOLLOWED, Trail
from kubelore.errors import ToolError
from kubelore.tools.arguments import read
from kubelore.tools.pods import pod_ready, pod_status, pods_behind, restarts, statuses, worst_pod
from kubelore.tools.registry import Toolbox
from kubelore.tools.resolve import Resolver
from kubelore.types import Finding, JsonObject, Observation, Ref, Severity, ToolCall

CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
ROLE = "kubernetes.io/role"
RECENTLY = timedelta(minutes=30)
"""A restart longer ago is no sign of what is wrong now."""
OFTEN = 2
"""Restarts that are no accident any more."""
FELT = ("latency=high", "node.network=", "usage.cpu=at-limit", "usage.memory=near-limit")
RARE = 4
"""One workload of so many without a Service is odd; more often it is the custom there."""
NODE_AGENTS = ("kubelet", "containerd")


class CaseToolbox:
    """A `protocols.Toolbox`."""

    def __init__(self, gathered: Gathered, namespace: str) -> None:
        self._known = gathered
        self._namespace = namespace
        self._trail = Trail(gathered, namespace)
        self._shaky: set[Ref] = set()
        """Restarted for a reason that nothing tells, and well since: worth a look, not the end of looking."""
        self._fetch: Mapping[str, Callable[[Ref | None], None]] = {
            "FIND_ISSUES": self._for_issues,
            "DESCRIBE": self._for_object,
            "GET_LOGS": self._for_logs,
            "GET_ENDPOINTS": self._for_endpoints,
            "GET_EVENTS": lambda _: self._once("Event"),
            "TOP_PODS": lambda _: self._for_usage(),
            "CLUSTER_HEALTH": lambda _: self._for_health(),
        }

    @property
    def view(self) -> View:
        return self._known.view

    def describe(self) -> str:
        return Toolbox(self.view).describe()

    def run(self, call: ToolCall) -> Observation:
        fetch = self._fetch.get(call.name.strip().upper())
        if fetch is not None:
            fetch(self._service(call) if call.name == "GET_ENDPOINTS" else self._target(call))
        texts, self._known.texts = self._known.texts, []
        tools = Toolbox(self.view, extra=[AllKnown(self._known, self._namespace, self._trail.looked, texts)])
        answers = [tools.run(call), tools.run(ToolCall(AllKnown.name))]
        answers += [tools.run(ToolCall("GET_LOGS", target(workload))) for workload in self._trail.logged]
        return self._merged(call, answers)

    @staticmethod
    def _merged(call: ToolCall, answers: list[Observation]) -> Observation:
        answer, rest = answers[:2]
        return replace(
            answer,
            text="\n\n".join(part for part in (answer.text, rest.text) if part),
            facts=tuple(dict.fromkeys(f for a in answers for f in a.facts)),
            edges=tuple(dict.fromkeys(e for a in answers for e in a.edges)),
            covers=tuple(dict.fromkeys(c for a in answers for c in a.covers)),
            findings=answer.findings or (rest.findings if call.name == "FIND_ISSUES" else ()),
            not_checked=(),
        )

    def _target(self, call: ToolCall) -> Ref | None:
        """The object that a call names. A workload may be known by its pods alone."""
        try:
            return Resolver(self.view).one(read(call.args)).ref
        except ToolError:
            words = {word.lower() for word in call.args.split()}
        named = (w for w in self.view.workloads(self._namespace) if w.name in words)
        return next((w for w in named if w.kind.lower() in words), None)

    def _service(self, call: ToolCall) -> Ref | None:
        words = call.args.split()
        named = (Ref("Service", self._namespace, word) for word in words)
        return next((ref for ref in named if self.view.find(ref)), None) or self._target(call)

    # -- what each tool needs ------------------------------------------------------------------------
    def _for_issues(self, _: Ref | None) -> None:
        """From what fails most often to what fails least; what comes after a fault is not asked for."""
        self._once("Pod")
        pods = self.view.all("Pod", self._namespace)
        failing = worst_pod(p for p in pods if not pod_ready(p) and not _finished(p))
        if failing:
            self._for_pod(failing)
            return
        restarted = worst_pod(p for p in pods if _restarted(p, self.view.now))
        if restarted and restarts(restarted) >= OFTEN and self._tells_why(restarted):
            return
        self._for_usage()
        if self._is_felt() or (restarted and self._tells_why(restarted)):
            return
        self._for_what_is_lacking()
        alerts = self._known.alerts
        if not self._broken() and all(a.error for a in alerts.alerts):
            for entry in signs.failing_ones(self.view, self._namespace, alerts) or self._trail.entries():
                self._trail.follow(entry)
        if not self._broken() and not alerts.alerts:
            self._for_unserved()

    def _for_what_is_lacking(self) -> None:
        """Workloads without pods, Services without addresses."""
        self._once("Deployment")
        lacking = [w for w in self.view.workloads(self._namespace) if self._lacks_pods(w)]
        for workload in lacking[:1]:
            self._for_missing_pods(workload)
        for workload in [w for w in self.view.workloads(self._namespace) if self._is_idle(w)][:MAX_FOLLOWED]:
            self._trail.looked[workload] = None
            self._trail.settings(workload)
        if not lacking and not self._broken():
            self._for_services()

    def _is_felt(self) -> bool:
        """Whether monitoring names something that is slow or full: then that comes first."""
        return any(f.name.startswith(FELT) for f in self._known.facts)

    def _tells_why(self, restarted: JsonObject) -> bool:
        """Describes what has restarted; if that says why, no more is needed."""
        self._for_pod(restarted)
        self._shaky.add(self.view.workload_of(restarted))
        return self._explained(restarted)

    def _explained(self, pod: JsonObject) -> bool:
        """Whether its description says why it restarted."""
        facts = object_facts(self.view, self.view.workload_of(pod))
        return any(f.key == "container.killed_by" or f.value == "OOMKilled" for f in facts)

    def _lacks_pods(self, workload: Ref) -> bool:
        wanted = desired_replicas(self.view, workload)
        return workload.kind == "Deployment" and wanted != 0 and not self.view.pods_of(workload)

    def _is_idle(self, workload: Ref) -> bool:
        return workload.kind == "Deployment" and desired_replicas(self.view, workload) == 0

    def _for_pod(self, pod: JsonObject) -> None:
        self._known.describe(ref_of(pod))
        self._trail.looked[self.view.workload_of(pod)] = None

    def _for_services(self) -> None:
        """Endpoints say which Services reach nothing; labels of pods say why."""
        for kind in ("Service", "Endpoints"):
            self._once(kind)
        if not self.view.cluster.readable("Pod") and any(
            map(self._trail.has_lost_its_pods, self._trail.services())
        ):
            self._known.labels()
        for service in signs.odd_protocols(self._trail.services())[:1]:
            for workload in self._trail.behind(service)[:1]:
                self._trail.settings(workload)

    def _for_unserved(self) -> None:
        """One of many workloads that has no Service: could it not be made?"""
        deployments = [ref_of(d) for d in self.view.all("Deployment", self._namespace)]
        served = {w for s in self._trail.services() for w in self._trail.behind(s)}
        alone = [w for w in deployments if w not in served]
        if alone and len(alone) * RARE <= len(deployments):
            self._trail.settings(alone[0])

    def _for_object(self, ref: Ref | None) -> None:
        if ref is None:
            return
        self._trail.looked[ref] = None
        if ref.kind == "Service":
            self._for_endpoints(ref)
            self._connect(ref)
        elif ref.kind == "Node":
            self._for_node(ref)
        elif ref.kind == "PersistentVolumeClaim":
            self._for_claim(ref)
        elif ref.kind in ("Namespace", "ResourceQuota"):
            self._once("ResourceQuota")
        else:
            self._for_workload(ref)

    def _for_workload(self, ref: Ref) -> None:
        obj = self.view.find(ref)
        workload = self.view.workload_of(obj) if obj else ref
        pod = worst_pod(self.view.pods_of(workload))
        self._trail.looked[workload] = None
        if pod is None:
            self._for_missing_pods(workload)
            return
        self._known.describe(ref_of(pod))
        self._trail.settings(workload)
        if not (pod.get("spec") or {}).get("nodeName"):
            self._for_unscheduled(workload)
        elif "CreateContainerConfigError" in pod_status(pod):
            self._once("Secret")

    def _for_missing_pods(self, workload: Ref) -> None:
        """Why no pod was made is told by what should make them."""
        self._trail.looked[workload] = None
        self._once("ReplicaSet")
        for owned in self.view.dependents(workload):
            if int((owned.get("spec") or {}).get("replicas") or 0):
                self._known.describe(ref_of(owned))

    def _for_unscheduled(self, workload: Ref) -> None:
        claims = [
            c for p in self.view.pods_of(workload) for c in claims_in(p.get("spec") or {}, ref_of(p).name)
        ]
        for name in dict.fromkeys(claims):
            self._for_claim(Ref("PersistentVolumeClaim", workload.namespace, name))
        if not claims:
            self._nodes()
        if not self.view.events_of(workload):
            self._for_scheduler()

    def _for_scheduler(self) -> None:
        """A pod that waits without a word about it: does the scheduler run?"""
        self._nodes()
        for node in self.view.all("Node"):
            if _runs_control_plane(node):
                self._known.node_service(ref_of(node), "kube-scheduler")

    def _for_claim(self, ref: Ref) -> None:
        self._trail.looked[ref] = None
        self._once("PersistentVolumeClaim")
        if self.view.find(ref) is None:
            self._once("ResourceQuota")
            return
        self._known.describe(ref)
        self._once("PersistentVolume")

    def _for_logs(self, ref: Ref | None) -> None:
        if ref is None:
            return
        obj = self.view.find(ref)
        pods = pods_behind(self.view, obj) if obj else self.view.pods_of(ref)
        for pod in pods[:1]:
            self._trail.log(self.view.workload_of(pod))

    def _for_endpoints(self, ref: Ref | None) -> None:
        self._for_services()
        service = self.view.find(ref) if ref and ref.kind == "Service" else None
        if service is None or ref is None:
            return
        self._known.describe(ref)
        if addresses_of(self.view, service).ready:
            for workload in self._trail.behind(service)[:1]:
                self._trail.settings(workload)

    def _connect(self, ref: Ref) -> None:
        """Where endpoints are there, only connecting tells whether they are reached."""
        service = self.view.find(ref)
        if service is not None and addresses_of(self.view, service).ready:
            for port in _ports(service)[:1]:
                self._known.connect(ref, port)

    def _for_usage(self) -> None:
        self._known.monitoring()
        self._known.slow_path()

    def _for_health(self) -> None:
        self._nodes()
        for node in self.view.all("Node"):
            ref = ref_of(node)
            if _ready(node) and not _runs_control_plane(node):
                self._known.node_service(ref, "kube-proxy")
            elif not _ready(node):
                self._for_node(ref)
        sound = not any(fact.about.kind == "Node" for fact in self._known.facts)
        if sound and all(map(_ready, self.view.all("Node"))):
            unexplained = (w for w in self._trail.looked if troubled(self.view, w) and has_run(self.view, w))
            for workload in list(unexplained)[:1]:
                self._trail.compare(workload)

    def _for_node(self, ref: Ref) -> None:
        self._nodes()
        for name in NODE_AGENTS:
            self._known.node_service(ref, name)

    # -- helpers ---------------------------------------------------------------------------------------
    def _nodes(self) -> None:
        if not self.view.cluster.readable("Node"):
            self._known.nodes()

    def _once(self, kind: str) -> None:
        self._known.listing(kind)

    def _broken(self) -> list[Finding]:
        found = find(self.view, self._namespace)
        return [f for f in found if f.severity is Severity.CRITICAL and f.object not in self._shaky]


def _ports(service: JsonObject) -> list[int]:
    return [int(p.get("port") or 0) for p in (service.get("spec") or {}).get("ports") or () if p.get("port")]


def _runs_control_plane(node: JsonObject) -> bool:
    labels = (node.get("metadata") or {}).get("labels") or {}
    return any(label in labels for label in CONTROL_PLANE) or labels.get(ROLE) in ("master", "control-plane")


def _finished(pod: JsonObject) -> bool:
    return (pod.get("status") or {}).get("phase") == "Succeeded"


def _restarted(pod: JsonObject, now: datetime) -> bool:
    ends = [((s.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for s in statuses(pod)]
    times = [time for end in ends if (time := parse_time(end))]
    return restarts(pod) > 0 and (not times or now - max(times) < RECENTLY)


def _ready(node: JsonObject) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return all(c.get("status") == "True" for c in conditions if c.get("type") == "Ready")
