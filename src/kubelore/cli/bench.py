"""`kubelore bench`: how good kubelore is, on recorded incidents and on questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubelore.cli import bench_learn, bench_retrieval, bench_score
from kubelore.cli import options as o
from kubelore.cli.formats import DataFormat
from kubelore.errors import StoreError, UsageError

if TYPE_CHECKING:
    from kubelore.bench.baselines import Named
    from kubelore.bench.cloud_opsbench.cases import Case
    from kubelore.bench.cloud_opsbench.gather import Gathered
    from kubelore.bench.cloud_opsbench.toolbox import CaseToolbox
    from kubelore.bench.incidents import Examined
    from kubelore.build import Lore, Settings
    from kubelore.types import Finding, Investigation

RecallOption = Annotated[
    Path | None, typer.Option("--casebook", metavar="FILE", help="Recall past cases of this casebook.")
]
bench = typer.Typer(help="Measure how good kubelore is.")
bench.callback(invoke_without_command=True)(o.help_without_command)
bench_score.register(bench)
bench_learn.register(bench)
bench_retrieval.register(bench)


def register(app: typer.Typer) -> None:
    app.add_typer(bench, name="bench")


@bench.command()
def incidents(
    *,
    recordings: Annotated[
        Path, typer.Argument(metavar="PATH", help="Folder or archive of recordings, named by id.")
    ],
    questions: Annotated[Path, typer.Option("--questions", metavar="FILE", help="Lines of {id, question}.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where the predictions go, one JSON line each.")
    ],
    labels: Annotated[
        Path | None,
        typer.Option("--labels", metavar="FILE", help="The truth; read once all predictions are made."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", metavar="N", min=1, max=64, help="Processes.")] = 1,
    decider: o.DeciderOption = "",
    model: o.ModelOption = "",
    base_url: o.BaseUrlOption = "",
    patterns: o.PatternsOption = None,
    casebook: RecallOption = None,
    no_patterns: o.NoPatternsOption = False,
    no_knowledge: o.NoKnowledgeOption = False,
    output: o.DataOption = DataFormat.TEXT,
    quiet: o.QuietOption = False,
) -> None:
    """Run recorded incidents.

    Asks one question of each recording, writes a prediction line each and, with labels, prints the score.
    """
    chosen = {"patterns": patterns, "decider": decider, "model": model, "base_url": base_url}
    settings = _settings(casebook, no_patterns, no_knowledge, **chosen)
    o.check_writable(out)
    if labels and not labels.is_file():
        raise UsageError(f"there is no file {labels}")
    from kubelore.bench.cases import find_cases, read_labels
    from kubelore.bench.incidents import run, write
    from kubelore.bench.scoring.incidents import score
    from kubelore.cli import bench_report
    from kubelore.cli.live import ProgressBar
    from kubelore.cli.output import emit

    with find_cases(recordings, questions) as cases, ProgressBar(quiet) as progress:
        lines = run(cases, partial(examine, settings), jobs, progress)
    write(out, lines)
    truth = read_labels(labels) if labels else []
    report = bench_report.incidents_report(lines, score(lines, truth) if truth else None, str(out))
    emit(report, output, text=lambda: bench_report.incidents_text(report))


@bench.command()
def questions(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Lines of {question, label, also}.")],
    strategy: Annotated[
        list[o.Strategy] | None,
        typer.Option("--strategy", metavar="words|substring", help="Only this one; may be repeated."),
    ] = None,
    misses: Annotated[bool, typer.Option("--misses", help="Print each question that went wrong.")] = False,
    patterns: o.PatternsOption = None,
    output: o.DataOption = DataFormat.TEXT,
) -> None:
    """Match labelled questions to patterns.

    Prints for each strategy how often the right pattern is first, or among the first two, and how often one
    fires where none should (questions labelled none).
    """
    from kubelore import build
    from kubelore.bench.questions import read_questions, score_questions
    from kubelore.cli import bench_report
    from kubelore.cli.output import emit

    library = build.library(o.make_settings(patterns=patterns))
    asked = read_questions(file)
    scores = [score_questions(asked, library, chosen.value) for chosen in strategy or o.Strategy]
    report = bench_report.questions_report(scores)
    emit(report, output, text=lambda: bench_report.questions_text(report, misses=misses))


@bench.command("cloud-opsbench")
def cloud_opsbench(
    *,
    folder: Annotated[Path, typer.Argument(metavar="PATH", help="Folder with cases, however deep.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where the predictions go, one JSON line each.")
    ],
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=0, help="Only the first N; 0: all.")] = 0,
    jobs: Annotated[int, typer.Option("--jobs", "-j", metavar="N", min=1, max=64, help="Processes.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Keep what FILE holds; do the rest.")] = False,
    decider: o.DeciderOption = "",
    model: o.ModelOption = "",
    base_url: o.BaseUrlOption = "",
    patterns: o.PatternsOption = None,
    casebook: RecallOption = None,
    no_patterns: o.NoPatternsOption = False,
    no_knowledge: o.NoKnowledgeOption = False,
    quiet: o.QuietOption = False,
) -> None:
    """Run the public benchmark Cloud-OpsBench.

    Investigates each case with the recorded answers of the benchmark's tools and writes a prediction line
    each. Of a case nothing but its namespace, its question and the answers asked for is read.
    """
    chosen = {"patterns": patterns, "decider": decider, "model": model, "base_url": base_url}
    settings = _settings(casebook, no_patterns, no_knowledge, **chosen)
    o.check_writable(out)
    from kubelore import build
    from kubelore.bench.cloud_opsbench.cases import find_cases
    from kubelore.bench.cloud_opsbench.run import keep, predict, run
    from kubelore.cli.live import ProgressBar

    if casebook:
        build.casebook(settings, read_only=True).store.close()  # a damaged one is told once, and now
    places = find_cases(folder)
    places = places[:limit] if limit else places
    lines = keep(places, out, resume=resume)
    done = {line["case"] for line in lines}
    left = [place for place in places if place.id not in done]
    predict_one = partial(
        predict, investigate=partial(investigate_case, settings), by_rule=partial(guess_by_rule, settings)
    )
    with ProgressBar(quiet) as progress:
        lines += run(left, out, predict_one, jobs, progress)
    broken = [line for line in lines if line["error"]]
    steps = sum(line["steps"] for line in lines) / len(lines)
    seconds = sum(line["seconds"] for line in lines) / len(lines)
    typer.echo(
        f"{len(lines)} predictions in {out}: {steps:.1f} steps, {seconds:.2f} s each, {len(broken)} broken"
    )
    for line in broken[:5]:
        typer.echo(f"  {line['case']}: {line['error']}", err=True)


def investigate_case(settings: Settings, toolbox: CaseToolbox, known: Gathered, case: Case) -> Investigation:
    """Ask a case's question."""
    from kubelore import build

    with _lore(settings) as lore:
        investigator = build.investigator_with(settings, known.cluster, toolbox, lambda: known.view, lore)
        return investigator.investigate(case.query, case.namespace)


