"""Whether probabilities mean what they say, and the curve that makes them.

All functions take pairs (probability, right). Answers of the same probability are never told apart by their
order: they share a bin, and count by their mean where a coverage cuts through them.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from kubelore.bench.scoring.judge import Score
from kubelore.bench.scoring.stats import Share
from kubelore.calibration import Calibrator
from kubelore.errors import DataError

Pair = tuple[float, bool]

BINS = 10
FOLDS = 5
FEWEST = 20
"""Answers that a curve can be fitted to."""
EDGE = 0.01
"""Probabilities nearer to 0 or 1 count as this near: log-odds end there."""
RIDGE = 1.0
"""How strongly few answers leave the fitted curve where it was."""
CURVE = tuple(i / 20 for i in range(21))
"""Where a fitted curve is written down."""
SIMULATIONS = 200


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of neighbouring probability."""

    mean: float
    right: Share


@dataclass(frozen=True, slots=True)
class Calibration:
    """`ece` is the mean distance between stated and seen, weighted by answers, in bins of equal mass.
    `ece_by_chance` is what answers that are right exactly as often as they say would show on average: with
    few answers an ECE near it is as good as it gets."""

    answers: int
    right: Share
    brier: float
    ece: float
    ece_by_chance: float
    bins: tuple[Bin, ...]
    curve: tuple[tuple[float, float], ...]
    """(coverage, risk): share of all cases whose answers are taken, surest first, and share of these that
    is wrong."""
    at_half: float
    """Accuracy on the surest half of all cases."""
    at_four_fifths: float


def measure(pairs: Sequence[Pair], cases: int) -> Calibration | None:
    """Of the answers to so many cases; None without one that has a probability."""
    if not pairs:
        return None
    return Calibration(
        len(pairs),
        Share.of(right for _, right in pairs),
        brier(pairs),
        ece(pairs),
        _ece_by_chance(pairs),
        tuple(bins(pairs)),
        tuple(risk_coverage(pairs, cases)),
        accuracy_at(pairs, 0.5, cases),
        accuracy_at(pairs, 0.8, cases),
    )


def brier(pairs: Sequence[Pair]) -> float:
    return sum((p - right) ** 2 for p, right in pairs) / len(pairs)


def ece(pairs: Sequence[Pair]) -> float:
    """Expected calibration error over bins of equal mass."""
    gaps = (abs(b.mean - b.right.right / b.right.total) * b.right.total for b in bins(pairs))
    return sum(gaps) / len(pairs)


def bins(pairs: Sequence[Pair], count: int = BINS) -> Iterator[Bin]:
    """At most `count` bins of about equal mass, by probability; one value is never split."""
    rest, held = len(pairs), []
    for tied in _tied(pairs):
        held += tied
        if len(held) >= rest / count:
            yield _bin(held)
            rest, count, held = rest - len(held), max(1, count - 1), []
    if held:
        yield _bin(held)


def risk_coverage(pairs: Sequence[Pair], cases: int) -> Iterator[tuple[float, float]]:
    """One point for each probability below which no answer would be taken; cases without an answer are
    never covered."""
    taken = wrong = 0
    for tied in reversed(list(_tied(pairs))):
        taken += len(tied)
        wrong += sum(not right for _, right in tied)
        yield taken / cases, wrong / taken


def accuracy_at(pairs: Sequence[Pair], coverage: float, cases: int) -> float:
    """Share that is right of the surest `coverage` of all cases; one without an answer is not right."""
    wanted = left = max(1, round(coverage * cases))
    right = 0.0
    for tied in reversed(list(_tied(pairs))):
        used = min(left, len(tied))
        right += used * sum(ok for _, ok in tied) / len(tied)
        left -= used
    return right / wanted


def raw_pairs(score: Score) -> list[tuple[Hashable, Pair]]:
    """(group, (uncalibrated probability, right)) of the answers that have one."""
    return [
        (v.expected.group, (p, v.right))
        for v in score.verdicts
        if not v.broken and (p := v.answer.raw_probability) is not None
    ]


def stated_pairs(score: Score) -> list[Pair]:
    """(probability as stated, right) of the answers that have one."""
    return [
        (v.answer.probability, v.right)
        for v in score.verdicts
        if not v.broken and v.answer.probability is not None
    ]


def fit_platt(pairs: Sequence[Pair]) -> Calibrator:
    """Log-odds stretched and shifted: two parameters, found by Newton's method, drawn to (1, 0)."""
    stretch, shift = 1.0, 0.0
    for _ in range(50):
        step_a, step_b = _newton_step(pairs, stretch, shift)
        stretch, shift = max(0.05, stretch + step_a), shift + step_b
        if abs(step_a) + abs(step_b) < 1e-9:
            break
    return Calibrator(tuple((x, round(_sigmoid(stretch * _logit(x) + shift), 4)) for x in CURVE))


