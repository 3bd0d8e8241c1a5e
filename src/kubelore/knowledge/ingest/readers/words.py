"""The word lists of `markup.yaml`."""

from __future__ import annotations

from functools import cache

from kubelore.packaged import packaged_yaml


@cache
def words(form: str, which: str) -> frozenset[str]:
    return frozenset(packaged_yaml(__package__, "markup.yaml")[form][which])
