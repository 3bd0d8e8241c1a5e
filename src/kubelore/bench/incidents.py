"""Asks one question of each recorded incident and writes what came out as prediction lines."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypedDict

from kubelore.bench.cases import Case
from kubelore.bench.pool import unordered
from kubelore.errors import KubeloreError
from kubelore.protocols import Progress
from kubelore.types import Diagnosis, Finding, Investigation


class Guess(TypedDict):
    root_cause: str
    object: str
    probability: float


class Found(TypedDict):
    object: str
    what: str


class Prediction(TypedDict):
    """One line of the predictions file. `object` is `Kind/namespace/name`, `Node//worker-2`, or "" with
    root cause `none`. `seconds` is the investigation with reading, without the scan for `findings`."""

    id: str
    root_cause: str
    object: str
    confidence: str
    alternatives: list[Guess]
    steps: int
    seconds: float
    findings: list[Found]
    error: str


@dataclass(frozen=True, slots=True)
class Examined:
    """What the agent made of one recording."""

    investigation: Investigation
    findings: Sequence[Finding]
    seconds: float


Examine = Callable[[Path, str], Examined]
"""Investigates one recording with one question. It must be picklable when several jobs run."""


def predict(case: Case, examine: Examine) -> Prediction:
    """One line. Never raises for what happens inside a case: `error` says it."""
    begun = time.perf_counter()
    line = Prediction(
        id=case.id, root_cause="", object="", confidence="", alternatives=[], steps=0, seconds=0.0,
        findings=[], error="",
    )  # fmt: skip
    if case.snapshot is None:
        line["error"] = "there is no recording of this name"
        return line
    try:
        examined = examine(case.snapshot, case.question)
    except KubeloreError as error:
        line["error"] = str(error)
    except Exception as error:  # noqa: BLE001 - one broken case must not end the run
        line["error"] = f"{type(error).__name__}: {error}"
    else:
        line["findings"] = [{"object": str(f.object), "what": f.what} for f in examined.findings]
        line["steps"] = len(examined.investigation.steps)
        line["seconds"] = round(examined.seconds, 3)
        if examined.investigation.diagnosis:
            _answer(line, examined.investigation.diagnosis)
        return line
    line["seconds"] = round(time.perf_counter() - begun, 3)
    return line


def run(cases: Sequence[Case], examine: Examine, jobs: int, progress: Progress) -> list[Prediction]:
    """All predictions, in the order of the cases."""
    lines: dict[int, Prediction] = {}
    for done, (index, line) in enumerate(unordered(partial(predict, examine=examine), cases, jobs), 1):
        lines[index] = line
        progress.advance(done, len(cases), line["id"])
    return [lines[index] for index in range(len(cases))]


def write(path: Path, lines: Iterable[Prediction]) -> None:
    """Write the predictions file, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8", errors="replace") as file:
            for line in lines:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink()


def _answer(line: Prediction, diagnosis: Diagnosis) -> None:
    line["root_cause"] = diagnosis.root_cause
    line["object"] = str(diagnosis.object or "")
    line["confidence"] = diagnosis.confidence
    line["alternatives"] = [
        {"root_cause": a.root_cause, "object": str(a.object), "probability": round(a.probability, 3)}
        for a in diagnosis.alternatives
    ]
