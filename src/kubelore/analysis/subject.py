"""What a fact is about, and on which object it was seen: the shared way to write facts down."""

from __future__ import annotations

from dataclasses import dataclass

from kubelore.analysis.view import View, ref_of
from kubelore.types import Fact, JsonObject, Ref


@dataclass(frozen=True, slots=True)
class Subject:
    """A workload and the pod (or ReplicaSet, or Job) that shows its state."""

    about: Ref
    seen_on: Ref | None = None

    def fact(self, key: str, value: str, detail: str = "", /, **params: str | int) -> Fact:
        """One fact; params that are empty are left out."""
        named = {k: str(v) for k, v in params.items() if v != ""}
        return Fact(key, value, self.about, detail, self.seen_on, named)


def subject_of(view: View, obj: JsonObject) -> Subject:
    """The workload that `obj` belongs to, seen on `obj` where that is another object."""
    ref, workload = ref_of(obj), view.workload_of(obj)
    return Subject(workload, None if ref == workload else ref)
