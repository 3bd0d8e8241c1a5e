"""Columns that the definition of a custom kind asks for (`additionalPrinterColumns`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from kubelore.cluster.app.table.cells import Cell, Columns, age, name, since
from kubelore.cluster.kinds import Kind
from kubelore.types import JsonObject

# .a.b  ['a.b']  [0]  [*]  [?(@.type=="Ready")], and \. for a dot inside of a name
_STEP = re.compile(
    r"""\.(?P<name>(?:\\.|[^.\[\\])+)"""
    r"""|\[\s*['"](?P<quoted>[^'"]+)['"]\s*\]"""
    r"""|\[(?P<index>\d+|\*)\]"""
    r"""|\[\?\(\s*@\.(?P<field>[\w.]+)\s*==\s*['"]?(?P<value>[^'")]*)['"]?\s*\)\]"""
)


def columns_of(kind: Kind, definition: JsonObject) -> Columns | None:
    """The columns for one version of a kind; None when its definition has none."""
    versions = (definition.get("spec") or {}).get("versions") or ()
    wanted: JsonObject = next((v for v in versions if v.get("name") == kind.version), {})
    asked = [c for c in wanted.get("additionalPrinterColumns") or () if c.get("name") and c.get("jsonPath")]
    if not asked:
        return None
    names = ("Name", *(str(c["name"]) for c in asked))
    if "age" not in {n.lower() for n in names}:
        names += ("Age",)
    wide = frozenset(str(c["name"]) for c in asked if int(c.get("priority") or 0) > 0)
    return Columns(names, partial(_row, asked, len(names)), wide)


def _row(asked: Sequence[JsonObject], width: int, obj: JsonObject, now: datetime) -> list[Cell]:
    cells: list[Cell] = [name(obj)]
    for column in asked:
        found = evaluate(str(column["jsonPath"]), obj)
        if column.get("type") == "date":
            cells.append(since(found[0], now) if found else "")
        else:
            cells.append(",".join(map(_text, found)))
    return cells if len(cells) == width else [*cells, age(obj, now)]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def evaluate(path: str, obj: Any) -> list[Any]:
    """What a simple JSONPath finds; nothing where the path is of a form that is not understood."""
    found = [obj]
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if not match:
            return []
        found = [inner for value in found for inner in _step(match, value)]
        position = match.end()
    return found


def _step(match: re.Match[str], value: Any) -> list[Any]:
    key = match["quoted"] or (match["name"] or "").replace("\\", "")
    if key:
        return [value[key]] if isinstance(value, dict) and key in value else []
    if not isinstance(value, list):
        return []
    if match["index"] == "*":
        return value
    if match["index"]:
        return value[int(match["index"]) :][:1]
    wanted = match["value"]
    return [v for v in value if any(_text(x) == wanted for x in evaluate("." + match["field"], v))]
