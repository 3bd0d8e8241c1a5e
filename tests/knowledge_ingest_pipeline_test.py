"""A source into the store and again when it changed: what is added, kept, removed, repeated, interrupted."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge_support import Letters, Unwatched, add, dump, entries, pages, row, tarred, write
from kubelore.knowledge.ingest.page import Block, Found, Page, Skipped
from kubelore.knowledge.ingest.pipeline import Ingest, Labels
from kubelore.knowledge.ingest.sources import Pages, open_source
from kubelore.knowledge.ingest.summary import Duplicate, Summary
from kubelore.knowledge.search import Search
from kubelore.store.sqlite.knowledge.store import SqliteKnowledge
from support import SHARED

LONG = (
    "When the disk of a node is nearly full, the kubelet evicts pods in the order of their priority. "
    "Look at what the events of the node say, and find out which of its volumes is growing, and for "
    "how long it has been so. Move the largest consumers elsewhere, and tell their owners about it, "
    "so that they clean up behind them. Where that is not possible, give the node a larger disk, or "
    "keep fewer images and logs on it than it keeps by now. Watch it for a day, for what grew once "
    "grows again, and alert on the rate of growth rather than on the size."
)
DAY = "2020-01-01T00:00:00"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "store" / "knowledge.db"


@pytest.fixture
def store(file: Path) -> Iterator[SqliteKnowledge]:
    opened = SqliteKnowledge(file)
    yield opened
    opened.close()


def documents(store: SqliteKnowledge) -> list[str]:
    return sorted({entry.document for entry in entries(store)})


def counts(summary: Summary) -> tuple[int, int, int, int]:
    return summary.added, summary.changed, summary.unchanged, summary.removed


def test_a_second_pass_takes_only_what_changed_and_removes_what_is_gone(
    store: SqliteKnowledge, tmp_path: Path
) -> None:
    docs = write(tmp_path / "docs", {"a.md": "one\n", "b.md": "two\n", "c.md": "three\n"})
    assert counts(add(store, docs)) == (3, 0, 0, 0)
    assert counts(add(store, docs)) == (0, 0, 3, 0)
    write(docs, {"b.md": "changed\n", "d.md": "four\n"})
    (docs / "c.md").unlink()
    assert counts(add(store, docs)) == (1, 1, 1, 1)
    assert {e.document: e.content for e in entries(store)} == {
        "a.md": "one",
        "b.md": "changed",
        "d.md": "four",
    }


def test_an_entry_has_all_that_is_known_of_its_document(store: SqliteKnowledge, tmp_path: Path) -> None:
    text = (
        f"---\ntags: [Node]\nlicense: MIT\ndate: 2024-01-02\n---\n# Disk\n\nIntro.\n\n## Fix\n\n{LONG * 4}\n"
    )
    docs = write(tmp_path / "docs", {"a.md": text, ".git/HEAD": "0" * 40})
    add(store, docs, "runbooks", "https://r.example/", Labels("solution", ("Team A",), "CC0-1.0"))
    first, second = entries(store)[:2]
    assert (first.title, first.content, first.position) == ("Disk", "Intro.", 0)
    assert (second.title, second.position) == ("Disk > Fix", 1)
    for entry in (first, second):
        assert (entry.type, entry.tags, entry.licence) == ("solution", ("node", "team a"), "MIT")
        assert (entry.source, entry.document) == ("runbooks", "a.md")
        assert (entry.url, entry.version) == ("https://r.example/a.md", "0" * 40)
        assert entry.time == "2024-01-02T00:00:00Z"


def test_other_labels_change_what_is_stored(store: SqliteKnowledge, tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", {"a.md": "one\n"})
    add(store, docs)
    assert counts(add(store, docs, labels=Labels(tags=("x",)))) == (0, 1, 0, 0)
    assert [entry.tags for entry in entries(store)] == [("x",)]


def test_a_passage_keeps_its_id_while_it_keeps_its_place(store: SqliteKnowledge, tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", {"a.md": f"# T\n\n## A\n\n{LONG}\n\n## B\n\n{LONG}x\n"})
    add(store, docs)
    before = {entry.title: entry.id for entry in entries(store)}
    write(docs, {"a.md": f"# T\n\n## New\n\n{LONG}y\n\n## A\n\n{LONG}\n\n## B\n\n{LONG}changed\n"})
    add(store, docs)
    after = {entry.title: entry.id for entry in entries(store)}
    assert after.items() >= before.items()
    assert len(after) == 3


def test_what_a_document_no_longer_says_goes_with_it(store: SqliteKnowledge, tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", {"a.md": "one\n", "b.md": "two\n"})
    add(store, docs)
    write(docs, {"a.md": "", "b.md": b"\0\0\0"})
    summary = add(store, docs)
    assert counts(summary) == (0, 0, 0, 2)
    assert {why: reason.examples for why, reason in summary.skipped.items()} == {
        "no text": ["a.md"], "binary": ["b.md"],
    }  # fmt: skip
    assert not entries(store)


def test_a_single_document_leaves_others_of_the_same_source_alone(
    store: SqliteKnowledge, tmp_path: Path
) -> None:
    docs = write(tmp_path, {"a.md": "one\n", "b.md": "two\n"})
    add(store, docs / "a.md", "team")
    add(store, docs / "b.md", "team")
    write(docs, {"a.md": "changed\n"})
    assert counts(add(store, docs / "a.md", "team")) == (0, 1, 0, 0)
    assert documents(store) == ["a.md", "b.md"]


def test_nothing_counts_as_gone_when_not_everything_could_be_looked_at(
    store: SqliteKnowledge, tmp_path: Path
) -> None:
    path = tarred(tmp_path / "x.tar.gz", {"a.md": "one\n", "b.md": "two\n" * 9000})
    add(store, path)
    path.write_bytes(path.read_bytes()[:-40])
    summary = add(store, path)
    assert summary.removed == 0
    assert not summary.finished
    assert documents(store) == ["a.md", "b.md"]


def test_a_damaged_archive_in_a_folder_keeps_what_was_known_of_it(
    store: SqliteKnowledge, tmp_path: Path
) -> None:
    docs = write(tmp_path / "docs", {"c.md": "three\n"})
    path = tarred(docs / "x.tar.gz", {"a.md": "one\n", "b.md": "two\n" * 9000})
    assert counts(add(store, docs)) == (3, 0, 0, 0)
    assert counts(add(store, docs)) == (0, 0, 3, 0)
    path.write_bytes(path.read_bytes()[:-40])
    assert add(store, docs).skipped.keys() == {
        "damaged: Compressed file ended before the end-of-stream marker was reached"
    }
    assert documents(store) == ["c.md", "x.tar.gz/a.md", "x.tar.gz/b.md"]
    path.unlink()
    assert counts(add(store, docs)) == (0, 0, 1, 2)


def test_what_is_piped_in_without_a_name_leaves_alone_what_was_piped_in_before(
    store: SqliteKnowledge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pipe(number: int, name: str) -> Summary:
        issue = {"number": number, "title": "Fails", "body": f"Reason {number}."}
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps([issue]).encode())))
        return add(store, Path("-"), name)

    assert pipe(1, "").finished
    assert counts(pipe(2, "")) == (1, 0, 0, 0)
    assert counts(pipe(1, "issues")) == (1, 0, 0, 0)
    assert counts(pipe(2, "issues")) == (1, 0, 0, 1)
    assert {(source.name, source.documents) for source in store.sources()} == {("stdin", 2), ("issues", 1)}
    assert all(source.updated for source in store.sources())


def test_identical_passages_are_stored_once_and_it_is_said_whose_they_are(
    store: SqliteKnowledge, tmp_path: Path
) -> None:
    text = f"# Disk\n\n{LONG}\n"
    docs = write(tmp_path / "docs", {"a.md": text, "b.md": text})
    wiki = write(tmp_path / "wiki", {"c.md": text, "d.md": "# Other\n\nthing\n"})
    first = add(store, docs, "docs")
    assert first.duplicates == [Duplicate("b.md", 1, "docs", "a.md")]
    second = add(store, wiki, "wiki")
    assert second.duplicates == [Duplicate("c.md", 1, "docs", "a.md")]
    assert (store.stats().entries, store.stats().passages) == (4, 2)


def test_near_duplicates_are_stored_once_and_come_back_when_the_first_is_gone(
    store: SqliteKnowledge, tmp_path: Path
) -> None:
    text = f"# Disk\n\n{LONG}\n"
    docs = write(tmp_path / "docs", {"a.md": text, "b.md": text.replace("nearly", "almost")})
    summary = add(store, docs, "docs")
    assert summary.duplicates == [Duplicate("b.md", 1, "docs", "a.md")]
    assert store.stats().passages == 1
    (docs / "a.md").unlink()
    add(store, docs, "docs")
    assert documents(store) == ["b.md"]
    assert len(store.keywords([["kubelet"]], limit=5)) == 1


def test_a_near_duplicate_in_another_source_survives_the_removal_of_the_first(
    store: SqliteKnowledge, tmp_path: Path
) -> None:
    text = f"# Disk\n\n{LONG}\n"
    add(store, write(tmp_path / "one", {"a.md": text}), "one")
    add(store, write(tmp_path / "two", {"b.md": text.replace("nearly", "almost")}), "two")
    store.remove_source("one")
    assert [(e.source, e.document) for e in entries(store)] == [("two", "b.md")]


def test_only_new_passages_are_embedded(store: SqliteKnowledge, tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", {"a.md": f"# T\n\n## A\n\n{LONG}\n\n## B\n\n{LONG}\n"})
    embedder = Letters()

    def again() -> int:
        before = embedder.embedded
        with open_source(docs) as source:
            Ingest(store, embedder).run(source, Unwatched())
        return embedder.embedded - before

    assert again() == 2
    write(docs, {"a.md": f"# T\n\n## A\n\n{LONG}\n\n## B\n\n{LONG}changed\n"})
    assert again() == 1, "a new wording of its own is no duplicate"
    assert "changed" in entries(store)[1].content
    assert again() == 0
    space = store.index().space
    assert space
    assert (space.embedder, space.missing) == ("letters/1", 0)


def test_without_an_embedder_words_find_and_vectors_come_with_the_next_pass(
    store: SqliteKnowledge, tmp_path: Path
) -> None:
    docs = write(tmp_path / "docs", {"a.md": "CrashLoopBackOff of etcd\n"})
    with open_source(docs) as source:
        Ingest(store).run(source, Unwatched())
    assert store.keywords([["crashloopbackoff"]], limit=3)
    assert store.index().space is None
    add(store, docs)
    assert len(store.nearest("letters/1", Letters().embed(["etcd"])[0], limit=3)) == 1


def test_what_was_done_before_an_interruption_stays_and_the_next_pass_does_the_rest(
    store: SqliteKnowledge, tmp_path: Path
) -> None:
    made = [(f"{i}.md", Page(f"T{i}", (Block("prose", f"text {i}"),))) for i in range(300)]

    class Interrupted(Pages):
        def __iter__(self) -> Iterator[Found | Skipped]:
            for number, item in enumerate(super().__iter__()):
                if number == 200:
                    raise KeyboardInterrupt
                yield item

    summary = Summary()
    with pytest.raises(KeyboardInterrupt):
        Ingest(store, Letters()).run(Interrupted("s", made), Unwatched(), summary)
    assert summary.added == 192
    assert not summary.finished
    summary = Ingest(store, Letters()).run(Pages("s", made), Unwatched())
    assert counts(summary) == (108, 0, 192, 0)
    assert store.problems() == []


def _ingest(file: Path, path: Path, name: str) -> None:
    opened = SqliteKnowledge(file)
    try:
        add(opened, path, name)
    finally:
        opened.close()


def test_killing_it_loses_nothing_that_was_stored_and_leaves_nothing_by_halves(
    file: Path, tmp_path: Path
) -> None:
    docs = write(
        tmp_path / "docs",
        {f"{i}.md": f"# T{i}\n\n{LONG}{LONG}{i}\n\n## B\n\n{LONG}b{i}\n" for i in range(400)},
    )
    process = multiprocessing.get_context("fork").Process(target=_ingest, args=(file, docs, "docs"))
    process.start()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.05)
        if file.exists() and file.stat().st_size > 400_000:
            break
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    opened = SqliteKnowledge(file)
    assert opened.problems() == []
    before = opened.stats().documents
    summary = add(opened, docs, "docs")
    assert (summary.unchanged, summary.added) == (before, 400 - before)
    assert opened.stats().entries == 800
    opened.close()


def test_two_at_once_store_everything(file: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    folders = [
        write(tmp_path / name, {f"{i}.md": f"# {name}{i}\n\n{LONG}{name}{i}\n" for i in range(150)})
        for name in ("one", "two")
    ]
    same = [("both", folders[0]), ("both", folders[0]), ("two", folders[1])]
    processes = [context.Process(target=_ingest, args=(file, path, name)) for name, path in same]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    opened = SqliteKnowledge(file)
    assert (opened.stats().documents, opened.problems()) == (300, [])
    opened.close()


def _removed_and_added(file: Path, path: Path) -> None:
    opened = SqliteKnowledge(file)
    try:
        for _ in range(3):
            opened.remove_source("docs")
            add(opened, path, "docs")
    finally:
        opened.close()


def test_another_process_searches_on_while_a_source_is_removed(
    store: SqliteKnowledge, file: Path, tmp_path: Path
) -> None:
    docs = write(tmp_path / "docs", {f"{i}.md": f"# T{i}\n\nzebra crossing {LONG}{i}\n" for i in range(150)})
    kept = write(tmp_path / "kept", {"a.md": "# Zebra\n\nA zebra crossing that stays.\n"})
    add(store, docs, "docs")
    add(store, kept, "kept")
    process = multiprocessing.get_context("fork").Process(target=_removed_and_added, args=(file, docs))
    process.start()
    reader = SqliteKnowledge(file, read_only=True)
    search, searches = Search(reader, Letters()), 0
    while process.is_alive():
        found = search.find("zebra crossing", limit=200)
        assert "kept" in {one.entry.source for one in found}
        searches += 1
    process.join()
    assert (process.exitcode, searches > 1) == (0, True)
    assert len(search.find("zebra crossing", limit=200, floor=False)) > 50
    reader.close()


def test_names_that_differ_only_in_what_is_left_out_stay_two_documents(
    store: SqliteKnowledge, tmp_path: Path
) -> None:
    docs = write(tmp_path / "docs", {"a.md": "one\n", "a\u200b.md": "two\n"})
    assert counts(add(store, docs)) == (2, 0, 0, 0)
    assert counts(add(store, docs)) == (0, 0, 2, 0)


def test_progress_ends_where_it_says_it_will(store: SqliteKnowledge, tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", {f"{i}.md": f"text {i}\n" for i in range(20)})
    watched = Unwatched()
    with open_source(docs) as source:
        Ingest(store).run(source, watched)
        assert source.progress == (20, 20)
    done = [seen[0] for seen in watched.seen]
    assert done == sorted(done)
    assert {seen[1] for seen in watched.seen} == {20}


def test_solutions_of_a_dump_can_be_brought_up_to_date(store: SqliteKnowledge, tmp_path: Path) -> None:
    def posts(score: int, *more: str) -> str:
        return dump(
            row(Id=1, PostTypeId=1, Title="Why?", Body="<p>It fails.</p>", CreationDate=DAY),
            row(
                Id=2,
                PostTypeId=2,
                ParentId=1,
                Score=score,
                Body="<p>So.</p>",
                CreationDate=DAY,
            ),
            *more,
        )

    path = write(tmp_path, {"Posts.xml": posts(1)}) / "Posts.xml"
    assert counts(add(store, path)) == (1, 0, 0, 0)
    assert counts(add(store, path)) == (0, 0, 1, 0)
    path.write_text(posts(9, row(Id=3, PostTypeId=1, Title="Else?", Body="<p>?</p>")))
    summary = add(store, path)
    assert counts(summary) == (0, 1, 0, 0)
    assert summary.skipped["a question without an answer"].count == 1


@pytest.mark.skipif(not (SHARED / "runbooks").exists(), reason="the runbooks are not on this machine")
def test_the_runbooks_are_read_in_seconds_without_merging_two_of_them(store: SqliteKnowledge) -> None:
    (path,) = (SHARED / "runbooks").glob("*.tar.xz")
    begun = time.monotonic()
    summary = add(store, path)
    assert time.monotonic() - begun < 60
    assert summary.added == 109
    assert summary.duplicates == []
    assert set(summary.skipped) == {"no text", "says nothing but licences and names"}
    with open_source(path) as source:
        read, _ = pages(source)
    code = [block.text for page in read.values() for block in page.blocks if block.kind == "code"]
    stored = "\n".join(entry.content for entry in entries(store))
    assert [text for text in code if text not in stored] == []
    assert json.dumps(stored).count("{{<") == 0
