"""Admission webhooks: whether the Services behind them answer, since objects are refused when they do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubelore.analysis.backends import addresses_of
from kubelore.analysis.events import read_family, read_text
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import Event, View, ref_of
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity

CONFIGURATIONS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")


def webhook_facts(view: View, configuration: JsonObject) -> list[Fact]:
    """Webhooks of one configuration that do not answer; [] when all may."""
    hooks = configuration.get("webhooks") or ()
    return [fact for hook in hooks for fact in _hook_facts(view, ref_of(configuration), hook)]


def service_of(hook: JsonObject) -> Ref | None:
    named = (hook.get("clientConfig") or {}).get("service") or {}
    return Ref("Service", named.get("namespace") or "", named.get("name") or "") if named else None


def _hook_facts(view: View, ref: Ref, hook: JsonObject) -> Iterator[Fact]:
    name, service = hook.get("name", ""), service_of(hook)
    state, detail = _state(view, service)
    failed = view.once(_failures).get(name)
    if not state and failed is None:
        return
    params = {"webhook": name}
    if service is not None:
        params |= {"service": service.name, "service_namespace": service.namespace}
    about = Subject(ref)
    if state:
        yield about.fact("webhook.service", state, f"{ref}, {name}: {detail}.", **params)
        if state == "missing" and service is not None:
            yield Subject(service, ref).fact(
                "service.exists", "no", f"{ref} calls {service}, which does not exist.", **params
            )
    if failed is not None:
        error = read_family("webhook", failed.message).label
        said = f"{ref}, {name}: {failed.message[:300]}"
        yield about.fact("webhook.error", error, said, message=failed.message[:300], **params)
    policy = hook.get("failurePolicy") or "Fail"
    what = "what it should look at is refused" if policy == "Fail" else "what it should look at passes unseen"
    yield about.fact("webhook.policy", policy, f"{name} has failurePolicy {policy}: {what}.", **params)


def _state(view: View, service: Ref | None) -> tuple[str, str]:
    if service is None:
        return "", ""
    found = view.find(service)
    if found is None:
        absent = view.exists("Service", service.namespace, service.name) is False
        return ("missing", f"its {service} does not exist") if absent else ("", "")
    if (found.get("spec") or {}).get("type") == "ExternalName":
        return "", ""
    addresses = addresses_of(view, found)
    if addresses.known and not addresses.ready:
        return "no-endpoints", f"its {service} has no ready endpoints"
    return "", ""


def _failures(view: View) -> dict[str, Event]:
    """The newest event for each webhook that could not be called."""
    found: dict[str, Event] = {}
    for event in view.all_events():
        if event.type != "Warning" or "webhook" not in event.message:
            continue
        reading = read_text(event.reason, event.message)
        name = reading.params.get("webhook")
        if reading.value("create.error") == "webhook-unreachable" and name:
            old = found.get(name)
            if old is None or (event.last is not None and (old.last is None or event.last > old.last)):
                found[name] = event
    return found


@check("webhooks", *CONFIGURATIONS, "Service", "EndpointSlice", "Endpoints", "Event")
def failing_webhooks(view: View, namespace: str | None) -> Iterable[Finding]:
    """Webhooks that do not answer: critical where objects are refused for it."""
    for kind in CONFIGURATIONS:
        for configuration in view.all(kind):
            for hook in configuration.get("webhooks") or ():
                facts = tuple(_hook_facts(view, ref_of(configuration), hook))
                if facts:
                    refuses = any(f.name == "webhook.policy=Fail" for f in facts)
                    severity = Severity.CRITICAL if refuses else Severity.WARNING
                    what = facts[0].detail.removeprefix(f"{ref_of(configuration)}, ").rstrip(".")
                    yield Finding(severity, ref_of(configuration), what, facts, "webhooks")
