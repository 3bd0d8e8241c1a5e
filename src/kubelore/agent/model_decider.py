"""Lets a language model choose the steps: same prompt, same tools, same record as every other decider."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kubelore.agent.examples import choose_examples
from kubelore.agent.prompt import Briefing, build_messages, repair_messages, tokens_of
from kubelore.agent.protocol import RespondStep, ToolStep, parse_step, step_schema
from kubelore.agent.respond import diagnosis_of
from kubelore.analysis.digest import estimate_tokens
from kubelore.errors import BadStep, BudgetSpent, ModelError
from kubelore.protocols import ChatModel
from kubelore.types import Completion, Diagnosis, Investigation, Message, ToolCall, Usage


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one investigation, except `context_tokens` and `answer_tokens`, which bound one turn."""

    seconds: float = 300.0
    tokens: int = 100_000
    """Sent and received, all turns together."""
    steps: int = 8
    """Of the loop: at the last one only an answer is asked for."""
    context_tokens: int = 16_000
    """What one prompt may take of the model's context."""
    answer_tokens: int = 1_500


@dataclass(slots=True)
class _Run:
    """What belongs to one investigation."""

    id: str
    fence: str = field(default_factory=lambda: secrets.token_hex(8))
    started: float = field(default_factory=time.monotonic)
    usage: Usage = field(default_factory=Usage)


class ModelDecider:
    """A decider that asks a model. Raises BudgetSpent when tokens or time are spent, ModelError when the
    endpoint fails or the model does not keep to the protocol after one repair."""

    def __init__(
        self,
        model: ChatModel,
        tools: Callable[[], str],
        root_causes: Mapping[str, str],
        limits: Limits | None = None,
    ) -> None:
        """`tools` gives one usage line for each tool, its name first; `root_causes` maps ids to meanings."""
        self._model = model
        self._tools = tools
        self._root_causes = root_causes
        self._limits = limits or Limits()
        self._run = _Run("")

    @property
    def name(self) -> str:
        return f"openai:{self._model.model}"

    @property
    def usage(self) -> Usage:
        return self._run.usage

    def decide(self, investigation: Investigation) -> tuple[str, ToolCall] | Diagnosis:
        """See `protocols.Decider`."""
        if self._run.id != investigation.id:
            self._run = _Run(investigation.id)
        last_turn = len(investigation.steps) >= self._limits.steps - 1
        step = self._ask(investigation, last_turn=last_turn)
        if isinstance(step, RespondStep):
            return diagnosis_of(step, investigation, self._root_causes.keys())
        return step.thought, ToolCall(step.tool.name, step.tool.args)

    def _ask(self, investigation: Investigation, *, last_turn: bool) -> ToolStep | RespondStep:
        """One step; an invalid one is sent back once."""
        tools = self._tools()
        names = [line.split()[0] for line in tools.splitlines() if line.strip()]
        messages = build_messages(
            investigation,
            self._briefing(investigation, tools),
            self._limits.context_tokens - self._limits.answer_tokens,
            last_turn=last_turn,
        )
        schema = step_schema(names, list(self._root_causes), may_look=not last_turn)
        answer = self._complete(messages, schema)
        try:
            return _checked(answer, names, investigation)
        except BadStep as mistake:
            again = self._complete(repair_messages(messages, answer.text, str(mistake)), schema)
        try:
            return _checked(again, names, None)
        except BadStep as mistake:
            raise ModelError(
                f"{self._model.model} does not keep to the step protocol: {mistake}",
                hint="use a model that can write JSON; the playbook works without one",
            ) from None

    def _briefing(self, investigation: Investigation, tools: str) -> Briefing:
        patterns = [lesson.id for lesson in investigation.lessons if lesson.kind == "pattern"]
        budget = self._limits.context_tokens // 8
        examples = choose_examples(patterns, investigation.question, budget)
        return Briefing(tools, self._root_causes, examples, self._run.fence)

    def _complete(self, messages: list[Message], schema: dict[str, object]) -> Completion:
        left = self._limits.tokens - self._run.usage.tokens_in - self._run.usage.tokens_out
        needed = tokens_of(messages)
        if needed >= left:
            raise BudgetSpent(f"{self._limits.tokens} tokens are spent; the next step needs {needed} more")
        until = self._run.started + self._limits.seconds
        if time.monotonic() >= until:
            raise BudgetSpent(f"{self._limits.seconds:.0f} seconds are spent")
        answer_tokens = min(self._limits.answer_tokens, left - needed)
        try:
            answer = self._model.complete(messages, schema=schema, max_tokens=answer_tokens, deadline=until)
        except ModelError as error:
            if time.monotonic() >= until:
                raise BudgetSpent(f"{self._limits.seconds:.0f} seconds are spent: {error}") from None
            raise
        estimated = Usage(needed, estimate_tokens(answer.text), 1)
        self._run.usage += answer.usage or estimated
        return answer


def _checked(
    answer: Completion, tools: list[str], investigation: Investigation | None
) -> ToolStep | RespondStep:
    """The step of an answer. Raises BadStep also for a tool that does not exist and for a step taken
    already (when `investigation` is given)."""
    try:
        step = parse_step(answer.text)
    except BadStep as mistake:
        if answer.cut:
            raise BadStep(f"The answer was cut off at its token limit; write less. {mistake}") from None
        raise
    if isinstance(step, RespondStep):
        return step
    if step.tool.name not in tools:
        raise BadStep(f"There is no tool {step.tool.name}; there is: {', '.join(tools)}.")
    call = ToolCall(step.tool.name, step.tool.args)
    taken = next((s.index for s in investigation.steps if s.call == call), 0) if investigation else 0
    if taken:
        raise BadStep(f"This was step {taken}; its observation stands above. Take another step or answer.")
    return step
