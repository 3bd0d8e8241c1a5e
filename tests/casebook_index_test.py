import random
from collections.abc import Collection, Sequence

import numpy as np
import pytest

from kubelore.casebook.index import EXCUSED, MAX_COMPARED, MAX_OF_CAMP, PER_CAMP, CaseIndex, Weighing
from kubelore.casebook.segment import Segment

WEIGHING = Weighing({"self": 1.0, "1": 0.4, "near": 0.05, "kind": 0.5}, {"a=1": 0.9}, 10, 1.5)
SIGNS = [
    f"{place}:{key}={value}"
    for place in ("self", "calls>Service", "near")
    for key in "abcde"
    for value in "123"
]


def books(seed: int, cases: int) -> list[frozenset[str]]:
    rng = random.Random(seed)
    return [
        frozenset(rng.sample(SIGNS, rng.randint(1, 12)) + ["looked:DESCRIBE"] * rng.randint(0, 1))
        for _ in range(cases)
    ]


def segment(cases: Sequence[Collection[str]], first: int = 0) -> Segment:
    return Segment.of({f"case-{first + number:04}": signs for number, signs in enumerate(cases)})


def index_of(*segments: Segment, camps: Sequence[int] = ()) -> CaseIndex:
    """`camps` of the cases of one segment; each case is a camp of its own where they are left out."""
    every = iter(camps or range(sum(map(len, segments))))
    return CaseIndex(
        segments, [np.array([next(every) for _ in s.ids], dtype=int) for s in segments], WEIGHING
    )


def by_hand(
    index: CaseIndex, cases: list[frozenset[str]], signs: frozenset[str], floor: float, news: frozenset[str]
) -> dict[int, float]:
    def sum_(some: frozenset[str]) -> float:
        return sum(map(index.weight, some))

    found = {}
    for number, case in enumerate(cases):
        unseen = EXCUSED * sum_((signs - case) & news) if "looked:DESCRIBE" not in case else 0.0
        alike = sum_(signs & case) / max(sum_(signs | case) - unseen, 1e-9)
        if alike >= floor:
            found[number] = alike
    return found


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("floor", [0.05, 0.3, 0.7])
def test_no_case_that_is_alike_enough_is_missed(seed: int, floor: float) -> None:
    cases = books(seed, 120)
    index = index_of(segment(cases[:90]), segment(cases[90:], 90))
    signs = books(seed + 1000, 1)[0] | {"self:never=seen"}
    news = frozenset(sign for sign in signs if sign.startswith("self:a"))
    found = dict(index.nearest(signs, floor, {"looked:DESCRIBE": news}))
    assert found == pytest.approx(by_hand(index, cases, signs, floor, news))


def test_a_case_is_fully_alike_to_itself_and_rare_signs_count_more() -> None:
    common, rare = "self:a=2", "self:b=1"
    cases = [frozenset({common, f"near:c={i % 3}"}) for i in range(50)] + [frozenset({common, rare})]
    index = index_of(segment(cases))
    assert index.weight(rare) > index.weight(common)
    assert dict(index.nearest(cases[-1], 0.5)) == {50: pytest.approx(1.0)}


def test_what_every_incident_shows_says_little_even_to_a_casebook_of_one() -> None:
    index = index_of(segment([{"self:a=1", "self:b=1"}]))
    assert index.weight("self:a=1") < 0.2 * index.weight("self:b=1")


def test_an_empty_index_finds_nothing() -> None:
    assert index_of(Segment.of({})).nearest({"self:a=1"}, 0.1) == []


def test_a_camp_makes_its_signs_no_commoner_than_a_few_cases_do() -> None:
    others = [{"self:a=1", f"near:c={n % 3}"} for n in range(40)]

    def weight(copies: int, *, one_camp: bool) -> float:
        cases = [*others, *[{"self:b=1"}] * copies]
        camps = [*range(40), *(40 if one_camp else 40 + n for n in range(copies))]
        return index_of(segment(cases), camps=camps).weight("self:b=1")

    assert weight(90, one_camp=True) == pytest.approx(weight(PER_CAMP, one_camp=True), rel=1e-4)
    assert weight(PER_CAMP, one_camp=True) == weight(PER_CAMP, one_camp=False)
    assert weight(90, one_camp=True) > 1.5 * weight(90, one_camp=False)


def test_very_many_cases_of_one_camp_crowd_nobody_out() -> None:
    told = ["self:b=1", "self:c=1", "self:d=1"]
    flood = [frozenset([*told, f"near:e={n % 3}"]) for n in range(2 * MAX_COMPARED)]
    few = [frozenset([*told[:2], "self:e=1"])] * 3
    index = index_of(segment([*flood, *few]), camps=[0] * len(flood) + [1] * len(few))
    found = {number for number, _ in index.nearest({*told, "near:e=1"}, 0.05)}
    assert len(found) == MAX_COMPARED
    assert found >= {len(flood), len(flood) + 1, len(flood) + 2}


def test_where_each_camp_is_small_the_most_alike_cases_are_compared() -> None:
    told = ["self:b=1", "self:c=1"]
    cases = [frozenset([*told, "self:d=1"])] * 100 + [frozenset(told)] * MAX_COMPARED
    camps = [number // MAX_OF_CAMP for number in range(len(cases))]
    found = dict(index_of(segment(cases), camps=camps).nearest(told, 0.05))
    assert len(found) == MAX_COMPARED
    assert set(found) == set(range(100, 100 + MAX_COMPARED))
