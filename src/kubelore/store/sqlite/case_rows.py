"""Rows of the casebook's tables as cases, past cases and journal entries, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from sqlite3 import Row
from typing import Any

from kubelore.cases import TUPLES, Case, Entry, Recorded
from kubelore.errors import StoreCorrupt
from kubelore.store.sqlite.statements import CASEBOOK
from kubelore.types import PastCase

JSON_FIELDS = TUPLES | {"cluster_context", "diagnosis", "hashes", "credits", "lesson"}
COLUMNS = {field.name: "steps_json" if field.name == "steps" else field.name for field in fields(Case)}
"""Column of each field of a Case."""


def values_of(case: Case, names: Iterable[str]) -> dict[str, Any]:
    """By column."""
    values: dict[str, Any] = {}
    for name in names:
        value = getattr(case, name)
        values[COLUMNS[name]] = json.dumps(value, ensure_ascii=False) if name in JSON_FIELDS else value
    return values


def case_of(row: Row) -> Case:
    values = {name: row[column] for name, column in COLUMNS.items()}
    for name in JSON_FIELDS:
        value = _parsed(values[name], f"case {row['id']}")
        values[name] = tuple(value) if name in TUPLES else value
    return Case(**{**values, "confirmed": bool(values["confirmed"])})


def _parsed(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise StoreCorrupt(f"{what} cannot be read: {error}", hint=CASEBOOK.repair) from error


def past_case_of(row: Row) -> PastCase:
    case_id, cause, at_fault, signs, state, confirmed, misled, *rest = row
    tools, source, cluster, count, credit, lesson, timestamp, _ = rest
    texts = _parsed(lesson, f"case {case_id}")
    return PastCase(
        id=case_id,
        root_cause=cause,
        kind=at_fault.partition("/")[0],
        signs=frozenset(_parsed(signs, f"case {case_id}")),
        state=state,
        confirmed=bool(confirmed),
        misled=misled,
        tools=tuple(_parsed(tools, f"case {case_id}")),
        source=source,
        cluster=cluster,
        count=count,
        credit=credit,
        question=texts.get("question", ""),
        diagnosis=texts.get("diagnosis", ""),
        fix=texts.get("fix", ""),
        date=timestamp,
    )


def recorded_of(row: Row) -> Recorded:
    payload = _parsed(row["payload"], f"entry {row['seq']}")
    entry = Entry(
        case=row["case_id"],
        at=row["at"],
        who=row["who"],
        what=row["what"],
        set=payload.get("set", {}),
        step=payload.get("step"),
        note=payload.get("note", {}),
    )
    return Recorded(row["seq"], entry, row["previous"], row["hash"])
