"""What is forgotten by rule, and that it can be taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from casebook_support import API, START, book, make, open_store, replayed
from cli_support import CommandLine
from kubelore.casebook.effects import RULE
from kubelore.casebook.forgetting import OUTLIVED, Forgotten, forget
from kubelore.casebook.recorder import Recorder
from kubelore.casebook.states import Judgement
from kubelore.casebook.verify import verify
from kubelore.cases import Case, Entry, Forgetting
from kubelore.store.sqlite.cases import SqliteCaseStore
from kubelore.types import Investigation


@pytest.fixture
def store(tmp_path: Path) -> SqliteCaseStore:
    return open_store(tmp_path / "c.db")


FOR_EVER = Forgetting(*(999_999_999,) * 5)


def ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def record(store: SqliteCaseStore, made: Investigation, rules: Forgetting = FOR_EVER) -> Case:
    replayed(Recorder(lambda: open_store(store.path), "ann", rules=rules), made)
    return book(store).find(made.id)


def trusted(store: SqliteCaseStore, number: int, days: int, context: str = "prod") -> Case:
    case = record(store, make(number, started=ago(days), context=context, cause=f"cause_{number}"))
    return book(store).judge(case, Judgement(rating=5))


def states(store: SqliteCaseStore, *cases: Case) -> list[str]:
    return [book(store).find(case.id).state for case in cases]


def test_what_steps_saw_is_dropped_for_its_age_and_the_case_stays(store: SqliteCaseStore) -> None:
    old = record(store, make(1, started=ago(40)))
    new = record(store, make(2, started=ago(1)))
    assert forget(store, Forgetting(observed_days=30)) == Forgotten(observed=1)
    assert list(store.bodies(old.id)) == [0]
    assert list(store.bodies(new.id)) == [0, 1, 2]
    assert store.case(old.id) == old
    assert list(verify(store)) == []
    case = book(store).judge(old, Judgement(object=str(API)))
    assert case.state == "trusted", "evidence outlives observations"


def test_the_oldest_observations_go_first_when_there_are_too_many(store: SqliteCaseStore) -> None:
    ids = [record(store, make(n, started=ago(10 - n))).id for n in range(4)]
    half = store.stats().body_bytes // 2
    assert forget(store, Forgetting(observed_bytes=half)) == Forgotten(observed=2)
    assert [len(store.bodies(case)) for case in ids] == [1, 1, 3, 3]
    assert store.stats().body_bytes <= half


def test_what_steps_of_retired_cases_saw_goes_sooner(store: SqliteCaseStore) -> None:
    bad, good, lately = (record(store, make(n, started=ago(days))) for n, days in ((1, 40), (2, 40), (3, 9)))
    for case in (bad, lately):
        book(store).judge(case, Judgement(rating=1))
    assert forget(store, Forgetting()) == Forgotten(observed=1)
    assert [len(store.bodies(case.id)) for case in (bad, good, lately)] == [1, 3, 3]


def test_a_case_that_helped_nobody_retires_for_its_age(store: SqliteCaseStore) -> None:
    old, helpful, new = trusted(store, 1, 900), trusted(store, 2, 900), trusted(store, 3, 20)
    store.append([Entry(helpful.id, "2026-03-01T12:00:00Z", RULE, "credited", {"credit": 1.0})])
    assert forget(store, Forgetting(observed_days=9999)) == Forgotten(retired=1)
    assert states(store, old, helpful, new) == ["retired", "trusted", "trusted"]
    assert OUTLIVED in book(store).find(old.id).why
    assert forget(store, Forgetting(observed_days=9999)).retired == 0


def test_cases_of_a_cluster_that_is_gone_retire_sooner(store: SqliteCaseStore) -> None:
    gone, here = trusted(store, 1, 500, "old-prod"), trusted(store, 2, 500)
    record(store, make(3, started=ago(10)))  # nothing of old-prod since
    assert forget(store, Forgetting()).retired == 1
    assert states(store, gone, here) == ["retired", "trusted"]


def test_what_a_person_takes_back_is_left_alone(store: SqliteCaseStore) -> None:
    old = trusted(store, 1, 900)
    trusted(store, 2, 1)
    assert forget(store, Forgetting()).retired == 1
    assert book(store).undo(book(store).find(old.id)).state == "trusted"
    assert forget(store, Forgetting()).retired == 0
    assert states(store, old) == ["trusted"]


def test_recording_forgets_limits_each_time_and_the_rest_once_a_day(store: SqliteCaseStore) -> None:
    trusted(store, 1, 900)
    record(store, make(2, started=START), Forgetting(observed_days=0))
    assert states(store, book(store).find("00000001")) == ["retired"], "the first of a day"
    assert store.stats().bodies == 0
    trusted(store, 3, 800)
    record(store, make(4, started=START + timedelta(minutes=1)), Forgetting(observed_days=0))
    assert states(store, book(store).find("00000003")) == ["trusted"], "not again today"
    assert store.stats().bodies == 0


def test_no_limit_is_too_long(store: SqliteCaseStore) -> None:
    trusted(store, 1, 900)
    assert forget(store, FOR_EVER) == Forgotten()


# -- on the command line ---------------------------------------------------------------------------
@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBELORE_CASEBOOK", str(tmp_path / "c.db"))
    return tmp_path / "c.db"


def test_limits_are_settings_and_stats_say_them(
    file: Path, kubelore: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted(open_store(file), 1, 5)
    for name, value in {"KEEP_DAYS": 7, "KEEP_MIB": 20, "TEACH_DAYS": 99, "CLUSTER_DAYS": 33}.items():
        monkeypatch.setenv(f"KUBELORE_{name}", str(value))
    told = " ".join(kubelore("cases", "stats").out.split())
    for said in ("after 7 days", "beyond 20 MiB", "after 99 days", "of its cluster for 33"):
        assert said in told
    forgets = kubelore("cases", "stats", "-o", "json").json["forgets"]
    assert (forgets["observed_days"], forgets["observed_bytes"]) == (7, 20 << 20)


def test_an_investigation_says_what_it_forgot(
    file: Path, kubelore: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = ("investigate", "why is it restarting?", "--snapshot", "example:memory-limit", "--no-knowledge")
    assert "forgot" not in kubelore(*ask).err
    monkeypatch.setenv("KUBELORE_KEEP_MIB", "0")
    assert "forgot by rule: what 2 investigations saw" in kubelore(*ask).err
    assert open_store(file).stats().bodies == 0


@pytest.mark.parametrize("value", ["ten", "-1", "1.5", "99999999999", "\u0661"])
def test_a_limit_that_is_no_number_is_refused(
    value: str, file: Path, kubelore: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBELORE_KEEP_DAYS", value)
    ran = kubelore("cases", "stats")
    assert ran.code == 2
    assert "KUBELORE_KEEP_DAYS" in ran.err
