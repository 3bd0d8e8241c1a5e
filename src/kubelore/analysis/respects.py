"""In what respects workloads of one application can be compared: how each of them does the same thing.

A reader gives a workload's ways by topic, `{"orders-db": "5432"}` for the ports of its calls. Names that
carry the workload's own name count as alike: `orders-db-login` of `orders` and `users-db-login` of `users`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kubelore.analysis.backends import desired_replicas, services_selecting
from kubelore.analysis.calls import calls_of
from kubelore.analysis.config import references
from kubelore.analysis.podstate import Container, containers_of
from kubelore.analysis.probes import handler, patience, port_of
from kubelore.analysis.pulls import registry_of
from kubelore.analysis.quantity import parse_quantity
from kubelore.analysis.storage import claims_in, class_of
from kubelore.analysis.targets import addresses, environment
from kubelore.analysis.view import View
from kubelore.types import JsonObject, Ref

Ways = Mapping[str, str]
"""How a workload does something, by topic; topic "" where there is but one."""

Unlike = Literal["other", "lacks", "alone", "far"]
"""other: both have the topic and differ; lacks: siblings have it, it has not; alone: the other way round;
far: numbers of another order of magnitude."""

WORD = re.compile(r"[a-z]+|\d+")
OWN = "*"
"""Stands for the workload's own name inside of other names."""


@dataclass(frozen=True, slots=True)
class Respect:
    value: str
    """Of the fact `sibling.differs`."""
    what: str
    """For sentences; `{topic}` is filled."""
    read: Callable[[View, Ref], Ways]
    unlike: tuple[Unlike, ...] = ("other",)
    secret: bool = False
    """Its ways may be secrets: sentences leave them out."""


def impersonal(name: str, workload: Ref) -> str:
    """A name without the words of the workload's own: `PRICE_DB_HOST` of `price` is `*_db_host`."""
    own = set(WORD.findall(workload.name.lower()))
    words = [OWN if word in own else word for word in WORD.findall(name.lower())]
    return "_".join(w for i, w in enumerate(words) if i == 0 or w != OWN or words[i - 1] != OWN)


def _main(view: View, workload: Ref) -> Container | None:
    """The container that does the work: the first that is no sidecar."""
    spec = view.pod_spec(workload)
    return next((c for c in containers_of({"spec": spec}) if c.role == "main"), None)


def _environment(view: View, workload: Ref) -> dict[str, str]:
    main = _main(view, workload)
    return environment(view, workload.namespace, main.spec) if main else {}


# -- whom it calls --------------------------------------------------------------------------------------
def _ports_called(view: View, workload: Ref) -> Ways:
    ports: dict[str, set[str]] = {}
    for call in calls_of(view, workload):
        if call.target.port:
            name = call.service.name if call.service else call.target.host
            ports.setdefault(name, set()).add(str(call.target.port))
    return {name: ", ".join(sorted(found)) for name, found in ports.items()}


def _hosts_named(view: View, workload: Ref) -> Ways:
    """Addresses by the variable that holds them."""
    hosts: dict[str, set[str]] = {}
    for variable, target in addresses(_environment(view, workload)):
        hosts.setdefault(impersonal(variable, workload), set()).add(target.host)
    return {variable: ", ".join(sorted(found)) for variable, found in hosts.items()}


# -- its environment ------------------------------------------------------------------------------------
def _settings(view: View, workload: Ref) -> Ways:
    """Variables that are set, however."""
    main = _main(view, workload)
    named = (main.spec.get("env") or ()) if main else ()
    variables = [*_environment(view, workload), *(str(v.get("name")) for v in named)]
    return {impersonal(variable, workload): "set" for variable in variables}


def _values(view: View, workload: Ref) -> Ways:
    """Values of variables that hold no address: these are compared as such."""
    env = _environment(view, workload)
    elsewhere = {variable for variable, _ in addresses(env)}
    return {impersonal(k, workload): v for k, v in env.items() if k not in elsewhere}


def _named(kind: str) -> Callable[[View, Ref], Ways]:
    """Secrets or ConfigMaps that its pods refer to."""

    def read(view: View, workload: Ref) -> Ways:
        found = [r.name for r in references(view.pod_spec(workload)) if r.kind == kind and r.name]
        return {impersonal(name, workload): "named" for name in found}

    return read


# -- its image and identity -----------------------------------------------------------------------------
def repository(image: str) -> str:
    """`ghcr.io/acme` for `ghcr.io/acme/web:1`."""
    path = image.partition("@")[0].rpartition("/")[0]
    return path if registry_of(image) in path else "/".join(filter(None, (registry_of(image), path)))


def _repository(view: View, workload: Ref) -> Ways:
    main = _main(view, workload)
    return {"": repository(main.image)} if main and main.image else {}


