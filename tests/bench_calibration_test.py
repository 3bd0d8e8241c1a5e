"""Calibration: the measures on numbers worked out by hand, and curves that mend what is skewed."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelore.bench.calibration import (
    METHODS,
    Pair,
    accuracy_at,
    best_method,
    bins,
    brier,
    cross_validate,
    ece,
    fit,
    measure,
    risk_coverage,
)
from kubelore.calibration import Calibrator, calibrate, calibrator_from
from kubelore.errors import DataError

Grouped = list[tuple[Hashable, Pair]]


def answers(count: int, truly: Callable[[float], float], seed: int = 0) -> Grouped:
    """Answers in groups of three, of which each is right as often as `truly` says of what is stated."""
    rng = random.Random(seed)
    drawn = [round(rng.random(), 3) for _ in range(count)]
    return [((index // 3, "cause"), (p, rng.random() < truly(p))) for index, p in enumerate(drawn)]


def overconfident(stated: float) -> float:
    return 0.3 + 0.3 * stated


def test_brier_and_ece_of_a_few_answers() -> None:
    pairs = [(0.9, True), (0.9, False), (0.1, False), (0.1, False)]
    assert brier(pairs) == pytest.approx((0.01 + 0.81 + 0.01 + 0.01) / 4)
    assert ece(pairs) == pytest.approx((2 * 0.4 + 2 * 0.1) / 4)


def test_bins_are_of_equal_mass_and_never_split_one_value() -> None:
    even = [(n / 100, True) for n in range(100)]
    assert [b.right.total for b in bins(even)] == [10] * 10
    tied = [(0.9, True)] * 30 + [(n / 100, False) for n in range(20)]
    assert [b.right.total for b in bins(tied, 5)] == [10, 10, 30]


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.5, 0.8, 1.0]), st.booleans()), min_size=1))
def test_every_answer_is_in_one_bin_and_the_curve_ends_at_all(pairs: list[Pair]) -> None:
    found = list(bins(pairs))
    assert sum(b.right.total for b in found) == len(pairs)
    assert sum(b.right.right for b in found) == sum(right for _, right in pairs)
    wrong = sum(not right for _, right in pairs)
    assert list(risk_coverage(pairs, 2 * len(pairs)))[-1] == pytest.approx((0.5, wrong / len(pairs)))
    assert 0 <= ece(pairs) <= 1


def test_the_surest_half_counts_ties_by_their_mean() -> None:
    pairs = [(0.9, True), (0.5, True), (0.5, False), (0.1, False)]
    assert accuracy_at(pairs, 0.5, 4) == pytest.approx((1 + 0.5) / 2)
    assert accuracy_at(pairs[::-1], 0.5, 4) == accuracy_at(pairs, 0.5, 4)
    assert accuracy_at(pairs, 0.25, 4) == 1.0


def test_cases_without_an_answer_are_never_covered_and_never_right() -> None:
    pairs = [(0.9, True), (0.8, True)]
    assert accuracy_at(pairs, 0.8, 5) == pytest.approx(2 / 4)
    assert list(risk_coverage(pairs, 5)) == [(0.2, 0.0), (0.4, 0.0)]


def test_an_honest_agent_shows_an_ece_as_chance_would() -> None:
    honest = measure([pair for _, pair in answers(217, lambda p: p)], 217)
    skewed = measure([pair for _, pair in answers(217, overconfident)], 217)
    assert honest is not None
    assert skewed is not None
    assert honest.ece < honest.ece_by_chance * 1.6
    assert skewed.ece > skewed.ece_by_chance * 2


def test_without_answers_nothing_is_measured() -> None:
    assert measure([], 5) is None


@pytest.mark.parametrize("method", METHODS)
def test_a_curve_mends_overconfidence_on_groups_it_has_not_seen(method: str) -> None:
    grouped = answers(400, overconfident)
    before, after = [pair for _, pair in grouped], cross_validate(grouped, method)
    assert ece(after) < 0.7 * ece(before)
    assert brier(after) < brier(before)
    assert [right for _, right in after] == [right for _, right in before]


@pytest.mark.parametrize("method", METHODS)
def test_a_curve_rises_and_finds_the_truth(method: str) -> None:
    curve = fit([pair for _, pair in answers(2000, overconfident)], method)
    values = [curve(n / 50) for n in range(51)]
    assert values == sorted(values)
    assert curve(0.5) == pytest.approx(overconfident(0.5), abs=0.06)


def test_a_group_is_never_in_its_own_curve() -> None:
    """Both say 0.5; the one is mostly right, the other mostly wrong: each is told the other's share."""
    good: Grouped = [("good", (0.5, number < 36)) for number in range(40)]
    bad: Grouped = [("bad", (0.5, number < 8)) for number in range(40)]
    told = cross_validate([*good, *bad], folds=2)
    assert {round(p, 1) for p, _ in told[:40]} == {0.2}
    assert {round(p, 1) for p, _ in told[40:]} == {0.9}


def test_a_fit_is_the_same_every_time() -> None:
    grouped = answers(100, overconfident)
    assert cross_validate(grouped) == cross_validate(grouped)
    assert best_method(grouped) in METHODS


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([(0.5, True)] * 3, "needs 20"),
        ([(0.5, True)] * 40, "all answers are right"),
    ],
)
def test_too_little_to_fit_is_said(pairs: list[Pair], message: str) -> None:
    with pytest.raises(DataError, match=message):
        fit(pairs)


def test_one_group_cannot_be_cross_validated() -> None:
    with pytest.raises(DataError, match="two groups"):
        cross_validate([("same", pair) for _, pair in answers(60, overconfident)])


def test_a_calibrator_joins_its_points_falls_to_nothing_before_them_and_is_flat_beyond() -> None:
    curve = Calibrator(((0.2, 0.1), (0.6, 0.5)))
    assert [curve(p) for p in (0, 0.1, 0.2, 0.4, 0.6, 1)] == pytest.approx([0, 0.05, 0.1, 0.3, 0.5, 0.5])
    assert Calibrator(())(0.37) == 0.37


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"points": []},
        {"format": "kubelore.calibration/1"},
        {"format": "kubelore.calibration/1", "points": [[0.1]]},
        {"format": "kubelore.calibration/1", "points": [[0.1, "x"]]},
        {"format": "kubelore.calibration/1", "points": [[0.5, 0.5], [0.4, 0.6]]},
        {"format": "kubelore.calibration/1", "points": [[0.1, 0.5], [0.4, 0.3]]},
        {"format": "kubelore.calibration/1", "points": [[0.1, 1.5]]},
    ],
)
def test_a_file_that_is_no_calibration_is_refused(data: object) -> None:
    with pytest.raises(DataError):
        calibrator_from(data)


def test_the_packaged_curve_keeps_order_and_bounds() -> None:
    values = [calibrate(n / 100) for n in range(101)]
    assert values == sorted(values)
    assert 0 <= values[0] < values[-1] <= 1
