"""From objects to a meta.k8s.io/v1 Table."""

from __future__ import annotations

from datetime import datetime

from kubelore.cluster.app.lists import Page
from kubelore.cluster.app.table.cells import UNKNOWN, Cell, Columns, name
from kubelore.cluster.app.table.custom import columns_of
from kubelore.cluster.app.table.network import NETWORK
from kubelore.cluster.app.table.rest import OTHERS, REST
from kubelore.cluster.app.table.workloads import WORKLOADS
from kubelore.types import JsonObject

COLUMNS: dict[str, Columns] = WORKLOADS | NETWORK | REST
"""By `plural.group`. Other kinds have a name and an age."""


def render(page: Page, now: datetime, include: str = "Metadata") -> JsonObject:
    """A page as a Table. `include` is what each row carries beside its cells: None, Metadata or Object."""
    layout = _layout(page)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": page.metadata,
        "columnDefinitions": [_definition(column, layout) for column in layout.names],
        "rows": [_row(layout, item, now, include) for item in page.items],
    }


def _layout(page: Page) -> Columns:
    built_in = COLUMNS.get(page.kind.resource)
    custom = columns_of(page.kind, page.definition) if page.definition else None
    return built_in or custom or OTHERS


def _definition(column: str, layout: Columns) -> JsonObject:
    return {
        "name": column,
        "type": "string",
        "format": "name" if column == "Name" else "",
        "description": "",
        "priority": 1 if column in layout.wide else 0,
    }


def _row(layout: Columns, item: JsonObject, now: datetime, include: str) -> JsonObject:
    row: JsonObject = {"cells": _cells(layout, item, now)}
    if include == "Object":
        row["object"] = item
    elif include != "None":
        row["object"] = partial_metadata(item)
    return row


def _cells(layout: Columns, item: JsonObject, now: datetime) -> list[Cell]:
    try:
        return list(layout.row(item, now))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        # Recorded objects are not validated: one that breaks the kind's schema still has a row.
        return [name(item), *[UNKNOWN] * (len(layout.names) - 1)]


def partial_metadata(item: JsonObject) -> JsonObject:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": item["metadata"],
    }
