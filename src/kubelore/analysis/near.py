"""Names and labels that were probably meant: typing errors, other separators, moved labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from functools import lru_cache

ALIKE = 0.8


def similar(left: str, right: str) -> bool:
    """Whether one name is likely the other, mistyped: separators, case, plural, one or two letters.

    Names with other numbers in them are siblings, not misspellings.
    """
    (a, digits), (b, other_digits) = _plain(left), _plain(right)
    if a == b:
        return True
    if digits != other_digits or min(len(a), len(b)) < 4 or abs(len(a) - len(b)) > 3:
        return False
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    return matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE


@lru_cache(maxsize=8192)
def _plain(name: str) -> tuple[str, str]:
    plain = name.lower().replace("-", "").replace("_", "").replace(".", "")
    return plain, "".join(c for c in plain if c.isdigit())


def closest(name: str, candidates: Iterable[str]) -> str:
    """The candidate most like `name`, "" when none is like it."""
    alike = [c for c in candidates if c != name and similar(name, c)]
    return max(alike, key=lambda c: SequenceMatcher(None, _plain(name)[0], _plain(c)[0]).ratio(), default="")


def selector_distance(selector: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """How `labels` nearly satisfy a plain selector: a label to compare with, "" when they do not.

    Near means all pairs but one hold, or the only pair has a like value, or a like value under another key.
    """
    wrong = [(k, v) for k, v in selector.items() if labels.get(k) != v]
    if len(wrong) != 1:
        return ""
    key, value = wrong[0]
    if key in labels and (len(selector) > 1 or similar(value, labels[key])):
        return f"{key}={labels[key]}"
    for other, have in labels.items():
        if have == value or (similar(other, key) and similar(have, value)):
            return f"{other}={have}"
    return f"{key} is not set" if len(selector) > 1 else ""
