"""How a request is worded: the newest form first, simpler where a server refuses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from kubelore.models.failures import Refused
from kubelore.types import JsonObject, Message


@dataclass(frozen=True, slots=True)
class Wording:
    """What a server was found to support."""

    answer: Literal["json_schema", "json_object", "text"] = "json_schema"
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    counts_tokens: bool = True
    temperature: bool = True

    def body(
        self, model: str, messages: Sequence[Message], schema: JsonObject | None, max_tokens: int
    ) -> JsonObject:
        body: JsonObject = {
            "model": model,
            "messages": [{"role": m.role, "content": m.content} for m in messages],
            "stream": True,
            self.limit: max_tokens,
        }
        if self.temperature:
            body["temperature"] = 0
        if self.counts_tokens:
            body["stream_options"] = {"include_usage": True}
        if schema is not None and self.answer == "json_schema":
            wanted = {"name": "step", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": wanted}
        elif schema is not None and self.answer == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    def without(self, refusal: Refused, *, with_schema: bool) -> Wording | None:
        """A simpler wording after a refusal; None when the wording is not what was refused."""
        if refusal.status not in (400, 415, 422, 501) or refusal.names_model():
            return None
        if self.limit == "max_tokens" and refusal.says("max_completion_tokens"):
            return replace(self, limit="max_completion_tokens")
        if self.counts_tokens and refusal.says("stream_options", "include_usage"):
            return replace(self, counts_tokens=False)
        if self.temperature and refusal.says("temperature"):
            return replace(self, temperature=False)
        if refusal.says("context length", "context_length", "maximum context", "context window"):
            return None
        if with_schema and self.answer == "json_schema":
            return replace(self, answer="json_object")
        if with_schema and self.answer == "json_object":
            return replace(self, answer="text")
        return None
