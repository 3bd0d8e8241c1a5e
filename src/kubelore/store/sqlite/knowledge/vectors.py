"""Embeddings: kept in blocks, so that an exact search reads few large rows and no row for each passage.

A block holds the vectors of 256 passages whose numbers follow each other; one vector is written in place.
Nothing is kept in memory between searches: reading the blocks anew takes about as long as the products
themselves, and never shows what another process has replaced.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from kubelore.errors import StoreCorrupt, StoreError
from kubelore.passages import Space
from kubelore.store.sqlite.database import Database

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubelore.types import Vector, Vectors

PER_BLOCK = 256
TRIED_FIRST = 8
"""With a filter, so many times the hits that are wanted are tried before everything that it lets through."""
FLOAT = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class SpaceRow:
    id: int
    embedder: str
    dimension: int
    searched: bool


class VectorTable:
    def __init__(self, database: Database) -> None:
        self._db = database

    # Spaces

    def spaces(self) -> list[SpaceRow]:
        rows = self._db.rows("spaces")
        return [SpaceRow(r["id"], r["embedder"], r["dimension"], bool(r["searched"])) for r in rows]

    def space(self, embedder: str) -> SpaceRow | None:
        return next((space for space in self.spaces() if space.embedder == embedder), None)

    def described(self) -> tuple[Space | None, Space | None]:
        """The space that is searched, and the one that will be."""
        found = {
            space.searched: Space(
                space.embedder, space.dimension, self._db.value("count_unembedded", space=space.id)
            )
            for space in self.spaces()
        }
        return found.get(True), found.get(False)

    def use(self, embedder: str, dimension: int) -> None:
        known = self.space(embedder)
        if known and known.dimension != dimension:
            raise StoreError(
                f"vectors of {embedder} had {known.dimension} dimensions, now they have {dimension}",
                hint="an embedder that changed needs another name",
            )
        if known is None or known.searched:
            self._db.execute("drop_next_space")
        if known is None:
            searched = not self.spaces()
            space = self._db.value("add_space", embedder=embedder, dimension=dimension, searched=searched)
            self._db.execute("miss_all", space=space)
        self.promote()

    def promote(self) -> None:
        """Search the next space, if nothing is missing in it."""
        complete = self._db.value("next_is_complete")
        if complete is not None:
            self._db.execute("drop_searched_space")
            self._db.execute("search_space", space=complete)

    # Vectors

    def write(self, space: SpaceRow, vectors: Mapping[int, Vector]) -> None:
        """Keep vectors by the numbers of their passages."""
        size = space.dimension * FLOAT.itemsize
        for vector in vectors.values():
            if vector.shape != (space.dimension,) or not np.isfinite(vector).all():
                raise StoreError(
                    f"{space.embedder} gave a vector of shape {vector.shape}, or one with no numbers in it",
                    hint=f"its space has {space.dimension} dimensions",
                )
        for block, members in groupby(sorted(vectors), lambda number: number // PER_BLOCK):
            parts = [(n % PER_BLOCK * size, vectors[n].astype(FLOAT).tobytes()) for n in members]
            row = self._db.value("block_id", space=space.id, block=block)
            if row is None:
                row = self._db.value("add_block", space=space.id, block=block, bytes=PER_BLOCK * size)
            self._db.write_blob("knowledge_vectors", "vectors", row, parts)
        found = [{"space": space.id, "passage": number} for number in vectors]
        self._db.execute_many("embedded", found)

    def clear(self, passages: Iterable[int]) -> None:
        """Forget the vectors of passages that are gone; a block without any passage goes as a whole."""
        spaces = self.spaces()
        for block, members in groupby(sorted(passages), lambda number: number // PER_BLOCK):
            first = block * PER_BLOCK
            self._db.execute("drop_empty_block", block=block, first=first, last=first + PER_BLOCK - 1)
            numbers = list(members)
            for space in spaces:
                row = self._db.value("block_id", space=space.id, block=block)
                if row is not None:
                    zeros = bytes(space.dimension * FLOAT.itemsize)
                    parts = [(number % PER_BLOCK * len(zeros), zeros) for number in numbers]
                    self._db.write_blob("knowledge_vectors", "vectors", row, parts)

    def scores(self, space: SpaceRow, vector: Vector) -> NDArray[np.float32]:
        """Products with every vector, at the numbers of the passages; 0 where there is none."""
        query = np.ascontiguousarray(vector, dtype=np.float32)
        scores = np.zeros((self._blocks(), PER_BLOCK), dtype=np.float32)
        for block, matrix in self._matrices(space, len(scores)):
            np.dot(matrix, query, out=scores[block])
        scores[~np.isfinite(scores)] = 0  # a vector that lost bits on the disk
        return scores.reshape(-1)

    def present(self, space: SpaceRow) -> NDArray[np.bool_]:
        """Whether there is a vector other than zeros, at the numbers of the passages."""
        there = np.zeros((self._blocks(), PER_BLOCK), dtype=np.bool_)
        for block, matrix in self._matrices(space, len(there)):
            there[block] = matrix.any(axis=1)
        return there.reshape(-1)

    def nearest(
        self,
        space: SpaceRow,
        vector: Vector,
        limit: int,
        let_through: Callable[[Sequence[int] | None], NDArray[np.int64]] | None = None,
    ) -> list[tuple[int, float]]:
        """Numbers and cosines of passages, best first. `let_through` gives those of these passages that may
        be found, or of all for None, which takes long where they are many."""
        scores = self.scores(space, vector)
        if let_through is None:
            return _best(scores, np.flatnonzero(scores), limit)
        tried = _best(scores, np.flatnonzero(scores), limit * TRIED_FIRST)
        passing = set(let_through([number for number, _score in tried]).tolist())
        found = [hit for hit in tried if hit[0] in passing]
        if len(found) >= limit or len(tried) < limit * TRIED_FIRST:
            return found[:limit]
        allowed = np.unique(let_through(None))
        return _best(scores, allowed[scores[allowed] != 0], limit)

    # Health

    def lost(self) -> list[tuple[SpaceRow, int]]:
        """Blocks that cannot be read."""
        broken = []
        for space in self.spaces():
            for (block,) in self._db.rows("block_numbers", space=space.id):
                try:
                    self._matrix(space, self._db.value("block", space=space.id, block=block))
                except StoreCorrupt:
                    broken.append((space, block))
        return broken

    def drop(self, space: SpaceRow, block: int) -> None:
        """Give a block up: its passages are unembedded from now on."""
        self._db.execute("drop_block", space=space.id, block=block)
        first = block * PER_BLOCK
        self._db.execute("miss_block", space=space.id, first=first, last=first + PER_BLOCK - 1)

    def _blocks(self) -> int:
        last: int = self._db.value("last_passage")
        return last // PER_BLOCK + 1

    def _matrices(self, space: SpaceRow, blocks: int) -> Iterator[tuple[int, Vectors]]:
        for block, content in self._db.each("blocks", space=space.id):
            if 0 <= block < blocks:
                yield block, self._matrix(space, content)

    def _matrix(self, space: SpaceRow, content: bytes) -> Vectors:
        if len(content) != PER_BLOCK * space.dimension * FLOAT.itemsize:
            raise self._db.damaged(f"a block of vectors has {len(content)} bytes")
        matrix: Vectors = np.frombuffer(content, FLOAT).reshape(PER_BLOCK, space.dimension)
        return matrix


def _best(scores: NDArray[np.float32], candidates: NDArray[np.int64], limit: int) -> list[tuple[int, float]]:
    found = scores[candidates]
    if len(found) > limit:
        best = np.argpartition(-found, limit)[:limit]
        candidates, found = candidates[best], found[best]
    order = np.lexsort((candidates, -found))
    return [(int(candidates[i]), float(found[i])) for i in order]


def numbers(text: str | None) -> NDArray[np.int64]:
    """`3,1,7`, as `group_concat` gives it, as an array."""
    return np.array(json.loads(f"[{text or ''}]"), dtype=np.int64)
