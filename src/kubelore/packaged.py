"""Reads the files of rules, words and tables that ship inside the package.

Whoever owns a file reads it once, when first asked, and keeps the result. Never reads what a user or a
cluster wrote: that is checked where it comes in.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import yaml

SAFE_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""YAML without objects; libyaml's where it is there, which is ten times as fast."""


def packaged_text(package: str, *path: str) -> str:
    """The text of one file below a package."""
    return files(package).joinpath(*path).read_text(encoding="utf-8")


def packaged_yaml(package: str, *path: str) -> Any:
    """What one YAML file below a package holds."""
    return yaml.load(packaged_text(package, *path), Loader=SAFE_LOADER)  # noqa: S506 - a safe loader
