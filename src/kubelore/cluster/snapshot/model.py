"""One recorded cluster in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from kubelore.cluster import kinds
from kubelore.cluster.kinds import Kind
from kubelore.cluster.snapshot.events import new_event
from kubelore.types import ClusterInfo, JsonObject

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

COMMON = frozenset(
    {
        "pods",
        "services",
        "events",
        "configmaps",
        "nodes",
        "namespaces",
        "serviceaccounts",
        "endpoints",
        "deployments.apps",
        "replicasets.apps",
        "endpointslices.discovery.k8s.io",
    }
)
"""Kinds nearly every recorder asks for."""

NEVER_EMPTY = frozenset(
    {
        "pods",
        "nodes",
        "namespaces",
        "configmaps",
        "serviceaccounts",
        "events",
        "secrets",
        "leases.coordination.k8s.io",
        "clusterroles.rbac.authorization.k8s.io",
        "clusterrolebindings.rbac.authorization.k8s.io",
        "priorityclasses.scheduling.k8s.io",
        "apiservices.apiregistration.k8s.io",
        "flowschemas.flowcontrol.apiserver.k8s.io",
        "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
    }
)
"""Kinds that have objects in every running cluster: a recording without any did not look for them."""

METRICS = {"pods.metrics.k8s.io": "metrics", "nodes.metrics.k8s.io": "metrics"}
"""The name that both have together where a recording says why it lacks them."""

NEW_EVENTS = "events.events.k8s.io"
"""Shows the same objects as core events, and is kept as those."""

NOT_RECORDED = "not recorded in this snapshot"


class State(Enum):
    COMPLETE = "complete"
    PARTIAL = "partial"
    UNREADABLE = "unreadable"
    NOT_SERVED = "not served"


@dataclass(slots=True)
class Listing:
    """The recorded objects of one kind. `problem` says why it is not complete; "" when it is."""

    kind: Kind
    items: list[JsonObject]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LogKey:
    namespace: str
    pod: str
    container: str
    previous: bool = False


@dataclass(slots=True)
class Snapshot:
    """Objects (metrics among them) and logs of one cluster at one time, and what is known to be missing."""

    info: ClusterInfo
    listings: dict[str, Listing] = field(default_factory=dict)
    """By `plural.group`."""
    logs: Mapping[LogKey, Callable[[], bytes]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    """Why a kind (`plural.group`), `metrics`, `logs` or a file could not be read."""
    recorded: frozenset[str] | None = None
    """Kinds (`plural.group`) known to have been read in full; None when the recording does not say."""
    namespaces: tuple[str, ...] = ()
    """Namespaces the recording was restricted to; () when it does not say."""

    def kinds(self) -> Iterable[Kind]:
        """Built-in kinds and those that were recorded, as the recorded versions."""
        found = {k.resource: k for k in kinds.BUILT_IN}
        for absent in [r for r, k in found.items() if self.state(k)[0] is State.NOT_SERVED]:
            del found[absent]
        found |= {resource: listing.kind for resource, listing in self.listings.items()}
        return found.values()

    def items(self, kind: Kind) -> list[JsonObject]:
        if kind.resource == NEW_EVENTS:
            core = self.listings.get("events")
            return [new_event(event) for event in core.items] if core else []
        listing = self.listings.get(kind.resource)
        return listing.items if listing else []

    def state(self, kind: Kind) -> tuple[State, str]:
        """Whether the objects of a kind are known, and why not.

        Most recorders write no file for a kind that has no object. Where the recording does not list what
        it read, an absent kind counts as empty when the recording holds most common kinds and a running
        cluster can do without objects of it; Secrets never do.
        """
        resource = "events" if kind.resource == NEW_EVENTS else kind.resource
        listing = self.listings.get(resource)
        if listing:
            return (State.PARTIAL, listing.problem) if listing.problem else (State.COMPLETE, "")
        problem = self.problems.get(resource) or self.problems.get(METRICS.get(resource, ""))
        if problem:
            return State.UNREADABLE, problem
        if self._known_empty(resource):
            return (State.NOT_SERVED, "") if kind.group in kinds.ADD_ON_GROUPS else (State.COMPLETE, "")
        return State.UNREADABLE, NOT_RECORDED

    def _known_empty(self, resource: str) -> bool:
        if self.recorded is not None:
            return resource in self.recorded
        return self._looks_complete and resource not in NEVER_EMPTY

    @property
    def _looks_complete(self) -> bool:
        return not self.info.incomplete and len(COMMON & self.listings.keys()) > len(COMMON) // 2


def blank_secret(secret: JsonObject) -> JsonObject:
    """The Secret with every value empty; also drops the copy of it that `kubectl apply` leaves."""
    clean = {k: v for k, v in secret.items() if k != "stringData"}
    data = secret.get("data")
    if isinstance(data, dict):
        clean["data"] = dict.fromkeys(data, "")
    metadata: dict[str, Any] = secret.get("metadata") or {}
    if LAST_APPLIED in (metadata.get("annotations") or {}):
        kept = {k: v for k, v in metadata["annotations"].items() if k != LAST_APPLIED}
        clean["metadata"] = {**metadata, "annotations": kept}
    return clean
