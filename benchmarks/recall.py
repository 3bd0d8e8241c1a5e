"""Recall among very many past cases: loading them, and asking them about fresh evidence.

    python benchmarks/recall.py [1000 10000 100000]

Cases are invented: one of 150 causes each, told by three facts of its own, with facts that every workload has
and facts by chance, about the object and about what is joined to it. The fresh evidence has 15 objects. Times
are the median of repeated runs; `plain` is the same comparison in a loop over the sets of 1,000 cases, in the
same run, so that machines compare.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable

from kubelore.casebook.recall import Recall
from kubelore.casebook.signs import signs_of
from kubelore.types import Edge, Evidence, Fact, Observation, PastCase, Ref
from kubelore.vocabulary import vocabulary

SIZES = (1_000, 10_000, 100_000)
CAUSES = 150
OBJECTS = 15
REPEATS = 15
PLAIN = 1_000
USUAL = (
    "workload.replicas=set",
    "container.cpu_limit=set",
    "container.memory_limit=set",
    "pod.phase=Running",
)


def main(sizes: list[int]) -> None:
    rng = random.Random(0)
    facts = sorted(
        f"{key}={value}"
        for key, entry in vocabulary().items()
        for value in entry.values or ("one", "two", "three")
    )
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
    main([int(size) for size in sys.argv[1:]] or list(SIZES))
