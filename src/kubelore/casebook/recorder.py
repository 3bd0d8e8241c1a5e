"""Records an investigation as it runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing

from kubelore.casebook.entries import Writer
from kubelore.casebook.forgetting import Forgotten, forget_after
from kubelore.casebook.kept import keep
from kubelore.casebook.text import safe
from kubelore.cases import Body, Entry, Forgetting
from kubelore.errors import KubeloreError, StoreBusy
from kubelore.protocols import CaseStore, Embedder
from kubelore.types import Investigation, Step, ToolCall

PATIENCE = 2.0
"""Seconds to wait at the end for another process that writes."""

Write = Callable[[Writer], tuple[Entry, Body | None]]

log = logging.getLogger(__name__)


class Recorder:
    """A `protocols.Listener` that keeps every step as soon as it is done.

    Never raises and never holds an investigation up for long: what cannot be written now is tried again with
    the next step, and at the end `problem` says why something is not on record. Call `settle` once the answer
    is shown.
    """

    def __init__(
        self,
        open_store: Callable[[], CaseStore],
        who: str,
        embedder: Embedder | None = None,
        rules: Forgetting | None = None,
    ) -> None:
        """`open_store` should wait only for a moment for other processes. It is called when the investigation
        starts, as long as it fails, and to settle. The question is embedded when there is an `embedder`."""
        self.problem = ""
        self.case = ""
        """Id of the case, once something of it is on record."""
        self._busy = False
        self._open = open_store
        self._who = who
        self._embedder = embedder
        self._rules = rules or Forgetting()
        self._store: CaseStore | None = None
        self._writer: Writer | None = None
        self._investigation: Investigation | None = None
        self._unwritten: list[Write] = []
        """What is not on record yet, in order."""

    def started(self, investigation: Investigation) -> None:
        self._investigation = investigation
        self._record(lambda writer: (writer.started(investigation), None))

    def thinking(self, thought: str, call: ToolCall) -> None:
        """Nothing to keep yet."""

    def stepped(self, step: Step) -> None:
        if (investigation := self._investigation) is not None:
            self._record(lambda writer: writer.stepped(investigation, step))

    def finished(self, investigation: Investigation) -> None:
        self._record(lambda writer: writer.finished(investigation))
        deadline = time.monotonic() + PATIENCE
        while self._busy and time.monotonic() < deadline:
            self._flush()
        if self._store is not None:
            self._store.close()

    def settle(self) -> Forgotten:
        """What may wait until the answer is shown: the question as a vector, forgetting by rule, and keeping
        what the next recall begins with. Returns what was forgotten."""
        forgotten = Forgotten()
        if self.problem or self._investigation is None:
            return forgotten
        try:
            with closing(self._open()) as store:
                self._embed(store, self._investigation)
                forgotten = forget_after(store, self._rules)
                keep(store)
        except Exception as error:  # noqa: BLE001 - the case is on record, and the next one tries again
            log.warning("case %s was not settled: %s", self.case, error)
        return forgotten

    def _record(self, write: Write) -> None:
        self._unwritten.append(write)
        self._flush()

    def _flush(self) -> None:
        """Put on record what is not yet, all of it or nothing."""
        self._busy = False
        try:
            if self._store is None:
                self._store = self._open()
            if self._writer is None:
                self._writer = Writer(self._who, self._store.key())
            room = self._writer.room
            try:
                made = [write(self._writer) for write in self._unwritten]
                self._store.append([entry for entry, _ in made], [body for _, body in made if body])
            except BaseException:
                self._writer.room = room
                raise
        except KubeloreError as error:
            self.problem = f"{error}; {error.hint}" if error.hint else str(error)
            self._busy = isinstance(error, StoreBusy)
        except Exception as error:  # noqa: BLE001 - not even a bug here may end an investigation
            self.problem = f"a bug: {type(error).__name__}: {safe(str(error))}"
        else:
            self.problem, self.case = "", made[-1][0].case
            self._unwritten.clear()

    def _embed(self, store: CaseStore, investigation: Investigation) -> None:
        if self._embedder is not None:
            row = self._embedder.embed([safe(investigation.question)])[0]
            store.embedded(investigation.id, self._embedder.name, row.astype("<f2").tobytes())
