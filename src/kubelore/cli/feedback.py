"""`kubelore feedback`: was the answer right? And the question after an interactive investigation."""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from kubelore.cli import judging as j
from kubelore.cli import options as o

if TYPE_CHECKING:
    from kubelore.build import Settings

PATIENCE = 30.0
"""Seconds that the question waits for a key."""
RATINGS = "12345"
WRONG = 2


def register(app: typer.Typer) -> None:
    app.command()(feedback)


def feedback(
    *,
    case: j.CaseArgument = "last",
    rating: Annotated[
        int | None, typer.Option("--rating", metavar="1..5", min=1, max=5, help="From 1, wrong, to 5, right.")
    ] = None,
    cause: j.CauseOption = "",
    at_fault: j.ObjectOption = "",
    comment: j.CommentOption = "",
    new_cause: j.NewCauseOption = False,
    casebook: o.CasebookOption = None,
) -> None:
    """Say whether an answer was right, and what it was if not.

    A sure answer rated 4 or 5 teaches further investigations; 1 or 2 retires it. With --cause or --object you
    say what it was: that is worth most. Alone, on a terminal, it asks for one key.
    """
    from kubelore.casebook.states import Judgement
    from kubelore.cli.output import note, print_plain

    said = Judgement(rating or 0, cause, at_fault, comment)
    with j.open_book(casebook) as book:
        found = book.find(case)
        if said == Judgement() and may_ask():
            note(j.asked(found))
            said = Judgement(rating=_rating())
            if not said.rating:
                return
        j.check_cause(cause, book, new=new_cause)
        print_plain(j.became(book.judge(found, said)))


def ask(case: str, settings: Settings) -> None:
    """One key, 1 to 5; any other skips, and so does waiting. Only for people: see `may_ask`."""
    from kubelore import build
    from kubelore.casebook.states import Judgement
    from kubelore.cli.output import note
    from kubelore.errors import KubeloreError

    rating = _rating()
    if not rating:
        return
    try:
        book = build.casebook(settings)
        try:
            now = book.judge(book.find(case), Judgement(rating=rating))
        finally:
            book.store.close()
    except KubeloreError as error:  # the investigation is done; this is no failure of it
        note(f"warning: not rated: {error}")
        return
    note(j.became(now))
    if rating <= WRONG:
        note("What was it? kubelore feedback last --cause ID --object Kind/namespace/name")


def _rating() -> int:
    """0 for none."""
    sys.stderr.write("Was this right? 1 no … 5 yes, Enter skips: ")
    sys.stderr.flush()
    key = _key()
    given = int(key) if key and key in RATINGS else 0
    sys.stderr.write(f"{given}\n" if given else "\n")
    return given


def may_ask() -> bool:
    """Whether a person sits before it: both ends are terminals, and no CI system runs it."""
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty() and not os.environ.get("CI")


def _key() -> str:
    """One key as soon as it is typed, without Enter where the terminal can do that; "" for none."""
    try:
        import termios
        import tty
    except ImportError:  # Windows: a line
        return sys.stdin.readline().strip()[:1]
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        termios.tcflush(terminal, termios.TCIFLUSH)  # what was typed while it worked rates nothing
        ready, _, _ = select.select([terminal], [], [], PATIENCE)
        key = os.read(terminal, 1).decode("ascii", "replace") if ready else ""
        termios.tcflush(terminal, termios.TCIFLUSH)
    except KeyboardInterrupt:
        key = ""
    finally:
        with suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
    return key
