"""Cases that come from elsewhere: every line is checked before anything of it is kept, and all of them are
quarantined until a person confirms them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from kubelore.casebook.entries import Writer, lesson_texts, moment, signs_at
from kubelore.casebook.exchange import MAX_LINE, Header, Line
from kubelore.casebook.harmless import is_harmless
from kubelore.casebook.observed import pack_evidence
from kubelore.casebook.past_document import PastDocument, investigation_of
from kubelore.casebook.signs import ONE_WORD
from kubelore.casebook.states import fingerprint
from kubelore.casebook.text import cut, safe_all
from kubelore.cases import Body, Case, Entry, as_fields
from kubelore.errors import DataError, UsageError
from kubelore.protocols import CaseStore
from kubelore.types import Edge, Evidence, Fact, JsonObject, Observation, Ref
from kubelore.vocabulary import vocabulary

BATCH = 100
"""Cases in one transaction."""
MAX_DOCUMENT = 16 << 20
"""Bytes of one investigation."""
EARLY = timedelta(days=1)
"""Clocks differ by no more than this."""
MAX_REASON = 200

Model = TypeVar("Model", bound=BaseModel)


@dataclass(slots=True)
class Arrived:
    """What became of a file. `refused` says, for each bad line, where it stands and what is wrong."""

    taken: int = 0
    known: int = 0
    """That were here already."""
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Gate:
    """Checks what comes in and turns what is good into entries."""

    source: str
    who: str
    causes: Collection[str]
    """Root causes known here."""
    new_causes: bool
    """Others are let in, too."""
    key: bytes
    """Of the casebook, for clusters' names."""

    def line(self, text: bytes) -> tuple[Entry, list[Body]]:
        """One case of an exported file. Raises DataError with what is wrong with it."""
        line = _validated(Line, text, MAX_LINE)
        self._check(line.timestamp, line.root_cause, line.confirmed_cause)
        evidence = _evidence(line)
        values = {
            "timestamp": _milliseconds(line.timestamp),
            "query": line.question,
            "namespace": line.namespace,
            "status": "done" if line.root_cause else "failed",
            "decider": line.decider,
            "model": line.model,
            "cluster": line.cluster,
            "cluster_context": {"context": line.context} if line.context else {},
            "root_cause": line.root_cause,
            "object": line.object,
            "probability": line.probability,
            "confidence": line.confidence,
            "diagnosis": {"explanation": line.explanation} if line.explanation else {},
            "tools": list(line.tools),
            "confirmed_cause": line.confirmed_cause,
            "confirmed_object": line.confirmed_object,
        }
        corrected = line.confirmed_cause not in ("", line.root_cause)
        texts = {"question": line.question, "diagnosis": "" if corrected else line.explanation}
        values["misled"] = line.root_cause if corrected else ""
        values["lesson"] = lesson_texts(evidence, (line.context,), **texts)
        said = {"rating": line.rating, "comment": line.comment}
        values, said = safe_all(values), safe_all({key: value for key, value in said.items() if value})
        values["facts"] = sorted(evidence.names())
        made = replace(Case(line.id), **as_fields(values))
        values["signs"] = signs_at(evidence, made.at_fault)
        body = Body(line.id, 0, pack_evidence(evidence))
        return self._entry(line.id, values, {**said, "evidence": sha256(body.data).hexdigest()}), [body]

    def document(self, text: bytes) -> tuple[Entry, list[Body]]:
        """One investigation as `-o json` prints it. Raises DataError likewise."""
        past = _validated(PastDocument, text, MAX_DOCUMENT)
        self._check(past.started, past.diagnosis.root_cause if past.diagnosis else "")
        for _, name, _ in past.facts():
            _check_fact(*name.split("=", 1))
        made, writer = investigation_of(past), Writer(self.who, self.key)
        started, steps = writer.started(made), [writer.stepped(made, step) for step in made.steps]
        finished, evidence = writer.finished(made)
        values = started.set | finished.set | {"steps": [entry.step for entry, _ in steps]}
        return self._entry(past.id, values, finished.note), [*(body for _, body in steps), evidence]

    def _entry(self, case_id: str, values: JsonObject, note: JsonObject) -> Entry:
        values |= {
            "source": self.source,
            "state": "quarantined",
            "why": f"imported from {self.source}; not confirmed by a person",
        }
        values["fingerprint"] = fingerprint(replace(Case(case_id), **as_fields(values)))
        return Entry(case_id, moment(), self.who, "imported", values, note=note)

    def _check(self, when: str, *causes: str) -> None:
        if datetime.fromisoformat(when) > datetime.now(UTC) + EARLY:
            raise DataError(f"{when} is in the future")
        for cause in causes:
            if cause and cause not in self.causes and not (self.new_causes and is_harmless(cause)):
                raise DataError(f"there is no root cause {cause} here; --new-causes takes it")


