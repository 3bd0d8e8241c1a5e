"""Clusters for tests: plain objects in memory, and the recorded incidents.

`MemoryCluster` is an honest `protocols.Cluster`: what is not in it does not exist, a kind named in
`unreadable` was forbidden. Import it as `from support import MemoryCluster`.
"""

from __future__ import annotations

import json
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from kubelore.errors import NotReadable, NotServed
from kubelore.types import ClusterInfo, JsonObject, NotChecked

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SHARED = Path(__file__).resolve().parents[2] / "shared"
INCIDENTS = SHARED / "incidents"

needs_incidents = pytest.mark.skipif(
    not (INCIDENTS / "dev.tar.xz").exists(), reason="the recorded incidents are not on this machine"
)


class MemoryCluster:
    """Objects held in memory.

    `logs` maps (namespace, pod, container) or (namespace, pod, container, "previous") to text;
    `metrics` maps "Pod" and "Node" to metrics.k8s.io items.
    """

    def __init__(
        self,
        objects: Iterable[JsonObject] = (),
        logs: Mapping[tuple[str, ...], str] | None = None,
        metrics: Mapping[str, Sequence[JsonObject]] | None = None,
        now: datetime = NOW,
        unreadable: Iterable[str] = (),
        server_version: str = "v1.34.0",
    ) -> None:
        self._lists: dict[str, list[JsonObject]] = defaultdict(list)
        for obj in objects:
            self._lists[obj["kind"]].append(obj)
        self._logs = dict(logs or {})
        self._metrics = dict(metrics or {})
        self._unreadable = set(unreadable)
        self._asked_in_vain: dict[str, NotChecked] = {}
        self.info = ClusterInfo("memory", server_version, "memory", now)

    def list(self, kind: str) -> Sequence[JsonObject]:
        if kind in self._unreadable:
            self._asked_in_vain[kind] = NotChecked(kind, "forbidden")
            return ()
        return tuple(self._lists.get(kind, ()))

    def readable(self, kind: str) -> bool:
        return kind not in self._unreadable

    def prefetch(self, kinds: Iterable[str]) -> None:
        for kind in kinds:
            self.list(kind)

    def logs(
        self, namespace: str, pod: str, container: str, *, previous: bool = False, tail: int = 1000
    ) -> str:
        key = (namespace, pod, container, "previous") if previous else (namespace, pod, container)
        if key not in self._logs:
            raise NotReadable(f"no log of {'/'.join(key)}")
        return "\n".join(self._logs[key].splitlines()[-tail:])

    def metrics(self, kind: str) -> Sequence[JsonObject]:
        return self._metrics.get(kind, ())

    def not_checked(self) -> tuple[NotChecked, ...]:
        return tuple(self._asked_in_vain.values())

    def raw(self, path: str, *, accept: str = "application/json") -> bytes:
        raise NotServed(f"a cluster in memory does not serve {path} as {accept}")

    def close(self) -> None:
        self._lists.clear()


@lru_cache(maxsize=1)
def _recorded() -> dict[str, dict[PurePosixPath, bytes]]:
    files: dict[str, dict[PurePosixPath, bytes]] = defaultdict(dict)
    with tarfile.open(INCIDENTS / "dev.tar.xz") as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if stream is not None:
                path = PurePosixPath(member.name)
                files[path.parts[0]][path.relative_to(path.parts[0])] = stream.read()
    return files


def incident_ids() -> list[str]:
    return sorted(label["id"] for label in incident_labels().values())


@lru_cache(maxsize=1)
def incident_labels() -> dict[str, Any]:
    """The truth by incident id; empty where the incidents are absent."""
    path = INCIDENTS / "labels-dev.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return {label["id"]: label for label in map(json.loads, lines)}


def incident(name: str) -> MemoryCluster:
    """One recorded incident (format of DESIGN.md) as a cluster in memory."""
    files = _recorded()[name]
    objects: list[JsonObject] = []
    logs: dict[tuple[str, ...], str] = {}
    for path, content in files.items():
        if path.parts[0] == "objects":
            listing = json.loads(content)
            kind = listing["kind"].removesuffix("List")
            for item in listing["items"]:
                objects.append({"kind": kind, "apiVersion": listing["apiVersion"], **item})
        elif path.parts[0] == "logs":
            *where, file = path.parts[1:]
            stem = file.removesuffix(".log")
            key = (*where, stem.removesuffix(".previous"))
            logs[(*key, "previous") if stem.endswith(".previous") else key] = content.decode()
    metrics = {
        kind: json.loads(files[path])["items"]
        for kind, path in (
            ("Pod", PurePosixPath("metrics/pods.json")),
            ("Node", PurePosixPath("metrics/nodes.json")),
        )
        if path in files
    }
    captured = json.loads(files[PurePosixPath("snapshot.json")])["captured_at"]
    return MemoryCluster(objects, logs, metrics, datetime.fromisoformat(captured.replace("Z", "+00:00")))


def merged(base: JsonObject, changes: Mapping[str, Any]) -> JsonObject:
    """A copy of `base` with `changes` merged into it, maps key by key."""
    result = deepcopy(base)
    for key, value in changes.items():
        old = result.get(key)
        result[key] = (
            merged(old, value) if isinstance(old, dict) and isinstance(value, Mapping) else deepcopy(value)
        )
    return result
