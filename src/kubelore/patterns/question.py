"""Which patterns a user's words speak for, before any cluster is read.

Two strategies: `words` weighs the phrases of each pattern over normalised words and asks whether the
question is about trouble at all; `substring` takes the first patterns that have a trigger somewhere in
the question, and is kept to compare with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, get_args

from kubelore.errors import UsageError
from kubelore.packaged import packaged_yaml
from kubelore.patterns.load import Library
from kubelore.patterns.model import Pattern, Phrases

Strategy = Literal["words", "substring"]

LEVELS: Mapping[str, float] = {"certain": 1.4, "strong": 1.0, "topic": 0.7, "hint": 0.35, "against": -0.7}
"""What a matched phrase adds."""
Mood = Literal["trouble", "plain", "wish in trouble", "wish"]
FLOOR: Mapping[Mood, float] = {"trouble": 0.35, "plain": 0.7, "wish in trouble": 1.0, "wish": 1.4}
"""What the phrases of a pattern must add up to before it fires. To fire on a mere wish, one phrase must do
it alone: a long how-to has words of many patterns."""
GAP = 3
"""Words that may stand between those of one phrase."""

Tokens = tuple[str, ...]
Places = Mapping[str, Sequence[int]]


@dataclass(frozen=True, slots=True)
class PatternMatch:
    pattern: Pattern
    score: float
    phrases: tuple[str, ...] = ()
    """What spoke for it."""


def match(
    question: str, library: Library, strategy: Strategy = "words", limit: int = 2
) -> list[PatternMatch]:
    """The patterns the question is about, best first, at most `limit`; none when it is about no trouble."""
    if strategy not in get_args(Strategy):
        raise UsageError(f"unknown strategy {strategy}", hint=f"one of: {', '.join(get_args(Strategy))}")
    return _STRATEGIES[strategy](question, library)[:limit]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a question says before it is decided what it is about."""

    scores: Mapping[str, float]
    """What the phrases of each pattern add up to, by its id; 0 where none is there."""
    mood: Mood
    orders: bool
    """Its first word tells somebody to do something."""


def read(question: str, library: Library) -> Reading:
    """The phrases of a question and its mood, for those who weigh them beside other signs."""
    places = _places(words(question))
    scores = {
        pattern.id: sum(_found(_weights(pattern.phrases, pattern.triggers), places).values())
        for pattern in library.patterns
    }
    orders = any(word in _reading().order for word in _plain(question)[:1])
    return Reading(scores, _mood(question), orders)


def _by_substring(question: str, library: Library) -> list[PatternMatch]:
    text = question.lower()
    found = []
    for pattern in library.patterns:
        hits = tuple(t for t in pattern.triggers if t.lower() in text)
        if hits:
            found.append(PatternMatch(pattern, 1.0, hits))
    return found


def _by_words(question: str, library: Library) -> list[PatternMatch]:
    places = _places(words(question))
    mood = _mood(question)
    found = []
    for pattern in library.patterns:
        hits = _found(_weights(pattern.phrases, pattern.triggers), places)
        score = sum(hits.values())
        if (max(hits.values(), default=0.0) if mood == "wish" else score) >= FLOOR[mood]:
            found.append(PatternMatch(pattern, round(score, 3), tuple(hits)))
    return sorted(found, key=lambda m: -m.score)


_STRATEGIES: Mapping[str, Callable[[str, Library], list[PatternMatch]]] = {
    "words": _by_words,
    "substring": _by_substring,
}


# -- words -----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Reading:
    same: Mapping[str, str]
    trouble: frozenset[str]
    wish: tuple[Tokens, ...]
    mend: tuple[Tokens, ...]
    order: frozenset[str]
    compare: frozenset[str]


@cache
def _reading() -> _Reading:
    data = packaged_yaml("kubelore.patterns", "question.yaml")
    same = {variant: word for word, variants in data["same"].items() for variant in variants}
    return _Reading(
        same,
        frozenset(_root(same.get(w, w)) for w in data["trouble"]),
        tuple(tuple(phrase.split()) for phrase in data["wish"]),
        tuple(tuple(phrase.split()) for phrase in data["mend"]),
        frozenset(data["order"]),
        frozenset(data["compare"]),
    )


WORD = re.compile(r"\d+/\d+|[A-Za-z]+'[a-z]+|[A-Za-z0-9]+(?:[.][A-Za-z0-9]+)*|[0-9]+%?")
CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
SUFFIXES = ("ings", "ing", "edly", "ed", "ies", "es", "s", "er", "e", "y")


