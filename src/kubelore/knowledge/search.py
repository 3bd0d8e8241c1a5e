"""Finds the few passages that matter: by words and by meaning, weighed together, or nothing at all.

The store gives candidates of either kind. They are weighed again with the words that were asked for and
words of like meaning, both strengths are added, and each document is left its best passage. When not even
the best shares enough with the question, nothing is returned. `ranking.yaml` has the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from kubelore.knowledge.analyse import in_kinds, query_terms, related_terms
from kubelore.packaged import packaged_text, packaged_yaml
from kubelore.passages import ANYTHING, IndexInfo, KnowledgeFilter, Terms
from kubelore.protocols import Embedder, KnowledgeStore
from kubelore.redaction import redact
from kubelore.types import KnowledgeEntry, KnowledgeHit

MOST_WORDS = 40
"""Of a question: a pasted log has more, and the rarest say most."""
MOST_LETTERS = 4_000
"""Of a question, for the embedder."""
FOLLOWING = 5
"""Passages that may be read beyond one."""
USUAL = 200
"""So many passages of the usual words (`word-shares.tsv`) are thought to be in every store: a few documents
cannot tell which words are common."""

NO_TERMS = Terms("", "")


@dataclass(frozen=True, slots=True)
class _Said:
    """What passages say of the words that matter."""

    column: Mapping[str, int]
    """Of each word."""
    times: NDArray[np.float64]
    """Shape (passages, words)."""
    lengths: NDArray[np.float64]
    """In words."""
    in_title: NDArray[np.float64]
    """Shape (passages, words): 1 where the title has the word."""
    title_lengths: NDArray[np.float64]
    """In different words."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The numbers of `ranking.yaml`, where they are explained."""

    pool: int
    saturation: float
    length: float
    title: int
    related: float
    keywords: float
    cosine: float
    titles: float
    evidence: float
    relevance: tuple[float, float, float]
    """Bias, weights of the words and of the cosine."""
    relevance_by_words: tuple[float, float]
    """The same without vectors."""
    floor: float


@cache
def packaged_ranking() -> Ranking:
    data = packaged_yaml("kubelore.knowledge", "ranking.yaml")
    both, by_words = data["relevance"], data["relevance_by_words"]
    return Ranking(
        pool=data["pool"],
        **data["words"],
        **data["weights"],
        relevance=(both["bias"], both["words"], both["cosine"]),
        relevance_by_words=(by_words["bias"], by_words["words"]),
        floor=data["floor"],
    )


@cache
def packaged_shares() -> Mapping[str, float]:
    """In what share of the passages of this field each of the common words is."""
    lines = packaged_text("kubelore.knowledge", "word-shares.tsv").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("# "))
    return {word: float(share) for word, share in rows}


