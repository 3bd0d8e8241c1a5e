"""Hugo shortcodes, `{{< note >}}...{{< /note >}}`: the tags go, what they wrap and show stays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from kubelore.packaged import packaged_yaml

_TAG = re.compile(r"\{\{(?P<open>[<%])(?P<inside>[^{}]*+)\}\}")
_ESCAPED = re.compile(r"\s*/\*(?P<inside>.*)\*/\s*", re.DOTALL)
_PARAMETER = re.compile(
    r"""(?:(?P<key>[\w-]+)\s*=\s*)?(?:"(?P<double>[^"]*)"|`(?P<raw>[^`]*)`|(?P<bare>[^\s"`=]+))"""
)


@dataclass(frozen=True, slots=True)
class _Rules:
    visible: Mapping[str, tuple[str, ...]]
    words: Mapping[str, str]
    code: tuple[str, ...]
    dropped: frozenset[str]


@cache
def _rules() -> _Rules:
    data = packaged_yaml(__package__, "shortcodes.yaml")
    return _Rules(
        {name: tuple(map(str, keys)) for name, keys in data["visible"].items()},
        data["words"],
        tuple(data["code"]),
        frozenset(data["dropped"]),
    )


def expand(text: str) -> str:
    """The text without shortcode tags. Escaped ones (`{{</* note */>}}`) become what they show."""
    if "{{<" not in text and "{{%" not in text:
        return text
    paired = frozenset(name for match in _TAG.finditer(text) if (name := _closed(match)))
    parts: list[str] = []
    done = 0
    hidden: list[str] = []  # names of dropped shortcodes that are open
    for match in _TAG.finditer(text):
        if not hidden:
            parts.append(text[done : match.start()])
        done = match.end()
        left = _left(match, hidden, paired)
        if not hidden:
            parts.append(left)
    return "".join([*parts, text[done:]])


def _closed(match: re.Match[str]) -> str:
    """The name of a tag that ends something, else ""."""
    words = match["inside"][:-1].strip()
    return words.strip("/ ") if words.startswith("/") and not words.startswith("/*") else ""


def _left(match: re.Match[str], hidden: list[str], paired: frozenset[str]) -> str:
    """What one tag leaves in the text."""
    inside = match["inside"]
    if not inside.endswith(">" if match["open"] == "<" else "%"):
        return match[0]
    if escaped := _ESCAPED.fullmatch(inside[:-1]):
        return f"{{{{{match['open']}{escaped['inside']}{inside[-1]}}}}}"
    words = inside[:-1].strip()
    closing = words.startswith("/")
    name, _, parameters = words.strip("/ ").partition(" ")
    if name in _rules().dropped:
        if not closing:
            hidden.append(name)
        elif hidden:
            hidden.pop()
        return ""
    if name in paired and any(word in name.lower() for word in _rules().code):
        language = "" if closing else _shown(parameters, ("lang", "language", "0"))
        return f"\n```{language if language.isalnum() else ''}\n"
    return "" if closing else _shown(parameters, _rules().visible.get(name, ()))


def _shown(parameters: str, keys: tuple[str, ...]) -> str:
    given: dict[str, str] = {}
    for position, match in enumerate(_PARAMETER.finditer(parameters)):
        value = next(v for v in (match["double"], match["raw"], match["bare"]) if v is not None)
        given[match["key"] or str(position)] = value
    shown = next((given[key] for key in keys if given.get(key)), "")
    return _rules().words.get(shown, shown)
