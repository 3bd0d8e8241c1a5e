"""Recording: whole at any moment, private, redacted, never in the way."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from casebook_support import API, DATABASE, make, open_store, record, replayed
from kubelore.casebook.entries import Writer, moment
from kubelore.casebook.observed import MAX_UNPACKED, unpack_evidence, unpack_observation
from kubelore.casebook.place import default_file
from kubelore.casebook.recorder import Recorder
from kubelore.casebook.signs import signs
from kubelore.casebook.verify import verify
from kubelore.cases import CaseFilter
from kubelore.errors import DataError, StoreError
from kubelore.store.sqlite.cases import SqliteCaseStore
from kubelore.types import Fact, Lesson, Observation, Severity, Step, ToolCall


def recorder_for(file: Path, who: str = "ann") -> Recorder:
    return Recorder(lambda: SqliteCaseStore(file, busy_seconds=0.05), who)


# -- what is kept ----------------------------------------------------------------------------------
def test_a_case_says_what_was_asked_seen_and_answered(tmp_path: Path) -> None:
    store = open_store(tmp_path / "c.db")
    made = make(lessons=[Lesson("pattern", "oomkilled", "Out of memory", "...", "library")])
    case = record(store, made)
    assert (case.query, case.namespace, case.timestamp) == (
        "why is checkout-api slow?", "shop", moment(made.started),
    )  # fmt: skip
    assert (case.status, case.state, case.decider, case.confidence) == (
        "done",
        "candidate",
        "playbook",
        "high",
    )
    assert (case.root_cause, case.object, case.probability) == ("oom_killed", str(DATABASE), 0.93)
    assert [(s["iteration"], s["tool"], s["args"]) for s in case.steps] == [
        (1, "FIND_ISSUES", "shop"), (2, "DESCRIBE", "statefulset shop orders-db"),
    ]  # fmt: skip
    assert case.steps[0]["useful"]
    assert "container.last_reason=OOMKilled" in case.steps[0]["evidence"]
    assert case.steps[0]["result_summary"].startswith(f"{DATABASE}: container db is killed")
    assert [lesson["id"] for lesson in case.lessons] == ["oomkilled"]
    assert case.hashes == {"patterns": "a" * 64}
    assert case.cluster_context["context"] == "prod"
    assert case.tools == ("FIND_ISSUES",)
    assert set(case.signs) == signs(made.evidence, DATABASE)


def test_the_table_has_the_columns_that_others_query(tmp_path: Path) -> None:
    record(open_store(tmp_path / "c.db"), make())
    connection = sqlite3.connect(tmp_path / "c.db")
    row = connection.execute(
        "SELECT id, timestamp, query, query_embedding, steps_json, diagnosis, root_cause, confidence,"
        " user_rating, user_feedback, cluster_context FROM investigations"
    ).fetchone()
    assert row[0] == make().id
    assert row[6] == "oom_killed"
    connection.close()


def test_observations_and_evidence_come_back_as_they_were_seen(tmp_path: Path) -> None:
    store = open_store(tmp_path / "c.db")
    made = make()
    case = record(store, made)
    bodies = store.bodies(case.id)
    assert [unpack_observation(bodies[step.index]) for step in made.steps] == [
        step.observation for step in made.steps
    ]
    evidence = unpack_evidence(bodies[0])
    assert evidence.names() == made.evidence.names()
    assert evidence.covered == made.evidence.covered
    assert signs(evidence, API) == signs(made.evidence, API)


class Letters:
    """An embedder of two dimensions."""

    name, dimension = "letters", 2

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        return np.array([[text.count("a"), text.count("e")] for text in texts], dtype=np.float32)


def test_the_question_is_embedded_where_there_is_an_embedder(tmp_path: Path) -> None:
    file = tmp_path / "c.db"
    recorder = Recorder(lambda: SqliteCaseStore(file), "ann", Letters())
    replayed(recorder, make(question="aae"))
    connection = sqlite3.connect(file)
    name, vector = connection.execute("SELECT embedder, query_embedding FROM investigations").fetchone()
    assert name == "letters"
    assert np.frombuffer(vector, dtype="<f2").tolist() == [2.0, 1.0]
    connection.close()


class Broken(Letters):
    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        raise ZeroDivisionError


def test_an_embedder_that_fails_costs_nothing_but_the_vector(tmp_path: Path) -> None:
    recorder = Recorder(lambda: SqliteCaseStore(tmp_path / "c.db"), "ann", Broken())
    replayed(recorder, make())
    assert recorder.problem == ""
    assert open_store(tmp_path / "c.db").case(make().id) is not None


def test_each_step_is_on_record_before_the_next(tmp_path: Path) -> None:
    file = tmp_path / "c.db"
    made, recorder = make(), recorder_for(file)
    running = replace(made, steps=[], diagnosis=None)
    recorder.started(running)
    with_store = open_store(file)
    assert (with_store.cases(CaseFilter(), limit=1)[0].status, recorder.case) == ("running", made.id)
    recorder.stepped(made.steps[0])
    case = with_store.case(made.id)
    assert case is not None
    assert (case.status, len(case.steps), list(with_store.bodies(made.id))) == ("running", 1, [1])


def test_an_investigation_that_failed_says_why(tmp_path: Path) -> None:
    made = make()
    made.diagnosis, made.error = None, "the model went away"
    case = record(open_store(tmp_path / "c.db"), made)
    assert (case.status, case.state, case.error) == ("failed", "recorded", "the model went away")


@pytest.mark.parametrize("cause", ["none", ""])
def test_an_answer_without_a_cause_is_no_candidate(cause: str, tmp_path: Path) -> None:
    assert record(open_store(tmp_path / "c.db"), make(cause=cause, at_fault=None)).state == "recorded"


def test_an_unsure_answer_is_no_candidate(tmp_path: Path) -> None:
    assert record(open_store(tmp_path / "c.db"), make(confidence="medium")).state == "recorded"


# -- summaries -------------------------------------------------------------------------------------
def summary_of(tmp_path: Path, observation: Observation, digest: str = "", new: tuple[Fact, ...] = ()) -> str:
    made = make()
    made.steps = [Step(1, "t", ToolCall("DESCRIBE"), observation, digest or observation.text, new, 0.1)]
    case = record(open_store(tmp_path / "c.db"), made)
    text: str = case.steps[0]["result_summary"]
    assert len(text) <= 200
    return text


def test_a_summary_names_what_is_critical_first_and_counts_the_rest(tmp_path: Path) -> None:
    base = make().steps[0].observation.findings[0]
    many = [replace(base, severity=Severity.WARNING, what=f"warning {n} " + "x" * 40) for n in range(9)]
    text = summary_of(tmp_path, Observation("...", findings=(*many, replace(base, what="down"))))
    assert text.startswith(f"{DATABASE}: down; ")
    assert "more)" in text


def test_a_summary_of_a_failed_call_is_its_error(tmp_path: Path) -> None:
    assert summary_of(tmp_path, Observation("long help", error="there is no pod x")) == "there is no pod x"


def test_a_summary_without_findings_tells_new_facts_then_the_digest(tmp_path: Path) -> None:
    fact = Fact("pod.phase", "Pending", API, "checkout-api-0 is Pending")
    assert summary_of(tmp_path, Observation("x"), new=(fact,)) == "checkout-api-0 is Pending"
    other = tmp_path / "other"
    other.mkdir()
    assert (
        summary_of(other, Observation("a\n\nb\n" * 200), digest="back-off\nready 0/1")
        == "back-off; ready 0/1"
    )


def test_a_summary_tells_trouble_that_was_known_before_settings_that_are_new(tmp_path: Path) -> None:
    zero = Fact("workload.replicas", "zero", DATABASE, "orders-db is scaled to 0 replicas")
    limit = Fact("container.memory_limit", "none", DATABASE, "container db has no memory limit")
    text = summary_of(tmp_path, Observation("x", facts=(limit, zero)), new=(limit,))
    assert text == "orders-db is scaled to 0 replicas; container db has no memory limit"


def test_a_summary_says_nothing_twice_and_fills_its_room(tmp_path: Path) -> None:
    told = ["container db keeps crashing: OOMKilled, 6 restarts", "container db: OOMKilled, 6 restarts",
            "x" * 180, "the pod is Failed"]  # fmt: skip
    facts = tuple(Fact("event", f"E{n}", DATABASE, detail) for n, detail in enumerate(told))
    text = summary_of(tmp_path, Observation("x", facts=facts), new=facts)
    assert text == f"{told[0]}; {told[3]} (+1 more)"


def test_a_summary_of_a_table_is_its_rows(tmp_path: Path) -> None:
    digest = "Usage in shop, % of the limit:\nNAMESPACE POD CPU % MEMORY\nshop cart 90m 80% 12Mi\n"
    assert summary_of(tmp_path, Observation("x"), digest) == "shop cart 90m 80% 12Mi"


# -- nothing unredacted on disk --------------------------------------------------------------------
SECRET = "hunter2Xk9vQ7pLm3"
TEXT = f"connected with password={SECRET}"


def on_disk(folder: Path) -> bytes:
    """Every byte of every file, and every compressed body in clear."""
    raw = b"".join(path.read_bytes() for path in folder.iterdir())
    connection = sqlite3.connect(f"file:{folder / 'c.db'}?mode=ro", uri=True)
    bodies = connection.execute(
        "SELECT data FROM observations UNION ALL SELECT data FROM evidence"
    ).fetchall()
    connection.close()
    return raw + b"".join(zlib.decompress(row[0]) for row in bodies)


def test_no_secret_lies_on_disk_at_any_time(tmp_path: Path) -> None:
    made = make(question=f"why? {TEXT}")
    fact = Fact("log", "exception", DATABASE, TEXT, params={"message": TEXT})
    base = made.steps[0]
    finding = replace(base.observation.findings[0], what=TEXT, facts=(fact,))
    seen = Observation(TEXT, (fact,), findings=(finding,), error=TEXT)
    call = ToolCall("RUN_KUBECTL", f"get pods --token={SECRET}")
    made.steps = [replace(base, thought=TEXT, call=call, observation=seen, digest=TEXT, new_facts=(fact,))]
    made.error = TEXT
    assert made.diagnosis is not None
    made.diagnosis = replace(made.diagnosis, explanation=TEXT, response=TEXT)
    recorder = recorder_for(tmp_path / "c.db")
    running = replace(made, steps=[])
    recorder.started(running)
    recorder.stepped(made.steps[0])
    assert SECRET.encode() not in on_disk(tmp_path)
    assert (tmp_path / "c.db-wal").exists(), "the write-ahead log was looked at too"
    recorder.finished(made)
    assert b"redacted" in on_disk(tmp_path)
    assert SECRET.encode() not in on_disk(tmp_path)


def test_facts_whose_names_speak_of_secrets_are_kept_as_they_are(tmp_path: Path) -> None:
    case = record(open_store(tmp_path / "c.db"), make(facts=["pull.secret=missing"]))
    assert "pull.secret=missing" in case.facts
    assert "pull.secret=missing" in case.steps[0]["evidence"]


def test_file_and_folder_are_for_the_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "state" / "c.db"
    replayed(recorder_for(file), make())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_characters_that_no_encoding_has_are_recorded_somehow(tmp_path: Path) -> None:
    case = record(open_store(tmp_path / "c.db"), make(question="why \ud800 \0 ?"))
    assert case.query.startswith("why ")


# -- never in the way ------------------------------------------------------------------------------
def corrupt(file: Path) -> None:
    file.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)


def a_folder(file: Path) -> None:
    file.mkdir()


def below_a_file(file: Path) -> None:
    file.parent.rmdir()
    file.parent.write_text("")


@pytest.mark.parametrize("harm", [corrupt, a_folder, below_a_file])
def test_a_casebook_that_cannot_be_used_is_a_problem_and_no_error(
    harm: Callable[[Path], None], tmp_path: Path
) -> None:
    file = tmp_path / "state" / "c.db"
    file.parent.mkdir()
    harm(file)
    recorder = recorder_for(file)
    replayed(recorder, make())
    assert str(file) in recorder.problem
    assert recorder.case == ""


def test_a_locked_casebook_holds_nothing_up_for_long_and_loses_nothing_once_free(tmp_path: Path) -> None:
    file = tmp_path / "c.db"
    open_store(file).close()
    made, recorder = make(), recorder_for(file)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    running = replace(made, steps=[])
    recorder.started(running)
    recorder.stepped(made.steps[0])
    assert time.monotonic() - begun < 4
    assert "in use" in recorder.problem
    other.execute("ROLLBACK")
    other.close()
    recorder.stepped(made.steps[1])
    recorder.finished(made)
    assert recorder.problem == ""
    case = open_store(file).case(made.id)
    assert case is not None
    assert (case.status, len(case.steps)) == ("done", 2)


def test_a_casebook_that_stays_locked_is_a_problem_after_two_seconds(tmp_path: Path) -> None:
    file = tmp_path / "c.db"
    open_store(file).close()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    recorder, begun = recorder_for(file), time.monotonic()
    replayed(recorder, make())
    assert "in use" in recorder.problem
    assert time.monotonic() - begun < 8
    other.close()


def noise_of(size: int) -> str:
    """Text that does not compress."""
    return "".join(random.Random(size).choices("abcdefghijklmnopqrstuvwxyz ", k=size))


def full(file: Path) -> SqliteCaseStore:
    """A store whose file may not grow: what a full disk is to SQLite."""
    store = SqliteCaseStore(file)
    connection = store._db._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages}")
    return store


def test_a_full_disk_is_a_problem_and_what_was_there_stays_whole(tmp_path: Path) -> None:
    file = tmp_path / "c.db"
    store = open_store(file)
    kept = record(store, make(1))
    recorder = Recorder(lambda: full(file), "ann")
    made = make(2)
    noise = noise_of(200_000)
    made.steps[0] = replace(made.steps[0], observation=replace(made.steps[0].observation, text=noise))
    replayed(recorder, made)
    assert "cannot be written" in recorder.problem
    assert store.case(kept.id) == kept
    assert list(verify(store)) == []


def test_a_bug_of_ours_is_a_problem_too() -> None:
    def broken() -> SqliteCaseStore:
        raise ZeroDivisionError

    recorder = Recorder(broken, "ann")
    replayed(recorder, make())
    assert "a bug: ZeroDivisionError" in recorder.problem


# -- killed ----------------------------------------------------------------------------------------
CHILD = """
    import sys, time
    sys.path.insert(0, sys.argv[2])
    from dataclasses import replace
    from pathlib import Path
    from casebook_support import make
    from kubelore.casebook.recorder import Recorder
    from kubelore.store.sqlite.cases import SqliteCaseStore

    made = make(7)
    recorder = Recorder(lambda: SqliteCaseStore(Path(sys.argv[1])), "ann")
    recorder.started(replace(made, steps=[], diagnosis=None))
    recorder.stepped(made.steps[0])
    print("stepped", flush=True)
    time.sleep(60)
