"""What every back end of `CaseStore` must do. A back end joins by one more way to open a store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from casebook_support import book, make, open_store, record
from kubelore.casebook.states import Judgement
from kubelore.casebook.verify import verify
from kubelore.cases import Body, Case, CaseFilter, Entry, entry_hash, fold
from kubelore.errors import CaseChanged, StoreError
from kubelore.protocols import CaseStore

Open = Callable[[], CaseStore]


def sqlite(folder: Path) -> Open:
    return lambda: open_store(folder / "cases.db")


@pytest.fixture(params=[sqlite])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the same store each time."""
    made: Open = request.param(tmp_path)
    return made


def entry(case: str, at: str = "2026-03-01T12:00:00.000Z", **values: object) -> Entry:
    return Entry(case, at, "ann", "finished", {"timestamp": at, **values})


def fill(store: CaseStore, count: int) -> list[str]:
    """Cases c00, c01, ...: a minute apart; every third is trusted, every second about disks."""
    ids = [f"c{number:02d}" for number in range(count)]
    store.append(
        [
            entry(
                case_id,
                f"2026-03-01T12:{number:02d}:00.000Z",
                state="recorded" if number % 3 else "trusted",
                root_cause="disk_full" if number % 2 else "oom_killed",
                namespace=f"ns-{number % 4}",
                source="theirs" if number % 5 == 0 else "",
                query=f"why is pod number{number} down?",
                lesson={"question": "why?"},
                signs=[f"self:number={number}"],
            )
            for number, case_id in enumerate(ids)
        ]
    )
    return ids


def ids_of(cases: object) -> list[str]:
    return [case.id for case in cases]  # type: ignore[attr-defined]


def test_a_new_store_is_empty(opened: Open) -> None:
    store = opened()
    assert (store.case("x"), list(store.ids("")), list(store.cases(CaseFilter(), limit=5))) == (None, [], [])
    assert (store.stats().cases, store.past_cases().seq, list(store.journal())) == (0, 0, [])
    assert list(verify(store)) == []


def test_every_field_of_a_case_comes_back(opened: Open) -> None:
    values = {
        "timestamp": "2026-03-01T12:00:00.000Z", "query": "why?\n\u2713 'quoted\" ; DROP TABLE",
        "namespace": "shop", "status": "done", "state": "trusted", "why": "confirmed", "decider": "openai",
        "model": "m-1", "cluster": "abc", "cluster_context": {"context": "prod", "live": True},
        "diagnosis": {"explanation": "x"}, "root_cause": "oom_killed", "object": "Deployment/shop/a",
        "probability": 0.1 + 0.2, "confidence": "high", "facts": ["a=b"], "signs": ["self:a=b"],
        "tools": ["DESCRIBE"], "lessons": [{"kind": "case", "id": "y"}], "hashes": {"patterns": "h"},
        "tokens_in": 2**40, "tokens_out": 1, "calls": 2, "seconds": 1.25, "error": "e", "source": "s",
        "user_rating": 4, "user_feedback": "ok", "confirmed": True, "confirmed_cause": "c",
        "confirmed_object": "Node//n", "misled": "m", "verdict": "wrong", "fingerprint": "f",
        "merged_into": "z", "count": 3, "credit": -1.5, "credits": {"case/y": -1.0},
        "lesson": {"question": "q"},
    }  # fmt: skip
    first = Entry(
        "x", "2026-03-01T12:00:01.000Z", "ann", "imported", dict(values), {"iteration": 1, "tool": "T"}
    )
    assert opened().append([first]) == 1
    assert opened().case("x") == fold(None, 1, first)
    missing = {f for f in Case.__dataclass_fields__ if f not in values} - {"id", "seq", "steps"}
    assert not missing, "a new field of a case belongs into this test"


def test_steps_are_added_and_other_values_replaced(opened: Open) -> None:
    store = opened()
    for number in (1, 2):
        store.append([replace(entry("x", seconds=float(number)), step={"iteration": number})])
    case = store.case("x")
    assert case is not None
    assert (case.seq, case.seconds, [step["iteration"] for step in case.steps]) == (2, 2.0, [1, 2])


def test_entries_form_one_chain_over_all_cases(opened: Open) -> None:
    store = opened()
    store.append([entry("x"), entry("y")])
    store.append([entry("x", why="again")])
    recorded = list(store.journal())
    assert [(r.seq, r.entry.case) for r in recorded] == [(1, "x"), (2, "y"), (3, "x")]
    previous = ""
    for r in recorded:
        assert r.previous == previous
        assert r.hash == entry_hash(previous, r.seq, r.entry, r.entry.payload())
        previous = r.hash
    assert [r.seq for r in store.journal("x")] == [1, 3]
    assert [r.seq for r in store.journal(after=1)] == [2, 3]


