"""Printing: reports to stdout, notes to stderr."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from typing import Any

from rich.console import RenderableType

from kubelore.cli.console import clean, console
from kubelore.cli.formats import Format


def emit(
    data: Any,
    output: str,
    *,
    text: Callable[[], RenderableType],
    markdown: Callable[[], str] | None = None,
) -> None:
    """Print a cleaned report in the form that was asked for."""
    match output:
        case Format.JSON:
            print_plain(json.dumps(data, ensure_ascii=False, indent=2))
        case Format.YAML:
            import yaml

            print_plain(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100).rstrip("\n"))
        case Format.MARKDOWN if markdown:
            print_plain(markdown())
        case _:
            _print_rich(text())


def _print_rich(renderable: RenderableType) -> None:
    if sys.stdout.isatty():
        console(sys.stdout).print(renderable, crop=False)
        return
    page = io.StringIO()
    console(page).print(renderable, crop=False)
    print_plain("\n".join(line.rstrip() for line in page.getvalue().rstrip().split("\n")))


def print_plain(text: str) -> None:
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """A line for people, beside the output."""
    sys.stderr.write(clean(text) + "\n")
