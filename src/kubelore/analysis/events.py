"""Meaning of Kubernetes' own texts, by the rules in `events.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from kubelore.analysis.view import Event
from kubelore.packaged import packaged_yaml

MAX_TEXT = 4000
"""Characters of a message that are read; the rest repeats or pads."""

NODES = re.compile(r"(\d+)/(\d+) nodes are available: ?")
TAIL = re.compile(r"(?:\. |, |^)(?:preemption:|no new claims to deallocate|still not schedulable)")
FRAGMENT = re.compile(r"(?:, |\. ?|^)(?=\d+ \S)")
COUNT = re.compile(r"(\d+) ")
IMAGE_NAMES = re.compile(r'"[^"]*"|(?<!\S)(?!i/o\b)[^\s/]*/\S*')
"""In a pull error: quoted strings and image references, whose words are nobody's diagnosis."""
PROBE = re.compile(r"^(Liveness|Readiness|Startup) probe (?:failed|errored|warning)[^:]*: ?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one text means. `label` is the class of the event fact; "" when no rule knows the text."""

    label: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    transient: bool = False
    ambiguous: bool = False

    def value(self, key: str) -> str:
        return dict(self.facts).get(key, "")


@dataclass(frozen=True, slots=True)
class NodeReason:
    """One reason of the scheduler; `nodes` is 0 when it holds for the pod as a whole."""

    label: str
    nodes: int
    text: str
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scheduling:
    total: int
    reasons: tuple[NodeReason, ...]


UNKNOWN = Reading()


@dataclass(frozen=True, slots=True)
class _Rule:
    text: re.Pattern[str]
    reading: Reading

    def read(self, text: str) -> Reading | None:
        match = self.text.search(text)
        if match is None:
            return None
        params = {k: v for k, v in match.groupdict().items() if v}
        base = self.reading
        return Reading(base.label, base.facts, params, base.transient, base.ambiguous)


@dataclass(frozen=True, slots=True)
class _Rules:
    families: Mapping[str, tuple[_Rule, ...]]
    reasons: Mapping[str, tuple[str, ...]]
    scheduling: tuple[tuple[str, re.Pattern[str]], ...]


def _rule(key: str, raw: Mapping[str, Any]) -> _Rule:
    transient = bool(raw.get("transient"))
    facts = [] if transient else [(key, str(raw["value"])), *(raw.get("also") or {}).items()]
    reading = Reading(
        label=raw.get("class") or raw["value"],
        facts=tuple(facts),
        transient=transient,
        ambiguous=bool(raw.get("ambiguous")),
    )
    return _Rule(re.compile(raw["text"], re.IGNORECASE | re.DOTALL), reading)


@cache
def _rules() -> _Rules:
    raw = packaged_yaml("kubelore.analysis", "events.yaml")
    return _Rules(
        families={
            name: tuple(_rule(family["key"], rule) for rule in family["rules"])
            for name, family in raw["families"].items()
        },
        reasons={reason: tuple(families) for reason, families in raw["reasons"].items()},
        scheduling=tuple((r["class"], re.compile(r["text"], re.IGNORECASE)) for r in raw["scheduling"]),
    )


def _family(name: str, text: str) -> Reading:
    if name == "pull":
        text = IMAGE_NAMES.sub(" ", text)
    return next((r for rule in _rules().families[name] if (r := rule.read(text))), UNKNOWN)


def read_text(reason: str, message: str) -> Reading:
    """The meaning of an event, a waiting or terminated state, or a condition."""
    text = message[:MAX_TEXT]
    key = f"{reason}: Error" if reason == "Failed" and text.startswith("Error: ") else reason
    for family in _rules().reasons.get(key, ()):
        reading = _family(family, text)
        if reading is not UNKNOWN:
            return reading
    return UNKNOWN


def read_family(family: str, message: str) -> Reading:
    """The meaning of a text whose kind of trouble is known."""
    return _family(family, message[:MAX_TEXT])


def read_probe(message: str) -> tuple[str, str]:
    """(`liveness`, `http-404`) of an Unhealthy event's message; ("", "") when it is about no probe."""
    match = PROBE.match(message)
    if match is None:
        return "", ""
    return match[1].lower(), _family("probe", message[match.end() : MAX_TEXT]).label


def without_tail(message: str) -> str:
    """A FailedScheduling message without what it says about preemption."""
    nodes = NODES.search(message)
    tail = TAIL.search(message, nodes.end() if nodes else 0)
    return message[: tail.start()] if tail else message


def read_scheduling(message: str) -> Scheduling:
    """Why the scheduler placed the pod nowhere, with how many nodes each reason holds for."""
    text = message[:MAX_TEXT]
    nodes = NODES.search(text)
    head = without_tail(text)[nodes.end() if nodes else 0 :]
    reasons = []
    for fragment in FRAGMENT.split(head):
        count = COUNT.match(fragment)
        for label, pattern in _rules().scheduling:
            match = pattern.search(fragment)
            if match:
                params = {k: v.strip(" :") for k, v in match.groupdict().items() if v}
                reasons.append(NodeReason(label, int(count[1]) if count else 0, fragment.strip(" ."), params))
                break
    return Scheduling(int(nodes[2]) if nodes else 0, tuple(reasons))


def event_labels(event: Event) -> list[str]:
    """The values of the `event` facts that one Warning event gives: `FailedMount:secret-missing`."""
    if event.reason == "FailedScheduling":
        labels = [reason.label for reason in read_scheduling(event.message).reasons]
    elif event.reason in ("Unhealthy", "ProbeWarning"):
        probe, label = read_probe(event.message)
        labels = [f"{probe}-{label}"] if probe else []
    else:
        reading = read_text(event.reason, event.message)
        labels = [] if reading.transient else [reading.label]
        if reading.transient:
            return []
    return [f"{event.reason}:{label}" if label else event.reason for label in labels or [""]]


def newest(events: Iterable[Event]) -> Event | None:
    return max((e for e in events if e.last), key=lambda e: (e.last is not None, e.last), default=None)
