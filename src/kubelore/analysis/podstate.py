"""How pods and their containers are: the reading that all pod analyzers share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal

from kubelore.analysis.events import event_labels, read_text
from kubelore.analysis.subject import Subject, subject_of
from kubelore.analysis.view import Event, View, parse_time, ref_of
from kubelore.types import Fact, JsonObject

Role = Literal["main", "init", "sidecar"]
"""`sidecar` is an init container that is meant to keep running (restartPolicy Always)."""

STARTING = {"", "ContainerCreating", "PodInitializing"}
"""Waiting reasons of a container whose turn has not come; a fault only when it lasts."""
SETUP_REASONS = {
    "FailedMount",
    "FailedMapVolume",
    "FailedAttachVolume",
    "FailedCreatePodSandBox",
    "NetworkNotReady",
}
"""Event reasons of the stage before any container runs."""
RESTART_MEMORY = timedelta(hours=6)
"""Restarts older than this, with nothing since, are history."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container of one pod: what was asked for and how it is."""

    name: str
    role: Role
    spec: JsonObject
    status: JsonObject

    @property
    def image(self) -> str:
        return str(self.spec.get("image") or self.status.get("image") or "")

    @property
    def restarts(self) -> int:
        return int(self.status.get("restartCount") or 0)

    @property
    def ready(self) -> bool:
        return bool(self.status.get("ready"))

    def _state(self, which: str, state: str) -> dict[str, Any] | None:
        return (self.status.get(which) or {}).get(state)

    @property
    def waiting(self) -> dict[str, Any] | None:
        return self._state("state", "waiting")

    @property
    def running(self) -> dict[str, Any] | None:
        return self._state("state", "running")

    @property
    def terminated(self) -> dict[str, Any] | None:
        """The current termination."""
        return self._state("state", "terminated")

    @property
    def last(self) -> dict[str, Any] | None:
        """The current or else the previous termination."""
        return self.terminated or self._state("lastState", "terminated")

    @property
    def waiting_reason(self) -> str:
        return str((self.waiting or {}).get("reason") or "")

    @property
    def started(self) -> datetime | None:
        return parse_time((self.running or {}).get("startedAt"))

    @property
    def finished(self) -> datetime | None:
        return parse_time((self.last or {}).get("finishedAt"))

    @property
    def lifetime(self) -> float | None:
        """Seconds that the last finished run lived; None when unknown (never started: 1970)."""
        start, end = parse_time((self.last or {}).get("startedAt")), self.finished
        if start is None or end is None or start.year < 2000:
            return None
        return max((end - start).total_seconds(), 0.0)

    def probe(self, kind: str) -> JsonObject | None:
        return self.spec.get(f"{kind}Probe")

    @property
    def ports(self) -> list[JsonObject]:
        return self.spec.get("ports") or []


def containers_of(pod: JsonObject) -> list[Container]:
    """Init containers first, in order, then the main ones. Ephemeral ones are debugging aids."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    found = []
    for field, states in (
        ("initContainers", "initContainerStatuses"),
        ("containers", "containerStatuses"),
    ):
        by_name = {s.get("name"): s for s in status.get(states) or ()}
        for one in spec.get(field) or ():
            role: Role = "main"
            if field == "initContainers":
                role = "sidecar" if one.get("restartPolicy") == "Always" else "init"
            name = str(one.get("name", ""))
            found.append(Container(name, role, one, by_name.get(name) or {}))
    return found


def age(view: View, since: datetime | str | None) -> timedelta:
    """How long ago; the very long ago when it is not known."""
    moment = since if isinstance(since, datetime) else parse_time(since)
    return view.now - moment if moment else timedelta(days=3650)


def age_of(view: View, obj: JsonObject) -> timedelta:
    return age(view, (obj.get("metadata") or {}).get("creationTimestamp"))


def is_terminating(obj: JsonObject) -> bool:
    return bool((obj.get("metadata") or {}).get("deletionTimestamp"))


def live_pods(view: View, namespace: str | None) -> Iterator[JsonObject]:
    """Pods that should be working: neither completed, failed for good, nor on their way out."""
    for pod in view.all("Pod", namespace):
        phase = (pod.get("status") or {}).get("phase")
        if phase not in ("Succeeded", "Failed") and not is_terminating(pod):
            yield pod


def is_scheduled(pod: JsonObject) -> bool:
    return bool((pod.get("spec") or {}).get("nodeName"))


def condition(obj: JsonObject, kind: str) -> JsonObject:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((c for c in conditions if c.get("type") == kind), {})


def pod_name(pod: JsonObject) -> str:
    return ref_of(pod).name


class Case:
    """One pod under examination, with what every pod analyzer asks of it."""

    def __init__(self, view: View, pod: JsonObject) -> None:
        self.view = view
        self.pod = pod
        self.subject = subject_of(view, pod)
        self.containers = containers_of(pod)

    @cached_property
    def events(self) -> list[Event]:
        """Events that still say something: those of a stage the pod has passed do not."""
        scheduled = is_scheduled(self.pod)
        pending = (self.pod.get("status") or {}).get("phase") == "Pending"
        pulling = any("Pull" in c.waiting_reason or "Image" in c.waiting_reason for c in self.containers)
        return [
            event
            for event in self.view.events_on(self.pod)
            if not (
                (event.reason == "FailedScheduling" and scheduled)
                or (event.reason in SETUP_REASONS and not pending)
                or (event.reason == "Failed" and not pulling and is_about_pulling(event))
            )
        ]

    @property
    def warnings(self) -> list[Event]:
        return [event for event in self.events if event.type == "Warning"]

    def event_facts(self) -> list[Fact]:
        return event_facts(self.subject, self.warnings)

    @property
    def age(self) -> timedelta:
        return age_of(self.view, self.pod)


def is_about_pulling(event: Event) -> bool:
    text = event.message
    return (
        "pull image" in text or "ImagePull" in text or bool(read_text(event.reason, text).value("pull.error"))
    )


def event_facts(subject: Subject, events: Iterable[Event]) -> list[Fact]:
    """One `event` fact per reason and class, with the newest message as its detail."""
    facts: dict[str, Fact] = {}
    for event in events:
        for label in event_labels(event):
            times = f" ({event.count} times)" if event.count > 1 else ""
            facts[label] = subject.fact("event", label, f"{event.reason}{times}: {shortened(event.message)}")
    return list(facts.values())


def shortened(text: str, limit: int = 300) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"
