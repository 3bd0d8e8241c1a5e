"""A damaged file: what is wrong is said, what can be read is saved, and what is not ours is left alone."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kubelore.errors import StoreBusy, StoreCorrupt, StoreError, StoreNewer, StoreNotOpened
from kubelore.passages import Terms
from kubelore.store.sqlite.database import PAGE_BYTES, Database
from kubelore.store.sqlite.knowledge.store import SqliteKnowledge
from kubelore.store.sqlite.statements import CASEBOOK
from store_child import filled
from store_support import EMBEDDER, add, document, found, vector

LONG = 100_000


def everything(store: SqliteKnowledge) -> list[Callable[[], object]]:
    return [
        lambda: store.keywords([["batch1"]], limit=5),
        lambda: store.nearest(EMBEDDER, vector(1), limit=5),
        lambda: store.page(limit=1000),
        store.index,
        store.stats,
        store.sources,
        store.problems,
        lambda: add(store, document("new.md", "new words")),
        store.repair,
    ]


def damage(action: Callable[[], object]) -> StoreError | None:
    """What it says of the file; any other exception fails the test."""
    try:
        action()
    except StoreError as error:
        return error
    return None


def use(path: Path) -> list[StoreError]:
    """Opens and does everything, and returns every complaint."""
    said: list[StoreError | None] = []

    def opened() -> None:
        with closing(SqliteKnowledge(path)) as store:
            said.extend(damage(action) for action in everything(store))

    said.append(damage(opened))
    return [error for error in said if error]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("sound") / "knowledge.db")


def overwritten(sound: Path, path: Path, page: int) -> Path:
    """A copy of the file, one page of it noise."""
    shutil.copy(sound, path)
    with path.open("r+b") as file:
        file.seek(page * PAGE_BYTES)
        file.write(random.Random(page).randbytes(PAGE_BYTES))
    return path


def pages(file: Path) -> range:
    return range(file.stat().st_size // PAGE_BYTES)


def test_whatever_page_is_overwritten_errors_are_ours_and_say_what_to_do(sound: Path, tmp_path: Path) -> None:
    told = []
    for page in pages(sound)[::2]:
        told += use(overwritten(sound, tmp_path / "damaged.db", page))
    assert len(told) > 30
    assert all("reindex" in error.hint and "damaged.db" in str(error) for error in told)


def test_whatever_bits_fall_over_errors_are_ours(sound: Path, tmp_path: Path) -> None:
    content = sound.read_bytes()
    written = [place for place, byte in enumerate(content) if byte]
    noise = random.Random(3)
    path = tmp_path / "damaged.db"
    for _ in range(60):
        bits = bytearray(content)
        for place in noise.sample(written, 5):
            bits[place] ^= 1 << noise.randrange(8)
        path.write_bytes(bits)
        assert all("reindex" in error.hint for error in use(path))


def test_whatever_page_is_overwritten_all_that_can_be_read_is_saved(sound: Path, tmp_path: Path) -> None:
    with closing(SqliteKnowledge(sound)) as store:
        original = {entry.id: entry for entry in store.page(limit=LONG)}
    saved = []
    for page in pages(sound)[3::2]:  # without the first pages nothing is known of the others
        path = overwritten(sound, tmp_path / f"{page}.db", page)
        with closing(SqliteKnowledge(path)) as store:
            assert store.repair()
            texts = store.texts("", LONG)
            store.analyse({text.hash: Terms(text.title, text.content) for text in texts})  # as reindex does
            assert store.problems() == []
            entries = {entry.id: entry for entry in store.page(limit=LONG)}
            assert entries.items() <= original.items()
            assert len(store.keywords([["docs"]], limit=LONG)) == len(entries)
            if len(entries) < len(original):
                assert set(store.hashes("docs", ["0-0.md"]).values()) <= {""}  # to be looked at again
            add(store, document("new.md", "new words"), source="new")
            assert found(store, "new")
            saved.append(len(entries))
    whole = saved.count(len(original))
    assert whole > len(saved) * 0.6  # indexes, vectors and terms are no loss
    assert sum(saved) > len(saved) * len(original) * 0.8


def test_a_damaged_file_is_not_replaced_under_another_process(sound: Path, tmp_path: Path) -> None:
    path = overwritten(sound, tmp_path / "knowledge.db", 20)
    with closing(SqliteKnowledge(path)) as store:
        with closing(SqliteKnowledge(path)) as other:
            other.index()
            with pytest.raises(StoreBusy) as caught:
                store.repair()
        assert "end every other" in caught.value.hint
        assert store.repair()
    assert len(list(tmp_path.glob("knowledge.db.damaged-*"))) == 1


def test_a_damaged_file_that_holds_a_casebook_too_is_left_alone(sound: Path, tmp_path: Path) -> None:
    path = tmp_path / "both.db"
    shutil.copy(sound, path)
    Database(path, CASEBOOK).close()
    path = overwritten(path, tmp_path / "damaged.db", 20)
    before = path.read_bytes()
    with (
        closing(SqliteKnowledge(path)) as store,
        pytest.raises(StoreCorrupt, match="more than the knowledge"),
    ):
        store.repair()
    assert len(path.read_bytes()) == len(before)
    assert [file.name for file in tmp_path.iterdir() if "damaged" in file.name] == ["damaged.db"]


def test_a_file_cut_off_is_told(tmp_path: Path) -> None:
    path = filled(tmp_path / "knowledge.db")
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    assert use(path)


@pytest.mark.parametrize(
    "content", [b"# Runbook\n\nnot a database " * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "knowledge.db"
    path.write_bytes(content)
    for read_only in (False, True):
        with pytest.raises(StoreCorrupt) as caught:
            SqliteKnowledge(path, read_only=read_only)
        assert "no database" in str(caught.value)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "places.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreNotOpened, match="another program"):
        SqliteKnowledge(path)
    assert path.read_bytes() == before


def test_an_empty_file_is_a_store_without_knowledge(tmp_path: Path) -> None:
    path = tmp_path / "knowledge.db"
    path.touch()
    with pytest.raises(StoreNotOpened) as caught:
        SqliteKnowledge(path, read_only=True)
    assert "knowledge add" in caught.value.hint
    with closing(SqliteKnowledge(path)) as store:
        assert store.stats().entries == 0


def test_a_store_of_a_newer_kubelore_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = filled(tmp_path / "knowledge.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as future:
        future.execute("INSERT INTO schema_version VALUES ('knowledge', 99, '2030-01-01T00:00:00Z')")
        future.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(StoreNewer) as caught:
            SqliteKnowledge(path, read_only=read_only)
        assert "99" in str(caught.value)
        assert "update kubelore" in caught.value.hint
    assert path.read_bytes() == before
