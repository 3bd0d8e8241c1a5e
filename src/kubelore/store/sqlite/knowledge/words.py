"""The full-text index over the terms of passages, and what a query may cost.

FTS5 scores every passage that has any word of the query, about a microsecond each, and counts the passages of
every word anew: a word that half of all passages have would take a hundred times what a telling one takes.
So words go in rarest first while the passages they find together stay below `BUDGET`. Where even the rarest
is in more, those that have it in the title or as a tag come first, and no more than `BUDGET` are scored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from kubelore.passages import Terms
from kubelore.store.sqlite.database import Database
from kubelore.store.sqlite.statements import as_json

TITLE, CONTENT, TAGS = 4.0, 1.0, 2.0
"""BM25 weights of the columns."""
BUDGET = 2000
"""Passages that one query scores at most."""
COMMON = 500
"""Words in more passages than this are counted once after each pass: counting them in a search takes long."""
RECOUNT = 0.1
"""The share of passages that must have come or gone for counting anew."""

Groups = Sequence[Sequence[str]]


class WordIndex:
    def __init__(self, database: Database) -> None:
        self._db = database

    def put(self, passage: int, terms: Terms) -> None:
        """Index a passage that is not indexed."""
        self._db.execute(
            "put_terms", passage=passage, title=terms.title, content=terms.content, tags=terms.tags
        )
        self._db.execute("index_terms", passage=passage)

    def change(self, passage: int, terms: Terms) -> None:
        self.remove(passage)
        self.put(passage, terms)

    def remove(self, passage: int) -> None:
        """The terms themselves go with the passage."""
        self._db.execute("unindex_terms", passage=passage)

    def frequencies(self, words: Collection[str]) -> Mapping[str, int]:
        lowered = {word: _lower(word) for word in words}
        rows = self._db.rows("frequencies", words=as_json(set(lowered.values())))
        counts = {row["word"]: row["passages"] for row in rows}
        return {word: counts[low] for word, low in lowered.items()}

    def recount(self) -> None:
        """Count common words anew if the store changed much since they were counted."""
        passages = self._db.value("last_passage")
        counted = int(self._db.value("setting", name="counted") or 0)
        if abs(passages - counted) > RECOUNT * counted:
            self.count(passages)

    def count(self, passages: int) -> None:
        found = [dict(row) for row in self._db.rows("count_common", more_than=COMMON)]
        with self._db.transaction():
            self._db.execute("forget_common")
            self._db.execute_many("put_common", found)
            self._db.execute("put_setting", name="counted", value=str(passages))

    def match(self, groups: Groups, limit: int, **where: str | None) -> list[tuple[int, float]]:
        """Numbers of passages and their scores, best first; `where` is a filter as the statements take it."""
        name = "match_filtered" if where else "match"
        kept, cost = self._affordable(groups)
        found: dict[int, float] = {}
        if cost > BUDGET:
            found = dict(self._matched(name, f"{{title tags}} : ({expression(kept)})", limit, **where))
        if len(found) < limit:
            found |= self._matched(name, expression(kept), limit, **where)
        return sorted(found.items(), key=lambda hit: (-hit[1], hit[0]))[:limit]

    def match_among(self, groups: Groups, passages: str, limit: int) -> list[tuple[int, float]]:
        """The same, among these passages only (`1,2,3`)."""
        return self._matched("match_among", expression(groups), limit, passages=f"[{passages}]")

    def _affordable(self, groups: Groups) -> tuple[Groups, int]:
        """The groups, rarest first, that find no more than BUDGET passages, and how many these are; always
        one, if any."""
        if self._db.value("last_passage") <= BUDGET:
            return groups, 0
        found = self.frequencies({word for group in groups for form in group for word in form.split()})
        costs = [sum(min((found[w] for w in form.split()), default=0) for form in group) for group in groups]
        kept: list[Sequence[str]] = []
        spent = 0
        for cost, group in sorted(zip(costs, groups, strict=True), key=lambda pair: pair[0]):
            if cost and spent and spent + cost > BUDGET:
                break
            spent += cost
            kept.append(group)
        return kept, spent

    def _matched(self, name: str, match: str, limit: int, **more: str | None) -> list[tuple[int, float]]:
        if not match:
            return []
        weights = {"title": TITLE, "content": CONTENT, "tags": TAGS}
        rows = self._db.rows(name, match=match, limit=limit, most=BUDGET, **weights, **more)
        return [(row["passage"], row["score"]) for row in rows]


def expression(groups: Groups) -> str:
    """An FTS5 query for any form of any group; nothing in a form is syntax."""
    forms = dict.fromkeys(" ".join(form.replace("\0", " ").split()) for group in groups for form in group)
    return " OR ".join('"' + form.replace('"', '""') + '"' for form in forms if form)


def _lower(word: str) -> str:
    """As the tokenizer folds it: ASCII letters only."""
    return "".join(c.lower() if c.isascii() else c for c in word)
