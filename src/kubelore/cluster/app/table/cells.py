"""How kubectl writes ages, selectors, modes and lists, and what a row is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubelore.cluster.snapshot.objects import read_time
from kubelore.types import JsonObject

NONE = "<none>"
UNKNOWN = "<unknown>"
UNSET = "<unset>"

Cell = str | int
Row = Callable[[JsonObject, datetime], Sequence[Cell]]
"""The cells of one object; the time is now, for ages."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a kind. Those in `wide` are shown by `-o wide` only; they may stand anywhere."""

    names: tuple[str, ...]
    row: Row
    wide: frozenset[str] = frozenset()


def columns(names: str, row: Row, wide: str = "") -> Columns:
    """Names divided by `|`; the wide ones follow the others unless `names` has them already."""
    main, extra = tuple(names.split("|")), tuple(wide.split("|")) if wide else ()
    return Columns(main + tuple(n for n in extra if n not in main), row, frozenset(extra))


def meta(obj: JsonObject) -> JsonObject:
    found: JsonObject = obj.get("metadata") or {}
    return found


def spec(obj: JsonObject) -> JsonObject:
    found: JsonObject = obj.get("spec") or {}
    return found


def status(obj: JsonObject) -> JsonObject:
    found: JsonObject = obj.get("status") or {}
    return found


def name(obj: JsonObject) -> str:
    return str(meta(obj).get("name") or "")


def age(obj: JsonObject, now: datetime) -> str:
    return since(meta(obj).get("creationTimestamp"), now)


def since(time: Any, now: datetime) -> str:
    """How long ago an RFC 3339 time was."""
    at = read_time(time) if time else None
    return duration((now - at).total_seconds()) if at else UNKNOWN


def duration(exact: float) -> str:
    """Seconds in kubectl's words, with at most two units: 45s, 3m20s, 5h, 2d4h, 300d."""
    seconds = int(exact)
    if seconds < -1:
        return "<invalid>"
    if seconds < 0:
        return "0s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    if days < 2920:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"


def labels(values: JsonObject | None) -> str:
    """A label map as a selector: `a=b,c=d`."""
    return ",".join(f"{k}={v}" for k, v in sorted((values or {}).items())) or NONE


def selector(value: JsonObject | None) -> str:
    """A LabelSelector as the command line writes it."""
    if not value:
        return NONE
    parts = [f"{k}={v}" for k, v in sorted((value.get("matchLabels") or {}).items())]
    words = {"In": "in", "NotIn": "notin"}
    for each in value.get("matchExpressions") or ():
        key, operator = each.get("key"), each.get("operator")
        if operator in words:
            parts.append(f"{key} {words[operator]} ({','.join(sorted(each.get('values') or ()))})")
        else:
            parts.append(f"!{key}" if operator == "DoesNotExist" else str(key))
    return ",".join(parts) or NONE


def containers(pod_spec: JsonObject) -> tuple[str, str]:
    """Names and images."""
    found = pod_spec.get("containers") or ()
    return ",".join(str(c.get("name")) for c in found), ",".join(str(c.get("image")) for c in found)


def template(obj: JsonObject) -> JsonObject:
    """The pod spec of a workload's template."""
    found: JsonObject = spec(spec(obj).get("template") or {})
    return found


def first_few(values: Iterable[str], limit: int = 3, empty: str = NONE, separator: str = ",") -> str:
    found = list(values)
    if len(found) > limit:
        return f"{separator.join(found[:limit])} + {len(found) - limit} more..."
    return separator.join(found) or empty


def truth(value: Any) -> str:
    return "<unset>" if value is None else str(bool(value))


def condition(obj: JsonObject, kind: str) -> JsonObject | None:
    return next((c for c in status(obj).get("conditions") or () if c.get("type") == kind), None)


def is_true(obj: JsonObject, kind: str) -> bool:
    return (condition(obj, kind) or {}).get("status") == "True"


_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def access_modes(modes: Sequence[str] | None) -> str:
    given = set(modes or ())
    return ",".join(short for mode, short in _MODES.items() if mode in given)
