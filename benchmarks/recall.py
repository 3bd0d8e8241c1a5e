"""Recall among very many past cases: what a start costs, and asking them about fresh evidence.

    python benchmarks/recall.py [1000 10000 100000]

Cases are invented: one of 150 causes each, told by three facts of its own, with facts that every workload has
and facts by chance, about the object and about what is joined to it. The fresh evidence has 15 objects. Times
are the median of repeated runs, in seconds of computing; `plain` is the same comparison in a loop over the
sets of 1,000 cases, in the same run, so that machines compare. A start is a new process that opens a casebook
of these cases and asks once, imports not counted: reading all cases, and with what is kept of them. Filling
the largest casebook takes a minute or two and 0.7 GB.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from kubelore.casebook import kept
from kubelore.casebook.recall import Recall
from kubelore.casebook.signs import signs_of
from kubelore.cases import Entry
from kubelore.store.sqlite.cases import SqliteCaseStore
from kubelore.types import Edge, Evidence, Fact, Observation, PastCase, Ref
from kubelore.vocabulary import vocabulary

SIZES = (1_000, 10_000, 100_000)
CAUSES = 150
OBJECTS = 15
REPEATS = 15
STARTS = 5
BATCH = 1000
START = "start"
"""First argument of the process that starts with a casebook and asks once."""
WHEN = "2026-03-01T12:00:00.000Z"
PLAIN = 1_000
USUAL = (
    "workload.replicas=set",
    "container.cpu_limit=set",
    "container.memory_limit=set",
    "pod.phase=Running",
)


def main(sizes: list[int]) -> None:
    rng = random.Random(0)
    facts = all_facts()
    told = [rng.sample(facts, 3) for _ in range(CAUSES)]
    evidences = [evidence(rng, facts, told) for _ in range(REPEATS)]
    plain = median(lambda: compare(rng, facts, told, evidences[0]))
    print(f"plain Python, {PLAIN:,} cases: {plain * 1000:.1f} ms an object of the evidence")
    for size in sizes:
        cases = [case(number, rng, facts, told) for number in range(size)]
        begun = time.process_time()
        recall = Recall(cases)
        loaded = time.process_time() - begun
        recall.votes("", evidence(rng, facts, told))
        times, found = [], 0
        for fresh in evidences:
            begun = time.process_time()
            found += bool(recall.votes("", fresh))
            times.append(time.process_time() - begun)
        warm = statistics.median(times)
        a_case = warm / OBJECTS / size / (plain / PLAIN)
        print(
            f"{size:>7,} cases: built in {loaded:.2f} s; votes {warm * 1000:.1f} ms "
            f"(slowest {max(times) * 1000:.1f}), {a_case:.4f} of plain for each case; "
            f"{found} of {REPEATS} found something"
        )
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "cases.db")
            fill(file, cases)
            whole, *later = [started(file) for _ in range(STARTS + 1)]
        first = statistics.median(later)
        print(
            f"        a start with them on record: {first:.2f} s to the first votes, {first / plain:.0f} of "
            f"plain; {whole:.2f} s the first time"
        )


def fill(file: Path, cases: list[PastCase]) -> None:
    """A casebook of these cases, each recorded and confirmed."""
    with closing(SqliteCaseStore(file)) as store:
        for begin in range(0, len(cases), BATCH):
            some = cases[begin : begin + BATCH]
            store.append([Entry(case.id, WHEN, "bench", "imported", values(case)) for case in some])


def values(case: PastCase) -> dict[str, object]:
    return {
        "timestamp": WHEN, "state": case.state, "status": "done", "root_cause": case.root_cause,
        "object": f"{case.kind}/shop/web", "signs": sorted(case.signs), "confirmed": case.confirmed,
        "cluster": case.cluster, "lesson": {"question": "why is it failing since this morning?"},
    }  # fmt: skip


def started(file: Path) -> float:
    """Seconds of computing that a new process takes."""
    command = [sys.executable, __file__, START, str(file)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def start(file: Path) -> None:
    rng = random.Random(1)
    facts = all_facts()
    fresh = evidence(rng, facts, [rng.sample(facts, 3) for _ in range(CAUSES)])
    begun = time.process_time()
    with closing(SqliteCaseStore(file, read_only=True)) as store:
        Recall(kept.catalogue(store, lambda: SqliteCaseStore(file), failed)).votes("", fresh)
    print(time.process_time() - begun)


def failed(error: Exception) -> None:
    raise SystemExit(str(error))


def all_facts() -> list[str]:
    return sorted(
        f"{key}={value}"
        for key, entry in vocabulary().items()
        for value in entry.values or ("one", "two", "three")
    )


def signs(rng: random.Random, facts: list[str], told: list[str]) -> frozenset[str]:
    own = [*told, *USUAL, *rng.sample(facts, rng.randint(1, 4))]
    return frozenset(
        [
            "kind:Deployment",
            "kind:workload",
            "looked:DESCRIBE",
            *(f"self:{fact}" for fact in own),
            *(f"calls>workload:{fact}" for fact in [*USUAL, *rng.sample(facts, 3)]),
            *(f"calls>workload calls<workload:{fact}" for fact in [*USUAL, *rng.sample(facts, 2)]),
            *(f"near:{fact}" for fact in [*USUAL, *rng.sample(facts, 8)]),
        ]
    )


def case(number: int, rng: random.Random, facts: list[str], told: list[list[str]]) -> PastCase:
    cause = rng.randrange(CAUSES)
    known = signs(rng, facts, told[cause])
    cluster = f"cluster-{rng.randrange(20)}"
    return PastCase(f"case-{number}", f"cause-{cause}", "Deployment", known, "trusted", True, cluster=cluster)


def evidence(rng: random.Random, facts: list[str], told: list[list[str]]) -> Evidence:
    """One broken workload, and healthier ones around it."""
    refs = [Ref("Deployment", "shop", f"web-{n}") for n in range(OBJECTS)]
    seen = []
    for place, ref in enumerate(refs):
        extra = [*rng.choice(told), *rng.sample(facts, 2)] if place == 0 else rng.sample(facts, 1)
        seen += [Fact(*name.split("=", 1), ref) for name in (*USUAL, *extra)]
    edges = [Edge("calls", refs[0], ref) for ref in refs[1:5]]
    found = Evidence()
    found.add(Observation("", tuple(seen), tuple(edges), covers=tuple(("DESCRIBE", ref) for ref in refs)), 1)
    return found


def compare(rng: random.Random, facts: list[str], told: list[list[str]], fresh: Evidence) -> None:
    """The same likeness of one object, as one would write it first."""
    cases = _plain_cases(rng, facts, told)
    known = signs_of(fresh, [next(iter(fresh.objects()))])
    for today in known.values():
        for past in cases:
            sum(map(len, today & past)) / sum(map(len, today | past))


_made: list[frozenset[str]] = []


def _plain_cases(rng: random.Random, facts: list[str], told: list[list[str]]) -> list[frozenset[str]]:
    if not _made:
        _made.extend(signs(rng, facts, rng.choice(told)) for _ in range(PLAIN))
    return _made


def median(work: Callable[[], None]) -> float:
    times = []
    for _ in range(REPEATS):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return statistics.median(times)


if __name__ == "__main__":
    if sys.argv[1:2] == [START]:
        start(Path(sys.argv[2]))
    else:
        main([int(size) for size in sys.argv[1:]] or list(SIZES))
