"""`kubelore bench learn`: whether kubelore gets better with use, and what wrong cases can do to it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubelore.cli import options as o
from kubelore.cli.formats import DataFormat
from kubelore.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubelore.bench.cloud_opsbench.cases import Case
    from kubelore.bench.cloud_opsbench.gather import Gathered
    from kubelore.bench.cloud_opsbench.toolbox import CaseToolbox
    from kubelore.bench.learn.lived import Problem
    from kubelore.bench.learn.tasks import Outcome, Solve, Task, Taught
    from kubelore.bench.learn.whole import Lives, Run
    from kubelore.build import Lore, Settings
    from kubelore.patterns.load import Library
    from kubelore.types import Investigation

TITLE = "kubelore learns"

learn = typer.Typer(help="Measure whether kubelore gets better with use.")
learn.callback(invoke_without_command=True)(o.help_without_command)

JobsOption = Annotated[int, typer.Option("--jobs", "-j", metavar="N", min=1, max=64, help="Processes.")]
SeedsOption = Annotated[
    int,
    typer.Option(
        "--seeds", metavar="N", min=0, max=20, help="Repetitions of what is drawn; 0: no experiments."
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write a casebook that has learned from all cases."),
]
FitOption = Annotated[
    Path | None,
    typer.Option("--fit", metavar="FILE", help="Write what the word of a past case is worth, learned anew."),
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the whole report as one HTML file.")
]
MarkdownOption = Annotated[
    Path | None,
    typer.Option("--markdown", metavar="FILE", help="Write it as Markdown, with its plots beside it."),
]


def register(bench: typer.Typer) -> None:
    bench.add_typer(learn, name="learn")


@learn.command("cloud-opsbench")
def cloud_opsbench(
    *,
    folder: Annotated[Path, typer.Argument(metavar="PATH", help="Folder with cases and their truth.")],
    jobs: JobsOption = 1,
    seeds: SeedsOption = 3,
    out: OutOption = None,
    fit: FitOption = None,
    html: HtmlOption = None,
    markdown: MarkdownOption = None,
    output: o.DataOption = DataFormat.TEXT,
    quiet: o.QuietOption = False,
) -> None:
    """Learn from Cloud-OpsBench.

    Investigates each case; a simulated person confirms or corrects each answer. Then measures what that
    teaches: for causes whose patterns are taken away, on top of all patterns, from nothing, and with poisoned
    cases among the honest ones.
    """
    _check(out, fit, html, markdown)
    from kubelore.bench.learn.opsbench import OpsBench

    bench = OpsBench.below(folder, partial(ask_case, o.make_settings()))
    command = f"kubelore bench learn cloud-opsbench {folder}"
    wanted = Wanted("Cloud-OpsBench", command, seeds, out, fit, html, markdown)
    _learn(wanted, bench.problems(), _runner(bench.solve, jobs, quiet), output)


@learn.command()
def incidents(
    *,
    recordings: Annotated[
        Path, typer.Argument(metavar="PATH", help="Folder or archive of recordings, named by id.")
    ],
    questions: Annotated[Path, typer.Option("--questions", metavar="FILE", help="Lines of {id, question}.")],
    labels: Annotated[Path, typer.Option("--labels", metavar="FILE", help="The truth.")],
    jobs: JobsOption = 1,
    seeds: SeedsOption = 3,
    out: OutOption = None,
    html: HtmlOption = None,
    markdown: MarkdownOption = None,
    output: o.DataOption = DataFormat.TEXT,
    quiet: o.QuietOption = False,
) -> None:
    """Learn from recorded incidents.

    The same as for Cloud-OpsBench, as far as there are several cases of a cause.
    """
    _check(out, html, markdown)
    if not labels.is_file():
        raise UsageError(f"there is no file {labels}")
    from kubelore.bench.cases import find_cases, read_labels
    from kubelore.bench.learn.recorded import Recorded

    with find_cases(recordings, questions) as cases:
        bench = Recorded.of(cases, read_labels(labels), partial(ask_recording, o.make_settings()))
        command = f"kubelore bench learn incidents {recordings} --questions {questions} --labels {labels}"
        wanted = Wanted("recorded incidents", command, seeds, out, None, html, markdown)
        _learn(wanted, bench.problems(), _runner(bench.solve, jobs, quiet), output)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is to leave behind."""

    benchmark: str
    command: str
    """As it was called, for the page."""
    seeds: int
    out: Path | None
    fit: Path | None
    html: Path | None
    markdown: Path | None


def _check(out: Path | None, *files: Path | None) -> None:
    from kubelore.casebook.place import default_file

    own = os.environ.get("KUBELORE_CASEBOOK") or default_file()
    if out and out.resolve() == Path(own).resolve():
        raise UsageError(f"{out} is your own casebook", hint="name another file: --out begins it anew")
    for file in filter(None, (out, *files)):
        o.check_writable(file)


