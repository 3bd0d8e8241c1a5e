"""Stack Exchange dumps: each question of `Posts.xml` with its accepted or best answer is one solution.

An answer stands anywhere behind its question, so the file is read twice: once to learn where each row is,
then row by row in the order of the questions. What is learned goes into a temporary database, so that memory
stays the same for a dump of any size. Entities are refused, and so is every row that is larger than any post.
"""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import cache, partial
from hashlib import sha256
from typing import BinaryIO
from xml.parsers import expat

from kubelore.controls import clean
from kubelore.errors import StoreNotWritable
from kubelore.knowledge.ingest.page import Block, Found, Page, Skipped, Unreadable
from kubelore.knowledge.ingest.readers import html
from kubelore.knowledge.ingest.readers.front_matter import time_of
from kubelore.knowledge.ingest.sources.limits import MIB
from kubelore.packaged import packaged_text

CHUNK = 1 << 20
ROW_CHUNK = 8192
MAX_ROW = 1 << 22
"""Bytes; a post has at most 30,000 characters."""
QUESTION, ANSWER = "1", "2"
NO_ANSWER = "a question without an answer"
VOTED_DOWN = "a question whose answers were voted down"
TOO_LARGE = "a row larger than any post"
LICENCES = (("2018-05-02", "CC BY-SA 4.0"), ("2011-04-08", "CC BY-SA 3.0"), ("", "CC BY-SA 2.5"))
"""Of posts from that day on, where the dump does not say it."""

_ROOT = re.compile(rb"<posts[\s/>]")
_TAGS = re.compile(r"[^<>|\s]+")

Row = Mapping[str, str]


