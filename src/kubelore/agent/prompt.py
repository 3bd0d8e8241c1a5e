"""Writes the messages that a model decider sends. All wording is in `prompts/`.

system: protocol, tools, rules, root causes. user: lessons, worked examples, the question. Then for each
step the assistant's JSON and a user message with the observation's digest, fenced as data.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from string import Template

from kubelore.agent.examples import Example
from kubelore.agent.protocol import ToolStep, ToolUse, render_step
from kubelore.analysis.digest import digest, estimate_tokens
from kubelore.errors import BudgetSpent
from kubelore.packaged import packaged_text, packaged_yaml
from kubelore.patterns.model import Pattern
from kubelore.redaction import redact
from kubelore.types import Investigation, Lesson, Message, Step

TOKENS_PER_MESSAGE = 8
"""What a chat template adds to each message."""
LEAST_OBSERVATION = 40
"""Tokens that the digest of an old observation keeps, however tight the budget is."""

OURS = ("pattern", "example")
"""Kinds of lessons that people reviewed before they came in."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


@dataclass(frozen=True, slots=True)
class Briefing:
    """What is the same for every turn of one investigation."""

    tools: str
    """Usage lines of the toolbox."""
    causes: Mapping[str, str]
    """Canonical root causes: id to meaning."""
    examples: Sequence[Example]
    fence: str
    """Unguessable, new for each investigation."""


@cache
def _template(name: str) -> Template:
    return Template(packaged_text("kubelore.agent", "prompts", name))


def prompt_hash() -> str:
    """sha256 over all prompt and example files: which wording an investigation was run with."""
    total = sha256()
    for folder in ("prompts", "examples"):
        found = [f for f in files(__package__).joinpath(folder).iterdir() if not f.name.startswith("__")]
        for file in sorted(found, key=lambda f: f.name):
            if file.is_file():
                total.update(f"{folder}/{file.name}\n".encode() + file.read_bytes())
    return total.hexdigest()


def build_messages(
    investigation: Investigation, briefing: Briefing, budget: int, *, last_turn: bool = False
) -> list[Message]:
    """All messages for the next turn, redacted, within about `budget` tokens.

    When they do not fit, observations are shortened, oldest first; then examples go, last first, then
    lessons. Protocol and question always stay: raises BudgetSpent when these alone are too long.
    """
    closing = _template("last_turn.md").template if last_turn else ""
    examples, lessons = list(briefing.examples), list(investigation.lessons)
    while True:
        head = _head(investigation, briefing, lessons, examples)
        left = budget - tokens_of(head) - estimate_tokens(closing)
        steps = _steps(investigation.steps, briefing.fence, left)
        if tokens_of(steps) <= left or not (examples or lessons):
            break
        (examples or lessons).pop()
    messages = [*head, *steps]
    if closing:
        messages[-1] = _add(messages[-1], closing)
    if tokens_of(messages) > budget:
        raise BudgetSpent(
            f"the prompt needs {tokens_of(messages)} tokens and the model may be sent {budget}",
            hint="allow more tokens, or ask a shorter question",
        )
    return messages


def repair_messages(messages: Sequence[Message], answer: str, complaint: str) -> list[Message]:
    """The messages with the model's invalid answer and what is wrong with it."""
    text = _template("repair.md").substitute(complaint=clean(complaint))
    return [*messages, Message("assistant", redact(answer[:2000])), Message("user", text)]


def tokens_of(messages: Sequence[Message]) -> int:
    """About how many tokens the messages take."""
    return sum(estimate_tokens(m.content) + TOKENS_PER_MESSAGE for m in messages)


def _head(
    investigation: Investigation, briefing: Briefing, lessons: Sequence[Lesson], examples: Sequence[Example]
) -> list[Message]:
    causes = "\n".join(f"- {id_}: {meaning}" for id_, meaning in briefing.causes.items())
    system = _template("system.md").substitute(tools=briefing.tools, causes=causes, fence=briefing.fence)
    opening = _template("opening.md").substitute(
        lessons=_section("lessons.md", lessons=format_lessons(lessons, briefing.fence)),
        examples=_section("examples.md", examples="\n\n".join(e.render() for e in examples)),
        cluster=_cluster(investigation),
        scope=f"Stay in namespace {investigation.namespace}." if investigation.namespace else "",
        question=redact(clean(investigation.question)),
    )
    return [Message("system", system.strip()), Message("user", opening.strip())]


