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
    from kubelore.cli.output import emit
    from kubelore.cli.render import code, columns

    found = list(shipped.load().values())
    rows = [(e.name, f"{e.title}\n{e.question}") for e in found]
    usage = code(f'kubelore investigate "{found[0].question}" --snapshot example:{found[0].name}')
    emit(
        [asdict(example) for example in found],
        output,
        text=lambda: Group(columns(rows), Text("\nTry one:\n"), usage),
    )
