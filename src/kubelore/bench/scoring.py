"""Compares predictions with the truth.

An object counts as right when kind, namespace and name agree; a pod or ReplicaSet counts as its workload,
`*` in a label is anything. Where nothing is wrong (`none`) the object does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from kubelore.bench.incidents import Prediction

WORKLOADS = frozenset({"deployment", "statefulset", "daemonset", "job", "pod"})
REPLICAS = frozenset({"pod", "replicaset"})
HEALTHY = "none"
Z95 = 1.959964
"""Standard normal quantile of a two-sided 95% interval."""


class Interval(NamedTuple):
    low: float
    high: float


class Share(NamedTuple):
    """`right` of `total`."""

    right: int
    total: int

    def __str__(self) -> str:
        if not self.total:
            return "none"
        low, high = wilson(self.right, self.total)
        return f"{self.right}/{self.total} = {self.right / self.total:.0%} (95%: {low:.0%} to {high:.0%})"


def wilson(right: int, total: int) -> Interval:
    """Wilson score interval of a share, 95%. (0, 1) when nothing was counted."""
    if total == 0:
        return Interval(0.0, 1.0)
    share = right / total
    spread = 1 + Z95**2 / total
    middle = (share + Z95**2 / (2 * total)) / spread
    half = Z95 * math.sqrt(share * (1 - share) / total + Z95**2 / (4 * total**2)) / spread
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


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


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one prediction compares with its label."""

    id: str
    want: str
    got: str
    healthy: bool
    cause: bool
    object: bool
    in_three: bool
    scanned: bool
    """The fault is among the findings; on a healthy control: there is no finding."""
    broken: str
    """Why there is no answer; "" when there is one."""

    @property
    def right(self) -> bool:
        return self.cause and self.object


@dataclass(frozen=True, slots=True)
class Score:
    verdicts: tuple[Verdict, ...]
    steps: tuple[int, ...]
    seconds: tuple[float, ...]

    @property
    def right(self) -> Share:
        return self._share("right")

    @property
    def cause(self) -> Share:
        return self._share("cause")

    @property
    def object(self) -> Share:
        return self._share("object")

    @property
    def in_three(self) -> Share:
        return self._share("in_three")

    @property
    def broken(self) -> int:
        return sum(1 for v in self.verdicts if v.broken)

    @property
    def false_alarms(self) -> Share:
        """Healthy controls that were given a root cause."""
        healthy = [v for v in self.verdicts if v.healthy]
        return Share(sum(1 for v in healthy if not v.cause and not v.broken), len(healthy))

    def scanned(self, *, healthy: bool) -> Share:
        chosen = [v for v in self.verdicts if v.healthy is healthy]
        return Share(sum(1 for v in chosen if v.scanned), len(chosen))

    def misses(self) -> list[Verdict]:
        return [v for v in self.verdicts if not v.right]

    def _share(self, name: str) -> Share:
        return Share(sum(1 for v in self.verdicts if getattr(v, name)), len(self.verdicts))


def score(predictions: Iterable[Prediction], labels: Iterable[Mapping[str, Any]]) -> Score:
    """Labels decide what is scored; a label without a prediction counts as broken."""
    by_id = {line["id"]: line for line in predictions}
    pairs = [(label, by_id.get(label["id"])) for label in labels]
    known = [line for _, line in pairs if line is not None and not line["error"]]
    return Score(
        verdicts=tuple(_judge(label, line) for label, line in pairs),
        steps=tuple(line["steps"] for line in known),
        seconds=tuple(line["seconds"] for line in known),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank: the smallest value that at least `share` of all are not above. 0 when empty."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _judge(label: Mapping[str, Any], line: Prediction | None) -> Verdict:
    causes = {label["root_cause"], *(label.get("also_root_causes") or ())}
    objects = [label.get("object") or "", *(label.get("also_objects") or ())]
    healthy = label["root_cause"] == HEALTHY
    broken = "no prediction" if line is None else line["error"]
    cause = at = in_three = scanned = False
    got = broken
    if line is not None and not broken:
        cause = line["root_cause"] in causes
        at = _is_one_of(line["object"], objects) or (healthy and cause)
        guesses = [(a["root_cause"], a["object"]) for a in line["alternatives"][:2]]
        in_three = (cause and at) or any(c in causes and _is_one_of(o, objects) for c, o in guesses)
        got = f"{line['root_cause']} {line['object']} ({line['confidence']})".strip()
        found = [f["object"] for f in line["findings"]]
        scanned = not found if healthy else any(_is_one_of(o, objects) for o in found)
    want = f"{label['root_cause']} {label.get('object') or ''}".strip()
    return Verdict(label["id"], want, got, healthy, cause, at, in_three, scanned, broken)


def _is_one_of(got: str, wanted: Iterable[str]) -> bool:
    return any(same_object(got, want) for want in wanted)
