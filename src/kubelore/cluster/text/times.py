"""Ages and dates as kubectl writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_UNITS = {"y": 365 * 86400, "w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}
_PART = re.compile(r"(\d{1,7})([ywdhms])")
_DESCRIBED_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}")
_FORMATS = (
    "%a, %d %b %Y %H:%M:%S %z",  # describe
    "%Y-%m-%d %H:%M:%S %z",  # "Created on" of a NetworkPolicy, before the name of its zone
    "%Y-%m-%dT%H:%M:%S%z",  # CREATED AT columns
)


def parse_age(text: str) -> timedelta | None:
    """`73s`, `4h10m`, `2y17d`; None for anything else, such as `<unknown>`."""
    parts = _PART.findall(text.strip())
    if not parts or "".join(n + unit for n, unit in parts) != text.strip():
        return None
    return timedelta(seconds=sum(int(n) * _UNITS[unit] for n, unit in parts))


def parse_date(text: str) -> datetime | None:
    """`Fri, 28 Nov 2025 15:31:20 +0800` and the other forms with an offset; None for anything else."""
    words = text.strip()
    if re.search(r"[+-]\d{4} [A-Z]{2,5}$", words):
        words = words.rpartition(" ")[0]
    for form in _FORMATS:
        try:
            return datetime.strptime(words, form)
        except ValueError:
            continue
    return None


def offset_in(text: str) -> timezone | None:
    """The offset of the first date of a description: all are in the zone of whoever ran kubectl."""
    match = _DESCRIBED_DATE.search(text)
    moment = parse_date(match[0]) if match else None
    return timezone(moment.utcoffset() or timedelta()) if moment else None


def stamp(moment: datetime) -> str:
    """As the API server writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def date_stamp(text: str) -> str | None:
    moment = parse_date(text)
    return stamp(moment) if moment else None


def ago(now: datetime, age: str) -> str | None:
    """The moment that was `age` before `now`; None where the age is not known."""
    passed = parse_age(age)
    try:
        return stamp(now - passed) if passed is not None else None
    except OverflowError:
        return None
