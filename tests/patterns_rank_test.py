"""Conditions of patterns over facts and edges."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kubelore.patterns.model import Pattern
from kubelore.patterns.rank import possible, rank
from kubelore.types import Edge, Evidence, Fact, Observation, Ref

WEB = Ref("Deployment", "shop", "web")
API = Ref("Service", "shop", "api")
NODE = Ref("Node", "", "n1")


def pattern(*causes: dict[str, Any]) -> Pattern:
    filled = [
        {"cause": c["root_cause"], "evidence": ["x"], "explanation": "x", "fix": {"text": "x"}, **c}
        for c in causes
    ]
    return Pattern.model_validate(
        {
            "id": "p", "version": 1, "name": "P", "triggers": ["x"], "symptoms": ["x"],
            "investigation_steps": [{"tool": "FIND_ISSUES", "look_for": "x"}], "common_causes": filled,
        }
    )  # fmt: skip


def evidence(
    facts: Iterable[tuple[str, Ref]], edges: Iterable[Edge] = (), covers: Iterable[tuple[str, Ref]] = ()
) -> Evidence:
    known = Evidence()
    parsed = (Fact(*name.split("=", 1), ref) for name, ref in facts)
    known.add(Observation("", tuple(parsed), tuple(edges), tuple(covers)), 1)
    return known


def test_all_any_and_none_decide_whether_a_cause_stands() -> None:
    p = pattern(
        {
            "root_cause": "oom_killed",
            "when": [{"all": ["container.restarts=*"], "any": ["container.last_reason=OOMKilled"],
                      "none": ["workload.replicas=zero"]}],
        }
    )  # fmt: skip
    oom = [("container.restarts=many", WEB), ("container.last_reason=OOMKilled", WEB)]
    assert [c.object for c in rank([p], evidence(oom))] == [WEB]
    assert rank([p], evidence(oom[:1])) == []
    assert rank([p], evidence(oom[1:])) == []
    assert rank([p], evidence([*oom, ("workload.replicas=zero", WEB)])) == []


def test_facts_of_two_objects_never_add_up() -> None:
    p = pattern({"root_cause": "oom_killed", "when": [{"all": ["a=1", "b=1"], "object": "any"}]})
    assert rank([p], evidence([("a=1", WEB), ("b=1", API)])) == []


def test_support_and_contradiction_move_the_score_and_order_the_causes() -> None:
    p = pattern(
        {"root_cause": "first", "when": [{"all": ["a=1"], "strength": 1, "supports": {"b=*": 1.5}}]},
        {"root_cause": "second", "when": [{"all": ["a=1"], "strength": 2, "contradicts": {"b=2": 3}}]},
    )
    assert [c.root_cause for c in rank([p], evidence([("a=1", WEB)]))] == ["second", "first"]
    with_b = rank([p], evidence([("a=1", WEB), ("b=2", WEB)]))
    assert [(c.root_cause, c.score) for c in with_b] == [("first", 2.5), ("second", -1.0)]


def test_a_joined_object_can_be_the_one_at_fault() -> None:
    p = pattern(
        {
            "root_cause": "node_cordoned", "at_fault": "node",
            "when": [{"all": ["pod.scheduled=no"], "joined": [
                {"edge": "runs on", "name": "node", "object": "Node", "all": ["node.cordoned=yes"]}]}],
        }
    )  # fmt: skip
    facts = [("pod.scheduled=no", WEB), ("node.cordoned=yes", NODE)]
    assert rank([p], evidence(facts)) == []
    (found,) = rank([p], evidence(facts, [Edge("runs on", WEB, NODE)]))
    assert (found.object, found.seen_at, found.bindings) == (NODE, WEB, {"node": NODE})
    assert {c.fact.name for c in found.support} == {"pod.scheduled=no", "node.cordoned=yes"}


def test_an_edge_is_followed_against_its_direction_when_the_pattern_says_from() -> None:
    p = pattern(
        {"root_cause": "x", "when": [{"object": "Service", "all": ["service.endpoints=none"], "joined": [
            {"edge": "calls", "direction": "from", "all": ["call.error=refused"]}]}]}
    )  # fmt: skip
    facts = [("service.endpoints=none", API), ("call.error=refused", WEB)]
    assert [c.object for c in rank([p], evidence(facts, [Edge("calls", WEB, API)]))] == [API]
    assert rank([p], evidence(facts, [Edge("calls", API, WEB)])) == []


def test_the_best_of_several_conditions_counts_once() -> None:
    p = pattern(
        {"root_cause": "x", "when": [{"all": ["a=1"], "strength": 1}, {"all": ["a=1"], "strength": 2}]}
    )
    assert [c.score for c in rank([p], evidence([("a=1", WEB)]))] == [2]


def test_facts_that_nobody_looked_for_are_named_with_the_tool_that_shows_them() -> None:
    p = pattern(
        {"root_cause": "x", "when": [{"all": ["pod.waiting=CrashLoopBackOff", "log=missing-setting"]}]}
    )
    crash = [("pod.waiting=CrashLoopBackOff", WEB)]
    (wanted,) = possible([p], evidence(crash), WEB)
    assert (wanted.tool, wanted.object, wanted.glob) == ("GET_LOGS", WEB, "log=missing-setting")
    assert possible([p], evidence(crash, covers=[("GET_LOGS", WEB)]), WEB) == []
