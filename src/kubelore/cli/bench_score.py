"""`kubelore bench score` and `calibrate`: what a predictions file of Cloud-OpsBench is worth."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubelore.cli import options as o
from kubelore.cli.formats import DataFormat
from kubelore.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from kubelore.bench.report.page import Section
    from kubelore.bench.scoring.judge import Answer, Expected

TITLE = "kubelore on Cloud-OpsBench"

PredictionsArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="Prediction lines of `kubelore bench cloud-opsbench`.")
]
TruthOption = Annotated[
    Path,
    typer.Option(
        "--truth", metavar="PATH", help="Folder of the cases, each metadata.json with its `result`."
    ),
]


def register(bench: typer.Typer) -> None:
    bench.command()(score)
    bench.command()(calibrate)


def score(
    *,
    predictions: PredictionsArgument,
    truth: TruthOption,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the whole report as one HTML file.")
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option("--markdown", metavar="FILE", help="Write it as Markdown, with its plots beside it."),
    ] = None,
    output: o.DataOption = DataFormat.TEXT,
) -> None:
    """Score Cloud-OpsBench predictions.

    Compares each prediction with the truth beside its case: accuracy, steps, calibration, and what simple
    guessing reaches on the same cases.
    """
    for page in filter(None, (html, markdown)):
        o.check_writable(page)
    answers, expected = read(predictions, truth)
    from kubelore.bench.report import html as html_page
    from kubelore.bench.report import markdown as markdown_page
    from kubelore.bench.report.figures import figures
    from kubelore.bench.report.page import full, short
    from kubelore.cli.console import clean_all
    from kubelore.cli.output import emit, note

    data = clean_all(figures(answers, expected, datetime.now(UTC).date()))
    if data["strangers"]:
        note(
            f"predictions of no case below {truth}: {len(data['strangers'])}, such as {data['strangers'][0]}"
        )
    intro = introduction(data)
    sections = full(data, predictions.name, "PATH")
    if html:
        html.write_text(html_page.render(TITLE, intro, sections), encoding="utf-8")
    if markdown:
        markdown_page.write(markdown, TITLE, f"Written by `kubelore bench score`. {intro}", sections)
    emit(data, output, text=lambda: text(short(data)))


def calibrate(
    *,
    predictions: PredictionsArgument,
    truth: TruthOption,
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE", help="Where the curve goes, e.g. src/kubelore/calibration.yaml."
        ),
    ],
) -> None:
    """Fit probabilities to a benchmark.

    Writes the curve that turns the probabilities of the predictions into how often answers like them are
    right, with its scores on groups of cases that it was not fitted to.
    """
    o.check_writable(out)
    answers, expected = read(predictions, truth)
    import yaml

    from kubelore.bench.calibration_file import fitted
    from kubelore.cli.output import note

    data = fitted(answers, expected, datetime.now(UTC).date(), predictions.name)
    head = "# Written by `kubelore bench calibrate`; without points, probabilities stay as they are.\n"
    out.write_text(head + yaml.safe_dump(data, sort_keys=False, default_flow_style=None), encoding="utf-8")
    scores = data["scores"]
    note(
        f"{data['method']} curve of {data['answers']} answers in {out}; cross-validated: "
        f"ECE {scores['before']['ece']:.3f} before, {scores['after']['ece']:.3f} after"
    )


def read(predictions: Path, truth: Path) -> tuple[list[Answer], list[Expected]]:
    """Raises UsageError when the two have no case in common."""
    from kubelore.bench.scoring.cloud_opsbench import read_answers, read_truth, strangers

    answers = read_answers(predictions)
    expected = read_truth(truth)
    if len(strangers(answers, expected)) == len(answers):
        raise UsageError(
            f"no case of {predictions} is below {truth}",
            hint=f"give --truth the folder that was predicted: {answers[0].id} must be a folder in it",
        )
    return answers, expected


def introduction(data: dict[str, Any]) -> str:
    total = data["total"]
    return (
        f"kubelore {data['kubelore']}, {data['date']}: {total['cases']} cases, {total['broken']} broken, "
        f"{total['unanswered']} without an answer."
    )


def text(sections: list[Section]) -> RenderableType:
    """The tables of a page for a terminal."""
    from rich.console import Group
    from rich.text import Text

    from kubelore.bench.report.page import Table
    from kubelore.cli.render import columns

    parts: list[RenderableType] = []
    for section in sections:
        parts += [Text(), Text(section.title, style="bold")]
        parts += [columns(block.rows, block.header) for block in section.blocks if isinstance(block, Table)]
    return Group(*parts[1:])
