"""What of a text may lie on disk."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from kubelore.redaction import redact

Value = TypeVar("Value")


def safe(text: str) -> str:
    """The text without secrets, and without what no database or encoding holds: NUL, lone surrogates."""
    return redact(text).replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def safe_all(value: Value) -> Value:
    """The same JSON-like value with every string in it safe; the keys of mappings are ours."""
    return cast(Value, _safe_any(value))


def _safe_any(value: Any) -> Any:
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, dict):
        return {key: _safe_any(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_safe_any(item) for item in value]
    return value


def cut(text: str, size: int) -> str:
    """At most `size` characters of it, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= size else line[: size - 1] + "…"
