from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np
import pytest
from starlette.responses import JSONResponse, Response

from kubelore.errors import ModelError, UsageError
from kubelore.models.embeddings import LONGEST, TEXTS, OpenAIEmbedder
from support_embeddings import EmbeddingsServer


@contextmanager
def embedder(server: EmbeddingsServer, **options: Any) -> Iterator[OpenAIEmbedder]:
    with closing(OpenAIEmbedder("m", base_url=server.url, **options)) as made:
        yield made


def refused(
    status: int, message: str, **headers: str
) -> Callable[[dict[str, Any], dict[str, Any]], Response]:
    return lambda body, answer: JSONResponse({"error": {"message": message}}, status, headers)


def test_vectors_come_in_the_order_of_the_texts_with_unit_length() -> None:
    with EmbeddingsServer() as server, embedder(server) as made:
        vectors = made.embed(["aaa bbbb", "c", "", "ab"])
        assert made.dimension == 3
        assert made.name == "openai:m"
    assert np.allclose(vectors, [[0.6, 0.8, 0], [0, 0, 1], [0, 0, 0], [0.5**0.5, 0.5**0.5, 0]])


def test_many_texts_go_in_batches_and_empty_ones_not_at_all() -> None:
    with EmbeddingsServer() as server, embedder(server) as made:
        assert made.embed([*["a"] * (TEXTS + 5), " "]).shape == (TEXTS + 6, 3)
        assert [len(request["input"]) for request in server.requests] == [TEXTS, 5]
        assert made.embed([]).shape[0] == 0


def test_a_text_without_end_is_cut() -> None:
    with EmbeddingsServer() as server, embedder(server) as made:
        made.embed(["a" * (2 * LONGEST)])
        assert len(server.requests[-1]["input"][0]) == LONGEST


def test_a_busy_server_is_asked_again() -> None:
    left = [429, 503]

    def busy(body: dict[str, Any], answer: dict[str, Any]) -> Response:
        if left:
            return JSONResponse({"error": {"message": "slow down"}}, left.pop(), {"retry-after": "0"})
        return JSONResponse(answer)

    with EmbeddingsServer(busy) as server, embedder(server) as made:
        assert made.embed(["a"]).tolist() == [[1, 0, 0]]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (refused(404, "The model `m` does not exist"), "no model m"),
        (refused(404, "Not Found"), "/embeddings"),
        (refused(400, "bad input"), "bad input"),
        (lambda body, answer: Response("<html>"), "did not answer with embeddings"),
        (lambda body, answer: JSONResponse({"data": []}), "for each text"),
        (lambda body, answer: JSONResponse({"data": [{"embedding": "?"}]}), "did not answer with embeddings"),
        (
            lambda body, answer: JSONResponse({"data": [{"embedding": [1, 2]}, {"embedding": [1]}]}),
            "did not answer with embeddings",
        ),
    ],
)
def test_what_goes_wrong_is_said(answer: Any, message: str) -> None:
    with (
        EmbeddingsServer(answer) as server,
        embedder(server) as made,
        pytest.raises(ModelError, match=message),
    ):
        made.embed(["a"])


def test_a_dimension_that_changes_is_no_space() -> None:
    def growing(body: dict[str, Any], answer: dict[str, Any]) -> Response:
        size = 2 if body["input"] == ["a"] else 4
        return JSONResponse({"data": [{"embedding": [1.0] * size} for _ in body["input"]]})

    late = pytest.raises(ModelError, match="4 dimensions after 2")
    with EmbeddingsServer(growing) as server, embedder(server) as made, late:
        made.embed(["a"])
        made.embed(["b"])


def test_a_key_is_sent_and_a_wrong_one_explained() -> None:
    with EmbeddingsServer(key="right") as server:
        with embedder(server, api_key="right") as made:
            assert made.embed(["a"]).any()
        with embedder(server, api_key="wrong") as made, pytest.raises(ModelError, match="API key"):
            made.embed(["a"])


def test_nobody_there_is_said_in_time() -> None:
    with EmbeddingsServer() as server:
        url = server.url
    gone = pytest.raises(ModelError, match="nothing answers")
    with closing(OpenAIEmbedder("m", base_url=url, seconds=1)) as made, gone:
        made.embed(["a"])


def test_what_is_no_address_is_refused_at_once() -> None:
    with pytest.raises(UsageError):
        OpenAIEmbedder("m", base_url="not an address")
