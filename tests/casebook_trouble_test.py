"""Whatever is wrong with the casebook, an investigation answers, and says what was not kept or recalled."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from casebook_support import make, open_store, record
from cli_support import CommandLine
from kubelore.casebook.place import user_name
from kubelore.cases import CaseFilter

ASK = ("investigate", "why is payments restarting?", "--snapshot", "example:memory-limit", "--no-knowledge")
ANSWER = "oom_killed"


def newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO schema_version VALUES ('casebook', 99, 'x')")


def noise(file: Path) -> None:
    file.write_bytes(b"no database " * 1000)


def another_program(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE browser_history (url TEXT)")


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("harm", "hint"),
    [
        (newer, "update kubelore"),
        (noise, "cases repair"),
        (another_program, "name another file"),
        (a_folder, "check the path"),
    ],
)
def test_an_investigation_answers_and_says_what_to_do(
    harm: Callable[[Path], None],
    hint: str,
    tmp_path: Path,
    kubelore: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "c.db"
    monkeypatch.setenv("KUBELORE_CASEBOOK", str(file))
    with closing(open_store(file)) as store:
        record(store, make())
    harm(file)
    before = file.read_bytes() if file.is_file() else b""
    ran = kubelore(*ASK, "-q")
    assert (ran.code, ANSWER in ran.out) == (0, True)
    assert "not on record" in ran.err
    assert hint in ran.err
    assert "past cases" in ran.out, "that they were not asked is said"
    assert (file.read_bytes() if file.is_file() else b"") == before
    refused = kubelore("cases", "list")
    assert refused.code == 6
    assert str(file) in refused.err
    assert "hint: " in refused.err
    assert "damaged" not in refused.err or harm is noise


def test_a_casebook_that_cannot_be_written_is_recalled_and_says_so(
    tmp_path: Path, kubelore: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "c.db"
    monkeypatch.setenv("KUBELORE_CASEBOOK", str(file))
    assert kubelore(*ASK, "-q").code == 0
    assert kubelore("cases", "confirm", "last").code == 0
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # as good as a full disk: nobody else can write
        ran = kubelore(*ASK, "-q")
    assert (ran.code, ANSWER in ran.out) == (0, True)
    assert "1 confirmed case" in ran.out
    assert "not on record" in ran.err
    with closing(open_store(file)) as store:
        assert len(store.cases(CaseFilter(), limit=9)) == 1


def test_a_home_that_does_not_exist_is_made_where_that_can_be_done(
    tmp_path: Path, kubelore: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KUBELORE_CASEBOOK", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    assert "not on record" not in kubelore(*ASK, "-q").err
    monkeypatch.setenv("HOME", "/proc/none")
    ran = kubelore(*ASK, "-q")
    assert (ran.code, ANSWER in ran.out) == (0, True)
    assert "not on record: /proc/none" in ran.err


def test_doctor_says_whether_the_casebook_can_be_used(
    tmp_path: Path, kubelore: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said() -> dict[str, object]:
        checks = kubelore("doctor", "-o", "json").json["checks"]
        return next({**check} for check in checks if check["what"] == "casebook")

    file = tmp_path / "c.db"
    monkeypatch.setenv("KUBELORE_CASEBOOK", str(file))
    assert said() == {"what": "casebook", "ok": True, "detail": f"none yet at {file}", "hint": ""}
    assert not file.exists()
    open_store(file).close()
    assert (said()["ok"], said()["detail"]) == (True, str(file))
    newer(file)
    assert (said()["ok"], said()["hint"]) == (False, "update kubelore, or name another file")


def test_people_are_named_by_their_account_and_not_by_what_they_set(monkeypatch: pytest.MonkeyPatch) -> None:
    before = user_name()
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "mallory")
    assert user_name() == before != "mallory"
