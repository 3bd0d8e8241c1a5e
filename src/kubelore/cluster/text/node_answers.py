"""Answers about nodes: their services as systemd tells, their configuration, what is reserved on them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kubelore.cluster.text.answers import parsed
from kubelore.cluster.text.cells import known, new, number
from kubelore.cluster.text.describe_cluster import read_taints
from kubelore.cluster.text.outline import read_table
from kubelore.types import JsonObject

_FIELD = re.compile(r"\s*(Service|Node|Loaded|Active|Main PID):\s*(.*)")
_UNIT = re.compile(r"(?:Status:\s*)?\S?\s*([\w@.\-]+)\.service\b")
_ACTIVE = re.compile(
    r"(?P<state>[\w-]+)(?: \((?P<sub>[^)]*)\))?(?: since (?P<since>[^;]*))?(?:; (?P<ago>.*) ago)?"
)
_PART = re.compile(r"(\d+)\s*(years?|y|months?|month|weeks?|w|days?|d|h|min|s|ms)\b")
_SECONDS = {"y": 31557600, "mo": 2629800, "w": 604800, "d": 86400, "h": 3600, "min": 60, "s": 1, "ms": 0}
_LOG = re.compile(r"[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d \S+ \S+: ")
_ABSENT = re.compile(r"Unit (\S+?)(?:\.service)? could not be found|not-found", re.IGNORECASE)
_AMOUNT = re.compile(r"(\S+) \(\d+%\)")


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One unit on one node. `active` is systemd's word: active, inactive, failed, activating, ...;
    `not-found` where there is no such unit; "" where the answer does not say."""

    service: str = ""
    node: str = ""
    active: str = ""
    sub: str = ""
    """running, dead, auto-restart, ..."""
    since: str = ""
    ago: timedelta | None = None
    enabled: bool | None = None
    main_pid: int | None = None
    ended: str = ""
    """How its process ended: `code=exited, status=0/SUCCESS`."""
    log: tuple[str, ...] = ()


def read_service_status(text: str) -> ServiceStatus:
    """`systemctl status`, with or without lines that name service and node."""
    fields: dict[str, str] = {}
    log = []
    for line in text.splitlines():
        match = _FIELD.match(line)
        if _LOG.match(line):
            log.append(line)
        elif match:
            fields.setdefault(match[1], match[2].strip())
    unit, absent = _UNIT.search(text), _ABSENT.search(text)
    active = _ACTIVE.match(fields.get("Active", ""))
    pid, _, ended = fields.get("Main PID", "").partition(" ")
    loaded = fields.get("Loaded", "").split("; ")
    return ServiceStatus(
        service=fields.get("Service") or (unit[1] if unit else ""),
        node=fields.get("Node", ""),
        active=active["state"] if active else "not-found" if absent else "",
        sub=(active["sub"] or "") if active else "",
        since=(active["since"] or "").strip() if active else "",
        ago=_elapsed(active["ago"]) if active and active["ago"] else None,
        enabled={"enabled": True, "disabled": False}.get(loaded[1].rstrip(")")) if len(loaded) > 1 else None,
        main_pid=number(pid),
        ended=ended.strip("()") if "code=" in ended else "",
        log=tuple(log),
    )


def _elapsed(text: str) -> timedelta | None:
    """`1 week 2 days`, `1min 39s`."""
    parts = _PART.findall(text)
    if not parts:
        return None
    return timedelta(seconds=sum(int(amount) * _SECONDS[_unit(unit)] for amount, unit in parts))


def _unit(word: str) -> str:
    if word.startswith("month"):
        return "mo"
    return word if word in _SECONDS else word[0]


def read_configuration(answer: Any) -> list[JsonObject]:
    """`{nodes: [{name, status, conditions, taints, labels, allocatable_resources}]}` as Node objects."""
    found = parsed(answer)
    nodes = found.get("nodes") if isinstance(found, dict) else None
    return [_node(item) for item in nodes if isinstance(item, dict) and item.get("name")] if nodes else []


def _node(item: dict[str, Any]) -> JsonObject:
    taints = read_taints(str(t) for t in item.get("taints") or ())
    cordoned = any(t.get("key") == "node.kubernetes.io/unschedulable" for t in taints)
    # NotReady stands for False and for Unknown alike.
    ready = {"Ready": "True", "NotReady": "Unknown", "Unknown": "Unknown"}.get(str(item.get("status")))
    conditions = {"Ready": ready} if ready else {}
    conditions |= _texts(item.get("conditions"))
    allocatable = _texts(item.get("allocatable_resources"))
    status = known(
        conditions=[{"type": kind, "status": state} for kind, state in conditions.items()] or None,
        allocatable=allocatable,
    )
    labels = {"labels": _texts(item["labels"])} if isinstance(item.get("labels"), dict) else None
    spec: JsonObject = {"taints": taints} | ({"unschedulable": True} if cordoned else {})
    return new("Node", "", str(item["name"]), metadata=labels, spec=spec, status=status)


def _texts(values: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in values.items()} if isinstance(values, dict) else {}


_SHOWN = (("cpu", "CPU"), ("memory", "Memory"))


@dataclass(frozen=True, slots=True)
class PodUse:
    """What one pod on a node reserves, as quantities."""

    namespace: str
    name: str
    requests: dict[str, str]
    limits: dict[str, str]


@dataclass(frozen=True, slots=True)
class NodeUse:
    """What is reserved on a node, over all namespaces."""

    requests: dict[str, str]
    limits: dict[str, str]
    pods: tuple[PodUse, ...] = ()


def read_node_use(text: str) -> NodeUse:
    """`Non-terminated Pods` and `Allocated resources` of a described node."""
    pods = tuple(
        PodUse(
            row["Namespace"],
            row["Name"],
            {resource: _amount(row.get(f"{title} Requests", "")) for resource, title in _SHOWN},
            {resource: _amount(row.get(f"{title} Limits", "")) for resource, title in _SHOWN},
        )
        for row in read_table(_section(text, "Non-terminated Pods:"))
        if "Namespace" in row and "Name" in row
    )
    lines = _section(text, "Allocated resources:")
    start = next(
        (i for i, line in enumerate(lines) if line.split()[:2] == ["Resource", "Requests"]), len(lines)
    )
    rows = [row for row in read_table(lines[start:]) if row.get("Resource")]
    return NodeUse(
        {row["Resource"]: _amount(row.get("Requests", "")) for row in rows},
        {row["Resource"]: _amount(row.get("Limits", "")) for row in rows},
        pods,
    )


def _section(text: str, title: str) -> list[str]:
    """The indented lines below a title."""
    lines = text.splitlines()
    start = next((i + 1 for i, line in enumerate(lines) if line.startswith(title)), len(lines))
    end = next((i for i in range(start, len(lines)) if lines[i][:1] not in ("", " ")), len(lines))
    return lines[start:end]


def _amount(cell: str) -> str:
    match = _AMOUNT.fullmatch(cell.strip())
    return match[1] if match else cell.strip()
