"""Which patterns a question is about, or that it is about none of them.

Three readings of a question are weighed together: the phrases that the patterns list, the words that
pattern and question share, and how much of the question is in one line of what people say when they mean the
pattern (`sayings.yaml`). Being about nothing that a pattern covers is one more candidate, with signs of its
own: how near the question is to how-to questions and talk of other things, and whether it is put as they are
(`speech.yaml`, `tone.tsv`). The weights (`matching.yaml`) and the tone are learned from labelled questions,
not the same ones, by `kubelore bench retrieval --fit` and `--tone`.

Vectors would add nothing (docs/log.md), and half a second to every investigation. Patterns come in as
`PatternText`: this package does not know the library.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise
from operator import mul
from typing import NamedTuple, Protocol

from kubelore.knowledge.analyse import query_terms, stem, terms
from kubelore.knowledge.patterns import PatternText
from kubelore.packaged import packaged_text, packaged_yaml

PATTERN_SIGNS = ("phrases", "phrases to be taught", "line", "words")
MOODS = ("plain", "wish in trouble", "wish")
NONE_SIGNS = ("always", "line", "unknown", "tone", "taught", "orders", *MOODS)
TAUGHT = "^<concept>"
"""A question that begins so wants to be taught, so that the name of a trouble in it tells less."""
MOST_TIMES = 3
"""A word that a pattern says more often counts no more."""
SAME = 0.6
"""A line of no pattern that is more alike to a question of none may have been written with it in mind, and is
left out when weights are fitted to that question."""

MOST_SAID = 6
"""Words of a phrase in `speech.yaml`."""

_SPOKEN = re.compile(r"[a-z0-9']+")


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
    """The numbers of `matching.yaml`. A sign that no weight was learned for yet counts nothing."""

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


class Turn(NamedTuple):
    """A turn of phrase."""

    weight: float
    """Above 0 when trouble that a pattern covers is put so, below 0 when other things are."""
    rarity: float


@cache
def packaged_tone() -> Mapping[str, Turn]:
    lines = packaged_text("kubelore.knowledge", "tone.tsv").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("# "))
    return {turn: Turn(float(weight), float(rarity)) for turn, weight, rarity in rows}


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for each candidate of one question."""

    patterns: Sequence[Sequence[float]]
    """PATTERN_SIGNS of each pattern."""
    none: Sequence[float]
    """NONE_SIGNS."""

    def put(self, tone: float) -> Signs:
        """The same with another tone, for fitting."""
        at = NONE_SIGNS.index("tone")
        return replace(self, none=(*self.none[:at], tone, *self.none[at + 1 :]))


@dataclass(frozen=True, slots=True)
class Matched:
    """A pattern that a question may be about."""

    pattern: str
    probability: float


class Matcher:
    """Matches questions to these patterns."""

    def __init__(
        self, patterns: Sequence[PatternText], read: Callable[[str], Reading], model: Model | None = None
    ) -> None:
        self._patterns = patterns
        self._read = read
        self.model = model or packaged_model()

    def match(self, question: str, limit: int = 3) -> list[Matched]:
        """The likeliest patterns, at most `limit`; none when the question is about none of them."""
        if not self._patterns or not question.strip() or asks_meaning(question):
            return []
        found, none = self.weigh(question)
        return [] if none > self.model.silent else found[:limit]

    def weigh(self, question: str) -> tuple[list[Matched], float]:
        """All patterns, likeliest first, and the probability that it is about none of them."""
        chances = probabilities(
            self.signs(question),
            [self.model.patterns.get(name, 0.0) for name in PATTERN_SIGNS],
            [self.model.none.get(name, 0.0) for name in NONE_SIGNS],
        )
        found = [
            Matched(pattern.id, chance) for pattern, chance in zip(self._patterns, chances, strict=False)
        ]
        return sorted(found, key=lambda match: -match.probability), chances[-1]

    def signs(self, question: str, *, fitting: bool = False) -> Signs:
        """What the weights are for. When `fitting`, lines of no pattern that say the SAME are left out."""
        lines = self._lines
        reading = self._read(question)
        asked = {word: lines.rarity(word) for word in query_terms(question)}
        mass = sum(asked.values())
        alike = lines.alike(asked)
        taught = float(TAUGHT in turns(question))
        phrases = [min(1.0, max(0.0, reading.scores.get(pattern.id, 0.0))) for pattern in self._patterns]
        patterns = [
            (
                phrases[index],
                phrases[index] * taught,
                max((alike.get(line, 0.0) for line in lines.of[index]), default=0.0),
                sum(asked[word] * lines.peculiar(word, index) for word in asked) / math.sqrt(mass + 1),
            )
            for index in range(len(self._patterns))
        ]
        none = [alike.get(line, 0.0) for line in lines.none]
        near = max((how for how in none if not (fitting and how >= SAME)), default=0.0)
        unknown = sum(weight for word, weight in asked.items() if word not in lines.known) / (mass or 1.0)
        moods = [float(reading.mood == mood) for mood in MOODS]
        put = [tone(question, packaged_tone()), taught, float(reading.orders), *moods]
        return Signs(patterns, (1.0, near, unknown, *put))

    @cached_property
    def _lines(self) -> _Lines:
        return _Lines.of_patterns(self._patterns)


