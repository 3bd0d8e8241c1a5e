"""The one table of analyzers. An analyzer is a small function from a `View` to findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kubelore.analysis.view import View
from kubelore.types import Finding

Analyzer = Callable[[View, str | None], Iterable[Finding]]
"""Looks at one namespace, or at everything when it is None."""


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    needs: tuple[str, ...]
    """Kinds it reads, for prefetching and for saying what was not checked."""
    run: Analyzer


CHECKS: dict[str, Check] = {}


def check(name: str, *needs: str) -> Callable[[Analyzer], Analyzer]:
    """Register an analyzer under a name, with the kinds it reads."""

    def register(run: Analyzer) -> Analyzer:
        if name in CHECKS:
            raise ValueError(f"two analyzers are called {name}")
        CHECKS[name] = Check(name, needs, run)
        return run

    return register
