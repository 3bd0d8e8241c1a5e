"""The step protocol: what of a model's answer is understood, and what it is told otherwise."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelore.agent.protocol import RespondStep, ToolStep, parse_step, render_step, step_schema
from kubelore.errors import BadStep

STEP = '{"thought": "look", "action": "tool", "tool": {"name": "DESCRIBE", "args": "pod default web-app"}}'
ANSWER = (
    '{"thought": "sure", "action": "respond", "response": "## OOM\\n- 137", "root_cause": "oom_killed",'
    ' "object": "Deployment/default/web-app", "confidence": "high"}'
)


@pytest.mark.parametrize(
    "text",
    [
        STEP,
        f"```json\n{STEP}\n```",
        f"Sure! I will look at the pod {{web-app}} first.\n{STEP}\nLet me know.",
        f"<think>maybe {ANSWER}</think>{STEP}",
        f"{STEP}\nObservation: OOMKilled\n{ANSWER}",
        STEP.replace('"', "'"),
        STEP[:-1] + ",}",
        '{"thought": "look", "action": "DESCRIBE", "args": "pod default web-app"}',
        '{"thought": "look", "action": "tool", "tool": "describe", "args": ["pod", "default", "web-app"]}',
        '{"thought": "look", "action": "tool", "tool": {"name": "DESCRIBE", "args":'
        ' {"name": "web-app", "kind": "pod", "namespace": "default"}}}',
        STEP[:-1] + ', "response": null, "root_cause": null, "object": null, "confidence": null}',
    ],
)
def test_a_tool_step_is_understood_however_it_is_wrapped(text: str) -> None:
    step = parse_step(text)
    assert isinstance(step, ToolStep)
    assert (step.thought, step.tool.name, step.tool.args) == ("look", "DESCRIBE", "pod default web-app")


def test_an_answer_is_understood_with_raw_line_breaks_and_any_confidence() -> None:
    step = parse_step(ANSWER.replace("\\n", "\n").replace('"high"', "0.9"))
    assert isinstance(step, RespondStep)
    assert step.response == "## OOM\n- 137"
    assert (step.root_cause, step.object, step.confidence) == (
        "oom_killed", "Deployment/default/web-app", "high",
    )  # fmt: skip
    unsure = parse_step('{"action": "respond", "response": "?", "confidence": "very"}')
    assert isinstance(unsure, RespondStep)
    assert unsure.confidence == "low"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty"),
        ("<think>hm</think>", "empty"),
        ("I think it is OOM", "not JSON"),
        (STEP[:-20], "no complete JSON"),
        ('{"name": "DESCRIBE", "args": "x"}', "no complete JSON"),
        ('{"thought": "x", "action": "delete"}', "must be"),
        ('{"thought": "x", "action": "tool"}', "tool.name"),
        ('{"thought": "x", "action": "respond"}', "response"),
        ('{"action": "tool", "tool": {"name": "RM -RF /;"}}', "tool.name"),
        ('{"action": "tool", "tool": {"name": "DESCRIBE", "args": "' + "x" * 2000 + '"}}', "tool.args"),
    ],
)
def test_what_is_not_a_step_is_told_why(text: str, complaint: str) -> None:
    with pytest.raises(BadStep, match=complaint):
        parse_step(text)


@given(st.text(max_size=200) | st.text("{}[]\"',:\\ antc", max_size=200))
def test_any_answer_is_a_step_or_a_bad_step(text: str) -> None:
    with contextlib.suppress(BadStep):
        assert parse_step(text).action in ("tool", "respond")


@pytest.mark.parametrize("text", [STEP, ANSWER])
def test_what_is_rendered_reads_back_the_same(text: str) -> None:
    step = parse_step(text)
    assert parse_step(render_step(step)) == step
    assert "\n" not in render_step(step)


def test_the_schema_names_tools_and_causes_and_allows_only_an_answer_at_the_end() -> None:
    schema = step_schema(["DESCRIBE"], ["oom_killed", "none"])
    assert schema["properties"]["tool"]["anyOf"][0]["properties"]["name"]["enum"] == ["DESCRIBE"]
    assert schema["properties"]["root_cause"]["anyOf"][0]["enum"] == ["oom_killed", "none"]
    assert set(schema["required"]) == set(schema["properties"])
    last = step_schema(["DESCRIBE"], ["none"], may_look=False)
    assert last["properties"]["action"]["enum"] == ["respond"]
