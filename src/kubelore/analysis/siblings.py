"""Compares a workload with its healthy siblings: in what does it differ from nearly all of them?

Workloads of one application share conventions. A difference alone is no fault; beside a symptom that it
would explain, it is what an experienced operator looks for.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from kubelore.analysis.backends import troubled
from kubelore.analysis.registry import check
from kubelore.analysis.respects import RESPECTS, Respect, Ways, repository
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, labels_of
from kubelore.types import Fact, Finding, Ref, Severity

KEY = "sibling.differs"
FEWEST = 4
"""Siblings that must be comparable before a difference says anything."""
MOST = 50
"""Siblings that are compared with: more make a custom no surer."""
ODD_ONES = 0.1
"""Share of siblings that may differ from the others too."""
OTHER_KIND = 6
"""Who differs in as many respects is another kind of program, and no sibling."""
FAR = 8.0
"""Times that a number is larger or smaller than the usual one."""
APPLICATION = (
    "app.kubernetes.io/part-of", "app.kubernetes.io/instance", "helm.sh/chart", "argocd.argoproj.io/instance",
    "release",
)  # fmt: skip
"""Labels whose value workloads of one application share."""
NONE = "none"
MAX_TOLD = 3
"""Topics of one respect that a sentence names."""
RUNS_TO_AN_END = {"Job", "CronJob"}


def sibling_facts(view: View, workload: Ref) -> list[Fact]:
    """What nearly all healthy siblings of a workload do in another way, one fact for each respect; [] when
    there are too few to compare with, or when it is another kind of program."""
    siblings = siblings_of(view, workload)
    if len(siblings) < FEWEST:
        return []
    facts = [fact for r in RESPECTS if (fact := _compared(view, workload, siblings, r))]
    if len(facts) >= OTHER_KIND:
        return []
    return facts


def siblings_of(view: View, workload: Ref) -> list[Ref]:
    """Healthy workloads of the same application whose settings are known: by labels, else those whose images
    come from the same place, else all of the namespace."""
    if not _is_known(view, workload):
        return []
    own = _peer(view, workload)
    peers = [p for p in _healthy(view, workload.namespace) if p.ref != workload and p.ends == own.ends]
    same_label = [p for p in peers if own.application & p.application]
    same_place = [p for p in peers if own.repositories & p.repositories]
    chosen = next((group for group in (same_label, same_place) if len(group) >= FEWEST), peers)
    return [peer.ref for peer in chosen[:MOST]]


@dataclass(frozen=True, slots=True)
class Peer:
    ref: Ref
    ends: bool
    """It runs to an end."""
    application: frozenset[tuple[str, str]]
    repositories: frozenset[str]


def _peer(view: View, workload: Ref) -> Peer:
    labels = {**view.template_labels(workload), **labels_of(view.find(workload) or {})}
    images = (c.get("image") for c in (view.pod_spec(workload).get("containers") or ())[:1])
    return Peer(
        workload,
        workload.kind in RUNS_TO_AN_END,
        frozenset((key, labels[key]) for key in APPLICATION if key in labels),
        frozenset(repository(str(image)) for image in images if image),
    )


def _healthy(view: View, namespace: str) -> list[Peer]:
    known = view.once(_known_healthy)
    if namespace not in known:
        candidates = (w for w in view.workloads(namespace) if view.pods_of(w) and not troubled(view, w))
        known[namespace] = [_peer(view, w) for w in candidates if _is_known(view, w)]
    return known[namespace]


def _known_healthy(_: View) -> dict[str, list[Peer]]:
    """By namespace, filled as they are asked for."""
    return {}


def _is_known(view: View, workload: Ref) -> bool:
    """Whether more than names and images was seen: of a printed table, no setting can be missed."""
    containers = view.pod_spec(workload).get("containers") or ()
    return any(container.keys() - {"name", "image"} for container in containers)


# -- one respect --------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Difference:
    topic: str
    own: str
    usual: str
    count: int
    """Siblings that do the usual, `of` those that can be compared."""
    of: int


def _compared(view: View, workload: Ref, siblings: list[Ref], respect: Respect) -> Fact | None:
    own = _ways(view, workload, respect)
    theirs = [_ways(view, sibling, respect) for sibling in siblings]
    topics = dict.fromkeys([*own, *(topic for ways in theirs for topic in ways)])
    found = [d for topic in topics if (d := _difference(topic, own, theirs, respect))]
    if not found:
        return None
    told = "; ".join(_sentence(d, respect) for d in found[:MAX_TOLD])
    usual = "" if respect.secret else found[0].usual
    return Subject(workload).fact(KEY, respect.value, told, usual=usual)


def _ways(view: View, workload: Ref, respect: Respect) -> Ways:
    known = view.once(_known_ways)
    if (workload, respect.value) not in known:
        known[workload, respect.value] = respect.read(view, workload)
    return known[workload, respect.value]


def _known_ways(_: View) -> dict[tuple[Ref, str], Ways]:
    """Filled as they are asked for."""
    return {}


def _difference(topic: str, own: Ways, theirs: Sequence[Ways], respect: Respect) -> Difference | None:
    values = [ways[topic] for ways in theirs if topic in ways]
    absent = len(theirs) - len(values)
    if topic not in own:
        lacks = "lacks" in respect.unlike and nearly_all(len(values), len(theirs))
        return Difference(topic, NONE, _usual(values), len(values), len(theirs)) if lacks else None
    if "far" in respect.unlike:
        return _distance(topic, own[topic], values)
    if "alone" in respect.unlike and nearly_all(absent, len(theirs)):
        return Difference(topic, own[topic], NONE, absent, len(theirs))
    usual = _usual(values)
    count = values.count(usual)
    differs = "other" in respect.unlike and own[topic] != usual and nearly_all(count, len(values))
    return Difference(topic, own[topic], usual, count, len(values)) if differs else None


def _distance(topic: str, own: str, values: Sequence[str]) -> Difference | None:
    numbers = [float(value) for value in values]
    if len(numbers) < FEWEST:
        return None
    middle, mine = median(numbers), float(own)
    near = [n for n in numbers if _times(n, middle) < FAR <= _times(mine, n)]
    if _times(mine, middle) < FAR or not nearly_all(len(near), len(numbers)):
        return None
    return Difference(topic, own, f"about {middle:g}", len(near), len(numbers))


def _times(left: float, right: float) -> float:
    """How many times larger the larger one is."""
    small, large = sorted((left, right))
    return large / small if small else math.inf


def nearly_all(count: int, of: int) -> bool:
    """Enough of them, and hardly any that do otherwise."""
    return of >= FEWEST and count >= of * (1 - ODD_ONES)


def _usual(values: Iterable[str]) -> str:
    return max(Counter(values).items(), key=lambda item: item[1], default=("", 0))[0]


def _sentence(found: Difference, respect: Respect) -> str:
    what = respect.what.format(topic=found.topic)
    if respect.secret:
        return f"{what}: another than {found.count} of {found.of} healthy siblings have"
    return f"{what}: {found.own}, and {found.usual} for {found.count} of {found.of} healthy siblings"


# -- analyzer -------------------------------------------------------------------------------------------
@check("siblings", "Service", "ServiceAccount", "ConfigMap", "PersistentVolumeClaim", "Pod")
def odd_ones(view: View, namespace: str | None) -> Iterator[Finding]:
    """Worth knowing of workloads that are in trouble; of others, a difference is a choice."""
    for workload in view.workloads(namespace):
        if troubled(view, workload):
            for fact in sibling_facts(view, workload):
                yield Finding(
                    Severity.INFO, workload, f"unlike its siblings: {fact.detail}", (fact,), "siblings"
                )
