"""What stands above the text of a page: `---` YAML `---`, or `+++` TOML `+++`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import yaml

from kubelore.packaged import SAFE_LOADER

MAX_LENGTH = 32_768
MAX_BRACKETS = 256
"""Characters, and opening brackets: what has more is no front matter, and nesting takes YAML very long."""

_MATTER = re.compile(
    r"\s*(?P<mark>---|\+\+\+)[ \t]*\n(?P<text>.*?)^(?P=mark)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    title: str = ""
    description: str = ""
    """Markdown, of several lines perhaps."""
    tags: tuple[str, ...] = ()
    url: str = ""
    licence: str = ""
    time: str = ""
    """RFC 3339."""


def split(text: str) -> tuple[FrontMatter, str]:
    """Front matter and the rest. What is not well-formed is taken for text: nothing of a page is lost."""
    match = _MATTER.match(text[:MAX_LENGTH])
    values = _load(match["mark"], match["text"]) if match else None
    if match is None or values is None:
        return FrontMatter(), text
    return _known(values), text[match.end() :]


def _load(mark: str, text: str) -> dict[str, Any] | None:
    if text.count("[") + text.count("{") > MAX_BRACKETS:
        return None
    try:
        if mark == "+++":
            return tomllib.loads(text)
        values = yaml.load(text, Loader=SAFE_LOADER)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    if values is None:
        return {}
    return {str(key).lower(): value for key, value in values.items()} if isinstance(values, dict) else None


def _known(values: dict[str, Any]) -> FrontMatter:
    def text(*names: str) -> str:
        found = (values.get(name) for name in names)
        return next((" ".join(str(v).split()) for v in found if isinstance(v, str | int | float)), "")

    return FrontMatter(
        title=text("title", "linktitle", "name"),
        description=next(
            (v for name in ("description", "summary") if isinstance(v := values.get(name), str)), ""
        ),
        tags=tuple(dict.fromkeys(tag for name in ("tags", "keywords") for tag in _words(values.get(name)))),
        url=text("canonical_url", "canonicalurl", "url", "permalink", "slug"),
        licence=text("license", "licence"),
        time=next(
            (t for n in ("lastmod", "last_modified_at", "updated", "date") if (t := time_of(values.get(n)))),
            "",
        ),
    )


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        value = value.split(",")
    return [str(v).strip() for v in value if isinstance(v, str | int)] if isinstance(value, list) else []


def time_of(value: Any) -> str:
    """A date as RFC 3339 in UTC; "" when it is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return ""
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{value.isoformat()}T00:00:00Z" if isinstance(value, date) else ""
