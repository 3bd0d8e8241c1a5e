"""The paths of the API and what answers them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from kubelore.cluster.api import INCOMPLETE_WARNING
from kubelore.cluster.app import discovery, lists, logs, reviews, watch
from kubelore.cluster.app.forms import (
    LIST_FORMS,
    OBJECT_FORMS,
    Form,
    acceptable,
    list_document,
    object_document,
)
from kubelore.cluster.app.status import ApiError, no_such_path
from kubelore.cluster.kinds import Kind
from kubelore.cluster.snapshot.model import Snapshot
from kubelore.types import JsonObject


def create_app(snapshot: Snapshot) -> Starlette:
    """An ASGI app over one snapshot; every answer is computed from the request alone."""
    api = _Api(snapshot)
    return Starlette(
        routes=[
            Route("/{path:path}", api.answer, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ],
    )


class _Api:
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot, self._now = snapshot, snapshot.info.now
        self._kinds: dict[tuple[str, str, str], Kind] = {
            (k.group, k.version, k.plural): k for k in snapshot.kinds()
        }

    async def answer(self, request: Request) -> Response:
        try:
            path = str(request.path_params["path"]).strip("/")
            if request.method == "POST" and path.startswith(reviews.ROOT):
                body = await request.body()
                return _json(reviews.review(path, body, self._snapshot, self._kinds.values()), 201)
            if request.method not in {"GET", "HEAD"}:
                raise ApiError(
                    405, "MethodNotAllowed", "this is a recording of a cluster: it can only be read"
                )
            return self._get(path, request)
        except ApiError as error:
            return _json(error.status(), error.code)

    def _get(self, path: str, request: Request) -> Response:
        aggregated = path in {"api", "apis"} and self._form(request, (Form.WHOLE, Form.DISCOVERY))
        if aggregated is Form.DISCOVERY:
            return _json(discovery.aggregated(path, self._kinds.values()), media_type=discovery.AGGREGATED)
        document = discovery.document(path, self._snapshot, self._kinds.values())
        if document is not None:
            return _json(document)
        match path.split("/"):
            case ["api", version, *rest]:
                return self._resource("", version, rest, request)
            case ["apis", group, version, *rest]:
                return self._resource(group, version, rest, request)
            case ["healthz" | "livez" | "readyz"]:
                return Response("ok", media_type="text/plain")
        raise no_such_path()

    def _resource(self, group: str, version: str, rest: list[str], request: Request) -> Response:
        namespace = ""
        # /namespaces/NAME is the object itself; /namespaces/NAME/PLURAL lists within it
        if rest[:1] == ["namespaces"] and len(rest) > 2 and rest[2] != "status":
            namespace, rest = rest[1], rest[2:]
        kind = self._kinds.get((group, version, rest[0])) if rest else None
        if kind is None or (namespace and not kind.namespaced):
            raise no_such_path()
        match rest[1:]:
            case []:
                return self._list(kind, namespace, request)
            case [name] | [name, "status"]:
                form = self._form(request, OBJECT_FORMS)
                page = lists.object_page(self._snapshot, kind, namespace, name)
                return _json(object_document(page, form, self._now, _included(request)))
            case [name, "log"] if kind.resource == "pods":
                content = logs.read(self._snapshot, namespace, name, request.query_params)
                return Response(content, media_type="text/plain")
        raise no_such_path()

    def _list(self, kind: Kind, namespace: str, request: Request) -> Response:
        query = request.query_params
        if watch.is_watch(query):
            form = self._form(request, (Form.WHOLE, Form.TABLE, Form.METADATA))
            page = lists.list_page(self._snapshot, kind, namespace, query)
            return StreamingResponse(
                watch.stream(page, form, self._now, query), media_type="application/json"
            )
        form = self._form(request, LIST_FORMS)
        page = lists.list_page(self._snapshot, kind, namespace, query)
        document = list_document(page, form, self._now, _included(request))
        return _json(document, warning=page.warning)

    def _form(self, request: Request, offered: Sequence[Form]) -> Form:
        return acceptable(request.headers.get("accept", ""), offered)


def _included(request: Request) -> str:
    return request.query_params.get("includeObject") or "Metadata"


def _json(
    document: JsonObject, code: int = 200, warning: str = "", media_type: str = "application/json"
) -> Response:
    headers = {"warning": f'{INCOMPLETE_WARNING}{_header_text(warning)}"'} if warning else None
    return Response(json.dumps(document, separators=(",", ":")), code, headers, media_type)


def _header_text(text: str) -> str:
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in text)
