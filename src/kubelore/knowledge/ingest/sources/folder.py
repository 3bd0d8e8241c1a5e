"""A folder of documents and archives, which may be a git checkout of a documentation site."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from kubelore.errors import UsageError
from kubelore.knowledge.ingest.page import Found, Skipped
from kubelore.knowledge.ingest.sources.archive import Archive, is_archive
from kubelore.knowledge.ingest.sources.files import PROBE, documents, inside, named_archive, passed_over
from kubelore.knowledge.ingest.sources.limits import MAX_FILES
from kubelore.knowledge.ingest.sources.site import MAX_CONFIG, Site, checkout_of, commit_of, site_of

LINK = "a link out of the folder, to a folder or to nothing"
NO_ARCHIVE = "not the archive that its name says"
SPECIAL = "not a regular file"


class Folder:
    """Files are opened one at a time. Links are followed to files inside of the folder only."""

    whole = True

    def __init__(self, root: Path, name: str, base: str = "") -> None:
        self.name = name
        self.progress = (0, 0)
        self._root = root.resolve()
        self._base = base

    def __iter__(self) -> Iterator[Found | Skipped]:
        found: list[str] = []
        for item in self._walk():
            if isinstance(item, Skipped):
                yield item
            elif len(found) == MAX_FILES:
                raise UsageError(
                    f"{self._root}: more than {MAX_FILES} files", hint="add its folders one by one"
                )
            else:
                found.append(item)
        site = self._site()
        for done, path in enumerate(sorted(found)):
            self.progress = (done, len(found))
            if named_archive(path):
                yield from self._archive(path)
            else:
                yield from documents(path, partial(self._open, path), site)
        self.progress = (len(found), len(found))

    def _archive(self, path: str) -> Iterator[Found | Skipped]:
        """The documents in an archive. What it says of address, licence and commit is its own."""
        try:
            with self._open(path) as file:
                if is_archive(file.read(PROBE)):
                    yield from inside(path, Archive(file, path))
                else:
                    yield Skipped(path, NO_ARCHIVE)
        except OSError as error:
            yield Skipped(path, f"cannot be read: {error.strerror}", more=True)

    def _walk(self) -> Iterator[str | Skipped]:
        """Paths of files, relative and with slashes; and what is not followed."""
        waiting = [self._root]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    listed = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                if folder == self._root:
                    raise UsageError(f"{folder}: {error.strerror}") from error
                yield Skipped(self._path(folder), f"cannot be read: {error.strerror}", more=True)
                continue
            for entry in listed:
                path = self._path(Path(entry.path))
                if why := passed_over(entry.name) or self._strange(entry):
                    yield Skipped(path, why)
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                else:
                    yield path

    def _path(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()

    def _strange(self, entry: os.DirEntry[str]) -> str:
        if entry.is_symlink():
            target = Path(os.path.realpath(entry.path))
            return "" if target.is_file() and target.is_relative_to(self._root) else LINK
        return "" if entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False) else SPECIAL

    def _open(self, path: str) -> BinaryIO:
        return (self._root / path).open("rb")

    def _site(self) -> Site:
        """What the checkout says that the folder is in; it may be a part of one only."""
        top = checkout_of(self._root)
        site = site_of(partial(_config, top), partial(_names, top), self._base, commit_of(top))
        if self._base or top == self._root:
            return site
        return replace(site, within=f"{self._root.relative_to(top).as_posix()}/")


def _config(folder: Path, name: str) -> bytes:
    try:
        with (folder / name).open("rb") as file:
            return file.read(MAX_CONFIG)
    except OSError:
        raise KeyError(name) from None


def _names(folder: Path) -> list[str]:
    with suppress(OSError):  # of a checkout that one may not look into
        return sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    return []
