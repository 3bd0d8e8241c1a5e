"""What simple guessing reaches on the same cases: a score says little without it.

Three learn from the labels of the other cases: the most frequent label, and the nearest neighbour by the
words of the question and by the facts that were seen (TF-IDF). What is held out: `case`, so that all other
cases may be learned from, also twins that differ in nothing; or `group`, all cases of the same cause and
object, so that both together are out of reach and the cause alone says what transfers. For the most frequent
label `nothing` stands for `case`: without its own case, a label would be the less frequent the righter it is.

Two need no labels, but the recording: the first finding of FIND_ISSUES, and the first pattern with a trigger
in the question. `by_rule` makes them when a case is run; its prediction line carries them as `baselines`
({name: predictions}).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from kubelore.bench.scoring.judge import CONSIDERED, Answer, Expected, Guess, Score, judge
from kubelore.patterns.load import Library
from kubelore.patterns.question import match
from kubelore.patterns.rank import rank
from kubelore.types import Evidence, Finding, Observation, Ref

Held = Literal["nothing", "case", "group"]
Named = tuple[str, Ref]
"""A canonical root cause and the object at fault."""
Vector = Mapping[str, float]
Learn = Callable[[Expected, Sequence[Expected]], list[Guess]]
"""Guesses about one case from the labels of others."""

FIRST_FINDING = "FIND_ISSUES, first finding"
TRIGGERS = "substring patterns"
WORD = re.compile(r"[a-z0-9]+")


def learned(answers: Mapping[str, Answer], expected: Sequence[Expected]) -> dict[str, dict[Held, Score]]:
    """The score of each baseline that learns from labels, by its name and what is held out. The one by
    evidence is left out when no answer has any."""
    questions = {one.id: WORD.findall(one.question.lower()) for one in expected}
    evidence = {one.id: answers[one.id].evidence if one.id in answers else () for one in expected}
    methods: dict[str, tuple[Learn, tuple[Held, ...]]] = {
        "most frequent label": (_most_frequent, ("nothing", "group")),
        "nearest question": (_nearest(_vectors(questions)), ("case", "group")),
    }
    if any(evidence.values()):
        methods["nearest evidence"] = (_nearest(_vectors(evidence)), ("case", "group"))
    return {
        name: {held: judge(_leaving_out(expected, learn, held), expected) for held in holds}
        for name, (learn, holds) in methods.items()
    }


def recorded(answers: Mapping[str, Answer], expected: Sequence[Expected]) -> dict[str, Score]:
    """The score of each baseline that the prediction lines carry, by its name. A case that broke is broken
    for them too."""
    names = dict.fromkeys(name for answer in answers.values() for name in answer.baselines)
    scores = {}
    for name in names:
        guessed = (Answer(a.id, a.baselines.get(name, ()), broken=a.broken) for a in answers.values())
        scores[name] = judge({answer.id: answer for answer in guessed}, expected)
    return scores


def by_rule(question: str, findings: Sequence[Finding], library: Library) -> dict[str, list[Named]]:
    """Causes best first, by the name of the baseline, from all findings of FIND_ISSUES."""
    return {
        FIRST_FINDING: _from_findings(findings, library),
        TRIGGERS: _from_triggers(question, findings, library),
    }


def _from_findings(findings: Sequence[Finding], library: Library) -> list[Named]:
    """The causes that the patterns see in the first finding alone, best first."""
    if not findings:
        return []
    evidence = Evidence()
    evidence.add(Observation("", facts=findings[0].facts), 1)
    return [(c.root_cause, c.object) for c in rank(library.patterns, evidence)][:CONSIDERED]


def _from_triggers(question: str, findings: Sequence[Finding], library: Library) -> list[Named]:
    """The first causes that the patterns whose triggers are in the question list, on the object of the
    first finding."""
    if not findings:
        return []
    causes = [c.root_cause for m in match(question, library, "substring") for c in m.pattern.common_causes]
    return [(cause, findings[0].object) for cause in dict.fromkeys(causes)][:CONSIDERED]


def _leaving_out(expected: Sequence[Expected], learn: Learn, held: Held) -> dict[str, Answer]:
    answers = {}
    for one in expected:
        known = [other for other in expected if other.system == one.system and not _is_held(other, one, held)]
        answers[one.id] = Answer(one.id, tuple(learn(one, known)[:CONSIDERED]))
    return answers


def _is_held(other: Expected, one: Expected, held: Held) -> bool:
    match held:
        case "nothing":
            return False
        case "case":
            return other.id == one.id
        case "group":
            return other.group == one.group


def _most_frequent(one: Expected, known: Sequence[Expected]) -> list[Guess]:
    counted = Counter(map(_label, known))
    return sorted(counted, key=lambda g: (-counted[g], g.cause, g.object))


def _nearest(vectors: Mapping[str, Vector]) -> Learn:
    """Labels by their nearest case; of equally near ones the most frequent first."""

    def learn(one: Expected, known: Sequence[Expected]) -> list[Guess]:
        near: dict[Guess, Counter[float]] = defaultdict(Counter)
        for other in known:
            near[_label(other)][round(_dot(vectors[one.id], vectors[other.id]), 6)] += 1
        best = {label: max(seen.items()) for label, seen in near.items()}
        return sorted(best, key=lambda g: (-best[g][0], -best[g][1], g.cause, g.object))

    return learn


def _label(one: Expected) -> Guess:
    return Guess(one.cause, one.objects[0], one.category, one.written)


def _vectors(documents: Mapping[str, Iterable[str]]) -> dict[str, Vector]:
    """TF-IDF vectors of length 1; the weights know how often a word occurs, never a label."""
    counts = {name: Counter(words) for name, words in documents.items()}
    seen_in = Counter(word for words in counts.values() for word in words)
    vectors: dict[str, Vector] = {}
    for name, words in counts.items():
        weights = {w: n * math.log((1 + len(counts)) / (1 + seen_in[w])) for w, n in words.items()}
        length = math.sqrt(sum(x * x for x in weights.values())) or 1.0
        vectors[name] = {w: x / length for w, x in weights.items()}
    return vectors


def _dot(a: Vector, b: Vector) -> float:
    if len(b) < len(a):
        a, b = b, a
    return sum(x * b.get(word, 0.0) for word, x in a.items())
