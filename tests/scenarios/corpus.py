"""All scenarios, collected from the family modules, and their division into halves a and b.

Halves c and d stand apart: they were written by people who had not seen the engine, and are for measuring
only. Half d asks vaguely, mixes faults, and hides them behind pods that are Ready.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from scenarios.builders import Truth, World

FAMILIES = (
    "crashes",
    "configuration",
    "images",
    "scheduling",
    "storage",
    "probes",
    "traffic",
    "dependencies",
    "admission",
    "nodes",
    "batch",
    "pressure",
    "lifecycle",
    "looks",
    "crowd",
    "controls",
)
FIELD = (
    "field_crashes",
    "field_depends",
    "field_probes",
    "field_config",
    "field_places",
    "field_refused",
    "field_paths",
    "field_nodes",
    "field_calm",
)
NIGHT = (
    "night_hops",
    "night_quiet",
    "night_paths",
    "night_many",
    "night_starts",
    "night_places",
    "night_calm",
)
SALT = "halves of the corpus, fixed before the first run"

Tell = Callable[[World], "Truth | list[Truth]"]


@dataclass(frozen=True)
class Scenario:
    """One broken (or healthy) cluster and one question about it."""

    id: str
    build: Callable[[], tuple[World, tuple[Truth, ...]]]
    index: int = 0

    @property
    def half(self) -> str:
        if self.id.startswith("field_"):
            return "c"
        if self.id.startswith("night_"):
            return "d"
        return "ab"[zlib.crc32(f"{SALT}/{self.id}".encode()) >> 7 & 1]

    def world(self) -> World:
        return self.build()[0]

    def truth(self) -> Truth:
        return self.build()[1][self.index]


def scenarios() -> Iterator[Scenario]:
    for family in FAMILIES + FIELD + NIGHT:
        module = importlib.import_module(f"scenarios.{family}")
        for name, tell in vars(module).items():
            if getattr(tell, "scenario", None) is True:
                yield from _expand(f"{family}-{name.replace('_', '-')}", tell)


def _expand(id_: str, tell: Tell) -> Iterator[Scenario]:
    options = tell.options  # type: ignore[attr-defined]

    @cache
    def build() -> tuple[World, tuple[Truth, ...]]:
        world = World(id_, **options)
        told = tell(world)
        return world.finish(), tuple(told) if isinstance(told, list) else (told,)

    count = getattr(tell, "questions", 1)
    for index in range(count):
        yield Scenario(id_ if count == 1 else f"{id_}-{index + 1:02d}", build, index)
