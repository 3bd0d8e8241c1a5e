"""kubelore's own format, version 1.

    snapshot.json                                   what and when, see below
    objects/<group>_<version>_<plural>.json         a List over all namespaces; `core` is the core group
    logs/<namespace>/<pod>/<container>.log          with timestamps
    logs/<namespace>/<pod>/<container>.previous.log
    metrics/pods.json, metrics/nodes.json           metrics.k8s.io lists, when that API answered

snapshot.json: `format_version` (1), `captured_at` (RFC 3339), `context`, `server_version`, `source`, and
optionally

- `namespaces`: the namespaces it was restricted to
- `recorded`: every kind (`plural.group`) that was read in full, or that the server does not serve; a kind
  named here without a file has no object
- `errors`: why a kind (`plural.group`), `metrics` or `logs` could not be read
- `incomplete`: true when recording was cut short
- `namespace`: default namespace of the context
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from kubelore.cluster import kinds
from kubelore.cluster.kinds import Kind
from kubelore.cluster.snapshot import objects
from kubelore.cluster.snapshot.events import core_event
from kubelore.cluster.snapshot.files import Files
from kubelore.cluster.snapshot.model import NEW_EVENTS, LogKey, Snapshot
from kubelore.errors import SnapshotError
from kubelore.types import ClusterInfo, JsonObject

MARKER = "snapshot.json"
FORMAT_VERSION = 1


def roots(paths: tuple[str, ...]) -> set[str]:
    """Folders that hold a recording."""
    return {str(path.parent) for path in map(PurePosixPath, paths) if path.name == MARKER}


def read(files: Files) -> Snapshot:
    """Raises SnapshotError when snapshot.json is missing or not valid; other broken files become problems."""
    about = _about(files)
    errors = {str(k): str(v) for k, v in (about.get("errors") or {}).items()}
    snapshot = Snapshot(
        info=_info(about, files),
        problems=errors,
        recorded=frozenset(map(str, about["recorded"])) if about.get("recorded") is not None else None,
        namespaces=tuple(map(str, about.get("namespaces") or ())),
    )
    for path in files.paths():
        folder, _, name = path.partition("/")
        if folder == "objects" and name.endswith(".json"):
            _read_objects(files, path, name, snapshot)
    _fold_events(snapshot)
    _name_custom_kinds(snapshot)
    _doubt_unlisted(snapshot)
    _read_metrics(files, snapshot)
    snapshot.logs = dict(_logs(files))
    return snapshot


def _about(files: Files) -> JsonObject:
    where = str(files.source / MARKER)
    about = objects.parse(files.read(MARKER), where)
    if not isinstance(about, dict):
        raise SnapshotError(f"{where}: not an object")
    version = about.get("format_version")
    if version != FORMAT_VERSION:
        raise SnapshotError(
            f"{where}: format_version is {version!r}, this kubelore reads {FORMAT_VERSION}",
            hint="read it with the version of kubelore that recorded it",
        )
    for key, kind in {"errors": dict, "recorded": list, "namespaces": list}.items():
        if not isinstance(about.get(key, kind()), kind):
            raise SnapshotError(f"{where}: {key} is not a {kind.__name__}")
    return about


def _info(about: JsonObject, files: Files) -> ClusterInfo:
    now = objects.read_time(about.get("captured_at"))
    if now is None:
        raise SnapshotError(
            f"{files.source / MARKER}: captured_at is {about.get('captured_at')!r}, not an RFC 3339 time"
        )
    return ClusterInfo(
        context=str(about.get("context") or "snapshot"),
        server_version=str(about.get("server_version") or ""),
        source=str(about.get("source") or files.source),
        now=now,
        incomplete=bool(about.get("incomplete")),
        namespace=str(about.get("namespace") or ""),
    )


def _read_objects(files: Files, path: str, name: str, snapshot: Snapshot) -> None:
    parts = name.removesuffix(".json").rsplit("_", 2)
    if len(parts) != 3 or not all(parts):
        snapshot.problems[path] = "the file name is not <group>_<version>_<plural>.json"
        return
    group, version, plural = parts
    group = "" if group == "core" else group
    resource = f"{plural}.{group}" if group else plural
    try:
        document = objects.parse(files.read(path), path)
        items, problem = objects.items_of(document, path)
    except SnapshotError as error:
        snapshot.problems[resource] = str(error)
        return
    kind = _kind(group, version, plural, document, items)
    snapshot.listings[resource] = objects.listing(kind, items, problem or snapshot.problems.get(resource, ""))


def _kind(group: str, version: str, plural: str, document: Any, items: list[JsonObject]) -> Kind:
    known = kinds.find_resource(group, plural)
    if known:
        return Kind(known.kind, group, version, plural, known.namespaced, known.short_names, known.categories)
    name = str(document.get("kind") or "").removesuffix("List") if isinstance(document, dict) else ""
    if not name:
        name = next((str(i["kind"]) for i in items if i.get("kind")), plural)
    return Kind(name, group, version, plural, any(i["metadata"].get("namespace") for i in items))


def _fold_events(snapshot: Snapshot) -> None:
    """Both event APIs show the same objects; a recording may hold either."""
    newer = snapshot.listings.pop(NEW_EVENTS, None)
    core = kinds.find("events")
    if newer and core and "events" not in snapshot.listings:
        folded = objects.listing(core, map(core_event, newer.items), newer.problem)
        snapshot.listings["events"] = folded
        if snapshot.recorded is not None and NEW_EVENTS in snapshot.recorded:
            snapshot.recorded |= {"events"}


def _name_custom_kinds(snapshot: Snapshot) -> None:
    """Take names and scope of custom kinds from their recorded definitions."""
    definitions = snapshot.listings.get("customresourcedefinitions.apiextensions.k8s.io")
    for definition in definitions.items if definitions else ():
        spec = definition.get("spec") or {}
        names = spec.get("names")
        listing = snapshot.listings.get(definition["metadata"]["name"])
        if listing and isinstance(names, dict) and not kinds.find(listing.kind.resource):
            listing.kind = replace(
                listing.kind,
                kind=str(names.get("kind") or listing.kind.kind),
                namespaced=spec.get("scope") == "Namespaced",
                short_names=tuple(map(str, names.get("shortNames") or ())),
                categories=tuple(map(str, names.get("categories") or ())),
            )


def _doubt_unlisted(snapshot: Snapshot) -> None:
    """A file of a kind that the recording does not list as read in full may be cut short."""
    for resource, listing in snapshot.listings.items():
        if snapshot.recorded is not None and resource not in snapshot.recorded:
            listing.problem = listing.problem or "recording of this kind was cut short"


def _logs(files: Files) -> Iterator[tuple[LogKey, Callable[[], bytes]]]:
    for path in files.paths():
        parts = path.split("/")
        if len(parts) == 4 and parts[0] == "logs" and path.endswith(".log"):
            container = parts[3].removesuffix(".log")
            previous = container.endswith(".previous")  # a container's name has no dot
            key = LogKey(parts[1], parts[2], container.removesuffix(".previous"), previous)
            yield key, partial(files.read, path)


def _read_metrics(files: Files, snapshot: Snapshot) -> None:
    for plural in ("pods", "nodes"):
        kind = kinds.find_resource("metrics.k8s.io", plural)
        path = f"metrics/{plural}.json"
        if kind is None or path not in files.paths():
            continue
        try:
            items, problem = objects.items_of(objects.parse(files.read(path), path), path)
        except SnapshotError as error:
            snapshot.problems[kind.resource] = str(error)
        else:
            snapshot.listings[kind.resource] = objects.listing(kind, items, problem)
