"""Several partial views of one object as one.

Views are ranked by what they can know of the running object. A higher one wins field by field; its lists say
what there is, and lower views add what they know of the same items.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from kubelore.cluster import kinds
from kubelore.types import JsonObject


class Source(IntEnum):
    """Where a view comes from, the better one the higher."""

    MANIFEST = 0
    """Written by someone: it may have been changed since it was applied."""
    MENTION = 1
    """Told by the description of another object."""
    TABLE = 2
    DESCRIPTION = 3
    LIVE = 4
    """The whole object as the API server has it."""


Partial = tuple[Source, JsonObject]

_WHOLE = frozenset(
    {
        "labels", "annotations", "matchLabels", "selector", "nodeSelector", "limits", "requests", "data",
        "binaryData", "hard", "used", "capacity", "allocatable", "parameters", "valueFrom", "state",
        "lastState", "nodeAffinity",
    }
)  # fmt: skip
"""Maps that are taken as they are: what the better view leaves out is not there."""
_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "containers": ("name",),
        "initContainers": ("name",),
        "ports": ("port", "containerPort", "protocol"),
        "conditions": ("type",),
        "volumeMounts": ("mountPath",),
    }
)
"""Lists whose items are known by these fields."""


def merge(views: Iterable[Partial]) -> list[JsonObject]:
    """One object for each kind, namespace and name, in the order they were first seen. Of two views of the
    same source the later one wins."""
    by_name: dict[tuple[str, str, str], list[Partial]] = {}
    for source, obj in views:
        metadata = obj.get("metadata") or {}
        key = (str(obj.get("kind")), metadata.get("namespace") or "", str(metadata.get("name")))
        by_name.setdefault(key, []).append((source, obj))
    return [_one(group) for group in by_name.values()]


def _one(views: Sequence[Partial]) -> JsonObject:
    merged: Any = {}
    for _, view in sorted(views, key=lambda pair: pair[0]):
        merged = _join(merged, view)
    merged = _without_none(merged)
    kind = kinds.find(merged["kind"])
    version = str(merged.get("apiVersion") or (kind.api_version if kind else ""))
    return {**merged, "apiVersion": version}


def _join(low: Any, high: Any, name: str = "") -> Any:
    """`high` where it says anything; None in it says that there is no such field."""
    if isinstance(low, dict) and isinstance(high, dict) and name not in _WHOLE:
        return {**low, **{k: _join(low.get(k), v, k) for k, v in high.items()}}
    if isinstance(low, list) and isinstance(high, list) and name in _KEYS:
        return [_join(_same(item, low, _KEYS[name]), item) for item in high]
    return high


def _same(item: Any, others: list[Any], fields: tuple[str, ...]) -> Any:
    """The item of the other list that is known by the same fields."""
    if not isinstance(item, dict):
        return None
    same = (o for o in others if isinstance(o, dict) and all(_field(item, f) == _field(o, f) for f in fields))
    return next(same, None)


def _field(item: JsonObject, field: str) -> Any:
    return item.get(field) or ("TCP" if field == "protocol" else None)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_none(v) for v in value]
    return value