"""


def test_what_was_recorded_before_kill_9_is_there_and_whole(tmp_path: Path) -> None:
    file = tmp_path / "c.db"
    command = (sys.executable, "-c", textwrap.dedent(CHILD), str(file), str(Path(__file__).parent))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "stepped\n"
        os.kill(child.pid, signal.SIGKILL)
    store = open_store(file)
    case = store.case(make(7).id)
    assert case is not None
    assert (case.status, len(case.steps), list(store.bodies(case.id))) == ("running", 1, [1])
    assert list(verify(store)) == []


# -- sizes -----------------------------------------------------------------------------------------
def test_an_investigation_that_sees_too_much_loses_texts_and_no_facts() -> None:
    made = make()
    noise = noise_of(20_000)
    seen = replace(made.steps[0].observation, text=noise)
    step = replace(made.steps[0], observation=seen)
    _, body = Writer("ann", b"k", room=4000).stepped(made, step)
    assert body.size < 4000
    kept = unpack_observation(body.data)
    assert kept.facts == seen.facts
    assert "left out" in kept.text
    _, none = Writer("ann", b"k", room=0).stepped(made, step)
    assert unpack_observation(none.data).facts == ()


def test_a_body_that_unpacks_without_end_is_refused() -> None:
    bomb = zlib.compress(b'{"format": 1, "text": "' + b"0" * (MAX_UNPACKED + 1) + b'"}')
    with pytest.raises(DataError):
        unpack_observation(bomb)


@pytest.mark.parametrize("data", [b"", b"no zlib", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_a_damaged_body_is_an_error_with_a_reason(data: bytes) -> None:
    with pytest.raises(DataError):
        unpack_observation(data)
    with pytest.raises(DataError):
        unpack_evidence(data)


@pytest.mark.parametrize(
    ("state", "below"), [("/var/state", "/var/state"), ("", ".local/state"), ("rel", ".local/state")]
)
def test_the_default_file_follows_xdg(
    state: str, below: str, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", state)
    assert default_file() == own_home / below / "kubelore" / "casebook.db"


def test_cases_of_two_processes_at_once_form_one_chain(tmp_path: Path) -> None:
    file = tmp_path / "c.db"
    open_store(file).close()
    child = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\nfrom casebook_support import *\n"
        "store = SqliteCaseStore(Path(sys.argv[1]))\n"
        "for n in range(int(sys.argv[3]), int(sys.argv[3]) + 15): record(store, make(n))\n"
    )
    processes = [
        subprocess.Popen((sys.executable, "-c", child, str(file), str(Path(__file__).parent), str(first)))
        for first in (100, 200)
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    store = open_store(file)
    assert store.stats().cases == 30
    assert list(verify(store)) == []


def test_store_errors_are_ours(tmp_path: Path) -> None:
    corrupt(tmp_path / "c.db")
    with pytest.raises(StoreError):
        open_store(tmp_path / "c.db")
