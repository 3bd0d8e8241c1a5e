"""The files of a recording, from a folder or an archive, read-only and bounded.

An archive is read in memory and never extracted, so that no member can be written anywhere.
"""

from __future__ import annotations

import lzma
import tarfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Protocol

from kubelore.errors import SnapshotError

MAX_TOTAL = 2 * 1024**3
"""Bytes of one unpacked archive."""
MAX_FILE = 512 * 1024**2
MAX_FILES = 500_000


class Files(Protocol):
    """A tree of files. Paths are relative, with forward slashes."""

    source: Path

    def paths(self) -> tuple[str, ...]: ...

    def read(self, path: str) -> bytes:
        """Raises SnapshotError when the file cannot be read, KeyError when there is none."""
        ...


class Folder:
    """Reads files when they are asked for. Links are not followed."""

    def __init__(self, root: Path) -> None:
        self.source = root
        try:
            self._paths = tuple(sorted(islice(self._walk(root), MAX_FILES + 1)))
        except OSError as error:
            raise SnapshotError(f"{error.filename or root}: {error.strerror}") from error
        if len(self._paths) > MAX_FILES:
            raise SnapshotError(f"{root}: more than {MAX_FILES} files")
        self._known = frozenset(self._paths)

    def _walk(self, folder: Path) -> Iterator[str]:
        for entry in folder.iterdir():
            if entry.is_symlink():
                continue
            if entry.is_dir():
                yield from self._walk(entry)
            elif entry.is_file():
                yield entry.relative_to(self.source).as_posix()

    def paths(self) -> tuple[str, ...]:
        return self._paths

    def read(self, path: str) -> bytes:
        if path not in self._known:
            raise KeyError(path)
        file = self.source / path
        try:
            if file.stat().st_size > MAX_FILE:
                raise SnapshotError(f"{file}: larger than {MAX_FILE // 1024**2} MiB")
            return file.read_bytes()
        except OSError as error:
            raise SnapshotError(f"{file}: {error.strerror}") from error


class Archive:
    """A tar file, compressed or not, read into memory once. Links and devices are left out."""

    def __init__(self, path: Path) -> None:
        self.source = path
        try:
            with tarfile.open(path, "r|*") as tar:
                self._content = dict(self._members(tar))
        except (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error) as error:
            raise SnapshotError(f"{path}: not a readable tar archive, or cut short ({error})") from error
        except OSError as error:
            raise SnapshotError(f"{path}: {error.strerror or error}") from error

    def _members(self, tar: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
        total = 0
        for count, member in enumerate(tar, 1):
            if count > MAX_FILES:
                raise SnapshotError(f"{self.source}: more than {MAX_FILES} files")
            if not member.isfile():
                continue
            name = PurePosixPath(member.name)
            if name.is_absolute() or ".." in name.parts:
                raise SnapshotError(f"{self.source}: {member.name!r} points outside of the archive")
            total += member.size
            if member.size > MAX_FILE or total > MAX_TOTAL:
                raise SnapshotError(f"{self.source}: unpacks to more than {MAX_TOTAL // 1024**3} GiB")
            content = tar.extractfile(member)
            yield name.as_posix(), content.read() if content else b""

    def paths(self) -> tuple[str, ...]:
        return tuple(sorted(self._content))

    def read(self, path: str) -> bytes:
        return self._content[path]


class Below:
    """The files below one folder of another tree."""

    def __init__(self, files: Files, folder: str) -> None:
        self._files, self._prefix = files, f"{folder}/"
        self.source = files.source / folder

    def paths(self) -> tuple[str, ...]:
        cut = len(self._prefix)
        return tuple(p[cut:] for p in self._files.paths() if p.startswith(self._prefix))

    def read(self, path: str) -> bytes:
        return self._files.read(self._prefix + path)


def open_files(path: Path) -> Files:
    """The files of a folder or archive. Raises SnapshotError."""
    if path.is_dir():
        return Folder(path)
    if not path.exists():
        raise SnapshotError(f"{path}: no such file or folder", hint="give the path of a recording")
    return Archive(path)
