"""GET requests to a Kubernetes API: pages, bounded retries, and errors by their meaning."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio
import httpx

from kubelore.errors import (
    ClusterError,
    CredentialsRejected,
    Forbidden,
    NotReadable,
    NotServed,
    Unreachable,
)
from kubelore.types import JsonObject

PAGE = 500
RETRIED = frozenset({429, 500, 502, 503, 504})
CONCURRENCY = 8
INCOMPLETE_WARNING = '299 kubelore "'
"""How the snapshot app says that a list it returns is not complete."""


class Expired(NotReadable):
    """The list changed too much while it was read in pages (410)."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient to be. Seconds; `attempts` counts the first try."""

    timeout: float = 30.0
    attempts: int = 4
    backoff: float = 0.25
    longest_wait: float = 10.0


@dataclass(frozen=True, slots=True)
class Read:
    """A list as far as it could be read. `problem` is "" exactly when it is complete."""

    items: list[JsonObject]
    problem: str = ""


DEFAULT_POLICY = Policy()


class Api:
    """One API server. Used on one event loop; does not own the client."""

    def __init__(self, client: httpx.AsyncClient, policy: Policy) -> None:
        self._client, self._policy = client, policy
        self._slots = anyio.Semaphore(CONCURRENCY)
        self._answered = False
        self._unreachable = ""

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        accept: str = "application/json",
    ) -> httpx.Response:
        """Raises Unreachable, CredentialsRejected, or a NotReadable that says why."""
        async with self._slots:
            for attempt in range(1, self._policy.attempts + 1):
                if self._unreachable and not self._answered:
                    raise Unreachable(self._unreachable)
                asked = 0.0
                try:
                    response = await self._client.get(
                        path,
                        params=dict(params) if params else None,
                        headers={"accept": accept},
                        timeout=self._policy.timeout,
                    )
                except httpx.InvalidURL as error:
                    raise NotReadable(f"{path[:200]} is not a path that can be asked for: {error}") from error
                except httpx.TimeoutException:
                    problem = f"no answer within {self._policy.timeout:g} s"
                    if attempt > 1:
                        break
                except httpx.HTTPError as error:
                    problem = f"connection failed ({error or type(error).__name__})"
                else:
                    if response.status_code not in RETRIED:
                        self._answered = True
                        return _checked(response)
                    problem = f"{response.status_code}: {status_message(response)}"
                    asked = _retry_after(response)
                if attempt < self._policy.attempts:
                    await anyio.sleep(self._pause(attempt, asked))
        return self._give_up(problem)

    def _pause(self, attempt: int, asked: float) -> float:
        jitter = random.uniform(0.5, 1.0)  # noqa: S311  spreads retries, guards nothing
        own: float = self._policy.backoff * 2 ** (attempt - 1) * jitter
        return min(self._policy.longest_wait, max(asked, own))

    def _give_up(self, problem: str) -> httpx.Response:
        if self._answered:
            raise NotReadable(problem)
        self._unreachable = f"the API server did not answer: {problem}"
        raise Unreachable(self._unreachable)

    async def list(self, path: str) -> Read:
        """All pages of a list. A list that breaks off keeps what was read and says so."""
        try:
            return await self._pages(path)
        except Expired:
            try:
                return await self._pages(path)
            except Expired as error:
                return Read([], str(error))

    async def _pages(self, path: str) -> Read:
        items: list[JsonObject] = []
        problem, token = "", ""
        while True:
            params = {"limit": str(PAGE)} | ({"continue": token} if token else {})
            try:
                response = await self.get(path, params)
                page = json_of(response)
            except (Expired, CredentialsRejected):
                raise
            except ClusterError as error:
                if not items:
                    raise
                return Read(items, f"breaks off after {len(items)} objects: {error}")
            items += _stamped(page)
            problem = problem or _warning(response)
            token = (page.get("metadata") or {}).get("continue") or ""
            if not token:
                return Read(items, problem)


def json_of(response: httpx.Response) -> JsonObject:
    try:
        document = response.json()
    except ValueError as error:
        raise NotReadable(f"the answer is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise NotReadable("the answer is not a Kubernetes object")
    return document


def status_message(response: httpx.Response) -> str:
    """The message of a Kubernetes Status, else the start of the body on one line."""
    try:
        document: Any = json.loads(response.content)
    except ValueError:
        document = None
    if isinstance(document, dict) and document.get("message"):
        return str(document["message"])
    text = response.content[:200].decode(errors="replace")
    return " ".join(text.split()) or response.reason_phrase


def _checked(response: httpx.Response) -> httpx.Response:
    code = response.status_code
    if code < 400:
        return response
    message = status_message(response)
    match code:
        case 401:
            raise CredentialsRejected(f"the API server did not accept the credentials (401): {message}")
        case 403:
            raise Forbidden(message)
        case 404:
            raise NotServed(message)
        case 410:
            raise Expired(f"the list changed while it was read (410): {message}")
    raise NotReadable(f"{code}: {message}")


def _stamped(page: JsonObject) -> list[JsonObject]:
    """Items with the kind and apiVersion that only their list carries."""
    kind = str(page.get("kind") or "").removesuffix("List")
    items = [item for item in page.get("items") or () if isinstance(item, dict)]
    for item in items:
        item.setdefault("kind", kind)
        item.setdefault("apiVersion", str(page.get("apiVersion") or ""))
    return items


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else 0.0


def _warning(response: httpx.Response) -> str:
    for value in response.headers.get_list("warning"):
        if value.startswith(INCOMPLETE_WARNING):
            return str(value.removeprefix(INCOMPLETE_WARNING).removesuffix('"'))
    return ""