def probabilities(signs: Signs, patterns: Sequence[float], none: Sequence[float]) -> list[float]:
    """Of each pattern, and last of none of them; they add up to 1. `patterns` and `none` are the weights."""
    odds = [sum(map(mul, patterns, own)) for own in signs.patterns]
    odds.append(sum(map(mul, none, signs.none)))
    most = max(odds)
    raised = [math.exp(one - most) for one in odds]
    return [one / sum(raised) for one in raised]


def turns(text: str) -> frozenset[str]:
    """Turns of phrase: words as they are said, the small ones too, pairs of them, the kinds of talk that they
    are typical of (`speech.yaml`), and what the text begins with."""
    words = _spoken(text)
    kinds = _kinds()
    found = {
        *words,
        *(f"{one} {next_}" for one, next_ in pairwise(words)),
        *(f"^{word}" for word in words[:1]),
    }
    for at in range(len(words)):
        for end in range(at + 1, at + 1 + MOST_SAID):
            typical = kinds.get(words[at:end], ())
            found.update(f"<{kind}>" for kind in typical)
            if at == 0:
                found.update(f"^<{kind}>" for kind in typical)
    return frozenset(found)


def asks_meaning(question: str) -> bool:
    """Whether it only asks what a word means: the name of a trouble in it is then no trouble."""
    said, asked = _spoken(question), _meaning()
    begins = max((len(words) for words in asked.begins if said[: len(words)] == words), default=0)
    rest = said[begins:]
    return begins > 0 and 0 < len(rest) <= asked.most and not asked.never & set(rest)


class _Meaning(NamedTuple):
    """`meaning` of `speech.yaml`."""

    begins: frozenset[tuple[str, ...]]
    never: frozenset[str]
    most: int


@cache
def _meaning() -> _Meaning:
    data = packaged_yaml("kubelore.knowledge", "speech.yaml")["meaning"]
    never = frozenset(root for word in data["never"] for root in _spoken(word))
    return _Meaning(frozenset(map(_spoken, data["begins"])), never, data["most"])


def _spoken(text: str) -> tuple[str, ...]:
    return tuple(stem(word) for word in _SPOKEN.findall(text.lower()))


@cache
def _kinds() -> Mapping[tuple[str, ...], frozenset[str]]:
    """Kinds of talk by the words that are typical of them."""
    kinds = defaultdict(set)
    for kind, phrases in packaged_yaml("kubelore.knowledge", "speech.yaml")["kinds"].items():
        for phrase in phrases:
            kinds[_spoken(phrase)].add(kind)
    return {words: frozenset(found) for words, found in kinds.items()}


def tone(question: str, known: Mapping[str, Turn]) -> float:
    """How much more a question is put as trouble is than as other things are, in log-odds."""
    told = [known[turn] for turn in turns(question) if turn in known]
    length = math.sqrt(sum(turn.rarity**2 for turn in told))
    return sum(turn.weight * turn.rarity for turn in told) / length if told else 0.0


@dataclass(frozen=True)
class _Lines:
    """Everything that patterns and sayings say, line by line."""

    count: int
    of: tuple[range, ...]
    """Lines of each pattern."""
    none: range
    """Lines that mean no pattern."""
    known: Mapping[str, Sequence[int]]
    """The lines that a word is in."""
    said: tuple[Counter[str], ...]
    """In how many lines of each pattern a word is."""

    @classmethod
    def of_patterns(cls, patterns: Sequence[PatternText]) -> _Lines:
        sayings = packaged_yaml("kubelore.knowledge", "sayings.yaml")
        words: list[frozenset[str]] = []
        of = []
        for pattern in patterns:
            own = dict.fromkeys((*sayings["patterns"].get(pattern.id, ()), *pattern.lines()))
            of.append(range(len(words), len(words) + len(own)))
            words += [frozenset(terms(line)) for line in own]
        none = range(len(words), len(words) + len(sayings["none"]))
        words += [frozenset(terms(line)) for line in sayings["none"]]
        known = defaultdict(list)
        for number, line in enumerate(words):
            for word in line:
                known[word].append(number)
        said = tuple(Counter(word for line in lines for word in words[line]) for lines in of)
        return cls(len(words), tuple(of), none, known, said)

    @cached_property
    def _weights(self) -> tuple[float, ...]:
        """What the words of each line weigh."""
        weights = [0.0] * self.count
        for word, lines in self.known.items():
            for line in lines:
                weights[line] += self.rarity(word)
        return tuple(weights)

    def alike(self, asked: Mapping[str, float]) -> dict[int, float]:
        """What each line has in common with a question, of what the words of both weigh: a cosine. Lines that
        have nothing in common are left out."""
        shared: dict[int, float] = defaultdict(float)
        for word, weight in asked.items():
            for line in self.known.get(word, ()):
                shared[line] += weight
        mass = sum(asked.values())
        return {
            line: weight / math.sqrt(mass * self._weights[line]) for line, weight in shared.items() if weight
        }

    def rarity(self, word: str) -> float:
        """1 for a word of no line, 0 for one of all."""
        return math.log((self.count + 1) / (len(self.known.get(word, ())) + 1)) / math.log(self.count + 1)

    def peculiar(self, word: str, pattern: int) -> float:
        """How much a word speaks for a pattern: that it says it often, and others do not."""
        times = self.said[pattern][word]
        if not times:
            return 0.0
        others = sum(1 for said in self.said if word in said)
        rare = math.log((len(self.said) + 1) / (others + 1)) / math.log(len(self.said) + 1)
        return rare * math.sqrt(min(times, MOST_TIMES))