def bring_in(store: CaseStore, path: Path, gate: Gate) -> Arrived:
    """Take over an exported file, a document of an investigation, or a folder of such documents. Good cases
    are kept, bad ones refused. Raises UsageError when the path is none of these."""
    arrived = Arrived()
    batch: dict[str, tuple[Entry, list[Body]]] = {}
    for where, text, read in _parts(path, gate):
        try:
            entry, bodies = read(text)
        except DataError as error:
            arrived.refused.append(f"{where}: {error}")
            continue
        if entry.case in batch or store.case(entry.case) is not None:
            arrived.known += 1
            continue
        batch[entry.case] = entry, bodies
        if len(batch) >= BATCH:
            arrived.taken += _take(store, batch)
    arrived.taken += _take(store, batch)
    return arrived


def _take(store: CaseStore, batch: dict[str, tuple[Entry, list[Body]]]) -> int:
    taken = len(batch)
    if batch:
        made = batch.values()
        store.append([entry for entry, _ in made], [body for _, bodies in made for body in bodies])
    batch.clear()
    return taken


def _parts(
    path: Path, gate: Gate
) -> Iterator[tuple[str, bytes, Callable[[bytes], tuple[Entry, list[Body]]]]]:
    """(where it stands, text, who reads it) of each case."""
    if path.is_dir():
        files = sorted(path.glob("*.json"))
        if not files:
            raise UsageError(
                f"{path} has no .json files", hint="name an exported file, or a folder of documents"
            )
        yield from ((file.name, _start_of(file, MAX_DOCUMENT), gate.document) for file in files)
        return
    with path.open("rb") as file:
        first = file.readline(MAX_LINE)
        if b'"kubelore.casebook/' not in first:
            yield path.name, _start_of(path, MAX_DOCUMENT), gate.document
            return
        _validated(Header, first, MAX_LINE)
        number = 1
        while text := file.readline(MAX_LINE + 1):
            number += 1
            if len(text) > MAX_LINE:
                while text and not text.endswith(b"\n"):  # the rest of it, without keeping it
                    text = file.readline(MAX_LINE)
                text = b" " * (MAX_LINE + 1)
            if text != b"\n":
                yield f"line {number}", text, gate.line


def _start_of(file: Path, size: int) -> bytes:
    with file.open("rb") as stream:
        return stream.read(size + 1)


def _validated(model: type[Model], text: bytes, size: int) -> Model:
    if len(text) > size:
        raise DataError(f"longer than {size >> 20} MiB")
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(cut(f"{where}: {first['msg']}" if where else first["msg"], MAX_REASON)) from error


def _evidence(line: Line) -> Evidence:
    """Raises DataError for a fact that no analyzer could have found."""
    evidence = Evidence()
    for step, key, value, about in line.facts:
        _check_fact(key, value)
        evidence.add(Observation("", facts=(Fact(key, value, _ref(about)),)), step)
    edges = tuple(Edge(kind, _ref(source), _ref(target)) for kind, source, target in line.edges)
    covers = tuple((tool, _ref(ref)) for tool, ref in line.covers)
    evidence.add(Observation("", edges=edges, covers=covers), 0)
    return evidence


def _check_fact(key: str, value: str) -> None:
    known = vocabulary().get(key)
    if known is None:
        raise DataError(f"there is no fact {cut(key, MAX_REASON)}")
    if not known.allows(value) or not ONE_WORD.fullmatch(value):
        raise DataError(f"{key} is never {cut(value, MAX_REASON)}")


def _ref(text: str) -> Ref:
    if not text:
        raise DataError("a fact, edge or tool is about no object")
    return Ref.parse(text)


def _milliseconds(time: str) -> str:
    return moment(datetime.fromisoformat(time))
