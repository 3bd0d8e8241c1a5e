"""A small server that speaks the OpenAI chat API on loopback, with answers and failures to order.

`with ChatServer("text", Reply(status=429)) as server:` gives the replies in order, the last one for ever;
`server.requests` holds what was sent.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


@dataclass(frozen=True)
class Reply:
    """One answer. With `error` set it is a failure; `broken` ends the stream after half the text."""

    text: str = ""
    status: int = 200
    error: str = ""
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    broken: bool = False
    whole: bool = False
    usage: tuple[int, int] | None = (11, 7)
    finish: str = "stop"


Answer = str | Reply | Callable[[dict[str, Any]], str | Reply]


class ChatServer:
    def __init__(self, *answers: Answer, models: tuple[str, ...] = ("m",), key: str = "") -> None:
        self._answers = list(answers)
        self._models = models
        self._key = key
        self.requests: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        routes = [
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
            Route("/v1/models", self._list),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), host="127.0.0.1", port=0, log_level="critical", lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> ChatServer:
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
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/v1"

    async def _list(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": m, "object": "model"} for m in self._models]})

    async def _chat(self, request: Request) -> Response:
        raw = await request.body()
        self.bodies.append(raw)
        body = json.loads(raw)
        self.requests.append(body)
        if self._key and request.headers.get("authorization") != f"Bearer {self._key}":
            return _failure(401, "Incorrect API key provided", "invalid_api_key")
        if body["model"] not in self._models:
            return _failure(404, f"The model `{body['model']}` does not exist", "model_not_found")
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        reply = answer(body) if callable(answer) else answer
        return _respond(Reply(reply) if isinstance(reply, str) else reply)


def _respond(reply: Reply) -> Response:
    if reply.error or reply.status != 200:
        return _failure(reply.status, reply.error, reply.code, reply.headers)
    if reply.whole:
        message = {"role": "assistant", "content": reply.text}
        choice = {"index": 0, "message": message, "finish_reason": reply.finish}
        return JSONResponse({"choices": [choice], "usage": _usage(reply)})
    return StreamingResponse(_pieces(reply), media_type="text/event-stream")


def _failure(status: int, message: str, code: str = "", headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(
        {"error": {"message": message, "code": code}}, status_code=status, headers=dict(headers or {})
    )


def _usage(reply: Reply) -> dict[str, int] | None:
    if reply.usage is None:
        return None
    return {"prompt_tokens": reply.usage[0], "completion_tokens": reply.usage[1]}


async def _pieces(reply: Reply) -> AsyncIterator[str]:
    text = reply.text[: len(reply.text) // 2] if reply.broken else reply.text
    yield ": keep-alive\n\n"
    for at in range(0, len(text), 7):
        yield _event({"choices": [{"index": 0, "delta": {"content": text[at : at + 7]}}]})
    if reply.broken:
        return
    yield _event({"choices": [{"index": 0, "delta": {}, "finish_reason": reply.finish}]})
    if reply.usage is not None:
        yield _event({"choices": [], "usage": _usage(reply)})
    yield "data: [DONE]\n\n"


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"
