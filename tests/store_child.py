"""A process that fills a store until it is stopped: what the tests of robustness kill and starve.

usage: store_child.py PATH SOURCE FIRST COUNT [MAX_FILE_BYTES]

Puts COUNT batches of documents `SOURCE/<batch>-<n>.md`, from batch FIRST on, and prints the number of each
batch once it is stored. Every second batch is put again right after, with other words, so that replacing is
interrupted too. A StoreError is printed as JSON and ends it with code 3.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from contextlib import closing
from pathlib import Path

from kubelore.errors import StoreError
from kubelore.passages import Document
from kubelore.store.sqlite.knowledge.store import SqliteKnowledge
from store_support import DIMENSION, EMBEDDER, of, passage, vector

DOCUMENTS, PASSAGES = 8, 5
FILLING = "filling words to make it long " * 20


def batch(source: str, number: int, edition: str) -> list[Document]:
    made = []
    for n in range(DOCUMENTS):
        name = f"{number}-{n}.md"
        passages = [
            passage(
                f"{source} {edition} batch{number} n{n} p{p} {FILLING}",
                document=name,
                position=p,
                source=source,
                vec=vector(number + 1, n + 1, p + 1),
                near=[number * 100 + n * 10 + p],
                tags=[edition],
            )
            for p in range(PASSAGES)
        ]
        made.append(of(name, *passages))
    return made


def fill(path: Path, source: str, first: int, count: int) -> None:
    with closing(SqliteKnowledge(path)) as store:
        store.use_embedder(EMBEDDER, DIMENSION)
        number = store.begin(source)
        for i in range(first, first + count):
            store.put(source, number, batch(source, i, "first"), EMBEDDER)
            if i % 2:
                store.put(source, number, batch(source, i, "second"), EMBEDDER)
            say(str(i))


def filled(path: Path) -> Path:
    """A sound store of four batches."""
    with closing(SqliteKnowledge(path)) as store:
        store.use_embedder(EMBEDDER, DIMENSION)
        number = store.begin("docs")
        for i in range(4):
            store.put("docs", number, batch("docs", i, "first"), EMBEDDER)
        store.finish("docs", number)
    return path


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    path, source, first, count, *most = sys.argv[1:]
    if most:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(most[0]), int(most[0])))
    try:
        fill(Path(path), source, int(first), int(count))
    except StoreError as error:
        say(json.dumps({"type": type(error).__name__, "message": str(error), "hint": error.hint}))
        sys.exit(3)


if __name__ == "__main__":
    main()
