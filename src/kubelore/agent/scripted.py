"""A decider that does what a file says, for tests and demos: every run is the same, no model is asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from kubelore.agent.protocol import RespondStep, ToolStep
from kubelore.agent.respond import diagnosis_of
from kubelore.errors import DataError, ModelError
from kubelore.types import Diagnosis, Investigation, ToolCall, Usage

ScriptStep = ToolStep | RespondStep
_SCRIPT = TypeAdapter(list[ScriptStep])


class ScriptedDecider:
    """Takes the steps of a script in their order; each run of `decide` takes one."""

    name = "scripted"

    def __init__(self, steps: Sequence[ScriptStep], root_causes: Collection[str]) -> None:
        """`root_causes` are the canonical ids an answer may give."""
        self._steps = list(steps)
        self._root_causes = root_causes
        self._next = 0
        self._investigation = ""

    @property
    def usage(self) -> Usage:
        return Usage()

    def decide(self, investigation: Investigation) -> tuple[str, ToolCall] | Diagnosis:
        """See `protocols.Decider`. A new investigation begins the script again. Raises ModelError at its
        end."""
        if investigation.id != self._investigation:
            self._investigation, self._next = investigation.id, 0
        if self._next >= len(self._steps):
            raise ModelError("the script has no further step", hint="end it with a `respond` step")
        step = self._steps[self._next]
        self._next += 1
        if isinstance(step, RespondStep):
            return diagnosis_of(step, investigation, self._root_causes)
        return step.thought, ToolCall(step.tool.name, step.tool.args)


def read_script(path: Path) -> list[ScriptStep]:
    """A YAML or JSON list of steps of the protocol. Raises DataError that says which step is wrong."""
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path} is not YAML or JSON: {error}") from None
    if not isinstance(raw, list) or not raw:
        raise DataError(
            f"{path}: a script is a list of steps", hint="each with thought, action and tool or response"
        )
    try:
        return _SCRIPT.validate_python(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        raise DataError(f"{path}: step {int(first['loc'][0]) + 1}: {where}: {first['msg']}") from None
