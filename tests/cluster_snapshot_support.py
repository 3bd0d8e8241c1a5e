"""A recording of one object of nearly every kind, written in kubelore's format for each test."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kubelore.cluster import kinds

CAPTURED_AT = "2026-03-01T12:00:00Z"
CLUSTER = Path(__file__).parent / "data" / "cluster.yaml"

LOGS = {
    "web/api-7c9d-good/main.log": "".join(
        f"2026-03-01T11:{minute:02}:00.000000000Z line {minute}\n" for minute in range(60)
    ),
    "web/api-7c9d-good/proxy.log": "2026-03-01T11:00:00.000000000Z proxying\n",
    "web/api-7c9d-bad/main.log": "2026-03-01T11:57:01.000000000Z loading\n",
    "web/api-7c9d-bad/main.previous.log": "2026-03-01T11:50:01.000000000Z loading before\n",
    "web/api-7c9d-bad/proxy.log": "2026-03-01T11:00:00.000000000Z proxying\n",
}

Objects = Iterable[dict[str, Any]]


def cluster_objects() -> list[dict[str, Any]]:
    return deepcopy(_documents())


@cache
def _documents() -> list[dict[str, Any]]:
    documents = yaml.safe_load_all(CLUSTER.read_text())
    return [{"apiVersion": "v1", **document} for document in documents if document]


def write_recording(
    folder: Path, objects: Objects | None = None, about: Mapping[str, Any] | None = None
) -> Path:
    """A recording of these objects (of `cluster.yaml` when None). `about` adds to snapshot.json."""
    files: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for obj in cluster_objects() if objects is None else objects:
        kind, api_version = str(obj["kind"]), str(obj["apiVersion"])
        item = {k: v for k, v in obj.items() if k not in {"kind", "apiVersion"}}
        files[_file(kind, api_version), kind, api_version].append(item)
    for (path, kind, api_version), items in files.items():
        listed = {"kind": f"{kind}List", "apiVersion": api_version, "metadata": {}, "items": items}
        write(folder / path, json.dumps(listed))
    if objects is None:
        for path, text in LOGS.items():
            write(folder / "logs" / path, text)
    head = {
        "format_version": 1,
        "captured_at": CAPTURED_AT,
        "context": "test",
        "server_version": "v1.34.1",
        "source": "written by a test",
    }
    write(folder / "snapshot.json", json.dumps({**head, **(about or {})}))
    return folder


def _file(kind: str, api_version: str) -> str:
    group, _, version = api_version.rpartition("/")
    known = kinds.find(f"{kind}.{group}" if group else kind)
    plural = known.plural if known else f"{kind.lower()}s"
    if group == "metrics.k8s.io":
        return f"metrics/{plural}.json"
    return f"objects/{group or 'core'}_{version}_{plural}.json"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def named(items: Iterable[Mapping[str, Any]]) -> list[str]:
    return [str(item["metadata"]["name"]) for item in items]