def _section(name: str, **content: str) -> str:
    return _template(name).substitute(content) if all(content.values()) else ""


def _cluster(investigation: Investigation) -> str:
    info = investigation.cluster
    what = "live" if info.live else f"recorded at {info.now:%Y-%m-%d %H:%M} UTC"
    incomplete = ", incomplete" if info.incomplete else ""
    return clean(f"Kubernetes {info.server_version or 'of unknown version'}, {what}{incomplete}")


def _steps(steps: Sequence[Step], fence: str, budget: int) -> list[Message]:
    """Newest first for as long as there is room; what older observations get is what is left."""
    taken: list[Message] = []
    spent = sum(_cost_without_data(step, fence) + LEAST_OBSERVATION for step in steps)
    for step in reversed(steps):
        room = max(LEAST_OBSERVATION, LEAST_OBSERVATION + budget - spent)
        said, seen = _step(step, fence, room)
        spent += tokens_of([said, seen]) - _cost_without_data(step, fence) - LEAST_OBSERVATION
        taken = [said, seen, *taken]
    return taken


def _cost_without_data(step: Step, fence: str) -> int:
    empty = Message("user", _fenced(step.index, "", fence))
    return tokens_of([_said(step), empty])


def _step(step: Step, fence: str, room: int) -> tuple[Message, Message]:
    data = redact(clean(step.digest))
    # The marks in front of the lines cost as well; digest works on the bare text.
    limit = room
    while estimate_tokens(_quoted(data)) > room and limit > LEAST_OBSERVATION // 4:
        limit = limit * 4 // 5
        data = digest(data, limit)
    return _said(step), Message("user", _fenced(step.index, data, fence))


def _said(step: Step) -> Message:
    tool = ToolUse.model_construct(name=step.call.name, args=redact(clean(step.call.args)))
    return Message("assistant", render_step(ToolStep(thought=redact(clean(step.thought)), tool=tool)))


def _fenced(number: int, data: str, fence: str) -> str:
    quoted = _quoted(data)
    lines = quoted.count("\n") + 1 if quoted else 0
    text = _template("observation.md").substitute(number=number, lines=lines, fence=fence, data=quoted)
    return text.strip()


def _quoted(data: str) -> str:
    return "\n".join(f"| {line}" for line in data.splitlines())


def _add(message: Message, text: str) -> Message:
    return Message(message.role, f"{message.content}\n\n{text.strip()}")


def clean(text: str) -> str:
    """Text from a cluster without what could steer a terminal or a tokenizer: escape sequences, control,
    invisible and direction characters go, marks of chat templates are broken up."""
    text = _ESCAPES.sub("", text)
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
    for mark in _marks():
        if mark in text:
            text = text.replace(mark, f"{mark[0]} {mark[1:]}")
    return text


@cache
def _marks() -> tuple[str, ...]:
    return tuple(packaged_yaml("kubelore.agent", "prompts", "markers.yaml")["marks"])


# -- lessons ---------------------------------------------------------------------------------------
def format_pattern(pattern: Pattern) -> str:
    """One pattern as a prompt shows it."""
    lines = [f"### {pattern.name}", "**Investigation Steps:**"]
    for number, step in enumerate(pattern.investigation_steps, start=1):
        call = f"{step.tool} {step.args}".strip()
        lines.append(f"{number}. {call} - Look for: {step.look_for}")
    lines += ["", "**Common Causes:**"]
    lines += [f"- **{c.cause}**: Evidence: {', '.join(c.evidence)}" for c in pattern.common_causes]
    return "\n".join(lines)


def format_lessons(lessons: Sequence[Lesson], fence: str) -> str:
    """Lessons as a prompt shows them, cleaned and redacted. Documents and cases are fenced like observations:
    strangers wrote them."""
    return "\n\n".join(_lesson(lesson, fence) for lesson in lessons)


def _lesson(lesson: Lesson, fence: str) -> str:
    source = " ".join(", ".join(part for part in (lesson.source, lesson.date) if part).split())
    headed = lesson.text.startswith("#")
    text = redact(clean(lesson.text if headed else f"### {lesson.title}\n{lesson.text}"))
    if lesson.kind in OURS:
        return f"{text}\n(from: {source})" if source else text
    data = _quoted(text)
    return _template("recalled.md").substitute(source=redact(clean(source)), fence=fence, data=data).strip()
