"""Reads clusters: recorded ones and live ones, through the same HTTP client, as raw Kubernetes JSON.

It never writes to a cluster, never returns a Secret's values, and never turns what it could not read
into an empty list that looks complete.

Start at `reader.py` (how every part reads a cluster), then `snapshot` (the formats of recordings) and
`app` (the read-only API served over one).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubelore.cluster.reader import Reader


def open_snapshot(path: Path | str, *, namespaces: tuple[str, ...] = ()) -> Reader:
    """A reader over one recording: a folder or a .tar.gz, .tar.xz or .tar of it.

    `namespaces` restricts what is read. Raises SnapshotError, naming the file and the reason. Close the
    reader, or use it in a `with` block.
    """
    from kubelore.cluster.recorded import read_recording  # noqa: PLC0415  imported only when used
    from kubelore.cluster.snapshot import load  # noqa: PLC0415

    return read_recording(load(Path(path)), namespaces)
