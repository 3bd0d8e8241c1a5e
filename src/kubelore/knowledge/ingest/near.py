"""Tells passages that say the same in slightly other words: the same page in two places, or of two releases.

They have the same title, differ in few plain words, and in nothing that a command, a name or a number is made
of: what a person would type or compare is never taken from another document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from zlib import crc32

import numpy as np

from kubelore.knowledge.ingest.page import squashed
from kubelore.packaged import packaged_yaml

ALIKE = 0.8
"""Least share of common runs of three words."""
RUN = 3
BANDS, ROWS = 4, 3
"""Four keys of three minima each: with 0.9 of all runs in common, one is the same in 99.5% of cases."""

_CODE = re.compile(r"^(?P<fence>`{3,})[^\n]*\n.*?^(?P=fence)|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_EDGES = ".,;:!?()[]\"“”'’*_"
_MIX = np.random.default_rng(20240601).integers(1, 2**63, (2, BANDS * ROWS), dtype=np.uint64) | np.uint64(1)


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a passage is compared."""

    title: str
    exact: tuple[str, ...]
    """What must be the same: code, and in order numbers, names, options, paths and words that turn a sentence
    around."""
    runs: frozenset[int]
    """Runs of words, hashed."""

    def says_the_same(self, other: Shape) -> bool:
        if self.title != other.title or self.exact != other.exact:
            return False
        common = len(self.runs & other.runs)
        return common >= ALIKE * (len(self.runs) + len(other.runs) - common)


@cache
def _telling() -> frozenset[str]:
    return frozenset(packaged_yaml(__package__, "near.yaml")["telling"])


def shape(title: str, content: str) -> Shape:
    code = tuple(found[0] for found in _CODE.finditer(content))
    outside = (word.strip(_EDGES) for word in _CODE.sub(" ", content).split())
    exact = tuple(word for word in outside if word and (not word.isalpha() or word.lower() in _telling()))
    words = content.lower().split()
    hashed = np.fromiter((crc32(word.strip(_EDGES).encode()) for word in words), np.uint64, len(words))
    return Shape(squashed(title), (*code, *exact), frozenset(_runs(hashed).tolist()))


def keys(passage: Shape) -> tuple[int, ...]:
    """Passages that say the same nearly always share one of these, others hardly ever. 64 bits with sign."""
    if not passage.runs:
        return ()
    runs = np.fromiter(passage.runs, np.uint64, len(passage.runs))
    factors, addends = _MIX
    minima = ((runs[:, None] * factors) + addends).min(axis=0).reshape(BANDS, ROWS)
    title = np.uint64(crc32(passage.title.encode()))
    keys_ = title
    for row in range(ROWS):
        keys_ = (keys_ ^ minima[:, row]) * np.uint64(0x9E3779B97F4A7C15)
    return tuple(np.atleast_1d(keys_).view(np.int64).tolist())


def _runs(words: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    if len(words) < RUN:
        return words
    first, second, third = words[:-2], words[1:-1], words[2:]
    return first * np.uint64(0x9E3779B97F4A7C15) ^ second * np.uint64(0xC2B2AE3D27D4EB4F) ^ third
