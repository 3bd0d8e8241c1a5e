"""Lists that a recording spreads over many files, one namespace each, put together again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from kubelore.cluster import kinds
from kubelore.cluster.kinds import Kind
from kubelore.cluster.snapshot import objects
from kubelore.cluster.snapshot.files import Files
from kubelore.cluster.snapshot.model import Listing
from kubelore.errors import SnapshotError
from kubelore.types import JsonObject

SUFFIXES = (".json", ".yaml", ".yml")


def stem(name: str) -> str:
    """A file's name without .json, .yaml or .yml; "" when it has another ending."""
    return next((name.removesuffix(s) for s in SUFFIXES if name.endswith(s)), "")


def kind_called(name: str) -> Kind | None:
    """The kind that a file or folder is named after: `pods`, `network-policy`, `pvcs`."""
    plain = name.replace("-", "")
    return kinds.find(plain) or kinds.find(plain.removesuffix("s"))


class Collector:
    """Gathers files by kind. A file that cannot be read makes its kind partial and is named in why."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._kinds: dict[str, Kind] = {}
        self._items: dict[str, list[JsonObject]] = {}
        self._problems: dict[str, list[str]] = {}

    def add(self, kind: Kind, path: str) -> None:
        items = self._items.setdefault(kind.resource, [])
        self._kinds.setdefault(kind.resource, kind)
        try:
            found, problem = objects.items_of(objects.parse(self._files.read(path), path), path)
        except SnapshotError as error:
            self.doubt(kind, str(error))
            return
        items += found
        if problem:
            self.doubt(kind, problem)

    def add_custom(self, resource: str, path: str) -> None:
        """A file of objects of a custom kind, which say themselves what they are."""
        plural, _, group = resource.partition(".")
        known = kinds.find_resource(group, plural)
        if known:
            self.add(known, path)
            return
        self.add(self._kinds.get(resource) or Kind(plural, group, "v1", plural, True), path)
        items = self._items[resource]
        if items:
            version = str(items[0].get("apiVersion") or "").rpartition("/")[2] or "v1"
            self._kinds[resource] = replace(
                self._kinds[resource],
                kind=str(items[0].get("kind") or plural),
                version=version,
                namespaced=any(item["metadata"].get("namespace") for item in items),
            )

    def doubt(self, kind: Kind, problem: str) -> None:
        self._problems.setdefault(kind.resource, []).append(problem)

    def listings(self) -> dict[str, Listing]:
        return {
            resource: objects.listing(
                self._kinds[resource], items, "; ".join(self._problems.get(resource, ())[:3])
            )
            for resource, items in self._items.items()
            if items or resource not in self._problems
        }

    def problems(self) -> dict[str, str]:
        """Why nothing at all is known of a kind."""
        known = self.listings().keys()
        return {r: "; ".join(p[:3]) for r, p in self._problems.items() if r not in known}


def recorded_at(listings: dict[str, Listing], source: Path) -> datetime:
    """About when it was recorded: the newest time in it, else the file's own."""
    newest = objects.latest_time(listings.values())
    if newest:
        return newest
    try:
        return datetime.fromtimestamp(source.stat().st_mtime, UTC)
    except OSError as error:
        raise SnapshotError(f"{source}: nothing in it says when it was recorded") from error
