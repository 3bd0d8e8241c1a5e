"""Documents in a .zip or .tar.*, read as a stream: nothing is unpacked to disk, whatever its members say."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import PurePosixPath
from tarfile import HeaderError, ReadError
from typing import IO, Any, BinaryIO, Self, cast

from kubelore.knowledge.ingest.page import Found, Skipped, Unreadable
from kubelore.knowledge.ingest.sources.files import documents, most_bytes, passed_over
from kubelore.knowledge.ingest.sources.limits import (
    FREE_UNPACKED,
    MAX_FILES,
    MAX_RATIO,
    MAX_UNPACKED,
    MIB,
    read_all,
)
from kubelore.knowledge.ingest.sources.site import CONFIGS, LICENCE, MAX_CONFIG, site_of

HEADERS = 8 * MIB
"""Bytes that the headers of one member of a tar file may take."""
BOMB = "unpacks to far more than any documents would"
ALONE = "packed, but no archive: unpack it, and add what comes out"
MANY = f"more than {MAX_FILES} members"
OUTSIDE = "its name points outside of the archive"
LINK = "a link, or no regular file"
TWICE = "the archive has another file of that name"
ENCRYPTED = "encrypted"
ZIP = b"PK\x03\x04"
UTF_8 = 0x800
"""Flag of a member of a zip whose name is said to be UTF-8."""
PACKED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
OTHERS = (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x28\xb5\x2f\xfd")
"""How archives begin that are not read: 7-Zip, RAR, Zstandard."""
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError,
          OverflowError, NotImplementedError, RuntimeError)  # fmt: skip
"""What reading a damaged archive raises."""

END: type[HeaderError] = cast(Any, tarfile).EOFHeaderError
"""Blocks of zeros, as they should stand at the end of a tar file."""

_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_archive(head: bytes) -> bool:
    """Whether a file that begins so may be an archive."""
    return head.startswith((ZIP, b"PK\x05\x06", *PACKED)) or head[257:262] == b"ustar"


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    why: str
    """Why it is not read; empty when it is."""
    read: Callable[[int], bytes]
    """Its content, as long as it is the current one; raises Unreadable when it has more bytes than that."""


@dataclass(slots=True)
class _Survey:
    """What is known of an archive before its documents are read."""

    count: int = 0
    folder: str | None = None
    """The one folder that all members are in, with a slash; else empty."""
    small: dict[str, bytes] = field(default_factory=dict)
    """Files near the root that say something about all others."""


class Archive:
    """The documents in one archive. `file` can seek and stays open while they are read."""

    whole = True

    def __init__(self, file: BinaryIO, name: str, base: str = "") -> None:
        self.name = name
        self.progress = (0, 0)
        self._file = file
        self._base = base
        self._comment = ""

    def __iter__(self) -> Iterator[Found | Skipped | None]:
        survey, broken = yield from self._survey()
        folder = survey.folder or ""
        small = {name.removeprefix(folder): content for name, content in survey.small.items()}
        version = self._comment if _COMMIT.fullmatch(self._comment) else ""
        site = site_of(small.__getitem__, lambda: [n for n in small if "/" not in n], self._base, version)
        seen: set[str] = set()
        try:
            for done, member in enumerate(self._members()):
                self.progress = (done, survey.count)
                name = member.name.removeprefix(folder)
                why = member.why or passed_over(name) or (TWICE if name in seen else "")
                seen.add(name)
                if why:
                    yield Skipped(name, why)
                else:
                    yield from documents(name, partial(_opened, member), site)
        except Unreadable as error:
            broken = str(error)
        except BROKEN as error:
            broken = broken or _damaged(error)
        if broken:
            yield Skipped("the rest", broken, more=True)
        self.progress = (survey.count, survey.count)

    def _survey(self) -> Generator[None, None, tuple[_Survey, str]]:
        """Goes over all members once. Also why it could not come to the end."""
        survey = _Survey()
        try:
            for member in self._members():
                survey.count += 1
                yield
                if member.why:
                    continue
                top, slash, rest = member.name.partition("/")
                survey.folder = top + slash if slash and survey.folder in (None, top + slash) else ""
                config = PurePosixPath(rest).name in CONFIGS and rest.count("/") <= 1
                if config or member.name in CONFIGS or LICENCE.fullmatch(rest or top):
                    survey.small[member.name] = _beginning(member)
        except Unreadable as error:
            return survey, str(error)
        except BROKEN as error:
            return survey, _damaged(error) if survey.count or not isinstance(error, ReadError) else ALONE
        return survey, ""

    def _members(self) -> Iterator[_Member]:
        self._file.seek(0)
        head = self._file.read(len(ZIP))
        self._file.seek(0)
        members = self._zipped() if head.startswith(b"PK") else self._tarred(head)
        for count, member in enumerate(members):
            if count == MAX_FILES:
                raise Unreadable(MANY)
            name = PurePosixPath(member.name.replace("\\", "/"))
            why = OUTSIDE if name.is_absolute() or ".." in name.parts else member.why
            yield _Member(name.as_posix(), why, member.read)

    def _zipped(self) -> Iterator[_Member]:
        meter = _Meter(self._file, _size(self._file))
        with zipfile.ZipFile(self._file) as archive:
            self._comment = archive.comment.decode("ascii", "replace")

            def read(info: zipfile.ZipInfo, limit: int) -> bytes:
                with archive.open(info) as member:
                    return meter.counted(read_all(cast(BinaryIO, member), limit))

            for info in archive.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                why = ENCRYPTED if info.flag_bits & 1 else LINK if kind not in (0, stat.S_IFREG) else ""
                if not info.is_dir():
                    yield _Member(_filename(info), why, partial(read, info))

    def _tarred(self, head: bytes) -> Iterator[_Member]:
        with ExitStack() as opened:
            packed = _size(self._file)
            unpack = next(
                (opener for mark, opener in PACKED.items() if mark.startswith(head[: len(mark)])), None
            )
            stream = opened.enter_context(unpack(self._file)) if unpack else self._file
            meter = _Meter(stream, packed)
            archive = opened.enter_context(
                tarfile.open(fileobj=cast(BinaryIO, meter), mode="r|", tarinfo=_Header)
            )
            self._comment = str(archive.pax_headers.get("comment", ""))

            def read(member: tarfile.TarInfo, limit: int) -> bytes:
                content = archive.extractfile(member)
                return read_all(cast(BinaryIO, content), limit) if content else b""

            while member := archive.next():
                cast(Any, archive).members.clear()  # else it remembers all of them
                meter.allowed = member.size + HEADERS
                if not member.isdir():
                    yield _Member(member.name, "" if member.isfile() else LINK, partial(read, member))


class _Header(tarfile.TarInfo):
    """tarfile takes a header that it cannot read for the end of the archive, unless it is the first."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile)
        except HeaderError as error:
            if isinstance(error, END):
                raise
            raise ReadError("cut short, or a header is not one") from error


