"""`kubectl cluster-info dump --output-directory DIR`, as JSON or YAML.

    nodes.json
    <namespace>/{pods,events,services,deployments,replicasets,daemonsets,replication-controllers}.json
    <namespace>/<pod>/logs.txt      all containers, between START and END lines

It holds the namespaces it was asked for (`default` and kube-system unless told) and no other kinds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath

from kubelore.cluster.kinds import Kind
from kubelore.cluster.snapshot.collect import Collector, kind_called, recorded_at, stem
from kubelore.cluster.snapshot.files import Files
from kubelore.cluster.snapshot.model import Listing, LogKey, Snapshot
from kubelore.types import ClusterInfo

LOGS = "logs.txt"
ALWAYS = ("pods", "events", "services", "deployments", "replicasets", "daemonsets", "replication-controllers")
_MARK = re.compile(
    rb"^==== (?P<mark>START|END) logs for container (?P<container>\S+) of pod (?P<pod>\S+) ====\r?\n?$"
)


def roots(paths: tuple[str, ...]) -> set[str]:
    """Folders that hold a dump: those with a namespace folder that has pods and events."""
    by_folder: dict[PurePosixPath, set[str]] = {}
    for path in map(PurePosixPath, paths):
        by_folder.setdefault(path.parent, set()).add(stem(path.name))
    return {
        str(folder.parent)
        for folder, names in by_folder.items()
        if folder != folder.parent and {"pods", "events", "services"} <= names
    }


def read(files: Files) -> Snapshot:
    """Never fails on a broken file: its kind becomes partial."""
    collector = Collector(files)
    seen: dict[str, set[Kind]] = {}
    for path in files.paths():
        parts = path.split("/")
        kind = kind_called(stem(parts[-1])) if len(parts) <= 2 and stem(parts[-1]) else None
        if kind is None:
            continue
        collector.add(kind, path)
        if len(parts) == 2:
            seen.setdefault(parts[0], set()).add(kind)
    for name in ALWAYS:
        kind = kind_called(name)
        for namespace in [n for n, found in seen.items() if kind and kind not in found]:
            assert kind is not None
            collector.doubt(kind, f"no file {namespace}/{name}")
    listings = collector.listings()
    return Snapshot(
        info=ClusterInfo(
            context=files.source.name,
            server_version="",
            source="kubectl cluster-info dump",
            now=recorded_at(listings, files.source),
        ),
        listings=listings,
        problems=collector.problems(),
        recorded=frozenset(listings),
        namespaces=tuple(sorted(seen)),
        logs=dict(_logs(files, listings.get("pods"))),
    )


def _logs(files: Files, pods: Listing | None) -> Iterator[tuple[LogKey, Callable[[], bytes]]]:
    known = set(files.paths())
    for pod in pods.items if pods else ():
        namespace, name = pod["metadata"].get("namespace") or "", pod["metadata"]["name"]
        path = f"{namespace}/{name}/{LOGS}"
        if path not in known:
            continue
        spec = pod.get("spec") or {}
        for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
            container_name = str(container.get("name"))
            yield LogKey(namespace, name, container_name), partial(_section, files, path, container_name)


def _section(files: Files, path: str, container: str) -> bytes:
    """The part of logs.txt that is this container's; all of it where nothing marks parts."""
    lines = files.read(path).splitlines(keepends=True)
    inside, marked = False, False
    found = []
    for line in lines:
        match = _MARK.match(line)
        if match:
            marked = True
            inside = match["mark"] == b"START" and match["container"].decode() == container
        elif inside:
            found.append(line)
    return b"".join(found if marked else lines)
