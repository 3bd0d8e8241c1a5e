"""What a cell or a value of kubectl's text stands for, and the objects it goes into."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from kubelore.cluster import kinds
from kubelore.types import JsonObject

UNKNOWN = "<unknown>"
"""Stands for a name that exists and was not shown: no real name looks like it."""

_NOTHING = {"", "<none>", "<unset>", "<unknown>", "<invalid>", "<nil>", "<error>"}
_ACCESS_MODES = {
    "RWO": "ReadWriteOnce",
    "ROX": "ReadOnlyMany",
    "RWX": "ReadWriteMany",
    "RWOP": "ReadWriteOncePod",
}
_EXPRESSION = re.compile(r"(!?)([^\s,!=()]+)(?:\s*(==?|!=)\s*([^,()]*)|\s+(in|notin)\s+\(([^)]*)\))?")


def shown(cell: str) -> str:
    """The cell without what kubectl writes for nothing; "" then."""
    text = cell.strip()
    return "" if text in _NOTHING else text


def known(**fields: Any) -> JsonObject:
    """Only those that are known: neither None nor "" nor an empty map of known fields."""
    return {name: value for name, value in fields.items() if value is not None and value not in ("", {})}


def number(text: str) -> int | None:
    found = re.fullmatch(r"\s*(-?\d{1,15})\s*", text)
    return int(found[1]) if found else None


def fraction(text: str) -> tuple[int | None, int | None]:
    """`1/3` as (1, 3)."""
    left, _, right = text.partition("/")
    return number(left), number(right)


def listed(text: str) -> list[str]:
    """`a, b,c` as its parts."""
    return [part.strip() for part in shown(text).split(",") if part.strip()]


def label_map(parts: Iterable[str]) -> dict[str, str]:
    """`key=value` texts as a map; parts without `=` are dropped."""
    pairs = (part.partition("=") for part in parts)
    return {key.strip(): value.strip() for key, equals, value in pairs if equals}


def selector(text: str) -> JsonObject:
    """A LabelSelector from `app=x,tier in (a,b),!legacy`; {} for none."""
    labels: dict[str, str] = {}
    expressions: list[JsonObject] = []
    for negated, key, sign, value, operator, values in _EXPRESSION.findall(shown(text)):
        if sign in ("=", "=="):
            labels[key] = value.strip()
        elif sign == "!=":
            expressions.append({"key": key, "operator": "NotIn", "values": [value.strip()]})
        elif operator:
            name = "In" if operator == "in" else "NotIn"
            expressions.append({"key": key, "operator": name, "values": listed(values)})
        else:
            expressions.append({"key": key, "operator": "DoesNotExist" if negated else "Exists"})
    return known(matchLabels=labels, matchExpressions=expressions or None)


def access_modes(text: str) -> list[str]:
    return [_ACCESS_MODES.get(mode, mode) for mode in listed(text)]


def port_or_name(text: str) -> int | str:
    value = number(text)
    return text.strip() if value is None else value


def new(kind: str, namespace: str, name: str, **parts: Any) -> JsonObject:
    """An object with its apiVersion; cluster-scoped kinds get no namespace. `parts` that are empty are
    left out, and `metadata` is added to."""
    found = kinds.find(kind)
    scope = "" if found and not found.namespaced else namespace
    metadata = known(name=name, namespace=scope) | (parts.pop("metadata", None) or {})
    head = {"kind": found.kind if found else kind, "apiVersion": found.api_version if found else ""}
    return {**head, "metadata": metadata, **known(**parts)}


def owned_by(controller: str) -> list[JsonObject] | None:
    """ownerReferences from `ReplicaSet/web-5d4f8c7b9`."""
    kind, slash, name = shown(controller).partition("/")
    if not slash or not kind or not name:
        return None
    found = kinds.find(kind)
    version = found.api_version if found else ""
    return [{"apiVersion": version, "kind": found.kind if found else kind, "name": name, "controller": True}]


def service_ports(text: str) -> list[JsonObject]:
    """`8848:32506/TCP,53/UDP` as the ports of a Service."""
    ports = []
    for part in listed(text):
        numbers, _, protocol = part.partition("/")
        port, _, node_port = numbers.partition(":")
        if number(port) is not None:
            fields = known(port=number(port), protocol=protocol or "TCP", nodePort=number(node_port))
            ports.append(fields)
    return ports


def join(base: Mapping[str, Any], more: Mapping[str, Any]) -> JsonObject:
    """Maps merged key by key; `more` wins."""
    result = dict(base)
    for key, value in more.items():
        old = result.get(key)
        both = isinstance(old, dict) and isinstance(value, Mapping)
        result[key] = join(old or {}, value) if both else value
    return result
