"""Lists and single objects: scope, selectors, pages, and the forms a client can ask for."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from kubelore.cluster.app import select
from kubelore.cluster.app.status import bad_request, not_found, not_recorded
from kubelore.cluster.kinds import Kind
from kubelore.cluster.snapshot.model import Snapshot, State
from kubelore.types import JsonObject

RESOURCE_VERSION = "1"
"""Of every list: a recording never changes."""


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list. `warning` says why the recorded list is not complete.

    `definition` is the recorded CustomResourceDefinition of a custom kind.
    """

    kind: Kind
    items: list[JsonObject]
    metadata: JsonObject
    warning: str = ""
    definition: JsonObject | None = None

    def only(self, item: JsonObject) -> Page:
        return replace(self, items=[item])

    def document(self) -> JsonObject:
        items = [{k: v for k, v in i.items() if k not in {"kind", "apiVersion"}} for i in self.items]
        return {
            "kind": f"{self.kind.kind}List",
            "apiVersion": self.kind.api_version,
            "metadata": self.metadata,
            "items": items,
        }


def list_page(snapshot: Snapshot, kind: Kind, namespace: str, query: Mapping[str, str]) -> Page:
    """One page; all of it without `limit`. Raises a 403 for kinds that were not recorded."""
    warning = check_recorded(snapshot, kind)
    items = snapshot.items(kind)
    if namespace:
        items = [i for i in items if i["metadata"].get("namespace") == namespace]
    if query.get("labelSelector"):
        items = list(filter(select.by_labels(query["labelSelector"]), items))
    if query.get("fieldSelector"):
        items = list(filter(select.by_fields(query["fieldSelector"], kind), items))
    start, limit = _window(query)
    end = start + limit if limit else len(items)
    metadata: JsonObject = {"resourceVersion": RESOURCE_VERSION}
    if end < len(items):
        metadata["continue"] = _token(end)
        metadata["remainingItemCount"] = len(items) - end
    return Page(kind, items[start:end], metadata, warning, _definition(snapshot, kind))


def object_page(snapshot: Snapshot, kind: Kind, namespace: str, name: str) -> Page:
    """One object. Raises a 404, or a 403 when the kind was not recorded."""
    warning = check_recorded(snapshot, kind)
    for item in snapshot.items(kind):
        metadata = item["metadata"]
        if metadata["name"] == name and (metadata.get("namespace") or "") == namespace:
            return Page(kind, [item], {"resourceVersion": RESOURCE_VERSION}, "", _definition(snapshot, kind))
    if warning:
        raise not_recorded(f"{kind.resource} {name!r}: not recorded, and {warning}")
    raise not_found(kind.resource, name, kind.group)


def _definition(snapshot: Snapshot, kind: Kind) -> JsonObject | None:
    definitions = snapshot.listings.get("customresourcedefinitions.apiextensions.k8s.io")
    for definition in definitions.items if definitions else ():
        if definition["metadata"]["name"] == kind.resource:
            return definition
    return None


def check_recorded(snapshot: Snapshot, kind: Kind) -> str:
    """Why the list is only partial, "" when it is complete. Raises a 403 when it is not there at all."""
    state, why = snapshot.state(kind)
    if state is State.UNREADABLE:
        raise not_recorded(f"{kind.resource}: {why}")
    return why


def _window(query: Mapping[str, str]) -> tuple[int, int]:
    text = query.get("limit") or "0"
    if not text.isdecimal():
        raise bad_request(f"invalid limit: {text!r}")
    token = query.get("continue")
    return (_position(token) if token else 0), int(text)


def _token(position: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"v": 1, "start": position}).encode()).decode()


def _position(token: str) -> int:
    try:
        return int(json.loads(base64.urlsafe_b64decode(token))["start"])
    except (ValueError, KeyError, TypeError) as error:
        raise bad_request("continue key is not valid") from error