def is_posts(head: bytes) -> bool:
    """Whether a file that begins so is a dump of posts."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and _ROOT.search(head) is not None


class Posts:
    """The solutions in one dump. `file` can seek and stays open while they are read."""

    whole = True

    def __init__(self, file: BinaryIO, name: str, site: str = "") -> None:
        self.name = name
        self.progress = (0, 0)
        self._file = file
        self._site = site.rstrip("/")
        self._size = 0
        self._encoding: str | None = None

    def __iter__(self) -> Iterator[Found | Skipped | None]:
        try:
            with closing(sqlite3.connect("", isolation_level=None)) as index:
                broken = yield from self._index(index)
                yield from self._solutions(index)
        except sqlite3.Error as error:
            raise StoreNotWritable(
                f"where the rows of {self.name} are cannot be noted in a temporary file: {error}",
                hint="make room on the disk of temporary files, or name a folder in SQLITE_TMPDIR",
            ) from error
        if broken:
            yield Skipped("the rest", broken, more=True)

    def _index(self, index: sqlite3.Connection) -> Generator[None, None, str]:
        """Where the questions and answers are. Returns why the file could not be read to its end."""
        self._size = self._file.seek(0, io.SEEK_END)
        self._file.seek(0)
        sql = _sql()
        for statement in ("schema", "schema_of_answers"):
            index.execute(sql[statement])
        index.execute("BEGIN")
        parser = _parser(partial(_learn, index))
        parser.XmlDeclHandler = self._declared
        try:
            while chunk := self._file.read(CHUNK):
                parser.Parse(chunk, False)
                self._read(self._file.tell() // 2)
                yield
                if self._file.tell() - parser.CurrentByteIndex > MAX_ROW:
                    return TOO_LARGE  # before expat has looked at it from its beginning too often
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            return f"not well-formed: {expat.errors.messages[error.code]}"
        except Unreadable as error:
            return str(error)
        finally:
            index.execute(sql["index_answers"])
            index.execute("COMMIT")
        return ""

    def _read(self, so_far: int) -> None:
        self.progress = (so_far // MIB, max(1, self._size // MIB))

    def _declared(self, version: str, encoding: str | None, standalone: int) -> None:
        self._encoding = encoding

    def _solutions(self, index: sqlite3.Connection) -> Iterator[Found | Skipped]:
        (total,) = index.execute(_sql()["count"]).fetchone()
        done, last = 0, -1
        while found := index.execute(_sql()["best"], (last,)).fetchall():
            for last, question, answer in found:
                done += 1
                self._read(self._size // 2 + self._size * done // (2 * total))
                yield Skipped(str(last), NO_ANSWER) if answer is None else self._found(last, question, answer)

    def _found(self, number: int, question: int, answer: int) -> Found | Skipped:
        try:
            asked, answered = self._row(question), self._row(answer)
        except (expat.ExpatError, Unreadable) as error:
            return Skipped(str(number), str(error))
        if _score(answered) < 0 and not _accepted(asked, answered):
            return Skipped(str(number), VOTED_DOWN)
        digest = sha256(repr((self._site, sorted(asked.items()), sorted(answered.items()))).encode())
        read = partial(_page, asked, answered, f"{self._site}/questions/{number}" if self._site else "")
        return Found(str(number), digest.hexdigest(), read)

    def _row(self, place: int) -> Row:
        """The attributes of the row at a place."""
        row: dict[str, str] = {}

        def keep(parser: expat.XMLParserType, attributes: dict[str, str]) -> None:
            if not row:
                row.update(attributes)

        parser = _parser(keep, self._encoding)
        self._file.seek(place)
        read = 0
        while not row:
            chunk = self._file.read(ROW_CHUNK)
            read += len(chunk)
            if not chunk or read > MAX_ROW:
                raise Unreadable(TOO_LARGE)
            try:
                parser.Parse(chunk, False)
            except expat.ExpatError:
                if not row:  # else it is only that a second root followed
                    raise
        return row


def _learn(index: sqlite3.Connection, parser: expat.XMLParserType, row: Row) -> None:
    """Notes where a row is, if it is a question or an answer."""
    sql, place = _sql(), parser.CurrentByteIndex
    number = _number(row, "Id")
    if row.get("PostTypeId") == QUESTION:
        index.execute(sql["add_question"], (number, place, _number(row, "AcceptedAnswerId")))
    elif row.get("PostTypeId") == ANSWER:
        index.execute(sql["add_answer"], (_number(row, "ParentId"), _score(row), number, place))


def _page(asked: Row, answered: Row, url: str) -> Page:
    kind = "Accepted answer" if _accepted(asked, answered) else "Answer"
    heading = Block("heading", f"{kind}, score {_score(answered)}", 2)
    blocks = (*_blocks(asked), heading, *_blocks(answered))
    time = time_of(answered.get("CreationDate"))
    licence = answered.get("ContentLicense") or next(name for day, name in LICENCES if time >= day)
    tags = _TAGS.findall(clean(asked.get("Tags", "")))
    title = " ".join(clean(asked.get("Title", "")).split())
    return Page(title, blocks, "solution", tuple(tags), url, clean(licence), time=time)


def _blocks(row: Row) -> Iterator[Block]:
    """The text of a post; its headings stand below those of ours."""
    for block in html.fragment(clean(row.get("Body", ""))):
        yield replace(block, level=block.level + 2) if block.kind == "heading" else block


def _accepted(asked: Row, answered: Row) -> bool:
    return bool(answered.get("Id")) and asked.get("AcceptedAnswerId") == answered.get("Id")


def _score(row: Row) -> int:
    return _number(row, "Score")


def _number(row: Row, name: str) -> int:
    try:
        return max(-(1 << 62), min(1 << 62, int(row.get(name) or 0)))
    except ValueError:
        return 0


def _parser(
    row: Callable[[expat.XMLParserType, dict[str, str]], None], encoding: str | None = None
) -> expat.XMLParserType:
    """A parser that hands over the attributes of each `row` element."""
    parser = expat.ParserCreate(encoding)

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            row(parser, attributes)

    def refuse(*_: object) -> None:
        raise Unreadable("declares entities, which no dump does")

    parser.StartElementHandler = start
    parser.EntityDeclHandler = refuse
    return parser


@cache
def _sql() -> Mapping[str, str]:
    _head, *parts = re.split(r"^-- name: (\w+)$", packaged_text(__package__, "posts.sql"), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))
