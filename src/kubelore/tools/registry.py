"""All tools of one investigation by name, and the one gate through which what they saw leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points

from kubelore.analysis.view import View
from kubelore.errors import BadArguments, ClusterError, KubeloreError, ToolError, UnknownTool
from kubelore.protocols import Tool
from kubelore.redaction import redact
from kubelore.tools.cluster_health import ClusterHealth
from kubelore.tools.describe import Describe
from kubelore.tools.find_issues import FindIssues
from kubelore.tools.get_endpoints import GetEndpoints
from kubelore.tools.get_events import GetEvents
from kubelore.tools.get_logs import GetLogs
from kubelore.tools.run_kubectl import RunKubectl, Runner
from kubelore.tools.text import cut
from kubelore.tools.top_pods import TopPods
from kubelore.types import Fact, Finding, NotChecked, Observation, ToolCall

BUILT_IN: tuple[Callable[[View], Tool], ...] = (
    FindIssues, GetLogs, Describe, TopPods, GetEndpoints, GetEvents, ClusterHealth,
)  # fmt: skip
PLUGIN_GROUP = "kubelore.tools"
"""Entry points of this group name a callable that takes the `View` and gives a `Tool`."""

MAX_ARGUMENTS = 4_000
"""Characters of one call; no object, selector or template needs more."""
MAX_TEXT = 200_000
"""Characters of one observation; the middle of a longer one is left out, and the text says so."""
MAX_FACTS = 5_000
"""Facts of one observation; the first ones are kept (tools put the most severe first)."""

log = logging.getLogger(__name__)


class Toolbox:
    """Runs tools by name. What leaves is redacted: text, errors, and every detail and param of a fact."""

    def __init__(self, view: View, extra: Iterable[Tool] = (), kubectl: Runner | None = None) -> None:
        """`kubectl` runs the user's own kubectl, for what a live cluster alone can tell. Raises
        KubeloreError when two tools have one name."""
        self._view = view
        self._tools: dict[str, Tool] = {}
        for tool in (*(make(view) for make in BUILT_IN), RunKubectl(view, kubectl), *extra):
            if tool.name in self._tools:
                raise KubeloreError(f"two tools are called {tool.name}")
            self._tools[tool.name] = tool

    @property
    def names(self) -> list[str]:
        return [*self._tools, *self._plugins]

    @property
    def broken_plugins(self) -> Mapping[str, str]:
        """Why each plugin that could not be loaded could not."""
        return {name: why for name, why in self._plugins.items() if isinstance(why, str)}

    def describe(self) -> str:
        """One usage line for each tool, for prompts."""
        plugins = (tool for tool in self._plugins.values() if not isinstance(tool, str))
        return "\n".join(f"{tool.name} {tool.usage}" for tool in (*self._tools.values(), *plugins))

    def run(self, call: ToolCall) -> Observation:
        """Run one tool. Whatever goes wrong comes back as the observation's `error`, also a bug of the
        tool: one that stumbles over what a cluster holds must not end an investigation."""
        try:
            observation = self._observe(call)
        except ToolError as error:
            observation = _failed(error)
        except ClusterError as error:
            observation = _unread(call, error)
        except Exception as error:
            log.exception("tool %s failed", call.name)
            bug = ToolError(f"{call.name} failed, a bug: {type(error).__name__}: {error}")
            observation = _unread(call, bug)
        return _sealed(observation)

    def _observe(self, call: ToolCall) -> Observation:
        if len(call.name) + len(call.args) > MAX_ARGUMENTS:
            raise BadArguments(f"the call is longer than {MAX_ARGUMENTS} characters")
        return self._tool(call.name).run(call.args)

    def _tool(self, name: str) -> Tool:
        wanted = name.strip().upper().replace("-", "_").replace(" ", "_")
        tool = self._tools.get(wanted) or self._plugins.get(wanted)
        if isinstance(tool, str):
            raise UnknownTool(f"the plugin for {wanted} cannot be used: {tool}")
        if tool is None:
            close = get_close_matches(wanted, self.names, n=3, cutoff=0.4) or self.names
            raise UnknownTool(f"there is no tool {name}", hint=f"there is: {', '.join(close)}")
        return tool

    @cached_property
    def _plugins(self) -> dict[str, Tool | str]:
        """Tools of other packages, loaded when first needed; a broken one is kept with its reason."""
        return dict(self._load_plugins())

    def _load_plugins(self) -> Iterator[tuple[str, Tool | str]]:
        for point in entry_points(group=PLUGIN_GROUP):
            if point.name.upper() not in self._tools:
                yield point.name.upper(), _load(point, self._view)


def _load(point: EntryPoint, view: View) -> Tool | str:
    try:
        tool: Tool = point.load()(view)
    except Exception as error:  # noqa: BLE001 (someone else's code must not end an investigation)
        return f"{type(error).__name__}: {error}"
    return tool


def _failed(error: KubeloreError) -> Observation:
    text = f"{error}\n{error.hint}" if error.hint else str(error)
    return Observation(text=text, error=str(error))


def _unread(call: ToolCall, error: KubeloreError) -> Observation:
    what = f"{call.name} {call.args}".strip()
    return replace(_failed(error), not_checked=(NotChecked(what, str(error)),))


def _sealed(observation: Observation) -> Observation:
    """The observation, redacted and within its caps."""
    facts: dict[Fact, Fact] = {}

    def seal(fact: Fact) -> Fact:
        if fact not in facts:
            params = {key: redact(value) for key, value in fact.params.items()}
            facts[fact] = replace(fact, detail=redact(fact.detail), params=params)
        return facts[fact]

    def seal_finding(finding: Finding) -> Finding:
        return replace(finding, what=redact(finding.what), facts=tuple(map(seal, finding.facts)))

    return replace(
        observation,
        text=cut(redact(observation.text), MAX_TEXT),
        error=redact(observation.error),
        facts=tuple(map(seal, observation.facts[:MAX_FACTS])),
        findings=tuple(map(seal_finding, observation.findings)),
        not_checked=tuple(NotChecked(redact(n.what), redact(n.why)) for n in observation.not_checked),
    )
