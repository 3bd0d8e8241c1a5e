"""What adding documents costs, time and memory: a made-up Posts.xml of any size, or documents of one's own.

usage: python benchmarks/ingest.py [--reading] [MEGABYTES | PATH ...]
       default: 50 200; 1000 takes hours, and minutes with --reading, which stores nothing

Each way is a process of its own with a new store. `read` makes pages and throws them away; `bare`, the
reference, puts them as they are into a full-text table of SQLite; `words` adds them without an embedder,
`whole` as `kubelore knowledge add` does. Time is of the processor, all threads, because others may use the
machine; `wall` is what it took. Memory is the peak of what is the process's own, looked at every 50 ms; pages
of the files that it reads and writes are the kernel's, which takes them back when it must. Linux only.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

from posts import write

from kubelore.knowledge.embed import default_embedder
from kubelore.knowledge.ingest.page import Found, Unreadable
from kubelore.knowledge.ingest.page import markdown as as_markdown
from kubelore.knowledge.ingest.pipeline import Ingest
from kubelore.knowledge.ingest.sources import open_source
from kubelore.store.sqlite.knowledge.store import SqliteKnowledge

SIZES = ("50", "200")
EVERY = 0.05
"""Seconds between two looks at the memory."""
ROWS = 256
"""In one transaction of the reference."""


class Unwatched:
    """A `protocols.Progress`."""

    def advance(self, done: int, total: int, what: str) -> None: ...


class Memory:
    """Watches this process: the most memory of its own that it had, in MiB."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(EVERY):
            status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            self.peak = max(self.peak, int(status["RssAnon"].split()[0]) / 1024)


def read(path: Path, folder: Path) -> dict[str, int]:
    """Pages, made and thrown away."""
    documents = 0
    with open_source(path) as source:
        for item in source:
            if isinstance(item, Found):
                try:
                    item.read()
                except Unreadable:
                    continue
                documents += 1
    return {"documents": documents}


def words(path: Path, folder: Path) -> dict[str, int]:
    return _add(path, folder, with_vectors=False)


def whole(path: Path, folder: Path) -> dict[str, int]:
    return _add(path, folder, with_vectors=True)


def _add(path: Path, folder: Path, *, with_vectors: bool) -> dict[str, int]:
    with closing(SqliteKnowledge(folder / "knowledge.db")) as store, open_source(path) as source:
        done = Ingest(store, default_embedder() if with_vectors else None).run(source, Unwatched())
        return {"documents": done.added, "passages": done.passages, "bytes": store.stats().bytes}


def bare(path: Path, folder: Path) -> dict[str, int]:
    """The reference."""
    documents = 0
    with closing(sqlite3.connect(folder / "bare.db")) as database, open_source(path) as source:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute("CREATE VIRTUAL TABLE texts USING fts5 (title, content)")
        for item in source:
            if isinstance(item, Found):
                try:
                    page = item.read()
                except Unreadable:
                    continue
                values = (page.title, as_markdown(page.blocks))
                database.execute("INSERT INTO texts VALUES (?, ?)", values)
                documents += 1
                if documents % ROWS == 0:
                    database.commit()
        database.commit()
    return {"documents": documents}


WAYS: dict[str, Callable[[Path, Path], dict[str, int]]] = {
    "read": read, "bare": bare, "words": words, "whole": whole,
}  # fmt: skip


def measure(way: str, path: Path) -> dict[str, Any]:
    default_embedder().embed(["loaded"])
    with tempfile.TemporaryDirectory(prefix="kubelore-ingest-") as folder, Memory() as memory:
        begun, computing = time.perf_counter(), time.process_time()
        done = WAYS[way](path, Path(folder))
        taken = {"cpu": time.process_time() - computing, "wall": time.perf_counter() - begun}
    return {**done, **taken, "memory": memory.peak}


def apart(way: str, path: Path) -> dict[str, Any]:
    """The same in a process of its own."""
    command = (sys.executable, __file__, f"--{way}", str(path))
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


def report(path: Path, ways: tuple[str, ...]) -> None:
    size = f"{path.stat().st_size / 2**20:,.0f} MiB" if path.is_file() else "a folder"
    print(f"{path.name}, {size}; load {os.getloadavg()[0]:.1f}")
    reference = 0.0
    for way in ways:
        done = apart(way, path)
        reference = done["cpu"] if way == "bare" else reference
        rate = done["documents"] / done["cpu"]
        ratio = f"; {done['cpu'] / reference:.1f} of bare" if reference else ""
        print(
            f"  {way:6} {done['documents']:>8,} documents  {done['cpu']:7.1f} s ({rate:,.0f} a second{ratio})"
            f", wall {done['wall']:7.1f} s, {done['memory']:5.0f} MiB",
            flush=True,
        )
        if way == "whole":
            print(f"         {done['passages']:>8,} passages, {done['bytes'] / 2**20:,.0f} MiB on disk")


def main(arguments: list[str]) -> None:
    match arguments:
        case [way, path] if way.removeprefix("--") in WAYS:
            print(json.dumps(measure(way.removeprefix("--"), Path(path))))
        case ["--reading", *sources]:
            run(sources, ("read",))
        case sources:
            run(sources, tuple(WAYS))


def run(sources: list[str], ways: tuple[str, ...]) -> None:
    for source in sources or SIZES:
        made = source.isdecimal()
        with tempfile.TemporaryDirectory(prefix="kubelore-posts-") if made else nullcontext(".") as folder:
            path = Path(folder, "Posts.xml") if made else Path(source)
            if made:
                write(path, int(source) << 20)
            report(path, ways)


if __name__ == "__main__":
    main(sys.argv[1:])
