"""ConfigMaps, Secrets, their keys, service accounts and claims that pods refer to and that do not exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kubelore.analysis.podstate import condition
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity

FACT_VALUES = {
    "ConfigMap": "configmap",
    "Secret": "secret",
    "ServiceAccount": "serviceaccount",
    "PersistentVolumeClaim": "pvc",
}
PARAMS = FACT_VALUES | {"ServiceAccount": "service_account"}
CLUSTER_MADE = {"kube-root-ca.crt", "openshift-service-ca.crt"}
"""ConfigMaps that a controller puts into every namespace."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One object that a pod template names and needs. `keys` are those it needs of it."""

    kind: str
    name: str
    where: str
    """`env LOG_LEVEL of container web`, `volume tls`"""
    container: str = ""
    keys: tuple[str, ...] = ()
    optional: bool = False


def references(spec: JsonObject) -> Iterator[Reference]:
    """Everything that a pod spec needs by name, optional or not; pull secrets are not needed to start."""
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        yield from _from_env(container)
    for volume in spec.get("volumes") or ():
        yield from _from_volume(volume)
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        yield Reference("ServiceAccount", account, "serviceAccountName")


def _from_env(container: JsonObject) -> Iterator[Reference]:
    name = str(container.get("name", ""))
    for source in container.get("envFrom") or ():
        for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            ref = source.get(field)
            if ref:
                where = f"envFrom of container {name}"
                yield Reference(kind, ref.get("name", ""), where, name, (), bool(ref.get("optional")))
    for variable in container.get("env") or ():
        origin = variable.get("valueFrom") or {}
        for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
            ref = origin.get(field)
            if ref:
                where = f"env {variable.get('name')} of container {name}"
                keys = (str(ref.get("key", "")),)
                yield Reference(kind, ref.get("name", ""), where, name, keys, bool(ref.get("optional")))


def _from_volume(volume: JsonObject) -> Iterator[Reference]:
    where = f"volume {volume.get('name')}"
    for field, kind, name_field in (
        ("configMap", "ConfigMap", "name"),
        ("secret", "Secret", "secretName"),
    ):
        source = volume.get(field)
        if source:
            yield _of_source(kind, source, source.get(name_field, ""), where)
    for source in (volume.get("projected") or {}).get("sources") or ():
        for field, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
            if source.get(field):
                yield _of_source(kind, source[field], source[field].get("name", ""), where)
    claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
    if claim:
        yield Reference("PersistentVolumeClaim", claim, where)


def _of_source(kind: str, source: JsonObject, name: str, where: str) -> Reference:
    keys = tuple(str(item.get("key", "")) for item in source.get("items") or ())
    return Reference(kind, name, where, "", keys, bool(source.get("optional")))


def missing_facts(view: View, subject: Subject, spec: JsonObject) -> list[Fact]:
    """A `config.missing` fact for each thing that the spec needs and that a complete list does not have."""
    found: dict[tuple[str, str, str], Fact] = {}
    for ref in references(spec):
        if ref.optional or not ref.name or ref.name in CLUSTER_MADE:
            continue
        for key, fact in _missing(view, subject, ref):
            found.setdefault((ref.kind, ref.name, key), fact)
    return list(found.values())


def _missing(view: View, subject: Subject, ref: Reference) -> Iterator[tuple[str, Fact]]:
    namespace = subject.about.namespace
    params = {PARAMS[ref.kind]: ref.name, "container": ref.container}
    value = FACT_VALUES[ref.kind]
    if view.exists(ref.kind, namespace, ref.name) is False:
        detail = f"{ref.kind} {ref.name} does not exist ({ref.where})"
        yield "", subject.fact("config.missing", value, detail, **params)
        return
    known = keys_of(view.get(ref.kind, namespace, ref.name))
    for key in ref.keys if known is not None else ():
        if key not in (known or ()):
            detail = f"{ref.kind} {ref.name} has no key {key} ({ref.where})"
            yield key, subject.fact("config.missing", f"{value}-key", detail, key=key, **params)


def keys_of(obj: JsonObject | None) -> set[str] | None:
    """Keys of a ConfigMap or Secret; None when they are not known (Secrets come without values)."""
    if obj is None or (obj.get("kind") == "Secret" and obj.get("data") is None):
        return None
    return set(obj.get("data") or {}) | set(obj.get("binaryData") or {})


@check("config", "ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim", "Pod", "ReplicaSet", "Job")
def config(view: View, namespace: str | None) -> Iterator[Finding]:
    """Missing references of workloads that should run; a pod that runs already fails at its next start."""
    for workload in view.workloads(namespace):
        if workload.kind == "Pod" or _is_asked_for(view, workload):
            for spec in _specs(view, workload):
                for fact in missing_facts(view, Subject(workload), spec):
                    running = _all_ready(view, workload)
                    severity = Severity.WARNING if running else Severity.CRITICAL
                    later = "; pods that run now will not start again" if running else ""
                    yield Finding(severity, workload, fact.detail + later, (fact,), "config")


def _is_asked_for(view: View, workload: Ref) -> bool:
    obj = view.find(workload) or {}
    if workload.kind == "Job":
        return not any(condition(obj, c).get("status") == "True" for c in ("Complete", "Failed"))
    return (obj.get("spec") or {}).get("replicas") != 0


def _specs(view: View, workload: Ref) -> Iterable[JsonObject]:
    """The template, and for claims made from templates the pods themselves."""
    if workload.kind == "Pod":
        pod = view.find(workload) or {}
        finished = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        return () if finished else (pod.get("spec") or {},)
    return (view.pod_spec(workload),)


def _all_ready(view: View, workload: Ref) -> bool:
    pods = view.pods_of(workload)
    return bool(pods) and all(condition(p, "Ready").get("status") == "True" for p in pods)
