"""`kubelore examples` and `kubelore doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from kubelore.cli.formats import DataFormat


def register(app: typer.Typer) -> None:
    app.command()(examples)


def examples(
    output: Annotated[
        DataFormat, typer.Option("--output", "-o", help="How to print the list.")
    ] = DataFormat.TEXT,
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
