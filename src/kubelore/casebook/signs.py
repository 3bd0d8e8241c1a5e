"""What the evidence says of one object and of what is joined to it, without names: what cases compare by.

A sign is `place:fact`. Places: `self`; one edge away `calls>Service` (from the object) or `selects<Service`
(to it); two edges away `calls>Service selects>workload`; `near`, any other object of the investigation.
Beside these `kind:Service` says what the object is, and `looked:GET_LOGS` which tools were asked about it, so
that a sign that is missing is known to be absent.

Values that a cluster may choose freely (reasons of events and states) count only where they are one word:
a sign is never a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubelore.types import Evidence, Ref
from kubelore.vocabulary import WORKLOAD_KINDS, vocabulary

SELF, NEAR, KIND, LOOKED = "self", "near", "kind", "looked"
WORKLOAD = "workload"
MAX_JOINED = 50
"""Joined objects looked at: a Service called by a thousand workloads says no more than fifty of them."""
ONE_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,79}")


def signs(evidence: Evidence, ref: Ref) -> frozenset[str]:
    """All signs of one object; the same evidence always gives the same ones."""
    found = {f"{KIND}:{ref.kind}"}
    if ref.kind in WORKLOAD_KINDS:
        found.add(f"{KIND}:{WORKLOAD}")
    found.update(f"{LOOKED}:{tool}" for tool, looked in evidence.covered if looked == ref)
    told = {ref}
    for place, other in _places(evidence, ref):
        told.add(other)
        found.update(f"{place}:{name}" for name in _facts(evidence, other))
    for other in evidence.objects():
        if other not in told:
            found.update(f"{NEAR}:{name}" for name in _facts(evidence, other))
    return frozenset(found)


def place_of(sign: str) -> str:
    """`self`, `near`, or the edges that lead to the object that the sign is about."""
    return sign.partition(":")[0]


def _places(evidence: Evidence, ref: Ref) -> Iterator[tuple[str, Ref]]:
    yield SELF, ref
    for place, other in _joined(evidence, ref):
        yield place, other
        for further, third in _joined(evidence, other):
            if third != ref:
                yield f"{place} {further}", third


def _joined(evidence: Evidence, ref: Ref) -> Iterator[tuple[str, Ref]]:
    joined = [(f"{e.kind}>{_kind(e.target)}", e.target) for e in evidence.edges_from(ref)]
    joined += [(f"{e.kind}<{_kind(e.source)}", e.source) for e in evidence.edges_to(ref)]
    yield from joined[:MAX_JOINED]


def _kind(ref: Ref) -> str:
    return WORKLOAD if ref.kind in WORKLOAD_KINDS else ref.kind


def _facts(evidence: Evidence, ref: Ref) -> Iterator[str]:
    for name in evidence.about(ref):
        key, _, value = name.partition("=")
        if key in vocabulary() and ONE_WORD.fullmatch(value):
            yield name
