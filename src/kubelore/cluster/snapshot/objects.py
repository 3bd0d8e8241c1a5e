"""From the text of a file to Kubernetes objects: parsing, checking, and one shape for every format."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import yaml

from kubelore.cluster.kinds import Kind
from kubelore.cluster.snapshot.model import Listing, blank_secret
from kubelore.cluster.snapshot.shapes import Misfits, fit
from kubelore.errors import SnapshotError
from kubelore.packaged import SAFE_LOADER
from kubelore.types import JsonObject

_NAME = re.compile(r"(?!-|\.{1,2}$)[^\s/%\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,253}")
"""What the API takes for the name of any kind, or more."""
FIRST_YEAR, LAST_YEAR = 2000, 2999


def parse(content: bytes, path: str) -> Any:
    """JSON, or YAML when the file is named so. Raises SnapshotError with the file and the place."""
    if not content.strip():
        raise SnapshotError(f"{path}: empty file")
    try:
        if path.endswith((".yaml", ".yml")):
            return _without_aliases(yaml.load(content, Loader=_Loader))  # noqa: S506  a SafeLoader, see below
        return json.loads(content)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise SnapshotError(f"{path}: not valid, or cut short ({reason})") from error


class _Loader(SAFE_LOADER):  # type: ignore[misc, valid-type]
    """Safe YAML that leaves times as the text they are in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def _without_aliases(document: Any) -> Any:
    """No recorder writes aliases; a few lines of them can stand for more text than memory holds."""
    seen: set[int] = set()
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            if id(value) in seen:
                raise ValueError("uses YAML aliases")
            seen.add(id(value))
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return document


def items_of(document: Any, path: str) -> tuple[list[JsonObject], str]:
    """The objects of a List, a bare array or a single object, and what was wrong with some of them."""
    if isinstance(document, dict) and "items" in document:
        raw = document["items"] or []
    elif isinstance(document, dict) and "metadata" in document and "kind" in document:
        raw = [document]
    else:
        raw = document
    if not isinstance(raw, list):
        raise SnapshotError(f"{path}: not a list of Kubernetes objects")
    good = [item for item in raw if _is_object(item)]
    problem = f"{path}: {len(raw) - len(good)} of {len(raw)} items are not objects" if raw != good else ""
    return good, problem


def _is_object(item: Any) -> bool:
    """Whether the parts that everybody reads are of the right type."""
    metadata = item.get("metadata") if isinstance(item, dict) else None
    if not isinstance(metadata, dict) or not _is_name(metadata.get("name")):
        return False
    namespace = metadata.get("namespace")
    return (not namespace or _is_name(namespace)) and all(
        isinstance(part or expected(), expected)
        for part, expected in (
            (metadata.get("labels"), dict),
            (metadata.get("annotations"), dict),
            (metadata.get("ownerReferences"), list),
            (item.get("spec"), dict),
            (item.get("status"), dict),
        )
    )


def _is_name(name: Any) -> bool:
    """Whether it can stand in a path, and in a command as one word that is no option."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def listing(kind: Kind, items: Iterable[JsonObject], problem: str = "") -> Listing:
    """Items as the API would return them one by one: with kind and apiVersion, every field of its type,
    Secrets without values."""
    misfits = Misfits()
    fitted = (fit(_plain(item), kind.resource, misfits) for item in items)
    stamped = [{"kind": kind.kind, "apiVersion": kind.api_version, **item} for item in fitted]
    if kind.resource == "secrets":
        stamped = [blank_secret(item) for item in stamped]
    return Listing(kind, stamped, "; ".join(filter(None, (problem, str(misfits)))))


def _plain(item: JsonObject) -> JsonObject:
    """Without what only a list writes, and without field bookkeeping that nobody reads."""
    item = {k: v for k, v in item.items() if k not in {"kind", "apiVersion"}}
    if "managedFields" in item["metadata"]:
        item["metadata"] = {k: v for k, v in item["metadata"].items() if k != "managedFields"}
    return item


def latest_time(listings: Iterable[Listing]) -> datetime | None:
    """The newest time in objects whose times all lie in the past: about when they were recorded."""
    kinds = {"pods", "events", "nodes", "leases.coordination.k8s.io"}
    times = (
        time
        for each in listings
        if each.kind.resource in kinds
        for item in each.items
        for time in _times(item)
    )
    return max(times, default=None)


def _times(value: Any, key: str = "") -> Iterator[datetime]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _times(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _times(inner, key)
    elif isinstance(value, str) and key.endswith(("Time", "Timestamp", "At")):
        time = read_time(value)
        if time:
            yield time


def read_time(text: Any) -> datetime | None:
    """An RFC 3339 time, in UTC; None when it is not one, or of no year in which a cluster ran."""
    try:
        time = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    if not FIRST_YEAR <= time.year <= LAST_YEAR:
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
