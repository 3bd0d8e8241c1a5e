"""Watches of something that never changes: what there is now, when asked for it, and then the end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime

import anyio

from kubelore.cluster.app.forms import Form, object_document
from kubelore.cluster.app.lists import RESOURCE_VERSION, Page
from kubelore.types import JsonObject

HELD_OPEN = 1.2
"""Seconds: clients complain about watches that end without an event within one."""
INITIAL_EVENTS_END = {"k8s.io/initial-events-end": "true"}


def is_watch(query: Mapping[str, str]) -> bool:
    return query.get("watch") in {"1", "true"}


async def stream(page: Page, form: Form, now: datetime, query: Mapping[str, str]) -> AsyncIterator[bytes]:
    """Watch events, a line each. Only a watch that starts from nothing gets the objects."""
    initial = query.get("sendInitialEvents") == "true"
    include = query.get("includeObject", "Metadata")
    if initial or query.get("resourceVersion", "") in {"", "0"}:
        for item in page.items:
            yield _event("ADDED", object_document(page.only(item), form, now, include))
    if initial:
        yield _event("BOOKMARK", _bookmark(page))
    await anyio.sleep(HELD_OPEN)


def _bookmark(page: Page) -> JsonObject:
    return {
        "kind": page.kind.kind,
        "apiVersion": page.kind.api_version,
        "metadata": {"resourceVersion": RESOURCE_VERSION, "annotations": INITIAL_EVENTS_END},
    }


def _event(kind: str, obj: JsonObject) -> bytes:
    return json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n"
