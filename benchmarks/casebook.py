"""What recording costs, and how quick a casebook is as it grows.

usage: python benchmarks/casebook.py [CASES ...]     default: 1000 10000 100000

Recording: every step of an investigation of a recorded incident, against one bare INSERT of the same bytes
into a table without anything else, in the same run and with the same durability. Then each size is filled
with variations of that case (a fifth of them rated), and what people and recall ask is timed: the median of
the runs. The largest file takes about 3 GB.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from kubelore import build
from kubelore.casebook.book import Casebook
from kubelore.casebook.entries import moment
from kubelore.casebook.recorder import Recorder
from kubelore.casebook.states import Judgement, fingerprint
from kubelore.cases import Body, Case, CaseFilter, Entry
from kubelore.patterns.check import root_causes
from kubelore.store.sqlite.cases import SqliteCaseStore
from kubelore.types import Investigation, Step, ToolCall

SIZES = (1000, 10_000, 100_000)
INVESTIGATIONS = 60
RUNS = 7
BATCH = 500
EXAMPLE, QUESTION = "example:dependency-scaled-down", "order-worker is crash looping since this morning"
WORDS = ("payments", "orders", "checkout", "search", "mail", "login", "cart", "billing", "images", "stock")


class Kept:
    """Keeps an investigation, to be told again."""

    made: Investigation

    def started(self, investigation: Investigation) -> None:
        self.made = investigation

    def thinking(self, thought: str, call: ToolCall) -> None: ...

    def stepped(self, step: Step) -> None: ...

    def finished(self, investigation: Investigation) -> None: ...


def investigated() -> Investigation:
    settings, kept = build.Settings(snapshot=EXAMPLE, use_knowledge=False, use_casebook=False), Kept()
    with closing(build.open_cluster(settings)) as cluster:
        build.investigator(settings, cluster).investigate(QUESTION, "", [kept])
    return kept.made


def recording(folder: Path, made: Investigation) -> None:
    """Milliseconds of a step, of the end of an investigation, and of bare inserts of the same bytes."""
    file = folder / "recording.db"
    store = SqliteCaseStore(file)
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE t (a BLOB);")
    steps, inserts, ends = [], [], []
    processor = 0.0
    for number in range(INVESTIGATIONS):
        told = replace(made, id=f"{number:08d}", started=datetime.now(UTC), steps=[], diagnosis=None)
        recorder = recorder_of(file)
        recorder.started(told)
        busy = time.process_time()
        steps += [timed(partial(recorder.stepped, step)) for step in made.steps]
        processor += time.process_time() - busy
        told.steps, told.diagnosis = made.steps, made.diagnosis
        ends.append(timed(partial(recorder.finished, told)))
        if recorder.problem:
            raise SystemExit(recorder.problem)
        bodies = store.bodies(told.id)
        for entry in (recorded.entry for recorded in store.journal(told.id) if recorded.entry.step):
            content = entry.payload().encode() + bodies[entry.step["iteration"]]
            inserts.append(timed(partial(bare.execute, "INSERT INTO t VALUES (?)", (content,))))
    bare.close()
    store.close()
    step, insert = statistics.median(steps), statistics.median(inserts)
    late = sorted(steps)[int(len(steps) * 0.95)]
    text = statistics.mean(len(step.observation.text) for step in made.steps)
    cpu = processor * 1000 / len(steps)
    print(f"recording a step: {step:.2f} ms (95%: {late:.2f}), {cpu:.2f} ms of it computing")
    print(f"texts of {text:.0f} characters on average")
    print(f"a bare insert of the same: {insert:.3f} ms, ratio {step / insert:.0f}")
    print(f"ending an investigation: {statistics.median(ends):.2f} ms")


def timed(action: Callable[[], object]) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    action()
    return (time.perf_counter() - begun) * 1000


def variations(case: Case, evidence: bytes, count: int) -> Iterator[tuple[Entry, Body]]:
    """Cases like this one, with other causes, names, times, clusters and signs."""
    chance = random.Random(7)
    causes = sorted(root_causes())
    plain = {f.name: getattr(case, f.name) for f in fields(case) if f.name not in ("id", "seq")}
    start = datetime.now(UTC) - timedelta(days=300)
    for number in range(count):
        one, other = chance.sample(WORDS, 2)
        cause = chance.choice(causes)
        case_id = f"{chance.getrandbits(128):032x}"
        values = {
            **plain,
            "timestamp": moment(start + timedelta(seconds=number * 250)),
            "query": f"{one} is failing since {other} was deployed, why?",
            "root_cause": cause,
            "object": f"Deployment/{one}/{other}-{number % 97}",
            "cluster": f"{chance.randrange(8):032x}",
            "signs": [sign for sign in case.signs if chance.random() < 0.7]
            + [f"self:event=Odd{number % 997}"],
            "state": chance.choice(("recorded", "candidate", "candidate", "trusted", "retired")),
            "user_rating": chance.choice((0, 0, 0, 0, 5)),
        }
        values["fingerprint"] = fingerprint(replace(case, signs=tuple(values["signs"]), root_cause=cause))
        yield Entry(case_id, values["timestamp"], "bench", "imported", values), Body(case_id, 0, evidence)


def fill(store: SqliteCaseStore, case: Case, count: int) -> float:
    """Seconds it took."""
    evidence, begun = store.bodies(case.id)[0], time.perf_counter()
    batch: list[tuple[Entry, Body]] = []
    for pair in variations(case, evidence, count):
        batch.append(pair)
        if len(batch) == BATCH:
            store.append([entry for entry, _ in batch], [body for _, body in batch])
            batch.clear()
    if batch:
        store.append([entry for entry, _ in batch], [body for _, body in batch])
    return time.perf_counter() - begun


def size(folder: Path, made: Investigation, count: int) -> None:
    file = folder / f"{count}.db"
    recorder = Recorder(lambda: SqliteCaseStore(file), "bench")
    tell(recorder, made)
    store = SqliteCaseStore(file)
    case = store.case(made.id)
    assert case is not None
    seconds = fill(store, case, count)
    book = Casebook(store, "bench")
    some = store.cases(CaseFilter(), limit=RUNS)
    judged = iter(some)
    questions: dict[str, Callable[[], object]] = {
        "open": lambda: SqliteCaseStore(file).close(),
        "find by id": lambda: book.find(some[0].id[:10]),
        "list 20": lambda: store.cases(CaseFilter(), limit=20),
        "list 20 of one cause": lambda: store.cases(CaseFilter(("trusted",), cause="oom_killed"), limit=20),
        "list none of 'elsewhere'": lambda: store.cases(CaseFilter(namespace="elsewhere"), limit=20),
        "search two words": lambda: store.search("payments checkout", CaseFilter(), limit=20),
        "search a word all have": lambda: store.search("failing", CaseFilter(), limit=20),
        "search, filtered": lambda: store.search("failing", CaseFilter(namespace="elsewhere"), limit=20),
        "search some of two words": lambda: store.search("failing xyzzy", CaseFilter(), limit=20),
        "search a rare name": lambda: store.search("stock-13", CaseFilter(), limit=20),
        "stats": store.stats,
        "rate": lambda: book.judge(next(judged), Judgement(rating=4)),
        "record, whole": lambda: tell(recorder_of(file), replace(made, id=f"{time.monotonic_ns():032d}")),
        "changes since the last": lambda: store.past_cases(store.past_cases(10**12).seq - 5),
        "all that teaches": store.past_cases,
    }  # fmt: skip
    print(f"\n{count} cases, {file.stat().st_size / 1e6:.0f} MB, filled in {seconds:.0f} s")
    for name, ask in questions.items():
        print(f"  {name:26}{statistics.median(timed(ask) for _ in range(RUNS)):9.1f} ms")
    store.close()
    for path in folder.glob(f"{count}.db*"):
        path.unlink()


def recorder_of(file: Path) -> Recorder:
    return Recorder(lambda: SqliteCaseStore(file), "bench")


def tell(recorder: Recorder, made: Investigation) -> None:
    recorder.started(made)
    for step in made.steps:
        recorder.stepped(step)
    recorder.finished(made)
    recorder.settle()
    if recorder.problem:
        raise SystemExit(recorder.problem)


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]] or list(SIZES)
    made = investigated()
    with tempfile.TemporaryDirectory() as temporary:
        recording(Path(temporary), made)
        for count in sizes:
            size(Path(temporary), made, count)


if __name__ == "__main__":
    main()
