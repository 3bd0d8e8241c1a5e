"""From what SQLite reports to what a person can do about it."""

from __future__ import annotations

import sqlite3

from kubelore.errors import (
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreNotOpened,
    StoreNotWritable,
)

CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)
NOT_WRITABLE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_TOOBIG)
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
NOT_OPENED = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)
SHORT_READS = (sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_READ)


def store_error(error: sqlite3.Error, where: str, repair: str) -> StoreError:
    """The error of ours that says what `error` means for the file `where`.

    `repair` is the hint for a file that is damaged.
    """
    code = getattr(error, "sqlite_errorcode", 0)
    primary = code & 0xFF
    if primary in CORRUPT or code in SHORT_READS:
        return StoreCorrupt(f"{where} is damaged or is no database: {error}", hint=repair)
    if primary == sqlite3.SQLITE_READONLY:
        return StoreNotWritable(f"{where} cannot be written: {error}", hint="check who owns it and its mode")
    if primary in NOT_WRITABLE or primary == sqlite3.SQLITE_IOERR:
        return StoreNotWritable(f"{where} cannot be written: {error}")
    if primary in BUSY:
        return StoreBusy(f"{where} is in use: {error}")
    if primary in NOT_OPENED:
        return StoreNotOpened(f"{where} cannot be opened: {error}")
    return StoreError(f"{where}: {error}", hint=repair)
