"""Cases that somebody shapes to make answers wrong: what each kind of attacker would have trusted."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from kubelore.casebook.signs import SELF
from kubelore.types import PastCase

POISONED = 30
FLOOD = 60
POISON = "poison-"
"""What ids of poisoned cases begin with."""

Attack = Callable[[Sequence[PastCase], random.Random], list[PastCase]]
"""Poisoned cases, made with all honest cases at hand: the attacker knows what incidents look like here."""


def copied(honest: Sequence[PastCase], rng: random.Random) -> list[PastCase]:
    """The signs of real incidents of the same cluster under wrong causes, each confirmed by somebody."""
    return [_wrong(case, honest, rng, number) for number, case in enumerate(_drawn(honest, rng))]


def imported(honest: Sequence[PastCase], rng: random.Random) -> list[PastCase]:
    """The same from a file of another team, confirmed in bulk; it names a cluster for each case, as if many
    had seen it."""
    return [
        replace(case, source="shared.jsonl", cluster=f"elsewhere {number}")
        for number, case in enumerate(copied(honest, rng))
    ]


def generic(honest: Sequence[PastCase], rng: random.Random) -> list[PastCase]:
    """What every incident shows, under one wrong cause: alike to all."""
    counts = Counter(sign for case in honest for sign in case.signs)
    usual = [sign for sign, _ in counts.most_common(POISONED)]
    cause = rng.choice(honest).root_cause
    return [
        PastCase(
            f"{POISON}{number}",
            cause,
            "Deployment",
            frozenset(rng.sample(usual, len(usual) * 2 // 3)),
            "trusted",
            True,
            cluster=rng.choice(honest).cluster,
        )
        for number in range(POISONED)
    ]


def flood(honest: Sequence[PastCase], rng: random.Random) -> list[PastCase]:
    """Near duplicates of one wrong case, from one cluster, each a little different."""
    model = rng.choice([case for case in honest if len(case.signs) > 5])
    found = []
    for number in range(FLOOD):
        kept = [sign for sign in sorted(model.signs) if rng.random() < 0.95]
        case = replace(model, signs=frozenset([*kept, f"near:log=slow{number}"]))
        found.append(_wrong(case, honest, rng, number))
    cause = found[0].root_cause
    return [replace(case, root_cause=cause, misled=model.root_cause) for case in found]


def shaped(honest: Sequence[PastCase], rng: random.Random) -> list[PastCase]:
    """Signs of real incidents with a few more that log lines and events of the attacker's choice leave."""
    spoken = (f"{SELF}:log=", f"{SELF}:event=")
    chosen = sorted({sign for case in honest for sign in case.signs if sign.startswith(spoken)})
    return [
        replace(case, signs=case.signs | set(rng.sample(chosen, min(4, len(chosen)))))
        for case in copied(honest, rng)
    ]


def rated(honest: Sequence[PastCase], rng: random.Random) -> list[PastCase]:
    """Wrong answers that were rated 5 in bulk; nobody named a cause."""
    return [replace(case, confirmed=False, misled="") for case in copied(honest, rng)]


ATTACKS: Mapping[str, Attack] = {
    "wrong causes with copied signs": copied,
    "the same from an imported file": imported,
    "signs that fit everything": generic,
    "a flood of near duplicates": flood,
    "signs shaped through logs and events": shaped,
    "wrong answers rated 5 in bulk": rated,
}


def _drawn(honest: Sequence[PastCase], rng: random.Random) -> list[PastCase]:
    return [rng.choice(honest) for _ in range(POISONED)]


def _wrong(case: PastCase, honest: Sequence[PastCase], rng: random.Random, number: int) -> PastCase:
    """The same signs under another cause, as if a person had corrected the right one."""
    others = sorted({other.root_cause for other in honest} - {case.root_cause})
    wrong = rng.choice(others)
    return replace(case, id=f"{POISON}{number}", root_cause=wrong, misled=case.root_cause)
