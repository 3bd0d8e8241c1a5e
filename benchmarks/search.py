"""What one search costs, all in: words read, question embedded, both kinds of candidates, weighing, the list.

usage: python benchmarks/search.py [PASSAGES ...]
       default: 1000 10000 100000

Passages are sentences drawn from the pattern library, about 100 words each, four to a document, with a
made-up name in each. Questions are two lines of it. Beside the whole search stand its parts, and what the
embedder and the word lists cost to load in a new process. Times are of the processor, all threads, because
others may use the machine; `wall` is what it took. Of three equal searches the quickest counts.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import numpy as np

from kubelore import build
from kubelore.knowledge.analyse import terms
from kubelore.knowledge.embed import default_embedder, passage_text
from kubelore.knowledge.search import Search
from kubelore.packaged import packaged_yaml
from kubelore.passages import Document, Passage, Terms
from kubelore.patterns.load import load
from kubelore.store.sqlite.knowledge.store import SqliteKnowledge
from kubelore.types import KnowledgeEntry

SIZES = (1000, 10_000, 100_000)
PER_DOCUMENT, BATCH = 4, 64
LINES_OF_A_PASSAGE = 12
SEARCHES = 60
LOADING = (
    "import numpy, time; begun = time.process_time(); "
    "from kubelore.knowledge.embed import default_embedder; default_embedder().embed(['pod']); "
    "print(time.process_time() - begun)"
)


def lines() -> list[str]:
    """Sentences of the field."""
    texts = build.pattern_texts(load())
    said = [line for text in texts for line in (*text.lines(), *text.steps, *(c.fix for c in text.causes))]
    sayings = packaged_yaml("kubelore.knowledge", "sayings.yaml")
    return [*said, *(line for group in sayings["patterns"].values() for line in group), *sayings["none"]]


def documents(passages: int) -> Iterator[list[Document]]:
    random = np.random.default_rng(1)
    said, embedder = lines(), default_embedder()
    for first in range(0, passages // PER_DOCUMENT, BATCH):
        texts = {}
        for number in range(first, min(first + BATCH, passages // PER_DOCUMENT)):
            for position in range(PER_DOCUMENT):
                drawn = [said[int(line)] for line in random.integers(0, len(said), LINES_OF_A_PASSAGE)]
                texts[number, position] = (f"{drawn[0]} of app-{number}", "\n".join(drawn[1:]))
        vectors = iter(embedder.embed([passage_text(*text) for text in texts.values()]))
        made: dict[str, list[Passage]] = {}
        for (number, position), (title, content) in texts.items():
            name = f"docs/{number}.md"
            entry = KnowledgeEntry(
                f"{name}#{position}", "doc", title, content, (), "docs", name, position,
                hash=sha256(f"{title}\n{content}".encode()).hexdigest(),
            )  # fmt: skip
            found_by = Terms(" ".join(terms(title)), " ".join(terms(content)))
            made.setdefault(name, []).append(Passage(entry, found_by, next(vectors)))
        yield [Document(name, name, tuple(parts)) for name, parts in made.items()]


def fill(store: SqliteKnowledge, passages: int) -> None:
    embedder = default_embedder()
    store.use_embedder(embedder.name, embedder.dimension)
    number = store.begin("docs")
    for batch in documents(passages):
        store.put("docs", number, batch, embedder.name)
    store.finish("docs", number)


def milliseconds(action: Callable[[], object]) -> tuple[float, float]:
    """Of the processor, and on the wall."""
    taken = []
    for _ in range(3):
        begun, computing = time.perf_counter(), time.process_time()
        action()
        taken.append((1000 * (time.process_time() - computing), 1000 * (time.perf_counter() - begun)))
    return min(cpu for cpu, _ in taken), min(wall for _, wall in taken)


def report(passages: int, folder: Path) -> None:
    path, embedder = folder / f"{passages}.db", default_embedder()
    with closing(SqliteKnowledge(path)) as store:
        fill(store, passages)
    said = lines()
    random = np.random.default_rng(2)
    asked = [" ".join(said[int(i)] for i in random.integers(0, len(said), 2)) for _ in range(SEARCHES)]
    with closing(SqliteKnowledge(path, read_only=True)) as store:
        whole, by_words = Search(store, embedder), Search(store)
        vectors = dict(zip(asked, embedder.embed(asked), strict=True))
        ways: dict[str, Callable[[str], object]] = {
            "all in": whole.find,
            "words alone": by_words.find,
            "store: words": lambda q: store.keywords([[word] for word in terms(q)], limit=100),
            "store: vectors": lambda q: store.nearest(embedder.name, vectors[q], limit=100),
            "embed": lambda q: embedder.embed([q]),
        }
        print(f"{passages:,} passages, {path.stat().st_size / 2**20:,.0f} MiB")
        for name, way in ways.items():
            computing, wall = zip(*(milliseconds(lambda q=q, way=way: way(q)) for q in asked), strict=True)
            ninth = sorted(computing)[len(computing) * 9 // 10]
            median, on_the_wall = statistics.median(computing), statistics.median(wall)
            print(f"  {name:15} {median:6.1f} ms  p90 {ninth:6.1f}  wall {on_the_wall:6.1f}")


def main(sizes: list[int]) -> None:
    command = [sys.executable, "-c", LOADING]
    loading = [float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(5)]
    print(f"loading the embedder: {statistics.median(loading) * 1000:.0f} ms beyond numpy")
    with tempfile.TemporaryDirectory(prefix="kubelore-search-") as folder:
        for passages in sizes:
            report(passages, Path(folder))


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))
