"""`kubelore cases`: what was investigated, what people said of it, and what it teaches."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubelore.cli import cases_change
from kubelore.cli import judging as j
from kubelore.cli import options as o
from kubelore.cli.formats import DataFormat
from kubelore.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kubelore.cases import Case, CaseFilter
    from kubelore.protocols import CaseStore
    from kubelore.types import CaseState, PastCase

LIST_FORMAT = "kubelore.cases/1"
CASE_FORMAT = "kubelore.case/1"
STATS_FORMAT = "kubelore.casebook.stats/1"
REPLAY_FORMAT = "kubelore.replay/1"
FOUND = 1
STATES = ("recorded", "candidate", "trusted", "quarantined", "retired")
LISTED = (
    "id", "timestamp", "state", "status", "query", "root_cause", "object", "confidence", "probability",
    "user_rating", "confirmed", "confirmed_cause", "confirmed_object", "namespace", "decider", "source",
    "count", "merged_into",
)  # fmt: skip
"""Fields of a case that a list gives to machines."""

cases = typer.Typer(help="Look at recorded investigations, judge them, exchange them.")
cases.callback(invoke_without_command=True)(o.help_without_command)

StateOption = Annotated[
    list[str] | None, typer.Option("--state", metavar="STATE", help=f"Only these: {', '.join(STATES)}.")
]
CauseFilter = Annotated[str, typer.Option("--cause", metavar="ID", help="Only this cause.")]
SourceFilter = Annotated[
    str | None, typer.Option("--source", metavar="NAME", help='Only imported from there; "" for your own.')
]
LimitOption = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="At most so many.")]
SinceOption = Annotated[str, typer.Option("--since", metavar="DATE", help="Asked on 2026-03-01 or later.")]


def register(app: typer.Typer) -> None:
    cases_change.register(cases)
    app.add_typer(cases, name="cases")


@cases.command("list")
def list_(
    *,
    state: StateOption = None,
    cause: CauseFilter = "",
    namespace: o.NamespaceOption = "",
    source: SourceFilter = None,
    since: SinceOption = "",
    after: Annotated[
        str, typer.Option("--after", metavar="ID", help="The page after this case, the last of one before.")
    ] = "",
    limit: LimitOption = 20,
    casebook: o.CasebookOption = None,
    output: o.DataOption = DataFormat.TEXT,
) -> None:
    """List cases, the newest first."""
    where = _filter(state, cause, namespace, source, since)
    with j.open_book(casebook, read_only=True) as book:
        j.check_cause(cause, book)
        start = book.find(after).id if after else ""
        _print_list(book.store.cases(where, limit=limit, after=start), output)


@cases.command()
def search(
    *,
    words: Annotated[
        list[str], typer.Argument(metavar="WORDS", help="Of questions, answers, facts, comments.")
    ],
    state: StateOption = None,
    cause: CauseFilter = "",
    namespace: o.NamespaceOption = "",
    source: SourceFilter = None,
    since: SinceOption = "",
    limit: LimitOption = 20,
    casebook: o.CasebookOption = None,
    output: o.DataOption = DataFormat.TEXT,
) -> None:
    """Find cases by words: CrashLoopBackOff, a name, a cause, the beginning of a word."""
    where = _filter(state, cause, namespace, source, since)
    with j.open_book(casebook, read_only=True) as book:
        j.check_cause(cause, book)
        _print_list(book.store.search(" ".join(words), where, limit=limit), output)


@cases.command()
def show(
    *,
    case: j.CaseArgument = "last",
    step: Annotated[
        int | None, typer.Option("--step", metavar="N", min=1, help="Only what this step saw, in full.")
    ] = None,
    casebook: o.CasebookOption = None,
    output: o.DataOption = DataFormat.TEXT,
) -> None:
    """Show one case: question, steps, answer, and everything that happened to it since."""
    from kubelore.cli import cases_render
    from kubelore.cli.console import clean_all
    from kubelore.cli.output import emit, print_plain

    with j.open_book(casebook, read_only=True) as book:
        found = book.find(case)
        if step is not None:
            print_plain(clean_all(_observed(found, book.store.bodies(found.id), step)))
            return
        history = [
            {"seq": r.seq, "at": r.entry.at, "who": r.entry.who, "what": r.entry.what,
             "state": r.entry.set.get("state", ""), "why": r.entry.set.get("why", ""),
             "changed": sorted(r.entry.set), "note": r.entry.note}
            for r in book.store.journal(found.id)
        ]  # fmt: skip
        disagree = {other.id: other.root_cause for other in _disagreeing(found, book.store, casebook)}
    report = clean_all({"format": CASE_FORMAT, **asdict(found), "disagree": disagree, "history": history})
    emit(report, output, text=lambda: cases_render.case(report))


@cases.command()
def stats(*, casebook: o.CasebookOption = None, output: o.DataOption = DataFormat.TEXT) -> None:
    """Count cases, and how often answers were right where people judged them.

    Says what is forgotten by rule, too; KUBELORE_KEEP_DAYS, KUBELORE_KEEP_MIB, KUBELORE_TEACH_DAYS and
    KUBELORE_CLUSTER_DAYS set other limits.
    """
    from kubelore.cli import cases_render
    from kubelore.cli.console import clean_all
    from kubelore.cli.output import emit

    rules = o.forgetting()
    with j.open_book(casebook, read_only=True) as book:
        counted = book.store.stats()
    report = clean_all({"format": STATS_FORMAT, **asdict(counted), "forgets": asdict(rules)})
    emit(report, output, text=lambda: cases_render.stats(report))


@cases.command()
def verify(*, casebook: o.CasebookOption = None, quiet: o.QuietOption = False) -> int:
    """Check that the casebook is as it was written. Exits with 1 when it is not.

    Follows the chain of hashes through the journal, compares every case with what its entries make of it, and
    what steps saw with the hashes in them. Note the last hash elsewhere, to see if the end is ever cut off.
    """
    from kubelore.casebook.verify import verify as checked
    from kubelore.cli.console import clean
    from kubelore.cli.live import ProgressBar
    from kubelore.cli.output import note, print_plain
    from kubelore.errors import StoreCorrupt

    found = []
    with j.open_book(casebook, read_only=True) as book:
        try:
            with ProgressBar(quiet) as bar:
                for line in checked(book.store, bar):
                    found.append(line)
        except StoreCorrupt as error:
            found.append(str(error))
        if not found:
            counted = book.store.stats()
            last = [entry.hash for entry in book.store.journal(after=counted.entries - 1)]
    for line in found:
        print_plain(clean(line))
    if found:
        note("kubelore cases repair saves what can be read, and makes cases anew from the journal; "
             "a changed entry can only come back from a copy")  # fmt: skip
        return FOUND
    print_plain(f"{counted.entries} entries about {counted.cases} cases are as they were written")
    if last:
        print_plain(f"last hash: {last[0]}")
    return 0


@cases.command()
def repair(*, casebook: o.CasebookOption = None) -> None:
    """Save what can be read of a damaged casebook, and make its cases anew from the journal.

    The damaged file is kept beside the new one. What the journal lost stays lost, and verify says so. A sound
    file that has much free room, because much was forgotten, becomes smaller.
    """
    from kubelore.cli.console import clean
    from kubelore.cli.output import print_plain

    with j.open_book(casebook) as book:
        for line in book.store.repair():
            print_plain(clean(line))


@cases.command()
def replay(
    *,
    case: j.CaseArgument = "last",
    patterns: o.PatternsOption = None,
    casebook: o.CasebookOption = None,
    output: o.DataOption = DataFormat.TEXT,
) -> None:
    """Ask the same question again of what was seen then, with today's patterns.

    What differs is what the patterns have learned since, or forgotten.
    """
    from kubelore import build
    from kubelore.casebook.replay import compared
    from kubelore.cli import cases_render
    from kubelore.cli.console import clean_all
    from kubelore.cli.output import emit

    settings = o.make_settings(patterns=patterns, casebook=casebook)
    with j.open_book(casebook, read_only=True) as book:
        found = book.find(case)
        made, missing = build.replay(settings, found, book.store.bodies(found.id))
    report = clean_all({"format": REPLAY_FORMAT, **compared(found, made, missing)})
    emit(report, output, text=lambda: cases_render.replay(report))


def _filter(
    states: list[str] | None, cause: str, namespace: str, source: str | None, since: str
) -> CaseFilter:
    from datetime import date

    from kubelore.cases import CaseFilter

    chosen: list[CaseState] = []
    for state in states or ():
        if state not in STATES:
            raise UsageError(f"there is no state {state}", hint=f"there is: {', '.join(STATES)}")
        chosen.append(state)  # type: ignore[arg-type]
    if since:
        try:
            since = date.fromisoformat(since).isoformat()
        except ValueError:
            raise UsageError(f"{since} is no date", hint="write it as 2026-03-01") from None
    return CaseFilter(tuple(chosen), cause=cause, namespace=namespace, source=source, since=since)


def _disagreeing(case: Case, store: CaseStore, casebook: Path | None) -> Sequence[PastCase]:
    """What else cases with nearly the same evidence say; none where that cannot be read."""
    from kubelore import build
    from kubelore.errors import StoreError

    if not case.cause:
        return ()
    try:
        settings = o.make_settings(casebook=casebook)
        return build.recall(settings, store, lambda error: None).disagreeing(case)
    except StoreError:
        return ()


def _print_list(found: Sequence[Case], output: DataFormat) -> None:
    from kubelore.cli import cases_render
    from kubelore.cli.console import clean_all
    from kubelore.cli.output import emit

    rows = clean_all([{name: getattr(case, name) for name in LISTED} for case in found])
    emit({"format": LIST_FORMAT, "cases": rows}, output, text=lambda: cases_render.listed(rows))


def _observed(case: Case, bodies: Any, step: int) -> str:
    from kubelore.casebook.observed import unpack_observation

    if step > len(case.steps):
        raise UsageError(f"case {case.id} has {len(case.steps)} steps")
    if step not in bodies:
        raise UsageError(f"what step {step} saw is not kept any more")
    return unpack_observation(bodies[step]).text