def _tag(view: View, workload: Ref) -> Ways:
    main = _main(view, workload)
    if main is None or "@" in main.image:
        return {}
    return {repository(main.image): main.image.rpartition("/")[2].partition(":")[2] or "latest"}


def _pull_secrets(view: View, workload: Ref) -> Ways:
    """By repository, for each may ask for credentials of its own."""
    main, spec = _main(view, workload), view.pod_spec(workload)
    if main is None or not main.image:
        return {}
    account = view.get("ServiceAccount", workload.namespace, spec.get("serviceAccountName") or "default")
    named = [*(spec.get("imagePullSecrets") or ()), *((account or {}).get("imagePullSecrets") or ())]
    names = sorted({str(secret.get("name") or "") for secret in named})
    return {repository(main.image): ", ".join(names) or "none"}


def _account(view: View, workload: Ref) -> Ways:
    spec = view.pod_spec(workload)
    name = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    return {"": impersonal(name, workload)}


def _labels(view: View, workload: Ref) -> Ways:
    return {k: impersonal(v, workload) for k, v in view.template_labels(workload).items()}


def _user(view: View, workload: Ref) -> Ways:
    """As whom it runs; the group of its files only where it has a volume to write to."""
    main, spec = _main(view, workload), view.pod_spec(workload)
    pod, own = spec.get("securityContext") or {}, (main.spec.get("securityContext") or {}) if main else {}
    fields = {name: own.get(name, pod.get(name)) for name in ("runAsUser", "runAsGroup", "runAsNonRoot")}
    if claims_in(spec, workload.name):
        fields["fsGroup"] = pod.get("fsGroup")
    return {name: "not set" if value is None else str(value) for name, value in fields.items()}


def _filesystem(view: View, workload: Ref) -> Ways:
    main = _main(view, workload)
    context = (main.spec.get("securityContext") or {}) if main else {}
    return {"": "read-only" if context.get("readOnlyRootFilesystem") else "writable"}


# -- where and beside whom it runs ----------------------------------------------------------------------
def _dns(view: View, workload: Ref) -> Ways:
    spec = view.pod_spec(workload)
    return {"": str(spec.get("dnsPolicy") or "ClusterFirst")}


def _dns_options(view: View, workload: Ref) -> Ways:
    config = view.pod_spec(workload).get("dnsConfig") or {}
    options = {f"option {o.get('name')}": str(o.get("value") or "set") for o in config.get("options") or ()}
    lists = {
        name: ", ".join(map(str, config[name])) for name in ("nameservers", "searches") if config.get(name)
    }
    return {**lists, **options}


def _host_network(view: View, workload: Ref) -> Ways:
    return {"": "of the node" if view.pod_spec(workload).get("hostNetwork") else "of its own"}


def _host_aliases(view: View, workload: Ref) -> Ways:
    aliases = view.pod_spec(workload).get("hostAliases") or ()
    return {str(host): str(alias.get("ip")) for alias in aliases for host in alias.get("hostnames") or ()}


def _node_labels(view: View, workload: Ref) -> Ways:
    spec = view.pod_spec(workload)
    wanted = {str(k): str(v) for k, v in (spec.get("nodeSelector") or {}).items()}
    affinity = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or {}
    for term in affinity.get("nodeSelectorTerms") or ():
        for one in term.get("matchExpressions") or ():
            wanted[str(one.get("key"))] = (
                f"{one.get('operator')} {', '.join(one.get('values') or ())}".strip()
            )
    return wanted


def _tolerations(view: View, workload: Ref) -> Ways:
    tolerations = view.pod_spec(workload).get("tolerations") or ()
    return {str(t.get("key") or "every taint"): "tolerated" for t in tolerations}


def _beside(view: View, workload: Ref) -> Ways:
    """Containers beside the main one, as its pods have them: an injected one is in no template."""
    pods = view.pods_of(workload)
    spec = (pods[0].get("spec") or {}) if pods else view.pod_spec(workload)
    others = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())[1:]]
    return {impersonal(str(c.get("name")), workload): "there" for c in others}


def _traffic_annotations(view: View, workload: Ref) -> Ways:
    """Annotations by which others shape its traffic: bandwidth limits, injected proxies."""
    meta = view.pod_template(workload).get("metadata") or {}
    return {
        k: str(v) for k, v in (meta.get("annotations") or {}).items() if "bandwidth" in k or "inject" in k
    }


def _replicas(view: View, workload: Ref) -> Ways:
    replicas = desired_replicas(view, workload)
    return {} if replicas is None else {"": "some" if replicas else "none"}


