"""Cron schedules as the CronJob controller reads them, and when a run was last due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

MACROS = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
DAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
LOOK_BACK_DAYS = 4 * 366
"""The rarest schedule, 29 February, comes once in this time."""


@dataclass(frozen=True, slots=True)
class Schedule:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    """Both day fields are restricted: a day that satisfies one of them counts."""

    def _on(self, day: datetime) -> bool:
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        wanted = in_month or in_week if self.either_day else in_month and in_week
        return day.month in self.months and wanted

    def last_due(self, before: datetime, zone: tzinfo = UTC) -> datetime | None:
        """The latest run due at or before this moment; None when there was none in four years."""
        local = before.astimezone(zone)
        for back in range(LOOK_BACK_DAYS):
            day = local - timedelta(days=back)
            if not self._on(day):
                continue
            limit = (local.hour, local.minute) if back == 0 else (23, 59)
            times = [(h, m) for h in self.hours for m in self.minutes if (h, m) <= limit]
            if times:
                hour, minute = max(times)
                return day.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return None


def parse_schedule(text: str) -> Schedule:
    """Five fields or a macro such as @daily. Raises ValueError when it is neither."""
    fields = MACROS.get(text.strip().lower(), text).split()
    if len(fields) != 5:
        raise ValueError(f"a schedule has five fields, not {len(fields)}")
    minute, hour, day, month, weekday = fields
    return Schedule(
        minutes=_field(minute, 0, 59),
        hours=_field(hour, 0, 23),
        days=_field(day, 1, 31),
        months=_field(month, 1, 12, MONTHS),
        weekdays=_field(weekday, 0, 6, DAYS),
        either_day=day[0] not in "*?" and weekday[0] not in "*?",
    )


def time_zone(name: str | None) -> tzinfo:
    """The zone of `spec.timeZone`, UTC when none is set. Raises ValueError when there is no such zone."""
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}") from error


def _field(text: str, low: int, high: int, names: dict[str, int] | None = None) -> frozenset[int]:
    values: set[int] = set()
    for part in text.lower().split(","):
        span, slash, step_text = part.partition("/")
        step = int(step_text) if slash else 1
        if span in ("*", "?"):
            first, last = low, high
        else:
            start, dash, end = span.partition("-")
            first = _number(start, names)
            last = _number(end, names) if dash else high if slash else first
        if not (low <= first <= last <= high and step > 0):
            raise ValueError(f"{part!r} is not within {low}-{high}")
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _number(text: str, names: dict[str, int] | None) -> int:
    return names[text] if names and text in names else int(text)
