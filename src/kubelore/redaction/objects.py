"""Takes secrets out of Kubernetes objects (parsed JSON) without changing their shape."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kubelore.redaction.keys import is_secret, secret_kind
from kubelore.redaction.redact import redact

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MAX_DEPTH = 100
"""Deeper than any API object; what lies below is replaced as a whole."""

_FLAG = re.compile(r"--?[A-Za-z][\w.-]*")


def redact_object(obj: Any) -> Any:
    """A deep copy without secrets. Values of Secrets and binary data become "" (their keys stay);
    environment variables, settings and arguments whose name says so become `[redacted:KIND]`; all other
    text goes through `redact`. Anything that is not JSON comes back as it is."""
    return _walk(obj, 0)


def _walk(node: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        return "[redacted:too-deep]"
    if isinstance(node, str):
        return redact(node)
    if isinstance(node, Mapping):
        return _walk_mapping(node, depth)
    if isinstance(node, list | tuple):
        return list(_walk_list(node, depth))
    return node


def _walk_mapping(node: Mapping[Any, Any], depth: int) -> dict[Any, Any]:
    kind = node.get("kind")
    if kind == "SecretList" and isinstance(node.get("items"), list):
        node = {**node, "items": [_as_secret(item) for item in node["items"]]}
    elif kind == "Secret" and not _is_reference(node):
        node = _without_values(node, "data", "stringData")
    elif isinstance(node.get("binaryData"), Mapping):  # of a ConfigMap: key stores and the like
        node = _without_values(node, "binaryData")
    name = node.get("name")
    copy: dict[Any, Any] = {}
    for key, value in node.items():
        if key == LAST_APPLIED and isinstance(value, str):
            copy[key] = _last_applied(value, depth)
        elif isinstance(value, str):
            # {name: DB_PASSWORD, value: ...} is an environment variable; else the key is the name.
            named = name if key == "value" and isinstance(name, str) else str(key)
            copy[key] = _setting(named, value)
        else:
            copy[key] = _walk(value, depth + 1)
    return copy


def _setting(name: str, value: str) -> str:
    kind = is_secret(name, value)
    return f"[redacted:{kind}]" if kind else redact(value)


def _is_reference(node: Mapping[Any, Any]) -> bool:
    """`{kind: Secret, name: x}` points at a Secret and holds nothing."""
    return "metadata" not in node and "data" not in node and "stringData" not in node


def _as_secret(item: Any) -> Any:
    return _without_values(item, "data", "stringData") if isinstance(item, Mapping) else item


def _without_values(obj: Mapping[Any, Any], *parts: str) -> dict[Any, Any]:
    blank = dict(obj)
    for part in parts:
        if isinstance(values := obj.get(part), Mapping):
            blank[part] = dict.fromkeys(values, "")
        elif part in obj and obj[part] is not None:
            blank[part] = {}
    return blank


def _last_applied(text: str, depth: int) -> str:
    try:
        return json.dumps(_walk(json.loads(text), depth + 1), separators=(",", ":"), ensure_ascii=False)
    except (ValueError, RecursionError):
        return "[redacted:last-applied-configuration]"


def _walk_list(items: list[Any] | tuple[Any, ...], depth: int) -> Iterator[Any]:
    flag = ""
    for item in items:
        if flag and isinstance(item, str) and not item.startswith("-"):
            yield _setting(flag, item)
        else:
            yield _walk(item, depth + 1)
        flag = item if isinstance(item, str) and _FLAG.fullmatch(item) and secret_kind(item) else ""
