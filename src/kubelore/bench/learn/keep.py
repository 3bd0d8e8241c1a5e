"""Puts what was learned into a casebook: each investigation on record, and judged as a person would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing

from kubelore.bench.learn.lived import Lived
from kubelore.casebook.book import Casebook
from kubelore.casebook.recorder import Recorder
from kubelore.casebook.states import Judgement
from kubelore.errors import StoreError
from kubelore.protocols import CaseStore
from kubelore.types import Investigation

TEACHER = "benchmark"
"""Who judges."""


def keep(lived: Sequence[tuple[Lived, Investigation]], open_store: Callable[[], CaseStore]) -> Counter[str]:
    """Returns how many were confirmed, corrected, and left without a judgement. Raises StoreError."""
    said: Counter[str] = Counter()
    for one, investigation in lived:
        recorder = Recorder(open_store, TEACHER)
        recorder.started(investigation)
        for step in investigation.steps:
            recorder.stepped(step)
        recorder.finished(investigation)
        if recorder.problem:
            raise StoreError(f"{one.problem.id} was not recorded: {recorder.problem}")
        said[_judge(one, recorder.case, open_store)] += 1
    return said


def _judge(one: Lived, case_id: str, open_store: Callable[[], CaseStore]) -> str:
    if one.truth is None:
        return "not judged"
    cause, ref = one.truth
    with closing(open_store()) as store:
        book = Casebook(store, TEACHER)
        case = book.find(case_id)
        if (cause, ref) == (one.cause, one.object):
            book.judge(case, Judgement(confirm=True))
            return "confirmed"
        book.judge(case, Judgement(cause=cause, object=str(ref)))
        return "corrected"
