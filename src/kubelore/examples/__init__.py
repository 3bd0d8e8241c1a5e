"""Recorded incidents that ship with kubelore, to try it without a cluster.

`examples.yaml` says what each one is, `<name>.tar.xz` beside it is the snapshot. Names nothing of what
is in them to the agent: an investigation is handed the archive and the question, and no more.
Start at `load`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from kubelore.errors import UsageError
from kubelore.packaged import packaged_yaml

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Example:
    """One recorded incident. `object` is empty where nothing is wrong (`root_cause` is `none`)."""

    name: str
    title: str
    question: str
    root_cause: str
    object: str


def load() -> Mapping[str, Example]:
    """All examples by name, in the order of the table."""
    rows = packaged_yaml("kubelore.examples", "examples.yaml")
    return {name: Example(name=name, **row) for name, row in rows.items()}


def path(name: str) -> Path:
    """The snapshot of one example. Raises UsageError with the closest name when there is none."""
    found = FOLDER / f"{name}.tar.xz"
    names = sorted(file.name.removesuffix(".tar.xz") for file in FOLDER.glob("*.tar.xz"))
    if name not in names:
        close = get_close_matches(name, names, n=1)
        hint = f"did you mean example:{close[0]}?" if close else "list them with: kubelore examples"
        raise UsageError(f"there is no example called {name!r}", hint=hint)
    return found
