"""A log cut to what a reader needs: how it begins, every kind of error with its context, how it ends."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from kubelore.analysis.digest import is_loud

FIRST, LAST, ERRORS = 8, 20, 60
"""Lines shown from the start, from the end, and error lines (each with its context) in between."""
BEFORE, AFTER, TRACE = 1, 2, 25
"""Lines of context before and after an error; lines of a stack trace that follow it."""
LONGEST = 600
"""Characters of one line."""

TIMESTAMP = re.compile(
    r"^\d{4}-\d\d-\d\dT(?P<clock>\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)\s?"
)  # what the kubelet puts before each line
VARIABLE = re.compile(
    r"(?<=-)[bcdfghjklmnpqrstvwxz2456789]{5}\b|"  # generated end of a pod's name
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|0x[0-9a-f]+|\b(?=\w*\d)[0-9a-f]{12,}\b|\d+",
    re.IGNORECASE,
)
TRACE_LINE = re.compile(r"\s+\S|Caused by:|\s*at |\.\.\. \d+ more|goroutine \d+|Traceback")


def condense(text: str, is_error: Callable[[str], bool] = is_loud) -> str:
    """The log with repeated lines counted (`x12`), long stretches left out and said to be, and the
    kubelet's timestamps cut to the time of day. A short log comes back whole, repeats counted."""
    lines = [line for line in text.splitlines() if line.strip()]
    bare = [TIMESTAMP.sub("", line) for line in lines]
    keys = [normal_form(line) for line in bare]
    counts = Counter(keys)
    shown, out, skipped = set[str](), list[str](), 0
    wanted = _wanted(bare, keys, is_error)
    last = len(lines) - min(3, LAST)
    for i, key in enumerate(keys):
        if i not in wanted:
            skipped += key not in shown
            continue
        if key in shown and i < last:
            continue
        if skipped:
            out.append(f"... {skipped} lines left out")
            skipped = 0
        repeat = f"  (x{counts[key]})" if counts[key] > 1 and key not in shown else ""
        shown.add(key)
        out.append(_printed(lines[i], bare[i]) + repeat)
    return "\n".join(out)


def normal_form(line: str) -> str:
    """The line without what differs between repeats: numbers, ids, addresses."""
    return VARIABLE.sub("#", line).strip()


def _wanted(bare: Sequence[str], keys: Sequence[str], is_error: Callable[[str], bool]) -> set[int]:
    total = len(bare)
    wanted = {*range(min(FIRST, total)), *range(max(0, total - LAST), total)}
    seen: Counter[str] = Counter()
    for i in range(total):
        if len(seen) > ERRORS or not is_error(bare[i]):
            continue
        seen[keys[i]] += 1
        if seen[keys[i]] > 1:
            continue
        wanted.update(range(max(0, i - BEFORE), min(total, i + 1 + AFTER)))
        end = i + 1
        while end < total and end - i <= TRACE and TRACE_LINE.match(bare[end]):
            end += 1
        wanted.update(range(i, min(end + 1, total)))
    return wanted


def _printed(line: str, bare: str) -> str:
    stamp = TIMESTAMP.match(line)
    text = f"{stamp['clock']} {bare}" if stamp else bare
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ... ({len(text) - LONGEST} characters more)"
