"""SQL from its files: named statements, numbered migrations, single statements of a script."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

MIGRATION = re.compile(r"(\d{3})_\w+\.sql")
PART = re.compile(r"\{(\w+)\}")
HEAD = re.compile(r"^-- (name|part): (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Area:
    """One part of a database: its tables, its migrations `001_*.sql` and its named statements (`*.sql`)."""

    name: str
    what: str
    """What people call it."""
    folder: Traversable
    missing: str
    """Hint where there is none yet."""
    repair: str
    """Hint where it is damaged."""


KNOWLEDGE = Area(
    "knowledge",
    "knowledge base",
    files(__package__) / "knowledge",
    missing="begin one with: kubelore knowledge add PATH",
    repair="try: kubelore knowledge reindex; if that fails, move the file away and add its sources again",
)
CASEBOOK = Area(
    "casebook",
    "casebook",
    files(__package__) / "casebook",
    missing="it begins with the first investigation: kubelore investigate QUESTION",
    repair="try: kubelore cases repair; if that fails, restore a copy, or move it away and begin a new one",
)


@cache
def migrations(area: Area) -> tuple[str, ...]:
    """The scripts that lead from nothing to today's schema; the first is version 1."""
    found = sorted((f for f in area.folder.iterdir() if MIGRATION.fullmatch(f.name)), key=lambda f: f.name)
    numbers = [int(f.name[:3]) for f in found]
    if numbers != list(range(1, len(found) + 1)):
        raise ValueError(f"migrations of {area.name} are not numbered from 001 without a gap: {numbers}")
    return tuple(f.read_text(encoding="utf-8") for f in found)


@cache
def named(area: Area) -> Mapping[str, str]:
    """Every `-- name: NAME` statement in the area's files. `{NAME}` in one stands for what follows
    `-- part: NAME`; a name belongs to one of them only."""
    known: dict[str, str] = {}
    parts: set[str] = set()
    for file in area.folder.iterdir():
        if file.name.endswith(".sql") and not MIGRATION.fullmatch(file.name):
            _head, *found = HEAD.split(file.read_text(encoding="utf-8"))
            for what, name, text in zip(found[::3], found[1::3], found[2::3], strict=True):
                if name in known:
                    raise ValueError(f"two statements of {area.name} are named {name}")
                known[name] = text.strip()
                if what == "part":
                    parts.add(name)
    return {
        name: PART.sub(lambda part: known[part[1]], text) for name, text in known.items() if name not in parts
    }


def split(script: str) -> Iterator[str]:
    """The statements of a script, one by one; bodies of triggers stay whole."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


def as_json(values: Iterable[str] | Iterable[int]) -> str:
    """A list for `json_each` in a statement."""
    return json.dumps(list(values))
