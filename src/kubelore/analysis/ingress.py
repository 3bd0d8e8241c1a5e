"""Ingresses and Gateway API routes: whether a controller serves them and their backends answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from kubelore.analysis.backends import addresses_of
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, parse_time, ref_of
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity

SETTLING = timedelta(minutes=2)
"""What a controller takes at most to accept a new route."""
LEGACY_CLASS = "kubernetes.io/ingress.class"
DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
ROUTES = ("HTTPRoute", "GRPCRoute")
COMMON_WORDS = {"ingress", "controller", "k8s", "com", "org", "net", "www", "gateway"}
CRITICAL_FACTS = {
    "ingress.class=missing", "ingress.backend=service-missing", "ingress.backend=port-missing",
    "ingress.backend=no-endpoints",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Backend:
    """A Service that a rule sends to. `port` is a number, a name or "" for any."""

    service: Ref
    port: str
    host: str


def ingress_backends(ingress: JsonObject) -> list[Backend]:
    """Service backends of all rules and the default backend, each once."""
    spec, namespace = ingress.get("spec") or {}, ref_of(ingress).namespace
    pairs = [(spec.get("defaultBackend") or {}, "")]
    for rule in spec.get("rules") or ():
        paths = (rule.get("http") or {}).get("paths") or ()
        pairs += [(path.get("backend") or {}, rule.get("host") or "") for path in paths]
    found: dict[tuple[Ref, str], Backend] = {}
    for backend, host in pairs:
        service = backend.get("service") or {}
        if service.get("name"):
            port = service.get("port") or {}
            ref = Ref("Service", namespace, service["name"])
            number = str(port.get("number") or port.get("name") or "")
            found.setdefault((ref, number), Backend(ref, number, host))
    return list(found.values())


def route_backends(route: JsonObject) -> list[Backend]:
    """Service backends of a Gateway API route."""
    namespace, spec = ref_of(route).namespace, route.get("spec") or {}
    host = next(iter(spec.get("hostnames") or ()), "")
    return [
        Backend(
            Ref("Service", b.get("namespace") or namespace, b.get("name", "")), str(b.get("port") or ""), host
        )
        for rule in spec.get("rules") or ()
        for b in rule.get("backendRefs") or ()
        if (b.get("kind") or "Service") == "Service"
    ]


def backends_of(obj: JsonObject) -> list[Backend]:
    return ingress_backends(obj) if obj.get("kind") == "Ingress" else route_backends(obj)


def ingress_facts(view: View, ingress: JsonObject) -> list[Fact]:
    """All facts about one Ingress and the Services it names that do not exist."""
    return [
        *_class_facts(view, ingress),
        *(f for b in ingress_backends(ingress) for f in _backend_facts(view, ref_of(ingress), b)),
        *_tls_facts(view, ingress),
        *_address_facts(view, ingress),
    ]


def route_facts(view: View, obj: JsonObject) -> list[Fact]:
    """All facts about one Gateway API route or gateway."""
    facts = [*_condition_facts(obj)]
    if obj.get("kind") in ROUTES:
        facts += [f for b in route_backends(obj) for f in _backend_facts(view, ref_of(obj), b)]
    return facts


def _class_name(ingress: JsonObject) -> str:
    annotations = (ingress.get("metadata") or {}).get("annotations") or {}
    name = (ingress.get("spec") or {}).get("ingressClassName") or annotations.get(LEGACY_CLASS) or ""
    return str(name)


def _class_facts(view: View, ingress: JsonObject) -> Iterator[Fact]:
    subject, name = Subject(ref_of(ingress)), _class_name(ingress)
    params = {"ingress": subject.about.name, "ingress_class": name}
    if not view.cluster.readable("IngressClass"):
        return
    classes = {ref_of(c).name: c for c in view.cluster.list("IngressClass")}
    if name and name not in classes:
        # Controllers may serve a legacy annotation without an object of that name.
        legacy = not (ingress.get("spec") or {}).get("ingressClassName")
        if not (legacy and _addressed(ingress)):
            have = ", ".join(sorted(classes)) or "none"
            detail = f"{subject.about} names IngressClass {name}, which does not exist (existing: {have})."
            yield subject.fact("ingress.class", "missing", detail, **params)
    elif not name and not any(_is_default(c) for c in classes.values()) and not _addressed(ingress):
        detail = f"{subject.about} names no IngressClass and none is the default."
        yield subject.fact("ingress.class", "unset", detail, **params)
    elif name in classes and not _addressed(ingress) and not _young(view, ingress):
        controller = str((classes[name].get("spec") or {}).get("controller") or "")
        if controller and not _runs(view, controller):
            detail = f"No pod of this cluster looks like {controller}, the controller of IngressClass {name}."
            yield subject.fact("ingress.class", "controller-absent", detail, **params)


def _runs(view: View, controller: str) -> bool:
    """Whether any pod carries the controller's name (`k8s.io/ingress-nginx`) in its own name, namespace,
    labels or images. In doubt it runs."""
    words = [w for w in re.split(r"[/.-]", controller) if len(w) > 2 and w not in COMMON_WORDS]
    signatures = view.once(_signatures)
    return not words or not signatures or any(w in s for w in words for s in signatures)


def _signatures(view: View) -> list[str]:
    return [f"{w} {dict(view.template_labels(w))} {_images(view, w)}".lower() for w in view.workloads()]


def _images(view: View, workload: Ref) -> str:
    return " ".join(str(c.get("image")) for c in view.pod_spec(workload).get("containers") or ())


def _is_default(ingress_class: JsonObject) -> bool:
    return ((ingress_class.get("metadata") or {}).get("annotations") or {}).get(DEFAULT_CLASS) == "true"


def _addressed(ingress: JsonObject) -> bool:
    return bool(((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress"))


def _backend_facts(view: View, source: Ref, backend: Backend) -> Iterator[Fact]:
    subject, name = Subject(source), backend.service
    params = {
        "service": name.name, "service_namespace": name.namespace, "port": backend.port, "host": backend.host,
    }  # fmt: skip
    service = view.find(name)
    if service is None:
        if view.exists("Service", name.namespace, name.name) is False:
            detail = f"{source} routes to {name}, which does not exist."
            yield subject.fact("ingress.backend", "service-missing", detail, **params)
            yield Subject(name, source).fact("service.exists", "no", detail, **params)
        return
    ports = (service.get("spec") or {}).get("ports") or []
    names = {str(p.get("port")) for p in ports} | {p.get("name") for p in ports}
    if backend.port and ports and backend.port not in names:
        have = ", ".join(str(p.get("port")) for p in ports)
        detail = f"{source} routes to port {backend.port} of {name}, which has {have}."
        params["target_port"] = str(ports[0].get("port"))
        yield subject.fact("ingress.backend", "port-missing", detail, **params)
    addresses = addresses_of(view, service)
    external = (service.get("spec") or {}).get("type") == "ExternalName"
    if addresses.known and not addresses.ready and not external:
        detail = f"{source} routes to {name}, which has no ready endpoints."
        yield subject.fact("ingress.backend", "no-endpoints", detail, **params)


def _tls_facts(view: View, ingress: JsonObject) -> Iterator[Fact]:
    ref = ref_of(ingress)
    for entry in (ingress.get("spec") or {}).get("tls") or ():
        secret = entry.get("secretName")
        if secret and view.exists("Secret", ref.namespace, secret) is False:
            host = next(iter(entry.get("hosts") or ()), "")
            detail = f"{ref} takes its certificate from Secret {secret}, which does not exist."
            yield Subject(ref).fact("ingress.tls", "secret-missing", detail, secret=secret, host=host)


def _address_facts(view: View, ingress: JsonObject) -> Iterator[Fact]:
    if not _addressed(ingress) and not _young(view, ingress):
        ref = ref_of(ingress)
        yield Subject(ref).fact("ingress.address", "none", f"{ref} has no address.", ingress=ref.name)


def _young(view: View, obj: JsonObject) -> bool:
    created = parse_time((obj.get("metadata") or {}).get("creationTimestamp"))
    return created is not None and view.now - created < SETTLING


def _condition_facts(obj: JsonObject) -> Iterator[Fact]:
    """Gateways have conditions of their own and of listeners, routes have some for every parent."""
    status, ref = obj.get("status") or {}, ref_of(obj)
    groups = [status, *(status.get("listeners") or ()), *(status.get("parents") or ())]
    for condition in (c for g in groups for c in g.get("conditions") or ()):
        kind = condition.get("type")
        if kind in {"Accepted", "ResolvedRefs", "Programmed"} and condition.get("status") == "False":
            message = str(condition.get("message", ""))[:200]
            detail = f"{ref}: {kind} is False ({condition.get('reason', '')}): {message}"
            yield Subject(ref).fact("route.accepted", "no", detail, message=message)


# -- analyzers ----------------------------------------------------------------------------------
@check("ingress", "Ingress", "IngressClass", "Service", "EndpointSlice", "Endpoints", "Secret", "Pod")
def broken_ingresses(view: View, namespace: str | None) -> Iterable[Finding]:
    """Ingresses that nothing serves, or that route to what does not answer."""
    for ingress in view.all("Ingress", namespace):
        facts = ingress_facts(view, ingress)
        # Many controllers never write an address, so its absence alone says nothing.
        for fact in facts:
            if fact.about == ref_of(ingress) and fact.key != "ingress.address":
                yield _finding(ingress, fact, facts)


def _finding(obj: JsonObject, fact: Fact, facts: list[Fact]) -> Finding:
    severity = Severity.CRITICAL if fact.name in CRITICAL_FACTS else Severity.WARNING
    about_service = [f for f in facts if f.key == "service.exists" and f.params == fact.params]
    rest = [f for f in facts if f.key == "ingress.address"]
    what = fact.detail.removeprefix(f"{ref_of(obj)} ").rstrip(".")
    return Finding(severity, ref_of(obj), what, (fact, *about_service, *rest), "ingress")


@check("gateway", "Gateway", "HTTPRoute", "GRPCRoute", "Service", "EndpointSlice", "Endpoints", "Pod")
def broken_routes(view: View, namespace: str | None) -> Iterable[Finding]:
    """Gateway API gateways and routes that are not accepted, or whose backends do not answer."""
    for kind in ("Gateway", *ROUTES):
        for obj in view.all(kind, namespace):
            facts = [] if _young(view, obj) else route_facts(view, obj)
            for fact in facts:
                if fact.about == ref_of(obj):
                    yield _route_finding(obj, fact, facts)


def _route_finding(obj: JsonObject, fact: Fact, facts: list[Fact]) -> Finding:
    about_service = [f for f in facts if f.key == "service.exists" and f.params == fact.params]
    what = fact.detail.removeprefix(f"{ref_of(obj)}").lstrip(": ").rstrip(".")
    return Finding(Severity.CRITICAL, ref_of(obj), what, (fact, *about_service), "gateway")
