"""How every part reads a cluster, live or recorded: each list once, concurrently where that helps."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import anyio
import anyio.to_thread
import httpx
from anyio.from_thread import start_blocking_portal

from kubelore.cluster import kinds
from kubelore.cluster.api import DEFAULT_POLICY, Api, Policy, Read, json_of
from kubelore.cluster.kinds import Kind
from kubelore.errors import Forbidden, NotReadable, NotServed
from kubelore.types import ClusterInfo, JsonObject, NotChecked

METRICS = "metrics.k8s.io"
MAX_LOG_BYTES = 16 * 1024**2

SecretLister = Callable[[], Read]
"""Lists Secrets without their values; raises NotReadable when it cannot."""


@dataclass(frozen=True, slots=True)
class _Listing:
    what: str
    read: Read
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Reader:
    """A `protocols.Cluster` over an HTTP client, which it owns and closes.

    Callers are synchronous and may be on any thread; requests run on one event loop in a thread of its
    own. Raises Unreachable while the server has never answered and CredentialsRejected on 401; whatever
    else cannot be read is listed by `not_checked`.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        info: ClusterInfo,
        *,
        namespaces: tuple[str, ...] = (),
        secrets: SecretLister | None = None,
        policy: Policy = DEFAULT_POLICY,
    ) -> None:
        """`namespaces` restricts lists of namespaced kinds. `secrets` replaces GETs of Secrets."""
        self.info = info
        self._namespaces, self._secrets = namespaces, secrets
        self._client = client
        self._lock = threading.Lock()
        self._lists: dict[str, Future[_Listing]] = {}
        self._texts: dict[tuple[str, ...], Future[str]] = {}
        self._problems: dict[str, str] = {}
        thread = ExitStack()
        self._portal = thread.enter_context(start_blocking_portal(name="kubelore-reader"))
        self._stop = weakref.finalize(self, thread.close)  # also at exit, where nobody closed it
        self._api = self._portal.call(Api, client, policy)
        self._discovering = self._portal.call(anyio.Lock)
        self._custom: Mapping[str, Kind] | None = None

    # -- lists -----------------------------------------------------------------------------------
    def list(self, kind: str) -> Sequence[JsonObject]:
        return self._start(kind).result().read.items

    def readable(self, kind: str) -> bool:
        return not self._start(kind).result().read.problem

    def prefetch(self, kinds: Iterable[str]) -> None:
        for started in [self._start(kind) for kind in kinds]:
            started.result()

    def age(self, kind: str) -> timedelta | None:
        """How long ago the list was read; None when it was not."""
        with self._lock:
            started = self._lists.get(_key(kind))
        if started is None or not started.done():
            return None
        return datetime.now(UTC) - started.result().at

    def resolve(self, name: str) -> Kind | None:
        """The kind that goes by this name, built in or custom; None when the server has none."""
        return kinds.find(name) or self._portal.call(self._custom_kinds).get(name.strip().lower())

    def _start(self, kind: str) -> Future[_Listing]:
        with self._lock:
            started: Future[_Listing] = self._started(self._lists, _key(kind), self._list, kind)
        return started

    def _started(self, cache: dict[Any, Any], key: Any, call: Any, *args: Any) -> Any:
        """The one request for `key`. A caller that comes later waits for the first one's answer."""
        if key not in cache:
            cache[key] = self._portal.start_task_soon(call, *args)
        return cache[key]

    async def _list(self, name: str) -> _Listing:
        kind = kinds.find(name)
        try:
            kind = kind or await self._find_custom(name)
            what = kind.resource
            read = await self._read_kind(kind)
        except NotReadable as error:
            what = kind.resource if kind else name
            read = Read([], str(error).removeprefix(f"{what}: "))
        if read.problem:
            self._problems[what] = read.problem
        return _Listing(what, read)

    async def _read_kind(self, kind: Kind) -> Read:
        if kind.resource == "secrets" and self._secrets:
            return await anyio.to_thread.run_sync(self._secrets)
        try:
            return await self._read_scope(kind)
        except NotServed:
            if kind.group == METRICS:
                raise
            other = await self._other_version(kind)
            return await self._read_scope(other) if other else Read([])

    async def _read_scope(self, kind: Kind) -> Read:
        if not kind.namespaced:
            return await self._api.list(kind.path())
        if self._namespaces:
            return _joined([await self._api.list(kind.path(ns)) for ns in self._namespaces])
        try:
            return await self._api.list(kind.path())
        except Forbidden as error:
            if not self.info.namespace:
                raise
            own = await self._api.list(kind.path(self.info.namespace))
            return Read(own.items, own.problem or f"only namespace {self.info.namespace}: {error}")

    # -- kinds that are not built in, and other versions of those that are -------------------------------
    async def _other_version(self, kind: Kind) -> Kind | None:
        """The same kind in the version this server prefers; None when the server has no such kind."""
        if not kind.group:
            return None
        for found in await self._group_kinds(kind.group):
            if found.plural == kind.plural and found.version != kind.version:
                return found
        return None

    async def _find_custom(self, name: str) -> Kind:
        found = (await self._custom_kinds()).get(name.strip().lower())
        if found is None:
            raise NotServed(f"the cluster has no kind of the name {name}")
        return found

    async def _custom_kinds(self) -> Mapping[str, Kind]:
        async with self._discovering:
            if self._custom is None:
                self._custom = await self._discover()
            return self._custom

    async def _discover(self) -> Mapping[str, Kind]:
        built_in = {kind.group for kind in kinds.BUILT_IN}
        groups = json_of(await self._api.get("/apis")).get("groups") or ()
        found = [
            kind
            for group in groups
            if group.get("name") not in built_in
            for kind in await self._group_kinds(str(group.get("name")))
        ]
        return kinds.index(found)

    async def _group_kinds(self, group: str) -> Sequence[Kind]:
        """The kinds of one API group in its preferred version; () when the server lacks the group."""
        try:
            about = json_of(await self._api.get(f"/apis/{group}"))
            version = str((about.get("preferredVersion") or {}).get("version") or "")
            resources = json_of(await self._api.get(f"/apis/{group}/{version}")).get("resources") or ()
        except NotReadable:
            return ()
        return [
            Kind(
                str(r.get("kind")),
                group,
                version,
                str(r.get("name")),
                bool(r.get("namespaced")),
                tuple(r.get("shortNames") or ()),
                tuple(r.get("categories") or ()),
            )
            for r in resources
            if "/" not in str(r.get("name")) and "list" in (r.get("verbs") or ())
        ]

    # -- everything else -------------------------------------------------------------------------
    def logs(
        self, namespace: str, pod: str, container: str, *, previous: bool = False, tail: int = 1000
    ) -> str:
        key = (namespace, pod, container, str(previous).lower(), str(tail))
        with self._lock:
            started: Future[str] = self._started(self._texts, key, self._log, *key)
        return started.result()

    async def _log(self, namespace: str, pod: str, container: str, previous: str, tail: str) -> str:
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}/log"
        params = {
            "container": container,
            "previous": previous,
            "tailLines": tail,
            "timestamps": "true",
            "limitBytes": str(MAX_LOG_BYTES),
        }
        try:
            response = await self._api.get(path, params, accept="*/*")
        except NotReadable as error:
            # A container that never ran has no log (400): that is an answer, and nothing is left unchecked.
            if not str(error).startswith("400:"):
                which = "previous log" if previous == "true" else "log"
                self._problems[f"{which} of {namespace}/{pod}/{container}"] = str(error)
            raise
        return response.content.decode(errors="replace")

    def metrics(self, kind: str) -> Sequence[JsonObject]:
        name = {"pod": "PodMetrics", "node": "NodeMetrics"}.get(kind.lower(), kind)
        return self.list(name)

    def not_checked(self) -> tuple[NotChecked, ...]:
        return tuple(NotChecked(what, why) for what, why in sorted(self._problems.items()))

    def raw(self, path: str, *, accept: str = "application/json") -> bytes:
        """GET of one API path, with its query if any. Raises ClusterError."""
        if not path.startswith("/") or path.startswith("//"):
            raise NotReadable(f"{path!r} is not a path of the API")
        return self._portal.call(self._raw, path, accept)

    async def _raw(self, path: str, accept: str) -> bytes:
        return (await self._api.get(path, accept=accept)).content

    # -- life ------------------------------------------------------------------------------------
    def close(self) -> None:
        """Ends running requests, closes the client and stops the thread. May be called twice."""
        if self._stop.alive:
            self._portal.call(self._client.aclose)
            self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _key(name: str) -> str:
    kind = kinds.find(name)
    return kind.resource if kind else name.strip().lower()


def _joined(parts: Sequence[Read]) -> Read:
    problems = [part.problem for part in parts if part.problem]
    return Read([item for part in parts for item in part.items], "; ".join(problems))
