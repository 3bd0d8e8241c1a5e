"""A cluster as far as texts have shown it: what was collected so far, merged, behind `protocols.Cluster`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from kubelore.cluster import kinds
from kubelore.cluster.snapshot.model import blank_secret
from kubelore.cluster.text.describe import describe, is_description
from kubelore.cluster.text.documents import is_documents, is_live, read_documents
from kubelore.cluster.text.infer import complete
from kubelore.cluster.text.merge import Partial, Source, merge
from kubelore.cluster.text.tables import EVENT_COLUMNS, objects, read_tables
from kubelore.errors import NotReadable, NotServed
from kubelore.types import ClusterInfo, JsonObject, NotChecked

Form = Literal["table", "description", "documents", "empty", "error", "unknown"]

_NOTHING = "No resources found"
_ERRORS = ("Error from server", "error:", "Error:", "Unable to connect", "The connection to the server")
_GONE = re.compile(r"\(NotFound\): (\S+) \"([^\"]+)\" not found")


@dataclass(frozen=True, slots=True)
class Added:
    """What one text was and gave. `problem` says what of it could not be read, "" when all could."""

    form: Form
    objects: int = 0
    problem: str = ""


class Collected:
    """Grows by `add`, `add_objects` and `add_log`; never reads anything itself.

    `namespace` is the one that is investigated: a list of a namespaced kind is complete for it when it was
    collected there. A new `View` is needed after each addition, for a View never looks twice.
    """

    def __init__(self, now: datetime, namespace: str, *, context: str = "text", version: str = "") -> None:
        """`now` is when the texts were printed, with its offset: ages count back from it."""
        if now.tzinfo is None:
            raise ValueError("the time of collection has no offset")
        self.info = ClusterInfo(context, version, "kubectl text", now, namespace=namespace)
        self._namespace = namespace
        self._views: list[Partial] = []
        self._listed: set[str] = set()
        self._logs: dict[tuple[str, str, str, bool], str] = {}
        self._gone: set[tuple[str, str, str]] = set()
        self._problems: dict[str, str] = {}
        self._lists: dict[str, list[JsonObject]] | None = None

    # -- additions -------------------------------------------------------------------------------
    def add(self, kind: str, text: str, *, namespace: str | None = None, whole_list: bool = False) -> Added:
        """One answer about objects of a kind: a table, descriptions, YAML, or kubectl's word for nothing.

        `kind` is any name kubectl takes. `namespace` is where was asked (by default the one investigated).
        `whole_list`: this answers an unfiltered list, so that what it does not show is not there. Never
        raises: what could not be read is in `problem`, and in `not_checked` where a list was asked for.
        """
        where = self._namespace if namespace is None else namespace
        form, views, problem = self._read(kind, text, where)
        self._views += views
        self._gone |= {
            (_key(match[1]), where, match[2]) for match in _GONE.finditer(text if form == "error" else "")
        }
        self._lists = None
        if whole_list:
            self._note_list(kind, where, problem)
        return Added(form, len(views), problem)

    def add_objects(
        self, items: Iterable[JsonObject], source: Source = Source.TABLE, *, whole_list: str = ""
    ) -> None:
        """Objects that are read already, in part unless `source` says more. `whole_list` names the kind of
        which they are all."""
        self._views += [(source, blank_secret(o) if o.get("kind") == "Secret" else o) for o in items]
        self._lists = None
        if whole_list:
            self._note_list(whole_list, self._namespace, "")

    def add_log(self, namespace: str, pod: str, container: str, text: str, *, previous: bool = False) -> None:
        """A log. `container` is "" where it is not known: it stands for any of the pod's then."""
        self._logs[namespace, pod, container, previous] = text

    def _read(self, kind: str, text: str, namespace: str) -> tuple[Form, list[Partial], str]:
        plain = text.strip()
        if not plain or plain.startswith(_NOTHING):
            return "empty", [], ""
        if plain.startswith(_ERRORS):
            return "error", [], "" if _GONE.search(plain) else " ".join(plain.split())[:300]
        if is_description(text):
            views = describe(kind, text, namespace, self.info.now)
            return "description", views, "" if views else "not a description"
        if is_documents(text):
            found, problems = read_documents(text, namespace)
            return (
                "documents",
                [(Source.LIVE if is_live(o) else Source.MANIFEST, o) for o in found],
                "; ".join(problems),
            )
        return self._read_tables(kind, text, namespace)

    def _read_tables(self, kind: str, text: str, namespace: str) -> tuple[Form, list[Partial], str]:
        tables = read_tables(text)
        if not any(table.rows for table in tables):
            return "unknown", [], "not a table, a description or YAML"
        views: list[Partial] = []
        problems = []
        for table in tables:
            named = "events" if table.columns[: len(EVENT_COLUMNS)] == EVENT_COLUMNS else kind
            views += [(Source.TABLE, o) for o in objects(named, table.rows, namespace, self.info.now)]
            if table.cut:
                problems.append("only its last lines were shown")
            if table.unread:
                problems.append(f"{table.unread} lines fit no column")
        return "table", views, "; ".join(problems)

    def _note_list(self, kind: str, namespace: str, problem: str) -> None:
        found = kinds.find(kind)
        key = _key(kind)
        if found and found.namespaced and namespace not in (self._namespace, ""):
            key = f"{key} in {namespace}"
        if problem:
            self._problems[key] = problem
        else:
            self._problems.pop(key, None)
            self._listed.add(key)

    # -- protocols.Cluster -------------------------------------------------------------------------
    def list(self, kind: str) -> Sequence[JsonObject]:
        """Merged objects of all namespaces that were seen. What only a manifest names is taken to be there
        unless a list or kubectl has shown that it is not."""
        if self._lists is None:
            self._lists = {}
            for obj in complete(merge(self._existing())):
                self._lists.setdefault(_key(obj["kind"]), []).append(obj)
        return tuple(self._lists.get(_key(kind), ()))

    def _existing(self) -> Iterable[Partial]:
        seen = {_place(obj) for source, obj in self._views if source > Source.MANIFEST}
        for source, obj in self._views:
            place = _place(obj)
            listed = place[0] in self._listed and place[1] in ("", self._namespace)
            if place in seen or not (listed or place in self._gone):
                yield source, obj

    def readable(self, kind: str) -> bool:
        """Whether all objects of the kind in the namespace were listed; for pods, with their labels too,
        because what selects pods can only be told by these."""
        key = _key(kind)
        if key not in self._listed or key in self._problems:
            return False
        return key != "pods" or self._pod_labels_known()

    def _pod_labels_known(self) -> bool:
        pods: dict[str, bool] = {}
        for _, obj in self._views:
            key, namespace, name = _place(obj)
            if key == "pods" and namespace == self._namespace:
                pods[name] = pods.get(name, False) or "labels" in obj["metadata"]
        return all(pods.values())

    def sources(self, kind: str, namespace: str, name: str) -> frozenset[Source]:
        """From what the object is known. Settings that only a table or a mention stands behind are partial:
        that a limit is not there says nothing then."""
        place = (_key(kind), namespace, name)
        return frozenset(source for source, obj in self._views if _place(obj) == place)

    def prefetch(self, kinds: Iterable[str]) -> None:
        """Nothing is fetched here."""

    def logs(
        self, namespace: str, pod: str, container: str, *, previous: bool = False, tail: int = 1000
    ) -> str:
        for name in (container, ""):
            text = self._logs.get((namespace, pod, name, previous))
            if text is not None:
                return "\n".join(text.splitlines()[-tail:])
        raise NotReadable(f"no log of {namespace}/{pod}/{container} was collected")

    def metrics(self, kind: str) -> Sequence[JsonObject]:
        return ()

    def not_checked(self) -> tuple[NotChecked, ...]:
        return tuple(NotChecked(what, why) for what, why in sorted(self._problems.items()))

    def raw(self, path: str, *, accept: str = "application/json") -> bytes:
        raise NotServed(f"collected text does not serve {path} as {accept}")

    def close(self) -> None:
        """Holds nothing but memory."""


def _place(obj: JsonObject) -> tuple[str, str, str]:
    metadata = obj["metadata"]
    return _key(str(obj["kind"])), metadata.get("namespace") or "", str(metadata["name"])


def _key(kind: str) -> str:
    found = kinds.find(kind)
    return found.resource if found else kind.strip().lower()