@dataclass(frozen=True, slots=True)
class Found:
    """A passage, and why."""

    entry: KnowledgeEntry
    score: float
    """Compares within one search."""
    relevance: float
    """Probability that it is about the question."""
    words: tuple[str, ...]
    """Roots of the question's words that it has, the most telling first."""
    cosine: float | None
    """None: not among the nearest, or it has no vector."""

    @property
    def hit(self) -> KnowledgeHit:
        return KnowledgeHit(self.entry, self.score)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A word of a question, with what it weighs and what may be said instead."""

    root: str
    weight: float
    related: tuple[tuple[str, float], ...]

    @property
    def roots(self) -> Iterator[str]:
        yield self.root
        yield from (root for root, _ in self.related)


class Search:
    """Searches one store with the embedder of its vectors. Build a new one when the store has changed much:
    it remembers how many passages there are."""

    def __init__(
        self, store: KnowledgeStore, embedder: Embedder | None = None, ranking: Ranking | None = None
    ) -> None:
        """Without an embedder, and while the store's vectors are another's, it searches by words alone."""
        self._store = store
        self._embedder = embedder
        self._ranking = ranking or packaged_ranking()

    @cached_property
    def _index(self) -> IndexInfo:
        return self._store.index()

    @property
    def has_vectors(self) -> bool:
        """Whether the store's vectors are this embedder's."""
        space = self._index.space
        return bool(self._embedder and space and space.embedder == self._embedder.name)

    def find(
        self,
        question: str,
        where: KnowledgeFilter = ANYTHING,
        *,
        evidence: str = "",
        limit: int = 3,
        floor: bool = True,
    ) -> list[Found]:
        """At most `limit` passages, best first, each of another document; none when nothing is near enough.

        `evidence` says in words what was seen by now: a second question, whose answers count as well.
        Raises StoreError and, when the embedder is behind a server, ModelError.
        """
        found = self._weigh(in_kinds(question), where)
        if evidence:
            found = _joined(found, self._weigh(evidence, where), self._ranking.evidence)
        best = sorted(found.values(), key=lambda one: (-one.score, one.entry.id))
        if floor:
            best = [one for one in best if one.relevance >= self._ranking.floor]
        return _apart(best, limit)

    def read_on(self, entry: KnowledgeEntry, letters: int) -> str:
        """The passage, and as much of what follows it in its document as makes at most `letters` with it, in
        whole passages. Raises StoreError."""
        read, left = [entry.content], letters - len(entry.content)
        where = KnowledgeFilter(sources=(entry.source,))
        for next_ in self._store.page(where, limit=FOLLOWING, after=entry.id):
            left -= len(next_.content)
            if next_.document != entry.document or left < 0:
                break
            read.append(next_.content)
        return "\n\n".join(read)

    def _weigh(self, text: str, where: KnowledgeFilter) -> dict[str, Found]:
        """All candidates by their ids."""
        asked = self._asked(text)
        hits = (
            self._store.keywords([[word.root] for word in asked], where, limit=self._ranking.pool)
            if asked
            else ()
        )
        near = self._nearest(text, where)
        entries = {hit.entry.id: hit.entry for hit in (*hits, *near)}
        said = self._said([entry.hash for entry in entries.values()], asked)
        strengths, shared = self._strengths(said, asked)
        titled = self._titled(said, asked)
        cosines = {hit.entry.id: hit.score for hit in near}
        top = max(strengths, default=0.0) or 1.0
        least = min(cosines.values(), default=0.0)
        found = {}
        for row, (id_, entry) in enumerate(entries.items()):
            cosine = cosines.get(id_, least)
            score = self._ranking.keywords * strengths[row] / top + self._ranking.cosine * cosine
            score += self._ranking.titles * titled[row]
            relevance = self._relevance(shared[row], cosine if near else None)
            words = tuple(word.root for word in asked if said.times[row, said.column[word.root]])
            found[id_] = Found(entry, score, relevance, words, cosines.get(id_))
        return found

    def _asked(self, text: str) -> list[_Asked]:
        """The rarest words of a question, the rarest first."""
        asked = query_terms(text)
        related = {word: related_terms(word) for word in asked}
        passages = self._index.passages + USUAL
        frequency = self._store.frequencies(
            {*asked, *(other for others in related.values() for other in others)}
        )

        def rarity(word: str) -> float:
            """Near 1 for a word that no passage has, 0 for one that all have."""
            count = min(passages, frequency.get(word, 0) + USUAL * packaged_shares().get(word, 0.0))
            return math.log((passages + 1) / (count + 1)) / math.log(passages + 1)

        found = [
            _Asked(
                word,
                rarity(word),
                tuple((other, self._ranking.related * rarity(other)) for other in related[word]),
            )
            for word in asked
        ]
        return sorted(found, key=lambda word: -word.weight)[:MOST_WORDS]

    def _nearest(self, text: str, where: KnowledgeFilter) -> Sequence[KnowledgeHit]:
        if self._embedder is None or not self.has_vectors:
            return ()
        vector = self._embedder.embed([redact(text[:MOST_LETTERS])])[0]
        if not vector.any():
            return ()
        return self._store.nearest(self._embedder.name, vector, where, limit=self._ranking.pool)

    def _said(self, hashes: Sequence[str], asked: Sequence[_Asked]) -> _Said:
        """How often each passage has the words that matter, those of its title that many times more."""
        column = {root: number for number, root in enumerate({root for word in asked for root in word.roots})}
        times, in_title = np.zeros((len(hashes), len(column))), np.zeros((len(hashes), len(column)))
        lengths, title_lengths = np.zeros(len(hashes)), np.zeros(len(hashes))
        known = self._store.terms(hashes)
        for row, hash_ in enumerate(hashes):
            terms = known.get(hash_, NO_TERMS)
            title, content = f"{terms.title} {terms.tags}".split(), terms.content.split()
            lengths[row] = len(content) + len(title) * self._ranking.title
            own = set(terms.title.split())
            title_lengths[row] = len(own)
            in_title[row, [column[root] for root in own if root in column]] = 1
            for words, weight in ((content, 1), (title, self._ranking.title)):
                for root in words:
                    if root in column:
                        times[row, column[root]] += weight
        return _Said(column, times, lengths, in_title, title_lengths)

    def _strengths(self, said: _Said, asked: Sequence[_Asked]) -> tuple[list[float], list[float]]:
        """BM25 of each passage; and what the words weigh that it has in common with the question, however
        often. A word counts with the one word of like meaning that the passage has most of."""
        k, b = self._ranking.saturation, self._ranking.length
        damp = k * (1 - b + b * said.lengths / max(1.0, said.lengths.mean() if len(said.lengths) else 1.0))
        often = said.times * (k + 1) / (said.times + damp[:, None])
        has = (said.times > 0).astype(np.float64)
        strengths, shared = np.zeros(len(damp)), np.zeros(len(damp))
        for word in asked:
            own = said.column[word.root]
            strengths += word.weight * often[:, own]
            shared += word.weight * has[:, own]
            if word.related:
                columns = [said.column[root] for root, _ in word.related]
                weights = np.array([weight for _, weight in word.related])
                strengths += (often[:, columns] * weights).max(axis=1)
                shared += (has[:, columns] * weights).max(axis=1)
        return strengths.tolist(), shared.tolist()

    def _titled(self, said: _Said, asked: Sequence[_Asked]) -> list[float]:
        """How much question and title have in common, of what both say: 1 when they say the same."""
        common = np.zeros(len(said.lengths))
        for word in asked:
            own = word.weight * said.in_title[:, said.column[word.root]]
            if word.related:
                columns = [said.column[root] for root, _ in word.related]
                weights = np.array([weight for _, weight in word.related])
                own = np.maximum(own, (said.in_title[:, columns] * weights).max(axis=1))
            common += own
        mass = sum(word.weight for word in asked) or 1.0
        found: list[float] = (common / np.sqrt(mass * np.maximum(1.0, said.title_lengths))).tolist()
        return found

    def _relevance(self, shared: float, cosine: float | None) -> float:
        """`shared` is what the words weigh that passage and question have in common."""
        if cosine is None:
            bias, by_words = self._ranking.relevance_by_words
            return _logistic(bias + by_words * math.log1p(shared))
        bias, by_words, by_cosine = self._ranking.relevance
        return _logistic(bias + by_words * math.log1p(shared) + by_cosine * cosine)


def _logistic(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _joined(asked: dict[str, Found], seen: dict[str, Found], weight: float) -> dict[str, Found]:
    """What the question finds and what the evidence finds, as one."""
    joined = dict(asked)
    for id_, found in seen.items():
        own = asked.get(id_)
        if own is None:
            joined[id_] = replace(found, score=weight * found.score)
        else:
            joined[id_] = replace(
                own,
                score=own.score + weight * found.score,
                relevance=max(own.relevance, found.relevance),
                words=tuple(dict.fromkeys((*own.words, *found.words))),
            )
    return joined


def _apart(best: Iterable[Found], limit: int) -> list[Found]:
    """The best of each document. What is nearly the same as another was stored with it."""
    first: dict[tuple[str, str], Found] = {}
    for found in best:
        first.setdefault((found.entry.source, found.entry.document or found.entry.id), found)
        if len(first) == limit:
            break
    return list(first.values())
