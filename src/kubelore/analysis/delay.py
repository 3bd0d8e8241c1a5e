"""Where a delay comes from: which workload's or node's network, told by who is slow, who calls whom and where
each of them runs.

A slow network delays each call that passes it. Who makes such a call waits, and so does who calls that one in
turn; who answers one is late in its slowest answers at most, because its answers or what was asked pile up.
Each workload and node is a hypothesis; it is weighed by how well it predicts who is slow and who is not.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from kubelore.types import Ref

ITSELF = 0.95
WAITS, WAITS_IN_TURN = 0.45, 0.35
"""Likelihood that who calls through the slow network, or calls one that does, is told to be slow: of all
calls that a program can make, only some are made."""
TOO_LITTLE = 0.08
"""The same where what it waits for adds less than it is late."""
ANSWERS = 0.1, 0.5
"""Likelihood that who is called through it is late in its slowest answers: at least, and if always."""
UNKNOWN = 0.3
"""Likelihood that one is slow of which it is not known whom it calls."""
BY_ITSELF = 0.03
ALIKE, RATHER = 0.5, 0.35
"""Two nodes believed nearly as much explain the same; what is left to the one with fewer late ones."""
FANOUT = 3.0
"""Calls of one kind that a request may make, one after the other."""


@dataclass(frozen=True, slots=True)
class Late:
    """How much longer requests to a workload take than usual, in any unit: half of them, and the slowest."""

    median: float = 0.0
    tail: float = 0.0

    @property
    def adds(self) -> float:
        """What this may add to who waits for it."""
        return FANOUT * self.median + self.tail


@dataclass(slots=True)
class Network:
    """What is known of a set of workloads. `calls` are (caller, callee); of `asked` all callees are known."""

    late: Mapping[Ref, Late]
    calls: Collection[tuple[Ref, Ref]]
    asked: Collection[Ref]
    nodes: Mapping[Ref, Collection[Ref]]
    rates: Mapping[Ref, float] = field(default_factory=dict)
    """Requests to each, as far as known: who is asked more calls others more."""
    _callees: dict[Ref, set[Ref]] = field(init=False, repr=False)
    _callers: dict[Ref, set[Ref]] = field(init=False, repr=False)
    _downstream: dict[Ref, set[Ref]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._callees, self._callers = defaultdict(set), defaultdict(set)
        for caller, callee in self.calls:
            self._callees[caller].add(callee)
            self._callers[callee].add(caller)

    def members(self) -> list[Ref]:
        return list(dict.fromkeys([*self.late, *(end for call in self.calls for end in call), *self.nodes]))

    def share_of_calls(self, callee: Ref, slow: Collection[tuple[Ref, Ref]]) -> float:
        """How many of the calls to it pass the slow network."""
        rates = {caller: self.rates.get(caller, 1.0) or 1.0 for caller in self._callers[callee]}
        passing = sum(rate for caller, rate in rates.items() if (caller, callee) in slow)
        return passing / sum(rates.values()) if rates else 0.0

    def downstream(self, ref: Ref) -> set[Ref]:
        """All that it calls, directly or not."""
        if ref not in self._downstream:
            found: set[Ref] = set()
            queue = [ref]
            for caller in queue:
                new = self._callees.get(caller, set()) - found
                found |= new
                queue += new
            self._downstream[ref] = found - {ref}
        return self._downstream[ref]

    def suffices(self, ref: Ref) -> bool:
        """Whether the late ones that it calls add as much as it is late itself."""
        own = self.late.get(ref, Late())
        added = sum(self.late[c].adds for c in self._callees[ref] if c in self.late)
        return added >= (own.median or own.tail / FANOUT)


def sources(network: Network) -> list[tuple[Ref, float]]:
    """Workloads and nodes whose network may be slow, the likeliest first, with their share of belief; [] when
    nobody is late. Two nodes that explain the same are told apart by how many on them are late."""
    if not network.late:
        return []
    members = network.members()
    passed = {
        w: calls for w in members if (calls := {c for c in network.calls if w in c}) or w in network.late
    }
    nodes = {node for w in members for node in network.nodes.get(w, ())}
    crossing = {node: calls for node in nodes if (calls := _crossing(network, node))}
    scores = {h: _likelihood(network, members, h, calls) for h, calls in {**passed, **crossing}.items()}
    top = max(scores.values(), default=0.0)
    total = sum(math.exp(score - top) for score in scores.values())
    beliefs = {hypothesis: math.exp(score - top) / total for hypothesis, score in scores.items()}
    return sorted(_told_apart(network, beliefs).items(), key=lambda item: (-item[1], item[0]))


def _told_apart(network: Network, beliefs: Mapping[Ref, float]) -> Mapping[Ref, float]:
    """With two nodes, each call from one crosses to the other: the one with more of the late gets what both
    are believed."""
    nodes = sorted((h for h in beliefs if h.kind == "Node"), key=lambda h: -beliefs[h])[:2]
    if len(nodes) < 2 or beliefs[nodes[1]] < beliefs[nodes[0]] * ALIKE:
        return beliefs
    more, less = sorted(nodes, key=lambda node: (-_share_late(network, node), node))
    both = beliefs[more] + beliefs[less]
    return {**beliefs, more: both * (1 - RATHER), less: both * RATHER}


def _crossing(network: Network, node: Ref) -> set[tuple[Ref, Ref]]:
    """Calls of which one end runs on the node and the other does not."""

    def on(ref: Ref) -> bool:
        return node in network.nodes.get(ref, ())

    return {call for call in network.calls if on(call[0]) != on(call[1])}


def _share_late(network: Network, hypothesis: Ref) -> float:
    there = [w for w in network.members() if hypothesis in network.nodes.get(w, ())]
    return sum(w in network.late for w in there) / len(there) if there else 0.0


def _likelihood(
    network: Network, members: Iterable[Ref], hypothesis: Ref, slow_calls: Collection[tuple[Ref, Ref]]
) -> float:
    """Log-likelihood of who is late and who is not, were this the slow network."""
    callers = {caller for caller, _ in slow_calls}
    total = 0.0
    for member in members:
        chance = _chance(network, member, hypothesis, slow_calls, callers)
        total += math.log(chance if member in network.late else 1 - chance)
    return total


def _chance(
    network: Network,
    member: Ref,
    hypothesis: Ref,
    slow_calls: Collection[tuple[Ref, Ref]],
    callers: Collection[Ref],
) -> float:
    """That this member is late as it is."""
    if member == hypothesis:
        return ITSELF
    late = network.late.get(member)
    waits = 0.0
    if member in callers:
        waits = WAITS
    elif hypothesis in network.downstream(member) or not network.downstream(member).isdisjoint(callers):
        waits = WAITS_IN_TURN
    if waits:
        on_the_way = hypothesis.kind == "Node"  # then it is no part of what the other end tells
        return waits if late is None or on_the_way or network.suffices(member) else TOO_LITTLE
    share = network.share_of_calls(member, slow_calls)
    if share and not (late and late.median):
        least, more = ANSWERS
        return least + more * share
    if member in network.asked:
        return BY_ITSELF
    return WAITS if hypothesis in network.nodes.get(member, ()) else UNKNOWN
