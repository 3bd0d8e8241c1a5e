"""Cuts an observation to the lines that matter, within a token budget. What matters is in `digest.yaml`."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from kubelore.packaged import packaged_yaml

LONGEST = 400
"""Characters of a kept line; longer ones are cut."""
ALIKE = 2
"""Lines that differ in numbers and ids only: this many keep their weight."""
RATIO = re.compile(r"(?:^|\s)(\d+)/(\d+)(?=\s|$)")
HEADER = re.compile(
    r"\s*[A-Z][A-Z0-9%()/_-]*(?: [A-Z0-9%()/_-]+)*(?:\s{2,}[A-Z%][A-Z0-9%()/_-]*(?: [A-Z0-9()-]+)*)+\s*"
)
VARIES = re.compile(r"\b(?=\w*\d)[0-9a-z]{5,10}\b|(?<=-)[bcdfghjklmnpqrstvwxz2456789]{5}\b|\d+")
"""Numbers and generated parts of names."""
PADDING = re.compile(r"\s{2,}")
LOG_TAIL, LOG_WEIGHT = 3, 4
"""The last lines of a log weigh at least this."""


@dataclass(frozen=True, slots=True)
class _Rules:
    weights: tuple[tuple[int, re.Pattern[str]], ...]
    loud: re.Pattern[str]
    calm: re.Pattern[str]
    chars_per_token: float


@cache
def _rules() -> _Rules:
    raw = packaged_yaml("kubelore.analysis", "digest.yaml")
    loud = "|".join(raw["loud"])
    weights = (
        (entry["weight"], re.compile("|".join(loud if p == "LOUD" else p for p in entry["any"])))
        for entry in raw["lines"]
    )
    return _Rules(
        weights=tuple(sorted(weights, key=lambda pair: -pair[0])),
        loud=re.compile(loud),
        calm=re.compile("|".join(raw["calm"])),
        chars_per_token=raw["chars_per_token"],
    )


def estimate_tokens(text: str) -> int:
    """About how many tokens a model sees in Kubernetes text: one for 3.5 characters, rounded up."""
    return math.ceil(len(text) / _rules().chars_per_token)


def is_loud(line: str) -> bool:
    """Whether a log line speaks of trouble, in the words and level names that programs use."""
    return bool(_rules().loud.search(line)) and not _rules().calm.search(line)


def digest(text: str, budget_tokens: int = 400) -> str:
    """The lines of `text` that matter most, in their order, within about `budget_tokens`.

    A text within the budget comes back as it is. Otherwise healthy rows, Normal events and noise go, then
    whatever weighs least; a heading stays when something under it does. The last line says how many lines
    were left out. Never fails, whatever the text is.
    """
    if estimate_tokens(text) <= budget_tokens:
        return text
    lines = [_cut(line) for line in text.splitlines()]
    filled = [i for i, line in enumerate(lines) if line]
    weights, headings = _weigh(lines), _headings(lines)
    left = int(budget_tokens * _rules().chars_per_token) - len(_left_out(len(filled)))
    kept: set[int] = set()
    for i in sorted(filled, key=lambda i: (-weights[i], i)):
        if weights[i] <= 0:
            break
        new = [j for j in (*headings[i], i) if j not in kept]
        cost = sum(len(lines[j]) + 1 for j in new)
        if cost <= left:
            kept.update(new)
            left -= cost
    return "\n".join([*(lines[i] for i in sorted(kept)), _left_out(len(filled) - len(kept))])


def _left_out(count: int) -> str:
    return f"({count} lines left out)"


def _cut(line: str) -> str:
    """The line with its indentation, without the padding of its columns, and not longer than LONGEST."""
    body = line.strip()
    line = line[: len(line) - len(line.lstrip())] + PADDING.sub("  ", body)
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _weigh(lines: Sequence[str]) -> list[float]:
    """A weight for each line: its rule's, less for its third like and further."""
    seen: Counter[str] = Counter()
    weights = [0.0 if line.endswith(":") or HEADER.fullmatch(line) else _weight(line) for line in lines]
    weights[0] = max(weights[0], 9.0)
    _lift_log_ends(lines, weights)
    for i, line in enumerate(lines):
        form = VARIES.sub("#", line)
        seen[form] += 1
        if seen[form] > ALIKE and weights[i] > 0:
            weights[i] = min(weights[i], 0.5)
    return weights


def _weight(line: str) -> float:
    if _rules().calm.search(line):
        return 1.0
    short = any(int(ready) < int(wanted) for ready, wanted in RATIO.findall(line[:LONGEST]))
    if short and not re.search(r"\bCompleted\b|\bSucceeded\b", line):
        return 8.0
    for weight, pattern in _rules().weights:
        if pattern.search(line[: 4 * LONGEST]):
            return float(weight)
    return 1.0


def _lift_log_ends(lines: Sequence[str], weights: list[float]) -> None:
    """The end of a log says how it ended, in whatever words."""
    start = None
    for i, line in enumerate([*lines, "--- "]):
        if line.startswith("--- "):
            if start is not None:
                for j in range(max(start, i - LOG_TAIL), i):
                    weights[j] = max(weights[j], LOG_WEIGHT)
            start = i + 1


def _headings(lines: Sequence[str]) -> list[tuple[int, ...]]:
    """For each line the headings it stands under: less indented lines that end in a colon, and the
    header of its table."""
    above: list[tuple[int, int]] = []
    table: tuple[int, int] | None = None
    found: list[tuple[int, ...]] = []
    for i, line in enumerate(lines):
        depth = len(line) - len(line.lstrip())
        while above and line and above[-1][0] >= depth:
            above.pop()
        if not line or (table and depth < table[0]):
            table = None
        own = [index for _, index in above]
        if table:
            own.append(table[1])
        found.append(tuple(own))
        if HEADER.fullmatch(line):
            table = (depth, i)
        elif line.endswith(":"):
            above.append((depth, i))
    return found