def test_a_refused_change_leaves_nothing_behind(opened: Open) -> None:
    store = opened()
    store.append([entry("x")])
    with pytest.raises(CaseChanged):
        store.append([entry("new"), entry("x", why="mine")], [Body("new", 1, b"...")], unchanged={"x": 7})
    with pytest.raises(CaseChanged):
        store.append([entry("new")], unchanged={"nobody": 1})
    assert (store.case("new"), store.stats().entries, store.bodies("new")) == (None, 1, {})
    store.append([entry("x", why="mine")], unchanged={"x": 1})


def test_cases_are_listed_newest_first_in_pages(opened: Open) -> None:
    store = opened()
    ids = fill(store, 12)
    first = store.cases(CaseFilter(), limit=5)
    assert ids_of(first) == ids[:-6:-1]
    rest = store.cases(CaseFilter(), limit=50, after=first[-1].id)
    assert ids_of([*first, *rest]) == ids[::-1]


def test_cases_of_the_same_moment_are_all_listed_once(opened: Open) -> None:
    store = opened()
    store.append([entry(case) for case in "abcde"])
    found, after = [], ""
    while page := store.cases(CaseFilter(), limit=2, after=after):
        found += ids_of(page)
        after = page[-1].id
    assert sorted(found) == list("abcde")


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        (CaseFilter(states=("trusted",)), [0, 3, 6, 9]),
        (CaseFilter(states=("trusted", "recorded"), cause="disk_full"), [1, 3, 5, 7, 9, 11]),
        (CaseFilter(namespace="ns-1"), [1, 5, 9]),
        (CaseFilter(source="theirs"), [0, 5, 10]),
        (CaseFilter(source="", cause="oom_killed"), [2, 4, 6, 8]),
        (CaseFilter(since="2026-03-01T12:03:00", before="2026-03-01T12:05:00"), [3, 4]),
        (CaseFilter(states=("retired",)), []),
    ],
)
def test_filters(where: CaseFilter, numbers: list[int], opened: Open) -> None:
    store = opened()
    ids = fill(store, 12)
    expected = [ids[number] for number in reversed(numbers)]
    assert ids_of(store.cases(where, limit=50)) == expected
    assert sorted(ids_of(store.search("why", where, limit=50))) == sorted(expected)


def test_search_finds_words_their_beginnings_and_facts(opened: Open) -> None:
    store = opened()
    store.append(
        [
            entry("a", query="checkout is slow", facts=["container.last_reason=OOMKilled"]),
            entry("b", query="mail is late", root_cause="dns_failure", object="Service/mail/smtp-out"),
            entry(
                "c",
                query="nothing",
                diagnosis={"explanation": "The disk is full"},
                user_feedback="bea said so",
            ),
        ]
    )
    for words, found in {
        "oomkilled": ["a"], "last_reason=OOMKilled": ["a"], "check": ["a"], "smtp-out": ["b"], "dns": ["b"],
        "disk": ["c"], "bea": ["c"], "is": ["a", "b", "c"], "mail checkout": ["a", "b"], "mail late": ["b"],
        "xyzzy": [], "": [], '" OR ( NEAR *': [], "%": [],
    }.items():  # fmt: skip
        assert sorted(ids_of(store.search(words, CaseFilter(), limit=9))) == found, words


def test_search_follows_changes(opened: Open) -> None:
    store = opened()
    store.append([entry("a", query="first words")])
    store.append([entry("a", query="other words", user_feedback="tea")])
    assert ids_of(store.search("first", CaseFilter(), limit=9)) == []
    assert ids_of(store.search("tea", CaseFilter(), limit=9)) == ["a"]


def test_ids_are_found_by_their_beginnings(opened: Open) -> None:
    store = opened()
    store.append([entry("ab1"), entry("ab2"), entry("b_1"), entry("b%1")])
    assert sorted(store.ids("ab")) == ["ab1", "ab2"]
    assert list(store.ids("b_")) == ["b_1"]
    assert list(store.ids("b%")) == ["b%1"]
    assert len(store.ids("", limit=3)) == 3


def test_what_teaches_is_told_whole_and_then_by_what_changed(opened: Open) -> None:
    store = opened()
    fill(store, 6)
    everything = store.past_cases()
    assert ids_of(everything.taught) == ["c00", "c03"]
    assert everything.taught[0].question == "why?"
    assert everything.taught[0].signs == frozenset({"self:number=0"})
    assert store.past_cases(everything.seq) == type(everything)(everything.seq, (), ())
    store.append([entry("c00", state="retired"), entry("c01", state="trusted"), entry("c05", why="still")])
    changes = store.past_cases(everything.seq)
    assert (ids_of(changes.taught), sorted(changes.dropped)) == (["c01"], ["c00", "c05"])
    assert changes.seq == everything.seq + 3


