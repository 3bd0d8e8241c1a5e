"""A damaged casebook: what is wrong is said, what can be read is saved, nothing is made up."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from casebook_support import book, make, open_store, record
from cli_support import CommandLine
from kubelore.casebook import kept
from kubelore.casebook.states import Judgement
from kubelore.casebook.verify import verify
from kubelore.cases import Body, CaseFilter
from kubelore.errors import StoreError
from kubelore.store.sqlite.cases import NEW_KEY
from kubelore.store.sqlite.database import PAGE_BYTES

CASES = 12


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sound") / "cases.db"
    with closing(open_store(file)) as store:
        for number in range(CASES):
            case = record(store, make(number, cause=f"cause_{number}", context=f"c{number}"))
            if number % 2:
                book(store).judge(case, Judgement(rating=5, comment=f"word{number}"))
        kept.keep(store, 1)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("VACUUM")
    return file


@pytest.fixture
def file(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "cases.db"))


def pages(file: Path) -> int:
    return file.stat().st_size // PAGE_BYTES


def everything(file: Path) -> dict[str, object]:
    with closing(open_store(file)) as store:
        return {case.id: (case, dict(store.bodies(case.id))) for case in store.cases(CaseFilter(), limit=99)}


def test_whatever_page_is_noise_what_is_saved_is_what_was_written(sound: Path, tmp_path: Path) -> None:
    was, key = everything(sound), open_store(sound).key()
    saved, unsaved = [], []
    for page in range(1, pages(sound)):
        file = Path(shutil.copy(sound, tmp_path / f"{page}.db"))
        with file.open("r+b") as stream:
            stream.seek(page * PAGE_BYTES)
            stream.write(random.Random(page).randbytes(PAGE_BYTES))
        try:
            with closing(open_store(file)) as store:
                said = store.repair()
                left = list(verify(store))
        except StoreError as error:
            unsaved.append(error.hint)
            continue
        now = everything(file)
        for case_id, (case, bodies) in now.items():
            assert case == was[case_id][0]
            assert bodies.items() <= was[case_id][1].items()
        if not left and not any(line.startswith("observations") for line in said):
            assert now == was
            assert (open_store(file).key() == key) is (NEW_KEY not in said)
        saved.append(len(now))
        with closing(open_store(file)) as store:
            assert record(store, make(99)).id in everything(file), "it goes on"
    assert all(unsaved), "each with what to do"
    assert saved.count(CASES) > 0.8 * pages(sound)


def test_cases_are_made_anew_from_the_journal(file: Path, sound: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "UPDATE investigations SET state = 'trusted', diagnosis = '{oops' WHERE number = 1"
        )
        connection.execute("DELETE FROM investigations WHERE number = 2")
        connection.execute("UPDATE kept SET bytes = 1")
        connection.execute("DELETE FROM investigations_text")
    with closing(open_store(file)) as store:
        assert list(store.repair()) == [
            "made 2 cases anew from the journal", "made anew what cases are found by",
        ]  # fmt: skip
        assert list(verify(store)) == []
        assert [case.user_feedback for case in store.search("word3", CaseFilter(), limit=9)] == ["word3"]
        assert store.derived(kept.NAME) is None
        with closing(open_store(sound)) as before:
            assert store.stats() == before.stats()
    assert everything(file) == everything(sound)


def test_a_sound_casebook_is_left_as_it_is(file: Path, sound: Path) -> None:
    with closing(open_store(file)) as store:
        assert list(store.repair()) == ["made anew what cases are found by"]
    assert everything(file) == everything(sound)


def test_room_that_was_forgotten_is_given_back(file: Path) -> None:
    noise = random.Random(1).randbytes(4 << 20)
    with closing(open_store(file)) as store:
        store.append([], [Body(make(0).id, 9, noise)])
        store.drop_bodies(before="9", over=0)
    before = file.stat().st_size
    with closing(open_store(file)) as store:
        assert any("4 MiB back" in line for line in store.repair())
    assert file.stat().st_size <= before - len(noise)
    assert len(everything(file)) == CASES


def test_an_entry_that_was_changed_stays_told(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DROP TRIGGER journal_is_never_changed")
        connection.execute("UPDATE journal SET who = 'eve' WHERE seq = 3")
    with closing(open_store(file)) as store:
        store.repair()
        assert any("entry 3" in line for line in verify(store))


def test_the_command_line_says_what_to_do_and_does_it(
    file: Path, kubelore: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBELORE_CASEBOOK", str(file))
    with file.open("r+b") as stream:
        stream.seek((pages(file) - 1) * PAGE_BYTES)
        stream.write(random.Random(1).randbytes(PAGE_BYTES))
    ran = kubelore("cases", "verify")
    assert ran.code == 1
    assert "kubelore cases repair" in ran.err
    assert "anew" in kubelore("cases", "repair").out
    assert kubelore("cases", "verify").code == 0


def test_a_read_only_look_at_a_damaged_case_says_what_to_do(
    file: Path, kubelore: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBELORE_CASEBOOK", str(file))
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE investigations SET diagnosis = '{oops'")
    ran = kubelore("cases", "list")
    assert ran.code == 6
    assert "kubelore cases repair" in ran.err
