"""`python tests/scenarios/report.py [a|b|ab|c|d] [-v]`: score per half, in full only with -v."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scenarios.scoring import Result

TESTS = Path(__file__).resolve().parents[1]


def main(halves: str, verbose: bool, only: str = "") -> None:
    from scenarios.corpus import scenarios
    from scenarios.scoring import judge

    for half in halves:
        results = [judge(s) for s in scenarios() if s.half == half and only in s.id]
        total = len(results)
        right, cause, at, top3 = (
            sum(getattr(r, name) for r in results) for name in ("right", "cause", "object", "top3")
        )
        alarms = [r for r in results if r.truth.root_cause == "none" and r.findings]
        leaks = [r for r in results if r.leaks]
        slow = sorted(r.seconds for r in results)[int(total * 0.95)] if total else 0
        lines = [
            f"half {half}: {right}/{total} cause and object; cause {cause}; object {at}; in first three {top3}; "
            f"scan alarms on controls {len(alarms)}; leaks {len(leaks)}; "
            f"steps max {max((r.steps for r in results), default=0)}; p95 {slow:.2f} s"
        ]
        for r in results if verbose else ():
            lines += _details(r)
        sys.stdout.write("\n".join(lines) + "\n")


def _details(r: Result) -> Iterator[str]:
    if not r.right:
        yield f"  {r.scenario.id}: {r.truth.question!r}"
        yield f"    want {r.truth.root_cause} {r.truth.object}"
        yield f"    got  {' '.join(r.got)}{' (right in the first three)' if r.top3 else ''}"
    if r.truth.root_cause == "none":
        for finding in r.findings:
            yield f"  {r.scenario.id}: ALARM {finding.object} {finding.what}"
    if r.leaks:
        yield f"  {r.scenario.id}: LEAK {r.leaks}"


if __name__ == "__main__":
    sys.path[:0] = [str(TESTS), str(TESTS.parent / "src")]
    arguments = [a for a in sys.argv[1:] if a != "-v"]
    main(arguments[0] if arguments else "ab", "-v" in sys.argv, *arguments[1:2])
