"""Investigates each case and writes prediction lines, in the order in which cases are done."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from kubelore.bench.baselines import Named
from kubelore.bench.cloud_opsbench.cases import Case, Place, read_case
from kubelore.bench.cloud_opsbench.gather import Gathered
from kubelore.bench.cloud_opsbench.labels import Guess, Label, Translator, uncalibrated
from kubelore.bench.cloud_opsbench.toolbox import CaseToolbox
from kubelore.bench.pool import unordered
from kubelore.errors import KubeloreError
from kubelore.protocols import Progress
from kubelore.types import Finding, Investigation

Investigate = Callable[[CaseToolbox, Gathered, Case], Investigation]
"""Asks a case's question with these tools. It must be picklable when several jobs run."""
ByRule = Callable[[str, Sequence[Finding]], Mapping[str, Sequence[Named]]]
"""`baselines.by_rule` with a library. It must be picklable when several jobs run."""


class Prediction(TypedDict):
    """One line. `root_cause` and `object` are kubelore's own; `steps` counts the benchmark's calls;
    `evidence` names every fact that was seen; `baselines` are guesses without reasoning, by their name."""

    case: str
    predictions: list[Guess]
    root_cause: str
    object: str
    probability: float
    uncalibrated: float
    confidence: str
    steps: int
    calls: list[str]
    seconds: float
    tokens_in: int
    tokens_out: int
    evidence: list[str]
    baselines: dict[str, list[Label]]
    error: str


PredictOne = Callable[[Place], Prediction]
"""`predict` with its functions bound."""


def predict(place: Place, investigate: Investigate, by_rule: ByRule) -> Prediction:
    """One line. Never raises for what happens inside a case: `error` says it."""
    begun = time.perf_counter()
    line = Prediction(
        case=place.id, predictions=[], root_cause="", object="", probability=0.0, uncalibrated=0.0,
        confidence="", steps=0, calls=[], seconds=0.0, tokens_in=0, tokens_out=0, evidence=[], baselines={},
        error="",
    )  # fmt: skip
    try:
        case = read_case(place)
        gathered = Gathered(case.answers, case.namespace, case.now)
        toolbox = CaseToolbox(gathered, case.namespace)
        investigation = investigate(toolbox, gathered, case)
        translator = Translator(toolbox.view, investigation.evidence)
        _fill(line, investigation, translator)
        line["steps"], line["calls"] = case.answers.steps, case.answers.calls
        line["baselines"] = _baselines(investigation, translator, by_rule)
    except KubeloreError as error:
        line["error"] = str(error)
    except Exception as error:  # noqa: BLE001 - one broken case must not end the run
        line["error"] = f"{type(error).__name__}: {error}"
    line["seconds"] = round(time.perf_counter() - begun, 3)
    return line


def _fill(line: Prediction, investigation: Investigation, translator: Translator) -> None:
    line["tokens_in"], line["tokens_out"] = investigation.usage.tokens_in, investigation.usage.tokens_out
    line["evidence"] = sorted(investigation.evidence.names())
    diagnosis = investigation.diagnosis
    if diagnosis is None:
        return
    line["predictions"] = translator.guesses(diagnosis)
    line["root_cause"], line["object"] = diagnosis.root_cause, str(diagnosis.object or "")
    line["probability"], line["confidence"] = round(diagnosis.probability, 4), diagnosis.confidence
    line["uncalibrated"] = round(uncalibrated(diagnosis), 4)


def _baselines(
    investigation: Investigation, translator: Translator, by_rule: ByRule
) -> dict[str, list[Label]]:
    """What the first FIND_ISSUES alone would have answered, in the benchmark's labels."""
    listed = (s.observation.findings for s in investigation.steps if s.call.name == "FIND_ISSUES")
    guessed = by_rule(investigation.question, next(listed, ()))
    return {
        name: [label for cause, ref in named if (label := translator.label(cause, ref))]
        for name, named in guessed.items()
    }


def run(
    places: Sequence[Place], out: Path, predict_one: PredictOne, jobs: int, progress: Progress
) -> list[Prediction]:
    """All predictions, each appended to `out` as soon as it is there."""
    lines = []
    with out.open("a", encoding="utf-8", errors="replace") as file:
        for done, (_, prediction) in enumerate(unordered(predict_one, places, jobs), 1):
            file.write(_line(prediction))
            file.flush()
            lines.append(prediction)
            progress.advance(done, len(places), prediction["case"])
    return lines


def keep(places: Sequence[Place], out: Path, *, resume: bool) -> list[Prediction]:
    """Start the file anew: with the lines it holds about these cases, but for broken ones, or with none."""
    known = {line["case"]: line for line in _written(out)} if resume else {}
    kept = [known[place.id] for place in places if place.id in known]
    out.write_text("".join(map(_line, kept)), encoding="utf-8", errors="replace")
    return kept


def _line(prediction: Prediction) -> str:
    return json.dumps(prediction, ensure_ascii=False) + "\n"


def _written(out: Path) -> Iterator[Prediction]:
    """Whole lines without error; the last one of an interrupted run may be half."""
    if not out.exists():
        return
    for text in out.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("case"), str) and not line.get("error"):
            yield line  # type: ignore[misc]
