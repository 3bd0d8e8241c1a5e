"""What kind of program an image runs, as far as its name tells (`programs.yaml`)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from kubelore.packaged import packaged_yaml
from kubelore.types import JsonObject

WORD = re.compile(r"[a-z0-9]+")


@cache
def _programs() -> dict[str, Any]:
    programs: dict[str, Any] = packaged_yaml("kubelore.analysis", "programs.yaml")
    return programs


def image_words(image: str) -> set[str]:
    """`ghcr.io/acme/postgres-ha:15@sha256:...` -> {postgres, ha}."""
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return set(WORD.findall(name.lower()))


def runs_database(spec: JsonObject) -> bool:
    """Whether a container of a pod spec runs a database or store."""
    return _runs(spec, "databases")


def runs_proxy(spec: JsonObject) -> bool:
    """Whether the first container runs a reverse proxy or gateway; a proxy as sidecar does not count."""
    return _runs({"containers": (spec.get("containers") or ())[:1]}, "proxies")


def _runs(spec: JsonObject, program: str) -> bool:
    known = set(_programs()[program]["images"])
    images = (str(container.get("image") or "") for container in spec.get("containers") or ())
    return any(image_words(image) & known for image in images)


def is_database_port(port: int | None) -> bool:
    return port in _programs()["databases"]["ports"]
