"""Container logs: which file, and the part of it that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from kubelore.cluster import kinds
from kubelore.cluster.app import lists
from kubelore.cluster.app.status import ApiError, bad_request
from kubelore.cluster.snapshot.model import LogKey, Snapshot
from kubelore.cluster.snapshot.objects import read_time
from kubelore.errors import SnapshotError
from kubelore.types import JsonObject


def read(snapshot: Snapshot, namespace: str, pod: str, query: Mapping[str, str]) -> bytes:
    """Raises a 400 when the container never ran or is not named, a 404 when its log was not recorded."""
    kind = kinds.find("pods")
    assert kind is not None
    obj = lists.object_page(snapshot, kind, namespace, pod).items[0]
    container = query.get("container") or _only_container(obj)
    previous = query.get("previous") == "true"
    _check_ran(obj, container, previous)
    key = LogKey(namespace, pod, container, previous)
    if key not in snapshot.logs:
        which = "previous log" if previous else "log"
        raise ApiError(
            404, "NotFound", f"the {which} of container {container} in pod {namespace}/{pod} was not recorded"
        )
    try:
        content = snapshot.logs[key]()
    except SnapshotError as error:
        raise ApiError(500, "InternalError", str(error)) from error
    return _cut(content, query, snapshot.info.now)


def _names(pod: JsonObject) -> list[str]:
    spec = pod.get("spec") or {}
    groups = ("containers", "initContainers", "ephemeralContainers")
    return [c.get("name", "") for group in groups for c in spec.get(group) or ()]


def _only_container(pod: JsonObject) -> str:
    containers = [c.get("name", "") for c in (pod.get("spec") or {}).get("containers") or ()]
    if len(containers) == 1:
        return str(containers[0])
    raise bad_request(
        f"a container name must be specified for pod {pod['metadata']['name']}, "
        f"choose one of: [{' '.join(_names(pod))}]"
    )


def _check_ran(pod: JsonObject, container: str, previous: bool) -> None:
    name = pod["metadata"]["name"]
    if container not in _names(pod):
        raise bad_request(f"container {container} is not valid for pod {name}")
    status = pod.get("status") or {}
    groups = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    found = [s for group in groups for s in status.get(group) or () if s.get("name") == container]
    state = (found[0].get("state") or {}) if found else {}
    last = (found[0].get("lastState") or {}) if found else {}
    if previous:
        if "terminated" not in last:
            raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
        return
    if "running" in state or "terminated" in state or "terminated" in last:
        return
    reason = (state.get("waiting") or {}).get("reason") or "ContainerCreating"
    raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: {reason}')


def _cut(content: bytes, query: Mapping[str, str], now: datetime) -> bytes:
    lines = content.splitlines(keepends=True)
    since = _since(query, now)
    if since:
        lines = [line for line in lines if _time(line) is None or (_time(line) or since) >= since]
    tail = _number(query, "tailLines")
    if tail is not None:
        lines = lines[len(lines) - tail :] if tail < len(lines) else lines
    if query.get("timestamps") != "true":
        lines = [line.split(b" ", 1)[-1] if _time(line) else line for line in lines]
    limit = _number(query, "limitBytes")
    text = b"".join(lines)
    return text if limit is None else text[:limit]


def _since(query: Mapping[str, str], now: datetime) -> datetime | None:
    seconds = _number(query, "sinceSeconds")
    if seconds is not None:
        return now - timedelta(seconds=seconds)
    return read_time(query["sinceTime"]) if query.get("sinceTime") else None


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if not text:
        return None
    if not text.isdecimal():
        raise bad_request(f"invalid {name}: {text!r}")
    return int(text)


def _time(line: bytes) -> datetime | None:
    first = line.split(b" ", 1)[0]
    return read_time(first.decode(errors="replace").strip()) if b"T" in first else None
