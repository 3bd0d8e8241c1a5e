"""Whether the casebook is as it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from hashlib import sha256

from kubelore.casebook.kept import is_faithful
from kubelore.cases import Case, CaseFilter, Recorded, entry_hash, fold
from kubelore.protocols import CaseStore, Progress

PAGE = 500


def verify(store: CaseStore, progress: Progress | None = None) -> Iterator[str]:
    """One sentence for each thing that is not as it was written: the database's own check, the chain of
    hashes, cases against what the journal makes of them, what steps saw against the hashes in it, and what
    recall begins with against the cases.

    What was cut off the end of the journal together with its cases leaves no trace but a shorter journal:
    compare the last hash with one that was noted before.
    """
    yield from store.problems()
    ids: set[str] = set()
    yield from _chain(store, ids, progress)
    done, total, last = 0, len(ids), ""
    while page := store.cases(CaseFilter(), limit=PAGE, after=last):
        for case in page:
            yield from _case(store, case)
            ids.discard(case.id)
            done += 1
            if progress:
                progress.advance(done, max(done, total), "cases")
        last = page[-1].id
    yield from (f"case {case_id} is in the journal and nowhere else" for case_id in sorted(ids))
    if not is_faithful(store):
        yield "what recall begins with is not what the cases say"


def _chain(store: CaseStore, ids: set[str], progress: Progress | None) -> Iterator[str]:
    """Follows the chain; puts the id of every case into `ids`."""
    total, previous, seq = store.stats().entries, "", 0
    for recorded in store.journal():
        seq += 1
        if recorded.seq != seq:
            yield f"entries {seq} to {recorded.seq - 1} of the journal are missing"
            seq = recorded.seq
        elif recorded.previous != previous:
            yield f"entry {seq} does not follow the entry before it"
        if recorded.hash != entry_hash(recorded.previous, seq, recorded.entry, recorded.entry.payload()):
            yield f"entry {seq}, of case {recorded.entry.case}, is not what was written"
        previous = recorded.hash
        ids.add(recorded.entry.case)
        if progress and seq % PAGE == 0:
            progress.advance(seq, total, "entries")


def _case(store: CaseStore, case: Case) -> Iterator[str]:
    entries = list(store.journal(case.id))
    made: Case | None = None
    try:
        for recorded in entries:
            made = fold(made, recorded.seq, recorded.entry)
    except TypeError as error:
        yield f"case {case.id}: an entry sets what no case has: {error}"
        return
    if made is None:
        yield f"case {case.id} is not in the journal"
        return
    changed = [f.name for f in fields(Case) if getattr(case, f.name) != getattr(made, f.name)]
    if changed:
        yield f"case {case.id}: {', '.join(changed)} differ from what the journal says"
    yield from _bodies(made, entries, store.bodies(case.id))


def _bodies(made: Case, entries: Sequence[Recorded], bodies: Mapping[int, bytes]) -> Iterator[str]:
    """What was dropped for its age is no damage, but evidence stays; what is there must be what was seen."""
    written = {step["iteration"]: step["sha256"] for step in made.steps}
    for entry in (recorded.entry for recorded in entries):
        if "evidence" in entry.note:
            written[0] = entry.note["evidence"]
    if 0 in written and 0 not in bodies:
        yield f"case {made.id}: the evidence is missing"
    for step, data in bodies.items():
        if written.get(step) != sha256(data).hexdigest():
            what = f"what step {step} saw" if step else "the evidence"
            yield f"case {made.id}: {what} is not what was written"
