"""Learns what the word of a past case is worth, and writes it down as `casebook/recall.yaml` does.

Examples are precedents that recall finds for cases of a benchmark, in casebooks of all sizes: with and
without cases of the same cause, with patterns that know the cause and patterns that do not, and with wrong
cases among them. Whole causes are held out when the result is tested.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

import kubelore
from kubelore.bench import calibration
from kubelore.bench.learn.experiments import SHOWN, Book
from kubelore.bench.learn.lived import Lived
from kubelore.casebook.recall import FEATURES, FORMAT, Model, Precedent, Recall
from kubelore.casebook.signs import KIND, SELF, place_of, signs_of
from kubelore.errors import DataError
from kubelore.types import PastCase

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

HEAD = """\
# What the word of a past case is worth. Written by `kubelore bench learn cloud-opsbench PATH --fit FILE`:
# coefficients (log-odds) and background are learned, `cross_validated` says how they do on causes that they
# were not fitted to. The rest was chosen by hand, where a wide range did equally well.
#   floor: less alike is not recalled. reach: a case less alike by this has a voice smaller by a factor of e.
#   per_origin: most that the cases of one source and cluster count together.
#   places: weight of a sign by where it was seen; `1` and `2` edges away. rarity: exponent of its rarity.
#   background: share of objects of recorded incidents that have a fact, or are of a kind; it counts as much
#   as `background_cases` cases.
"""
"""Of the file."""
SIZES = (0.1, 0.3, 0.6, 1.0)
"""Shares of the other cases that a casebook has."""
WRONG = (0.1, 0.2, 0.3)
"""Shares of its cases that have a wrong cause."""
BEST = 3
"""Precedents of one case that are learned from: the best ones."""
ROUNDS = 2
FOLDS = 10
RIDGE = 1.0
FEWEST = 4
"""Causes, each with precedents that are right and that are wrong, are twice as many at best."""
RAREST = 0.005
"""Facts that fewer objects have are left out of the background."""


@dataclass(frozen=True, slots=True)
class Example:
    """A precedent: what is known of it, and whether it was right."""

    label: str
    case: str
    features: Mapping[str, float]
    right: bool
    first: bool
    """The best one of its case."""


def fitted(
    full: Sequence[Lived], ablated: Sequence[Lived], start: Model, source: str, day: date
) -> dict[str, Any]:
    """The data of a model that was fitted to these, with how it does on causes that it was not fitted to.
    Places, floor and limits stay as they are in `start`. Raises DataError when there is nothing to learn."""
    background = _background(full)
    weighing = replace(start.weighing, background=background)
    examples = _examples(full, ablated, replace(start, weighing=weighing))
    if len({(example.right, example.label) for example in examples}) < FEWEST:
        raise DataError(
            f"{len(full)} cases are too few or too alike to learn the worth of a past case from",
            hint="learn from cases of several causes, some of them more than once",
        )
    weights = _logistic(examples)
    tested = _cross_validated(examples)
    return {
        "format": FORMAT,
        "date": day.isoformat(),
        "kubelore": kubelore.__version__,
        "source": source,
        "cases": len(full),
        "causes": len({one.problem.label for one in full}),
        "examples": len(examples),
        "cross_validated": _scores(examples, tested),
        "coefficients": {
            name: round(float(w), 3) for name, w in zip(("constant", *FEATURES), weights, strict=True)
        },
        "floor": start.floor,
        "reach": start.reach,
        "per_origin": start.per_origin,
        "places": dict(weighing.places),
        "rarity": weighing.rarity,
        "background_cases": weighing.background_cases,
        "background": background,
    }


def _examples(full: Sequence[Lived], ablated: Sequence[Lived], model: Model) -> list[Example]:
    rng = random.Random(0)  # noqa: S311 - a simulation
    examples: list[Example] = []
    for _ in range(ROUNDS):
        for one, book in _casebooks(full, ablated, rng):
            for cases in (book, _spoiled(book, rng)):
                examples += _of(one, cases, model)
    return examples


def _casebooks(
    full: Sequence[Lived], ablated: Sequence[Lived], rng: random.Random
) -> Iterator[tuple[Lived, list[PastCase]]]:
    """Each case with casebooks that it might meet."""
    taught, untaught = Book.of(full).verified, Book.of(ablated).verified
    for one in full:
        known = [taught[o.problem.id] for o in full if o.problem.group != one.problem.group and o.truth]
        yield one, _some(known, rng)
    for one in ablated:
        mine = one.problem
        mates = [
            o.problem for o in ablated if o.problem.label == mine.label and o.problem.group != mine.group
        ]
        strangers = [taught[o.problem.id] for o in full if o.problem.label != mine.label and o.truth]
        for shown in (0, *SHOWN):
            if len(mates) >= shown:
                seen = [untaught[p.id] for p in rng.sample(mates, shown) if p.id in untaught]
                yield one, seen + _some(strangers, rng)


def _some(cases: Sequence[PastCase], rng: random.Random) -> list[PastCase]:
    return rng.sample(cases, int(len(cases) * rng.choice(SIZES)))


def _spoiled(book: Sequence[PastCase], rng: random.Random) -> list[PastCase]:
    """The casebook with wrong causes among its cases."""
    share, causes = rng.choice(WRONG), [case.root_cause for case in book]
    return [replace(c, root_cause=rng.choice(causes)) if rng.random() < share else c for c in book]


def _of(one: Lived, book: Sequence[PastCase], model: Model) -> Iterator[Example]:
    def strength(precedent: Precedent) -> float:
        return model.log_odds(precedent.features())

    found = sorted(Recall(book, learned=model).precedents(one.evidence), key=strength, reverse=True)
    for place, precedent in enumerate(found[:BEST]):
        right = (precedent.root_cause, precedent.object) == one.truth
        yield Example(one.problem.label, one.problem.id, precedent.features(), right, place == 0)


def _background(lived: Sequence[Lived]) -> dict[str, float]:
    """Share of all objects seen that have each fact, or are of each kind."""
    counts: Counter[str] = Counter()
    objects = 0
    for one in lived:
        for signs in signs_of(one.evidence, one.evidence.objects()).values():
            counts.update(sign.partition(":")[2] for sign in signs if place_of(sign) in (SELF, KIND))
            objects += 1
    usual = {name: round(n / objects, 3) for name, n in sorted(counts.items())}
    return {name: share for name, share in usual.items() if share >= RAREST}


def _logistic(examples: Sequence[Example]) -> Floats:
    """Weights of the constant and of each feature, by Newton's method, drawn to 0."""
    x, y = _matrix(examples), np.array([float(e.right) for e in examples])
    ridge = RIDGE * np.eye(x.shape[1])
    ridge[0, 0] = 0.0
    weights = np.zeros(x.shape[1])
    for _ in range(50):
        p = _sigmoid(x @ weights)
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + ridge, x.T @ (p - y) + ridge @ weights)
        weights -= step
        if float(np.abs(step).max()) < 1e-9:
            break
    return weights


