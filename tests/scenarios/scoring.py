"""Runs scenarios in process and judges the answers the way score.py does."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kubelore.analysis.find import find
from kubelore.analysis.view import View
from kubelore.build import Settings, investigator
from kubelore.tools.registry import Toolbox
from kubelore.types import Diagnosis, Finding, Ref, Severity, ToolCall
from scenarios.builders import Truth
from scenarios.corpus import Scenario


@dataclass(frozen=True)
class Result:
    scenario: Scenario
    truth: Truth
    cause: bool
    object: bool
    top3: bool
    got: tuple[str, str, str]
    leaks: tuple[str, ...]
    findings: tuple[Finding, ...]
    steps: int
    seconds: float

    @property
    def right(self) -> bool:
        return self.cause and self.object


def judge(scenario: Scenario) -> Result:
    world, truth = scenario.build()[0], scenario.truth()
    cluster = world.cluster()
    investigation = investigator(Settings(), cluster).investigate(truth.question)
    diagnosis = investigation.diagnosis
    causes = {truth.root_cause, *truth.also_root_causes}
    objects = [truth.object, *truth.also_objects]
    findings = tuple(f for f in find(View(world.cluster())) if f.severity is not Severity.INFO)
    scan = Toolbox(View(world.cluster())).run(ToolCall("FIND_ISSUES", "-A"))
    text = dump(investigation) + dump(scan)
    leaks = tuple(canary for canary in truth.canaries if canary in text)
    answers = _answers(diagnosis)
    cause = answers[0][0] in causes
    at = (truth.root_cause == "none" and cause) or _same(answers[0][1], objects)
    return Result(
        scenario,
        truth,
        cause,
        at,
        (cause and at) or any(c in causes and _same(o, objects) for c, o in answers[1:3]),
        (*answers[0], diagnosis.confidence if diagnosis else ""),
        leaks,
        findings,
        len(investigation.steps),
        investigation.seconds,
    )


def _answers(diagnosis: Diagnosis | None) -> list[tuple[str, str]]:
    if diagnosis is None:
        return [("", "")]
    first = (diagnosis.root_cause, str(diagnosis.object or ""))
    return [first, *((a.root_cause, str(a.object)) for a in diagnosis.alternatives)]


def _same(got: str, wanted: Iterable[str]) -> bool:
    return any(_equal(got.lower(), want.lower()) for want in wanted if want)


def _equal(got: str, want: str) -> bool:
    """Part by part, `*` is anything; a pod or ReplicaSet counts as its workload."""
    if want == "*":
        return True
    g, w = got.split("/"), want.split("/")
    if len(g) != 3 or len(w) != 3:
        return got.strip("/") == want.strip("/")
    replica = g[0] in ("pod", "replicaset")
    name = w[2] in ("*", g[2]) or (replica and g[2].startswith(w[2] + "-"))
    workload = w[0] in ("deployment", "statefulset", "daemonset", "job", "pod")
    return name and g[1] == w[1] and (w[0] in ("*", g[0]) or (replica and workload))


def dump(value: Any) -> str:
    """Everything in a result as text, however deep."""

    def plain(item: Any) -> Any:
        if isinstance(item, Ref):
            return str(item)
        if dataclasses.is_dataclass(item):
            return {f.name: getattr(item, f.name) for f in dataclasses.fields(item)}
        if hasattr(item, "__iter__"):
            return list(item)
        return str(item)

    def keys(item: Any) -> Any:
        if isinstance(item, dict):
            return {str(k): keys(v) for k, v in item.items()}
        if isinstance(item, list | tuple | set | frozenset):
            return [keys(v) for v in item]
        if isinstance(item, str | int | float | bool) or item is None:
            return item
        return keys(plain(item))

    return json.dumps(keys(value), default=str, ensure_ascii=False)
