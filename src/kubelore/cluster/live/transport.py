"""HTTP over the proxy's socket, with kubectl's own failures told from the API server's answers."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from kubelore.cluster.live.kubectl import failure, plain
from kubelore.cluster.live.proxy import Proxy
from kubelore.errors import Unreachable


class ProxyTransport(httpx.AsyncBaseTransport):
    """Sends requests through a `kubectl proxy`, which it owns: closing the transport ends it.

    What the API server answers is passed on as it is. Where kubectl failed, raises CredentialsRejected
    (credential plugin, expired login), or httpx.ConnectError with kubectl's words (connection, TLS),
    which callers may try again.
    """

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.date: datetime | None = None
        """Clock of the API server at its last answer."""
        self._inner = httpx.AsyncHTTPTransport(uds=str(proxy.socket))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = await self._inner.handle_async_request(request)
        except httpx.TimeoutException as late:
            if said := self._proxy.said():
                raise httpx.ReadTimeout(f"{late}; kubectl said: {said}") from late
            raise
        except httpx.TransportError as broken:
            if self._proxy.running:
                raise
            raise Unreachable(f"kubectl proxy has ended. {self._proxy.said()}".strip()) from broken
        if not from_kubectl(answer):
            self.date = read_date(answer)
            return answer
        body = b"".join([chunk async for chunk in answer.aiter_raw()])
        await answer.aclose()
        error = failure(self._proxy.explain(plain(body)))
        if isinstance(error, Unreachable):
            raise httpx.ConnectError(plain(body))
        raise error

    async def aclose(self) -> None:
        await self._inner.aclose()
        self._proxy.close()


def from_kubectl(answer: httpx.Response) -> bool:
    """Whether kubectl wrote this answer: its proxy reports its own failures as 500 in plain text.

    The API server's errors are JSON and, where it does answer in text, carry an Audit-Id.
    """
    plain_text = answer.headers.get("content-type", "").startswith("text/plain")
    return answer.status_code == 500 and plain_text and "audit-id" not in answer.headers


def read_date(answer: httpx.Response) -> datetime | None:
    """The Date header; None when it is absent or malformed."""
    try:
        return parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None
