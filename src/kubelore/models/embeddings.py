"""A client of any OpenAI-compatible /embeddings endpoint: `protocols.Embedder` over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from weakref import finalize

import httpx
import numpy as np

from kubelore.errors import ModelError
from kubelore.models import failures
from kubelore.models.failures import Refused, TryAgain
from kubelore.models.openai import DEFAULT_BASE_URL, backoff, checked_key, checked_url

if TYPE_CHECKING:
    from kubelore.types import Vectors

CONNECT_SECONDS = 10.0
TEXTS, LETTERS = 64, 200_000
"""Of one request."""
LONGEST = 20_000
"""Letters of one text; what is behind them is not embedded."""
ATTEMPTS = 6


class OpenAIEmbedder:
    """One model of one endpoint, for one thread at a time. Its dimension is what the server answers with
    first. Its connection is closed with it, or by `close`."""

    def __init__(
        self, model: str, *, base_url: str = DEFAULT_BASE_URL, api_key: str = "", seconds: float = 60.0
    ) -> None:
        """`seconds` bound one request with all its attempts. Raises UsageError for a base URL or a key that
        cannot be one."""
        self._model = model
        self._url = checked_url(base_url)
        key = checked_key(api_key)
        self._has_key = bool(key)
        self._seconds = seconds
        self._http = httpx.Client(headers={"Authorization": f"Bearer {key}"} if key else {})
        self._dimension = 0
        """0: no answer yet."""
        self.close = finalize(self, self._http.close)

    @property
    def name(self) -> str:
        """The server's address is no part of it: the same model may move."""
        return f"openai:{self._model}"

    @property
    def dimension(self) -> int:
        """Asked for with a word before the first answer. Raises ModelError."""
        if not self._dimension:
            self._request(["kubernetes"])
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `protocols.Embedder`. The ModelError says what is wrong and what to do."""
        said = [number for number, text in enumerate(texts) if text.strip()]
        found = [self._request([texts[n][:LONGEST] for n in batch]) for batch in _batches(said, texts)]
        vectors = np.zeros((len(texts), self.dimension if texts else 0), np.float32)
        if found:
            vectors[said] = np.concatenate(found)
        return vectors

    def _request(self, texts: Sequence[str]) -> Vectors:
        until = time.monotonic() + self._seconds
        attempt = 0
        while True:
            try:
                return self._send(texts, until)
            except TryAgain as failure:
                attempt += 1
                pause = backoff(attempt) if failure.wait is None else failure.wait
                if attempt >= (failure.attempts or ATTEMPTS):
                    raise ModelError(f"{failure} ({attempt} attempts)", hint=failure.hint) from None
                if time.monotonic() + pause >= until:
                    raise ModelError(f"{failure} (no time is left to try again)", hint=failure.hint) from None
                time.sleep(pause)

    def _send(self, texts: Sequence[str], until: float) -> Vectors:
        left = max(0.05, until - time.monotonic())
        body = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        try:
            response = self._http.post(
                f"{self._url}/embeddings",
                json=body,
                timeout=httpx.Timeout(left, connect=min(CONNECT_SECONDS, left)),
            )
            if response.status_code != 200:
                raise Refused.of(response)
        except Refused as refusal:
            if refusal.names_model():
                raise failures.no_such_model(self._url, self._model, []) from None
            raise failures.explain(
                refusal, self._url, self._model, has_key=self._has_key, path="/embeddings"
            ) from None
        except httpx.HTTPError as error:
            raise failures.explain_transport(error, self._url) from None
        return self._read(response, len(texts))

    def _read(self, response: httpx.Response, count: int) -> Vectors:
        """In the order of the texts, whatever the order of the answer."""
        try:
            rows = sorted(response.json()["data"], key=lambda row: row.get("index", 0))
            vectors = np.array([row["embedding"] for row in rows], np.float32)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ModelError(f"{self._url}/embeddings did not answer with embeddings") from None
        if vectors.ndim != 2 or len(vectors) != count or not np.isfinite(vectors).all():
            raise ModelError(f"{self._url}/embeddings did not answer with an embedding for each text")
        size = vectors.shape[1]
        self._dimension = self._dimension or size
        if size != self._dimension:
            raise ModelError(
                f"{self._url} gave {size} dimensions after {self._dimension}: is {self._model} one model?"
            )
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        length[length == 0] = 1
        unit: Vectors = vectors / length
        return unit


def _batches(numbers: Sequence[int], texts: Sequence[str]) -> Iterator[list[int]]:
    batch: list[int] = []
    letters = 0
    for number in numbers:
        size = min(LONGEST, len(texts[number]))
        if batch and (len(batch) == TEXTS or letters + size > LETTERS):
            yield batch
            batch, letters = [], 0
        batch.append(number)
        letters += size
    if batch:
        yield batch
