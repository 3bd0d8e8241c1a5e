"""Which patterns a question is about, or that it is about none of them.

Three readings of a question are weighed together: the phrases that the patterns list, the words that
pattern and question share, and how near the question is to what people say when they mean the pattern
(`sayings.yaml`). Being about nothing that a pattern covers is one more candidate, with signs of its own: how
near the question is to how-to questions and talk of other things, and whether it is put as they are
(`tone.tsv`). The weights (`matching.yaml`) and the tone are learned from labelled questions, not the same
ones, by `kubelore bench retrieval --fit` and `--tone`.

Patterns come in as `PatternText`: this package does not know the library.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from kubelore.knowledge.analyse import query_terms, stem, terms
from kubelore.knowledge.patterns import PatternText
from kubelore.packaged import packaged_text, packaged_yaml
from kubelore.protocols import Embedder

if TYPE_CHECKING:
    from kubelore.types import Vector, Vectors

PATTERN_SIGNS = ("phrases", "nearest", "line", "words")
MOODS = ("plain", "wish in trouble", "wish")
NONE_SIGNS = ("always", "nearest", "line", "unknown", "tone", "orders", *MOODS)
MOST_TIMES = 3
"""A word that a pattern says more often counts no more."""
SAME = 0.6
"""Cosine. A line of no pattern that is nearer to a question of none may have been written with it in mind,
and is left out when weights are fitted to that question."""

_SPOKEN = re.compile(r"[a-z0-9']+")

Weights = NDArray[np.float64]


class Reading(Protocol):
    """What the phrases of the patterns make of a question."""

    @property
    def scores(self) -> Mapping[str, float]:
        """By pattern id; 1 is enough by itself."""
        ...

    @property
    def mood(self) -> str:
        """`trouble`, `plain`, `wish in trouble` or `wish`."""
        ...

    @property
    def orders(self) -> bool:
        """Whether it begins by telling somebody to do something."""
        ...


@dataclass(frozen=True, slots=True)
class Model:
    """The numbers of `matching.yaml`."""

    patterns: Mapping[str, float]
    """Weights of PATTERN_SIGNS."""
    none: Mapping[str, float]
    """Weights of NONE_SIGNS."""
    silent: float
    """With a higher probability of being about no pattern, nothing is matched."""


@cache
def packaged_model() -> Model:
    data = packaged_yaml("kubelore.knowledge", "matching.yaml")
    return Model(data["patterns"], data["none"], data["silent"])


@cache
def packaged_tone() -> Mapping[str, float]:
    """How much each turn of phrase is one of trouble that a pattern covers: above 0 for, below 0 against."""
    lines = packaged_text("kubelore.knowledge", "tone.tsv").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("# "))
    return {turn: float(weight) for turn, weight in rows}


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for each candidate of one question."""

    patterns: Weights
    """Shape (patterns, PATTERN_SIGNS)."""
    none: Weights
    """Shape (NONE_SIGNS,)."""

    def put(self, tone: float) -> Signs:
        """The same with another tone, for fitting."""
        none = self.none.copy()
        none[NONE_SIGNS.index("tone")] = tone
        return Signs(self.patterns, none)


@dataclass(frozen=True, slots=True)
class Matched:
    """A pattern that a question may be about."""

    pattern: str
    probability: float
    saying: str
    """The line of the pattern that is nearest to the question."""


class Matcher:
    """Matches questions to these patterns."""

    def __init__(
        self,
        patterns: Sequence[PatternText],
        read: Callable[[str], Reading],
        embedder: Embedder,
        model: Model | None = None,
    ) -> None:
        self._patterns = patterns
        self._read = read
        self._embedder = embedder
        self.model = model or packaged_model()

    def match(self, question: str, limit: int = 3) -> list[Matched]:
        """The likeliest patterns, at most `limit`; none when the question is about none of them."""
        if not self._patterns or not question.strip():
            return []
        found, none = self.weigh(question)
        return [] if none > self.model.silent else found[:limit]

    def weigh(self, question: str) -> tuple[list[Matched], float]:
        """All patterns, likeliest first, and the probability that it is about none of them."""
        signs = self.signs(question)
        chances = probabilities(
            signs,
            np.array([self.model.patterns[name] for name in PATTERN_SIGNS]),
            np.array([self.model.none[name] for name in NONE_SIGNS]),
        )
        near = self._lines.vectors @ self._vector(question)
        found = [
            Matched(
                pattern.id,
                float(chance),
                self._lines.texts[max(self._lines.of[index], key=lambda line: float(near[line]))],
            )
            for index, (pattern, chance) in enumerate(zip(self._patterns, chances[:-1], strict=True))
        ]
        return sorted(found, key=lambda match: -match.probability), float(chances[-1])

    def signs(self, question: str, *, fitting: bool = False) -> Signs:
        """What the weights are for. When `fitting`, lines of no pattern that say the SAME are left out."""
        lines = self._lines
        near = lines.vectors @ self._vector(question)
        none = [line for line in lines.none if near[line] < SAME] if fitting else lines.none
        reading = self._read(question)
        asked = {word: lines.rarity(word) for word in query_terms(question)}
        mass = sum(asked.values())
        alike = np.array([_alike(asked, mass, line, weight) for line, weight in lines.words])
        patterns = [
            (
                min(1.0, max(0.0, reading.scores.get(pattern.id, 0.0))),
                near[lines.of[index]].max(),
                alike[lines.of[index]].max(),
                sum(asked[word] * lines.peculiar(word, index) for word in asked) / math.sqrt(mass + 1),
            )
            for index, pattern in enumerate(self._patterns)
        ]
        unknown = sum(weight for word, weight in asked.items() if not lines.known[word]) / (mass or 1.0)
        moods = [float(reading.mood == mood) for mood in MOODS]
        put = [tone(question, packaged_tone()), float(reading.orders), *moods]
        none_signs = np.array([1.0, near[none].max(), alike[none].max(), unknown, *put])
        return Signs(np.array(patterns), none_signs)

    def _vector(self, question: str) -> Vector:
        vector: Vector = self._embedder.embed([question])[0]
        return vector

    @cached_property
    def _lines(self) -> _Lines:
        return _Lines.of_patterns(self._patterns, self._embedder)


