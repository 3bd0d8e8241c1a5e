"""Label and field selectors, with the API's syntax and its complaints."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from kubelore.cluster.app.status import bad_request
from kubelore.cluster.kinds import Kind
from kubelore.types import JsonObject

Predicate = Callable[[JsonObject], bool]

_KEY = r"(?P<key>[A-Za-z0-9](?:[A-Za-z0-9_./-]*[A-Za-z0-9])?)"
_VALUE = r"[A-Za-z0-9_.-]*"
_REQUIREMENT = re.compile(
    rf"\s*(?:"
    rf"(?P<absent>!)\s*{_KEY}"
    rf"|{_KEY.replace('key', 'key2')}\s*(?:"
    rf"(?P<set>\bin\b|\bnotin\b)\s*\((?P<values>[^()]*)\)"
    rf"|(?P<op>==|=|!=|>|<)\s*(?P<value>{_VALUE})"
    rf")?)\s*(?:,|$)"
)


def by_labels(selector: str) -> Predicate:
    """Objects whose labels meet every requirement. Raises a 400 where the syntax is wrong."""
    tests = []
    position = 0
    while position < len(selector):
        match = _REQUIREMENT.match(selector, position)
        if not match or match.end() == position:
            raise bad_request(f"unable to parse requirement: {selector[position:]!r}")
        tests.append(_requirement(match))
        position = match.end()
    return lambda obj: (
        (labels := obj["metadata"].get("labels") or {}) is not None and all(test(labels) for test in tests)
    )


def _requirement(match: re.Match[str]) -> Callable[[Mapping[str, str]], bool]:
    if match["absent"]:
        key = match["key"]
        return lambda labels: key not in labels
    key, operator, value = match["key2"], match["op"], match["value"]
    if match["set"]:
        values = {v.strip() for v in match["values"].split(",")}
        if match["set"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    match operator:
        case None:
            return lambda labels: key in labels
        case "=" | "==":
            return lambda labels: labels.get(key) == value
        case "!=":
            return lambda labels: labels.get(key) != value
    if not value.lstrip("-").isdecimal():
        raise bad_request(f"for '>' and '<' operators, the value must be an integer: {value!r}")
    limit = int(value)
    return lambda labels: _compares(labels.get(key), operator, limit)


def _compares(text: str | None, operator: str, limit: int) -> bool:
    if text is None or not text.lstrip("-").isdecimal():
        return False
    return int(text) > limit if operator == ">" else int(text) < limit


_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
FIELDS: Mapping[str, frozenset[str]] = {
    "pods": frozenset(
        {
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        }
    ),
    "events": frozenset({"reason", "reportingComponent", "source", "type"}).union(
        f"involvedObject.{field}" for field in _INVOLVED
    ),
    "nodes": frozenset({"spec.unschedulable"}),
    "namespaces": frozenset({"status.phase"}),
    "secrets": frozenset({"type"}),
    "replicationcontrollers": frozenset({"status.replicas"}),
    "replicasets.apps": frozenset({"status.replicas"}),
    "jobs.batch": frozenset({"status.successful"}),
    "certificatesigningrequests.certificates.k8s.io": frozenset({"spec.signerName"}),
}
"""The fields the API can select by, beside metadata.name and metadata.namespace."""

_FIELD = re.compile(r"(?P<field>[A-Za-z.]+)\s*(?P<op>==|=|!=)(?P<value>(?:\\.|[^,\\])*)$")


def by_fields(selector: str, kind: Kind) -> Predicate:
    """Objects whose fields equal, or do not equal, every given value. Raises a 400 for other fields."""
    tests: list[tuple[str, bool, str]] = []
    for part in re.split(r"(?<!\\),", selector):
        if not part.strip():
            continue
        match = _FIELD.match(part.strip())
        if not match:
            raise bad_request(f"invalid field selector: {part!r}")
        field = match["field"]
        allowed = FIELDS.get(kind.resource, frozenset())
        if field not in {"metadata.name", "metadata.namespace"} and field not in allowed:
            raise bad_request(
                f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
            )
        value = re.sub(r"\\(.)", r"\1", match["value"])
        tests.append((field, match["op"] != "!=", value))
    return lambda obj: all((_value(obj, field) == value) is wanted for field, wanted, value in tests)


def _value(obj: JsonObject, field: str) -> str:
    if field == "source":
        return str((obj.get("source") or {}).get("component") or obj.get("reportingComponent") or "")
    value: Any = obj
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None and field in {"spec.unschedulable", "spec.hostNetwork"}:
        return "false"
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
