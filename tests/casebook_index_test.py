import random
from collections.abc import Collection, Sequence

import pytest

from kubelore.casebook.index import EXCUSED, CaseIndex, Weighing
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
    index = CaseIndex([segment(cases[:90]), segment(cases[90:], 90)], WEIGHING)
    signs = books(seed + 1000, 1)[0] | {"self:never=seen"}
    news = frozenset(sign for sign in signs if sign.startswith("self:a"))
    found = dict(index.nearest(signs, floor, {"looked:DESCRIBE": news}))
    assert found == pytest.approx(by_hand(index, cases, signs, floor, news))


def test_a_case_is_fully_alike_to_itself_and_rare_signs_count_more() -> None:
    common, rare = "self:a=2", "self:b=1"
    cases = [frozenset({common, f"near:c={i % 3}"}) for i in range(50)] + [frozenset({common, rare})]
    index = CaseIndex([segment(cases)], WEIGHING)
    assert index.weight(rare) > index.weight(common)
    assert dict(index.nearest(cases[-1], 0.5)) == {50: pytest.approx(1.0)}


def test_what_every_incident_shows_says_little_even_to_a_casebook_of_one() -> None:
    index = CaseIndex([segment([{"self:a=1", "self:b=1"}])], WEIGHING)
    assert index.weight("self:a=1") < 0.2 * index.weight("self:b=1")


def test_an_empty_index_finds_nothing() -> None:
    assert CaseIndex([Segment.of({})], WEIGHING).nearest({"self:a=1"}, 0.1) == []
