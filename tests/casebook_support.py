"""Casebooks and cases for tests. Import as `from casebook_support import record`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kubelore.casebook.book import Casebook
from kubelore.casebook.recorder import Recorder
from kubelore.cases import Case
from kubelore.protocols import CaseStore
from kubelore.store.sqlite.cases import SqliteCaseStore
from kubelore.types import (
    CitedFact,
    ClusterInfo,
    Confidence,
    Diagnosis,
    Edge,
    Fact,
    Finding,
    Fix,
    Investigation,
    Lesson,
    Observation,
    Ref,
    Severity,
    Step,
    ToolCall,
)

START = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=2)
"""Lately: what is old is forgotten by rule."""
API = Ref("Deployment", "shop", "checkout-api")
DATABASE = Ref("StatefulSet", "shop", "orders-db")
SERVICE = Ref("Service", "shop", "orders-db")


def open_store(file: Path) -> SqliteCaseStore:
    return SqliteCaseStore(file, busy_seconds=1)


def make(
    number: int = 1,
    *,
    cause: str = "oom_killed",
    at_fault: Ref | None = DATABASE,
    facts: Iterable[str] = ("container.last_reason=OOMKilled", "container.restarts=many"),
    confidence: Confidence = "high",
    question: str = "why is checkout-api slow?",
    context: str = "prod",
    lessons: Iterable[Lesson] = (),
    started: datetime | None = None,
) -> Investigation:
    """One that ran two steps: everything in scope, then the database. `number` makes its id, and a minute
    lies between one and the next."""
    told = tuple(
        Fact(key, value, DATABASE, f"orders-db: {key} is {value}")
        for key, value in (name.split("=", 1) for name in facts)
    )
    upset = Fact("call.error", "refused", API, "checkout-api cannot reach orders-db")
    edges = (Edge("calls", API, SERVICE), Edge("selects", SERVICE, DATABASE))
    finding = Finding(Severity.CRITICAL, DATABASE, "container db is killed again and again", told, "pods")
    seen = (
        Observation(
            "1 critical in shop\nStatefulSet shop/orders-db is killed again and again",
            (*told[:1], upset),
            edges,
            (("FIND_ISSUES", Ref("Namespace", "", "shop")),),
            (finding,),
        ),
        Observation("StatefulSet shop/orders-db\nready 0 of 1", told, edges, (("DESCRIBE", DATABASE),)),
    )
    made = Investigation(
        id=f"{number:08d}-0000-4000-8000-000000000000",
        question=question,
        started=started or START + timedelta(minutes=number),
        cluster=ClusterInfo(context, "v1.34.4", "recorded for a test", START),
        decider="playbook",
        namespace="shop",
        hashes={"patterns": "a" * 64},
        seconds=0.2,
    )
    calls = (ToolCall("FIND_ISSUES", "shop"), ToolCall("DESCRIBE", "statefulset shop orders-db"))
    for index, (call, observation) in enumerate(zip(calls, seen, strict=True), 1):
        new = made.evidence.add(observation, index)
        made.steps.append(Step(index, f"look {index}", call, observation, observation.text, new, 0.05))
    made.shown = {f"{lesson.kind}/{lesson.id}": lesson for lesson in lessons}
    cited = tuple(CitedFact(fact, 1) for fact in told)
    made.diagnosis = Diagnosis(
        root_cause=cause,
        object=at_fault,
        explanation="A container of StatefulSet orders-db exceeded its memory limit.",
        evidence=cited,
        fix=Fix("Raise the memory limit", "kubectl -n shop set resources statefulset/orders-db"),
        probability=0.93 if confidence == "high" else 0.6,
        confidence=confidence,
        pattern="oomkilled",
    )
    return made


def replayed(recorder: Recorder, made: Investigation) -> None:
    """Tell a recorder of an investigation as the loop would have."""
    steps, diagnosis, evidence, shown = made.steps, made.diagnosis, made.evidence, made.shown
    running = replace(made, steps=[], diagnosis=None, evidence=type(evidence)(), shown={})
    recorder.started(running)
    for step in steps:
        running.steps.append(step)
        running.evidence.add(step.observation, step.index)
        running.shown = shown
        recorder.stepped(step)
    running.diagnosis = diagnosis
    recorder.finished(running)
    recorder.settle()


def record(store: SqliteCaseStore, made: Investigation, who: str = "ann") -> Case:
    """Put an investigation on record in the same file."""
    recorder = Recorder(lambda: SqliteCaseStore(store.path), who)
    replayed(recorder, made)
    assert recorder.problem == ""
    case = store.case(made.id)
    assert case is not None
    return case


def book(store: CaseStore, who: str = "ann") -> Casebook:
    return Casebook(store, who)
