"""The cases below a folder: all that an agent may know of each, and nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kubelore.bench.cloud_opsbench.recorded import Recorded
from kubelore.errors import DataError, UsageError

METADATA, ANSWERS = "metadata.json", "tool_cache.json"
COLLECTED_AT = "collection_timestamp"
ZONE = re.compile(r"\d\d:\d\d:\d\d ([+-]\d{4})\b")


@dataclass(frozen=True, slots=True)
class Place:
    """One case's folder. `id` is its path below the folder that was named, `.` for that folder itself."""

    id: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Case:
    namespace: str
    query: str
    answers: Recorded
    now: datetime
    """When the answers were recorded, by the clock that printed the times in them."""


def find_cases(root: Path) -> list[Place]:
    """Folders with metadata and tool answers, by path. Raises UsageError when there is none."""
    if not root.is_dir():
        raise UsageError(f"there is no folder {root}", hint="unpack the cases and name their folder")
    found = [
        Place(path.parent.relative_to(root).as_posix(), path.parent)
        for path in root.rglob(METADATA)
        if (path.parent / ANSWERS).exists()
    ]
    if not found:
        raise UsageError(f"{root} holds no case", hint=f"a case is a folder with {METADATA} and {ANSWERS}")
    return sorted(found, key=lambda place: _natural(place.id))


def _natural(path: str) -> tuple[tuple[int, int | str], ...]:
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in path.split("/"))


def read_case(place: Place) -> Case:
    """Raises DataError for what is not a case. Of the metadata only `namespace` and `query` are kept."""
    told = _read(place.folder / METADATA)
    namespace, query = told.get("namespace"), told.get("query")
    if not isinstance(namespace, str) or not isinstance(query, str):
        raise DataError(f"{place.id}: {METADATA} has no namespace and query")
    answers = _read(place.folder / ANSWERS)
    return Case(namespace, query, Recorded(answers), _recorded_at(answers))


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise DataError(f"{path.name}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path.name}: not JSON: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{path.name}: not a JSON object")
    return found


def _recorded_at(answers: dict[str, Any]) -> datetime:
    """The time of recording has no zone; kubectl printed the recorder's own beside the times it described."""
    try:
        told = datetime.fromisoformat(str(answers.get(COLLECTED_AT)))
    except ValueError:
        return datetime.now(UTC)
    if told.tzinfo:
        return told
    zones = (
        ZONE.search(a) for key, a in answers.items() if key.startswith("Describe") and isinstance(a, str)
    )
    zone = next((match[1] for match in zones if match), "+0000")
    return datetime.strptime(f"{told.replace(microsecond=0).isoformat()}{zone}", "%Y-%m-%dT%H:%M:%S%z")
