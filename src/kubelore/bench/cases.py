"""What the benchmarks read: JSON lines, and recordings by id in a folder or archive."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from kubelore.cluster.snapshot.files import open_files
from kubelore.errors import DataError, UsageError
from kubelore.types import JsonObject

SUFFIXES = ("", ".tar.xz", ".tar.gz", ".tgz", ".tar")


@dataclass(frozen=True, slots=True)
class Case:
    """One question about one recording; `snapshot` is None where there is none for this id."""

    id: str
    question: str
    snapshot: Path | None


def read_lines(path: Path, *required: str) -> list[tuple[int, JsonObject]]:
    """JSON lines with their number, each an object with the required keys as strings. Raises UsageError
    when the file cannot be read, DataError with the line when it holds something else."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UsageError(f"{path}: {reason}") from error
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}:{number}: not JSON: {error}") from error
        missing = [key for key in required if not isinstance(row, dict) or not isinstance(row.get(key), str)]
        if missing:
            raise DataError(f"{path}:{number}: needs {', '.join(missing)} as text")
        rows.append((number, row))
    if not rows:
        raise DataError(f"{path}: holds no line")
    return rows


def read_labels(path: Path) -> list[JsonObject]:
    """Lines of `{id, root_cause, object, also_root_causes, also_objects}`. Raises as `read_lines`."""
    return [row for _, row in read_lines(path, "id", "root_cause", "object")]


@contextmanager
def find_cases(recordings: Path, questions: Path) -> Iterator[list[Case]]:
    """The cases of a questions file (`{id, question}` lines), with the recording of each.

    `recordings` is a folder or archive that holds, at its top or one folder down, a folder or archive
    named after each id; or it is the one recording that all questions are about.
    """
    rows = [row for _, row in read_lines(questions, "id", "question")]
    if not recordings.exists():
        raise UsageError(f"there is no {recordings}", hint="name a folder or an archive of recordings")
    if recordings.is_dir():
        yield [_case(row, recordings) for row in rows]
        return
    with TemporaryDirectory(prefix="kubelore-bench-") as folder:
        unpack(recordings, Path(folder))
        yield [_case(row, Path(folder)) for row in rows]


def unpack(archive: Path, folder: Path) -> None:
    """Write the plain files of an archive below `folder`; whatever would land elsewhere is left out."""
    files = open_files(archive)
    top = folder.resolve()
    for name in files.paths():
        target = (top / name).resolve()
        if target.is_relative_to(top):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(files.read(name))


def _case(row: JsonObject, root: Path) -> Case:
    return Case(row["id"], row["question"], _locate(row["id"], root))


def _locate(case: str, root: Path) -> Path | None:
    if not case or Path(case).name != case:
        return None
    folders: Sequence[Path] = [root, *sorted(path for path in root.iterdir() if path.is_dir())]
    for folder in folders:
        for suffix in SUFFIXES:
            if (folder / (case + suffix)).exists():
                return folder / (case + suffix)
    return root if (root / "snapshot.json").exists() else None