def _storage_class(view: View, workload: Ref) -> Ways:
    names = claims_in(view.pod_spec(workload), workload.name)
    claims = (view.get("PersistentVolumeClaim", workload.namespace, name) for name in names)
    classes = {class_of(claim) or "the default" for claim in claims if claim}
    return {"": ", ".join(sorted(classes))} if classes else {}


# -- how it is asked ------------------------------------------------------------------------------------
def _probes(view: View, workload: Ref) -> Iterator[tuple[str, JsonObject, Container]]:
    main = _main(view, workload)
    for kind in ("liveness", "readiness"):
        probe = main.probe(kind) if main else None
        if main and probe:
            yield kind, probe, main


def _probe_kinds(view: View, workload: Ref) -> Ways:
    return {kind: handler(probe)[0] for kind, probe, _ in _probes(view, workload)}


def _probe_ports(view: View, workload: Ref) -> Ways:
    found = {}
    for kind, probe, main in _probes(view, workload):
        declared = {p.get("containerPort") for p in main.ports}
        port, nameless = port_of(probe, main)
        if declared and (port or nameless):
            found[kind] = "a declared port" if port in declared else "another port than is declared"
    return found


def _probe_patience(view: View, workload: Ref) -> Ways:
    return {kind: f"{patience(probe):g}" for kind, probe, _ in _probes(view, workload)}


def _service_field(field: str) -> Callable[[View, Ref], Ways]:
    """A field of the ports of the Services that select it."""

    def read(view: View, workload: Ref) -> Ways:
        ports = [
            p for s in services_selecting(view, workload) for p in (s.get("spec") or {}).get("ports") or ()
        ]
        values = {str(p.get(field) or ("TCP" if field == "protocol" else "none")) for p in ports}
        return {"": ", ".join(sorted(values))} if values else {}

    return read


def _resource(bound: str, name: str) -> Callable[[View, Ref], Ways]:
    def read(view: View, workload: Ref) -> Ways:
        main = _main(view, workload)
        resources: dict[str, Any] = (main.spec.get("resources") or {}) if main else {}
        amount = parse_quantity((resources.get(bound) or {}).get(name))
        return {"": f"{amount:g}"} if amount else {}

    return read


RESPECTS = (
    Respect("dependency-port", "port at which {topic} is called", _ports_called),
    Respect("dependency-host", "address in {topic}", _hosts_named),
    Respect("setting-missing", "variable {topic}", _settings, ("lacks",)),
    Respect("setting-value", "value of variable {topic}", _values, secret=True),
    Respect("secret", "Secret {topic}", _named("Secret"), ("lacks",)),
    Respect("configmap", "ConfigMap {topic}", _named("ConfigMap"), ("lacks",)),
    Respect("pull-secret", "pull secrets for {topic}", _pull_secrets),
    Respect("image-repository", "image repository", _repository),
    Respect("image-tag", "tag of images from {topic}", _tag),
    Respect("service-account", "service account", _account),
    Respect("pod-label", "pod label {topic}", _labels, ("other", "lacks")),
    Respect("user", "{topic}", _user),
    Respect("filesystem", "root filesystem", _filesystem),
    Respect("dns-policy", "dnsPolicy", _dns),
    Respect("dns-config", "dnsConfig {topic}", _dns_options, ("other", "lacks", "alone")),
    Respect("host-network", "network", _host_network),
    Respect("host-aliases", "address of {topic} in its hostAliases", _host_aliases, ("other", "alone")),
    Respect("node-selector", "node label {topic}", _node_labels, ("other", "lacks", "alone")),
    Respect("toleration", "toleration of {topic}", _tolerations, ("lacks",)),
    Respect("sidecar", "container {topic}", _beside, ("lacks", "alone")),
    Respect("traffic-annotation", "annotation {topic}", _traffic_annotations, ("other", "lacks", "alone")),
    Respect("replicas", "replicas", _replicas),
    Respect("storage-class", "storage class of its claims", _storage_class),
    Respect("probe-kind", "{topic} probe", _probe_kinds),
    Respect("probe-port", "port of the {topic} probe", _probe_ports),
    Respect("probe-patience", "seconds until the {topic} probe gives up", _probe_patience, ("far",)),
    Respect("service-protocol", "protocol of its Service", _service_field("protocol")),
    Respect("app-protocol", "appProtocol of its Service", _service_field("appProtocol")),
    Respect("cpu-limit", "CPU limit", _resource("limits", "cpu"), ("far",)),
    Respect("memory-limit", "memory limit in bytes", _resource("limits", "memory"), ("far",)),
    Respect("cpu-request", "CPU request", _resource("requests", "cpu"), ("far",)),
    Respect("memory-request", "memory request in bytes", _resource("requests", "memory"), ("far",)),
)