class _Meter:
    """A stream that says so when more comes out of it than documents would need."""

    def __init__(self, stream: IO[bytes], packed: int) -> None:
        self.allowed = HEADERS
        """Bytes until the next member must have begun."""
        self._stream = stream
        self._most = min(MAX_UNPACKED, max(FREE_UNPACKED, MAX_RATIO * packed))
        self._total = 0

    def read(self, size: int) -> bytes:
        content = self.counted(self._stream.read(size))
        self.allowed -= len(content)
        if self.allowed < 0:
            raise Unreadable(BOMB)
        return content

    def counted(self, content: bytes) -> bytes:
        self._total += len(content)
        if self._total > self._most:
            raise Unreadable(BOMB)
        return content


def _filename(info: zipfile.ZipInfo) -> str:
    """Names are in UTF-8 with most programs, though many do not say so: zipfile takes those for CP 437."""
    if info.flag_bits & UTF_8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _size(file: BinaryIO) -> int:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return size


def _damaged(error: Exception) -> str:
    return f"damaged: {str(error) or type(error).__name__}"


def _beginning(member: _Member) -> bytes:
    try:
        return member.read(MAX_CONFIG)
    except Unreadable:
        return b""


def _opened(member: _Member) -> BinaryIO:
    try:
        return BytesIO(member.read(most_bytes(member.name)))
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError) as error:  # only this one
        raise Unreadable("damaged") from error
