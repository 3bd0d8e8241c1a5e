"""What the API says it serves: versions, groups and resources, in the old and the aggregated form."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kubelore.cluster.app.status import no_such_path
from kubelore.cluster.kinds import Kind
from kubelore.cluster.snapshot.model import Snapshot
from kubelore.types import JsonObject

VERBS = ["get", "list", "watch"]


AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def document(path: str, snapshot: Snapshot, served: Iterable[Kind]) -> JsonObject | None:
    """The discovery document at a path; None when the path is about objects."""
    parts = path.split("/")
    match parts:
        case ["version"]:
            return _version(snapshot.info.server_version)
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            groups = [_group(g, kinds) for g, kinds in _by_group(served).items() if g]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["apis", group]:
            kinds = _by_group(served).get(group)
            if not kinds:
                raise no_such_path()
            return {"apiVersion": "v1", **_group(group, kinds), "kind": "APIGroup"}
        case ["api", version]:
            return _resources("", version, served)
        case ["apis", group, version]:
            return _resources(group, version, served)
    return None


def _by_group(served: Iterable[Kind]) -> dict[str, list[Kind]]:
    groups: dict[str, list[Kind]] = {}
    for kind in served:
        groups.setdefault(kind.group, []).append(kind)
    return groups


def _group(group: str, kinds: list[Kind]) -> JsonObject:
    versions = [
        {"groupVersion": f"{group}/{version}", "version": version}
        for version in dict.fromkeys(kind.version for kind in kinds)
    ]
    return {"name": group, "versions": versions, "preferredVersion": versions[0]}


def _resources(group: str, version: str, served: Iterable[Kind]) -> JsonObject:
    kinds = [k for k in served if (k.group, k.version) == (group, version)]
    if not kinds:
        raise no_such_path()
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": kinds[0].api_version,
        "resources": [_resource(kind) for kind in kinds],
    }


def _resource(kind: Kind) -> JsonObject:
    return {
        "name": kind.plural,
        "singularName": kind.kind.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": VERBS,
        "shortNames": list(kind.short_names),
        "categories": list(kind.categories),
    }


def aggregated(path: str, served: Iterable[Kind]) -> JsonObject:
    """All groups of /api or /apis at once, with their resources."""
    wanted = {g: kinds for g, kinds in _by_group(served).items() if bool(g) is (path == "apis")}
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [
            {"metadata": {"name": group} if group else {}, "versions": _aggregated_versions(kinds)}
            for group, kinds in wanted.items()
        ],
    }


def _aggregated_versions(kinds: list[Kind]) -> list[JsonObject]:
    return [
        {
            "version": version,
            "freshness": "Current",
            "resources": [_aggregated_resource(kind) for kind in kinds if kind.version == version],
        }
        for version in dict.fromkeys(kind.version for kind in kinds)
    ]


def _aggregated_resource(kind: Kind) -> JsonObject:
    return {
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.kind.lower(),
        "verbs": VERBS,
        "shortNames": list(kind.short_names),
        "categories": list(kind.categories),
    }


def _version(text: str) -> JsonObject:
    numbers = re.match(r"v?(\d+)\.(\d+)", text)
    major, minor = numbers.groups() if numbers else ("", "")
    return {"major": major, "minor": minor, "gitVersion": text or "v0.0.0-recorded"}
