"""What the readers of descriptions share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from kubelore.cluster.text.cells import known, number, shown
from kubelore.cluster.text.outline import Entry, read_table
from kubelore.cluster.text.times import date_stamp
from kubelore.packaged import packaged_text
from kubelore.types import JsonObject


@cache
def top_keys() -> frozenset[str]:
    """Keys that a description has at its left edge, over all kinds and versions."""
    lines = packaged_text("kubelore.cluster.text", "describe_keys.txt").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


_AMOUNT = re.compile(r"(\d+)\s+([A-Za-z]+)")


@dataclass(frozen=True, slots=True)
class Described:
    """One description: its outline, its lines up to the events, and where and when it was printed."""

    outline: Entry
    lines: list[str]
    namespace: str
    now: datetime

    def text(self, key: str) -> str:
        """The value; "" when it stands for nothing or is not there."""
        return shown(self.outline.text(key))

    def number(self, key: str) -> int | None:
        return number(self.outline.text(key))

    def flag(self, key: str) -> bool | None:
        return {"true": True, "false": False}.get(self.text(key).lower())

    @property
    def phase(self) -> str:
        """Status, unless it says that the object is being deleted."""
        status = self.text("Status")
        return "" if status.startswith("Terminating") else status

    def date(self, key: str) -> str | None:
        return date_stamp(self.outline.text(key))

    def counts(self, key: str) -> dict[str, int]:
        """`2 desired | 1 updated`, `3 Running / 0 Waiting` as counts by lower-case word."""
        return {word.lower(): int(amount) for amount, word in _AMOUNT.findall(self.outline.text(key))}

    def after(self, first: str, second: str) -> list[str]:
        """The lines after two that follow one another: `Data`, `====`."""
        for at in range(len(self.lines) - 1):
            if self.lines[at].strip() == first and self.lines[at + 1].strip() == second:
                return self.lines[at + 2 :]
        return []

    def conditions(self) -> list[JsonObject] | None:
        """The table of conditions, with as many columns as the kind prints."""
        rows = read_table(self.outline.get("Conditions").block())
        return [
            known(
                type=row.get("Type"),
                status=row.get("Status"),
                reason=shown(row.get("Reason", "")),
                message=shown(row.get("Message", "")),
                lastHeartbeatTime=date_stamp(row.get("LastHeartbeatTime", "")),
                lastTransitionTime=date_stamp(row.get("LastTransitionTime", "")),
                lastProbeTime=date_stamp(row.get("LastProbeTime", "")),
            )
            for row in rows
        ] or None
