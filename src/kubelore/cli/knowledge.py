"""`kubelore knowledge`: put documents into the knowledge base, find passages, look after it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubelore.cli import options as o
from kubelore.cli.formats import DataFormat, Format
from kubelore.errors import DataError, UsageError

if TYPE_CHECKING:
    from kubelore.knowledge.ingest.summary import Summary
    from kubelore.passages import KnowledgeFilter
    from kubelore.protocols import KnowledgeStore
    from kubelore.types import KnowledgeEntry, KnowledgeType

ADDED_FORMAT = "kubelore.knowledge.added/1"
FOUND_FORMAT = "kubelore.knowledge.found/1"
LIST_FORMAT = "kubelore.knowledge.list/1"
ENTRY_FORMAT = "kubelore.knowledge.entry/1"
STATS_FORMAT = "kubelore.knowledge.stats/1"
REINDEX_FORMAT = "kubelore.knowledge.reindex/1"
TYPES = ("pattern", "solution", "doc", "investigation")

knowledge = typer.Typer(help="Give kubelore your runbooks, documents and solutions, and search them.")
knowledge.callback(invoke_without_command=True)(o.help_without_command)

TypeFilter = Annotated[
    list[str] | None, typer.Option("--type", metavar="TYPE", help=f"Only these: {', '.join(TYPES)}.")
]
TagFilter = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Only with one of these.")]
SourceFilter = Annotated[
    list[str] | None, typer.Option("--source", metavar="NAME", help="Only from there; see: knowledge stats.")
]
LimitOption = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="At most so many.")]
EntryArgument = Annotated[str, typer.Argument(metavar="ID", help="Of a passage, as list and search show it.")]


def register(app: typer.Typer) -> None:
    app.add_typer(knowledge, name="knowledge")


@knowledge.command()
def add(
    *,
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="A document, a folder, a checkout of documentation, an archive, a Stack Exchange Posts.xml, "
            "GitHub issues as JSON, or - for what is piped in.",
        ),
    ],
    type_: Annotated[
        str, typer.Option("--type", metavar="TYPE", help=f"What all of it is: {', '.join(TYPES)}.")
    ] = "",
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="To find it by; may be repeated.")
    ] = None,
    source: Annotated[
        str, typer.Option("--source", metavar="NAME", help="What to call it.  [default: its full path]")
    ] = "",
    licence: Annotated[
        str, typer.Option("--licence", metavar="NAME", help="Of what does not say it itself.")
    ] = "",
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="Where it is on the web: the document, or the folder.")
    ] = "",
    knowledge: o.KnowledgeOption = None,
    patterns: o.PatternsOption = None,
    output: o.DataOption = DataFormat.TEXT,
    quiet: o.QuietOption = False,
) -> int:
    """Add documents, or bring them up to date.

    What changed since the last time is read again, what is gone from a folder, archive or dump is removed,
    what others say already is kept once. Secrets are taken out before anything is stored. It may be
    interrupted: the same command goes on where it was. Exits with 4 when there was nothing to read.
    """
    from kubelore import build
    from kubelore.cli import knowledge_render
    from kubelore.cli.console import clean_all
    from kubelore.cli.live import ProgressBar
    from kubelore.cli.output import emit, note
    from kubelore.knowledge.ingest.pipeline import Ingest, Labels
    from kubelore.knowledge.ingest.sources import open_source
    from kubelore.knowledge.ingest.summary import Summary

    if not path:  # of a variable that is not set; as a path it would be the folder that one is in
        raise UsageError("what is to be added?", hint="name a file, a folder or an archive")
    labels = Labels(next(iter(_types([type_] if type_ else ())), None), tuple(tags or ()), licence)
    summary = Summary()
    settings = o.make_settings(patterns=patterns, knowledge=knowledge)
    with closing(build.open_knowledge(settings)) as store, open_source(Path(path), source, url) as found:
        try:
            with ProgressBar(quiet) as bar:
                build.index_patterns(settings, store, bar)
                Ingest(store, build.embedder(settings), labels).run(found, bar, summary)
        except KeyboardInterrupt:
            done = knowledge_render.counted(asdict(summary))
            note(f"interrupted: {done}; the same command goes on from there")
            raise
    report = clean_all({"format": ADDED_FORMAT, **asdict(summary)})
    emit(report, output, text=lambda: knowledge_render.added(report))
    return 0 if _read_anything(summary) else DataError.exit_code


@knowledge.command()
def search(
    *,
    question: Annotated[
        list[str],
        typer.Argument(metavar="QUESTION", help="In your words; or an alert, an error, a log line."),
    ],
    type_: TypeFilter = None,
    tag: TagFilter = None,
    source: SourceFilter = None,
    limit: LimitOption = 3,
    knowledge: o.KnowledgeOption = None,
    patterns: o.PatternsOption = None,
    output: o.OutputOption = Format.TEXT,
    quiet: o.QuietOption = False,
) -> None:
    """Find the passages that matter for a question; none when nothing is near enough.

    The patterns are always among what is searched.
    """
    from kubelore import build
    from kubelore.cli import knowledge_render
    from kubelore.cli.console import clean, clean_all
    from kubelore.cli.live import ProgressBar
    from kubelore.cli.output import emit, note
    from kubelore.knowledge.search import Search
    from kubelore.passages import ANYTHING

    where = _where(type_, tag, source)
    settings = o.make_settings(patterns=patterns, knowledge=knowledge)
    with ProgressBar(quiet) as bar, closing(build.open_searchable(settings, bar)) as store:
        embedder = build.embedder(settings)
        searcher = Search(store, embedder)
        if not searcher.has_vectors:
            note(f"by words alone: no vectors of {embedder.name} yet; see: kubelore knowledge reindex")
        found = searcher.find(" ".join(question), where, limit=limit)
    rows: list[dict[str, Any]] = [
        {**asdict(one.entry), "score": one.score, "relevance": one.relevance, "words": one.words,
         "cosine": one.cosine}
        for one in found
    ]  # fmt: skip
    rows = clean_all(rows)
    report = {"format": FOUND_FORMAT, "question": clean(" ".join(question)), "found": rows}
    emit(
        report,
        output,
        text=lambda: knowledge_render.found(rows, filtered=where != ANYTHING),
        markdown=lambda: knowledge_render.found_markdown(rows),
    )


@knowledge.command("list")
def list_(
    *,
    type_: TypeFilter = None,
    tag: TagFilter = None,
    source: SourceFilter = None,
    after: Annotated[
        str,
        typer.Option("--after", metavar="ID", help="The page after this passage, the last of one before."),
    ] = "",
    limit: LimitOption = 50,
    knowledge: o.KnowledgeOption = None,
    output: o.DataOption = DataFormat.TEXT,
) -> None:
    """List passages by source and document."""
    from kubelore.cli import knowledge_render
    from kubelore.cli.console import clean_all
    from kubelore.cli.output import emit

    where = _where(type_, tag, source)
    with _opened(knowledge, read_only=True) as store:
        if after:
            _entry(store, after)
        entries = store.page(where, limit=limit, after=after)
    rows = clean_all([{k: v for k, v in asdict(entry).items() if k != "content"} for entry in entries])
    report = {"format": LIST_FORMAT, "entries": rows}
    emit(report, output, text=lambda: knowledge_render.listed(rows, limit))


@knowledge.command()
def show(
    *, entry: EntryArgument, knowledge: o.KnowledgeOption = None, output: o.OutputOption = Format.TEXT
) -> None:
    """Show one passage: what it says, and where that is from."""
    from kubelore.cli import knowledge_render
    from kubelore.cli.console import clean_all
    from kubelore.cli.output import emit

    with _opened(knowledge, read_only=True) as store:
        row = clean_all(asdict(_entry(store, entry)))
    emit(
        {"format": ENTRY_FORMAT, **row},
        output,
        text=lambda: knowledge_render.entry(row),
        markdown=lambda: knowledge_render.entry_markdown(row),
    )


@knowledge.command()
def remove(
    *,
    entry: Annotated[
        str, typer.Argument(metavar="[ID]", help="Of a passage; it stays away until its document changes.")
    ] = "",
    source: Annotated[str, typer.Option("--source", metavar="NAME", help="All that is from there.")] = "",
    document: Annotated[
        str, typer.Option("--document", metavar="NAME", help="With --source: only this document of it.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    knowledge: o.KnowledgeOption = None,
) -> None:
    """Remove a passage, a document or a whole source."""
    from kubelore.cli.console import clean
    from kubelore.cli.output import print_plain

    if bool(entry) == bool(source) or (document and not source):
        raise UsageError(
            "what is to be removed?", hint="give an ID, or --source NAME, or that and --document"
        )
    with _opened(knowledge) as store:
        what = _removable(store, entry, source, document)
        if not yes:
            _ask(f"remove {what}?")
        if entry:
            store.remove_entry(entry)
        elif document:
            store.remove_document(source, document)
        else:
            store.remove_source(source)
    print_plain(clean(f"removed {what}"))


@knowledge.command()
def stats(*, knowledge: o.KnowledgeOption = None, output: o.DataOption = DataFormat.TEXT) -> None:
    """Say what is in the knowledge base, from where, and how it is found."""
    from kubelore.cli import knowledge_render
    from kubelore.cli.console import clean_all
    from kubelore.cli.output import emit

    with _opened(knowledge, read_only=True) as store:
        counted, index, sources = store.stats(), store.index(), store.sources()
    report = clean_all(
        {"format": STATS_FORMAT, **asdict(counted), **asdict(index), "sources": [asdict(s) for s in sources]}
    )
    emit(report, output, text=lambda: knowledge_render.stats(report))


@knowledge.command()
def reindex(
    *,
    knowledge: o.KnowledgeOption = None,
    patterns: o.PatternsOption = None,
    output: o.DataOption = DataFormat.TEXT,
    quiet: o.QuietOption = False,
) -> None:
    """Make anew what passages are found by, and mend what can be mended.

    Needed after a change of the embedder, and for a damaged file. May be interrupted.
    """
    from rich.text import Text

    from kubelore import build
    from kubelore.cli.console import clean_all
    from kubelore.cli.live import ProgressBar
    from kubelore.cli.output import emit
    from kubelore.knowledge.index import refresh

    settings = o.make_settings(patterns=patterns, knowledge=knowledge)
    with closing(build.open_knowledge(settings)) as store, ProgressBar(quiet) as bar:
        mended = store.repair()
        done = refresh(store, build.embedder(settings), bar)
        build.index_patterns(settings, store, bar)
    report = clean_all({"format": REINDEX_FORMAT, "mended": list(mended), **asdict(done)})
    lines = [*report["mended"], f"words of {done.analysed} passages, vectors of {done.embedded} made anew"]
    emit(report, output, text=lambda: Text("\n".join(lines)))


def _opened(file: Path | None, *, read_only: bool = False) -> closing[KnowledgeStore]:
    """The knowledge base, closed at the end. Raises StoreError."""
    from kubelore import build

    return closing(build.open_knowledge(build.Settings(knowledge=file), read_only=read_only))


def _types(given: Sequence[str]) -> tuple[KnowledgeType, ...]:
    for name in given:
        if name not in TYPES:
            raise UsageError(f"there is no type {name}", hint=f"there is: {', '.join(TYPES)}")
    return tuple(given)  # type: ignore[arg-type]


def _where(types: list[str] | None, tags: list[str] | None, sources: list[str] | None) -> KnowledgeFilter:
    from kubelore.passages import KnowledgeFilter

    return KnowledgeFilter(_types(types or ()), tuple(t.lower() for t in tags or ()), tuple(sources or ()))


def _entry(store: KnowledgeStore, id_: str) -> KnowledgeEntry:
    found = store.entries([id_])
    if not found:
        raise UsageError(f"there is no passage {id_}", hint="see: kubelore knowledge list")
    return found[0]


def _removable(store: KnowledgeStore, entry: str, source: str, document: str) -> str:
    """What is going to be removed, in words. Raises UsageError when there is no such thing."""
    if entry:
        return f"the passage {_entry(store, entry).title}"
    known = {info.name: info for info in store.sources()}
    if source not in known:
        raise UsageError(f"there is no source {source}", hint="see: kubelore knowledge stats")
    if document:
        if not store.hashes(source, [document]):
            raise UsageError(f"{source} has no document {document}", hint="see: kubelore knowledge list")
        return f"the document {document} of {source}"
    return f"all {known[source].documents} documents of {source}"


def _ask(question: str) -> None:
    """Raises UsageError where nobody can answer, Abort when the answer is no."""
    from kubelore.cli.console import clean

    if not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked", hint="say --yes")
    typer.confirm(clean(question), abort=True, err=True)


def _read_anything(summary: Summary) -> bool:
    done: Any = summary.added + summary.changed + summary.unchanged + summary.removed
    return bool(done) or not summary.skipped
