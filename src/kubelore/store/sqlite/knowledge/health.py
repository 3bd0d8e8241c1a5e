"""Whether what is derived from the passages fits them, and making it anew."""

from __future__ import annotations

from kubelore.errors import StoreError
from kubelore.store.sqlite.database import Database
from kubelore.store.sqlite.knowledge.vectors import VectorTable
from kubelore.store.sqlite.knowledge.words import WordIndex


def problems(database: Database, vectors: VectorTable) -> list[str]:
    """One sentence each; [] when everything is sound. Reads the whole file."""
    try:
        found = database.problems()
        untermed = database.value("untermed")
        ownerless = database.value("ownerless")
        lost = vectors.lost()
    except StoreError as error:
        return [str(error)]
    if untermed:
        found.append(f"{untermed} passages have no terms")
    if ownerless:
        found.append(f"{ownerless} passages belong to no document")
    found += [f"vectors of {space.embedder}: block {block} cannot be read" for space, block in lost]
    if not database.read_only:
        try:
            database.execute("check_index")
        except StoreError as error:
            found.append(f"the full-text index does not fit the passages: {error}")
    return found


def repair(database: Database, words: WordIndex, vectors: VectorTable) -> list[str]:
    """Raises StoreCorrupt when the passages themselves cannot be read."""
    done = []
    with database.transaction():
        database.execute("rebuild_index")
        done.append("built the full-text index anew")
        for space, block in vectors.lost():
            vectors.drop(space, block)
            done.append(f"gave up a block of vectors of {space.embedder}; its passages have none now")
    words.count(database.value("last_passage"))
    done.append("counted common words anew")
    return done
