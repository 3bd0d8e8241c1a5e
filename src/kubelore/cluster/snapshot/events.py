"""The two forms of an event: core/v1 and events.k8s.io/v1 name the same fields differently."""

from __future__ import annotations

from collections.abc import Mapping

from kubelore.types import JsonObject

_CORE_NAMES = {
    "regarding": "involvedObject",
    "note": "message",
    "deprecatedCount": "count",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedSource": "source",
    "reportingController": "reportingComponent",
}


def core_event(event: JsonObject) -> JsonObject:
    """An events.k8s.io event in the form of the core API, which is the one that readers ask for."""
    return _renamed(event, _CORE_NAMES, "v1")


def new_event(event: JsonObject) -> JsonObject:
    """A core event in the form of events.k8s.io."""
    return _renamed(event, {core: new for new, core in _CORE_NAMES.items()}, "events.k8s.io/v1")


def _renamed(event: JsonObject, names: Mapping[str, str], api_version: str) -> JsonObject:
    return {names.get(key, key): value for key, value in event.items()} | {"apiVersion": api_version}
