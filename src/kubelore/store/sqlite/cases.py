"""`protocols.CaseStore` on SQLite: the journal, and the table `investigations` that follows from it."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kubelore.cases import (
    TRUSTED,
    Body,
    Case,
    CaseChanges,
    CaseFilter,
    CaseStats,
    Entry,
    Recorded,
    entry_hash,
    fold,
)
from kubelore.errors import CaseChanged, StoreCorrupt
from kubelore.store.sqlite.case_rows import COLUMNS, case_of, past_case_of, recorded_of, values_of
from kubelore.store.sqlite.database import BUSY_SECONDS, Database
from kubelore.store.sqlite.rescue import rescue
from kubelore.store.sqlite.statements import CASEBOOK, as_json
from kubelore.types import PastCase

STEPPED = {"seq", "steps", "lessons"}
"""Fields that one more step changes."""
SEARCHED = {
    "query", "root_cause", "confirmed_cause", "object", "confirmed_object", "facts", "diagnosis",
    "user_feedback",
}  # fmt: skip
"""Fields that the table of words is made of (`put_text`)."""
PAGE = 1000
LAST = "\U0010ffff"
"""Sorts after every time and id."""
WORD = re.compile(r"[^\W_]+")
BEGINNINGS = ("started", "imported")
"""First entries of a case."""
DERIVED = ("kept", "derived")
"""Tables that are made anew of the others."""
MUCH_FREE = 0.25
"""Part of the file from which on it is worth to write all of it anew."""
NEW_KEY = "the key of clusters' names is lost and a new one was made: earlier clusters count as other ones"
MAX_WORDS = 32
MAX_RANKED = 1000
"""Cases that have some of the words: so many of the newest are ranked."""


class SqliteCaseStore:
    """See `protocols.CaseStore`, and `Database` for files, locks and errors."""

    def __init__(self, path: Path, *, read_only: bool = False, busy_seconds: float = BUSY_SECONDS) -> None:
        self._db = Database(path, CASEBOOK, read_only=read_only, busy_seconds=busy_seconds)

    @property
    def path(self) -> Path:
        return self._db.path

    def append(
        self,
        entries: Sequence[Entry],
        bodies: Sequence[Body] = (),
        *,
        unchanged: Mapping[str, int] | None = None,
    ) -> int:
        with self._db.transaction():
            before = {case_id: self.case(case_id) for case_id in dict.fromkeys(e.case for e in entries)}
            for case_id, expected in (unchanged or {}).items():
                case = before[case_id] if case_id in before else self.case(case_id)
                if case is None or case.seq != expected:
                    raise CaseChanged(f"case {case_id} was changed by somebody else just now")
            last = self._db.row("last_entry")
            seq, previous = (last["seq"], last["hash"]) if last else (0, "")
            cases = dict(before)
            for entry in entries:
                seq += 1
                previous = self._add(seq, previous, entry)
                cases[entry.case] = fold(cases[entry.case], seq, entry)
            for case_id, case in cases.items():
                if case is not None:
                    self._put(case, before[case_id])
            for body in bodies:
                if body.step:
                    self._db.execute("add_observation", case_id=body.case, step=body.step, data=body.data)
                else:
                    self._db.execute("add_evidence", case_id=body.case, data=body.data)
        return seq

    def _add(self, seq: int, previous: str, entry: Entry) -> str:
        payload = entry.payload()
        digest = entry_hash(previous, seq, entry, payload)
        self._db.execute(
            "add_entry",
            seq=seq,
            case_id=entry.case,
            at=entry.at,
            who=entry.who,
            what=entry.what,
            payload=payload,
            previous=previous,
            hash=digest,
        )
        return digest

    def _put(self, case: Case, before: Case | None) -> None:
        changed = {name for name in COLUMNS if before is None or getattr(case, name) != getattr(before, name)}
        if changed <= STEPPED:
            self._db.execute("put_steps", id=case.id, **values_of(case, STEPPED))
            return
        self._db.execute("put_case", **values_of(case, COLUMNS))
        if changed & SEARCHED:
            self._db.execute("put_text", id=case.id)

    def embedded(self, case: str, embedder: str, vector: bytes) -> None:
        self._db.execute("put_embedding", id=case, embedder=embedder, vector=vector)

    def case(self, case: str) -> Case | None:
        row = self._db.row("case", id=case)
        return case_of(row) if row else None

    def ids(self, prefix: str, limit: int = 10) -> Sequence[str]:
        return [row["id"] for row in self._db.rows("ids", prefix=prefix, limit=limit)]

    def cases(self, where: CaseFilter, *, limit: int, after: str = "") -> Sequence[Case]:
        page = self.case(after) if after else None
        time, case_id = (page.timestamp, page.id) if page else (LAST, LAST)
        rows = self._db.rows("cases", **_where(where), after_time=time, after_id=case_id, limit=limit)
        return [case_of(row) for row in rows]

    def search(self, words: str, where: CaseFilter, *, limit: int) -> Sequence[Case]:
        found = [f'"{word}"*' for word in WORD.findall(words)[:MAX_WORDS]]
        if not found:
            return []
        chosen = {**_where(where), "everywhere": where == CaseFilter(), "limit": limit}
        rows = self._db.rows("having_all_words", **chosen, words=" ".join(found)) or self._db.rows(
            "having_some_words", **chosen, words=" OR ".join(found), ranked=MAX_RANKED
        )
        return [case_of(row) for row in rows]

    def head(self, fingerprint: str) -> Case | None:
        row = self._db.row("head", fingerprint=fingerprint)
        return case_of(row) if row else None

    def merged(self, into: str) -> Sequence[Case]:
        return [case_of(row) for row in self._db.rows("merged", into=into)]

    def past_cases(self, after: int = 0) -> CaseChanges:
        with self._db.snapshot():
            last = self._db.row("last_entry")
            rows = self._db.rows("changed", after=after) if after else self._db.rows("teaching")
        taught: list[PastCase] = []
        dropped: list[str] = []
        for row in rows:
            if row["state"] in TRUSTED and not row["merged_into"]:
                taught.append(past_case_of(row))
            else:
                dropped.append(row["id"])
        return CaseChanges(last["seq"] if last else 0, tuple(taught), tuple(dropped))

    def taught(self, ids: Collection[str]) -> Sequence[PastCase]:
        return [past_case_of(row) for row in self._db.rows("taught", ids=as_json(ids))]

    def derive(self, name: str, seq: int, data: bytes) -> None:
        self._db.execute("derive", name=name, seq=seq, data=data)

    def derived(self, name: str) -> tuple[int, bytes] | None:
        row = self._db.row("derived", name=name)
        return (row["seq"], row["data"]) if row else None

    def behind(self, name: str) -> int:
        return int(self._db.value("behind", name=name))

    def journal(self, case: str = "", after: int = 0) -> Iterator[Recorded]:
        name = "entries_of_case" if case else "entries"
        chosen = {"case_id": case} if case else {}
        while rows := self._db.rows(name, **chosen, after=after, limit=PAGE):
            yield from map(recorded_of, rows)
            after = rows[-1]["seq"]

    def bodies(self, case: str) -> Mapping[int, bytes]:
        return {row["step"]: row["data"] for row in self._db.rows("bodies", case_id=case)}

    def drop_bodies(self, *, before: str, over: int, retired: str = "") -> int:
        dropped = 0
        with self._db.transaction():
            for row in self._db.rows("retired_observed", before=retired) if retired else ():
                dropped += bool(self._db.execute("drop_observations", case_id=row["id"]))
            while oldest := self._db.row("oldest_observed"):
                if oldest["timestamp"] >= before and self._kept()[1] <= over:
                    break
                self._db.execute("drop_observations", case_id=oldest["case_id"])
                dropped += 1
        return dropped

    def outlived(self, *, before: str, unseen: str, limit: int) -> Sequence[str]:
        rows = self._db.rows("outlived", before=before, unseen=unseen, limit=limit)
        return [row["id"] for row in rows]

    def rated(self, who: str, since: str) -> int:
        return int(self._db.value("ratings_since", who=who, since=since))

    def credits(self) -> Mapping[str, tuple[int, int]]:
        return {row["lesson"]: (row["helped"], row["harmed"]) for row in self._db.rows("credits")}

    def stats(self) -> CaseStats:
        with self._db.snapshot():
            counts = self._db.rows("counts")
            last = self._db.row("last_entry")
            bodies, size = self._kept()
            given = self.credits()
        return CaseStats(
            cases=sum(row["cases"] for row in counts),
            states=_counted(counts, "state"),
            statuses=_counted(counts, "status"),
            sources=_counted(counts, "source"),
            deciders=_counted(counts, "decider"),
            ratings=_counted(counts, "user_rating"),
            causes=_counted(counts, "cause"),
            judged=_judged(counts),
            credits=_by_kind(given),
            entries=last["seq"] if last else 0,
            bodies=bodies,
            body_bytes=size,
        )

    def _kept(self) -> tuple[int, int]:
        row = self._db.row("kept")
        return (row["bodies"], row["bytes"]) if row else (0, 0)

    def problems(self) -> Sequence[str]:
        return self._db.problems()

    def repair(self) -> Sequence[str]:
        done = []
        if _damaged(self._db):
            done = rescue(self._db, lambda fresh, lost: [NEW_KEY] if "case_keys" in lost else [], DERIVED)
            self._db = Database(self._db.path, CASEBOOK)
        made, beheaded = 0, 0
        whole = not self._db.value("missing_entries")
        after = ""
        while rows := self._db.rows("cases_of_journal", after=after, limit=PAGE):
            with self._db.transaction():
                for case_id in [row["case_id"] for row in rows]:
                    after, entries = case_id, list(self.journal(case_id))
                    if entries[0].entry.what not in BEGINNINGS:
                        beheaded += self._readable(case_id) is None
                    else:
                        made += self._remade(case_id, entries, whole=whole)
        with self._db.transaction():
            for name in ("drop_all_text", "put_all_text", "recount", "underive"):
                self._db.execute(name)
        if (free := self._db.free_bytes()) > self._db.bytes() * MUCH_FREE:
            self._db.ask("VACUUM")
            done.append(f"gave {free >> 20} MiB back that nothing was kept in")
        done += [f"made {made} cases anew from the journal"] if made else []
        done += [f"{beheaded} cases are lost: the journal has only their ends"] if beheaded else []
        return [*done, "made anew what cases are found by"]

    def _remade(self, case_id: str, entries: Sequence[Recorded], *, whole: bool) -> bool:
        """Put what the entries make of a case in place of what is there; of a journal that lost entries only
        where nothing is there."""
        made: Case | None = None
        for recorded in entries:
            made = fold(made, recorded.seq, recorded.entry)
        there = self._readable(case_id)
        if made is None or made == there or (there and not whole):
            return False
        self._db.execute("put_case", **values_of(made, COLUMNS))
        return True

    def _readable(self, case_id: str) -> Case | None:
        try:
            return self.case(case_id)
        except StoreCorrupt:
            return None

    def key(self) -> bytes:
        return bytes(self._db.value("key"))

    def close(self) -> None:
        self._db.close()


def _damaged(database: Database) -> bool:
    try:
        return bool(database.problems())
    except StoreCorrupt:
        return True


def _where(where: CaseFilter) -> dict[str, str | None]:
    return {
        "states": as_json(where.states),
        "cause": where.cause,
        "namespace": where.namespace,
        "cluster": where.cluster,
        "source": where.source,
        "since": where.since,
        "before": where.before or LAST,
    }


def _counted(rows: Sequence[sqlite3.Row], column: str) -> dict[Any, int]:
    """How many cases have each value of a column, the most frequent first."""
    counts: Counter[Any] = Counter()
    for row in rows:
        counts[row[column]] += row["cases"]
    return dict(counts.most_common())


def _judged(rows: Sequence[sqlite3.Row]) -> dict[str, tuple[int, int]]:
    judged: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for row in rows:
        if row["verdict"]:
            judged[row["confidence"]] += row["cases"]
            right[row["confidence"]] += row["cases"] if row["verdict"] == "right" else 0
    return {word: (judged[word], right[word]) for word in judged}


def _by_kind(given: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Sums over the lessons of each kind."""
    sums: dict[str, tuple[int, int]] = {}
    for lesson, (helped, harmed) in given.items():
        kind = lesson.partition("/")[0]
        before = sums.get(kind, (0, 0))
        sums[kind] = (before[0] + helped, before[1] + harmed)
    return sums
