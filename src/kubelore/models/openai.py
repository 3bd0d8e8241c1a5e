"""A client of any OpenAI-compatible /chat/completions endpoint."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence

import httpx

from kubelore.errors import ModelError, UsageError
from kubelore.models import failures
from kubelore.models.failures import Refused, TryAgain
from kubelore.models.stream import read_answer, read_events
from kubelore.models.wording import Wording
from kubelore.types import Completion, JsonObject, Message

DEFAULT_BASE_URL = "https://api.openai.com/v1"
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 120.0
"""A server that says nothing for this long has hung; a local model may take long to its first word."""
ATTEMPTS = 6
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0
"""Seconds between attempts, doubled each time."""


class OpenAIChat:
    """One model of one endpoint, for one thread at a time; `close` it.

    What the server does not support (JSON schema, token counts, names of parameters) is found out by its
    first answers and remembered.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str = DEFAULT_BASE_URL,
        api_key: str = "",
        seconds: float = 180.0,
        on_text: Callable[[str], None] | None = None,
    ) -> None:
        """`seconds` bound one answer with all its attempts; `on_text` hears pieces of it as they arrive.
        Raises UsageError for a base URL or a key that cannot be one."""
        self._model = model
        self._base_url = checked_url(base_url)
        key = checked_key(api_key)
        self._has_key = bool(key)
        self._seconds = seconds
        self._on_text = on_text
        self._wording = Wording()
        self._http = httpx.Client(headers={"Authorization": f"Bearer {key}"} if key else {})

    @property
    def model(self) -> str:
        return self._model

    def close(self) -> None:
        self._http.close()

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: JsonObject | None = None,
        max_tokens: int = 1024,
        deadline: float | None = None,
    ) -> Completion:
        """See `protocols.ChatModel`. The ModelError says what is wrong and what to do."""
        until = time.monotonic() + self._seconds
        until = until if deadline is None else min(until, deadline)
        attempt = 0
        while True:
            try:
                return self._ask(messages, schema, max_tokens, until)
            except TryAgain as failure:
                attempt += 1
                pause = backoff(attempt) if failure.wait is None else failure.wait
                if attempt >= (failure.attempts or ATTEMPTS):
                    raise ModelError(f"{failure} ({attempt} attempts)", hint=failure.hint) from None
                if time.monotonic() + pause >= until:
                    raise ModelError(f"{failure} (no time is left to try again)", hint=failure.hint) from None
                time.sleep(pause)

    def models(self) -> list[str]:
        """Names of the models the server has. Raises ModelError."""
        try:
            response = self._http.get(f"{self._base_url}/models", timeout=CONNECT_SECONDS)
            if response.status_code != 200:
                raise Refused.of(response)
            return sorted(str(entry["id"]) for entry in response.json()["data"] or ())
        except Refused as refusal:
            raise self._explained(refusal) from None
        except httpx.HTTPError as error:
            raise failures.explain_transport(error, self._base_url) from None
        except (ValueError, KeyError, TypeError):
            raise ModelError(f"{self._base_url}/models did not answer with a list of models") from None

    def _ask(
        self, messages: Sequence[Message], schema: JsonObject | None, max_tokens: int, until: float
    ) -> Completion:
        """One answer; when the server refuses how the request is worded, it is worded more simply."""
        wording: Wording | None = self._wording
        while wording is not None:
            try:
                completion = self._send(wording.body(self._model, messages, schema, max_tokens), until)
            except Refused as refusal:
                refused, wording = refusal, wording.without(refusal, with_schema=schema is not None)
            except httpx.HTTPError as error:
                raise failures.explain_transport(error, self._base_url) from None
            else:
                self._wording = wording
                return completion
        if refused.names_model():
            raise failures.no_such_model(self._base_url, self._model, self._models_if_told())
        raise self._explained(refused)

    def _send(self, body: JsonObject, until: float) -> Completion:
        silence = max(0.05, min(SILENCE_SECONDS, until - time.monotonic()))
        timeout = httpx.Timeout(silence, connect=min(CONNECT_SECONDS, silence))
        url = f"{self._base_url}/chat/completions"
        with self._http.stream("POST", url, json=body, timeout=timeout) as response:
            if response.status_code != 200:
                response.read()
                raise Refused.of(response)
            if "event-stream" not in response.headers.get("content-type", ""):
                return read_answer("\n".join(_within(response.iter_lines(), until)))
            return read_events(_within(response.iter_lines(), until), self._on_text)

    def _explained(self, refusal: Refused) -> ModelError:
        return failures.explain(refusal, self._base_url, self._model, has_key=self._has_key)

    def _models_if_told(self) -> list[str]:
        try:
            return self.models()
        except ModelError:
            return []


def checked_key(api_key: str) -> str:
    """Raises UsageError when it cannot be one."""
    key = api_key.strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UsageError("the API key holds characters that no key has", hint="check OPENAI_API_KEY")
    return key


def checked_url(base_url: str) -> str:
    """Without a slash at its end. Raises UsageError when it cannot be one."""
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError):
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        hint = "e.g. http://localhost:11434/v1"
        raise UsageError(f"{base_url!r} is not the URL of a model endpoint", hint=hint)
    return base_url.rstrip("/")


def backoff(attempt: int) -> float:
    """Seconds to wait before the next attempt."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
    return random.uniform(longest / 2, longest)  # noqa: S311 (spreads clients, hides nothing)


def _within(lines: Iterator[str], until: float) -> Iterator[str]:
    """Lines until the deadline; a server that trickles does not get past it."""
    for line in lines:
        if time.monotonic() > until:
            raise TryAgain("the model took too long to answer")
        yield line
