"""A damaged file copied into a new one, row by row, as far as it can be read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from sqlite3 import Row
from typing import Any

from kubelore.errors import StoreCorrupt, StoreError, StoreNotWritable
from kubelore.store.sqlite.database import Database

ROWS_AT_ONCE = 500
NUMBER = "rowid"
FARTHEST = 62
"""Bits of the largest step over what cannot be read."""


def rescue(
    damaged: Database,
    mend: Callable[[Database, set[str]], list[str]],
    derived: Collection[str] = (),
) -> list[str]:
    """Put a new file in place of the damaged one, which is kept beside it, and close it.

    `mend` brings the rows that were saved in line with each other; it is told which tables lost some, and
    returns what to say of that. Tables that are `derived` from others are left for it to fill. Nobody else
    may have the file open. Returns what was done, a sentence each.
    Raises StoreBusy, StoreNotWritable; StoreCorrupt when not even the schema can be read, or when the file
    holds another area too.
    """
    with damaged.alone():
        if damaged.ask("SELECT 1 FROM schema_version WHERE area <> ?", damaged.area.name):
            raise damaged.damaged(f"it holds more than the {damaged.area.what}, and is not copied")
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        new = damaged.path.with_name(f"{damaged.path.name}.rescued-{stamp}")
        with closing(Database(new, damaged.area)) as fresh:
            fresh.ask("PRAGMA foreign_keys=OFF")
            done, lost = [], set()
            for table, keys in _tables(fresh):
                if table in derived:
                    continue
                kept, gaps = _copy(damaged, fresh, table, keys)
                if gaps:
                    lost.add(table)
                    done.append(f"{table}: saved {kept} rows, others could not be read")
            done += mend(fresh, lost)
        kept_as = damaged.path.with_name(f"{damaged.path.name}.damaged-{stamp}")
        try:
            try:
                kept_as.hardlink_to(damaged.path)  # there is a file at its path at every moment
            except OSError:  # not every file system has links
                damaged.path.rename(kept_as)
            new.replace(damaged.path)
        except OSError as error:
            raise StoreNotWritable(f"{damaged.path} cannot be replaced: {error.strerror}") from error
    damaged.close()
    return [*done, f"wrote what could be read into a new file; the damaged one is {kept_as}"]


def _tables(fresh: Database) -> Iterator[tuple[str, list[str]]]:
    """The ordinary tables, referred ones first, and what their rows are in order of: their number, or else
    their key."""
    order = [
        row[0] for row in fresh.ask("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid")
    ]
    listed = {row["name"]: row for row in fresh.ask("PRAGMA table_list")}
    for table in order:
        if listed[table]["type"] == "table" and table != "schema_version" and not table.startswith("sqlite_"):
            columns = fresh.ask(f"PRAGMA table_info({table})")
            keys = [name for _place, name in sorted((row["pk"], row["name"]) for row in columns if row["pk"])]
            yield table, keys if listed[table]["wr"] else [NUMBER]


def _copy(damaged: Database, fresh: Database, table: str, keys: list[str]) -> tuple[int, bool]:
    """How many rows were copied, and whether some could not be read. They replace what a new file has."""
    columns = [row["name"] for row in fresh.ask(f"PRAGMA table_info({table})")]
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    begun = fresh.ask(f"SELECT 1 FROM {table} LIMIT 1")  # noqa: S608 - names of our schema
    conflict = "REPLACE" if begun else "IGNORE"
    insert = f"INSERT OR {conflict} INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
    reader = _Reader(damaged, table, names, keys)
    kept = 0
    for rows in reader:
        try:
            kept += fresh.ask_many(insert, rows)
        except StoreNotWritable:
            raise
        except StoreError:  # a row of the wrong types; the others are good
            for row in rows:
                with suppress(StoreError):
                    kept += fresh.ask_many(insert, [row])
            reader.gaps = True
    return kept, reader.gaps


class _Reader:
    """Iterates over the readable rows of a table in the order of its keys, many at once.

    Over a gap it searches where reading goes on, if rows have numbers; else it ends there.
    """

    def __init__(self, database: Database, table: str, columns: str, keys: list[str]) -> None:
        self._db = database
        self._keys = len(keys)
        self._numbered = keys == [NUMBER]
        self.gaps = False
        key, marks = ", ".join(keys), ", ".join("?" * len(keys))
        head = f"SELECT {key}, {columns} FROM {table} NOT INDEXED"  # noqa: S608 - names of our schema
        self._first = f"{head} ORDER BY {key} LIMIT ?"
        self._next = f"{head} WHERE ({key}) > ({marks}) ORDER BY {key} LIMIT ?"

    def __iter__(self) -> Iterator[list[tuple[Any, ...]]]:
        after: list[Any] = [-1] if self._numbered else []
        size = ROWS_AT_ONCE
        while True:
            rows = self._read(after, size)
            if rows:
                yield [tuple(row)[self._keys :] for row in rows]
                after = list(rows[-1])[: self._keys]
                size = min(size * 2, ROWS_AT_ONCE)
            elif rows is None and size > 1:
                size = 1
            elif rows is None and after and self._numbered:
                self.gaps = True
                beyond = self._beyond(after[0])
                if beyond is None:
                    return
                after = [beyond]
            else:
                self.gaps |= rows is None
                return

    def _read(self, after: list[Any], size: int) -> list[Row] | None:
        """None: it cannot be read."""
        try:
            return self._db.ask(self._next if after else self._first, *after, size)
        except StoreCorrupt:
            return None

    def _beyond(self, after: int) -> int | None:
        """The least number after which a row, or the end, can be read."""
        works = next(
            (s for s in (1 << bit for bit in range(FARTHEST)) if self._read([after + s], 1) is not None), 0
        )
        fails = works // 2
        if not works:
            return None
        while works - fails > 1:
            middle = (works + fails) // 2
            if self._read([after + middle], 1) is None:
                fails = middle
            else:
                works = middle
        return after + works
