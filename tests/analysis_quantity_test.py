"""Kubernetes quantities: numbers, and twice as much in the same unit."""

from __future__ import annotations

import pytest

from kubelore.analysis.quantity import doubled, parse_quantity


@pytest.mark.parametrize(
    ("written", "twice"),
    [
        ("64Mi", "128Mi"),
        ("1.5Gi", "3Gi"),
        ("500m", "1000m"),
        ("2", "4"),
        ("134217728", "268435456"),
        ("", ""),
        ("a lot", ""),
        ("5Qi", ""),
    ],
)
def test_a_quantity_is_doubled_in_its_own_unit(written: str, twice: str) -> None:
    assert doubled(written) == twice
    if twice:
        assert parse_quantity(twice) == 2 * (parse_quantity(written) or 0)