def _settings(casebook: Path | None, no_patterns: bool, no_knowledge: bool, **options: Any) -> Settings:
    """What of kubelore is measured. Raises UsageError."""
    if casebook and not casebook.is_file():
        raise UsageError(f"there is no casebook {casebook}")
    return o.make_settings(
        casebook=casebook, use_patterns=not no_patterns, use_knowledge=not no_knowledge, **options
    )


@contextmanager
def _lore(settings: Settings) -> Iterator[Lore]:
    """The casebook that was named, and no documents: those of whoever runs this are no part of a benchmark.
    Raises StoreError."""
    from kubelore import build

    taught = replace(settings, use_knowledge=False, use_casebook=settings.casebook is not None)
    with build.open_lore(taught) as lore:
        if unread := lore.not_checked():
            raise StoreError(str(unread[0]))
        yield lore


def guess_by_rule(
    settings: Settings, question: str, findings: Sequence[Finding]
) -> Mapping[str, Sequence[Named]]:
    """What the baselines that need no labels answer."""
    from kubelore import build
    from kubelore.bench.baselines import by_rule

    return by_rule(question, findings, build.library(settings))


def examine(settings: Settings, snapshot: Path, question: str) -> Examined:
    """Investigate one recording; then scan all of it, on the same reader."""
    import time
    from contextlib import closing

    from kubelore import build
    from kubelore.bench.incidents import Examined
    from kubelore.cli.scan import find_all

    build.library(settings)  # loaded once a process, which is no part of a case's time
    begun = time.perf_counter()
    recorded = replace(settings, snapshot=str(snapshot))
    with closing(build.open_cluster(recorded)) as cluster, _lore(settings) as lore:
        investigation = build.investigator(settings, cluster, lore).investigate(question)
        seconds = time.perf_counter() - begun
        findings, _ = find_all(cluster, "")
    return Examined(investigation, findings, seconds)
