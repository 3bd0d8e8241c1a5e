"""What reaches a terminal. Everything a cluster or a file said goes through `clean` first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TextIO, TypeVar, cast

if TYPE_CHECKING:
    from rich.console import Console

Value = TypeVar("Value")

WIDTH = 100
"""Columns when the output is not a terminal, and at most on one."""

_SEQUENCES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]")
_CONTROLS = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # invisible, or turning the direction of writing
    "\u061c\u180e\ufff9-\ufffb\U000e0000-\U000e007f"  # the same, elsewhere in Unicode
    "\ud800-\udfff"  # lone surrogates: no encoding can write them
    "]"
)


def clean(text: str) -> str:
    """Text without escape sequences and control characters; newlines and tabs stay."""
    return _CONTROLS.sub("", _SEQUENCES.sub("", text))


def clean_all(value: Value) -> Value:
    """The same JSON-like value with every string in it cleaned, keys too."""
    return cast(Value, _clean_any(value))


def _clean_any(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): _clean_any(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean_any(item) for item in value]
    return value


def console(file: TextIO) -> Console:
    """A rich console that takes no markup from anyone and writes plain text when `file` is no terminal."""
    from rich.console import Console

    terminal = file.isatty()
    made = Console(
        file=file,
        force_terminal=terminal,
        color_system="auto" if terminal else None,
        markup=False,
        highlight=False,
        emoji=False,
        width=None if terminal else WIDTH,
    )
    made.width = min(made.width, WIDTH)
    return made
