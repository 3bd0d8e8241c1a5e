"""Learns from labelled questions what their signs weigh: a conditional logit with few weights.

The candidates of a question are the patterns and "none of them"; all labels of a question count as right.
Half a dozen weights for patterns and a few more for "none" are shared by all patterns, so that what is
learned holds for patterns that no question was labelled with.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kubelore.knowledge.matching import (
    NONE_SIGNS,
    PATTERN_SIGNS,
    Model,
    Signs,
    Turn,
    probabilities,
    tone,
    turns,
)

PENALTY = 0.3
"""Of the squares of the weights."""
STEPS, RATE, SLOW = 400, 0.15, 280
"""Of Adam over all questions at once; from SLOW on with a fifth of the rate."""
TONE_PENALTY = 0.33
"""Of the squares of the weights of turns of phrase."""
TONE_LEAST = 2
"""Questions that a turn of phrase must be in."""
TONE_STEPS = 25
MOST_ANSWERED = 0.1
"""Of questions about nothing, cross-validated."""
FREE = 100.0
"""Stands for an intercept that is next to not penalised."""
FOLDS = 5
SEED = 7

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled question by its signs. `right`: shape (patterns + 1,), last for none of them."""

    signs: Signs
    right: NDArray[np.bool_]


def fit(examples: Sequence[Example]) -> tuple[Numbers, Numbers]:
    """Weights of PATTERN_SIGNS and of NONE_SIGNS."""
    patterns = np.array([example.signs.patterns for example in examples])
    none = np.array([example.signs.none for example in examples])
    right = np.stack([example.right for example in examples])
    split = len(PATTERN_SIGNS)
    weights = np.zeros(split + len(NONE_SIGNS))
    mean, spread = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        odds = np.column_stack([patterns @ weights[:split], none @ weights[split:]])
        chance = np.exp(odds - odds.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        wanted = np.where(right, chance, 0)
        wanted /= wanted.sum(axis=1, keepdims=True)
        off = chance - wanted
        slope = np.concatenate([np.einsum("qp,qps->s", off[:, :-1], patterns), none.T @ off[:, -1]])
        slope = (slope + PENALTY * weights) / len(examples)
        mean = 0.9 * mean + 0.1 * slope
        spread = 0.99 * spread + 0.01 * slope**2
        rate = RATE if step < SLOW else RATE / 5
        weights -= rate * mean / (1 - 0.9**step) / (np.sqrt(spread / (1 - 0.99**step)) + 1e-8)
    return weights[:split], weights[split:]


def model(weights: tuple[Numbers, Numbers], silent: float) -> Model:
    patterns, none = (np.round(part, 2).tolist() for part in weights)
    return Model(
        dict(zip(PATTERN_SIGNS, patterns, strict=True)), dict(zip(NONE_SIGNS, none, strict=True)), silent
    )


def held_out(examples: Sequence[Example]) -> list[Numbers]:
    """What each question gets from weights that were fitted without it (and its fold)."""
    order = np.random.default_rng(SEED).permutation(len(examples))
    chances: dict[int, Numbers] = {}
    for fold in range(FOLDS):
        left_out = order[fold::FOLDS].tolist()
        patterns, none = fit([examples[i] for i in order if i not in set(left_out)])
        weights = patterns.tolist(), none.tolist()
        chances |= {i: np.array(probabilities(examples[i].signs, *weights)) for i in left_out}
    return [chances[index] for index in range(len(examples))]


def learn_tone(questions: Sequence[str], trouble: Sequence[bool]) -> dict[str, Turn]:
    """What turns of phrase weigh, from questions of trouble and others: a logistic regression, solved by
    Newton's method in the space of the questions. `matching.tone` says how the weights are used."""
    said = [turns(question) for question in questions]
    often = Counter(turn for each in said for turn in each)
    known = sorted(turn for turn, times in often.items() if times >= TONE_LEAST)
    rarity = np.round([math.log((len(said) + 1) / (often[turn] + 1)) for turn in known], 2)
    rows = np.array([[turn in each for turn in known] for each in said]) * rarity
    rows /= np.maximum(1.0, np.linalg.norm(rows, axis=1, keepdims=True))
    wanted = np.array(trouble, dtype=np.float64)
    alike = rows @ rows.T + FREE
    dual: Numbers = np.zeros(len(questions))
    for _ in range(TONE_STEPS):
        odds = alike @ dual
        chance = 1 / (1 + np.exp(-odds))
        sure = np.maximum(chance * (1 - chance), 1e-6)
        dual = np.asarray(
            np.linalg.solve(alike + np.diag(TONE_PENALTY / sure), odds + (wanted - chance) / sure), np.float64
        )
    weights = np.round(rows.T @ dual, 2).tolist()
    learned = zip(known, weights, rarity.tolist(), strict=True)
    return {turn: Turn(weight, rare) for turn, weight, rare in learned}


def tones(questions: Sequence[str], trouble: Sequence[bool]) -> list[float]:
    """The tone of each question, by weights that were learned without it (and its fold)."""
    order = np.random.default_rng(SEED).permutation(len(questions))
    found: dict[int, float] = {}
    for fold in range(FOLDS):
        left_out = order[fold::FOLDS].tolist()
        kept = sorted(set(range(len(questions))) - set(left_out))
        weights = learn_tone([questions[i] for i in kept], [trouble[i] for i in kept])
        found |= {i: tone(questions[i], weights) for i in left_out}
    return [found[index] for index in range(len(questions))]


def best_silent(examples: Sequence[Example], chances: Sequence[Numbers]) -> float:
    """The highest threshold with which at most MOST_ANSWERED of the questions about none are answered."""
    none = np.array([chance[-1] for chance in chances])
    about_none = np.array([bool(example.right[-1]) and not example.right[:-1].any() for example in examples])
    steps = np.round(np.arange(0.02, 0.99, 0.01), 2)
    return float(max(step for step in steps if (none[about_none] <= step).mean() <= MOST_ANSWERED))
