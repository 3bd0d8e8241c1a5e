"""What the casebook and its store exchange: journal entries, and the cases that they make.

Everything here is redacted and holds only what JSON can hold. The journal is the truth: `fold` makes a case
of its entries, and nothing else changes one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Literal

from kubelore.types import CaseState, JsonObject, PastCase

What = Literal[
    "started", "stepped", "finished", "imported", "rated", "confirmed", "corrected", "retired",
    "quarantined", "merged", "credited", "undone",
]  # fmt: skip
"""What happened. credited: a lesson helped or harmed another investigation; merged: a case became, took in
or gave back a duplicate."""

Verdict = Literal["", "right", "wrong"]

TRUSTED: tuple[CaseState, ...] = ("trusted",)
"""The states that teach."""

Status = Literal["running", "done", "failed"]
"""Of the investigation; a process that was killed leaves it running."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to one case.

    `set` names fields of `Case` and the values that they have from now on; `step` is one more for its
    steps; `note` is for people: why, which entry was undone, which lesson was credited.
    """

    case: str
    at: str
    """RFC 3339, UTC."""
    who: str
    """A user's name, or `kubelore` where a rule decided."""
    what: What
    set: JsonObject = field(default_factory=dict)
    step: JsonObject | None = None
    note: JsonObject = field(default_factory=dict)

    def payload(self) -> str:
        """What the journal keeps beside case, time, person and event: canonical JSON."""
        content: JsonObject = {"set": self.set, "step": self.step, "note": self.note}
        filled = {key: value for key, value in content.items() if value}
        return json.dumps(filled, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry as the journal holds it; `hash` covers everything in it and the hash before."""

    seq: int
    """From 1, without gaps, in the order of all cases together."""
    entry: Entry
    previous: str
    hash: str


def entry_hash(previous: str, seq: int, entry: Entry, payload: str) -> str:
    """sha256 over the hash before and all of one entry: whoever changes one must change all after it."""
    parts = (previous, str(seq), entry.case, entry.at, entry.who, entry.what, payload)
    return sha256("\n".join(map(json.dumps, parts)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Body:
    """Something large beside the journal, compressed: what one step saw (`step` from 1), or all evidence
    of a case (`step` 0). `size` is of `data` in bytes."""

    case: str
    step: int
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Case:
    """One investigation as the casebook has it now. Times are RFC 3339 in UTC, objects `Kind/ns/name`."""

    id: str
    seq: int = 0
    """The last entry about it."""
    timestamp: str = ""
    """When it was asked."""
    query: str = ""
    namespace: str = ""
    status: Status = "running"
    state: CaseState = "recorded"
    why: str = ""
    """It is in this state."""
    decider: str = ""
    model: str = ""
    cluster: str = ""
    """Keyed hash of the cluster's name."""
    cluster_context: JsonObject = field(default_factory=dict)
    """`casebook.document.ClusterDocument`."""
    steps: tuple[JsonObject, ...] = ()
    """iteration, thought, tool, args, result_summary, useful, evidence, error, seconds, sha256."""
    diagnosis: JsonObject = field(default_factory=dict)
    """`casebook.document.DiagnosisDocument`, alternatives among it; empty without an answer."""
    root_cause: str = ""
    """As answered."""
    object: str = ""
    """At fault, as answered."""
    probability: float = 0.0
    confidence: str = ""
    facts: tuple[str, ...] = ()
    """Names of all facts seen."""
    signs: tuple[str, ...] = ()
    """Of the object at fault, the confirmed one if there is one (`casebook.signs`)."""
    tools: tuple[str, ...] = ()
    """That showed the cited facts, in order."""
    lessons: tuple[JsonObject, ...] = ()
    """`casebook.document.LessonDocument` of all that were shown."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    tokens_in: int = 0
    tokens_out: int = 0
    calls: int = 0
    seconds: float = 0.0
    error: str = ""
    source: str = ""
    """Empty for our own, else what it was imported from."""
    user_rating: int = 0
    """1 to 5; 0 when nobody rated it."""
    user_feedback: str = ""
    confirmed: bool = False
    """A person named or confirmed the cause."""
    confirmed_cause: str = ""
    confirmed_object: str = ""
    misled: str = ""
    """What was answered before a person corrected it."""
    verdict: Verdict = ""
    """What a person said of the answer; empty when nobody did."""
    fingerprint: str = ""
    """Of cause, signs, cluster and source: cases with the same one teach the same."""
    merged_into: str = ""
    """The case that teaches in its place."""
    count: int = 1
    """Cases it teaches for, itself included."""
    credit: float = 0.0
    """Outcomes it helped, less those it harmed."""
    credits: Mapping[str, float] = field(default_factory=dict)
    """What its own outcome gave to each lesson it was shown, by `kind/id`."""
    lesson: Mapping[str, str] = field(default_factory=dict)
    """question, diagnosis and fix as they may be shown to another investigation: without names."""

    @property
    def cause(self) -> str:
        """As a person confirmed it, else as answered."""
        return self.confirmed_cause or self.root_cause

    @property
    def at_fault(self) -> str:
        return self.confirmed_object or self.object


TUPLES = frozenset({"steps", "facts", "signs", "tools", "lessons"})
"""Fields of a Case that are lists in JSON."""


def as_fields(values: JsonObject) -> dict[str, Any]:
    """JSON values as a Case holds them."""
    return {key: tuple(value) if key in TUPLES else value for key, value in values.items()}


def fold(case: Case | None, seq: int, entry: Entry) -> Case:
    """What an entry makes of its case; None when it is the first one about it."""
    case = case or Case(entry.case)
    values = as_fields(entry.set)
    if entry.step is not None:
        values["steps"] = (*case.steps, entry.step)
    return replace(case, seq=seq, **values)


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases; fields that are left as they are do not count."""

    states: tuple[CaseState, ...] = ()
    cause: str = ""
    """Confirmed, else answered."""
    namespace: str = ""
    cluster: str = ""
    """The keyed hash."""
    source: str | None = None
    """What it was imported from, "" for our own; None for all."""
    since: str = ""
    """RFC 3339."""
    before: str = ""
    """RFC 3339."""


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What is forgotten by rule; ages are counted from when a case was asked. Cases stay on record."""

    observed_days: int = 180
    """What the steps saw is dropped after so many days, ..."""
    observed_bytes: int = 1 << 30
    """... and the oldest of it while all together is larger, ..."""
    retired_days: int = 30
    """... and that of retired cases after so many."""
    taught_days: int = 730
    """A case that has helped nobody retires after so many days, ..."""
    cluster_days: int = 365
    """... and already when nothing was asked of its cluster for so long."""


@dataclass(frozen=True, slots=True)
class CaseChanges:
    """What happened to the cases that teach, up to journal entry `seq`."""

    seq: int
    taught: tuple[PastCase, ...]
    """New or changed."""
    dropped: tuple[str, ...]
    """Ids of those that changed and teach no more."""


@dataclass(frozen=True, slots=True)
class CaseStats:
    """Counts over all cases."""

    cases: int
    states: Mapping[str, int]
    statuses: Mapping[str, int]
    sources: Mapping[str, int]
    deciders: Mapping[str, int]
    ratings: Mapping[int, int]
    causes: Mapping[str, int]
    """Most frequent first."""
    judged: Mapping[str, tuple[int, int]]
    """By confidence: answers that a person judged, and how many of them were right."""
    credits: Mapping[str, tuple[int, int]]
    """By kind of lesson: outcomes helped, outcomes harmed."""
    entries: int
    """Of the journal."""
    bodies: int
    body_bytes: int
    """Of what the steps saw, compressed."""
