"""`kubelore feedback` and `kubelore cases` on the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path

import pytest

from casebook_support import API, book, make, open_store, record
from cli_support import CommandLine, on_a_terminal, read_all
from kubelore.casebook.place import user_name
from kubelore.casebook.states import Judgement

FAULTY, HEALTHY = "example:memory-limit", "example:healthy"
QUESTION = "The payments app keeps restarting, why?"


@pytest.fixture
def casebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A casebook with two cases: the first is trusted, the last is a candidate."""
    file = tmp_path / "cases.db"
    monkeypatch.setenv("KUBELORE_CASEBOOK", str(file))
    store = open_store(file)
    book(store).judge(record(store, make(1)), Judgement(rating=5))
    record(store, make(2, cause="memory_leak", question="mail comes late"))
    store.close()
    return file


# -- feedback --------------------------------------------------------------------------------------
def test_feedback_is_about_the_last_case_unless_one_is_named(casebook: Path, kubelore: CommandLine) -> None:
    assert (
        kubelore("feedback", "--rating", "5").out == f"case 00000002 is trusted: rated 5 by {user_name()}\n"
    )
    assert "case 00000001 is retired" in kubelore("feedback", "00000001", "--rating", "1").out


def test_feedback_says_what_it_was(casebook: Path, kubelore: CommandLine) -> None:
    ran = kubelore("feedback", "last", "--rating", "2", "--cause", "oom_killed", "--object", str(API),
                   "--comment", "no leak")  # fmt: skip
    assert "is trusted: corrected by" in ran.out
    shown = kubelore("cases", "show", "last", "-o", "json").json
    assert (shown["confirmed_cause"], shown["confirmed_object"], shown["user_feedback"]) == (
        "oom_killed", str(API), "no leak",
    )  # fmt: skip
    assert shown["history"][-1]["what"] == "corrected"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rating", "6"], "rating"),
        (["--rating", "x"], "rating"),
        ([], "nothing is said"),
        (["--cause", "oom_kiled"], "did you mean oom_killed"),
        (["--cause", "Bad-Id", "--new-cause"], "no id of a cause"),
        (["--object", "front"], "Kind/namespace/name"),
        (["nobody", "--rating", "3"], "there is no case nobody"),
    ],
)
def test_wrong_feedback_is_refused_with_what_to_do(
    arguments: list[str], said: str, casebook: Path, kubelore: CommandLine
) -> None:
    ran = kubelore("feedback", *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert kubelore("cases", "show", "last", "-o", "json").json["state"] == "candidate"


def test_a_cause_of_ones_own_is_taken_when_asked_for_and_known_from_then_on(
    casebook: Path, kubelore: CommandLine
) -> None:
    assert kubelore("feedback", "--cause", "lease_left_behind").code == 2
    assert kubelore("feedback", "--cause", "lease_left_behind", "--new-cause").code == 0
    assert kubelore("feedback", "00000001", "--cause", "lease_left_behind").code == 0
    assert "lease_left_behind" in kubelore("cases", "list", "--cause", "lease_left_behind").out


# -- looking ---------------------------------------------------------------------------------------
def test_a_list_names_answer_state_rating_and_question(casebook: Path, kubelore: CommandLine) -> None:
    out = kubelore("cases", "list").out
    assert re.search(
        r"00000002 .* candidate +- +memory_leak at StatefulSet shop/orders-db\n +mail comes late", out
    )
    assert re.search(r"00000001 .* trusted +5 +oom_killed", out)


def test_a_list_is_filtered_paged_and_given_to_machines(casebook: Path, kubelore: CommandLine) -> None:
    page = kubelore("cases", "list", "--limit", "1", "-o", "json").json
    assert page["format"] == "kubelore.cases/1"
    assert [case["id"] for case in page["cases"]] == [make(2).id]
    rest = kubelore("cases", "list", "--after", "00000002", "-o", "yaml").out
    assert "id: 00000001" in rest
    assert kubelore("cases", "list", "--state", "trusted", "-o", "json").json["cases"][0]["id"] == make(1).id
    assert kubelore("cases", "list", "-n", "elsewhere").out == "no cases\n"
    assert kubelore("cases", "list", "--source", "x").out == "no cases\n"
    assert kubelore("cases", "list", "--since", "2999-01-01").out == "no cases\n"
    assert kubelore("cases", "list", "--state", "odd").code == 2
    assert kubelore("cases", "list", "--since", "yesterday").code == 2


def test_search_finds_by_words(casebook: Path, kubelore: CommandLine) -> None:
    assert [
        case["id"] for case in kubelore("cases", "search", "mail", "late", "-o", "json").json["cases"]
    ] == [make(2).id]
    assert len(kubelore("cases", "search", "OOMKilled", "-o", "json").json["cases"]) == 2


def test_show_tells_the_whole_story(casebook: Path, kubelore: CommandLine) -> None:
    out = kubelore("cases", "show", "00000001").out
    for part in (QUESTIONED, "trusted: rated 5", "oom_killed", "FIND_ISSUES shop", "History", "rated"):
        assert part in out
    assert (
        kubelore("cases", "show", "00000001", "--step", "2").out
        == "StatefulSet shop/orders-db\nready 0 of 1\n"
    )
    assert kubelore("cases", "show", "00000001", "--step", "3").code == 2


def test_a_case_is_shown_beside_those_that_disagree_with_it(casebook: Path, kubelore: CommandLine) -> None:
    with closing(open_store(casebook)) as store:
        book(store).judge(record(store, make(7, context="staging")), Judgement(cause="memory_leak"))
    assert kubelore("cases", "show", "00000007", "-o", "json").json["disagree"] == {
        "00000001-0000-4000-8000-000000000000": "oom_killed"
    }
    assert "case 00000007: memory_leak" in kubelore("cases", "show", "00000001").out


def test_the_history_says_why_each_change_was_made(casebook: Path, kubelore: CommandLine) -> None:
    kubelore("cases", "retire", "00000001", "--why", "a drill")
    kubelore("cases", "undo", "00000001")
    history = kubelore("cases", "show", "00000001", "-o", "json").json["history"]
    assert [(entry["what"], entry["state"]) for entry in history[-2:]] == [
        ("retired", "retired"), ("undone", "trusted"),
    ]  # fmt: skip
    assert "a drill" in history[-2]["why"]
    assert "a drill" in kubelore("cases", "show", "00000001").out


QUESTIONED = "why is checkout-api slow?"


def test_terminal_sequences_in_a_question_do_nothing(casebook: Path, kubelore: CommandLine) -> None:
    store = open_store(casebook)
    record(store, make(3, question="\x1b[2Jwhy?\x1b]0;x\x07"))
    store.close()
    for command in (["list"], ["show"], ["search", "why"], ["show", "-o", "json"], ["stats"]):
        assert "\x1b" not in kubelore("cases", *command).out


def test_stats_count_for_people_and_machines(casebook: Path, kubelore: CommandLine) -> None:
    assert "high confidence: 1 of 1" in kubelore("cases", "stats").out
    stats = kubelore("cases", "stats", "-o", "json").json
    assert (stats["cases"], stats["states"]) == (2, {"candidate": 1, "trusted": 1})


COMMANDS = ["list", "show", "stats", "verify", "replay", "confirm", "undo", "repair", "retire last"]


@pytest.mark.parametrize("command", [*(f"cases {name}" for name in COMMANDS), "feedback --rating 5"])
def test_without_a_casebook_commands_say_so_and_make_none(
    command: str, own_home: Path, kubelore: CommandLine
) -> None:
    ran = kubelore(*command.split())
    assert ran.code != 0
    assert "there is no casebook" in ran.err
    assert not (own_home / "state").exists()


def test_a_damaged_casebook_is_an_error_with_a_hint(casebook: Path, kubelore: CommandLine) -> None:
    content = bytearray(casebook.read_bytes())
    content[100:60_000] = b"\xff" * (60_000 - 100)
    casebook.write_bytes(content)
    ran = kubelore("cases", "list")
    assert ran.code not in (0, 1, 70)
    assert "hint:" in ran.err


# -- judging ---------------------------------------------------------------------------------------
def test_confirm_correct_retire_and_undo(casebook: Path, kubelore: CommandLine) -> None:
    assert "is trusted: confirmed by" in kubelore("cases", "confirm").out
    assert "is trusted: corrected by" in kubelore("cases", "correct", "--cause", "oom_killed").out
    assert kubelore("cases", "correct").code == 2
    assert kubelore("cases", "retire").code == 2
    assert "is retired: retired by" in kubelore("cases", "retire", "last", "--why", "a drill").out
    assert "is trusted: corrected by" in kubelore("cases", "undo").out
    assert "is trusted: confirmed by" in kubelore("cases", "undo").out
    assert "is candidate" in kubelore("cases", "undo").out
    assert kubelore("cases", "undo").code == 2


def test_all_of_a_cluster_that_is_gone_retire(casebook: Path, kubelore: CommandLine) -> None:
    store = open_store(casebook)
    record(store, make(3, context="staging"))
    store.close()
    ran = kubelore("cases", "retire", "--cluster", "prod")
    assert len(ran.out.splitlines()) == 2
    assert (
        kubelore("cases", "list", "--state", "candidate", "-o", "json").json["cases"][0]["id"] == make(3).id
    )
    assert kubelore("cases", "retire", "--cluster", "nowhere").code == 2


# -- exchange --------------------------------------------------------------------------------------
def test_cases_go_to_another_team_and_teach_once_their_source_is_confirmed(
    casebook: Path, tmp_path: Path, kubelore: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ours.jsonl"
    assert kubelore("cases", "export", str(file), "--anonymous").code == 0
    assert "orders-db" not in file.read_text()
    assert len(file.read_text().splitlines()) == 2, "a header, and the trusted case"
    monkeypatch.setenv("KUBELORE_CASEBOOK", str(tmp_path / "theirs.db"))
    with file.open("a") as stream:
        stream.write("not a case\n")
    ran = kubelore("cases", "import", str(file), "--source", "team-a")
    assert (ran.code, "refused: line 3" in ran.err) == (1, True)
    assert kubelore("cases", "confirm", "00000001", "--source", "team-a").code == 2
    assert "is trusted: confirmed by" in kubelore("cases", "confirm", "--source", "team-a").out
    assert kubelore("cases", "confirm", "--source", "team-a").code == 2, "nothing is left to confirm"
    assert kubelore("cases", "verify").code == 0


def test_an_export_that_fails_leaves_no_half_file(
    casebook: Path, tmp_path: Path, kubelore: CommandLine
) -> None:
    assert kubelore("cases", "export", str(tmp_path / "x.jsonl"), "nobody").code == 2
    assert kubelore("cases", "export", str(tmp_path)).code == 2
    assert [path.name for path in tmp_path.glob("x.jsonl*")] == []


def test_importing_what_is_not_there(casebook: Path, tmp_path: Path, kubelore: CommandLine) -> None:
    assert kubelore("cases", "import", str(tmp_path / "none")).code == 2


# -- verify and replay -----------------------------------------------------------------------------
def test_verify_exits_with_1_for_what_was_changed_by_hand(casebook: Path, kubelore: CommandLine) -> None:
    whole = kubelore("cases", "verify")
    assert (whole.code, "last hash: " in whole.out) == (0, True)
    connection = sqlite3.connect(casebook)
    connection.execute("UPDATE investigations SET state = 'trusted'")
    connection.commit()
    connection.close()
    ran = kubelore("cases", "verify")
    assert ran.code == 1
    assert "state differ from what the journal says" in ran.out


@pytest.mark.parametrize(
    ("question", "snapshot"),
    [(QUESTION, FAULTY), ("is the readiness probe wrong?", "example:readiness-path")],
)
def test_a_replay_gives_the_same_answer_from_the_record_alone(
    question: str, snapshot: str, kubelore: CommandLine
) -> None:
    asked = kubelore("investigate", question, "--snapshot", snapshot, "-o", "json").json
    replayed = kubelore("cases", "replay", "-o", "json").json
    assert (replayed["changed"], replayed["not_recorded"]) == ([], [])
    assert replayed["after"]["object"] == asked["diagnosis"]["object"]
    assert "Nothing changed" in kubelore("cases", "replay").out


def test_a_replay_shows_what_other_patterns_say(tmp_path: Path, kubelore: CommandLine) -> None:
    kubelore("investigate", QUESTION, "--snapshot", FAULTY)
    (tmp_path / "mine.yaml").write_text(PATTERN)
    replayed = kubelore("cases", "replay", "--patterns", str(tmp_path), "-o", "json").json
    assert "root_cause" in replayed["changed"]
    assert replayed["after"]["root_cause"] == "memory_leak"
    assert replayed["before"]["patterns"] != replayed["after"]["patterns"]
    assert "Changed: " in kubelore("cases", "replay", "--patterns", str(tmp_path)).out


PATTERN = """
id: mine
version: 1
name: Mine
triggers: [restarting]
symptoms: [it restarts]
investigation_steps: [{tool: DESCRIBE, look_for: state}]
common_causes:
- cause: It leaks
  root_cause: memory_leak
  evidence: [OOMKilled]
  when: [{all: [container.last_reason=OOMKilled], strength: 12}]
  explanation: It leaks.
  fix: {text: Mend it}
"""


def test_a_replay_without_observations_says_why(
    casebook: Path, tmp_path: Path, kubelore: CommandLine
) -> None:
    kubelore("cases", "export", str(tmp_path / "x.jsonl"))
    other = ("--casebook", str(tmp_path / "other.db"))
    kubelore("cases", "import", str(tmp_path / "x.jsonl"), *other)
    ran = kubelore("cases", "replay", "00000001", *other)
    assert ran.code == 2
    assert "not on record" in ran.err


# -- the question afterwards -----------------------------------------------------------------------
def interactive(*more: str) -> tuple[str, ...]:
    return ("investigate", QUESTION, "--snapshot", FAULTY, *more)


def test_one_key_rates(kubelore: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with on_a_terminal(*interactive()) as (process, terminal):
        read_all(terminal, until="Enter skips: ")
        time.sleep(0.2)  # until the terminal listens for keys
        os.write(terminal, b"2")
        shown = read_all(terminal)
        assert process.wait(timeout=30) == 0
    assert "retired: rated 2" in shown
    assert "kubelore feedback last --cause" in shown
    assert kubelore("cases", "list", "-o", "json").json["cases"][0]["user_rating"] == 2


def test_feedback_alone_asks_on_a_terminal_and_says_about_what(
    casebook: Path, kubelore: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with on_a_terminal("feedback", "00000001") as (process, terminal):
        before = read_all(terminal, until="Enter skips: ")
        time.sleep(0.2)
        os.write(terminal, b"1")
        after = read_all(terminal)
        assert process.wait(timeout=30) == 0
    assert "oom_killed at StatefulSet/shop/orders-db" in before
    assert "retired: rated 1" in after


def test_undo_says_what_it_took_back(casebook: Path, kubelore: CommandLine) -> None:
    said = kubelore("cases", "undo", "00000001").out
    assert said.startswith("took back that ann rated it; case 00000001 is candidate")
    assert "nothing to take back" in kubelore("cases", "undo", "00000001").err


@pytest.mark.parametrize("command", [("list",), ("search", "mail")])
def test_a_cause_that_does_not_exist_is_no_empty_list(
    command: tuple[str, ...], casebook: Path, kubelore: CommandLine
) -> None:
    ran = kubelore("cases", *command, "--cause", "oom_kiled")
    assert (ran.code, "did you mean oom_killed" in ran.err) == (2, True)
    assert kubelore("cases", *command, "--cause", "node_disk_pressure").code == 0


@pytest.mark.parametrize("key", [b"\n", b"\x1b[A"])
def test_any_other_key_skips(key: bytes, kubelore: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with on_a_terminal(*interactive()) as (process, terminal):
        read_all(terminal, until="Enter skips: ")
        time.sleep(0.2)
        os.write(terminal, key)
        shown = read_all(terminal)
        assert process.wait(timeout=30) == 0
    assert "Traceback" not in shown
    assert kubelore("cases", "list", "-o", "json").json["cases"][0]["user_rating"] == 0


def test_an_interrupt_skips_and_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with on_a_terminal(*interactive()) as (process, terminal):
        read_all(terminal, until="Enter skips: ")
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        shown = read_all(terminal)
        assert process.wait(timeout=20) == 0
    assert "Traceback" not in shown


@pytest.mark.parametrize("option", [("-q",), ("-o", "json"), ("--no-record",)])
def test_nobody_is_asked_who_did_not_sit_and_watch(
    option: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with on_a_terminal(*interactive(*option)) as (process, terminal):
        shown = read_all(terminal)
        assert process.wait(timeout=30) == 0
    assert "Was this right?" not in shown


def test_ci_systems_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with on_a_terminal(*interactive()) as (process, terminal):
        assert "Was this right?" not in read_all(terminal)
        assert process.wait(timeout=30) == 0


def test_scripts_are_not_asked(kubelore: CommandLine) -> None:
    ran = kubelore(*interactive())
    assert "Was this right?" not in ran.out + ran.err


# -- files -----------------------------------------------------------------------------------------
def test_the_casebook_is_where_it_is_asked_to_be(tmp_path: Path, kubelore: CommandLine) -> None:
    file = tmp_path / "deep" / "mine.db"
    asked = kubelore(
        "investigate", QUESTION, "--snapshot", FAULTY, "--casebook", str(file), "-o", "json"
    ).json
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    shown = kubelore("cases", "show", "--casebook", str(file), "-o", "json").json
    assert shown["id"] == asked["id"]
    assert json.dumps(shown["diagnosis"], sort_keys=True) == json.dumps(asked["diagnosis"], sort_keys=True)
    connection = sqlite3.connect(file)
    name, vector = connection.execute("SELECT embedder, query_embedding FROM investigations").fetchone()
    connection.close()
    assert name
    assert len(vector) == 2 * 256, "the question is embedded"
