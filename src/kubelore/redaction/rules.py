"""Reads `rules.yaml` into compiled rules, once, at first use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from kubelore.packaged import packaged_yaml


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of secret with a form of its own. `needs` are lower case; one must occur in the text."""

    kind: str
    needs: tuple[str, ...]
    find: re.Pattern[str]
    check: str = ""


@dataclass(frozen=True, slots=True)
class KeyWords:
    """What the name in front of a value says about it; words are lower case, kinds are the dict keys."""

    contains: Mapping[str, tuple[str, ...]]
    words: Mapping[str, str]
    ends: tuple[str, ...]
    weak: frozenset[str]
    harmless: frozenset[str]
    harmless_after_word: frozenset[str]
    working_directory: frozenset[str]


@dataclass(frozen=True, slots=True)
class Keep:
    words: frozenset[str]
    shapes: re.Pattern[str]
    reference: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Rules:
    rules: tuple[Rule, ...]
    keys: KeyWords
    keep: Keep


@cache
def source() -> dict[str, Any]:
    """The rules file as written, with its examples."""
    data: dict[str, Any] = packaged_yaml("kubelore.redaction", "rules.yaml")
    return data


@cache
def load() -> Rules:
    data = source()
    keys, keep, parts = data["keys"], data["keep"], data["parts"]
    return Rules(
        rules=tuple(
            Rule(
                r["kind"],
                tuple(n.lower() for n in r["needs"]),
                _compile(r["find"], parts),
                r.get("check", ""),
            )
            for r in data["rules"]
        ),
        keys=KeyWords(
            contains={kind: tuple(words) for kind, words in keys["contains"].items()},
            words={word: kind for kind, words in keys["words"].items() for word in words},
            ends=tuple(keys["ends"]),
            weak=frozenset(keys["weak"]),
            harmless=frozenset(keys["harmless"]),
            harmless_after_word=frozenset(keys["harmless_after_word"]),
            working_directory=frozenset(keys["working_directory"]),
        ),
        keep=Keep(
            words=frozenset(keep["words"]),
            shapes=re.compile("|".join(f"(?:{shape})" for shape in keep["shapes"])),
            reference=re.compile(keep["reference"]),
        ),
    )


def _compile(find: str, parts: Mapping[str, str]) -> re.Pattern[str]:
    """Parts may hold parts that stand before them."""
    for name, part in reversed(list(parts.items())):
        find = find.replace(f"<<{name}>>", part)
    return re.compile(find)
