"""`kubelore investigate`: from a question to the diagnosis."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from kubelore.cli import options as o
from kubelore.cli.formats import Format
from kubelore.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kubelore.patterns.load import Problem
    from kubelore.types import Investigation

MAX_QUESTION = 20_000
"""Characters; a pasted alert is far shorter."""


def register(app: typer.Typer) -> None:
    app.command()(investigate)


def investigate(
    *,
    question: Annotated[
        list[str],
        typer.Argument(metavar="QUESTION", help="In your words, or a pasted alert; - reads it from stdin."),
    ],
    namespace: o.NamespaceOption = "",
    all_namespaces: o.AllOption = False,
    snapshot: o.SnapshotOption = "",
    context: o.ContextOption = "",
    kubeconfig: o.KubeconfigOption = "",
    impersonate: o.AsOption = "",
    decider: o.DeciderOption = "",
    model: o.ModelOption = "",
    base_url: o.BaseUrlOption = "",
    max_steps: Annotated[
        int, typer.Option("--max-steps", metavar="N", min=1, max=50, help="Stop looking after so many.")
    ] = 8,
    max_seconds: Annotated[
        float, typer.Option("--max-seconds", metavar="S", min=1, help="Time a model may take in all.")
    ] = 300,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", metavar="N", min=1, help="Tokens a model may take in all.")
    ] = 100_000,
    patterns: o.PatternsOption = None,
    no_patterns: o.NoPatternsOption = False,
    knowledge: o.KnowledgeOption = None,
    no_knowledge: o.NoKnowledgeOption = False,
    casebook: o.CasebookOption = None,
    no_casebook: o.NoCasebookOption = False,
    output: o.OutputOption = Format.TEXT,
    no_record: Annotated[
        bool, typer.Option("--no-record", help="Keep no record of this investigation.")
    ] = False,
    quiet: o.QuietOption = False,
) -> None:
    """Find the root cause behind a question.

    Reads the cluster, follows the evidence and prints the diagnosis: cause, object at fault, evidence, fix.
    """
    settings = o.make_settings(
        snapshot=snapshot, context=context, kubeconfig=kubeconfig, impersonate=impersonate,
        namespace=namespace, all_namespaces=all_namespaces, patterns=patterns, decider=decider, model=model,
        base_url=base_url, max_steps=max_steps, max_seconds=max_seconds, max_tokens=max_tokens,
        casebook=casebook, knowledge=knowledge, use_patterns=not no_patterns,
        use_knowledge=not no_knowledge, use_casebook=not no_casebook,
    )  # fmt: skip
    asked = _question(question)
    from contextlib import closing

    from kubelore import build
    from kubelore.cli.feedback import ask, may_ask
    from kubelore.cli.live import live_view
    from kubelore.cli.output import note

    library = build.library(settings)
    for warning in _left_out(library.problems):
        note(warning)
    recorder = None if no_record else build.recorder(settings)
    with (
        live_view(quiet) as views,
        closing(build.open_cluster(settings)) as cluster,
        build.open_lore(settings) as lore,
    ):
        listeners = (*views, recorder) if recorder else tuple(views)
        investigator = build.investigator(settings, cluster, lore)
        result = investigator.investigate(asked, settings.namespace, listeners)
    _print(
        result, output, {name: cause.meaning for name, cause in library.root_causes.items()}, steps=not views
    )
    if recorder is None:
        return
    if recorder.problem:
        note(f"warning: this investigation is not on record: {recorder.problem}")
        return
    sys.stdout.flush()
    if forgotten := recorder.settle():
        note(f"{forgotten}; see: kubelore cases stats")
    if views and output is Format.TEXT and may_ask():
        ask(recorder.case, settings)


def _left_out(problems: Iterable[Problem]) -> Iterator[str]:
    """One line for each file, however much is wrong with it."""
    by_file: dict[str, list[Problem]] = {}
    for problem in problems:
        by_file.setdefault(problem.file, []).append(problem)
    for first, *others in by_file.values():
        more = f" (and {len(others)} more, see: kubelore patterns lint)" if others else ""
        yield f"warning: pattern left out: {first}{more}"


def _question(words: list[str]) -> str:
    text = sys.stdin.read(MAX_QUESTION + 1) if words == ["-"] else " ".join(words)
    if not text.strip():
        raise UsageError(
            "the question is empty", hint='ask for instance: "why does payments keep restarting?"'
        )
    if len(text) > MAX_QUESTION:
        raise UsageError(f"the question is longer than {MAX_QUESTION} characters")
    return text.strip()


def _print(result: Investigation, output: Format, meanings: dict[str, str], *, steps: bool) -> None:
    from kubelore.cli import markdown, render
    from kubelore.cli.output import emit
    from kubelore.cli.report import investigation_report

    report = investigation_report(result, meanings)
    emit(
        report,
        output,
        text=lambda: render.investigation(report, steps=steps),
        markdown=lambda: markdown.investigation(report),
    )
