"""ResourceQuotas: how near to their limits they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubelore.analysis.events import read_text
from kubelore.analysis.quantity import parse_quantity
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, ref_of
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity

NEAR = 0.9


def quota_facts(quota: JsonObject) -> list[Fact]:
    """Resources of a quota at 90% of their limit or more; a limit of zero forbids and is not near."""
    status = quota.get("status") or {}
    hard, used = status.get("hard") or (quota.get("spec") or {}).get("hard") or {}, status.get("used") or {}
    facts: list[Fact] = []
    for resource, limit in hard.items():
        total, taken = parse_quantity(limit), parse_quantity(used.get(resource))
        if total and taken is not None and taken >= NEAR * total:
            facts += _facts(ref_of(quota), resource, str(limit), str(used[resource]), full=taken >= total)
    return facts


def _facts(ref: Ref, resource: str, limit: str, used: str, full: bool) -> Iterator[Fact]:
    detail = f"{ref} has used {used} of {limit} {resource}."
    params = {"quota": ref.name, "resource": resource, "limit": limit, "used": used}
    yield Subject(ref).fact("quota.used", "full" if full else "near", detail, **params)
    yield Subject(ref).fact("quota.resource", quota_class(resource), detail, **params)


def quota_class(resource: str) -> str:
    """The vocabulary's word for a quota resource such as `requests.cpu` or `count/services`."""
    if "storage" in resource or "persistentvolumeclaims" in resource:
        return "storage"
    if "services" in resource:
        return "services"
    bare = resource.removeprefix("requests.").removeprefix("limits.").removeprefix("count/")
    return bare if bare in {"cpu", "memory", "pods"} else "other"


@check("quotas", "ResourceQuota", "Event", "ReplicaSet", "Deployment", "StatefulSet", "Job")
def tight_quotas(view: View, namespace: str | None) -> Iterable[Finding]:
    """Quotas that have refused something. One that is full and refuses nothing does what it is there for."""
    refusing = view.once(_refusing)
    for quota in view.all("ResourceQuota", namespace):
        facts = quota_facts(quota)
        ref = ref_of(quota)
        full = [f for f in facts if f.name == "quota.used=full"]
        if facts:
            refused = (ref.namespace, ref.name) in refusing
            severity = Severity.CRITICAL if refused else Severity.WARNING
            shown = (full or facts)[0]
            what = shown.detail.removeprefix(f"{ref} ").rstrip(".") + (
                ", and refuses objects" if refused else ""
            )
            yield Finding(severity, ref, what, tuple(facts), "quotas")


def _refusing(view: View) -> set[tuple[str, str]]:
    """(namespace, name) of quotas that events or ReplicaSet and Deployment conditions say were exceeded."""
    found = set()
    for event in view.all_events():
        if event.type == "Warning" and "quota" in event.message:
            name = read_text(event.reason, event.message).params.get("quota")
            if name:
                found.add((event.object.namespace, name))
    for kind in ("ReplicaSet", "Deployment"):
        for obj in view.all(kind):
            for condition in (obj.get("status") or {}).get("conditions") or ():
                if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
                    name = read_text("ReplicaFailure", condition.get("message") or "").params.get("quota")
                    if name:
                        found.add((ref_of(obj).namespace, name))
    return found
