"""Finds the recordings in a folder or archive and reads them, whatever their format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kubelore.cluster.snapshot import bundle, dump, recording
from kubelore.cluster.snapshot.files import Below, Files, open_files
from kubelore.cluster.snapshot.model import Snapshot
from kubelore.errors import SnapshotError

Roots = Callable[[tuple[str, ...]], set[str]]
Read = Callable[[Files], Snapshot]

FORMATS: tuple[tuple[Roots, Read], ...] = (
    (recording.roots, recording.read),
    (bundle.roots, bundle.read),
    (dump.roots, dump.read),
)
"""How to find the recordings of each format, and how to read one; the first that finds one reads it."""


class Recordings:
    """The recordings in a folder or archive, by the path of their folder in it ("." when it is one).

    Raises SnapshotError when the folder or archive cannot be read or holds none.
    """

    def __init__(self, path: Path) -> None:
        self._files = open_files(path)
        paths = self._files.paths()
        self._readers = {root: read for roots, read in reversed(FORMATS) for root in roots(paths)}
        # What lies below one recording is part of it, not another.
        inner = {r for r in self._readers if any(_below(r, other) for other in self._readers)}
        self.names = tuple(sorted(self._readers.keys() - inner))
        if not self.names:
            raise _not_a_recording(path, bool(paths))

    def load(self, name: str) -> Snapshot:
        """Raises SnapshotError, naming the file and the reason."""
        files: Files = self._files if name == "." else Below(self._files, name)
        return self._readers[name](files)


def _below(path: str, folder: str) -> bool:
    return path != folder and (folder == "." or path.startswith(f"{folder}/"))


def _not_a_recording(path: Path, has_files: bool) -> SnapshotError:
    reason = f"it has no {recording.MARKER}, and is no support bundle or cluster-info dump either"
    return SnapshotError(
        f"{path}: not a recording of a cluster: {reason if has_files else 'it is empty'}",
        hint="record one with: kubelore snapshot capture OUT",
    )


def load(path: Path) -> Snapshot:
    """The one recording in a folder or archive. Raises SnapshotError."""
    found = Recordings(path)
    if len(found.names) > 1:
        some = ", ".join(found.names[:3])
        raise SnapshotError(
            f"{path}: holds {len(found.names)} recordings ({some}, ...)",
            hint="name one of them; an archive of several has to be unpacked first",
        )
    return found.load(found.names[0])
