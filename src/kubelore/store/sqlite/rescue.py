"""A damaged file copied into a new one, row by row, as far as it can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from sqlite3 import Row
from typing import Any

from kubelore.errors import StoreCorrupt, StoreError, StoreNotWritable
from kubelore.store.sqlite.database import Database

ROWS_AT_ONCE = 500
FARTHEST = 62
"""Bits of the largest step over what cannot be read."""


def rescue(damaged: Database, mend: Callable[[Database, set[str]], list[str]]) -> list[str]:
    """Put a new file in place of the damaged one, which is kept beside it, and close it.

    `mend` brings the rows that were saved in line with each other; it is told which tables lost some, and
    returns what to say of that. Nobody else may have the file open. Returns what was done, a sentence each.
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
                kept, gaps = _copy(damaged, fresh, table, keys)
                if gaps:
                    lost.add(table)
                    done.append(f"{table}: saved {kept} rows, others could not be read")
            done += mend(fresh, lost)
        kept_as = damaged.path.with_name(f"{damaged.path.name}.damaged-{stamp}")
        try:
            damaged.path.rename(kept_as)
            new.rename(damaged.path)
        except OSError as error:
            raise StoreNotWritable(f"{damaged.path} cannot be replaced: {error.strerror}") from error
    damaged.close()
    return [*done, f"wrote what could be read into a new file; the damaged one is {kept_as}"]


def _tables(fresh: Database) -> Iterator[tuple[str, list[str]]]:
    """The ordinary tables, referred ones first, and their keys."""
    order = [
        row[0] for row in fresh.ask("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid")
    ]
    ordinary = {row["name"] for row in fresh.ask("PRAGMA table_list") if row["type"] == "table"}
    for table in order:
        if table in ordinary and table != "schema_version" and not table.startswith("sqlite_"):
            columns = fresh.ask(f"PRAGMA table_info({table})")
            keys = sorted((row["pk"], row["name"]) for row in columns if row["pk"])
            yield table, [name for _place, name in keys]


def _copy(damaged: Database, fresh: Database, table: str, keys: list[str]) -> tuple[int, bool]:
    """How many rows were copied, and whether some could not be read."""
    columns = [row["name"] for row in fresh.ask(f"PRAGMA table_info({table})")]
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - names of our schema
    reader = _Reader(damaged, table, names, keys)
    kept = 0
    for rows in reader:
        try:
            kept += fresh.ask_many(insert, [tuple(row) for row in rows])
        except StoreNotWritable:
            raise
        except StoreError:  # a row of the wrong types; the others are good
            for row in rows:
                with suppress(StoreError):
                    kept += fresh.ask_many(insert, [tuple(row)])
            reader.gaps = True
    return kept, reader.gaps


class _Reader:
    """Iterates over the readable rows of a table in the order of its keys, many at once.

    Over a gap it searches where reading goes on, if the key is a number; else it ends there.
    """

    def __init__(self, database: Database, table: str, columns: str, keys: list[str]) -> None:
        self._db = database
        self._keys = keys
        self.gaps = False
        key, marks = ", ".join(keys), ", ".join("?" * len(keys))
        head = f"SELECT {columns} FROM {table} NOT INDEXED"  # noqa: S608 - names of our schema
        self._first = f"{head} ORDER BY {key} LIMIT ?"
        self._next = f"{head} WHERE ({key}) > ({marks}) ORDER BY {key} LIMIT ?"

    def __iter__(self) -> Iterator[list[Row]]:
        after: list[Any] = [-1] if len(self._keys) == 1 and self._numbered() else []
        size = ROWS_AT_ONCE
        while True:
            rows = self._read(after, size)
            if rows:
                yield rows
                after = [rows[-1][key] for key in self._keys]
                size = min(size * 2, ROWS_AT_ONCE)
            elif rows is None and size > 1:
                size = 1
            elif rows is None and after and self._numbered():
                self.gaps = True
                beyond = self._beyond(after[0])
                if beyond is None:
                    return
                after = [beyond]
            else:
                self.gaps |= rows is None
                return

    def _numbered(self) -> bool:
        return self._keys in (["id"], ["seq"], ["passage"])

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
