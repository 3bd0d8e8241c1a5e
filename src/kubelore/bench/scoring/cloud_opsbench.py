"""Cloud-OpsBench: its prediction lines and its truth, as the scorer reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kubelore.bench.cases import read_lines
from kubelore.bench.scoring.judge import CONSIDERED, Answer, Expected, Guess
from kubelore.errors import DataError, UsageError
from kubelore.types import JsonObject

SAME: Mapping[str, str] = {"db_readonly_mode": "db_read_only", "gateway_misrouted": "gateway_misroute"}
"""Causes that the published prompt spells otherwise than the labels do."""
TELLING = "Service quality"
"""A question that begins so has one answer in Train-Ticket: whoever answers it may know the label."""
ALIASES = "alias.json"
UNLABELLED = "(no label)"
LINE_HINT = (
    'a line looks like {"case": "boutique/service/54", "predictions": [{"fault_taxonomy": "...", '
    '"fault_object": "app/...", "root_cause": "...", "probability": 0.9}], "steps": 5, "seconds": 0.4}'
)


def read_truth(path: Path) -> list[Expected]:
    """One for each metadata.json below `path`, by its folder's path relative to `path`, or by the names of
    `alias.json` ({name: folder}) where there is one. Raises UsageError when there are none, DataError when
    one does not say the truth."""
    if not path.is_dir():
        hint = f"unpack it first: tar xf {path}" if path.is_file() else "name the folder of the cases"
        raise UsageError(f"{path} is not a folder", hint=hint)
    aliases = path / ALIASES
    folders = (
        _json_object(aliases)
        if aliases.exists()
        else {found.parent.relative_to(path).as_posix(): None for found in path.rglob("metadata.json")}
    )
    if not folders:
        raise UsageError(
            f"there is no metadata.json below {path}", hint="name the folder that holds the cases"
        )
    return [
        _expected(name, path / str(folder or name) / "metadata.json")
        for name, folder in sorted(folders.items())
    ]


def read_answers(path: Path) -> list[Answer]:
    """The prediction lines of a file; of two about one case the later counts. Raises DataError naming the
    line that is not one."""
    answers: dict[str, Answer] = {}
    for number, row in read_lines(path, "case"):
        try:
            answer = answer_of(row)
        except ValueError as error:
            raise DataError(f"{path}:{number}: {error}", hint=LINE_HINT) from error
        answers[answer.id] = answer
    return list(answers.values())


def answer_of(row: JsonObject) -> Answer:
    """One prediction line. Raises ValueError when a value is not what it should be."""
    return Answer(
        id=str(row["case"]).strip("/"),
        guesses=guesses_of(row.get("predictions")) or _unlabelled(row),
        broken=_text(row, "error"),
        confidence=_text(row, "confidence"),
        steps=int(_number(row, "steps") or 0),
        seconds=_number(row, "seconds") or 0.0,
        tokens_in=int(_number(row, "tokens_in") or 0),
        tokens_out=int(_number(row, "tokens_out") or 0),
        evidence=_names(row.get("evidence")),
        baselines=_baselines(row.get("baselines")),
    )


def guesses_of(rows: Any) -> tuple[Guess, ...]:
    """The answers of a line, best first. Raises ValueError when they are not a list of objects."""
    if rows is None:
        return ()
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("`predictions` is not a list of objects")
    return tuple(_guess(row) for row in rows[:CONSIDERED])


def is_telling(expected: Expected) -> bool:
    return expected.question.startswith(TELLING)


def merged(cause: str) -> str:
    return SAME.get(cause, cause)


def strangers(answers: Iterable[Answer], expected: Iterable[Expected]) -> list[str]:
    """Cases that were predicted and are not among the truth."""
    known = {one.id for one in expected}
    return sorted(answer.id for answer in answers if answer.id not in known)


def _guess(row: JsonObject) -> Guess:
    written = _text(row, "root_cause")
    return Guess(
        merged(written),
        _text(row, "fault_object"),
        _text(row, "fault_taxonomy"),
        written,
        _probability(row, "probability"),
        _probability(row, "uncalibrated"),
    )


def _expected(name: str, path: Path) -> Expected:
    data = _json_object(path)
    result = data.get("result")
    truth = result if isinstance(result, dict) else {}
    try:
        cause, at, category = (truth[key] for key in ("root_cause", "fault_object", "fault_taxonomy"))
    except KeyError as error:
        raise DataError(
            f"{path}: no `result` with root_cause, fault_object and fault_taxonomy",
            hint="a case without its truth can be run but not scored",
        ) from error
    return Expected(
        name, (merged(str(cause)),), (str(at),), str(cause), str(category),
        str(data.get("namespace", "")), str(data.get("query", "")),
    )  # fmt: skip


def _json_object(path: Path) -> JsonObject:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}: not JSON: {error}") from error
    if not isinstance(data, dict):
        raise DataError(f"{path}: not a JSON object")
    return data


def _text(row: JsonObject, key: str) -> str:
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"`{key}` is not text")
    return value or ""


def _number(row: JsonObject, key: str) -> float | None:
    value = row.get(key)
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value < float("inf"):
        raise ValueError(f"`{key}` is not a number of 0 or more")
    return float(value)


def _probability(row: JsonObject, key: str) -> float | None:
    value = _number(row, key)
    if value is not None and value > 1:
        raise ValueError(f"`{key}` is above 1")
    return value


def _unlabelled(row: JsonObject) -> tuple[Guess, ...]:
    """A diagnosis that the benchmark has no label for is an answer too: wrong, as surely as it was given."""
    cause = _text(row, "root_cause")
    if not cause:
        return ()
    sure = _probability(row, "probability"), _probability(row, "uncalibrated")
    return (Guess(f"{UNLABELLED} {cause}", "", probability=sure[0], uncalibrated=sure[1]),)


def _baselines(value: Any) -> dict[str, tuple[Guess, ...]]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("`baselines` is not an object of lists of predictions")
    return {str(name): guesses_of(rows) for name, rows in value.items()}


def _names(value: Any) -> tuple[str, ...]:
    """Names of facts; an object may follow each."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError("`evidence` is not a list of names")
    return tuple(name.partition(" ")[0] for name in value)
