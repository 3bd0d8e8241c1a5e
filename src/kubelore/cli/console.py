"""What reaches a terminal. Everything a cluster or a file said goes through `clean` first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO, TypeVar, cast

from kubelore.controls import clean

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["WIDTH", "clean", "clean_all", "console"]

Value = TypeVar("Value")

WIDTH = 100
"""Columns when the output is not a terminal, and at most on one."""


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
