"""Regular expressions over long texts, made quick: a rule is tried only where one of its words occurs.

Every alternative of a pattern contains some literal text; looking for that first, with `in`, is an order of
magnitude cheaper than the alternation itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SHORTEST = 3
"""A shorter literal is in too many lines to be worth the look."""
GROUP = re.compile(r"\?:|\?P<\w+>|\?-?[a-z]+:|(?!\?)")
"""What may follow the parenthesis of a group that matches text."""


@dataclass(frozen=True, slots=True)
class Needle:
    """A pattern, case ignored, with literals of which one is in every text it matches (none: unknown)."""

    pattern: re.Pattern[str]
    literals: tuple[str, ...]

    def search(self, text: str, lowered: str) -> re.Match[str] | None:
        """`lowered` is `text.lower()`, made once by the caller for all needles."""
        if self.literals and not any(literal in lowered for literal in self.literals):
            return None
        return self.pattern.search(text)


def needle(pattern: str) -> Needle:
    return Needle(re.compile(pattern, re.IGNORECASE), tuple(sorted(_words(pattern))))


def _words(pattern: str) -> set[str]:
    """Literals of which every match contains one; empty when that cannot be told."""
    found = [_of_sequence(alternative) for alternative in _alternatives(pattern)]
    return set().union(*found) if all(found) else set()


def _of_sequence(pattern: str) -> set[str]:
    """The same for one alternative: of all that it must contain, what is longest."""
    candidates: list[set[str]] = []
    run, i = "", 0
    while i < len(pattern):
        char, after = pattern[i], _end(pattern, i)
        optional = pattern[after : after + 1] in ("?", "*", "{")
        plain = _plain(pattern[i:after])
        if plain and not optional:
            run += plain
        else:
            candidates.append({run})
            run = ""
            if char == "(" and not optional:
                candidates.append(_of_group(pattern[i + 1 : after - 1]))
        if pattern[after : after + 1] == "+":
            candidates.append({run})
            run = ""
        i = _after_quantifier(pattern, after)
    candidates.append({run})
    best = max(candidates, key=_shortest)
    return {word.lower() for word in best} if _shortest(best) >= SHORTEST else set()


def _shortest(words: set[str]) -> int:
    return min(map(len, words), default=0)


def _of_group(inner: str) -> set[str]:
    opening = GROUP.match(inner)
    if opening is None:
        return set()  # a lookaround
    return _words(inner[opening.end() :])


def _plain(piece: str) -> str:
    """The character a piece stands for; "" when it stands for several."""
    if piece.startswith("\\"):
        return "" if piece[1].isalnum() else piece[1]
    return piece if len(piece) == 1 and piece not in ".^$?*+{}|" else ""


def _end(pattern: str, start: int) -> int:
    """The index after the character, escape, class or group that begins at `start`."""
    match pattern[start]:
        case "\\":
            return start + 2
        case "[":
            i = start + 1 + (pattern[start + 1] == "^")
            i += pattern[i] == "]"
            while pattern[i] != "]":
                i += 2 if pattern[i] == "\\" else 1
            return i + 1
        case "(":
            i = start + 1
            while pattern[i] != ")":
                i = _end(pattern, i)
            return i + 1
    return start + 1


def _after_quantifier(pattern: str, i: int) -> int:
    char = pattern[i : i + 1]
    if char and char in "?*+":
        return i + 1 + (pattern[i + 1 : i + 2] == "?")
    return pattern.index("}", i) + 1 if char == "{" else i


def _alternatives(pattern: str) -> list[str]:
    parts, start, i = [], 0, 0
    while i < len(pattern):
        if pattern[i] == "|":
            parts.append(pattern[start:i])
            start = i + 1
        i = _end(pattern, i)
    return [*parts, pattern[start:]]