def probabilities(signs: Signs, patterns: Weights, none: Weights) -> Weights:
    """Of each pattern, and last of none of them; they add up to 1."""
    odds = np.append(signs.patterns @ patterns, signs.none @ none)
    raised = np.exp(odds - odds.max())
    shares: Weights = raised / raised.sum()
    return shares


def _alike(asked: Mapping[str, float], mass: float, line: frozenset[str], weight: float) -> float:
    """What question and line have in common, of what they weigh: a cosine of their words."""
    if not mass or not weight:
        return 0.0
    return sum(asked[word] for word in line if word in asked) / math.sqrt(mass * weight)


def turns(text: str) -> frozenset[str]:
    """Turns of phrase: words as they are said, the small ones too, and pairs of them."""
    words = [stem(word) for word in _SPOKEN.findall(text.lower())]
    return frozenset((*words, *(f"{one} {next_}" for one, next_ in pairwise(words))))


def tone(question: str, weights: Mapping[str, float]) -> float:
    """How much more a question is put as trouble is than as other things are, in log-odds."""
    told = [weights[turn] for turn in turns(question) if turn in weights]
    return sum(told) / math.sqrt(len(told)) if told else 0.0


@dataclass(frozen=True)
class _Lines:
    """Everything that patterns and sayings say, line by line."""

    texts: tuple[str, ...]
    of: tuple[list[int], ...]
    """Lines of each pattern."""
    none: list[int]
    """Lines that mean no pattern."""
    words: tuple[tuple[frozenset[str], float], ...]
    """Of each line, and what they weigh."""
    known: Counter[str]
    """In how many lines a word is."""
    said: tuple[Counter[str], ...]
    """In how many lines of each pattern a word is."""
    vectors: Vectors

    @classmethod
    def of_patterns(cls, patterns: Sequence[PatternText], embedder: Embedder) -> _Lines:
        sayings = packaged_yaml("kubelore.knowledge", "sayings.yaml")
        texts: list[str] = []
        of = []
        for pattern in patterns:
            own = tuple(dict.fromkeys((*sayings["patterns"].get(pattern.id, ()), *pattern.lines())))
            of.append(list(range(len(texts), len(texts) + len(own))))
            texts += own
        none = list(range(len(texts), len(texts) + len(sayings["none"])))
        texts += sayings["none"]
        words = [frozenset(terms(text)) for text in texts]
        known = Counter(word for line in words for word in line)
        said = tuple(Counter(word for line in lines for word in words[line]) for lines in of)
        lines = cls(tuple(texts), tuple(of), none, (), known, said, embedder.embed(texts))
        weighed = tuple((line, sum(lines.rarity(word) for word in line)) for line in words)
        return cls(lines.texts, lines.of, none, weighed, known, said, lines.vectors)

    def rarity(self, word: str) -> float:
        """1 for a word of no line, 0 for one of all."""
        return math.log((len(self.texts) + 1) / (self.known[word] + 1)) / math.log(len(self.texts) + 1)

    def peculiar(self, word: str, pattern: int) -> float:
        """How much a word speaks for a pattern: that it says it often, and others do not."""
        times = self.said[pattern][word]
        if not times:
            return 0.0
        others = sum(1 for said in self.said if word in said)
        rare = math.log((len(self.said) + 1) / (others + 1)) / math.log(len(self.said) + 1)
        return rare * math.sqrt(min(times, MOST_TIMES))