def test_cases_that_teach_are_read_by_their_ids(opened: Open) -> None:
    store = opened()
    fill(store, 6)
    found = {case.id: case for case in store.taught(["c03", "c00", "c01", "nobody"])}
    assert found == {case.id: case for case in store.past_cases().taught}
    store.append([entry("c00", merged_into="c03"), entry("c03", state="retired")])
    assert list(store.taught(["c03", "c00"])) == []
    assert list(store.taught([])) == []


def test_what_is_derived_is_of_one_journal_entry(opened: Open) -> None:
    store = opened()
    assert (store.derived("x"), store.behind("x")) == (None, 0)
    store.append([entry("a"), entry("b")])
    assert store.behind("x") == 2
    store.derive("x", 2, b"first")
    store.append([entry("a")])
    assert (store.derived("x"), store.behind("x")) == ((2, b"first"), 1)
    store.derive("x", 3, b"second")
    store.derive("y", 1, b"\0" * 100_000)
    assert (opened().derived("x"), opened().behind("x")) == ((3, b"second"), 0)
    assert opened().derived("y") == (1, b"\0" * 100_000)
    assert list(verify(store)) == []


def test_merged_cases_teach_through_their_head(opened: Open) -> None:
    store = opened()
    store.append([entry("a", state="trusted", fingerprint="f", count=2), entry("z", fingerprint="f")])
    store.append([entry("b", state="trusted", fingerprint="f", merged_into="a")])
    assert ids_of(store.past_cases().taught) == ["a"]
    head = store.head("f")
    assert head is not None
    assert (head.id, ids_of(store.merged("a"))) == ("a", ["b"])
    assert (store.head("g"), store.head(""), list(store.merged(""))) == (None, None, [])


def test_bodies_are_kept_once_and_dropped_oldest_first(opened: Open) -> None:
    store = opened()
    for number, case in enumerate("abc"):
        at = f"2026-03-0{number + 1}T12:00:00.000Z"
        store.append(
            [entry(case, at)], [Body(case, 1, b"1" * 100), Body(case, 2, b"2" * 100), Body(case, 0, b"e")]
        )
    store.append([entry("a")], [Body("a", 1, b"other")])
    assert store.bodies("a") == {0: b"e", 1: b"1" * 100, 2: b"2" * 100}
    assert (store.stats().bodies, store.stats().body_bytes) == (6, 600)
    assert store.drop_bodies(before="2026-03-01T13:00:00", over=10**9) == 1
    assert store.drop_bodies(before="", over=250) == 1
    assert [list(store.bodies(case)) for case in "abc"] == [[0], [0], [0, 1, 2]]
    assert store.drop_bodies(before="", over=250) == 0


def test_what_retired_cases_saw_is_dropped_sooner(opened: Open) -> None:
    store = opened()
    store.append([entry("a", state="retired"), entry("b")], [Body("a", 1, b"1"), Body("b", 1, b"1")])
    assert store.drop_bodies(before="", over=99, retired="2026-03-01") == 0
    assert store.drop_bodies(before="", over=99, retired="2026-03-02") == 1
    assert [list(store.bodies(case)) for case in "ab"] == [[], [1]]


def test_cases_outlive_their_use(opened: Open) -> None:
    store = opened()
    early, late = "2024-03-01T12:00:00.000Z", "2026-03-01T12:00:00.000Z"
    teaches = {"state": "trusted", "cluster": "here"}
    store.append(
        [
            entry("old", early, **teaches),
            entry("useful", early, **teaches, credit=1.0),
            entry("merged", early, **teaches, merged_into="old"),
            entry("unsure", early, cluster="here"),
            entry("theirs", early, state="trusted", cluster="gone", source="theirs"),
            entry("gone", "2025-03-01T12:00:00.000Z", state="trusted", cluster="gone"),
            entry("new", late, **teaches),
            entry("kept", early, **teaches),
        ]
    )
    store.append([Entry("kept", late, "ann", "undone")])
    assert list(store.outlived(before="2025", unseen="", limit=9)) == ["old", "theirs"]
    assert list(store.outlived(before="", unseen="2026", limit=9)) == ["gone"]
    assert list(store.outlived(before="2025", unseen="2026", limit=2)) == ["old", "theirs"]
    assert list(store.outlived(before="", unseen="", limit=9)) == []


