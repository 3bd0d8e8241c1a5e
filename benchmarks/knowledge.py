"""What the store of knowledge costs: filling it, opening it, one search by words, by vectors, by both.

usage: python benchmarks/knowledge.py [PASSAGES ...]
       default: 1000 10000 100000; 1000000 takes half an hour

Passages are made up: words with Zipf's frequencies, about 100 each, four to a document; vectors of 256
numbers. A query is six words of one passage. Every size is filled in one process and searched in others, so
that the memory is that of searching. Beside each time stands its ratio to a reference on the same data in the
same process: for words, FTS5 asked for the same words without a limit on what they may cost; for vectors,
numpy's product with a matrix held in memory, and the best 50 of it. Of three equal searches the quickest
counts. `first` is opening and the first search of a new process, its imports done, the file in the page cache
or evicted from it. Linux only.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from kubelore.passages import Document, Passage, Terms
from kubelore.store.sqlite.knowledge.store import SqliteKnowledge
from kubelore.store.sqlite.knowledge.words import CONTENT, TAGS, TITLE, expression
from kubelore.types import KnowledgeEntry

SIZES = (1000, 10_000, 100_000)
VOCABULARY = 200_000
ZIPF = 1.05
DIMENSION = 256
PER_DOCUMENT = 4
BATCH = 64
"""Documents put at once."""
SEARCHES = 60
HITS = 50
EMBEDDER = "random/256"
BARE = f"""SELECT rowid, bm25(knowledge_fts, {TITLE}, {CONTENT}, {TAGS}) AS score
FROM knowledge_fts WHERE knowledge_fts MATCH ? ORDER BY score LIMIT {HITS}"""


@cache
def shares() -> Any:
    """Cumulated shares of the words by Zipf's law: `w0` is the most frequent."""
    weights = 1 / np.arange(1, VOCABULARY + 1) ** ZIPF
    return np.cumsum(weights / weights.sum())


def words(random: np.random.Generator, count: int) -> list[str]:
    return [f"w{number}" for number in np.searchsorted(shares(), random.random(count))]


