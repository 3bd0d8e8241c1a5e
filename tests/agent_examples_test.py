"""The worked examples: valid, about known patterns and causes, chosen for the case and the budget."""

from __future__ import annotations

import pytest

from kubelore.agent.examples import Example, choose_examples, load_examples, read_example
from kubelore.agent.protocol import parse_step, render_step
from kubelore.analysis.digest import estimate_tokens
from kubelore.errors import DataError
from kubelore.patterns.check import TOOLS
from kubelore.patterns.load import load
from kubelore.types import Ref

by_id = pytest.mark.parametrize("example", load_examples(), ids=lambda e: e.id)


@by_id
def test_an_example_names_known_patterns_tools_and_causes(example: Example) -> None:
    library = load()
    assert set(example.patterns) <= {pattern.id for pattern in library.patterns}
    assert {taken.step.tool.name for taken in example.steps} <= TOOLS
    assert example.answer.root_cause in library.root_causes
    if example.answer.root_cause == "none":
        assert example.answer.object == ""
    else:
        assert str(Ref.parse(example.answer.object)) == example.answer.object


@by_id
def test_every_line_of_an_example_that_is_a_step_reads_back(example: Example) -> None:
    text = example.render()
    assert parse_step(render_step(example.answer)) == example.answer
    assert text.count("\nStep ") == len(example.steps) + 1


def test_every_pattern_that_answers_a_common_question_has_an_example() -> None:
    covered = {pattern for example in load_examples() for pattern in example.patterns}
    common = {
        "crashloopbackoff",
        "pending_pod",
        "service_not_working",
        "high_resource_usage",
        "image_pull_error",
    }
    assert common <= covered
    assert {"config_missing", "probe_failure"} <= covered


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "crash_loop_oom",
            ["CrashLoopBackOff (15 restarts), Exit code: 137", "Limits: memory=256Mi", "512Mi"],
        ),
        (
            "service_no_endpoints",
            ["No endpoints found for service my-service", "app=myapp", "No resources found"],
        ),
        (
            "pending_insufficient_cpu",
            ["0/3 nodes available: insufficient cpu", "node1: 95% CPU", "Scale up cluster"],
        ),
    ],
)
def test_the_three_first_examples_hold_what_the_mission_fixed(name: str, told: list[str]) -> None:
    text = next(e for e in load_examples() if e.id == name).render()
    assert [part for part in told if part not in text] == []


def test_examples_follow_the_patterns_then_the_question_and_stay_in_the_budget() -> None:
    chosen = choose_examples(["pending_pod"], "pods are pending", 800)
    assert {e.id for e in chosen} == {"pending_insufficient_cpu", "node_cordoned"}
    assert choose_examples(["image_pull_error", "pending_pod"], "?", 700)[0].id == "image_pull_unauthorized"
    assert sum(estimate_tokens(e.render()) for e in choose_examples(["crashloopbackoff"], "?", 900)) <= 900
    assert choose_examples(["crashloopbackoff"], "?", 10) == []


def test_when_nothing_fits_one_example_teaches_the_form() -> None:
    assert [e.id for e in choose_examples([], "zzz", 2000)] == ["crash_loop_oom"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("id: [", "x.yaml"), ("id: Bad-Id", "id"), ("just text", "x.yaml"), ("id: a\nversion: 0", "version")],
)
def test_a_broken_example_is_named(text: str, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        read_example("x.yaml", text)
