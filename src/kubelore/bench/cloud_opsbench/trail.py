"""From one workload to the next: settings, logs, and who calls whom, each asked for once."""

from __future__ import annotations

from itertools import islice

from kubelore.agent.opening import target
from kubelore.analysis.backends import addresses_of, selected_workloads, selector_of, troubled
from kubelore.analysis.edges import nodes_of
from kubelore.analysis.programs import runs_proxy
from kubelore.analysis.siblings import FEWEST
from kubelore.analysis.view import View, ref_of
from kubelore.bench.cloud_opsbench.gather import Gathered
from kubelore.tools.registry import Toolbox
from kubelore.types import Fact, JsonObject, Ref, ToolCall

MAX_ENTRIES = 2
MAX_FOLLOWED = 2
ABOUT_DATABASES = {"dependency.kind=database", "log=db-too-many-connections", "log=db-read-only"}
COMPLAINS = {
    "log=upstream-5xx", "log=connection-refused", "log=connection-timeout", "log=connection-reset",
    "log=host-unresolvable", "log=dns-timeout", "log=no-route", "log=deadline-exceeded", "log=db-error",
    "log=db-read-only", "log=db-too-many-connections", "log=db-auth-failed",
}  # fmt: skip
"""What a log has of calls that failed."""
UNANSWERED = {"log=connection-timeout", "log=no-route", "log=deadline-exceeded"}


class Trail:
    """`looked` and `logged` are the objects whose facts an observation tells."""

    def __init__(self, known: Gathered, namespace: str) -> None:
        self._known = known
        self._namespace = namespace
        self.looked: dict[Ref, None] = {}
        self.logged: dict[Ref, None] = {}

    @property
    def view(self) -> View:
        return self._known.view

    # -- what there is -------------------------------------------------------------------------------
    def services(self) -> list[JsonObject]:
        return self.view.all("Service", self._namespace)

    def behind(self, service: JsonObject) -> list[Ref]:
        """Workloads that it selects, by their labels or by their selectors."""
        found = selected_workloads(self.view, service)
        wanted = selector_of(service)
        if found or not wanted:
            return found
        deployments = self.view.all("Deployment", self._namespace)
        return [ref_of(d) for d in deployments if wanted.items() <= _selected_by(d).items()]

    def has_lost_its_pods(self, service: JsonObject) -> bool:
        """It reaches nothing, and is called like a workload."""
        addresses = addresses_of(self.view, service)
        named = {w.name for w in self.view.workloads(self._namespace)}
        return addresses.known and not addresses.ready and ref_of(service).name in named

    def entries(self) -> list[Ref]:
        """Workloads that are reached from outside of the cluster: their logs name what fails behind them."""
        outside = [s for s in self.services() if _is_exposed(s)]
        return list(dict.fromkeys(w for s in outside for w in self.behind(s)))[:MAX_ENTRIES]

    # -- one workload --------------------------------------------------------------------------------
    def settings(self, workload: Ref) -> None:
        """What it was made from may ask for more than there is: a quota may refuse the rest."""
        self._known.manifest(workload)
        if self._known.absent():
            self._known.listing("ResourceQuota")

    def compare(self, workload: Ref) -> None:
        """Settings of as many healthy siblings as a comparison needs: for what is in trouble unexplained."""
        same_kind = (w for w in self.view.workloads(self._namespace) if w.kind == workload.kind)
        healthy = (w for w in same_kind if w != workload and not troubled(self.view, w))
        for sibling in list(islice(healthy, FEWEST)):
            self._known.manifest(sibling)

    def log(self, workload: Ref) -> tuple[Fact, ...]:
        """What the log tells."""
        if workload not in self.logged:
            self.logged[workload] = None
            self._known.logs(workload)
        seen = Toolbox(self.view).run(ToolCall("GET_LOGS", target(workload))).facts
        if any(f.name in ABOUT_DATABASES for f in seen):
            for kind in ("Service", "Endpoints"):
                self._known.listing(kind)
        return seen

    # -- from one to the next ------------------------------------------------------------------------
    def follow(self, entry: Ref) -> None:
        """From a log that names calls that fail to what it calls, and to who else may have made the call: a
        program often relays the error of another. From any other log to who passes requests on to it."""
        told = self.log(entry)
        if not any(f.key == "call.error" or f.name in COMPLAINS for f in told):
            self._relays(entry)
            return
        for fact in [f for f in told if f.name == "dependency.service=ok"][:MAX_FOLLOWED]:
            ref = Ref("Service", fact.params.get("service_namespace", ""), fact.params.get("service", ""))
            service = self.view.find(ref)
            if service is not None:
                self._known.describe(ref)
                for workload in self.behind(service)[:1]:
                    self._suspect(workload, fact.about)
                    self._proxies(fact.about, told)
                    if any(f.name == "log=upstream-5xx" for f in told):
                        self.log(workload)
        for fact in told:
            if fact.name in ("dependency.service=missing", "dependency.port=not-served"):
                self._callers(fact.about, fact.params.get("host", ""))

    def _relays(self, entry: Ref) -> None:
        """Who stands before a workload that is well, and passes its requests on, perhaps elsewhere."""
        if runs_proxy(self.view.pod_spec(entry)):
            self._passing_on(entry)
            return
        self._known.dependencies(entry)
        callers = [e.source for e in self._known.edges if e.target.name == entry.name and e.kind == "calls"]
        proxies = [w for w in dict.fromkeys(callers) if runs_proxy(self.view.pod_spec(w))]
        for workload in proxies[:1]:
            self._passing_on(workload)

    def _passing_on(self, proxy: Ref) -> None:
        self.looked[proxy] = None
        self.settings(proxy)
        self.log(proxy)

    def _proxies(self, caller: Ref, told: tuple[Fact, ...]) -> None:
        """Calls that get no answer from what is there: does the caller's node know the way?"""
        if any(f.name in UNANSWERED for f in told):
            for node in nodes_of(self.view, caller):
                self._known.node_service(node, "kube-proxy")

    def _callers(self, relay: Ref, host: str) -> None:
        """Settings of the workloads that call what is named most like this host."""
        names = {ref_of(s).name for s in self.services()}
        meant = max((n for n in names if host.startswith(n)), key=len, default="")
        if not meant:
            return
        self._known.dependencies(relay)
        callers = [e.source for e in self._known.edges if e.target.name == meant and e.source != relay]
        for workload in list(dict.fromkeys(callers))[:MAX_FOLLOWED]:
            self._suspect(workload, relay)

    def _suspect(self, workload: Ref, caller: Ref) -> None:
        """Settings of what fails by the word of one that calls it."""
        self.settings(workload)
        self.looked[workload] = None
        self._known.blame(workload, caller)


def _selected_by(deployment: JsonObject) -> dict[str, str]:
    return ((deployment.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}


def _is_exposed(service: JsonObject) -> bool:
    return (service.get("spec") or {}).get("type") in ("NodePort", "LoadBalancer")