def documents(passages: int) -> Iterator[list[Document]]:
    random = np.random.default_rng(1)
    for first in range(0, passages // PER_DOCUMENT, BATCH):
        batch = []
        for number in range(first, min(first + BATCH, passages // PER_DOCUMENT)):
            name = f"docs/{number}.md"
            lengths = np.clip(random.lognormal(np.log(100), 0.6, PER_DOCUMENT), 10, 600).astype(int)
            drawn = iter(words(random, int(lengths.sum()) + 5 * PER_DOCUMENT))
            vectors = unit(random.standard_normal((PER_DOCUMENT, DIMENSION)))
            made = []
            for position, length in enumerate(lengths):
                title = " ".join(next(drawn) for _ in range(5))
                content = " ".join(next(drawn) for _ in range(length))
                entry = KnowledgeEntry(
                    f"{name}#{position}", "doc", title, content, ("made-up",), "docs", name, position,
                    hash=sha256(content.encode()).hexdigest(), time="2026-01-01T00:00:00Z",
                )  # fmt: skip
                near = tuple(int(key) for key in random.integers(-(2**62), 2**62, 4))
                made.append(Passage(entry, Terms(title, content, "made-up"), vectors[position], near))
            batch.append(Document(name, str(number), tuple(made)))
        yield batch


def unit(vectors: Any) -> Any:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def fill(path: Path, passages: int) -> dict[str, float]:
    taken = 0.0
    with closing(SqliteKnowledge(path)) as store:
        store.use_embedder(EMBEDDER, DIMENSION)
        number = store.begin("docs")
        for batch in documents(passages):
            begun = time.perf_counter()
            store.put("docs", number, batch, EMBEDDER)
            taken += time.perf_counter() - begun
        begun = time.perf_counter()
        store.finish("docs", number)
        finish = time.perf_counter() - begun
        stored = store.stats()
    return {"fill": taken, "finish": finish, "bytes": stored.bytes, "passages": stored.passages}


def queries(store: SqliteKnowledge, count: int) -> list[list[str]]:
    random = np.random.default_rng(2)
    chosen = []
    for entry in store.page(limit=count):
        known = sorted({*entry.title.split(), *entry.content.split()})
        chosen.append([str(word) for word in random.choice(known, 6, replace=False)])
    return chosen


def milliseconds(action: Callable[[], object]) -> float:
    """The quickest of three times, for others may use the machine."""
    taken = []
    for _ in range(3):
        begun = time.perf_counter()
        action()
        taken.append(time.perf_counter() - begun)
    return min(taken) * 1000


def spread(times: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(times), "p90": sorted(times)[len(times) * 9 // 10]}


def search(path: Path) -> dict[str, Any]:
    """Repeated searches, and the references."""
    vectors = unit(np.random.default_rng(3).standard_normal((SEARCHES, DIMENSION)))
    opening = [milliseconds(lambda: SqliteKnowledge(path, read_only=True).close()) for _ in range(20)]
    with closing(SqliteKnowledge(path, read_only=True)) as store:
        asked = queries(store, SEARCHES)
        groups = [[[word] for word in query] for query in asked]
        by_words = [milliseconds(lambda g=g: store.keywords(g, limit=HITS)) for g in groups]
        nearest = [milliseconds(lambda v=v: store.nearest(EMBEDDER, v, limit=HITS)) for v in vectors]
        both = [
            milliseconds(
                lambda g=g, v=v: (store.keywords(g, limit=HITS), store.nearest(EMBEDDER, v, limit=HITS))
            )
            for g, v in zip(groups, vectors, strict=True)
        ]
        used = memory()
        passages = store.index().passages
    with closing(sqlite3.connect(path)) as bare:
        plain = [milliseconds(lambda g=g: bare.execute(BARE, (expression(g),)).fetchall()) for g in groups]
    matrix = unit(np.random.default_rng(4).standard_normal((passages, DIMENSION), dtype=np.float32))
    product = [milliseconds(lambda v=v: np.argpartition(-(matrix @ v), HITS)[:HITS]) for v in vectors]
    return {
        "open": spread(opening), "words": spread(by_words), "vectors": spread(nearest), "both": spread(both),
        "bare": spread(plain), "product": spread(product), "memory": used,
    }  # fmt: skip


def first(path: Path) -> float:
    """Opening and the first search by words and by vectors."""
    vector = unit(np.random.default_rng(5).standard_normal(DIMENSION))
    begun = time.perf_counter()
    with closing(SqliteKnowledge(path, read_only=True)) as store:
        store.keywords([["w70"], ["w700"], ["w7000"]], limit=HITS)
        store.nearest(EMBEDDER, vector, limit=HITS)
        return (time.perf_counter() - begun) * 1000


def evict(path: Path) -> None:
    """Out of the page cache; written first, for dirty pages stay."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def memory() -> dict[str, float]:
    """MiB of this process, and of the file's pages that it sees, which the kernel takes back when it must."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(status[f"Rss{name}"].split()[0]) / 1024 for name in ("Anon", "File")}


def apart(*arguments: object) -> Any:
    """What this program prints in a process of its own."""
    command = (sys.executable, __file__, *map(str, arguments))
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def report(passages: int, path: Path) -> None:
    filled = apart("--fill", path, passages)
    seen = apart("--search", path)
    cached = statistics.median(apart("--first", path) for _ in range(5))
    evicted = []
    for _ in range(3):
        evict(path)
        evicted.append(apart("--first", path))
    print(f"{passages:,} passages, {filled['bytes'] / 2**20:,.0f} MiB on disk")
    rate = filled["passages"] / filled["fill"]
    line("fill", filled["fill"], f"s   {rate:,.0f} passages a second; finish {filled['finish']:.1f} s")
    line("open", seen["open"]["median"], f"ms  p90 {seen['open']['p90']:.1f}")
    for name, reference in (("words", "bare"), ("vectors", "product")):
        median, beside = seen[name]["median"], seen[reference]["median"]
        ratio = f"{median / beside:.2f} of the reference ({beside:.1f} ms)"
        line(name, median, f"ms  p90 {seen[name]['p90']:.1f}; {ratio}")
    line("both", seen["both"]["median"], f"ms  p90 {seen['both']['p90']:.1f}")
    line("first", cached, f"ms  evicted {statistics.median(evicted):.0f}")
    own, mapped = seen["memory"]["Anon"], seen["memory"]["File"]
    matrix = passages * DIMENSION / 2**18
    line("memory", own, f"MiB, and {mapped:.0f} of the file; a matrix of all vectors takes {matrix:.0f}")


def line(name: str, value: float, rest: str) -> None:
    print(f"  {name:8} {value:9.1f} {rest}")


def main() -> None:
    match sys.argv[1:]:
        case ["--fill", path, passages]:
            print(json.dumps(fill(Path(path), int(passages))))
        case ["--search", path]:
            print(json.dumps(search(Path(path))))
        case ["--first", path]:
            print(json.dumps(first(Path(path))))
        case sizes:
            for passages in map(int, sizes or SIZES):
                with tempfile.TemporaryDirectory() as folder:
                    report(passages, Path(folder) / "knowledge.db")


if __name__ == "__main__":
    main()