def test_repair_changes_nothing_that_is_sound(opened: Open) -> None:
    store = opened()
    ids = fill(store, 12)
    store.append([], [Body(ids[0], 0, b"e"), Body(ids[0], 1, b"1")])
    cases, stats, key = store.cases(CaseFilter(), limit=99), store.stats(), store.key()
    assert store.repair()
    assert (store.cases(CaseFilter(), limit=99), store.stats(), store.key()) == (cases, stats, key)
    assert store.bodies(ids[0]) == {0: b"e", 1: b"1"}
    assert len(store.search("why", CaseFilter(), limit=99)) == 12


def test_ratings_are_counted_by_person_and_time(opened: Open) -> None:
    store = opened()
    times = ("2026-03-01T10:00:00.000Z", "2026-03-01T11:00:00.000Z")
    store.append([Entry("x", at, who, "rated") for at in times for who in ("ann", "bea")])
    store.append([Entry("x", times[1], "ann", "confirmed")])
    assert store.rated("ann", "2026-03-01T10:30:00.000Z") == 1
    assert store.rated("ann", "2026-03-01T09:00:00.000Z") == 2


def test_stats_count(opened: Open) -> None:
    store = opened()
    judged = {"confidence": "high", "status": "done"}
    store.append(
        [
            entry("a", **judged, verdict="right", user_rating=5, credits={"case/x": 1.0, "pattern/p": -1.0}),
            entry("b", **judged, verdict="wrong", user_rating=1, credits={"case/y": -1.0}),
            entry("c", **judged, state="trusted", root_cause="oom_killed", source="theirs"),
        ]
    )
    stats = store.stats()
    assert (stats.cases, stats.entries) == (3, 3)
    assert stats.states == {"recorded": 2, "trusted": 1}
    assert stats.ratings == {5: 1, 1: 1, 0: 1}
    assert stats.sources == {"": 2, "theirs": 1}
    assert stats.causes["oom_killed"] == 1
    assert stats.judged == {"high": (2, 1)}
    assert stats.credits == {"case": (1, 1), "pattern": (0, 1)}


def test_the_key_is_made_once(opened: Open) -> None:
    assert len(opened().key()) >= 16
    assert opened().key() == opened().key()


def test_what_one_writes_the_other_sees(opened: Open) -> None:
    one, other = opened(), opened()
    one.append([entry("x")])
    assert other.case("x") is not None
    other.append([entry("x", why="other")])
    with pytest.raises(CaseChanged):
        one.append([entry("x", why="one")], unchanged={"x": 1})


# -- verify ----------------------------------------------------------------------------------------
def meddle(file: Path, *statements: str) -> None:
    """Change a database behind the store's back, as somebody with an editor would."""
    connection = sqlite3.connect(file)
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE journal SET who = 'eve' WHERE seq = 2", "entry 2"),
        ("UPDATE journal SET payload = replace(payload, 'oom_killed', 'disk_full') WHERE seq = 4", "entry 4"),
        ("DELETE FROM journal WHERE seq = 3", "missing"),
        ("UPDATE investigations SET state = 'trusted'", "state"),
        ("UPDATE investigations SET confirmed_cause = 'disk_full'", "confirmed_cause"),
        ("DELETE FROM investigations", "nowhere else"),
        ("UPDATE observations SET data = zeroblob(9) WHERE step = 1", "what step 1 saw"),
        ("UPDATE evidence SET data = zeroblob(9)", "the evidence"),
        ("""INSERT INTO journal SELECT seq + 10, case_id, at, who, what, payload, previous, hash FROM journal
         WHERE seq = 4""", "missing"),
    ],
)  # fmt: skip
def test_verify_sees_what_was_changed_by_hand(harm: str, said: str, tmp_path: Path) -> None:
    store = open_store(tmp_path / "c.db")
    record(store, make())
    store.close()
    meddle(tmp_path / "c.db", harm)
    found = list(verify(open_store(tmp_path / "c.db")))
    assert any(said in line for line in found), found


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET who = 'eve'",
        "DELETE FROM journal",
        "UPDATE observations SET data = zeroblob(1)",
        "UPDATE evidence SET data = zeroblob(1)",
    ],
)
def test_the_database_itself_refuses_to_change_what_was_written(statement: str, tmp_path: Path) -> None:
    store = open_store(tmp_path / "c.db")
    record(store, make())
    connection = sqlite3.connect(tmp_path / "c.db")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    connection.close()


def test_verify_is_content_with_an_honest_history(tmp_path: Path) -> None:
    store = open_store(tmp_path / "c.db")
    case = book(store).judge(record(store, make()), Judgement(rating=5))
    book(store).undo(case)
    assert list(verify(store)) == []


def test_a_read_only_casebook_is_not_created(tmp_path: Path) -> None:
    from kubelore.store.sqlite.cases import SqliteCaseStore

    with pytest.raises(StoreError, match="there is no casebook"):
        SqliteCaseStore(tmp_path / "none.db", read_only=True)
    assert list(tmp_path.iterdir()) == []
