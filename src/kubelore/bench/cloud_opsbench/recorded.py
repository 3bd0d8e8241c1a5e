"""The recorded answer to each possible call of the benchmark's tools, with a count of the calls made."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from kubelore.cluster import kinds

Call = tuple[str, frozenset[tuple[str, str]]]
"""A tool and its arguments that are not empty, with kinds by one name."""

KEY = re.compile(r"(?P<tool>[A-Za-z]+)(?::(?P<args>.*)|-(?P<words>.+))?", re.DOTALL)
KIND = "resource_type"
WORDS = ("namespace", "service_name", "port")
"""Order of arguments in keys of the form `Tool-a-b-c`."""


class Recorded:
    """Asked twice, a call counts once. A call that was not recorded has no answer, and counts."""

    def __init__(self, cache: Mapping[str, Any]) -> None:
        self._answers: dict[Call, Any] = {}
        for key, answer in cache.items():
            call = _call_of(key)
            if call is not None:
                self._answers.setdefault(call, answer)
        self._made: dict[Call, None] = {}

    @property
    def steps(self) -> int:
        """Calls made so far."""
        return len(self._made)

    @property
    def calls(self) -> list[str]:
        """The calls made so far, in order, as `Tool name=value ...`."""
        return [" ".join([tool, *(f"{k}={v}" for k, v in sorted(args))]) for tool, args in self._made]

    def asked(self, tool: str, **args: str | int | bool) -> bool:
        return _call(tool, args) in self._made

    def ask(self, tool: str, **args: str | int | bool) -> Any:
        """The recorded answer, None when there is none."""
        call = _call(tool, args)
        self._made[call] = None
        return self._answers.get(call)


def _call_of(key: str) -> Call | None:
    match = KEY.fullmatch(key)
    if match is None:
        return None
    if match["words"]:
        namespace, _, rest = match["words"].partition("-")
        service, _, port = rest.rpartition("-")
        return _call(match["tool"], dict(zip(WORDS, (namespace, service, port), strict=True)))
    try:
        args = json.loads(match["args"] or "{}")
    except ValueError:
        return None
    return _call(match["tool"], args) if isinstance(args, dict) else None


def _call(tool: str, args: Mapping[str, Any]) -> Call:
    told = {k: v for k, v in args.items() if v not in ("", None, False)}
    kind = kinds.find(str(told.get(KIND, "")))
    if kind is not None:
        told[KIND] = kind.resource
        if not kind.namespaced:
            told.pop("namespace", None)
    return tool, frozenset((k, str(v)) for k, v in told.items())
