"""The catalogue of a store: most of it as it was kept, the rest from the cases that changed since.

What is kept is never trusted: it belongs to this journal, is as it was packed, or is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import closing, suppress

from kubelore.casebook.catalogue import Catalogue, Section
from kubelore.errors import StoreCorrupt, StoreError
from kubelore.protocols import CaseStore
from kubelore.types import PastCase

NAME = "catalogue"
FAR_BEHIND = 2000
"""Journal entries, of about 250 investigations, that are read at every start before it is made again."""


def catalogue(
    store: CaseStore,
    writable: Callable[[], CaseStore],
    failed: Callable[[StoreError], None],
    far: int = FAR_BEHIND,
) -> Catalogue:
    """All that teaches; `failed` hears when cases cannot be read later. What had to be read whole is kept for
    the next time where there is much of it and `writable` opens. Raises StoreError."""
    kept = _kept(store)
    seq, sections = _sections(store, kept)
    if kept is None and seq >= far:
        with suppress(StoreError), closing(writable()) as other:
            other.derive(NAME, seq, sections[0].pack())

    def load(ids: Collection[str]) -> Sequence[PastCase]:
        try:
            return store.taught(ids)
        except StoreError as error:
            failed(error)
            return ()

    return Catalogue(sections, load)


def keep(store: CaseStore, far: int = FAR_BEHIND) -> None:
    """Bring what is kept up to date if it is `far` behind. Raises StoreError."""
    if store.behind(NAME) >= far:
        seq, sections = _sections(store, _kept(store))
        store.derive(NAME, seq, Section.joined(sections).pack())


def is_faithful(store: CaseStore) -> bool:
    """Whether what is kept says of every case what the case says. Reads all that teach."""
    kept = _kept(store)
    if kept is None:
        return True
    made = Section.joined(_sections(store, kept)[1])
    return made.pack() == Section.of(store.past_cases().taught).pack()


def _kept(store: CaseStore) -> tuple[int, Section] | None:
    try:
        found = store.derived(NAME)
    except StoreCorrupt:
        return None
    section = Section.unpack(found[1]) if found else None
    return (found[0], section) if found and section else None


def _sections(store: CaseStore, kept: tuple[int, Section] | None) -> tuple[int, list[Section]]:
    """What teaches at a journal entry."""
    since, old = kept or (0, None)
    changes = store.past_cases(since)
    new = Section.of(changes.taught)
    if old is None:
        return changes.seq, [new]
    changed = [*(case.id for case in changes.taught), *changes.dropped]
    return changes.seq, [old.without(old.segment.places(changed)), new]
