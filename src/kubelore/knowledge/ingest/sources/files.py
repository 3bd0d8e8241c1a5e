"""One file among others: a document, several of them, or nothing that is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache, partial
from hashlib import sha256
from pathlib import PurePosixPath
from typing import BinaryIO

from kubelore.knowledge.ingest import readers
from kubelore.knowledge.ingest.page import Found, Page, Skipped, Unreadable
from kubelore.knowledge.ingest.sources.issues import Issues
from kubelore.knowledge.ingest.sources.limits import MAX_DOCUMENT, MAX_HELD, read_all
from kubelore.knowledge.ingest.sources.posts import Posts, is_posts
from kubelore.knowledge.ingest.sources.site import LEGAL, Site, stack_exchange
from kubelore.packaged import packaged_yaml

JSON = frozenset({".json", ".jsonl", ".ndjson"})
XML = ".xml"
HIDDEN = "hidden"
NESTED = "an archive inside of an archive: unpack it"
PACKED = "packed in a way that is not read: unpack it"
TEMPLATE = "a template of pages"
NO_DOCUMENT = "no document"
ABOUT = "says nothing but licences and names"
NO_DUMP = "XML, but no dump of posts"
PROBE = 1024

Open = Callable[[], BinaryIO]
"""Opens the file at its beginning, so that it can seek; raises OSError or Unreadable."""


@cache
def _kinds() -> dict[str, frozenset[str]]:
    data = packaged_yaml(__package__, "files.yaml")
    return {kind: frozenset(data[kind]) for kind in ("archives", "packed", "folders", "templates")}


def passed_over(name: str) -> str:
    """Why a file or folder is not looked into at all, by the parts of its path; "" when it is."""
    parts = PurePosixPath(name).parts
    if any(part.startswith(".") and part not in (".", "..") for part in parts):
        return HIDDEN
    return "code of others" if not _kinds()["folders"].isdisjoint(parts) else ""


def named_archive(name: str) -> bool:
    """Whether a file of this name should be an archive that can be read."""
    return name.lower().endswith(tuple(_kinds()["archives"]))


def documents(name: str, open_file: Open, site: Site) -> Iterator[Found | Skipped]:
    """The documents in a file of a tree that is no archive, under names that begin with its own."""
    suffix = readers.suffix(name)
    try:
        if named_archive(name):
            yield Skipped(name, NESTED)
        elif suffix in _kinds()["packed"]:
            yield Skipped(name, PACKED)
        elif suffix != ".md" and not _kinds()["templates"].isdisjoint(PurePosixPath(name).parts[:-1]):
            yield Skipped(name, TEMPLATE)
        elif LEGAL.fullmatch(PurePosixPath(name).name):
            yield Skipped(name, ABOUT)
        elif suffix in JSON:
            yield from inside(name, Issues(_content(name, open_file), name))
        elif suffix == XML:
            yield from _posts(name, open_file, site)
        elif readers.readable(name):
            content = _content(name, open_file)
            if not suffix and not readers.like_a_document(PurePosixPath(name).name, content):
                yield Skipped(name, f"{NO_DOCUMENT} (no suffix)")
            else:
                yield one(name, content, site)
        else:
            yield Skipped(name, f"{NO_DOCUMENT} ({suffix})")
    except Unreadable as error:
        yield Skipped(name, str(error))
    except OSError as error:
        many = suffix in JSON or suffix == XML
        yield Skipped(name, f"cannot be read: {error.strerror or error}", still_there=True, more=many)


def one(name: str, content: bytes, site: Site) -> Found:
    """The document that a whole file is."""
    digest = sha256(repr((replace(site, version=""), name)).encode() + content)
    return Found(name, digest.hexdigest(), partial(_page, name, content, site))


def _page(name: str, content: bytes, site: Site) -> Page:
    return site.of(name, readers.read(name, content))


def most_bytes(name: str) -> int:
    """How much of a file of this name is held in memory."""
    return MAX_HELD if readers.suffix(name) in (*JSON, XML) else MAX_DOCUMENT


def _content(name: str, open_file: Open) -> bytes:
    with open_file() as file:
        return read_all(file, most_bytes(name))


def _posts(name: str, open_file: Open, site: Site) -> Iterator[Found | Skipped]:
    with open_file() as file:
        if not is_posts(file.read(PROBE)):
            yield Skipped(name, NO_DUMP)
            return
        yield from inside(name, Posts(file, name, site.base or stack_exchange(name)))


def inside(name: str, source: Iterable[Found | Skipped | None]) -> Iterator[Found | Skipped]:
    """What a file with many documents holds. They have addresses and licences of their own."""
    for item in source:
        if item is not None:
            yield replace(item, name=f"{name}/{item.name}".rstrip("/"))
