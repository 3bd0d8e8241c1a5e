"""Finds the few passages that matter: by words and by meaning, weighed together, or nothing at all.

The store gives candidates of either kind. They are weighed again with the words that were asked for and
words of like meaning, both strengths are added, and each document is left its best passage. When not even
the best shares enough with the question, nothing is returned. `ranking.yaml` has the numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache

from kubelore.knowledge.analyse import query_terms, related_terms, terms
from kubelore.packaged import packaged_yaml
from kubelore.passages import ANYTHING, IndexInfo, KnowledgeFilter
from kubelore.protocols import Embedder, KnowledgeStore
from kubelore.redaction import redact
from kubelore.types import KnowledgeEntry, KnowledgeHit

MOST_WORDS = 40
"""Of a question: a pasted log has more, and the rarest say most."""
MOST_LETTERS = 4_000
"""Of a question, for the embedder."""
FEW = 200
"""In a smaller store, a word that one passage has is taken to be as rare as here."""


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

    def worth(self, often: Mapping[str, float]) -> float:
        """What a passage has of it, and of the one word of like meaning that it has most of."""
        instead = max((weight * often[root] for root, weight in self.related if root in often), default=0.0)
        return self.weight * often.get(self.root, 0.0) + instead


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
        found = self._weigh(question, where)
        if evidence:
            found = _joined(found, self._weigh(evidence, where), self._ranking.evidence)
        best = sorted(found.values(), key=lambda one: (-one.score, one.entry.id))
        if floor:
            best = [one for one in best if one.relevance >= self._ranking.floor]
        return _apart(best, limit)

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
        counts = {
            id_: _counts(entry.title, entry.content, self._ranking.title) for id_, entry in entries.items()
        }
        usual = sum(words.total() for words in counts.values()) / (len(counts) or 1)
        strengths = {id_: self._strength(words, asked, usual) for id_, words in counts.items()}
        cosines = {hit.entry.id: hit.score for hit in near}
        top = max(strengths.values(), default=0.0) or 1.0
        least = min(cosines.values(), default=0.0)
        found = {}
        for id_, entry in entries.items():
            cosine = cosines.get(id_, least)
            score = self._ranking.keywords * strengths[id_] / top + self._ranking.cosine * cosine
            shared = sum(word.worth(dict.fromkeys(counts[id_], 1.0)) for word in asked)
            relevance = self._relevance(shared, cosine if near else None)
            words = tuple(word.root for word in asked if word.root in counts[id_])
            found[id_] = Found(entry, score, relevance, words, cosines.get(id_))
        return found

    def _asked(self, text: str) -> list[_Asked]:
        """The rarest words of a question, the rarest first."""
        asked = query_terms(text)
        related = {word: related_terms(word) for word in asked}
        passages = max(self._index.passages, FEW)
        frequency = self._store.frequencies(
            {*asked, *(other for others in related.values() for other in others)}
        )

        def rarity(word: str) -> float:
            """1 for a word that no passage has, 0 for one that all have."""
            count = min(passages, frequency.get(word, 0))
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

    def _strength(self, counts: Counter[str], asked: Sequence[_Asked], usual: float) -> float:
        """BM25 of a passage, for words of like meaning too."""
        k, b = self._ranking.saturation, self._ranking.length
        damp = k * (1 - b + b * counts.total() / usual)
        often = {root: times * (k + 1) / (times + damp) for root, times in counts.items()}
        return sum(word.worth(often) for word in asked)

    def _relevance(self, shared: float, cosine: float | None) -> float:
        """`shared` is what the words weigh that passage and question have in common."""
        if cosine is None:
            bias, by_words = self._ranking.relevance_by_words
            return _logistic(bias + by_words * math.log1p(shared))
        bias, by_words, by_cosine = self._ranking.relevance
        return _logistic(bias + by_words * math.log1p(shared) + by_cosine * cosine)


def _logistic(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


@lru_cache(maxsize=4_096)
def _counts(title: str, content: str, title_weight: int) -> Counter[str]:
    """How often each word occurs, those of the title that many times more."""
    words = Counter(terms(content))
    for word in terms(title):
        words[word] += title_weight
    return words


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