def _runner(solve: Solve, jobs: int, quiet: bool) -> Run:
    from kubelore.bench.learn.tasks import run
    from kubelore.cli.live import ProgressBar
    from kubelore.cli.output import note

    def go(tasks: Sequence[Task], what: str) -> list[Outcome]:
        if not quiet:
            note(f"{what}: {len(tasks)} investigations")
        with ProgressBar(quiet) as progress:
            return run(tasks, solve, jobs, progress, what)

    return go


def _learn(wanted: Wanted, problems: Sequence[Problem], run: Run, output: DataFormat) -> None:
    from kubelore.bench.learn.figures import figures
    from kubelore.bench.learn.page import short
    from kubelore.bench.learn.whole import experiment, live
    from kubelore.cli.bench_score import text
    from kubelore.cli.console import clean_all
    from kubelore.cli.output import emit

    lives = live(problems, run)
    if wanted.out:
        _keep(lives, wanted.out)
    if wanted.fit:
        _fit(lives, wanted.fit, wanted.benchmark)
    if not wanted.seeds:
        return
    told = experiment(wanted.benchmark, lives, wanted.seeds, run)
    data = clean_all(figures(told, datetime.now(UTC).date()))
    _write(data, wanted)
    emit(data, output, text=lambda: text(short(data)))


def _keep(lives: Lives, out: Path) -> None:
    """Starts the casebook anew."""
    from kubelore import build
    from kubelore.bench.learn.keep import keep
    from kubelore.cli.output import note

    for old in (out, *(out.with_name(out.name + end) for end in ("-wal", "-shm"))):
        old.unlink(missing_ok=True)
    settings = replace(o.make_settings(), casebook=out)
    pairs = list(zip(lives.full, lives.investigations, strict=True))
    said = keep(pairs, lambda: build.casebook(settings).store)
    note(f"{out}: {', '.join(f'{number} {what}' for what, number in said.most_common())}")


def _fit(lives: Lives, file: Path, source: str) -> None:
    import yaml

    from kubelore.bench.learn.fit import HEAD, fitted
    from kubelore.casebook.recall import model
    from kubelore.cli.output import note

    data = fitted(lives.full, lives.ablated, model(), source, datetime.now(UTC).date())
    printed = yaml.safe_dump(data, sort_keys=False, default_flow_style=None, width=110)
    file.write_text(HEAD + printed, encoding="utf-8")
    scores = data["cross_validated"]
    note(
        f"{data['examples']} examples in {file}; cross-validated: ECE {scores['ece']:.3f}, "
        f"{scores['right_of_the_surest_half']:.3f} of the surest half right"
    )


def _write(data: dict[str, Any], wanted: Wanted) -> None:
    from kubelore.bench.learn.page import full
    from kubelore.bench.report import html, markdown

    intro = (
        f"kubelore {data['kubelore']}, {data['date']}, {data['benchmark']}: {data['cases']} cases of "
        f"{data['causes']} causes in {data['groups']} groups of cause and object."
    )
    sections = full(data, (wanted.command,))
    if wanted.html:
        wanted.html.write_text(html.render(TITLE, intro, sections), encoding="utf-8")
    if wanted.markdown:
        written = f"Written by `kubelore bench learn`. {intro}"
        markdown.write(wanted.markdown, TITLE, written, sections)


def ask_case(
    settings: Settings, toolbox: CaseToolbox, known: Gathered, case: Case, taught: Taught
) -> Investigation:
    """Ask a case's question."""
    from kubelore import build

    chosen = replace(settings, use_patterns=taught.patterns)
    investigator = build.investigator_with(
        chosen, known.cluster, toolbox, lambda: known.view, _lore(settings, taught)
    )
    return investigator.investigate(case.query, case.namespace)


def ask_recording(settings: Settings, snapshot: Path, question: str, taught: Taught) -> Investigation:
    """Ask a question about a recording."""
    from contextlib import closing

    from kubelore import build

    chosen = replace(settings, use_patterns=taught.patterns, snapshot=str(snapshot))
    with closing(build.open_cluster(chosen)) as cluster:
        investigator = build.investigator(chosen, cluster, _lore(settings, taught))
        return investigator.investigate(question)


def _lore(settings: Settings, taught: Taught) -> Lore:
    from kubelore import build

    return build.Lore(library=_left(settings, replace(taught, memory=None)), voter=taught.memory)


@lru_cache(maxsize=4)
def _left(settings: Settings, taught: Taught) -> Library:
    from kubelore import build

    return taught.patterns_of(build.library(settings))
