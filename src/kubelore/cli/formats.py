"""The output formats. On its own, so that `--help` imports nothing else."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    YAML = "yaml"
    MARKDOWN = "markdown"


class DataFormat(StrEnum):
    """For what has no Markdown form."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"
