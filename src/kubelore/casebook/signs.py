"""What the evidence says of one object and of what is joined to it, without names: what cases compare by.

A sign is `place:fact`. Places: `self`; one edge away `calls>Service` (from the object) or `selects<Service`
(to it); two edges away `calls>Service selects>workload`; `cluster`, any other object without a namespace;
`near`, any other one. Beside these `kind:Service` says what the object is, and `looked:GET_LOGS` which tools
were asked about it, so that a sign that is missing is known to be absent.

Values that a cluster may choose freely (reasons of events and states) count only where they are one word:
a sign is never a sentence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from kubelore.types import Evidence, Ref
from kubelore.vocabulary import WORKLOAD_KINDS, vocabulary

SELF, CLUSTER, NEAR, KIND, LOOKED = "self", "cluster", "near", "kind", "looked"
WORKLOAD = "workload"
MAX_JOINED = 50
"""Joined objects looked at: a Service called by a thousand workloads says no more than fifty of them."""
ONE_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,79}")
STEP = re.compile(r"[<>]")


def signs(evidence: Evidence, ref: Ref) -> frozenset[str]:
    """All signs of one object; the same evidence always gives the same ones."""
    return signs_of(evidence, [ref])[ref]


def signs_of(evidence: Evidence, refs: Iterable[Ref]) -> Mapping[Ref, frozenset[str]]:
    """All signs of each of these objects."""
    around = _Around(evidence)
    return {ref: frozenset(around.signs(ref)) for ref in refs}


def place_of(sign: str) -> str:
    """`self`, `cluster`, `near`, `kind`, `looked`, or the edges that lead to the object a sign is about."""
    return sign.partition(":")[0]


def edges_to(place: str) -> int:
    """How many edges lead there; 0 for `self` and for what no edge leads to."""
    return len(STEP.findall(place))


class _Around:
    """The objects of one investigation, as seen from any of them."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._facts = {ref: tuple(_names(evidence, ref)) for ref in evidence.objects()}
        self._everywhere: Mapping[bool, Counter[str]] = {True: Counter(), False: Counter()}
        for ref, names in self._facts.items():
            self._everywhere[bool(ref.namespace)].update(names)

    def signs(self, ref: Ref) -> Iterator[str]:
        yield f"{KIND}:{ref.kind}"
        if ref.kind in WORKLOAD_KINDS:
            yield f"{KIND}:{WORKLOAD}"
        yield from (f"{LOOKED}:{tool}" for tool, looked in self._evidence.covered if looked == ref)
        told = {ref}
        for place, other in self._places(ref):
            told.add(other)
            yield from (f"{place}:{name}" for name in self._facts.get(other, ()))
        for namespaced, place in ((False, CLUSTER), (True, NEAR)):
            seen = Counter(n for o in told if bool(o.namespace) is namespaced for n in self._facts.get(o, ()))
            everywhere = self._everywhere[namespaced]
            yield from (f"{place}:{name}" for name, times in everywhere.items() if times > seen[name])

    def _places(self, ref: Ref) -> Iterator[tuple[str, Ref]]:
        yield SELF, ref
        for place, other in self._joined(ref):
            yield place, other
            for further, third in self._joined(other):
                # Who mounts the same things (a default ServiceAccount) has nothing to do with it.
                if third != ref and not (place.startswith("mounts>") and further.startswith("mounts<")):
                    yield f"{place} {further}", third

    def _joined(self, ref: Ref) -> Iterator[tuple[str, Ref]]:
        joined = [(f"{e.kind}>{_kind(e.target)}", e.target) for e in self._evidence.edges_from(ref)]
        joined += [(f"{e.kind}<{_kind(e.source)}", e.source) for e in self._evidence.edges_to(ref)]
        yield from joined[:MAX_JOINED]


def _kind(ref: Ref) -> str:
    return WORKLOAD if ref.kind in WORKLOAD_KINDS else ref.kind


def _names(evidence: Evidence, ref: Ref) -> Iterator[str]:
    for name in evidence.about(ref):
        key, _, value = name.partition("=")
        if key in vocabulary() and ONE_WORD.fullmatch(value):
            yield name
