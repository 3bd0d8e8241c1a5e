"""Facts of one object, healthy or broken, from its configuration and state: what DESCRIBE shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from kubelore.analysis import (
    autoscaling,
    certs,
    components,
    deletion,
    disruption,
    ingress,
    netpol,
    nodes,
    quota,
    rbac,
    storage,
    webhooks,
)
from kubelore.analysis.containers import memory_limit_fact, params_of, port_clash_facts, run_facts
from kubelore.analysis.dns import dns_facts
from kubelore.analysis.find import find
from kubelore.analysis.placement import constraint_facts
from kubelore.analysis.podstate import Case, Container, condition, containers_of, is_terminating
from kubelore.analysis.probes import port_facts, tight_facts
from kubelore.analysis.programs import runs_proxy
from kubelore.analysis.pulls import pull_secret_facts
from kubelore.analysis.routes import route_facts
from kubelore.analysis.services import service_facts
from kubelore.analysis.siblings import sibling_facts
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, ref_of
from kubelore.analysis.workloads import available, desired
from kubelore.types import Fact, Finding, JsonObject, Ref

ByKind = Mapping[str, Callable[[View, JsonObject], list[Fact]]]

OTHER_KINDS: ByKind = {
    "Service": service_facts,
    "Ingress": ingress.ingress_facts,
    "HTTPRoute": ingress.route_facts,
    "Gateway": ingress.route_facts,
    "PersistentVolumeClaim": storage.claim_facts,
    "PersistentVolume": lambda _, obj: storage.volume_facts(obj),
    "Node": nodes.node_facts,
    "NetworkPolicy": netpol.policy_facts,
    "HorizontalPodAutoscaler": autoscaling.hpa_facts,
    "PodDisruptionBudget": disruption.pdb_facts,
    "ResourceQuota": lambda _, obj: quota.quota_facts(obj),
    "APIService": components.api_service_facts,
    "Namespace": deletion.deletion_facts,
    "Secret": certs.certificate_facts,
    "ServiceAccount": lambda view, obj: rbac.binding_facts(view, ref_of(obj)),
    "ValidatingWebhookConfiguration": webhooks.webhook_facts,
    "MutatingWebhookConfiguration": webhooks.webhook_facts,
}
SCALED = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
POD_OWNERS = (*SCALED, "DaemonSet", "Job", "CronJob", "Pod")


def object_facts(view: View, ref: Ref) -> list[Fact]:
    """All facts about one object: those of findings on it and those of its settings, each once."""
    found = [fact for finding in _findings(view, ref.namespace or None) for fact in finding.facts]
    facts: dict[tuple[str, str], Fact] = {}
    for fact in (*(f for f in found if f.about == ref), *settings(view, ref)):
        facts.setdefault((fact.key, fact.value), fact)
    return list(facts.values())


def _findings(view: View, namespace: str | None) -> list[Finding]:
    known = view.once(_found)
    if namespace not in known:
        known[namespace] = find(view, namespace, broken=[])  # FIND_ISSUES says which analyzers failed
    return known[namespace]


def _found(_: View) -> dict[str | None, list[Finding]]:
    """Findings by namespace, filled as they are asked for."""
    return {}


def settings(view: View, ref: Ref) -> list[Fact]:
    """Facts of an object's configuration and state, whether or not anything is wrong with it.

    [] for an object that does not exist. Facts about a pod or ReplicaSet are about its workload.
    """
    obj = view.find(ref)
    if obj is None:
        return []
    if ref.kind in OTHER_KINDS:
        return OTHER_KINDS[ref.kind](view, obj)
    if ref.kind not in POD_OWNERS:
        return deletion.deletion_facts(view, obj)
    workload = view.workload_of(obj)
    facts = [
        *_replica_facts(Subject(workload), view.find(workload) or {}),
        *_template_facts(view, workload),
        *_pod_facts(view, workload, obj if ref.kind == "Pod" else None),
        *components.component_facts(view, workload),
        *netpol.blocked_facts(view, workload),
        *sibling_facts(view, workload),
        *route_facts(view, workload),
    ]
    return list({(f.key, f.value): f for f in reversed(facts)}.values())[::-1]


# -- workloads -----------------------------------------------------------------------------------------
def _replica_facts(subject: Subject, obj: JsonObject) -> Iterator[Fact]:
    kind, spec, status = subject.about.kind, obj.get("spec") or {}, obj.get("status") or {}
    wanted = None
    if kind in SCALED:
        wanted, have = desired(obj), available(obj)
        value = "set" if wanted else "zero"
        yield subject.fact("workload.replicas", value, f"{wanted} replicas are asked for", replicas=wanted)
    elif kind == "DaemonSet":
        wanted, have = int(status.get("desiredNumberScheduled") or 0), int(status.get("numberReady") or 0)
    if wanted:
        value = "all" if have >= wanted else "some" if have else "none"
        yield subject.fact(
            "workload.available", value, f"{have} of {wanted} replicas available", replicas=wanted
        )
    if kind == "Deployment" and spec.get("paused"):
        yield subject.fact("workload.rollout", "paused", "its rollout is paused")
    if kind == "Job" and spec.get("suspend"):
        yield subject.fact("job.suspended", "yes", "the Job is suspended")
    if kind == "CronJob" and spec.get("suspend"):
        yield subject.fact("cronjob.suspended", "yes", "the CronJob is suspended")


def _template_facts(view: View, workload: Ref) -> list[Fact]:
    subject, template = Subject(workload), view.pod_template(workload)
    spec = template.get("spec") or {}
    facts = [] if workload.kind == "Pod" else constraint_facts(subject, spec)
    if workload.kind == "Pod":  # the scheduler, too, writes nodeName
        facts = [f for f in constraint_facts(subject, spec) if f.value != "name"]
    if spec.get("schedulerName") not in (None, "", "default-scheduler"):
        facts.append(subject.fact("pod.scheduler", "custom", f"schedulerName is {spec['schedulerName']}"))
    facts += [*port_clash_facts(subject, spec), *dns_facts(view, subject, spec)]
    if runs_proxy(spec):
        facts.append(subject.fact("workload.role", "proxy", "it runs a reverse proxy or gateway"))
    for container in containers_of({"spec": spec}):
        facts += _container_settings(subject, container)
    return facts


def _container_settings(subject: Subject, container: Container) -> Iterator[Fact]:
    params = params_of(container)
    name = container.name
    if container.role == "main":
        yield memory_limit_fact(subject, container)
        limit = params["cpu_limit"]
        detail = f"container {name} has {f'a CPU limit of {limit}' if limit else 'no CPU limit'}"
        yield subject.fact("container.cpu_limit", "set" if limit else "none", detail, **params)
        yield from tight_facts(subject, container)
    if (container.spec.get("securityContext") or {}).get("readOnlyRootFilesystem"):
        yield subject.fact(
            "container.filesystem", "read-only", f"container {name} has a read-only root", **params
        )
    empty = [v.get("name", "") for v in container.spec.get("env") or () if _is_empty(v)]
    if empty:
        detail = f"container {name} sets {', '.join(empty[:5])} to the empty string"
        yield subject.fact("container.env", "empty-value", detail, setting=empty[0], **params)


def _is_empty(variable: JsonObject) -> bool:
    return not variable.get("value") and not variable.get("valueFrom")


# -- pods ----------------------------------------------------------------------------------------------
def _pod_facts(view: View, workload: Ref, asked: JsonObject | None) -> Iterator[Fact]:
    """State of the pod asked about, or else of the workload's pod that is in the most trouble."""
    pods = [asked] if asked else [p for p in view.pods_of(workload) if not is_terminating(p)]
    pods = [p for p in pods if not _is_finished(p)] or pods  # what a controller has replaced says little
    if not pods:
        return
    case = Case(view, min(pods, key=_health))
    phase = str((case.pod.get("status") or {}).get("phase") or "")
    if phase:
        yield case.subject.fact("pod.phase", phase, f"the pod is {phase}")
    yield from pull_secret_facts(case)
    container = worst_container(case)
    if container is None:
        return
    state = next((s for s in ("waiting", "terminated", "running") if getattr(container, s) is not None), "")
    if state:
        detail = f"container {container.name} is {state}"
        yield case.subject.fact("container.state", state, detail, **params_of(container))
    yield from run_facts(case, container)
    for kind in ("liveness", "readiness"):
        yield from port_facts(case, container, kind)


def _is_finished(pod: JsonObject) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _health(pod: JsonObject) -> tuple[int, int]:
    """Sorts the pod in the most trouble first."""
    status = pod.get("status") or {}
    finished = 2 if status.get("phase") == "Succeeded" else 0
    ready = 1 if condition(pod, "Ready").get("status") == "True" else 0
    return max(finished, ready), -sum(c.restarts for c in containers_of(pod))


def worst_container(case: Case) -> Container | None:
    """The container that matters most: one that fails, else the first main one."""
    mains = [c for c in case.containers if c.role != "init"]
    inits = [
        c
        for c in case.containers
        if c.role == "init" and (c.waiting_reason or (c.last or {}).get("exitCode"))
    ]
    troubled = [c for c in (*inits, *mains) if not c.ready and c.status]
    restarted = sorted((c for c in mains if c.restarts), key=lambda c: -c.restarts)
    return next(iter((*troubled, *restarted, *(c for c in mains if c.role == "main"))), None)
