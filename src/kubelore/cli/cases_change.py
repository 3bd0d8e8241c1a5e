"""`kubelore cases confirm|correct|retire|undo|export|import`: what people do with cases."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from kubelore.cli import judging as j
from kubelore.cli import options as o
from kubelore.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kubelore.casebook.book import Casebook
    from kubelore.cases import Case, CaseFilter

REFUSED = 1
SHOWN = 20
"""Refused lines that are named."""
PAGE = 500

CasesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Of cases, or the beginnings of them, or last.")
]
FromOption = Annotated[
    str, typer.Option("--source", metavar="NAME", help="All that were imported from there.")
]


def register(app: typer.Typer) -> None:
    for command in (confirm, correct, retire, undo, export):
        app.command()(command)
    app.command("import")(import_)


def confirm(
    *,
    cases: CasesArgument = None,
    source: FromOption = "",
    comment: j.CommentOption = "",
    casebook: o.CasebookOption = None,
) -> None:
    """Say that the answer was right, and let it teach.

    Imported cases teach only once they are confirmed: one by one, or all of a source that you vouch for.
    """
    from kubelore.casebook.states import Judgement
    from kubelore.cases import CaseFilter

    said = Judgement(confirm=True, comment=comment)
    with j.open_book(casebook) as book:
        where = CaseFilter(("quarantined",), source=source) if source else None
        chosen = _chosen(book, cases, where) or [book.find("last").id]
        _each(book, chosen, lambda case: book.judge(case, said))


def correct(
    *,
    case: j.CaseArgument = "last",
    cause: j.CauseOption = "",
    at_fault: j.ObjectOption = "",
    comment: j.CommentOption = "",
    new_cause: j.NewCauseOption = False,
    casebook: o.CasebookOption = None,
) -> None:
    """Say what it was: the right cause teaches, and so does what misled."""
    from kubelore.casebook.states import Judgement
    from kubelore.cli.output import print_plain

    if not (cause or at_fault):
        raise UsageError("nothing is corrected", hint="say what it was: --cause ID --object Kind/ns/name")
    with j.open_book(casebook) as book:
        found = book.find(case)
        j.check_cause(cause, book, new=new_cause)
        said = Judgement(cause=cause, object=at_fault, comment=comment)
        print_plain(j.became(book.judge(found, said)))


def retire(
    *,
    cases: CasesArgument = None,
    source: FromOption = "",
    cluster: Annotated[
        str, typer.Option("--cluster", metavar="CONTEXT", help="All of this cluster, which is gone.")
    ] = "",
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="For those who ask later.")] = "",
    casebook: o.CasebookOption = None,
) -> None:
    """Let cases teach no more. They stay on record."""
    from kubelore.casebook.entries import hashed
    from kubelore.cases import CaseFilter

    with j.open_book(casebook) as book:
        where = None
        if source or cluster:
            known = hashed(book.store.key(), cluster) if cluster else ""
            where = CaseFilter(("candidate", "trusted", "quarantined"), source=source or None, cluster=known)
        chosen = _chosen(book, cases, where)
        if not (cases or where):
            raise UsageError("which cases?", hint="give ids, --source NAME or --cluster CONTEXT")
        _each(book, chosen, lambda case: book.retire(case, why))


def undo(*, case: j.CaseArgument = "last", casebook: o.CasebookOption = None) -> None:
    """Take back what was last said about a case, or done to it by a rule."""
    from kubelore.cli.output import print_plain

    with j.open_book(casebook) as book:
        now = book.undo(book.find(case))
        undone = list(book.store.journal(now.id))[-1].entry.note
    print_plain(f"took back that {undone['of']} {undone['what']} it; {j.became(now)}")


def export(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines, one case a line.")],
    cases: CasesArgument = None,
    anonymous: Annotated[
        bool,
        typer.Option(
            "--anonymous",
            help="Without names of clusters, namespaces, objects and people, and without free text.",
        ),
    ] = False,
    casebook: o.CasebookOption = None,
) -> None:
    """Write cases to a file for another team: those given, or all that are trusted."""
    from kubelore.casebook.exchange import exported, header
    from kubelore.cases import TRUSTED, CaseFilter
    from kubelore.cli.output import note

    o.check_writable(file)
    with j.open_book(casebook, read_only=True) as book:
        chosen = [book.find(case) for case in cases] if cases else list(_all(book, CaseFilter(TRUSTED)))
        partial = file.with_name(file.name + ".part")
        try:
            with partial.open("w", encoding="utf-8") as stream:
                stream.write(header(len(chosen), anonymous=anonymous) + "\n")
                for case in chosen:
                    stream.write(exported(case, book.evidence(case), anonymous=anonymous) + "\n")
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
    note(f"{j.counted(len(chosen), 'case')} written to {file}")


def import_(
    *,
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="An exported file, or investigations as -o json prints them (a folder too)."
        ),
    ],
    source: Annotated[
        str,
        typer.Option(
            "--source", metavar="NAME", help="What to call where they are from.  [default: the file]"
        ),
    ] = "",
    new_causes: Annotated[
        bool, typer.Option("--new-causes", help="Take causes that nobody knows here, too.")
    ] = False,
    casebook: o.CasebookOption = None,
) -> int:
    """Take over cases of another team. They teach nothing until you confirm them.

    Every line is checked; bad ones are refused with their number and the reason, good ones are kept. Exits
    with 1 when something was refused.
    """
    from kubelore.casebook.arrival import Gate, bring_in
    from kubelore.casebook.text import cut, safe
    from kubelore.cli.output import note
    from kubelore.patterns.check import root_causes

    name = cut(safe(source or path.absolute().name), 80)
    if not path.exists():
        raise UsageError(f"there is no {path}", hint="name an exported file or a folder of documents")
    with j.open_book(casebook, new=True) as book:
        causes = root_causes().keys() | book.store.stats().causes.keys()
        gate = Gate(name, book.who, causes, new_causes, book.store.key())
        arrived = bring_in(book.store, path, gate)
    for line in arrived.refused[:SHOWN]:
        note(f"refused: {line}")
    if len(arrived.refused) > SHOWN:
        note(f"refused: {len(arrived.refused) - SHOWN} more")
    here = f", {arrived.known} here already" if arrived.known else ""
    taken = f"{j.counted(arrived.taken, 'case')} taken into quarantine from {name}"
    note(f"{taken}, {len(arrived.refused)} refused{here}")
    if arrived.taken:
        named = quote(name)
        note(f"look at them: kubelore cases list --source {named}; then: kubelore cases confirm ID")
    return REFUSED if arrived.refused else 0


def _all(book: Casebook, where: CaseFilter) -> Iterator[Case]:
    last = ""
    while page := book.store.cases(where, limit=PAGE, after=last):
        yield from page
        last = page[-1].id


def _chosen(book: Casebook, cases: list[str] | None, where: CaseFilter | None) -> list[str]:
    """Ids of the cases given, or of all that the filter lets through."""
    if cases and where:
        raise UsageError("either cases or all of a source or cluster", hint="leave one of them out")
    if where is None:
        return [book.find(case).id for case in cases or ()]
    found = [case.id for case in _all(book, where)]
    if not found:
        raise UsageError("there are no such cases", hint="see: kubelore cases list")
    return found


def _each(book: Casebook, ids: list[str], change: Callable[[Case], Case]) -> None:
    """Change one after the other; each is read anew, for the change before may have touched it."""
    from kubelore.cli.output import note, print_plain

    for number, case in enumerate(ids):
        line = j.became(change(book.get(case)))
        if number < SHOWN:
            print_plain(line)
    if len(ids) > SHOWN:
        note(f"and {len(ids) - SHOWN} more")
