"""Kubernetes quantities (`500m`, `10Gi`, `2e3`) as numbers."""

from __future__ import annotations

import re

_SUFFIX = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkKMGTPE]?i?)")


def parse_quantity(value: object) -> float | None:
    """The number in base units (cores, bytes, pieces); None when absent or not a quantity."""
    match = _QUANTITY.fullmatch(str(value).strip()) if value is not None else None
    if match is None or match[2] not in _SUFFIX:
        return None
    return float(match[1]) * _SUFFIX[match[2]]


def doubled(quantity: str) -> str:
    """Twice as much in the same unit: `128Mi` for `64Mi`; "" when it is not a quantity."""
    match = _QUANTITY.fullmatch(quantity)
    return f"{2 * float(match[1]):.15g}{match[2]}" if match and match[2] in _SUFFIX else ""
