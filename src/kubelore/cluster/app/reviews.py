"""Access reviews: what may be done here. They are POSTs, but store nothing; tools such as k9s ask first.

Only JSON bodies are understood: `kubectl auth can-i` sends protobuf and is told so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from kubelore.cluster.app.discovery import VERBS
from kubelore.cluster.app.status import ApiError, bad_request, no_such_path
from kubelore.cluster.kinds import Kind
from kubelore.cluster.snapshot.model import Snapshot, State
from kubelore.types import JsonObject

ROOT = "apis/authorization.k8s.io/v1/"


def review(path: str, body: bytes, snapshot: Snapshot, served: Iterable[Kind]) -> JsonObject:
    """The review with its status. Raises a 404 for other paths."""
    try:
        asked = json.loads(body)
    except ValueError as error:
        raise ApiError(415, "UnsupportedMediaType", "a recording answers reviews in JSON only") from error
    if not isinstance(asked, dict):
        raise bad_request("the body is not an object")
    match path.removeprefix(ROOT):
        case "selfsubjectaccessreviews":
            return {**asked, "status": _access(_dict(asked.get("spec")), snapshot, served)}
        case "selfsubjectrulesreviews":
            return {**asked, "status": _rules(served)}
    raise no_such_path()


def _access(spec: JsonObject, snapshot: Snapshot, served: Iterable[Kind]) -> JsonObject:
    about = _dict(spec.get("resourceAttributes") or spec.get("nonResourceAttributes"))
    if about.get("verb") not in VERBS:
        return {"allowed": False, "reason": "a recording can only be read"}
    if "resourceAttributes" not in spec:
        return {"allowed": True}
    group, plural = about.get("group") or "", about.get("resource")
    for kind in served:
        if plural == "*" or (kind.group, kind.plural) == (group, plural):
            state, why = snapshot.state(kind)
            return {"allowed": state is not State.UNREADABLE, "reason": why}
    return {"allowed": False, "reason": "no such resource in this recording"}


def _rules(served: Iterable[Kind]) -> JsonObject:
    groups: dict[str, list[str]] = {}
    for kind in served:
        groups.setdefault(kind.group, []).append(kind.plural)
    return {
        "resourceRules": [
            {"verbs": VERBS, "apiGroups": [group], "resources": plurals} for group, plurals in groups.items()
        ],
        "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/api", "/apis", "/version"]}],
        "incomplete": False,
    }


def _dict(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}
