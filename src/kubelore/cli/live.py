"""What a person sees while waiting: the steps as they run, and how far a long job is."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from kubelore.cli.console import clean, console
from kubelore.cli.render import item, readable
from kubelore.protocols import Listener
from kubelore.types import Investigation, Step, ToolCall

SHOWN = 3
"""Lines of what a step showed."""
MAX_LINE = 160


class LiveView:
    """A Listener that prints each step on a terminal, with a spinner for what is going on now."""

    def __init__(self, terminal: Console) -> None:
        self._console = terminal
        self._status = terminal.status(Text("reading the cluster"))

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._status.stop()

    def started(self, investigation: Investigation) -> None:
        self._status.update(Text("thinking"))

    def thinking(self, thought: str, call: ToolCall) -> None:
        self._status.update(Text(clean(f"{call.name} {call.args}".rstrip())))

    def stepped(self, step: Step) -> None:
        call = Text(clean(f"{step.call.name} {step.call.args}".rstrip()), style="bold")
        call.append(f"  {step.seconds:.2f} s", style="dim not bold")
        lines = [
            Text(_one_line(step.thought), style="italic"),
            *(Text(line, style="dim") for line in showed(step)),
        ]
        self._console.print(item(str(step.index), call, *lines))
        self._status.update(Text("thinking"))

    def finished(self, investigation: Investigation) -> None:
        self._status.stop()
        self._console.print()


def live_view(quiet: bool) -> AbstractContextManager[Sequence[Listener]]:
    """Listeners for stderr: none when it is no terminal, or when `quiet`."""
    if quiet or not sys.stderr.isatty():
        return nullcontext(())
    return _live(console(sys.stderr))


@contextmanager
def _live(terminal: Console) -> Iterator[Sequence[Listener]]:
    with LiveView(terminal) as view:
        yield (view,)


def waiting(what: str, quiet: bool) -> AbstractContextManager[object]:
    """A spinner on stderr; nothing when it is no terminal, or when `quiet`."""
    if quiet or not sys.stderr.isatty():
        return nullcontext()
    return console(sys.stderr).status(Text(what))


def showed(step: Step) -> list[str]:
    """The gist of an observation: its findings, else its new facts, in a few short lines."""
    seen = step.observation
    if seen.error:
        return [_one_line(seen.error)]
    lines = [f"{readable(str(f.object))}: {f.what}" for f in seen.findings]
    lines = lines or [fact.detail or fact.name for fact in step.new_facts]
    lines = list(dict.fromkeys(map(_one_line, lines)))
    if not lines:
        return ["nothing new"]
    more = len(lines) - SHOWN
    return [*lines[:SHOWN], f"and {more} more"] if more > 0 else lines


def _one_line(text: str) -> str:
    line = " ".join(clean(text).split())
    return line if len(line) <= MAX_LINE else line[: MAX_LINE - 1] + "…"


class ProgressBar:
    """`protocols.Progress` on stderr: a bar on a terminal, else nothing."""

    def __init__(self, quiet: bool) -> None:
        self._bar: Progress | None = None
        if sys.stderr.isatty() and not quiet:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=console(sys.stderr), transient=True)
            self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def advance(self, done: int, total: int, what: str) -> None:
        if self._bar:
            self._bar.update(self._task, completed=done, total=total, description=clean(what))
