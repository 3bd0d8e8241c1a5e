"""Pods (and claims, and Jobs) that a controller may not create, and why."""

from __future__ import annotations

import re

from kubelore.analysis.events import read_family
from kubelore.analysis.podstate import event_facts, shortened
from kubelore.analysis.quantity import parse_quantity
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import Event
from kubelore.types import Fact

CREATE_REASONS = {"FailedCreate", "FailedDaemonPod", "ReplicaFailure"}
QUOTA_AMOUNTS = re.compile(
    r"requested: (?P<requested>\S{1,400}), used: (?P<used>\S{1,400}), limited: (?P<limited>\S{1,400})"
)
QUOTA_KINDS = (
    ("pods", re.compile(r"^(?:count/)?pods$")),
    ("services", re.compile(r"^(?:count/)?services(?:\.|$)")),
    ("storage", re.compile(r"storage|persistentvolumeclaims")),
    ("cpu", re.compile(r"cpu$")),
    ("memory", re.compile(r"memory$")),
)


def quota_kind(resource: str) -> str:
    """`requests.cpu` is cpu, `count/pods` is pods; what is none of the common ones is other."""
    return next((kind for kind, pattern in QUOTA_KINDS if pattern.search(resource)), "other")


def exceeded(message: str) -> dict[str, str]:
    """resource, requested, used and limit of the resource that a quota denies; {} when not told."""
    match = QUOTA_AMOUNTS.search(message)
    if match is None:
        return {}
    amounts = {
        name: dict(pair.split("=", 1) for pair in text.rstrip(",").split(",") if "=" in pair)
        for name, text in match.groupdict().items()
    }
    told = [
        {
            "resource": resource,
            "requested": requested,
            "used": amounts["used"].get(resource, ""),
            "limit": amounts["limited"].get(resource, ""),
        }
        for resource, requested in amounts["requested"].items()
    ]
    over = [t for t in told if _is_over(t)]
    return next(iter(over or told), {})


def _is_over(told: dict[str, str]) -> bool:
    used, wanted, limit = (parse_quantity(told[k]) for k in ("used", "requested", "limit"))
    return None not in (used, wanted, limit) and (used or 0) + (wanted or 0) > (limit or 0)


def create_facts(subject: Subject, message: str, events: list[Event]) -> list[Fact]:
    """`create.error` first, then what it implies, then the events."""
    reading = read_family("create", message)
    params = dict(reading.params) | exceeded(message)
    detail = shortened(message)
    facts = [subject.fact(key, value, detail, **params) for key, value in reading.facts]
    if reading.value("create.error") == "quota" and params.get("resource"):
        facts.append(subject.fact("create.quota", quota_kind(params["resource"]), detail, **params))
    return facts + event_facts(subject, events)
