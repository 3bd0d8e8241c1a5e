"""Probes that fail: how, on which port, and whether they leave the program time to start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from kubelore.analysis.backends import services_selecting
from kubelore.analysis.events import read_family, read_probe
from kubelore.analysis.podstate import Case, Container, shortened
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import Event, View
from kubelore.types import Fact, JsonObject, Ref

KINDS = ("startup", "liveness", "readiness")
MINOR_SHARE = 0.3
"""Ways of failing seen less often than this share of the most frequent one are start-up noise."""
HANDLERS = ("httpGet", "tcpSocket", "grpc")
TIGHT_SECONDS = 20.0
KILL_SLACK_SECONDS = 30
"""The default grace period: how long a killed container may live on."""
SERVES_ELSEWHERE = {
    "probe.other=passes",
    *(f"probe.liveness.port={value}" for value in ("undeclared", "name-missing", "other-than-served")),
}
"""Facts that say the program did start, and the probe asks in the wrong place."""


def setting(probe: JsonObject, name: str) -> int:
    """A timing setting in seconds (or a count), with the API's defaults."""
    defaults = {"initialDelaySeconds": 0, "timeoutSeconds": 1, "periodSeconds": 10, "failureThreshold": 3}
    return int(probe.get(name) or defaults[name])


def patience(probe: JsonObject) -> float:
    """Seconds after the start of a container until a probe that never passes has used up its attempts."""
    attempts = setting(probe, "failureThreshold")
    return setting(probe, "initialDelaySeconds") + setting(probe, "periodSeconds") * attempts


def handler(probe: JsonObject) -> tuple[str, JsonObject]:
    """(`httpGet`, its settings); ("exec", ...) for commands."""
    return next(((h, probe[h]) for h in (*HANDLERS, "exec") if probe.get(h)), ("", {}))


def port_of(probe: JsonObject, container: Container) -> tuple[int | None, bool]:
    """(port number, whether a port name was given that the container lacks); number None when unknown."""
    kind, settings = handler(probe)
    port = settings.get("port") if kind in HANDLERS else None
    if isinstance(port, str) and not port.isdigit():
        number = next((p.get("containerPort") for p in container.ports if p.get("name") == port), None)
        return number, number is None
    return (int(port), False) if port else (None, False)


def probe_params(probe: JsonObject, container: Container) -> dict[str, str]:
    kind, settings = handler(probe)
    return {
        "container": container.name,
        "image": container.image,
        "handler": kind,
        "probe_port": str(settings.get("port", "")) if kind in HANDLERS else "",
        "path": str(settings.get("path") or "/") if kind == "httpGet" else "",
        "scheme": str(settings.get("scheme") or "HTTP") if kind == "httpGet" else "",
    }


def failures(kind: str, events: Iterable[Event]) -> list[tuple[str, Event]]:
    """(class, newest event) for each way in which this probe fails often enough to matter."""
    counts: Counter[str] = Counter()
    newest: dict[str, Event] = {}
    for event in events:
        if event.reason not in ("Unhealthy", "ProbeWarning"):
            continue
        probe, label = read_probe(event.message)
        if probe == kind:
            counts[label] += event.count
            newest[label] = event
    least = MINOR_SHARE * max(counts.values(), default=0)
    return [(label, newest[label]) for label, count in counts.most_common() if count >= least]


def killed_by(container: Container, events: Iterable[Event]) -> str:
    """The probe for which the kubelet last killed this container; "" when it was none."""
    for event in reversed(list(events)):
        if event.reason == "Killing":
            reading = read_family("killing", event.message)
            if reading.params.get("container", container.name) == container.name:
                return reading.value("container.killed_by")
    return ""


def probe_facts(case: Case, container: Container) -> list[Fact]:
    """All that events and settings say about the failing probes of one container."""
    facts: list[Fact] = []
    if not _may_be_about(container, case):
        return facts
    for kind in KINDS:
        probe = container.probe(kind)
        failing = failures(kind, case.events) if probe else []
        if probe is None or not failing:
            continue
        params = probe_params(probe, container)
        for label, event in failing:
            detail = f"{kind} probe of container {container.name} fails: {shortened(event.message)}"
            facts.append(case.subject.fact(f"probe.{kind}", label, detail, **params))
        facts += port_facts(case, container, kind)
    passing = passing_other(container, case.events)
    if facts and passing:
        facts.append(case.subject.fact("probe.other", "passes", passing, container=container.name))
    return facts + timing_facts(case, container, facts)


def plain_http_facts(case: Case, container: Container) -> list[Fact]:
    """Failing probes that speak plain HTTP, where the log says that the port speaks TLS."""
    facts = []
    for kind in KINDS:
        probe = container.probe(kind) or {}
        scheme = (probe.get("httpGet") or {}).get("scheme") or "HTTP"
        if probe.get("httpGet") and scheme == "HTTP" and failures(kind, case.events):
            detail = f"the {kind} probe of container {container.name} speaks HTTP, and the program speaks TLS"
            facts.append(
                case.subject.fact(f"probe.{kind}", "tls-mismatch", detail, **probe_params(probe, container))
            )
    return facts


def _may_be_about(container: Container, case: Case) -> bool:
    """Unhealthy events do not name the container: only one that is in trouble can be meant, if any is."""
    troubled = [c for c in case.containers if not c.ready or c.restarts]
    return not troubled or container in troubled


