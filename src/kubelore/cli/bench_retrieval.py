"""`kubelore bench retrieval`: how well questions find patterns, and queries find documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubelore.cli import options as o
from kubelore.cli.formats import DataFormat
from kubelore.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from kubelore.bench.cases import Case
    from kubelore.bench.report.page import Section
    from kubelore.build import Settings
    from kubelore.protocols import KnowledgeStore, Progress

FORMAT = "kubelore.retrieval/1"
TITLE = "Retrieval"


def register(bench: typer.Typer) -> None:
    bench.command()(retrieval)


def retrieval(
    *,
    questions: Annotated[
        list[Path] | None,
        typer.Option(
            "--questions", metavar="FILE", help="Lines of {question, label, also}; may be repeated."
        ),
    ] = None,
    docs: Annotated[
        Path | None, typer.Option("--docs", metavar="PATH", help="Documents, as for knowledge add.")
    ] = None,
    queries: Annotated[
        list[Path] | None,
        typer.Option(
            "--queries", metavar="FILE", help="Lines of {query, source} for --docs; may be repeated."
        ),
    ] = None,
    recordings: Annotated[
        Path | None,
        typer.Option("--recordings", metavar="PATH", help="Recorded incidents, as for bench incidents."),
    ] = None,
    asked: Annotated[
        Path | None,
        typer.Option("--asked", metavar="FILE", help="Lines of {id, question} for --recordings."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", metavar="FILE", help="The truth of --recordings.")
    ] = None,
    fit: Annotated[
        Path | None,
        typer.Option(
            "--fit",
            metavar="FILE",
            help="Learn weights from all --questions and write them, e.g. to "
            "src/kubelore/knowledge/matching.yaml.",
        ),
    ] = None,
    tone: Annotated[
        Path | None,
        typer.Option(
            "--tone",
            metavar="FILE",
            help="Learn from all --questions how trouble is put, and write it, e.g. to "
            "src/kubelore/knowledge/tone.tsv.",
        ),
    ] = None,
    misses: Annotated[bool, typer.Option("--misses", help="Print each question that went wrong.")] = False,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write the tables as Markdown.")
    ] = None,
    patterns: o.PatternsOption = None,
    output: o.DataOption = DataFormat.TEXT,
    quiet: o.QuietOption = False,
) -> None:
    """Measure what questions and queries find.

    Compares the ways of searching: questions against the patterns, queries against documents, and incidents
    by their question and by what was seen. Nothing is written into your knowledge base.
    """
    for page in filter(None, (markdown, fit, tone)):
        o.check_writable(page)
    if bool(docs) != bool(queries) or len({bool(recordings), bool(asked), bool(labels)}) > 1:
        raise UsageError(
            "--docs goes with --queries, and --recordings with --asked and --labels",
            hint="name what is to be searched, and what is asked of it",
        )
    if not (questions or docs or recordings) or ((fit or tone) and not questions):
        raise UsageError(
            "there is nothing to ask", hint="give --questions FILE, or --docs PATH --queries FILE"
        )
    settings = o.make_settings(patterns=patterns)
    from kubelore.cli.console import clean_all
    from kubelore.cli.live import ProgressBar
    from kubelore.cli.output import emit

    parts: list[dict[str, Any]] = []
    with ProgressBar(quiet) as progress:
        if tone and questions:
            _learn_tone(questions, tone)
        if questions:
            parts += _questions(settings, questions, fit, progress)
        if docs and queries:
            parts += _documents(settings, docs, queries, progress)
        if recordings and asked and labels:
            parts.append(_incidents(settings, recordings, asked, labels, progress))
    report = clean_all({"format": FORMAT, "date": datetime.now(UTC).date().isoformat(), "parts": parts})
    if markdown:
        _write(markdown, report)
    emit(report, output, text=lambda: _text(report, misses=misses))


def _questions(
    settings: Settings, files: Sequence[Path], fit_to: Path | None, progress: Progress
) -> Iterator[dict[str, Any]]:
    from kubelore import build
    from kubelore.bench.questions import read_questions
    from kubelore.bench.retrieval import questions
    from kubelore.bench.retrieval.table import answers, figures

    sets = {file: read_questions(file) for file in files}
    library, embedder = build.library(settings), build.embedder(settings)
    matcher = build.matcher(library)
    texts = build.pattern_texts(library)
    with _own_store(settings) as store:
        questions.ingest(texts, store, embedder, progress)
        ways = questions.ways(library, matcher, store, embedder)
        for file, asked in sets.items():
            yield figures(
                f"questions of {file.name}", [answers(*way, asked, progress) for way in ways.items()]
            )
    if fit_to:
        import yaml

        data, ask = questions.learn({file.name: asked for file, asked in sets.items()}, texts, matcher)
        head = "# Written by `kubelore bench retrieval --fit`: what the signs of a question weigh.\n"
        body = yaml.safe_dump(data, sort_keys=False, default_flow_style=None, width=110)
        fit_to.write_text(head + body, encoding="utf-8")
        for file, asked in sets.items():
            held_out = [answers("weights fitted without the question", ask, asked, progress)]
            yield figures(f"questions of {file.name}, cross-validated", held_out)


def _learn_tone(files: Sequence[Path], to: Path) -> None:
    from kubelore.bench.questions import read_questions
    from kubelore.bench.retrieval.fit import learn_tone

    asked = [one for file in files for one in read_questions(file)]
    weights = learn_tone([one.question for one in asked], [not one.is_none for one in asked])
    head = [
        "# How questions of trouble are put, and others: what each turn of phrase weighs, and its rarity.",
        f"# Written by `kubelore bench retrieval --tone` from {len(asked)} questions of "
        + ", ".join(file.name for file in files) + ".",
    ]  # fmt: skip
    rows = [f"{turn}\t{known.weight:g}\t{known.rarity:g}" for turn, known in weights.items()]
    to.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")


def _documents(
    settings: Settings, docs: Path, files: Sequence[Path], progress: Progress
) -> Iterator[dict[str, Any]]:
    from kubelore import build
    from kubelore.bench.retrieval import documents
    from kubelore.bench.retrieval.table import answers, figures

    sets = {file: documents.read_queries(file) for file in files}
    embedder = build.embedder(settings)
    with _own_store(settings) as store:
        documents.ingest(docs, store, embedder, progress)
        ways = {name: documents.by_file(s) for name, s in documents.searches(store, embedder).items()}
        for file, queries in sets.items():
            name = f"queries of {file.name}"
            strict = [query.asked(also=False) for query in queries]
            yield figures(name, [answers(*way, strict, progress) for way in ways.items()])
            if any(query.also for query in queries):
                also = [query.asked(also=True) for query in queries]
                found = [answers(*way, also, progress) for way in ways.items()]
                yield figures(f"{name}, other documents that answer as well counted", found)


def _incidents(
    settings: Settings, recordings: Path, asked: Path, labels: Path, progress: Progress
) -> dict[str, Any]:
    from kubelore import build
    from kubelore.bench.cases import find_cases, read_labels
    from kubelore.bench.retrieval import incidents, questions
    from kubelore.bench.retrieval.table import answers, figures
    from kubelore.knowledge.lessons import in_words
    from kubelore.knowledge.search import Search

    library, embedder = build.library(settings), build.embedder(settings)

    def look(case: Case) -> str:
        with closing(build.open_cluster(replace(settings, snapshot=str(case.snapshot)))) as cluster:
            return in_words(build.investigator(settings, cluster).investigate(case.question).evidence)

    with find_cases(recordings, asked) as cases:
        seen = incidents.look(cases, read_labels(labels), library, look, progress)
    with _own_store(settings) as store:
        questions.ingest(build.pattern_texts(library), store, embedder, progress)
        ways = incidents.ways(Search(store, embedder), seen)
        found = [answers(*way, [one.asked for one in seen], progress) for way in ways.items()]
    return figures(f"incidents of {recordings.name}, by pattern pages", found)


@contextmanager
def _own_store(settings: Settings) -> Iterator[KnowledgeStore]:
    """An empty knowledge base that is gone afterwards."""
    from kubelore import build

    with (
        TemporaryDirectory(prefix="kubelore-bench-") as folder,
        closing(build.open_knowledge(replace(settings, knowledge=Path(folder) / "knowledge.db"))) as store,
    ):
        yield store


def _sections(report: dict[str, Any]) -> list[Section]:
    from kubelore.bench.retrieval.table import section

    return [section(part) for part in report["parts"]]


def _write(page: Path, report: dict[str, Any]) -> None:
    import shlex
    import sys

    from kubelore.bench.report import markdown
    from kubelore.bench.report.page import Commands, Section
    from kubelore.bench.retrieval.table import LEGEND

    intro = (
        f"Written by `kubelore bench retrieval`, {report['date']}. Of files named tune, train, plain, dev or "
        "own, kubelore's makers know every line, and weights are fitted to them; of files named report, "
        f"nothing but these totals. {LEGEND}"
    )
    repeat = Section("To repeat", (Commands((shlex.join(["kubelore", *sys.argv[1:]]),)),))
    markdown.write(page, TITLE, intro, [*_sections(report), repeat])


def _text(report: dict[str, Any], *, misses: bool) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from kubelore.bench.retrieval.table import LEGEND
    from kubelore.cli.bench_score import text

    parts: list[RenderableType] = [text(_sections(report)), Text(), Text(LEGEND, style="dim")]
    for part in report["parts"] if misses else ():
        used = part["ways"][-1]
        parts += [Text(), Text(f"Misses: {part['name']}, {used['way']}", style="bold")]
        for miss in used["misses"]:
            found = ", ".join(miss["found"]) or "nothing"
            parts.append(Text(f"- {miss['question']}\n  want {' or '.join(miss['right'])}, got {found}"))
    return Group(*parts)
