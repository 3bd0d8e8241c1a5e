"""A Troubleshoot support bundle (troubleshoot.sh).

    cluster-resources/<kind>/<namespace>.json       a List, in early versions a bare array
    cluster-resources/<kind>.json                   cluster-scoped kinds
    cluster-resources/<kind>-errors.json            why some of them could not be read
    cluster-resources/custom-resources/<plural>.<group>/<namespace>.json
    cluster-resources/pods/logs/<namespace>/<pod>/<container>.log and <container>-previous.log
    <collector>/<pod>/<container>.log               of log collectors
    cluster-info/cluster_version.json

Its decoded image pull secrets are not read. It holds no Secrets and no metrics.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from kubelore.cluster.snapshot.collect import Collector, kind_called, recorded_at, stem
from kubelore.cluster.snapshot.files import Files
from kubelore.cluster.snapshot.model import Listing, LogKey, Snapshot
from kubelore.types import ClusterInfo

RESOURCES = "cluster-resources"
VERSION = "cluster-info/cluster_version.json"
SKIPPED = frozenset({"auth-cani-list", "image-pull-secrets"})
ERRORS = "-errors.json"


def roots(paths: tuple[str, ...]) -> set[str]:
    """Folders that hold a bundle."""
    found = set()
    for path in map(PurePosixPath, paths):
        if RESOURCES in path.parts[:-1]:
            found.add(str(PurePosixPath(*path.parts[: path.parts.index(RESOURCES)])))
    return found


def read(files: Files) -> Snapshot:
    """Never fails on a broken file: its kind becomes partial."""
    collector = Collector(files)
    namespaces = set()
    for path in files.paths():
        match path.split("/"):
            case [folder, name] if folder == RESOURCES and name.endswith(ERRORS):
                _read_errors(files, path, collector)
            case [folder, name] if folder == RESOURCES and (kind := kind_called(stem(name))):
                collector.add(kind, path)
            case [folder, "custom-resources", name] if folder == RESOURCES and stem(name):
                collector.add_custom(stem(name), path)
            case [folder, "custom-resources", resource, name] if folder == RESOURCES and stem(name):
                collector.add_custom(resource, path)
            case [folder, name, file] if folder == RESOURCES and stem(file) and name not in SKIPPED:
                kind = kind_called(name)
                if kind:
                    collector.add(kind, path)
                    namespaces.add(stem(file))
    listings = collector.listings()
    return Snapshot(
        info=ClusterInfo(
            context=files.source.name,
            server_version=_version(files),
            source="Troubleshoot support bundle",
            now=recorded_at(listings, files.source),
        ),
        listings=listings,
        problems=collector.problems(),
        recorded=frozenset(listings),
        namespaces=tuple(sorted(namespaces)),
        logs=dict(_logs(files, listings.get("pods"))),
    )


def _read_errors(files: Files, path: str, collector: Collector) -> None:
    name = path.rpartition("/")[2].removesuffix(ERRORS)
    kind = kind_called(name)
    errors = _json(files, path)
    if isinstance(errors, dict):
        errors = [f"{where}: {why}" for where, why in errors.items()]
    for error in errors if kind and isinstance(errors, list) else ():
        assert kind is not None
        collector.doubt(kind, str(error))


def _version(files: Files) -> str:
    document = _json(files, VERSION) if VERSION in files.paths() else None
    if not isinstance(document, dict):
        return ""
    info = document.get("info")
    found = info.get("gitVersion") if isinstance(info, dict) else document.get("string")
    return str(found or "")


def _json(files: Files, path: str) -> Any:
    try:
        return json.loads(files.read(path))
    except ValueError:
        return None


def _logs(files: Files, pods: Listing | None) -> Iterator[tuple[LogKey, Callable[[], bytes]]]:
    """Logs of collectors first, so that those of the pods' own folder win."""
    containers = {}
    namespaces: dict[str, set[str]] = {}
    for pod in pods.items if pods else ():
        namespace, name = pod["metadata"].get("namespace") or "", pod["metadata"]["name"]
        spec = pod.get("spec") or {}
        names = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
        containers[namespace, name] = {str(c.get("name")) for c in names}
        namespaces.setdefault(name, set()).add(namespace)
    for path in sorted(files.paths(), key=lambda p: p.startswith(f"{RESOURCES}/")):
        parts = path.split("/")
        if not path.endswith(".log") or len(parts) < 3:
            continue
        name = parts[-2]
        own = parts[:3] == [RESOURCES, "pods", "logs"] and len(parts) == 6
        homes = {parts[3]} if own else namespaces.get(name, set())
        for namespace in homes if len(homes) == 1 else ():
            key = _key(
                namespace, name, parts[-1].removesuffix(".log"), containers.get((namespace, name), set())
            )
            if key:
                yield key, partial(files.read, path)


def _key(namespace: str, pod: str, file: str, containers: set[str]) -> LogKey | None:
    if file in containers:
        return LogKey(namespace, pod, file)
    before = file.removesuffix("-previous")
    return LogKey(namespace, pod, before, previous=True) if before in containers else None
