"""Finds the recordings in a folder or archive and reads them, whatever their format."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from kubelore.cluster.snapshot import recording
from kubelore.cluster.snapshot.files import Below, Files, open_files
from kubelore.cluster.snapshot.model import Snapshot
from kubelore.errors import SnapshotError


class Recordings:
    """The recordings in a folder or archive, by the path of their folder in it ("." when it is one)."""

    def __init__(self, path: Path) -> None:
        self._files = open_files(path)
        self._paths = self._files.paths()
        self.names = tuple(sorted(_find(self._paths)))

    def load(self, name: str) -> Snapshot:
        """Raises SnapshotError, naming the file and the reason."""
        files: Files = self._files if name == "." else Below(self._files, name)
        return recording.read(files)


def _find(paths: tuple[str, ...]) -> set[str]:
    return {str(file.parent) for file in map(PurePosixPath, paths) if file.name == recording.MARKER}


def load(path: Path) -> Snapshot:
    """The one recording in a folder or archive. Raises SnapshotError."""
    found = Recordings(path)
    if len(found.names) == 1:
        return found.load(found.names[0])
    if found.names:
        some = ", ".join(found.names[:3])
        raise SnapshotError(
            f"{path}: holds {len(found.names)} recordings ({some}, ...)",
            hint="name one of them; an archive of several has to be unpacked first",
        )
    raise SnapshotError(
        f"{path}: not a recording of a cluster: it has no {recording.MARKER}",
        hint="record one with: kubelore snapshot capture OUT",
    )
