"""Holds recorded objects to the types of their fields, so that nobody who reads them has to.

An API server cannot send a list where a word belongs; a file that someone edited or made can. A value of
the wrong type is left out like an absent one, and reported. What the specification does not type, such
as custom resources, is only bounded: `MAX_DEPTH` levels, finite numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from kubelore.packaged import packaged_text
from kubelore.types import JsonObject

MAX_DEPTH = 64
MAX_NAMED = 3
"""Fields that a report names; it counts the others."""
MAX_NAME = 80
LARGEST = 2**63
OBJECT = {"metadata": "ObjectMeta", "spec": "x", "status": "x"}
"""What is known of a kind that the specification does not have."""

_TEXTS, _NUMBERS, _FRACTIONS = frozenset("sq"), frozenset("ifq"), frozenset("fq")
_SURROGATES = re.compile("[\ud800-\udfff]")
_ABSENT = object()


Where = tuple["Where | None", str | int]
"""A field, or a place in a list, and what it is in. Becomes text only when it is reported."""


@dataclass(slots=True)
class Misfits:
    """What was left out of the objects of one file; its text is "" when nothing was."""

    named: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, where: Where, why: str = "") -> None:
        self.count += 1
        if len(self.named) < MAX_NAMED:
            self.named.append(_path(where) + why)

    def __str__(self) -> str:
        if not self.count:
            return ""
        more = f" and {self.count - len(self.named)} more" if self.count > len(self.named) else ""
        return f"left out for their type: {', '.join(self.named)}{more}"


def fit(item: JsonObject, resource: str, misfits: Misfits) -> JsonObject:
    """The object of this kind (`plural.group`) without values of another type than their field has."""
    kinds, types = _known()
    fields = types[kinds[resource]] if resource in kinds else OBJECT
    return _struct(item, fields, (None, str((item.get("metadata") or {}).get("name"))), misfits)


def _struct(value: JsonObject, fields: Mapping[str, str], where: Where, misfits: Misfits) -> JsonObject:
    fitted = {}
    for name, inner in value.items():
        shape = fields.get(name, "x")
        if shape == "s" and type(inner) is str and inner.isascii():  # most fields, so the shortest way
            fitted[name] = inner
            continue
        found = _fit(inner, shape, (where, name), misfits)
        if found is not _ABSENT:
            fitted[_text(name)] = found
    return fitted


def _fit(value: Any, shape: str, where: Where, misfits: Misfits) -> Any:
    if value is None:
        return _ABSENT  # as the API has it
    if shape == "x":
        return _bounded(value, MAX_DEPTH, where, misfits)
    if shape[0] == "[" and isinstance(value, list):
        inner = shape[1:-1]
        found = (_fit(each, inner, (where, i), misfits) for i, each in enumerate(value))
        return [each for each in found if each is not _ABSENT]
    if shape[0] == "{" and isinstance(value, dict):
        inner = shape[1:-1]
        pairs = ((_text(k), _fit(v, inner, (where, k), misfits)) for k, v in value.items())
        return {k: v for k, v in pairs if v is not _ABSENT}
    if shape[0].isupper() and isinstance(value, dict):
        return _struct(value, _known()[1][shape], where, misfits)
    if isinstance(value, str) and shape in _TEXTS:
        return _text(value)
    if _is_plain(value, shape):
        return value
    misfits.add(where)
    return _ABSENT


def _is_plain(value: Any, shape: str) -> bool:
    """Whether it is a boolean or a number that the API can send."""
    if isinstance(value, bool):
        return shape == "b"
    if isinstance(value, int):
        return shape in _NUMBERS and abs(value) < LARGEST
    return isinstance(value, float) and shape in _FRACTIONS and math.isfinite(value)


def _bounded(value: Any, depth: int, where: Where, misfits: Misfits) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict | list) and depth == 0:
        misfits.add(where, f" (deeper than {MAX_DEPTH} levels)")
        return _ABSENT
    if isinstance(value, dict):
        pairs = ((_text(k), _bounded(v, depth - 1, (where, k), misfits)) for k, v in value.items())
        return {k: v for k, v in pairs if v is not _ABSENT}
    if isinstance(value, list):
        found = (_bounded(each, depth - 1, (where, i), misfits) for i, each in enumerate(value))
        return [each for each in found if each is not _ABSENT]
    if value is None or isinstance(value, bool) or _is_plain(value, "f"):
        return value
    misfits.add(where)
    return _ABSENT


def _text(value: Any) -> str:
    """Without lone surrogates, which no encoding can write; Go reads them as U+FFFD too."""
    text = value if isinstance(value, str) else str(value)
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def _path(where: Where) -> str:
    before, name = where
    step = f"[{name}]" if isinstance(name, int) else _text(name)[:MAX_NAME]
    return step if before is None else f"{_path(before)}{'' if isinstance(name, int) else '.'}{step}"


@cache
def _known() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """The type of each kind, and the types of the fields of each type."""
    kinds: dict[str, str] = {}
    types: dict[str, dict[str, str]] = {}
    for line in packaged_text("kubelore.cluster.snapshot", "shapes.txt").splitlines():
        if " = " in line and not line.startswith("#"):
            resource, _, kind = line.partition(" = ")
            kinds[resource] = kind
        elif ": " in line and not line.startswith("#"):
            name, _, rest = line.partition(": ")
            groups = (group.rpartition("=") for group in rest.split())
            types[name] = {each: shape for names, _, shape in groups for each in names.split(",")}
    return kinds, types
