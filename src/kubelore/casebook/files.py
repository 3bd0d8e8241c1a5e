"""One JSON file per investigation, in a folder that only its owner can read."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from kubelore.casebook.document import document
from kubelore.types import Investigation, Step, ToolCall


def default_folder() -> Path:
    """`kubelore/investigations` in the user's XDG state folder."""
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state"
    return base / "kubelore" / "investigations"


class FileRecorder:
    """A `protocols.Listener`: rewrites the file after every step, so that an investigation that was
    killed is on record too, as `running`. Writing is atomic: a reader never sees half a file.

    Never raises for a folder that cannot be written: `problem` then says why, and `path` stays None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or default_folder()
        self._running: Investigation | None = None
        self.path: Path | None = None
        self.problem = ""

    def record(self, investigation: Investigation) -> None:
        if self.problem:
            return
        target = self._folder / f"{investigation.id}.json"
        partial = target.with_suffix(f".{os.getpid()}.tmp")
        text = json.dumps(document(investigation), ensure_ascii=False, indent=1)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(text.encode(errors="replace"))
            partial.replace(target)
        except OSError as error:
            self.problem = f"{self._folder}: {error.strerror or error}"
            with suppress(OSError):
                partial.unlink()
        else:
            self.path = target

    def started(self, investigation: Investigation) -> None:
        self._running = investigation
        self.record(investigation)

    def thinking(self, thought: str, call: ToolCall) -> None:
        """Nothing to keep yet."""

    def stepped(self, step: Step) -> None:
        if self._running is not None:
            self.record(self._running)

    def finished(self, investigation: Investigation) -> None:
        self.record(investigation)
        self._running = None