def _cross_validated(examples: Sequence[Example]) -> list[float]:
    """The probability of each example by weights that were learned without its cause."""
    labels = sorted({example.label for example in examples})
    random.Random(1).shuffle(labels)  # noqa: S311 - folds
    fold_of = {label: place % FOLDS for place, label in enumerate(labels)}
    weights = {
        fold: _logistic([e for e in examples if fold_of[e.label] != fold]) for fold in set(fold_of.values())
    }
    return [float(_sigmoid(_matrix([e]) @ weights[fold_of[e.label]])[0]) for e in examples]


def _scores(examples: Sequence[Example], probabilities: Sequence[float]) -> dict[str, float]:
    pairs = [(p, e.right) for p, e in zip(probabilities, examples, strict=True)]
    first = [pair for pair, example in zip(pairs, examples, strict=True) if example.first]
    return {
        "brier": round(calibration.brier(pairs), 4),
        "ece": round(calibration.ece(pairs), 4),
        "right_of_the_first": round(sum(right for _, right in first) / len(first), 3),
        "right_of_the_surest_half": round(calibration.accuracy_at(first, 0.5, len(first)), 3),
    }


def _matrix(examples: Sequence[Example]) -> Floats:
    return np.array([[1.0, *(e.features[name] for name in FEATURES)] for e in examples])


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)), dtype=np.float64)
