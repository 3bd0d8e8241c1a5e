"""The forms a client can ask for in its Accept header: whole objects, tables, metadata only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from kubelore.cluster.app import table
from kubelore.cluster.app.lists import Page
from kubelore.cluster.app.status import ApiError
from kubelore.types import JsonObject


class Form(Enum):
    WHOLE = ""
    TABLE = "Table"
    METADATA = "PartialObjectMetadata"
    METADATA_LIST = "PartialObjectMetadataList"
    DISCOVERY = "APIGroupDiscoveryList"


def acceptable(header: str, offered: Sequence[Form]) -> Form:
    """The first form in the header that is offered. Raises a 406 when there is none."""
    for media in (header or "*/*").split(","):
        kind, *parameters = (part.strip() for part in media.split(";"))
        values = dict(p.partition("=")[::2] for p in parameters)
        if kind not in {"application/json", "application/*", "*/*"}:
            continue
        wanted = values.get("as", "")
        if wanted == Form.DISCOVERY.value and values.get("v") not in {"v2", "v2beta1"}:
            continue
        if wanted == Form.TABLE.value and values.get("v") != "v1":
            continue
        form = next((f for f in offered if f.value == wanted), None)
        if form is not None:
            return form
    raise ApiError(406, "NotAcceptable", "only the following media types are accepted: application/json")


LIST_FORMS = (Form.WHOLE, Form.TABLE, Form.METADATA_LIST)
OBJECT_FORMS = (Form.WHOLE, Form.TABLE, Form.METADATA)


def list_document(page: Page, form: Form, now: datetime, include: str) -> JsonObject:
    if form is Form.TABLE:
        return table.render(page, now, include)
    if form is Form.METADATA_LIST:
        return {
            "kind": form.value,
            "apiVersion": "meta.k8s.io/v1",
            "metadata": page.metadata,
            "items": [table.partial_metadata(item) for item in page.items],
        }
    return page.document()


def object_document(page: Page, form: Form, now: datetime, include: str) -> JsonObject:
    """The one object of a page."""
    if form is Form.TABLE:
        return list_document(page, form, now, include)
    return table.partial_metadata(page.items[0]) if form is Form.METADATA else page.items[0]
