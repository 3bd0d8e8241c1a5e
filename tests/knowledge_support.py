"""What tests of ingest share: a progress nobody watches, an embedder of letters, a pass over a path."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kubelore.knowledge.ingest.page import Found, Page, Skipped, Source, Unreadable
from kubelore.knowledge.ingest.pipeline import NO_LABELS, Ingest, Labels
from kubelore.knowledge.ingest.sources import open_source
from kubelore.knowledge.ingest.summary import Summary
from kubelore.protocols import KnowledgeStore
from kubelore.types import KnowledgeEntry

if TYPE_CHECKING:
    from kubelore.types import Vectors


class Unwatched:
    """A `protocols.Progress`."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, str]] = []

    def advance(self, done: int, total: int, what: str) -> None:
        self.seen.append((done, total, what))


class Letters:
    """A `protocols.Embedder`: how often each letter occurs."""

    name = "letters/1"
    dimension = 26

    def __init__(self) -> None:
        self.embedded = 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.embedded += len(texts)
        rows = [[text.lower().count(chr(97 + letter)) for letter in range(26)] for text in texts]
        counts = np.array(rows, dtype=np.float32).reshape(len(texts), 26)
        lengths = np.linalg.norm(counts, axis=1, keepdims=True)
        lengths[lengths == 0] = 1
        vectors: Vectors = counts / lengths
        return vectors


def add(
    store: KnowledgeStore, path: Path, name: str = "", url: str = "", labels: Labels = NO_LABELS
) -> Summary:
    """One pass over a path."""
    with open_source(path, name, url) as source:
        return Ingest(store, Letters(), labels).run(source, Unwatched())


def found(path: Path, url: str = "") -> tuple[dict[str, Page], dict[str, str]]:
    """The pages in a source by name, and why each other thing in it was skipped."""
    with open_source(path, "", url) as source:
        return pages(source)


def pages(source: Source) -> tuple[dict[str, Page], dict[str, str]]:
    read: dict[str, Page] = {}
    skipped: dict[str, str] = {}
    for item in source:
        if isinstance(item, Skipped):
            skipped[item.name] = item.why
        if not isinstance(item, Found):
            continue
        try:
            read[item.name] = _read(item)
        except Unreadable as error:
            skipped[item.name] = str(error)
    return read, skipped


def _read(item: Found) -> Page:
    return item.read()


def entries(store: KnowledgeStore) -> list[KnowledgeEntry]:
    return list(store.page(limit=10_000))


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Files below a folder, by their paths."""
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def tarred(path: Path, files: Mapping[str, str | bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def zipped(path: Path, files: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def row(**attributes: Any) -> str:
    """A row of a Stack Exchange dump."""
    from xml.sax.saxutils import quoteattr

    return "<row " + " ".join(f"{name}={quoteattr(str(value))}" for name, value in attributes.items()) + " />"


def dump(*rows: str) -> str:
    return '<?xml version="1.0" encoding="utf-8"?>\n<posts>\n  ' + "\n  ".join(rows) + "\n</posts>\n"


def as_json(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path


def raw_bytes(file: Path) -> Iterator[bytes]:
    """All that lies on disk of a database, its log too."""
    for part in file.parent.glob(f"{file.name}*"):
        yield part.read_bytes()
