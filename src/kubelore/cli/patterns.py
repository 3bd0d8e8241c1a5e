"""`kubelore patterns`: the library, the user's own patterns, and what a question matches."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubelore.cli import options as o
from kubelore.cli.formats import DataFormat
from kubelore.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kubelore.patterns.load import Library, Problem

FOUND = 1
LIST_FORMAT = "kubelore.patterns/1"
MATCH_FORMAT = "kubelore.match/1"

patterns = typer.Typer(help="List, read, write and check patterns.")
patterns.callback(invoke_without_command=True)(o.help_without_command)


def register(app: typer.Typer) -> None:
    app.add_typer(patterns, name="patterns")


@patterns.command("list")
def list_(*, folder: o.PatternsOption = None, output: o.DataOption = DataFormat.TEXT) -> None:
    """List all patterns, the built-in ones and yours."""
    from kubelore.cli.console import clean_all
    from kubelore.cli.output import emit
    from kubelore.cli.render import columns

    library = _library(folder)
    rows: list[dict[str, Any]] = clean_all(
        [
            {"id": p.id, "version": p.version, "name": p.name, "file": library.files[p.id],
             "causes": list(dict.fromkeys(cause.root_cause for cause in p.common_causes))}
            for p in library.patterns
        ]
    )  # fmt: skip
    cells = [(row["id"], f"v{row['version']}", f"{row['name']}\n{', '.join(row['causes'])}") for row in rows]
    emit({"format": LIST_FORMAT, "patterns": rows}, output, text=lambda: columns(cells))


@patterns.command()
def show(
    *,
    pattern: Annotated[str, typer.Argument(metavar="ID", help="Of a pattern; see: kubelore patterns list.")],
    folder: o.PatternsOption = None,
) -> None:
    """Print one pattern as it was written."""
    from kubelore.cli.console import clean
    from kubelore.cli.output import print_plain

    library = _library(folder)
    library.get(pattern)
    print_plain(clean(_source(library.files[pattern])).rstrip("\n"))


@patterns.command()
def lint(
    *,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Files or folders; your own folder if none."),
    ] = None,
    folder: o.PatternsOption = None,
    output: o.DataOption = DataFormat.TEXT,
) -> int:
    """Check patterns. Exits with 1 when there is a mistake.

    Names every mistake with file, line and reason.
    """
    from rich.text import Text

    from kubelore.cli.console import clean_all
    from kubelore.cli.output import emit

    found = list(_problems(paths)) if paths else list(_library(folder).problems)
    rows = clean_all([{"file": p.file, "line": p.line, "reason": p.reason} for p in found])
    lines = [f"{row['file']}:{row['line']}: {row['reason']}" for row in rows] or ["no mistakes"]
    emit(rows, output, text=lambda: Text("\n".join(lines), no_wrap=True, overflow="ignore"))
    return FOUND if found else 0


@patterns.command()
def new(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help='What it is about, say "lock left behind".')],
    folder: o.PatternsOption = None,
) -> None:
    """Start a pattern of your own, from a template."""
    from kubelore.cli.output import print_plain
    from kubelore.packaged import packaged_text
    from kubelore.patterns.load import user_folder

    words = re.findall(r"[a-z0-9]+", name.lower())
    if not words or not words[0][0].isalpha():
        raise UsageError(f"{name!r} is no name for a pattern", hint="begin it with a letter")
    target = (folder or user_folder()) / f"{'_'.join(words)}.yaml"
    template = packaged_text("kubelore.cli", "pattern.yaml")
    text = template.format(id="_".join(words), name=" ".join(words).capitalize(), words=" ".join(words))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{target} exists already", hint="choose another name, or edit that file") from None
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error
    print_plain(str(target))


@patterns.command()
def draft(
    *,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where drafts go; made if missing.")],
    cause: Annotated[str, typer.Option("--cause", metavar="ID", help="Only of this root cause.")] = "",
    least: Annotated[
        int, typer.Option("--min", metavar="N", min=2, help="Investigations that a draft takes.")
    ] = 3,
    casebook: o.CasebookOption = None,
) -> None:
    """Draft patterns from trusted cases, for you to review.

    Each draft says from which cases it was made and why. It is no pattern before you have written what it
    leaves open and put it into your folder.
    """
    from kubelore.casebook.drafts import drafts
    from kubelore.cli.judging import open_book
    from kubelore.cli.output import note, print_plain
    from kubelore.patterns.check import FILL_IN, KINDS

    with open_book(casebook, read_only=True) as book:
        cases = book.store.past_cases().taught
    made = list(drafts(cases, KINDS, FILL_IN, least=least, cause=cause))
    folder.mkdir(parents=True, exist_ok=True)
    for one in made:
        target = folder / f"{one.id}.yaml"
        try:
            with target.open("x", encoding="utf-8") as file:
                file.write(one.text)
        except FileExistsError:
            note(f"{target} is there already and was left alone")
        else:
            print_plain(str(target))
    if not made:
        note(f"no cause has {least} trusted cases that are alike and unlike others")


@patterns.command()
def match(
    *,
    question: Annotated[list[str], typer.Argument(metavar="QUESTION", help="In the words of a user.")],
    strategy: o.StrategyOption = o.Strategy.WORDS,
    folder: o.PatternsOption = None,
    output: o.DataOption = DataFormat.TEXT,
) -> None:
    """Say which patterns a question brings up."""
    from kubelore.cli.console import clean_all
    from kubelore.cli.output import emit
    from kubelore.cli.render import columns
    from kubelore.patterns.question import match as matching

    found = matching(" ".join(question), _library(folder), strategy.value)
    rows: list[dict[str, Any]] = clean_all(
        [{"pattern": m.pattern.id, "score": m.score, "phrases": list(m.phrases)} for m in found]
    )
    cells = [(row["pattern"], f"{row['score']:.2f}", ", ".join(row["phrases"])) for row in rows]
    report = {"format": MATCH_FORMAT, "strategy": strategy.value, "matches": rows}
    emit(report, output, text=lambda: columns(cells or [("no pattern", "", "")]))


@patterns.command()
def causes(*, output: o.DataOption = DataFormat.TEXT) -> None:
    """List the root causes that a pattern may name."""
    from dataclasses import asdict

    from kubelore.cli.output import emit
    from kubelore.cli.render import columns
    from kubelore.patterns.check import root_causes

    rows = [asdict(cause) for cause in root_causes().values()]
    emit(rows, output, text=lambda: columns((row["id"], row["object_kind"], row["meaning"]) for row in rows))


@patterns.command()
def facts(*, output: o.DataOption = DataFormat.TEXT) -> None:
    """List the facts that a pattern's conditions may name."""
    from dataclasses import asdict

    from kubelore.cli.output import emit
    from kubelore.cli.render import columns
    from kubelore.vocabulary import vocabulary

    known = vocabulary().values()
    cells = [(f.key, f.about, f"{f.means}\n{', '.join(f.values) or 'any value'}") for f in known]
    emit([asdict(fact) for fact in known], output, text=lambda: columns(cells))


def _library(folder: Path | None) -> Library:
    from kubelore.build import library

    return library(o.make_settings(patterns=folder))


def _problems(paths: Sequence[Path]) -> Iterable[Problem]:
    from kubelore.patterns.load import load, read_pattern

    for path in paths:
        if path.is_dir():
            yield from load(path).problems
            continue
        try:
            yield from read_pattern(str(path), path.read_bytes())[1]
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from error


def _source(file: str) -> str:
    """The text of a pattern file: a path of the user's, or the name of a built-in one."""
    from kubelore.packaged import packaged_text

    if Path(file).parent != Path():
        return Path(file).read_text(encoding="utf-8-sig")
    return packaged_text("kubelore.patterns", "library", file)
