"""One file for all areas: migrations, transactions, several processes and threads."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from kubelore.errors import StoreError, StoreNotOpened
from kubelore.store.sqlite.database import Database
from kubelore.store.sqlite.statements import CASEBOOK, KNOWLEDGE, Area, migrations, named, split

AREAS = [KNOWLEDGE, CASEBOOK]
FIRST = """-- One table; a semicolon in a comment; and one in a trigger.
CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
CREATE TABLE log (what TEXT NOT NULL) STRICT;
CREATE TRIGGER logged AFTER INSERT ON things BEGIN
    INSERT INTO log VALUES ('new; ' || new.name);
    INSERT INTO log VALUES ('done');
END;
"""
SECOND = """ALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
UPDATE things SET size = length(name);
CREATE INDEX things_size ON things (size);
"""
STATEMENTS = """-- name: add
INSERT INTO things (name) VALUES (:name)

-- name: things
-- What it is for.
SELECT * FROM things WHERE {named} ORDER BY id

-- part: named
name LIKE :like

-- name: log
SELECT what FROM log
"""


class Anything(dict[str, None]):
    """A value for every parameter."""

    def __missing__(self, _name: str) -> None:
        return None


MakeArea = Callable[..., Area]


@pytest.fixture
def area(tmp_path: Path) -> MakeArea:
    """An area with these migrations."""

    def make(*scripts: str) -> Area:
        folder = tmp_path / f"area-{len(scripts)}"
        folder.mkdir(exist_ok=True)
        for number, script in enumerate(scripts, start=1):
            (folder / f"{number:03}_step.sql").write_text(script)
        (folder / "queries.sql").write_text(STATEMENTS)
        return replace(KNOWLEDGE, name="things", folder=folder)

    return make


def schema(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as plain:
        rows = plain.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    return [(name, " ".join((sql or "").split())) for name, sql in rows]


def versions(path: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(path)) as plain:
        return plain.execute("SELECT area, version FROM schema_version ORDER BY area, version").fetchall()


def copy_of(area: Area, folder: Path, steps: int) -> Area:
    """The area as it was after that many migrations; its statements may not fit that."""
    folder.mkdir()
    for number, script in enumerate(migrations(area)[:steps], start=1):
        (folder / f"{number:03}_step.sql").write_text(script)
    return replace(area, folder=folder)


# Migrations


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.name)
def test_a_migrated_database_equals_a_fresh_one(area: Area, tmp_path: Path) -> None:
    fresh, migrated = tmp_path / "fresh.db", tmp_path / "migrated.db"
    Database(fresh, area).close()
    for steps in range(1, len(migrations(area)) + 1):
        Database(migrated, copy_of(area, tmp_path / str(steps), steps)).close()
    assert schema(migrated) == schema(fresh)
    assert versions(migrated) == versions(fresh)


def test_migrating_keeps_rows_and_ends_like_a_fresh_database(area: MakeArea, tmp_path: Path) -> None:
    old, fresh = tmp_path / "old.db", tmp_path / "fresh.db"
    with closing(Database(old, area(FIRST))) as database:
        database.execute("add", name="four")
    with closing(Database(old, area(FIRST, SECOND))) as database:
        assert [tuple(row) for row in database.rows("things", like="%")] == [(1, "four", 4)]
        assert [row[0] for row in database.rows("log")] == ["new; four", "done"]
    Database(fresh, area(FIRST, SECOND)).close()
    assert schema(old) == schema(fresh)
    assert versions(old) == versions(fresh) == [("things", 1), ("things", 2)]


def test_a_migration_that_fails_changes_nothing(area: MakeArea, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(Database(path, area(FIRST))) as database:
        database.execute("add", name="four")
    before = schema(path)
    with pytest.raises(StoreError, match="nowhere"):
        Database(path, area(FIRST, SECOND + "INSERT INTO nowhere VALUES (1);"))
    assert schema(path) == before
    with closing(Database(path, area(FIRST))) as database:
        assert len(database.rows("things", like="four")) == 1


def test_reading_an_older_database_migrates_it_first(area: MakeArea, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    Database(path, area(FIRST)).close()
    with closing(Database(path, area(FIRST, SECOND), read_only=True)) as database:
        assert database.rows("things", like="%") == []
    assert versions(path) == [("things", 1), ("things", 2)]


def test_processes_that_create_and_migrate_at_once_do_it_once(tmp_path: Path) -> None:
    path = tmp_path / "knowledge.db"
    script = (
        "import sys; from pathlib import Path\n"
        "from kubelore.store.sqlite.database import Database\n"
        "from kubelore.store.sqlite.statements import KNOWLEDGE, CASEBOOK\n"
        "sys.stdin.readline()\n"
        "for area in (KNOWLEDGE, CASEBOOK): Database(Path(sys.argv[1]), area).close()\n"
    )
    command = (sys.executable, "-c", script, str(path))
    several = [subprocess.Popen(command, stdin=subprocess.PIPE, text=True) for _ in range(5)]
    for process in several:
        process.communicate("go\n", timeout=60)
    assert [process.returncode for process in several] == [0] * 5
    latest = [(area.name, i + 1) for area in (CASEBOOK, KNOWLEDGE) for i in range(len(migrations(area)))]
    assert versions(path) == latest


def test_both_areas_live_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "both.db"
    with closing(Database(path, KNOWLEDGE)) as knowledge, closing(Database(path, CASEBOOK)) as casebook:
        assert knowledge.value("begin_pass", source="docs") == 1
        assert casebook.problems() == []
    with closing(Database(path, KNOWLEDGE, read_only=True)) as knowledge:
        assert knowledge.value("source_id", source="docs") == 1


def test_an_area_that_the_file_lacks_is_not_made_by_reading(tmp_path: Path) -> None:
    path = tmp_path / "knowledge.db"
    Database(path, KNOWLEDGE).close()
    with pytest.raises(StoreNotOpened) as caught:
        Database(path, CASEBOOK, read_only=True)
    assert "casebook" in str(caught.value)
    assert "kubelore investigate" in caught.value.hint


# Statements


@pytest.mark.parametrize(
    ("area", "name"), [pytest.param(a, name, id=f"{a.name}-{name}") for a in AREAS for name in named(a)]
)
def test_every_statement_fits_the_schema(area: Area, name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    Database(path, area).close()
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute(f"EXPLAIN {named(area)[name]}", Anything()).fetchall()


# Transactions


def test_a_transaction_is_all_or_nothing_and_joins_the_one_around_it(area: MakeArea, tmp_path: Path) -> None:
    def fail_at_last(database: Database) -> None:
        with database.transaction():
            database.execute("add", name="one")
            with database.transaction():
                database.execute("add", name="two")
            raise RuntimeError

    with closing(Database(tmp_path / "a.db", area(FIRST))) as database:
        with pytest.raises(RuntimeError):
            fail_at_last(database)
        assert database.rows("things", like="%") == []
        with pytest.raises(StoreError, match="NOT NULL"):
            database.execute_many("add", [{"name": "three"}, {"name": None}])
        assert database.rows("things", like="%") == []


def test_a_snapshot_does_not_see_what_others_commit_meanwhile(area: MakeArea, tmp_path: Path) -> None:
    things = area(FIRST)
    path = tmp_path / "a.db"
    with closing(Database(path, things)) as reader, closing(Database(path, things)) as writer:
        with reader.snapshot():
            assert reader.rows("things", like="%") == []
            writer.execute("add", name="one")
            assert reader.rows("things", like="%") == []
        assert len(reader.rows("things", like="%")) == 1


def test_threads_share_a_database_and_take_turns(area: MakeArea, tmp_path: Path) -> None:
    with closing(Database(tmp_path / "a.db", area(FIRST))) as database:

        def add_two(number: int) -> None:
            with database.transaction():
                database.execute("add", name=f"{number}a")
                database.execute("add", name=f"{number}b")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(add_two, range(100)))
        names = [row["name"] for row in database.rows("things", like="%")]
        assert len(names) == 200
        assert all(names[i][:-1] == names[i + 1][:-1] for i in range(0, 200, 2))


def test_a_blob_is_overwritten_in_place(tmp_path: Path, area: MakeArea) -> None:
    blobs = "CREATE TABLE blobs (id INTEGER PRIMARY KEY, content BLOB) STRICT;\n"
    blobs += "INSERT INTO blobs VALUES (7, zeroblob(6));\n"
    path = tmp_path / "a.db"
    with closing(Database(path, area(FIRST + blobs))) as database:
        database.write_blob("blobs", "content", 7, [(1, b"ab"), (5, b"z")])
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("SELECT content FROM blobs").fetchone() == (b"\0ab\0\0z",)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_file(tmp_path: Path, area: MakeArea) -> None:
    def memory() -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("RssAnon"))

    with closing(Database(tmp_path / "a.db", area(FIRST))) as database:
        before = memory()
        for _ in range(16):
            database.execute_many("add", [{"name": "x" * 12_000} for _ in range(400)])
        assert tmp_path.joinpath("a.db").stat().st_size > 70 << 20
        assert memory() - before < 45


def test_scripts_are_split_at_the_ends_of_statements() -> None:
    assert [part.split()[1] for part in split(FIRST.split("\n", 1)[1])] == ["TABLE", "TABLE", "TRIGGER"]
    assert list(split("SELECT 1")) == ["SELECT 1"]
    assert list(split(" \n")) == []
