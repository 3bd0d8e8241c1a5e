"""`kubelore examples`: recorded incidents to try it on."""

from __future__ import annotations

import typer

from kubelore.cli import options as o
from kubelore.cli.formats import DataFormat


def register(app: typer.Typer) -> None:
    app.command()(examples)


def examples(
    output: o.DataOption = DataFormat.TEXT,
) -> None:
    """List the incidents that ship with kubelore.

    They are recordings: any command that takes --snapshot works on one, without a cluster.
    """
    from dataclasses import asdict

    from rich.console import Group
    from rich.text import Text

    from kubelore import examples as shipped
    from kubelore.cli.bench_report import columns
    from kubelore.cli.output import emit

    found = list(shipped.load().values())
    rows = [(e.name, f"{e.title}\n{e.question}") for e in found]
    usage = Text(
        f'\nTry one: kubelore investigate "{found[0].question}" --snapshot example:{found[0].name}',
        style="dim",
    )
    emit(
        [asdict(example) for example in found],
        output,
        text=lambda: Group(columns(rows), usage),
    )
