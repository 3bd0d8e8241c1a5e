"""Investigations made by hand, and a way to run the command line in this process."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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

PROGRAM = (sys.executable, "-c", "import sys; from kubelore.cli import main; sys.exit(main())")
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


@contextmanager
def on_a_terminal(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The program on a terminal of its own, as the leader of its session; yields it and our end."""
    ours, its = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    process = subprocess.Popen(
        (*PROGRAM, *arguments), stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True
    )
    os.close(its)
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_all(terminal: int, until: str = "") -> str:
    """What the program writes to its end, or to the first time it has written `until`."""
    parts = b""
    with suppress(OSError):  # Linux says EIO when the other end is closed
        while (not until or until.encode() not in parts) and (part := os.read(terminal, 65536)):
            parts += part
    return parts.decode()
