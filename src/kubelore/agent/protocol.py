"""The step protocol: one JSON object a step, the same for every decider, example and training record.

{"thought": "...", "action": "tool", "tool": {"name": "DESCRIBE", "args": "pod default web-app"}}
{"thought": "...", "action": "respond", "response": "<markdown>", "root_cause": "<id>",
 "object": "<kind/namespace/name>", "confidence": "high|medium|low"}
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from kubelore.errors import BadStep
from kubelore.types import Confidence, JsonObject

MAX_STEP = 100_000
"""Characters of a model's answer that are looked at."""
MAX_LITERAL = 20_000
MAX_ARGS = 1_000

_TOOL_NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_THINKING = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_STEP_KEYS = frozenset({"thought", "action", "tool", "response"})


def _text(value: Any) -> Any:
    return "" if value is None else value


def _arguments(value: Any) -> Any:
    """Models write arguments as text, as a list or as named fields."""
    if isinstance(value, Mapping):
        order = ("kind", "namespace", "name")
        rest = [k for k in value if k not in order]
        value = [value[k] for k in (*order, *rest) if value.get(k) not in (None, "", False)]
    if isinstance(value, list | tuple):
        return " ".join(str(part) for part in value)
    return _text(value)


def _confidence(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "high" if value >= 0.75 else "medium" if value >= 0.5 else "low"
    word = str(value or "").strip().lower()
    return word if word in ("high", "medium", "low") else "low"


Text = Annotated[str, BeforeValidator(_text)]


class ToolUse(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    args: Annotated[str, BeforeValidator(_arguments), Field(max_length=MAX_ARGS)] = ""


class ToolStep(BaseModel):
    """Look at something."""

    model_config = ConfigDict(frozen=True)

    thought: Text = ""
    action: Literal["tool"] = "tool"
    tool: ToolUse


class RespondStep(BaseModel):
    """Answer. `object` is `Kind/namespace/name`, cluster-scoped `Node//name`, empty when nothing is wrong."""

    model_config = ConfigDict(frozen=True)

    thought: Text = ""
    action: Literal["respond"] = "respond"
    response: Annotated[str, Field(min_length=1)]
    root_cause: Text = ""
    object: Text = ""
    confidence: Annotated[Confidence, BeforeValidator(_confidence)] = "low"


def parse_step(text: str) -> ToolStep | RespondStep:
    """Read the first step in a model's answer.

    Code fences, prose around it, raw line breaks inside strings, trailing commas and Python quoting are
    accepted. What follows the first step is ignored: a model that goes on imagines its observations.
    Raises BadStep with a message fit to be sent back to the model.
    """
    answer = _THINKING.sub("", text[:MAX_STEP])
    for candidate in _objects(answer):
        if _STEP_KEYS & candidate.keys():
            return _read(candidate)
    if not answer.strip():
        raise BadStep("The answer is empty. Write one JSON object.")
    if "{" in answer:
        raise BadStep(
            "The answer holds no complete JSON object with `thought` and `action`. Check quotes, "
            "escapes and closing braces, and keep it short enough not to be cut off."
        )
    raise BadStep("The answer is not JSON. Write one JSON object and nothing else.")


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """JSON objects in a text, from the left; an object inside another is not one of its own."""
    decoder = json.JSONDecoder(strict=False)
    at, tries = text.find("{"), 0
    while at >= 0 and tries < 50:
        tries += 1
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            value, end = _python_literal(text, at)
        if isinstance(value, dict):
            yield value
        at = text.find("{", end)


def _python_literal(text: str, at: int) -> tuple[Any, int]:
    """An object written with Python's quotes or a trailing comma, up to the last brace that closes it."""
    end = text.rfind("}", at) + 1
    if at < end <= at + MAX_LITERAL:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of escapes that Python does not know
                return ast.literal_eval(text[at:end]), end
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            pass
    return None, at + 1


def _read(raw: Mapping[str, Any]) -> ToolStep | RespondStep:
    action = raw.get("action") or ("respond" if raw.get("response") else "tool")
    try:
        if action == "respond":
            return RespondStep.model_validate(raw)
        if action == "tool" or _TOOL_NAME.fullmatch(str(action)):
            return ToolStep.model_validate({"thought": raw.get("thought"), "tool": _tool(raw, action)})
    except ValidationError as error:
        raise BadStep(_complaint(error)) from None
    raise BadStep(f'`action` is {json.dumps(action)}; it must be "tool" or "respond".')


def _tool(raw: Mapping[str, Any], action: Any) -> Any:
    """`tool` as the protocol has it, or flattened: the name as text or as the action itself."""
    tool = raw.get("tool")
    if isinstance(tool, Mapping):
        return {**tool, "name": _name(tool.get("name"))}
    name = tool if isinstance(tool, str) else action if action != "tool" else ""
    return {"name": _name(name), "args": raw.get("args")}


def _name(value: Any) -> str:
    return str(value or "").strip().upper().replace("-", "_").replace(" ", "_")


def _complaint(error: ValidationError) -> str:
    parts = []
    for mistake in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(str(part) for part in mistake["loc"])
        parts.append(f"`{place}`: {mistake['msg']}")
    return "The step is not valid: " + "; ".join(parts) + "."


def render_step(step: ToolStep | RespondStep) -> str:
    """The step as the protocol writes it, on one line."""
    return json.dumps(step.model_dump(), ensure_ascii=False)


def step_schema(tools: Sequence[str], root_causes: Sequence[str], *, may_look: bool = True) -> JsonObject:
    """JSON schema of one step, in the form that servers with strict schemas accept: one object, every
    property required, what does not apply null. With `may_look` false only an answer is allowed."""
    nothing: JsonObject = {"type": "null"}
    tool: JsonObject = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "enum": list(tools)},
            "args": {"type": "string"},
        },
        "required": ["name", "args"],
        "additionalProperties": False,
    }
    properties: JsonObject = {
        "thought": {"type": "string"},
        "action": {"type": "string", "enum": ["tool", "respond"] if may_look else ["respond"]},
        "tool": {"anyOf": [tool, nothing]} if may_look else nothing,
        "response": {"type": ["string", "null"]} if may_look else {"type": "string"},
        "root_cause": {"anyOf": [{"type": "string", "enum": list(root_causes)}, nothing]},
        "object": {"type": ["string", "null"]},
        "confidence": {"anyOf": [{"type": "string", "enum": ["high", "medium", "low"]}, nothing]},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
