"""The chat client against a real server on loopback: answers, failures, and what is remembered of them."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kubelore.errors import ModelError, UsageError
from kubelore.models.failures import retry_after
from kubelore.models.openai import OpenAIChat
from kubelore.types import Message, Usage
from support_openai import Answer, ChatServer, Reply

ASK = [Message("system", "Answer in JSON."), Message("user", "why?")]
SCHEMA: dict[str, Any] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


@contextmanager
def chat(*answers: Answer, model: str = "m", **server: Any) -> Iterator[tuple[OpenAIChat, ChatServer]]:
    with ChatServer(*answers, **server) as running:
        client = OpenAIChat(model, base_url=running.url, seconds=20)
        try:
            yield client, running
        finally:
            client.close()


def test_an_answer_is_streamed_and_its_tokens_are_counted() -> None:
    with ChatServer("hello there, this is an answer") as server:
        heard: list[str] = []
        client = OpenAIChat("m", base_url=server.url, on_text=heard.append)
        answer = client.complete(ASK, schema=SCHEMA, max_tokens=99)
        client.close()
    assert answer.text == "hello there, this is an answer"
    assert answer.usage == Usage(11, 7, 1)
    assert "".join(heard) == answer.text
    assert len(heard) > 1
    assert server.requests[0]["max_tokens"] == 99
    assert server.requests[0]["response_format"]["json_schema"]["schema"] == SCHEMA
    assert server.requests[0]["messages"][1] == {"role": "user", "content": "why?"}


def test_an_answer_that_comes_whole_or_uncounted_is_read() -> None:
    with chat(Reply("whole", whole=True, usage=None), Reply("cut", finish="length")) as (client, _):
        assert client.complete(ASK).text == "whole"
        assert client.complete(ASK).cut


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    busy = Reply(status=429, error="slow down", headers={"Retry-After": "0.3"})
    with chat(busy, Reply(status=503, error="overloaded"), "ok") as (client, server):
        started = time.monotonic()
        assert client.complete(ASK).text == "ok"
        assert time.monotonic() - started >= 0.3
        assert len(server.requests) == 3


def test_a_stream_that_breaks_off_is_asked_again() -> None:
    with chat(Reply("a long enough answer", broken=True), "a long enough answer") as (client, server):
        assert client.complete(ASK).text == "a long enough answer"
        assert len(server.requests) == 2


def test_no_attempt_goes_past_the_deadline() -> None:
    with chat(Reply(status=429, error="wait", headers={"Retry-After": "3600"})) as (client, server):
        with pytest.raises(ModelError, match=r"limiting requests.*no time is left"):
            client.complete(ASK)
        assert len(server.requests) == 1


def test_json_object_and_then_plain_text_serve_where_schemas_are_refused_and_are_remembered() -> None:
    def refuse(body: dict[str, Any]) -> str | Reply:
        wanted = body.get("response_format", {}).get("type", "text")
        return (
            "{}"
            if wanted == "text"
            else Reply(status=400, error=f"response_format {wanted} is not supported")
        )

    with chat(refuse) as (client, server):
        client.complete(ASK, schema=SCHEMA)
        client.complete(ASK, schema=SCHEMA)
        asked = [r.get("response_format", {}).get("type", "text") for r in server.requests]
        assert asked == ["json_schema", "json_object", "text", "text"]


def test_a_refusal_that_has_another_reason_does_not_change_how_requests_are_worded() -> None:
    answers: list[Answer] = [Reply(status=400, error="bad message")] * 3
    with chat(*answers, "{}") as (client, server):
        with pytest.raises(ModelError, match=r"HTTP 400.*bad message"):
            client.complete(ASK, schema=SCHEMA)
        client.complete(ASK, schema=SCHEMA)
        assert server.requests[-1]["response_format"]["type"] == "json_schema"


def test_names_of_parameters_follow_what_the_server_wants() -> None:
    def strict(body: dict[str, Any]) -> str | Reply:
        if "max_tokens" in body:
            return Reply(
                status=400, error="Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'."
            )
        if "temperature" in body:
            return Reply(status=400, error="Unsupported value: 'temperature' does not support 0")
        if "stream_options" in body:
            return Reply(status=400, error="Unrecognized request argument: stream_options")
        return "ok"

    with chat(strict) as (client, server):
        assert client.complete(ASK, max_tokens=5).text == "ok"
        assert server.requests[-1]["max_completion_tokens"] == 5


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (
            Reply(status=429, error="You exceeded your current quota", code="insufficient_quota"),
            "no quota left",
        ),
        (Reply(status=400, error="This model's maximum context length is 8192 tokens"), "too long"),
        (Reply("x", finish="content_filter"), "content filter"),
        (Reply(status=307, error="x", headers={"Location": "https://elsewhere/v1"}), "redirects to"),
        (Reply(status=404, error="page missing"), "no /chat/completions"),
    ],
)
def test_what_waiting_does_not_heal_is_said_at_once(reply: Reply, message: str) -> None:
    with chat(reply) as (client, server):
        with pytest.raises(ModelError, match=message):
            client.complete(ASK, schema=SCHEMA)
        assert len(server.requests) == 1


def test_a_wrong_model_is_answered_with_those_the_server_has() -> None:
    told = "has no model qwen-3; it has: qwen3, llama-3"
    server = chat("x", model="qwen-3", models=("llama-3", "qwen3"))
    with server as (client, _), pytest.raises(ModelError, match=told):
        client.complete(ASK, schema=SCHEMA)


def test_a_missing_and_a_wrong_key_are_told_apart() -> None:
    with chat("x", key="right") as (client, _), pytest.raises(ModelError, match="none is set"):
        client.complete(ASK)
    with ChatServer("x", key="right") as server:
        client = OpenAIChat("m", base_url=server.url, api_key="wrong-key")
        with pytest.raises(ModelError, match="did not accept the API key") as caught:
            client.complete(ASK)
        client.close()
    assert "wrong-key" not in str(caught.value)


def test_a_server_that_is_not_there_is_named_soon() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        client = OpenAIChat("m", base_url=url)
        started = time.monotonic()
        with pytest.raises(ModelError, match="nothing answers at") as caught:
            client.complete(ASK)
        client.close()
    assert time.monotonic() - started < 10
    assert "running" in caught.value.hint


def test_tls_spoken_to_a_plain_server_is_explained() -> None:
    with ChatServer("x") as server:
        client = OpenAIChat("m", base_url=server.url.replace("http://", "https://"))
        with pytest.raises(ModelError, match="does not speak TLS"):
            client.complete(ASK)
        client.close()


@pytest.mark.parametrize("url", ["", "localhost:11434", "ftp://x/v1", "http://", "http://[::1"])
def test_what_is_no_url_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="not the URL"):
        OpenAIChat("m", base_url=url)


@pytest.mark.parametrize("key", ["two words", "käse", "a\nb"])
def test_what_is_no_key_is_a_usage_error(key: str) -> None:
    with pytest.raises(UsageError, match="API key"):
        OpenAIChat("m", api_key=key)


def test_retry_after_is_read_as_seconds_and_as_a_date() -> None:
    assert retry_after("2.5") == 2.5
    assert retry_after("Thu, 01 Jan 1970 00:00:00 GMT") == 0.0
    assert retry_after("soon") is None
    assert retry_after(None) is None
