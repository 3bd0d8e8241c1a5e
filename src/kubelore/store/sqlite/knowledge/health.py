"""Whether what is derived from the passages fits them, and making it anew."""

from __future__ import annotations

import numpy as np

from kubelore.errors import StoreError
from kubelore.store.sqlite.database import Database
from kubelore.store.sqlite.knowledge.vectors import VectorTable
from kubelore.store.sqlite.knowledge.words import WordIndex

MEND = (
    "drop_stray_documents", "drop_stray_entries", "drop_all_tags", "tag_again", "drop_stray_passages",
    "drop_stray_terms", "drop_stray_near", "drop_stray_vectors", "drop_all_unembedded", "drop_all_free",
    "find_free", "forget_analyser",
)  # fmt: skip
"""In this order."""
SOURCES = {"knowledge_sources", "knowledge_documents", "knowledge_passages", "knowledge_entries"}
"""Tables whose rows only the documents themselves can give back."""


def problems(database: Database, vectors: VectorTable) -> list[str]:
    """One sentence each; [] when everything is sound. Reads the whole file."""
    found = damage(database)
    if found:
        return found
    untermed = database.value("untermed")
    if untermed:
        found.append(f"{untermed} passages have no terms")
    found += [f"vectors of {space.embedder}: block {block} cannot be read" for space, block in vectors.lost()]
    if not database.read_only:
        try:
            database.execute("check_index")
        except StoreError as error:
            found.append(f"the full-text index does not fit the passages: {error}")
    return found


def damage(database: Database) -> list[str]:
    """What cannot be made anew from the passages, or stands in the way of it."""
    try:
        found = database.problems()
        for _row in database.each("everything"):
            pass  # text that is not UTF-8 is told when it is read
        odd = database.value("odd_entries")
        ownerless = database.value("ownerless")
    except StoreError as error:
        return [str(error)]
    if odd:
        found.append(f"the tags of {odd} entries cannot be read")
    if ownerless:
        found.append(f"{ownerless} passages belong to no document")
    return found


def rebuild(database: Database, words: WordIndex, vectors: VectorTable) -> list[str]:
    """Make anew what is derived from the passages, in a sound file; returns what was done."""
    done = ["built the full-text index anew"]
    with database.transaction():
        database.execute("rebuild_index")
        for space, block in vectors.lost():
            vectors.drop(space, block)
            done.append(f"gave up a block of vectors of {space.embedder}; its passages have none now")
    words.count(database.value("last_passage"))
    return done


def mend(database: Database, lost: set[str]) -> list[str]:
    """Bring the rows that were saved of a damaged file in line with each other; see `rescue`."""
    vectors = VectorTable(database)
    with database.transaction():
        for name in (*MEND, *(("forget_hashes",) if lost & SOURCES else ())):
            database.execute(name)
        for space, block in vectors.lost():
            vectors.drop(space, block)
        passages = np.array([row[0] for row in database.rows("all_passages")], dtype=np.int64)
        for space in vectors.spaces():
            missing = passages[~vectors.present(space)[passages]].tolist()
            database.execute_many("miss", [{"space": space.id, "passage": number} for number in missing])
        database.execute("rebuild_index")
    return (
        ["add its sources again: what is missing comes back, what is there stays"] if lost & SOURCES else []
    )
