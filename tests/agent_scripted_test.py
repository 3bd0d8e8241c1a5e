"""The scripted decider: what the file says, again and again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kubelore.agent.scripted import ScriptedDecider, read_script
from kubelore.errors import DataError, ModelError
from kubelore.types import ClusterInfo, Diagnosis, Investigation, ToolCall

NOW = datetime(2026, 3, 1, tzinfo=UTC)
STEPS = """
- {thought: look, action: tool, tool: {name: FIND_ISSUES, args: shop}}
- {thought: sure, action: respond, response: All is well., root_cause: none, object: "", confidence: high}
"""


def asked(name: str) -> Investigation:
    return Investigation(name, "?", NOW, ClusterInfo("c", "v1.34", "memory", NOW), "scripted")


def written(folder: Path, text: str) -> Path:
    path = folder / "script.yaml"
    path.write_text(text)
    return path


def test_a_script_is_followed_and_begins_again_with_each_investigation(tmp_path: Path) -> None:
    decider = ScriptedDecider(read_script(written(tmp_path, STEPS)), {"none"})
    for name in ("first", "second"):
        investigation = asked(name)
        assert decider.decide(investigation) == ("look", ToolCall("FIND_ISSUES", "shop"))
        diagnosis = decider.decide(investigation)
        assert isinstance(diagnosis, Diagnosis)
        assert (diagnosis.root_cause, diagnosis.confidence) == ("none", "high")
    with pytest.raises(ModelError, match="no further step"):
        decider.decide(investigation)


def test_a_script_in_json_is_read_as_well(tmp_path: Path) -> None:
    steps = [{"thought": "x", "action": "respond", "response": "y"}]
    assert read_script(written(tmp_path, json.dumps(steps)))[0].action == "respond"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "a list of steps"),
        ("a: b", "a list of steps"),
        ("- [", "not YAML or JSON"),
        ("- {action: tool, tool: {name: X}}\n- {action: respond}", "step 2"),
        ("- 5", "step 1"),
    ],
)
def test_a_broken_script_is_told_which_step_is_wrong(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        read_script(written(tmp_path, text))


def test_a_missing_script_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_script(tmp_path / "none.yaml")
