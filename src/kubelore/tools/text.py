"""Plain text for observations: tables, ages and quantities as kubectl users know them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from kubelore.analysis.view import parse_time


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, show_header: bool = True) -> str:
    """Left-aligned columns, three spaces apart, no trailing blanks. No rows give the header alone."""
    lines = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    shown = lines if show_header else lines[1:]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in shown
    )


def indent(text: str, by: int = 2) -> str:
    pad = " " * by
    return "\n".join(pad + line if line else line for line in text.splitlines())


def duration(seconds: float) -> str:
    """`45s`, `5m30s`, `3h12m`, `4d`: two units at most, as kubectl prints ages."""
    left = max(0, int(seconds))
    for size, unit, next_size, next_unit, both_below in (
        (86400, "d", 3600, "h", 8 * 86400),
        (3600, "h", 60, "m", 8 * 3600),
        (60, "m", 1, "s", 600),
    ):
        if left >= (2 * 60 if unit == "m" else size):
            whole, rest = divmod(left, size)
            tail = f"{rest // next_size}{next_unit}" if left < both_below and rest >= next_size else ""
            return f"{whole}{unit}{tail}"
    return f"{left}s"


def age(then: datetime | str | None, now: datetime) -> str:
    """How long ago; `?` when unknown."""
    moment = parse_time(then) if isinstance(then, str) else then
    return "?" if moment is None else duration((now - moment).total_seconds())


def joined(items: Iterable[str], none: str = "none") -> str:
    return ", ".join(items) or none


def pairs(mapping: dict[str, object] | None, none: str = "none") -> str:
    """`a=b, c=d`, in key order."""
    return joined((f"{key}={value}" for key, value in sorted((mapping or {}).items())), none)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, saying how many were left out; the end is kept too."""
    if len(text) <= limit:
        return text
    head, tail = text[: limit * 3 // 4], text[-limit // 4 :]
    return f"{head}\n... {len(text) - limit} characters left out ...\n{tail}"