def fit_isotonic(pairs: Sequence[Pair]) -> Calibrator:
    """The rising steps nearest to what was seen in bins of equal mass, joined by lines."""
    blocks: list[tuple[float, float, int]] = []  # mean probability, smoothed share, answers
    for found in bins(pairs):
        total = found.right.total
        blocks.append((found.mean, (found.right.right + 1) / (total + 2), total))
        while len(blocks) > 1 and blocks[-2][1] >= blocks[-1][1]:
            (x1, y1, n1), (x2, y2, n2) = blocks[-2:]
            n = n1 + n2
            blocks[-2:] = [((x1 * n1 + x2 * n2) / n, (y1 * n1 + y2 * n2) / n, n)]
    return Calibrator(tuple((round(x, 6), round(y, 4)) for x, y, _ in blocks))


METHODS: Mapping[str, Callable[[Sequence[Pair]], Calibrator]] = {
    "platt": fit_platt,
    "isotonic": fit_isotonic,
}


def fit(pairs: Sequence[Pair], method: str = "platt") -> Calibrator:
    """Raises DataError with too few answers, or when all are right or all wrong."""
    if len(pairs) < FEWEST:
        raise DataError(f"{len(pairs)} answers have a probability; a calibration needs {FEWEST}")
    if len({right for _, right in pairs}) < 2:
        raise DataError("all answers are right, or all wrong: there is nothing to calibrate")
    return METHODS[method](pairs)


def cross_validate(
    grouped: Sequence[tuple[Hashable, Pair]], method: str = "platt", folds: int = FOLDS
) -> list[Pair]:
    """Every answer with the probability of a curve fitted without its whole group. Raises DataError when
    there are fewer than two groups, and as `fit`."""
    fold_of = _folds([group for group, _ in grouped], folds)
    if len(set(fold_of.values())) < 2:
        raise DataError("cross-validation needs answers of at least two groups")
    curves = {
        fold: fit([pair for group, pair in grouped if fold_of[group] != fold], method)
        for fold in set(fold_of.values())
    }
    return [(curves[fold_of[group]](p), right) for group, (p, right) in grouped]


def best_method(grouped: Sequence[tuple[Hashable, Pair]]) -> str:
    """The method with the lower Brier score on groups it has not seen."""
    return min(METHODS, key=lambda method: brier(cross_validate(grouped, method)))


def _folds(groups: Sequence[Hashable], count: int) -> dict[Hashable, int]:
    """Folds of about equal size with whole groups in each; the same in every run."""
    sizes: dict[Hashable, int] = defaultdict(int)
    for group in groups:
        sizes[group] += 1
    # By hash, so that neighbours in the alphabet (one application's causes) do not land together.
    order = sorted(sizes, key=lambda g: (-sizes[g], hashlib.sha256(repr(g).encode()).hexdigest()))
    load = [0] * count
    fold_of = {}
    for group in order:
        fold_of[group] = load.index(min(load))
        load[fold_of[group]] += sizes[group]
    return fold_of


def _tied(pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
    for _, tied in groupby(sorted(pairs), key=lambda pair: pair[0]):
        yield list(tied)


def _bin(held: Sequence[Pair]) -> Bin:
    return Bin(sum(p for p, _ in held) / len(held), Share.of(right for _, right in held))


def _ece_by_chance(pairs: Sequence[Pair]) -> float:
    rng = random.Random(0)  # noqa: S311 - a simulation
    drawn = ([(p, rng.random() < p) for p, _ in pairs] for _ in range(SIMULATIONS))
    return sum(map(ece, drawn)) / SIMULATIONS


def _newton_step(pairs: Sequence[Pair], stretch: float, shift: float) -> tuple[float, float]:
    """Towards the minimum of log loss plus RIDGE/2 times the squared distance from (1, 0)."""
    slope_a, slope_b = RIDGE * (stretch - 1), RIDGE * shift
    aa, ab, bb = RIDGE, 0.0, RIDGE
    for p, right in pairs:
        x = _logit(p)
        q = _sigmoid(stretch * x + shift)
        weight = q * (1 - q)
        slope_a += (q - right) * x
        slope_b += q - right
        aa, ab, bb = aa + weight * x * x, ab + weight * x, bb + weight
    det = aa * bb - ab * ab
    return -(bb * slope_a - ab * slope_b) / det, -(aa * slope_b - ab * slope_a) / det


def _logit(p: float) -> float:
    p = min(1 - EDGE, max(EDGE, p))
    return math.log(p / (1 - p))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))
