"""Where documents come from: one module for each form a source may have.

Each finds documents one by one, says what it skips and why, and holds no more than one of them at a time.
Start at `open_source`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from kubelore.errors import UsageError
from kubelore.knowledge.ingest.page import Found, Page, Skipped, Source, Unreadable
from kubelore.knowledge.ingest.readers import suffix
from kubelore.knowledge.ingest.sources.archive import OTHERS, Archive, is_archive
from kubelore.knowledge.ingest.sources.files import JSON, NO_DUMP, PROBE, XML, one
from kubelore.knowledge.ingest.sources.folder import Folder
from kubelore.knowledge.ingest.sources.issues import Issues
from kubelore.knowledge.ingest.sources.limits import MAX_DOCUMENT, MAX_HELD, MIB, read_all
from kubelore.knowledge.ingest.sources.posts import Posts, is_posts
from kubelore.knowledge.ingest.sources.site import Site, stack_exchange

STDIN = "-"
"""As a path: what is piped in."""
STDIN_NAME = "stdin"
"""Of the source, unless it is given one."""


class Pages:
    """Pages made by kubelore itself, such as the patterns, by name."""

    whole = True

    def __init__(self, name: str, pages: Sequence[tuple[str, Page]]) -> None:
        self.name = name
        self.progress = (0, len(pages))
        self._pages = pages

    def __iter__(self) -> Iterator[Found | Skipped]:
        for done, (name, page) in enumerate(self._pages):
            self.progress = (done, len(self._pages))
            yield Found(name, sha256(repr(page).encode()).hexdigest(), partial(_given, page))
        self.progress = (len(self._pages), len(self._pages))


def _given(page: Page) -> Page:
    return page


class Nameless:
    """What is piped in without a name: it does not say that what was piped in before is gone."""

    whole = False

    def __init__(self, source: Source) -> None:
        self._source = source
        self.name = STDIN_NAME

    @property
    def progress(self) -> tuple[int, int]:
        return self._source.progress

    def __iter__(self) -> Iterator[Found | Skipped | None]:
        return iter(self._source)


class Single:
    """One document. Others of the same source are left alone: it does not say that they are gone."""

    whole = False

    def __init__(self, file: BinaryIO, name: str, document: str, base: str = "") -> None:
        self.name = name
        self.progress = (0, 1)
        self._file = file
        self._document = document
        self._base = base

    def __iter__(self) -> Iterator[Found | Skipped]:
        try:
            content = read_all(self._file, MAX_DOCUMENT)
        except Unreadable as error:
            yield Skipped(self._document, str(error))
            return
        if suffix(self._document) == XML:
            yield Skipped(self._document, NO_DUMP)
            return
        document = self._document or f"stdin-{sha256(content).hexdigest()[:12]}"
        yield one(document, content, Site(self._base, whole_url=True))
        self.progress = (1, 1)


@contextmanager
def open_source(path: Path, name: str = "", base: str = "") -> Iterator[Source]:
    """The source at a path, or piped in. `name` is what it is called, by default its full path, and `base`
    the address of what is in it. Raises UsageError when there is none."""
    if str(path) == STDIN:
        yield _of_pipe(_piped(), name, base)
    elif path.is_dir():
        yield Folder(path, name or str(path.resolve()), base)
    else:
        try:
            file = path.open("rb")
        except OSError as error:
            raise UsageError(
                f"{path}: {error.strerror}", hint="name a file, a folder or an archive"
            ) from error
        with file:
            if file.seekable():
                yield _of_file(file, name or str(path.resolve()), path.name, base, str(path.resolve()))
            else:  # a pipe that a shell has made
                yield _of_pipe(_seekable(file), name, base)


def _piped() -> BinaryIO:
    if sys.stdin is None:
        raise UsageError("nothing is piped in", hint="name a file, or pipe something into it")
    return _seekable(sys.stdin.buffer)


def _seekable(stream: BinaryIO) -> BinaryIO:
    """What comes out of a pipe, in memory: nothing lies on a disk, not even for a while, unless redacted."""
    if stream.seekable():
        return stream
    content = BytesIO()
    while chunk := stream.read(MIB):
        content.write(chunk)
        if content.tell() > MAX_HELD:
            raise UsageError(
                f"more than {MAX_HELD // MIB} MiB are piped in",
                hint="name it as a file: it is read from there, however large",
            )
    content.seek(0)
    return content


def _of_pipe(file: BinaryIO, name: str, base: str) -> Source:
    source = _of_file(file, name or STDIN_NAME, name, base, "")
    return source if name else Nameless(source)


def _of_file(file: BinaryIO, name: str, document: str, base: str, path: str) -> Source:
    head = file.read(PROBE)
    file.seek(0)
    if is_archive(head):
        return Archive(file, name, base)
    if head.startswith(OTHERS):
        raise UsageError(
            f"{name}: archives of this kind are not read", hint="unpack it, and add what is inside"
        )
    if is_posts(head):
        return Posts(file, name, base or stack_exchange(path))
    if suffix(document) in JSON or (not suffix(document) and head.lstrip()[:1] in (b"{", b"[")):
        try:
            return Issues(read_all(file, MAX_HELD), name)
        except Unreadable as error:
            raise UsageError(f"{name}: {error}", hint="cut it into several files") from error
    return Single(file, name, document, base)
