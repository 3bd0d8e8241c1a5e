"""The command line: reads options and environment, calls `build`, prints reports.

Nothing a cluster said reaches a terminal before `console.clean`. Commands import what they need when
they run, so that `--help` is quick. Never decides anything about a cluster. Start at `app`.
"""

from __future__ import annotations

INTERRUPTED = 130


def main() -> int:
    """Entry point of `kubelore` and `kubectl-kubelore`; returns the exit code."""
    try:
        from kubelore.cli.app import run

        return run()
    except KeyboardInterrupt:
        return INTERRUPTED
