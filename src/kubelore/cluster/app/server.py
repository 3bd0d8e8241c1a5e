"""The paths of the API and what answers them."""

from __future__ import annotations

import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kubelore.cluster.api import INCOMPLETE_WARNING
from kubelore.cluster.app import discovery, lists, logs
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
        self._snapshot = snapshot
        self._kinds: dict[tuple[str, str, str], Kind] = {
            (k.group, k.version, k.plural): k for k in snapshot.kinds()
        }

    async def answer(self, request: Request) -> Response:
        try:
            if request.method not in {"GET", "HEAD"}:
                raise ApiError(
                    405, "MethodNotAllowed", "this is a recording of a cluster: it can only be read"
                )
            return self._get(request)
        except ApiError as error:
            return _json(error.status(), error.code)

    def _get(self, request: Request) -> Response:
        path = request.url.path.strip("/")
        document = discovery.document(
            path, self._snapshot, self._kinds.values(), request.headers.get("accept", "")
        )
        if document is not None:
            return _json(document)
        parts = path.split("/")
        match parts:
            case ["api", version, *rest]:
                return self._resource("", version, rest, request)
            case ["apis", group, version, *rest]:
                return self._resource(group, version, rest, request)
        raise no_such_path()

    def _resource(self, group: str, version: str, rest: list[str], request: Request) -> Response:
        namespace = ""
        # /namespaces/NAME is the object itself; /namespaces/NAME/PLURAL lists within it
        if rest[:1] == ["namespaces"] and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        kind = self._kinds.get((group, version, rest[0])) if rest else None
        if kind is None or (namespace and not kind.namespaced):
            raise no_such_path()
        query = dict(request.query_params)
        match rest[1:]:
            case []:
                page = lists.list_page(self._snapshot, kind, namespace, query)
                return _json(page.document(), warning=page.warning)
            case [name]:
                return _json(lists.get_object(self._snapshot, kind, namespace, name))
            case [name, "log"] if kind.resource == "pods":
                content = logs.read(self._snapshot, namespace, name, query)
                return Response(content, media_type="text/plain")
            case [name, "status"]:
                return _json(lists.get_object(self._snapshot, kind, namespace, name))
        raise no_such_path()


def _json(document: JsonObject, code: int = 200, warning: str = "") -> Response:
    headers = {"warning": f'{INCOMPLETE_WARNING}{_header_text(warning)}"'} if warning else None
    return Response(json.dumps(document, separators=(",", ":")), code, headers, media_type="application/json")


def _header_text(text: str) -> str:
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in text)
