"""One SQLite file: opened, brought to today's schema, read and written by named statements."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar
from urllib.parse import quote

from kubelore.errors import StoreBusy, StoreCorrupt, StoreError, StoreNewer, StoreNotOpened, StoreNotWritable
from kubelore.store.sqlite.failures import store_error
from kubelore.store.sqlite.statements import Area, migrations, named, split

APPLICATION = 0x6B6C6F72
"""`klor`, in the header of every file of ours."""
BUSY_SECONDS = 30.0
PAGE_BYTES = 16384
CACHE_KIB = 32768
LOG_BYTES = 64 << 20
MAPPED_BYTES = 1 << 30
"""Of a file that is only read: without copying, reading all vectors takes half the time. Not of one that is
written, for what is mapped counts as memory, and ingest should need the same for a file of any size."""
VERSIONS = """CREATE TABLE IF NOT EXISTS schema_version (
    area TEXT NOT NULL,
    version INTEGER NOT NULL,
    applied_at TEXT NOT NULL,
    PRIMARY KEY (area, version)
) STRICT"""

T = TypeVar("T")
Values = Mapping[str, Any] | Sequence[Any]


class Database:
    """One area of one SQLite file, at today's schema.

    Opening creates the file (mode 0600) and the folders above it (0700) where they are missing, and applies
    the area's migrations that it lacks, each in a transaction of its own; other areas in the same file are
    left alone. `read_only` never creates or changes anything but an older schema, and works on a
    read-only file system, or a full disk, too.

    Statements go by their names in the area's `.sql` files and take named parameters (`:name`). Outside of
    `transaction()` each statement that writes is a transaction of its own, durable once it returns: killing
    the process loses nothing, a power cut at most the last moments. Other processes may read and write the
    same file at the same time; a writer waits up to `busy_seconds` for another. Threads may share a Database:
    they take turns, statement by statement and transaction by transaction.

    Raises StoreNotOpened (no such file, no permission, another program's file), StoreNewer, StoreCorrupt,
    StoreNotWritable (disk full, read-only), StoreBusy; StoreError for anything else that SQLite reports.
    """

    def __init__(
        self, path: Path, area: Area, *, read_only: bool = False, busy_seconds: float = BUSY_SECONDS
    ) -> None:
        self.path = path
        self.area = area
        self.read_only = read_only
        self._busy_seconds = busy_seconds
        self._lock = RLock()
        self._sql = named(area)
        if not read_only:
            self._create()
        elif not path.is_file():
            raise StoreNotOpened(f"there is no {area.what} at {path}", hint=area.missing)
        # Where nothing can be written there is no place for the shared memory of a write-ahead log.
        self._connection = self._connect(
            immutable=read_only and not self._has_log() and not os.access(path.parent, os.W_OK)
        )
        try:
            try:
                self._prepare()
            except StoreNotWritable:  # nor is there on a full disk
                if not read_only or self._has_log():
                    raise
                self._connection.close()
                self._connection = self._connect(immutable=True)
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    # Reading and writing

    def rows(self, name: str, /, **values: Any) -> list[sqlite3.Row]:
        """All rows of a statement, columns by name or position."""
        return self._run(lambda: self._connection.execute(self._sql[name], values).fetchall())

    def row(self, name: str, /, **values: Any) -> sqlite3.Row | None:
        """The first row, or None."""
        return next(iter(self.rows(name, **values)), None)

    def each(self, name: str, /, **values: Any) -> Iterator[sqlite3.Row]:
        """The rows of a statement one by one, where memory should not hold all; other threads wait."""
        with self._lock:
            cursor = self._run(lambda: self._connection.execute(self._sql[name], values))
            while (row := self._run(cursor.fetchone)) is not None:
                yield row

    def value(self, name: str, /, **values: Any) -> Any:
        """The first column of the first row, or None."""
        row = self.row(name, **values)
        return None if row is None else row[0]

    def execute(self, name: str, /, **values: Any) -> int:
        """Runs a statement that writes; returns how many rows it changed."""
        return self._run(lambda: self._connection.execute(self._sql[name], values).rowcount)

    def execute_many(self, name: str, /, rows: Iterable[Values]) -> int:
        """Runs a statement for each set of values, in one transaction; returns how many rows changed."""
        return self.ask_many(self._sql[name], rows)

    def ask(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        """For SQL that cannot stand in a file, because it is about tables that are known at run time only."""
        return self._run(lambda: self._connection.execute(statement, values).fetchall())

    def ask_many(self, statement: str, rows: Iterable[Values]) -> int:
        """`execute_many` for such SQL."""
        with self.transaction():
            return self._run(lambda: self._connection.executemany(statement, rows).rowcount)

    def write_blob(self, table: str, column: str, row: int, parts: Iterable[tuple[int, bytes]]) -> None:
        """Overwrites parts of a BLOB in place, each from an offset on. Its size stays, and pages of it that
        no part touches are not written."""

        def write() -> None:
            with self._connection.blobopen(table, column, row) as blob:
                for offset, content in parts:
                    blob.seek(offset)
                    blob.write(content)

        self._run(write)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, alone among writers: BEGIN IMMEDIATE, COMMIT at the end, ROLLBACK on an exception.
        Inside of another transaction it joins that one."""
        with self._bracket("BEGIN IMMEDIATE"):
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps all other processes out, readers too, while this one only reads; raises StoreBusy while one
        has the file open. The log is written into the file first, and begun anew when it is next opened."""
        with self._lock:
            try:
                self._pragma("journal_mode=DELETE")
                self.ask("BEGIN EXCLUSIVE")
            except StoreBusy as error:
                raise StoreBusy(str(error), hint="end every other kubelore that uses it first") from error
            try:
                yield
            finally:
                self._roll_back()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Statements inside of it see one state of the file, whatever others commit meanwhile."""
        with self._bracket("BEGIN"):
            yield

    def problems(self) -> list[str]:
        """What SQLite's integrity and foreign key checks find; [] when the file is sound. Reads all of it."""
        found = [str(row[0]) for row in self._pragma("integrity_check")]
        strays = self._pragma("foreign_key_check")
        found += [f"{row[0]}: row {row[1]} refers to a missing {row[2]}" for row in strays]
        return [line for line in found if line != "ok"]

    def damaged(self, how: str) -> StoreCorrupt:
        """The error to raise for content that cannot be what was written."""
        return StoreCorrupt(f"{self.path} is damaged: {how}", hint=self.area.repair)

    def free_bytes(self) -> int:
        """Of it, what nothing is kept in any more; `VACUUM` gives it back."""
        pages, size = (int(self._pragma(name)[0][0]) for name in ("freelist_count", "page_size"))
        return pages * size

    def bytes(self) -> int:
        """What it takes on disk, with its log."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        """Harmless when closed already."""
        with self._lock:
            self._connection.close()

    # Opening

    def _create(self) -> None:
        """The file, empty, so that SQLite never makes it with a wider mode."""
        try:
            for folder in reversed(self.path.parents):
                if not folder.exists():
                    folder.mkdir(mode=0o700, exist_ok=True)
            # What is there is not opened to find out: closing it would drop the locks that another connection
            # of this process holds on it, and SQLite would take its log away from under it.
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            if not os.access(self.path, os.R_OK | os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            if self.path.is_file():
                message = f"{self.path} cannot be written: {error.strerror}"
                raise StoreNotWritable(message, hint="check who owns it and its mode") from error
            raise StoreNotOpened(f"{self.path} cannot be opened: {error.strerror}") from error

    def _has_log(self) -> bool:
        """Whether something may not be in the file itself yet."""
        log = self.path.with_name(self.path.name + "-wal")
        return log.exists() and log.stat().st_size > 0

    def _connect(self, *, immutable: bool) -> sqlite3.Connection:
        mode = "mode=ro&immutable=1" if immutable else "mode=ro" if self.read_only else "mode=rw"
        uri = f"file:{quote(str(self.path.absolute()))}?{mode}"
        connection = self._run(
            lambda: sqlite3.connect(
                uri,
                uri=True,
                timeout=self._busy_seconds,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=512,
            )
        )
        connection.row_factory = sqlite3.Row
        return connection

    def _prepare(self) -> None:
        """Refuses what is not ours before anything is written, then brings the schema up to date."""
        for setting in ("foreign_keys=ON", "trusted_schema=OFF", "synchronous=NORMAL",
                        f"journal_size_limit={LOG_BYTES}"):  # fmt: skip
            self._pragma(setting)
        if self.read_only:
            self._pragma(f"mmap_size={MAPPED_BYTES}")
        version = self._version()
        latest = len(migrations(self.area))
        if version > latest:
            raise StoreNewer(
                f"{self.path}: the {self.area.what} has schema {version}, this kubelore knows {latest}"
            )
        if self.read_only:
            if version == 0:
                raise StoreNotOpened(f"there is no {self.area.what} in {self.path}", hint=self.area.missing)
            if version < latest:
                Database(self.path, self.area, busy_seconds=self._busy_seconds).close()
        else:
            if version == 0:
                self._pragma(f"page_size={PAGE_BYTES}")
            self._log_ahead()
            while self._migrate():
                pass
        # Last, for SQLite counts in pages of the size it knows by now; before, it would keep four times this.
        self._pragma(f"cache_size=-{CACHE_KIB}")

    def _version(self) -> int:
        """Version of the area's schema; 0 where it has none. Raises StoreNotOpened for a foreign file."""
        with self.snapshot():
            application = self._pragma("application_id")[0][0]
            tables = {row[0] for row in self.ask("SELECT name FROM sqlite_master")}
            if application != APPLICATION and (application or tables):
                raise StoreNotOpened(
                    f"{self.path} is a database of another program", hint="name another file"
                )
            if "schema_version" not in tables:
                return 0
            query = "SELECT coalesce(max(version), 0) FROM schema_version WHERE area = ?"
            version: int = self.ask(query, self.area.name)[0][0]
            return version

    def _log_ahead(self) -> None:
        """Switches to a write-ahead log. SQLite does not wait when two processes do so at once."""
        deadline = time.monotonic() + self._busy_seconds
        while self._pragma("journal_mode")[0][0] == "delete":
            try:
                if self._pragma("journal_mode=WAL")[0][0] != "wal":
                    return  # a file system without shared memory: safe, but readers and writers take turns
            except StoreBusy:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _migrate(self) -> bool:
        """Applies the next migration; False when there is none left."""
        scripts = migrations(self.area)
        if self._version() == len(scripts):
            return False
        with self.transaction():
            version = self._version()  # another process may have been quicker
            if version < len(scripts):
                self.ask(f"PRAGMA application_id={APPLICATION}")
                self.ask(VERSIONS)
                for statement in split(scripts[version]):
                    self.ask(statement)
                record = "INSERT INTO schema_version VALUES (?, ?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))"
                self.ask(record, self.area.name, version + 1)
        return True

    # Talking to SQLite

    def _pragma(self, pragma: str) -> list[sqlite3.Row]:
        return self.ask(f"PRAGMA {pragma}")

    def _run(self, action: Callable[[], T]) -> T:
        with self._lock:
            try:
                return action()
            except sqlite3.Error as error:
                if hasattr(error, "sqlite_errorcode"):
                    raise store_error(error, str(self.path), self.area.repair) from error
                if isinstance(error, sqlite3.OperationalError):
                    raise self.damaged("text in it is not UTF-8") from error
                raise  # a mistake of ours, such as a closed database
            except UnicodeDecodeError as error:
                raise self.damaged("its schema is not UTF-8") from error
            except UnicodeEncodeError as error:
                raise StoreError(f"{self.path} cannot keep half a surrogate pair: {error.reason}") from error

    @contextmanager
    def _bracket(self, begin: str) -> Iterator[None]:
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self.ask(begin)
            try:
                yield
                self.ask("COMMIT")
            finally:
                self._roll_back()

    def _roll_back(self) -> None:
        """Unless it was committed."""
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
