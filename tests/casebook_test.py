"""The record of an investigation: private, redacted, whole at any moment, never in the way."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from cli_support import make_investigation
from kubelore.casebook.document import FORMAT, Document, document
from kubelore.casebook.files import FileRecorder, default_folder
from kubelore.types import Investigation

CANARY = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"


def read(recorder: FileRecorder) -> Document:
    assert recorder.path is not None
    loaded: Document = json.loads(recorder.path.read_text())
    return loaded


def test_the_record_is_the_document(tmp_path: Path) -> None:
    made = make_investigation()
    recorder = FileRecorder(tmp_path)
    recorder.record(made)
    assert read(recorder) == document(made)
    assert read(recorder)["format"] == FORMAT
    assert read(recorder)["state"] == "done"


def test_folder_and_file_are_for_the_owner_only(tmp_path: Path) -> None:
    recorder = FileRecorder(tmp_path / "state" / "investigations")
    recorder.record(make_investigation())
    assert recorder.path is not None
    assert stat.S_IMODE(recorder.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(recorder.path.parent.stat().st_mode) == 0o700


def test_a_running_investigation_is_on_record_after_each_step(tmp_path: Path) -> None:
    made, recorder = make_investigation(), FileRecorder(tmp_path)
    diagnosis, made.diagnosis = made.diagnosis, None
    step = made.steps.pop()
    recorder.started(made)
    assert (read(recorder)["state"], len(read(recorder)["steps"])) == ("running", 0)
    made.steps.append(step)
    recorder.stepped(step)
    assert (read(recorder)["state"], len(read(recorder)["steps"])) == ("running", 1)
    made.diagnosis = diagnosis
    recorder.finished(made)
    assert read(recorder)["state"] == "done"
    assert [path.name for path in tmp_path.iterdir()] == [f"{made.id}.json"]


def test_a_failed_investigation_is_on_record_as_failed() -> None:
    made = make_investigation()
    made.error = "the model went away"
    assert document(made)["state"] == "failed"


def test_what_the_user_and_the_decider_wrote_is_redacted() -> None:
    text = json.dumps(document(make_investigation(f" Authorization: {CANARY}")))
    question = json.loads(text)["question"]
    assert "canary" not in question.lower()
    assert CANARY not in json.loads(text)["diagnosis"]["explanation"]
    assert CANARY not in json.loads(text)["steps"][0]["thought"]


def unwritable(kind: str, tmp_path: Path) -> Path:
    if kind == "is a file":
        (tmp_path / "file").write_text("")
        return tmp_path / "file"
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "below"


@pytest.mark.parametrize("kind", ["is a file", "below a file"])
def test_a_folder_that_cannot_be_written_is_a_problem_and_no_error(kind: str, tmp_path: Path) -> None:
    recorder = FileRecorder(unwritable(kind, tmp_path))
    made = make_investigation()
    recorder.started(made)
    recorder.finished(made)
    assert recorder.problem
    assert recorder.path is None


@pytest.mark.parametrize(
    ("state", "below"), [("/var/state", "/var/state"), ("", ".local/state"), ("rel", ".local/state")]
)
def test_the_default_folder_follows_xdg(
    state: str, below: str, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", state)
    assert default_folder() == own_home / below / "kubelore" / "investigations"


def test_characters_that_no_encoding_has_are_recorded_somehow(tmp_path: Path) -> None:
    recorder = FileRecorder(tmp_path)
    made: Investigation = make_investigation("\ud800")
    recorder.record(made)
    assert read(recorder)["question"].startswith("why is front down?")
