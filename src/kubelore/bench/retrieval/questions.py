"""Labelled questions against the patterns: every way of finding a pattern on the same questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from kubelore.bench.questions import Asked
from kubelore.bench.retrieval.documents import searches
from kubelore.bench.retrieval.fit import Example, best_silent, fit, held_out, model, tones
from kubelore.bench.retrieval.table import DEPTH, Ask
from kubelore.knowledge.ingest.pipeline import Ingest
from kubelore.knowledge.ingest.sources import Pages
from kubelore.knowledge.matching import Matcher
from kubelore.knowledge.patterns import SOURCE, PatternText, pages
from kubelore.knowledge.search import Search
from kubelore.passages import KnowledgeFilter
from kubelore.patterns.load import Library
from kubelore.patterns.question import Strategy, match
from kubelore.protocols import Embedder, KnowledgeStore, Progress
from kubelore.types import JsonObject

NONE = "none"
MATCHER = "all signs (used)"
PATTERNS = KnowledgeFilter(types=("pattern",))


def ways(library: Library, matcher: Matcher, store: KnowledgeStore, embedder: Embedder) -> Mapping[str, Ask]:
    """Each way of finding patterns; `store` has their pages. The last one is what investigations use."""
    found: dict[str, Ask] = {
        "substring triggers": partial(_matched, library, "substring"),
        "phrases": partial(_matched, library, "words"),
    }
    found |= {f"pages, {name}": by_pattern(search) for name, search in searches(store, embedder).items()}
    return found | {MATCHER: lambda question: [m.pattern for m in matcher.match(question, DEPTH)]}


def ingest(
    patterns: Sequence[PatternText], store: KnowledgeStore, embedder: Embedder, progress: Progress
) -> None:
    """Put the pages of patterns into a store."""
    Ingest(store, embedder).run(Pages(SOURCE, pages(patterns)), progress)


def by_pattern(search: Search, evidence: str = "") -> Ask:
    """Answers are the ids of patterns, found by their pages."""
    return lambda question: [
        found.entry.document for found in search.find(question, PATTERNS, evidence=evidence, limit=DEPTH)
    ]


def learn(
    sets: Mapping[str, Sequence[Asked]], patterns: Sequence[PatternText], matcher: Matcher
) -> tuple[JsonObject, Ask]:
    """Weights learned from sets of questions, as `matching.yaml` holds them; and what weights answer that
    were fitted without the question that is asked."""
    asked = [one for questions in sets.values() for one in questions]
    told = tones([one.question for one in asked], [not one.is_none for one in asked])
    examples = [
        Example(matcher.signs(one.question, fitting=one.is_none).put(sounds), _right(one, patterns))
        for one, sounds in zip(asked, told, strict=True)
    ]
    without = held_out(examples)
    silent = best_silent(examples, without)
    learned = model(fit(examples), silent)
    chances = dict(zip((one.question for one in asked), without, strict=True))

    def ask(question: str) -> list[str]:
        chance = chances[question]
        return [patterns[i].id for i in np.argsort(-chance[:-1])] if chance[-1] <= silent else []

    data = {
        "version": 1,
        "fitted_to": {name: len(questions) for name, questions in sets.items()},
        "method": "conditional logit, L2 penalty, all labels of a question count as right",
        "patterns": dict(learned.patterns),
        "none": dict(learned.none),
        "silent": silent,
    }
    return data, ask


def _matched(library: Library, strategy: Strategy, question: str) -> list[str]:
    return [found.pattern.id for found in match(question, library, strategy, DEPTH)]


def _right(asked: Asked, patterns: Sequence[PatternText]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """A question of trouble that no pattern covers is about none of them, whatever else is half right."""
    labels = [not asked.is_none and pattern.id in asked.right for pattern in patterns]
    return np.array([*labels, asked.is_none or NONE in asked.right])
