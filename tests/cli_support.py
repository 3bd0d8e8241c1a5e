"""Investigations made by hand, and a way to run the command line in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from kubelore.cli.app import run
from kubelore.types import (
    Alternative,
    CitedFact,
    ClusterInfo,
    Diagnosis,
    Fact,
    Finding,
    Fix,
    Investigation,
    NotChecked,
    Observation,
    Ref,
    Severity,
    Step,
    ToolCall,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SHOP = Ref("Deployment", "shop", "front")
DATABASE = Ref("StatefulSet", "shop", "db")


def make_investigation(hostile: str = "") -> Investigation:
    """A finished investigation; `hostile` stands wherever a cluster may have put its own text."""
    fact = Fact("container.last_reason", "OOMKilled", DATABASE, f"container db was killed{hostile}")
    finding = Finding(Severity.CRITICAL, DATABASE, f"db is killed again and again{hostile}", (fact,), "pods")
    seen = Observation(text=f"db OOMKilled{hostile}", facts=(fact,), findings=(finding,))
    made = Investigation(
        id="11111111-2222-3333-4444-555555555555",
        question=f"why is front down?{hostile}",
        started=NOW,
        cluster=ClusterInfo(f"prod{hostile}", "v1.34.4", "test", NOW),
        decider="playbook",
        seconds=0.25,
    )
    made.steps.append(
        Step(
            1,
            f"look around{hostile}",
            ToolCall("FIND_ISSUES", f"shop{hostile}"),
            seen,
            seen.text,
            (fact,),
            0.1,
        )
    )
    made.diagnosis = Diagnosis(
        root_cause="oom_killed",
        object=DATABASE,
        explanation=f"The database needs more memory than its limit.{hostile}",
        evidence=(CitedFact(fact, 1),),
        fix=Fix(
            f"Raise the limit.{hostile}", "kubectl -n shop " + "x" * 200, f"limits:\n  memory: 1Gi{hostile}"
        ),
        probability=0.91,
        confidence="high",
        chain=(SHOP, DATABASE),
        alternatives=(Alternative("memory_leak", DATABASE, 0.06, f"memory grows{hostile}"),),
        not_checked=(NotChecked("secrets", f"forbidden{hostile}"),),
        would_decide=(f"the memory of db over a day{hostile}",),
    )
    return made


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """Runs `kubelore ...` in this process, with stdout and stderr that are no terminals."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Ran:
        self._capsys.readouterr()
        code = run(arguments)
        out, err = self._capsys.readouterr()
        return Ran(code, out, err)