def port_facts(case: Case, container: Container, kind: str, said: Iterable[int] = ()) -> list[Fact]:
    """The probe's port against what the containers declare, other probes, Services and the log (`said`)."""
    probe = container.probe(kind)
    if probe is None or kind == "startup" or _asks_mesh(probe):
        return []
    port, nameless = port_of(probe, container)
    params = probe_params(probe, container)
    key = f"probe.{kind}.port"
    if nameless:
        name = params["probe_port"]
        detail = f"{kind} probe asks port {name!r}, a name that container {container.name} does not declare"
        return [case.subject.fact(key, "name-missing", detail, **params)]
    if port is None:
        return []
    declared = {int(p["containerPort"]) for c in case.containers for p in c.ports if p.get("containerPort")}
    facts = []
    if declared:
        value = "declared" if port in declared else "undeclared"
        detail = f"{kind} probe asks port {port}; the containers declare {_listed(declared)}"
        likely = min(declared) if value == "undeclared" else ""
        facts.append(case.subject.fact(key, value, detail, port=likely, **params))
    served = set(said) or _ports_that_work(case, container, kind, declared)
    if served and port not in served:
        detail = f"{kind} probe asks port {port}, and the program is known to serve {_listed(served)}"
        facts.append(case.subject.fact(key, "other-than-served", detail, port=min(served), **params))
    return facts


def _asks_mesh(probe: JsonObject) -> bool:
    """Istio rewrites probes to a port of its agent, which asks the program in their place."""
    return str((probe.get("httpGet") or {}).get("path") or "").startswith("/app-health/")


def _listed(ports: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(ports)))


def _ports_that_work(case: Case, container: Container, kind: str, declared: set[int]) -> set[int]:
    """Ports that another probe reaches now, or that Services send to when a container declares them."""
    served = set()
    for other in KINDS:
        probe = container.probe(other)
        if other != kind and probe and _passes(container, other):
            number, _ = port_of(probe, container)
            served |= {number} if number else set()
    return served or (declared & service_ports(case.view, case.subject.about, container))


def service_ports(view: View, workload: Ref, container: Container) -> set[int]:
    """Target ports of the Services that select this workload, as numbers."""
    names = {p.get("name"): p.get("containerPort") for p in container.ports}
    ports: set[int] = set()
    for service in services_selecting(view, workload):
        for port in (service.get("spec") or {}).get("ports") or ():
            target = port.get("targetPort", port.get("port"))
            number = names.get(target) if isinstance(target, str) else target
            if number:
                ports.add(int(number))
    return ports


def _passes(container: Container, kind: str) -> bool:
    if kind == "readiness":
        return container.ready
    if kind == "startup":
        return bool(container.status.get("started"))
    return False


def passing_other(container: Container, events: Sequence[Event]) -> str:
    """A sentence when a probe with another port, path or scheme than a failing one passes; else ""."""
    failing = [k for k in KINDS if container.probe(k) and failures(k, events)]
    for kind in KINDS:
        probe = container.probe(kind)
        if probe is None or kind in failing or not _passes(container, kind):
            continue
        for other in failing:
            if handler(probe) != handler(container.probe(other) or {}):
                return f"the {kind} probe of container {container.name} passes where its {other} probe fails"
    return ""


def timing_facts(case: Case, container: Container, known: Iterable[Fact]) -> list[Fact]:
    """Whether the liveness probe kills the program before it can have started, or is merely impatient."""
    probe = container.probe("liveness")
    classes = {label for label, _ in failures("liveness", case.events)}
    if probe is None or not classes:
        return []
    params = probe_params(probe, container)
    facts = []
    if _kills_before_start(case, container, probe, classes, {fact.name for fact in known}):
        detail = (
            f"container {container.name} lived {container.lifetime:.0f} s; its liveness probe gives up "
            f"{patience(probe):.0f} s after the start, and there is no startup probe"
        )
        facts.append(case.subject.fact("probe.liveness.timing", "kills-before-start", detail, **params))
    if "timeout" in classes and setting(probe, "timeoutSeconds") <= 1:
        detail = f"the liveness probe of container {container.name} waits 1 s for an answer"
        facts.append(case.subject.fact("probe.liveness.timing", "short-timeout", detail, **params))
    return facts + tight_facts(case.subject, container)


def _kills_before_start(
    case: Case, container: Container, probe: JsonObject, classes: set[str], known: set[str]
) -> bool:
    if container.probe("startup") is not None or known & SERVES_ELSEWHERE:
        return False
    slack = KILL_SLACK_SECONDS + setting(probe, "periodSeconds")
    return (
        killed_by(container, case.events) == "liveness"
        and bool(classes & {"connection-refused", "timeout"})
        and container.lifetime is not None
        and container.lifetime <= patience(probe) + slack
    )


def tight_facts(subject: Subject, container: Container) -> list[Fact]:
    """`tight` when the liveness probe gives up soon after the start and no startup probe holds it back."""
    probe = container.probe("liveness")
    if probe is None or container.probe("startup") or patience(probe) >= TIGHT_SECONDS:
        return []
    detail = (
        f"the liveness probe of container {container.name} gives up {patience(probe):.0f} s after the start "
        "and there is no startup probe"
    )
    return [subject.fact("probe.liveness.timing", "tight", detail, **probe_params(probe, container))]
