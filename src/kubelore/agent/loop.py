"""The investigation loop. There is one, for every decider; it knows nothing of kubectl, SQL or vendors.

question -> opening -> (recall lessons -> decide -> run tool -> digest and evidence)* -> diagnosis.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from kubelore.analysis.digest import digest
from kubelore.errors import BudgetSpent, KubeloreError
from kubelore.protocols import Decider, LessonSource, Listener, Toolbox
from kubelore.types import (
    ClusterInfo,
    Diagnosis,
    Investigation,
    NotChecked,
    Observation,
    Reading,
    Step,
    ToolCall,
)

Opening = Callable[[Investigation], tuple[str, ToolCall] | None]
"""The first steps, the same for every decider; None when they are done."""


@dataclass(slots=True)
class Investigator:
    """Runs investigations on one cluster. Every part is handed in; `build` chooses them."""

    cluster: ClusterInfo
    toolbox: Toolbox
    decider: Decider
    teacher: LessonSource
    opening: Opening
    conclude: Callable[[Investigation], Diagnosis]
    """Answers from the evidence alone, when steps or budget are spent."""
    not_checked: Callable[[], Sequence[NotChecked]]
    hashes: dict[str, str] = field(default_factory=dict)
    reading: Callable[[Diagnosis], Sequence[Reading]] = lambda diagnosis: ()
    """Where to read on about the answer."""
    max_steps: int = 8

    def investigate(
        self, question: str, namespace: str = "", listeners: Sequence[Listener] = ()
    ) -> Investigation:
        """Ask one question. Raises KubeloreError when no answer at all can be given; the listeners
        have then heard `finished` with `error` set."""
        investigation = Investigation(
            id=str(uuid.uuid4()),
            question=question,
            started=datetime.now(UTC),
            cluster=self.cluster,
            decider=self.decider.name,
            namespace=namespace,
            hashes=dict(self.hashes),
        )
        begun = time.monotonic()
        for listener in listeners:
            listener.started(investigation)
        try:
            investigation.diagnosis = self._completed(self._run(investigation, listeners))
        except KubeloreError as error:
            investigation.error = str(error)
            raise
        except BaseException as error:
            investigation.error = f"interrupted: {type(error).__name__}"
            raise
        finally:
            investigation.seconds = time.monotonic() - begun
            investigation.usage = self.decider.usage
            for listener in listeners:
                listener.finished(investigation)
        return investigation

    def _run(self, investigation: Investigation, listeners: Sequence[Listener]) -> Diagnosis:
        try:
            while len(investigation.steps) < self.max_steps:
                self._teach(investigation)
                decision = self.opening(investigation) or self.decider.decide(investigation)
                if isinstance(decision, Diagnosis):
                    return decision
                self._step(investigation, *decision, listeners)
        except BudgetSpent as spent:
            answer = self.conclude(investigation)
            note = NotChecked("further steps", str(spent))
            return replace(answer, not_checked=(*answer.not_checked, note))
        return self.conclude(investigation)

    def _teach(self, investigation: Investigation) -> None:
        investigation.lessons = list(self.teacher.recall(investigation.question, investigation.evidence))
        investigation.shown.update({f"{lesson.kind}/{lesson.id}": lesson for lesson in investigation.lessons})

    def _step(
        self, investigation: Investigation, thought: str, call: ToolCall, listeners: Sequence[Listener]
    ) -> None:
        for listener in listeners:
            listener.thinking(thought, call)
        begun = time.monotonic()
        observation: Observation = self.toolbox.run(call)
        index = len(investigation.steps) + 1
        step = Step(
            index=index,
            thought=thought,
            call=call,
            observation=observation,
            digest=digest(observation.text),
            new_facts=investigation.evidence.add(observation, index),
            seconds=time.monotonic() - begun,
        )
        investigation.steps.append(step)
        for listener in listeners:
            listener.stepped(step)

    def _completed(self, diagnosis: Diagnosis) -> Diagnosis:
        unread = {n.what: n for n in (*diagnosis.not_checked, *self.not_checked())}
        reading = tuple(self.reading(diagnosis))
        return replace(diagnosis, not_checked=tuple(unread.values()), reading=reading)
