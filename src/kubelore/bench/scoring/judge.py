"""What is right: the rules that all benchmarks share, and their sums.

An object counts as right when kind, namespace and name agree; a pod or ReplicaSet counts as its workload,
`*` in a label is anything. Where nothing is wrong (`none`) the object does not matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kubelore.bench.scoring.stats import Share

WORKLOADS = frozenset({"deployment", "statefulset", "daemonset", "job", "pod"})
REPLICAS = frozenset({"pod", "replicaset"})
HEALTHY = "none"
CONSIDERED = 3
"""Answers of a prediction that are looked at, best first."""
NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Expected:
    """The truth about one case. `causes[0]` and `objects[0]` are its label, the others also count."""

    id: str
    causes: tuple[str, ...]
    objects: tuple[str, ...]
    written: str = ""
    """The cause as the label spells it, where `causes` has the name that its spellings were merged into."""
    category: str = ""
    """Must be named too, where there is one."""
    system: str = ""
    question: str = ""

    @property
    def cause(self) -> str:
        return self.causes[0]

    @property
    def healthy(self) -> bool:
        return self.cause == HEALTHY

    @property
    def group(self) -> tuple[str, str]:
        """Cases of one group are too alike to learn from one and test on the other."""
        return self.cause, self.objects[0].lower()

    def __str__(self) -> str:
        return f"{self.cause} {self.objects[0]}".strip()


@dataclass(frozen=True, slots=True)
class Guess:
    """One answer. `written` is the cause as it was spelled, before spellings were merged."""

    cause: str
    object: str
    category: str = ""
    written: str = ""
    probability: float | None = None
    uncalibrated: float | None = None
    """The probability before it was calibrated, where that differs."""

    @property
    def raw_probability(self) -> float | None:
        return self.probability if self.uncalibrated is None else self.uncalibrated


@dataclass(frozen=True, slots=True)
class Answer:
    """What one prediction line says; `broken` says why there is no answer, "" when there is one."""

    id: str
    guesses: tuple[Guess, ...]
    """Best first."""
    broken: str = ""
    confidence: str = ""
    steps: int = 0
    seconds: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    found: tuple[str, ...] = ()
    """Objects of its findings."""
    evidence: tuple[str, ...] = ()
    """Names of its facts."""
    baselines: Mapping[str, tuple[Guess, ...]] = field(default_factory=dict)
    """What simple guessing answered to the same case, by its name."""

    @property
    def probability(self) -> float | None:
        return self.guesses[0].probability if self.guesses else None

    @property
    def raw_probability(self) -> float | None:
        """Before calibration."""
        return self.guesses[0].raw_probability if self.guesses else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one prediction compares with its label."""

    expected: Expected
    answer: Answer
    cause: bool
    object: bool
    right: bool
    strict: bool
    """Right, and the cause is spelled as the label spells it."""
    in_three: bool
    scanned: bool
    """The fault is among the findings; on a healthy control: there is no finding."""

    @property
    def id(self) -> str:
        return self.expected.id

    @property
    def want(self) -> str:
        return str(self.expected)

    @property
    def broken(self) -> str:
        return self.answer.broken

    @property
    def got_cause(self) -> str:
        return self.answer.guesses[0].cause or NO_ANSWER if self.answer.guesses else NO_ANSWER

    @property
    def got(self) -> str:
        if self.broken:
            return self.broken
        confidence = f"({self.answer.confidence})" if self.answer.confidence else ""
        at = self.answer.guesses[0].object if self.answer.guesses else ""
        return " ".join(filter(None, (self.got_cause, at, confidence)))


@dataclass(frozen=True, slots=True)
class Score:
    """Shares are over all cases: one that broke is not right. Steps, seconds and tokens are over the
    others."""

    verdicts: tuple[Verdict, ...]

    @property
    def right(self) -> Share:
        return Share.of(v.right for v in self.verdicts)

    @property
    def strict(self) -> Share:
        return Share.of(v.strict for v in self.verdicts)

    @property
    def cause(self) -> Share:
        return Share.of(v.cause for v in self.verdicts)

    @property
    def object(self) -> Share:
        return Share.of(v.object for v in self.verdicts)

    @property
    def in_three(self) -> Share:
        return Share.of(v.in_three for v in self.verdicts)

    @property
    def broken(self) -> int:
        return sum(bool(v.broken) for v in self.verdicts)

    @property
    def false_alarms(self) -> Share:
        """Healthy controls that were given a root cause."""
        return Share.of(not v.cause and not v.broken for v in self.verdicts if v.expected.healthy)

    def scanned(self, *, healthy: bool) -> Share:
        return Share.of(v.scanned for v in self.verdicts if v.expected.healthy is healthy)

    def misses(self) -> list[Verdict]:
        return [v for v in self.verdicts if not v.right]

    def answers(self) -> list[Answer]:
        """Of the cases that did not break."""
        return [v.answer for v in self.verdicts if not v.broken]

    def only(self, wanted: Callable[[Expected], bool]) -> Score:
        return Score(tuple(v for v in self.verdicts if wanted(v.expected)))

    def by(self, key: Callable[[Expected], str]) -> dict[str, Score]:
        """One score for each value of `key`, in their order."""
        values = sorted({key(v.expected) for v in self.verdicts})
        return {value: self.only(lambda e, value=value: key(e) == value) for value in values}  # type: ignore[misc]

    def confusion(self) -> Counter[tuple[str, str]]:
        """How often a cause (first) was answered with a cause (second); broken cases are not in it."""
        return Counter((v.expected.cause, v.got_cause) for v in self.verdicts if not v.broken)


def judge(answers: Mapping[str, Answer], expected: Iterable[Expected]) -> Score:
    """The truth decides what is scored; a case without an answer counts as broken."""
    return Score(tuple(_judge(one, answers.get(one.id) or _absent(one)) for one in expected))


def same_object(got: str, want: str) -> bool:
    if want == "*":
        return True
    left, right = got.lower().split("/"), want.lower().split("/")
    if len(left) != 3 or len(right) != 3:
        return got.strip("/").lower() == want.strip("/").lower()
    (kind, namespace, name), (want_kind, want_namespace, want_name) = left, right
    replica = kind in REPLICAS
    named = want_name in ("*", name) or (replica and name.startswith(want_name + "-"))
    of_kind = want_kind in ("*", kind) or (replica and want_kind in WORKLOADS)
    return named and namespace == want_namespace and of_kind


def _absent(expected: Expected) -> Answer:
    return Answer(expected.id, (), broken="no prediction")


def _judge(expected: Expected, answer: Answer) -> Verdict:
    if answer.broken:
        return Verdict(expected, answer, *(False,) * 6)
    first, others = answer.guesses[:1], answer.guesses[1:CONSIDERED]
    cause = any(g.cause in expected.causes for g in first)
    at = any(_is_one_of(g.object, expected.objects) for g in first) or (expected.healthy and cause)
    right = cause and at and all(_in_category(g, expected) for g in first)
    in_three = right or any(
        g.cause in expected.causes and _is_one_of(g.object, expected.objects) and _in_category(g, expected)
        for g in others
    )
    strict = right and all(not expected.written or g.written == expected.written for g in first)
    if expected.healthy:
        scanned = not answer.found
    else:
        scanned = any(_is_one_of(name, expected.objects) for name in answer.found)
    return Verdict(expected, answer, cause, at, right, strict, in_three, scanned)


def _in_category(guess: Guess, expected: Expected) -> bool:
    return not expected.category or guess.category == expected.category


def _is_one_of(got: str, wanted: Sequence[str]) -> bool:
    return any(same_object(got, want) for want in wanted)
