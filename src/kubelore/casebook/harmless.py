"""What of a case may be shown to another investigation: short statements, without names, never an order.

The signs of a case teach; these texts only say, to people and models, what it was about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from kubelore.casebook.text import cut
from kubelore.packaged import packaged_yaml
from kubelore.types import Ref

MAX_TEXT = 300
SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n+")
EDGES = " \t\"'`*_-#>.,:;!()[]"
MAX_WORD = 40
"""Characters of a word that a cluster may choose freely; reasons that Kubernetes itself gives are shorter."""
PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
MIN_NAME = 3
"""Shorter names are words of any text."""
ELSEWHERE = (
    (re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), "<email>"),
    (re.compile(r"\b[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:/[\w.-]+)+(?::[\w.-]+)?"), "<image>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "<ip>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b[a-z0-9][a-z0-9-]*(?:\.[a-z][a-z0-9-]*){2,}\b"), "<host>"),
)
"""Names that are no objects: people, images, addresses."""


@dataclass(frozen=True, slots=True)
class _Rules:
    begins: frozenset[str]
    speaks: re.Pattern[str]
    roles: frozenset[str]
    never: tuple[str, ...]


@cache
def _rules() -> _Rules:
    data = packaged_yaml("kubelore.casebook", "harmless.yaml")
    spoken = "|".join(re.escape(words).replace(r"\ ", r"\s+") for words in data["speaks"])
    return _Rules(
        begins=frozenset(data["begins"]),
        speaks=re.compile(rf"\b(?:{spoken})\b"),
        roles=frozenset(data["roles"]),
        never=tuple(data["never"]),
    )


def statements(text: str) -> str:
    """The sentences of a text that state something; those that speak to the reader are left out."""
    return cut(" ".join(part for part in SENTENCE.split(text) if _states(part)), MAX_TEXT)


def _states(sentence: str) -> bool:
    plain = sentence.strip(EDGES).lower()
    if not plain or plain in _rules().roles or any(mark in sentence for mark in _rules().never):
        return False
    first = re.match(r"[a-z]+", plain)
    return not (first and first[0] in _rules().begins) and not _rules().speaks.search(plain)


def is_harmless(word: str) -> bool:
    """Whether a word that a cluster chose may be shown: IgnorePreviousInstructions is an order too."""
    parts = " ".join(part.lower() for part in PARTS.findall(word))
    return len(word) <= MAX_WORD and not _rules().speaks.search(parts)


def nameless(text: str, refs: Iterable[Ref], names: Iterable[str] = ()) -> str:
    """The text with the names of these objects, of their namespaces and pods, and with `names`, addresses
    and images replaced by what they are."""
    for pattern, what in ELSEWHERE:
        text = pattern.sub(what, text)
    known = dict.fromkeys(names, "<cluster>")
    for ref in sorted(refs):  # a name that several objects have stands for the first kind of them
        known.setdefault(ref.name, f"<{ref.kind.lower()}>")
        known.setdefault(ref.namespace, "<namespace>")
    long = sorted((name for name in known if len(name) >= MIN_NAME and name in text), key=len, reverse=True)
    if long:
        # What a controller makes is called after it: name-78d4897f95-8495j, name-0.
        joined = "|".join(map(re.escape, long))
        found = re.compile(rf"(?<![\w-])({joined})(?:-[a-z0-9]{{1,10}}){{0,2}}(?![\w-])")
        text = found.sub(lambda match: known[match[1]], text)
    return text
