"""Killed, starved of disk, damaged, locked out: nothing that was stored is lost, nothing is half there."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import store_child
from kubelore.errors import (
    StoreBusy,
    StoreError,
    StoreNotOpened,
    StoreNotWritable,
)
from kubelore.passages import KnowledgeFilter
from kubelore.store.sqlite.database import Database
from kubelore.store.sqlite.knowledge.store import SqliteKnowledge
from kubelore.store.sqlite.statements import KNOWLEDGE
from kubelore.types import KnowledgeEntry
from store_child import DOCUMENTS, PASSAGES, filled
from store_support import DIMENSION, EMBEDDER, add, document, found, of, passage, unprivileged, vector

CHILD = Path(store_child.__file__)
LONG = 100_000


def child(path: Path, source: str, first: int, count: int, *more: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(CHILD), str(path), source, *map(str, (first, count, *more))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def stored(output: str) -> list[int]:
    """Batches that the child says are stored."""
    return [int(line) for line in output.splitlines() if line.isdigit()]


def check_whole(store: SqliteKnowledge, source: str, batches: list[int]) -> None:
    """Each of these batches is there, whole, in its last edition; what else is there is whole as well."""
    assert store.problems() == []
    entries: list[KnowledgeEntry] = []
    after = ""
    while page := store.page(KnowledgeFilter(sources=(source,)), limit=500, after=after):
        entries += page
        after = page[-1].id
    editions: dict[str, set[str]] = {}
    for entry in entries:
        editions.setdefault(entry.document, set()).add(entry.content.split()[1])
    counts = Counter(entry.document for entry in entries)
    assert set(counts.values()) <= {PASSAGES}
    documents = Counter(name.split("-")[0] for name in counts)
    assert set(documents.values()) <= {DOCUMENTS}
    assert {str(batch) for batch in batches} <= documents.keys()
    for batch in batches:
        assert editions[f"{batch}-0.md"] == {"second" if batch % 2 else "first"}
        assert len(store.keywords([[f"batch{batch}"]], limit=100)) == DOCUMENTS * PASSAGES
    near = store.nearest(EMBEDDER, vector(1, 1, 1), limit=LONG)
    assert len(near) == store.index().passages
    space = store.index().space
    assert space is None or space.missing == 0


# Killed


def test_what_was_stored_before_kill_9_is_there_and_nothing_by_halves(tmp_path: Path) -> None:
    path = tmp_path / "knowledge.db"
    moments = random.Random(5)
    known: list[int] = []
    for _ in range(8):
        filling = child(path, "docs", len(known), LONG)
        assert filling.stdout is not None
        line = filling.stdout.readline()  # it is at work
        time.sleep(moments.uniform(0, 0.15))
        filling.kill()
        known += stored(line + filling.communicate()[0])
        with closing(SqliteKnowledge(path)) as store:
            check_whole(store, "docs", known)
    assert known == list(range(len(known)))


def test_a_process_killed_while_it_creates_the_file_leaves_one_that_opens(tmp_path: Path) -> None:
    moments = random.Random(6)
    for i in range(4):
        path = tmp_path / f"{i}.db"
        filling = child(path, "docs", 0, LONG)
        while not path.exists():
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.03))
        filling.kill()
        known = stored(filling.communicate()[0])
        with closing(SqliteKnowledge(path)) as store:
            store.use_embedder(EMBEDDER, DIMENSION)
            check_whole(store, "docs", known)


# A full disk


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system of that size; skips where mounting is not permitted."""
    folder = Path(tempfile.mkdtemp())
    options = f"size={megabytes}m"
    try:
        done = subprocess.run(("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder), check=False)
        if done.returncode:
            pytest.skip("mounting is not permitted; the limit on file sizes is tested instead")
        try:
            yield folder
        finally:
            subprocess.run(("umount", folder), check=True)
    finally:
        folder.rmdir()


def check_starved(filling: subprocess.Popen[str]) -> list[int]:
    output = filling.communicate(timeout=60)[0]
    assert filling.returncode == 3, output
    error = json.loads(output.splitlines()[-1])
    assert error["type"] == "StoreNotWritable"
    assert "room" in error["hint"]
    return stored(output)


def test_a_full_disk_keeps_what_was_stored_and_can_be_searched_and_gone_on_with() -> None:
    with small_disk(3) as folder:
        path = folder / "knowledge.db"
        known = check_starved(child(path, "docs", 0, LONG))
        assert known
        with closing(SqliteKnowledge(path, read_only=True)) as store:
            assert len(store.keywords([["batch0"]], limit=100)) == DOCUMENTS * PASSAGES
            assert store.nearest(EMBEDDER, vector(1), limit=1)
        subprocess.run(("mount", "-o", "remount,size=100m", folder), check=True)
        with closing(SqliteKnowledge(path)) as store:
            check_whole(store, "docs", known)
        last = known[-1] + 1
        more = child(path, "docs", last, 3)
        more.communicate(timeout=60)
        with closing(SqliteKnowledge(path)) as store:
            check_whole(store, "docs", [*known, last, last + 1, last + 2])


def test_a_limit_on_file_sizes_is_no_different_from_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "knowledge.db"
    known = check_starved(child(path, "docs", 0, LONG, 2 << 20))
    assert known
    with closing(SqliteKnowledge(path)) as store:
        check_whole(store, "docs", known)


def test_no_room_for_the_file_itself_is_said() -> None:
    with small_disk(1) as folder:
        (folder / "full").write_bytes(b"x" * (1 << 20))
        with pytest.raises(StoreNotWritable) as caught:
            SqliteKnowledge(folder / "knowledge.db")
        assert "room" in caught.value.hint


# Several processes


def test_two_processes_that_fill_the_same_store_both_succeed(tmp_path: Path) -> None:
    path = tmp_path / "knowledge.db"
    both = [child(path, "one", 0, 25), child(path, "two", 0, 25)]
    outputs = [filling.communicate(timeout=60)[0] for filling in both]
    assert [stored(output) for output in outputs] == [list(range(25))] * 2
    with closing(SqliteKnowledge(path)) as store:
        for source in ("one", "two"):
            entries = store.page(KnowledgeFilter(sources=(source,)), limit=LONG)
            assert len(entries) == 25 * DOCUMENTS * PASSAGES
        assert store.problems() == []


def test_a_reader_is_neither_stopped_by_a_writer_nor_sees_half_of_what_it_writes(tmp_path: Path) -> None:
    path = tmp_path / "knowledge.db"
    with closing(SqliteKnowledge(path)) as store:
        filling = child(path, "docs", 0, 30)
        sizes = set()
        while filling.poll() is None:
            time.sleep(0.01)
            sizes.add(store.stats().entries % (DOCUMENTS * PASSAGES))
        filling.communicate()
        assert sizes == {0}
        assert store.stats().entries == 30 * DOCUMENTS * PASSAGES


def test_waiting_for_another_writer_ends_with_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "knowledge.db"
    with (
        closing(Database(path, KNOWLEDGE, busy_seconds=0.05)) as database,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy) as caught:
            database.rows("begin_pass", source="docs")
        assert "again" in caught.value.hint
        other.execute("ROLLBACK")
        assert database.value("begin_pass", source="docs") == 1


# Without the right to write


def test_a_store_in_a_place_without_write_permission_can_be_read(shared_folder: Path) -> None:
    path = filled(shared_folder / "knowledge.db")
    path.chmod(0o444)
    shared_folder.chmod(0o555)
    with unprivileged():
        with closing(SqliteKnowledge(path, read_only=True)) as store:
            assert len(store.keywords([["batch1"]], limit=100)) == DOCUMENTS * PASSAGES
        with pytest.raises(StoreNotWritable) as caught:
            SqliteKnowledge(path)
        assert "owns" in caught.value.hint


def test_a_folder_where_nothing_can_be_made_is_said(shared_folder: Path) -> None:
    shared_folder.chmod(0o555)
    with unprivileged(), pytest.raises(StoreNotOpened) as caught:
        SqliteKnowledge(shared_folder / "below" / "knowledge.db")
    assert "permission" in caught.value.hint


def test_a_store_that_is_not_there_is_not_made_by_reading(tmp_path: Path) -> None:
    path = tmp_path / "below" / "knowledge.db"
    with pytest.raises(StoreNotOpened) as caught:
        SqliteKnowledge(path, read_only=True)
    assert "knowledge add" in caught.value.hint
    assert not path.parent.exists()


def test_only_its_owner_may_read_a_new_store_and_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "share" / "kubelore" / "knowledge.db"
    previous = os.umask(0)
    try:
        filled(path)
    finally:
        os.umask(previous)
    modes = [oct(place.stat().st_mode & 0o777) for place in (path, path.parent, path.parent.parent)]
    assert modes == ["0o600", "0o700", "0o700"]


def test_text_that_is_not_unicode_is_refused_as_a_whole(tmp_path: Path) -> None:
    with closing(SqliteKnowledge(tmp_path / "knowledge.db")) as store:
        add(store, document("a.md", "one"))
        with pytest.raises(StoreError, match="surrogate"):
            store.put("docs", 1, [document("b.md", "two"), of("c.md", passage("x\ud800", document="c.md"))])
        assert found(store, "two") == []
        assert found(store, "one") == ["one"]
