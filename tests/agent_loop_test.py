"""The loop: order of events, what ends it, what is recorded when it breaks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from kubelore.agent.loop import Investigator
from kubelore.errors import BudgetSpent, ModelError
from kubelore.types import (
    ClusterInfo,
    Diagnosis,
    Evidence,
    Fact,
    Fix,
    Investigation,
    Lesson,
    NotChecked,
    Observation,
    Ref,
    Step,
    ToolCall,
    Usage,
)

WEB = Ref("Deployment", "shop", "web")
ANSWER = Diagnosis("oom_killed", WEB, "memory", (), Fix("more"), 0.9, "high")
GUESS = Diagnosis("", None, "not sure", (), Fix(""), 0.1, "low")


class Echo:
    """A toolbox whose answers show the call."""

    def run(self, call: ToolCall) -> Observation:
        return Observation(f"{call.name} {call.args}", facts=(Fact("log", call.name.lower(), WEB),))

    def describe(self) -> str:
        return "ECHO"


class Plan:
    """Decides what it was told to, in order."""

    name = "plan"
    usage = Usage(tokens_in=7)

    def __init__(self, *decisions: ToolCall | Diagnosis | Exception) -> None:
        self.decisions = list(decisions)
        self.evidence_sizes: list[int] = []

    def decide(self, investigation: Investigation) -> tuple[str, ToolCall] | Diagnosis:
        self.evidence_sizes.append(len(investigation.evidence))
        decision = self.decisions.pop(0)
        if isinstance(decision, Exception):
            raise decision
        return ("because", decision) if isinstance(decision, ToolCall) else decision


class Asked:
    name = "asked"

    def recall(self, question: str, evidence: Evidence) -> Sequence[Lesson]:
        return [Lesson("case", str(len(evidence)), question, "")]


class Diary:
    """Notes what a listener hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def started(self, investigation: Investigation) -> None:
        self.heard.append(f"started {investigation.question}")

    def thinking(self, thought: str, call: ToolCall) -> None:
        self.heard.append(f"thinking {call.name}")

    def stepped(self, step: Step) -> None:
        self.heard.append(f"stepped {step.index}")

    def finished(self, investigation: Investigation) -> None:
        self.heard.append(f"finished {investigation.error}")


def investigator(decider: Plan, max_steps: int = 4, opened: int = 0) -> Investigator:
    def opening(investigation: Investigation) -> tuple[str, ToolCall] | None:
        return ("open", ToolCall("OPEN")) if len(investigation.steps) < opened else None

    return Investigator(
        cluster=ClusterInfo("c", "v1.34.0", "test", datetime(2026, 1, 1, tzinfo=UTC)),
        toolbox=Echo(),
        decider=decider,
        teacher=Asked(),
        opening=opening,
        conclude=lambda investigation: GUESS,
        not_checked=lambda: [NotChecked("secrets", "forbidden")],
        max_steps=max_steps,
    )


def test_opening_steps_come_first_then_the_decider_sees_their_evidence() -> None:
    plan = Plan(ToolCall("LOOK", "a"), ANSWER)
    result = investigator(plan, opened=2).investigate("why?")
    assert [s.call.name for s in result.steps] == ["OPEN", "OPEN", "LOOK"]
    assert plan.evidence_sizes == [1, 2]
    assert [s.useful for s in result.steps] == [True, False, True]


def test_lessons_are_recalled_again_as_evidence_arrives() -> None:
    result = investigator(Plan(ToolCall("LOOK"), ANSWER)).investigate("why?")
    assert [lesson.id for lesson in result.lessons] == ["1"]
    assert list(result.shown) == ["case/0", "case/1"]


def test_what_could_not_be_read_is_part_of_every_answer() -> None:
    diagnosis = investigator(Plan(ANSWER)).investigate("why?").diagnosis
    assert diagnosis is not None
    assert [str(n) for n in diagnosis.not_checked] == ["secrets: forbidden"]


def test_the_step_limit_ends_with_what_is_known() -> None:
    plan = Plan(*(ToolCall("LOOK", str(i)) for i in range(9)))
    result = investigator(plan, max_steps=3).investigate("why?")
    assert len(result.steps) == 3
    assert result.diagnosis is not None
    assert result.diagnosis.explanation == "not sure"


def test_a_spent_budget_ends_with_what_is_known_and_says_so() -> None:
    result = investigator(Plan(ToolCall("LOOK"), BudgetSpent("no tokens left"))).investigate("why?")
    assert result.diagnosis is not None
    assert "no tokens left" in {n.why for n in result.diagnosis.not_checked}


def test_listeners_hear_everything_in_order() -> None:
    diary = Diary()
    investigator(Plan(ToolCall("LOOK"), ANSWER)).investigate("why?", listeners=[diary])
    assert diary.heard == ["started why?", "thinking LOOK", "stepped 1", "finished "]


@pytest.mark.parametrize(
    ("error", "said"), [(ModelError("gone"), "gone"), (KeyboardInterrupt(), "interrupted")]
)
def test_a_broken_investigation_is_finished_for_its_listeners(error: BaseException, said: str) -> None:
    class Breaks(Plan):
        def decide(self, investigation: Investigation) -> tuple[str, ToolCall] | Diagnosis:
            raise error

    diary = Diary()
    with pytest.raises(type(error)):
        investigator(Breaks()).investigate("why?", listeners=[diary])
    assert diary.heard[0] == "started why?"
    assert said in diary.heard[-1]
