"""What commands about cases share: opening the casebook, naming a cause, saying what became of a case."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kubelore.errors import UsageError

if TYPE_CHECKING:
    from kubelore.casebook.book import Casebook
    from kubelore.cases import Case

CAUSE = re.compile(r"[a-z][a-z0-9_]{2,63}")
SHORT_ID = 8
CLOSE = 0.4

CaseArgument = Annotated[
    str, typer.Argument(metavar="[ID]", help="Of a case, or the beginning of one, or last.")
]
CauseOption = Annotated[
    str, typer.Option("--cause", metavar="ID", help="What it was; see: kubelore patterns causes.")
]
ObjectOption = Annotated[
    str,
    typer.Option(
        "--object", metavar="KIND/NS/NAME", help="What was at fault: Deployment/shop/cart, Node//w1."
    ),
]
CommentOption = Annotated[str, typer.Option("--comment", metavar="TEXT", help="In your words, for people.")]
NewCauseOption = Annotated[bool, typer.Option("--new-cause", help="Let --cause be an id of your own.")]


@contextmanager
def open_book(file: Path | None, *, read_only: bool = False, new: bool = False) -> Iterator[Casebook]:
    """The casebook, closed at the end; `new` begins one where there is none. Raises StoreError."""
    from kubelore import build
    from kubelore.casebook.place import default_file

    missing = not (file or default_file()).exists()
    book = build.casebook(build.Settings(casebook=file), read_only=read_only or (missing and not new))
    try:
        yield book
    finally:
        book.store.close()


def check_cause(cause: str, book: Casebook, *, new: bool | None = None) -> None:
    """Raises UsageError for a cause that is unknown here, with the ids that are closest. `new` lets an id of
    one's own through; None where there is no such choice."""
    from kubelore.patterns.check import root_causes

    if not cause or cause in root_causes() or cause in book.store.stats().causes:
        return
    if new:
        if not CAUSE.fullmatch(cause):
            raise UsageError(f"{cause} is no id of a cause", hint="write it in lower case: lease_left_behind")
        return
    near = get_close_matches(cause, root_causes(), n=3, cutoff=CLOSE)
    offered = f"did you mean {', '.join(near)}? " if near else ""
    own = "" if new is None else "; --new-cause takes an id of your own"
    raise UsageError(f"there is no root cause {cause}", hint=f"{offered}see: kubelore patterns causes{own}")


def counted(number: int, noun: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{number} {noun}{'s' * (number != 1)}"


def asked(case: Case) -> str:
    """One line about what was asked and answered."""
    answer = f"{case.cause} at {case.at_fault}" if case.at_fault else case.cause or "no cause"
    return f"case {case.id[:SHORT_ID]}: {case.query}\n{answer}"


def became(case: Case) -> str:
    """One line about the state that a case is in now."""
    from kubelore.cli.console import clean

    merged = f", taught by case {case.merged_into[:SHORT_ID]}" if case.merged_into else ""
    why = f": {case.why}" if case.why else ""
    return clean(f"case {case.id[:SHORT_ID]} is {case.state}{why}{merged}")