def words(text: str) -> list[tuple[str, ...]]:
    """The roots of each word, in order. `CrashLoopBackOff` is itself and crash, loop, back, off; `0/3`
    and `2/5` are the same; inflections and the synonyms of question.yaml are folded."""
    return [_forms(word) for word in WORD.findall(text)]


@lru_cache(maxsize=20_000)
def _forms(word: str) -> tuple[str, ...]:
    if "/" in word:
        return ("n/n",)
    parts = CAMEL.findall(word)
    whole = [word, *parts] if len(parts) > 1 and not word.isupper() else [word]
    if "." in word:
        whole += [word.replace(".", ""), *word.split(".")]
    same = _reading().same
    lower = (part.lower() for part in whole)
    return tuple(dict.fromkeys(_root(same.get(part, same.get(_root(part), part))) for part in lower))


def _root(word: str) -> str:
    """The word without its inflection: scheduled, scheduling and schedule are one."""
    if len(word) < 4 or not word.isalpha():
        return word
    for suffix in SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3 and not word.endswith("ss"):
            word = word[: -len(suffix)]
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            return word
    return word


def _places(tokens: Iterable[tuple[str, ...]]) -> Places:
    places: dict[str, list[int]] = {}
    for index, forms in enumerate(tokens):
        for form in forms:
            places.setdefault(form, []).append(index)
    return places


# -- phrases ---------------------------------------------------------------------------------------
@lru_cache(maxsize=1_000)
def _weights(phrases: Phrases, triggers: tuple[str, ...]) -> tuple[tuple[str, Tokens, float], ...]:
    """(phrase, roots, weight) of a pattern, heaviest and longest first."""
    levels: dict[str, tuple[str, ...]] = {level: getattr(phrases, level) for level in LEVELS}
    known = {phrase.lower() for level in levels.values() for phrase in level}
    levels["strong"] += tuple(t for t in triggers if t.lower() not in known)
    found = [
        (phrase, tuple(forms[0] for forms in words(phrase)), LEVELS[level])
        for level, listed in levels.items()
        for phrase in listed
    ]
    return tuple(sorted(found, key=lambda p: (-abs(p[2]), -len(p[1]), p[0])))


def _found(phrases: Iterable[tuple[str, Tokens, float]], places: Places) -> dict[str, float]:
    """Weights of the phrases that the question has; no word of it counts for two."""
    hits: dict[str, float] = {}
    used: set[int] = set()
    for phrase, tokens, weight in phrases:
        span = _find(tokens, places)
        if span is None or (weight > 0 and span <= used):
            continue
        hits[phrase] = weight
        used |= span
    return hits


def _find(tokens: Tokens, places: Places) -> frozenset[int] | None:
    """Positions of all words of a phrase, in any order, at most GAP foreign words between them."""
    if not tokens or any(token not in places for token in tokens):
        return None
    if len(tokens) == 1:
        return frozenset(places[tokens[0]])
    reach = len(tokens) - 1 + GAP
    for start in places[tokens[0]]:
        near = [
            min(places[token], key=lambda at, start=start: abs(at - start))  # type: ignore[misc]
            for token in tokens
        ]
        if max(near) - min(near) <= reach:
            return frozenset(near)
    return None


CLAUSE = re.compile(r"[.?!:;,|()\[\]]+\s|\s-+\s|\s\|\s|$")


def _mood(question: str) -> Mood:
    """Whether the question tells of trouble, or wishes for something."""
    reading = _reading()
    clauses = [c for c in CLAUSE.split(question) if c.strip()]
    trouble = [_has_trouble(clause) for clause in clauses]
    wishes = [_is_wish(clause) for clause in clauses]
    if any(t and not w for t, w in zip(trouble, wishes, strict=True)):
        return "trouble"
    if any(wishes):
        return "wish in trouble" if any(trouble) else "wish"
    plain = _plain(question)
    return "wish" if plain[:1] and (plain[0] in reading.order or reading.compare & set(plain)) else "plain"


def _has_trouble(clause: str) -> bool:
    trouble = _reading().trouble
    return any(form in trouble for forms in words(clause) for form in forms)


def _is_wish(clause: str) -> bool:
    plain = _plain(clause)
    if _begins(plain, _reading().mend, range(len(plain))):
        return False
    return _begins(plain, _reading().wish, range(2))


def _plain(text: str) -> Tokens:
    return tuple(re.findall(r"[a-z0-9']+", text.lower()))


def _begins(plain: Tokens, phrases: Iterable[Tokens], starts: Iterable[int]) -> bool:
    return any(plain[i : i + len(phrase)] == phrase for i in starts for phrase in phrases)
