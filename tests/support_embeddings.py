"""A small server that speaks the OpenAI embeddings API on loopback.

A text's embedding counts its letters a, b, c; `answer` may make another answer of the usual one.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Answer = Callable[[dict[str, Any], dict[str, Any]], Response]
"""From the request and the usual answer."""


def usual(request: dict[str, Any], answer: dict[str, Any]) -> Response:
    return JSONResponse(answer)


class EmbeddingsServer:
    def __init__(self, answer: Answer = usual, *, key: str = "") -> None:
        self._answer = answer
        self._key = key
        self.requests: list[dict[str, Any]] = []
        app = Starlette(routes=[Route("/v1/embeddings", self._embed, methods=["POST"])])
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> EmbeddingsServer:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}/v1"

    async def _embed(self, request: Request) -> Response:
        body = json.loads(await request.body())
        self.requests.append(body)
        if self._key and request.headers.get("authorization") != f"Bearer {self._key}":
            return JSONResponse({"error": {"message": "Incorrect API key provided"}}, status_code=401)
        rows = [
            {"index": number, "embedding": [text.count(letter) for letter in "abc"]}
            for number, text in enumerate(body["input"])
        ]
        return self._answer(body, {"object": "list", "data": rows[::-1]})
