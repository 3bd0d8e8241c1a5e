"""Reads the answer of a model, streamed as server-sent events or whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from kubelore.errors import ModelError
from kubelore.models.failures import Refused, TryAgain
from kubelore.types import Completion, Usage

MAX_ANSWER = 1_000_000
"""Characters; a model that goes on longer is cut off."""

BROKEN = "the model's answer cannot be read"


def read_answer(body: str) -> Completion:
    """An answer that came whole. Raises TryAgain, Refused, ModelError."""
    data = _load(body)
    if "error" in data:
        raise Refused.in_stream(data)
    choice = _choice(data)
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else None
    return _completion(text if isinstance(text, str) else "", choice.get("finish_reason"), data.get("usage"))


def read_events(lines: Iterable[str], on_text: Callable[[str], None] | None = None) -> Completion:
    """An answer in pieces; `on_text` hears each. Raises TryAgain when it breaks off, Refused, ModelError."""
    parts: list[str] = []
    length, finish, usage, done = 0, None, None, False
    for line in lines:
        if not line.startswith("data:"):
            continue  # comments, event names and blank lines
        payload = line[5:].strip()
        if payload == "[DONE]":
            done = True
            break
        data = _load(payload)
        if data.get("error"):
            raise Refused.in_stream(data)
        usage = data.get("usage") or usage
        choice = _choice(data)
        finish = choice.get("finish_reason") or finish
        delta = choice.get("delta")
        text = delta.get("content") if isinstance(delta, dict) else None
        if isinstance(text, str) and text:
            parts.append(text)
            length += len(text)
            if on_text is not None:
                on_text(text)
        if length > MAX_ANSWER:
            finish, done = "length", True
            break
    if not done and finish is None:
        raise TryAgain("the model's answer broke off")
    return _completion("".join(parts), finish, usage)


def _load(payload: str) -> dict[str, Any]:
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError):
        raise TryAgain(BROKEN) from None
    if not isinstance(data, dict):
        raise TryAgain(BROKEN)
    return data


def _choice(data: dict[str, Any]) -> dict[str, Any]:
    choices = data.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else {}
    return first if isinstance(first, dict) else {}


def _completion(text: str, finish: object, usage: object) -> Completion:
    if finish == "content_filter":
        raise ModelError("the model's content filter stopped the answer", hint="use another model")
    return Completion(text, _usage(usage), cut=finish == "length")


def _usage(raw: object) -> Usage | None:
    if not isinstance(raw, dict):
        return None
    taken, given = raw.get("prompt_tokens"), raw.get("completion_tokens")
    if not isinstance(taken, int) or not isinstance(given, int):
        return None
    return Usage(tokens_in=taken, tokens_out=given, calls=1)
