"""Worked examples in the step protocol: data files, and the choice of those that fit a case.

It never changes an example and never puts one into a prompt; `agent.prompt` does. Start at
`choose_examples`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kubelore.agent.protocol import RespondStep, ToolStep, render_step
from kubelore.analysis.digest import estimate_tokens
from kubelore.errors import DataError

FIRST = "crash_loop_oom"
"""Shown when nothing fits better: it teaches the form."""

_WORD = re.compile(r"[a-z][a-z0-9]{2,}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExampleStep(_Strict):
    step: ToolStep
    observation: str


class Example(_Strict):
    """One investigation from question to answer. `patterns` are the ids of the patterns it teaches."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: int = Field(ge=1)
    title: str
    patterns: tuple[str, ...]
    question: str
    steps: tuple[ExampleStep, ...] = Field(min_length=1)
    answer: RespondStep

    def render(self) -> str:
        """As it stands in a prompt."""
        lines = [f"### Example: {self.title}", f'User: "{self.question}"']
        for number, taken in enumerate(self.steps, start=1):
            lines.append(f"Step {number}: {render_step(taken.step)}")
            lines.append(f"Observation: {taken.observation}")
        return "\n".join([*lines, f"Step {len(self.steps) + 1}: {render_step(self.answer)}"])


def read_example(name: str, text: str) -> Example:
    """One example file. Raises DataError that names the file and what is wrong with it."""
    try:
        return Example.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise DataError(f"{name}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise DataError(f"{name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


@cache
def load_examples() -> tuple[Example, ...]:
    """All examples that ship with kubelore, by id. Raises DataError."""
    found = (f for f in files(__package__).iterdir() if f.name.endswith(".yaml"))
    return tuple(read_example(f.name, f.read_text("utf-8")) for f in sorted(found, key=lambda f: f.name))


def choose_examples(pattern_ids: Sequence[str], question: str, budget: int) -> list[Example]:
    """Examples for the patterns of a case and the words of its question, best first, within `budget`
    tokens. When nothing fits the case, the one that teaches the form."""
    words = set(_WORD.findall(question.lower()))
    wanted = {pattern: len(pattern_ids) - i for i, pattern in enumerate(pattern_ids)}

    def fit(example: Example) -> tuple[float, int, bool]:
        by_pattern = max((wanted.get(p, 0) - i / 10 for i, p in enumerate(example.patterns)), default=0.0)
        by_word = len(words & set(_WORD.findall(example.question.lower())))
        return max(by_pattern, 0.0), by_word, example.id == FIRST

    chosen: list[Example] = []
    left = budget
    for example in sorted(load_examples(), key=fit, reverse=True):
        if not any(fit(example)):
            break
        cost = estimate_tokens(example.render())
        if cost <= left and (fit(example)[0] > 0 or not chosen):
            chosen.append(example)
            left -= cost
    return chosen
