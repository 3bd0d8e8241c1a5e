"""kubelore's diagnoses in the benchmark's labels. Nothing else in kubelore knows these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypedDict

from kubelore.analysis.backends import selected_workloads
from kubelore.analysis.services import nearest_workload
from kubelore.analysis.view import WORKLOAD_KINDS, View
from kubelore.bench.cloud_opsbench.signs import databases_of
from kubelore.packaged import packaged_yaml
from kubelore.types import Diagnosis, Evidence, Ref

QUOTA, TAXONOMY_OF_QUOTA = "quota_exceeded", "Admission_Fault"
MAX_GUESSES = 3
DATABASE, APP = "database", "app"


class Label(TypedDict):
    fault_taxonomy: str
    fault_object: str
    root_cause: str


class Guess(Label):
    """`uncalibrated` is the probability that it was reasoned with."""

    probability: float
    uncalibrated: float


@cache
def table() -> dict[str, Any]:
    found: dict[str, Any] = packaged_yaml("kubelore.bench.cloud_opsbench", "labels.yaml")
    return found


def uncalibrated(diagnosis: Diagnosis) -> float:
    """What never was calibrated is as it was."""
    return diagnosis.probability if diagnosis.uncalibrated is None else diagnosis.uncalibrated


@dataclass(frozen=True, slots=True)
class Translator:
    """Translates with what one investigation saw."""

    view: View
    evidence: Evidence

    def guesses(self, diagnosis: Diagnosis) -> list[Guess]:
        """Up to three labels, best first, each once. What the benchmark has no label for is left out."""
        ranked = [(diagnosis.root_cause, diagnosis.object, diagnosis.probability, uncalibrated(diagnosis))]
        ranked += [(a.root_cause, a.object, a.probability, a.probability) for a in diagnosis.alternatives]
        found: dict[tuple[str, str], Guess] = {}
        for cause, ref, probability, raw in ranked:
            label = self.label(cause, ref)
            if label is not None:
                guess = Guess(**label, probability=round(probability, 4), uncalibrated=round(raw, 4))
                found.setdefault((label["root_cause"], label["fault_object"]), guess)
        return list(found.values())[:MAX_GUESSES]

    def label(self, cause: str, ref: Ref | None) -> Label | None:
        """None when the benchmark has no label for this cause or this object."""
        if ref is None:
            return None
        if cause == QUOTA:
            label = table()["quota"].get(self._full_resource(ref))
            taxonomy, kind = TAXONOMY_OF_QUOTA, "namespace"
        else:
            taxonomy, label, kind = table()["causes"].get(self._narrowed(cause), ("", "", ""))
        name = next(iter(self._names(kind, ref)), "") if label else ""
        if not name:
            return None
        prefix = APP if kind == DATABASE else kind
        return Label(fault_taxonomy=taxonomy, fault_object=f"{prefix}/{name}", root_cause=label)

    def _narrowed(self, cause: str) -> str:
        """A label that is about one program only needs a word of it in the evidence."""
        word, instead = table()["only_with"].get(cause, ("", ""))
        told = any(word in cited.fact.detail.lower() for cited in self.evidence)
        return cause if told else instead

    def _full_resource(self, ref: Ref) -> str:
        """The resource that a refused creation names; else the one that is used up."""
        told = [c.fact for c in self.evidence if c.fact.value not in ("other", "not-specified")]
        refused = [f.value for f in told if f.key == "create.quota"]
        full = [f.value for f in told if f.key == "quota.resource" and f.about == ref]
        return next(iter((*refused, *full)), "")

    def _names(self, kind: str, ref: Ref) -> Iterator[str]:
        match kind:
            case "namespace":
                yield ref.namespace or ref.name
            case "node":
                yield from self._nodes(ref)
            case _:
                databases = databases_of(self.view, ref, self.evidence.edges()) if kind == DATABASE else []
                yield from (w.name for w in (*databases, *self._workloads(ref)))

    def _nodes(self, ref: Ref) -> Iterator[str]:
        if ref.kind == "Node":
            yield ref.name
        for cited in self.evidence:
            fact = cited.fact
            if fact.about.kind == "Node" and fact.key in ("component.down", "node.reason"):
                yield fact.about.name
        yield from (e.target.name for e in self.evidence.edges_from(ref) if e.target.kind == "Node")

    def _workloads(self, ref: Ref) -> Iterable[Ref]:
        """The workload itself; the one a Service stands for; the one that mounts a claim; the one a node
        keeps waiting."""
        if ref.kind in WORKLOAD_KINDS:
            return [ref]
        if ref.kind == "Service":
            service = self.view.find(ref)
            behind = list(selected_workloads(self.view, service)) if service else []
            near = nearest_workload(self.view, service) if service else None
            namesakes = [w for w in self.view.workloads(ref.namespace) if w.name == ref.name]
            return [*namesakes, *behind, *([near[0]] if near else [])]
        joined = [e.source for e in self.evidence.edges_to(ref) if e.source.kind in WORKLOAD_KINDS]
        waiting = [w for w in joined if "pod.scheduled=no" in self.evidence.about(w)]
        anywhere = [o for o in self.evidence.objects() if "pod.scheduled=no" in self.evidence.about(o)]
        return [*waiting, *joined, *anywhere] if ref.kind != "Node" else [*waiting, *anywhere, *joined]
