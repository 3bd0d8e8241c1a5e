"""What is known beside the object that was asked about."""

from __future__ import annotations

from collections.abc import Mapping

from kubelore.analysis.calls import call_facts
from kubelore.analysis.edges import edges_of
from kubelore.analysis.find import find
from kubelore.analysis.settings import object_facts
from kubelore.bench.cloud_opsbench.gather import Gathered
from kubelore.types import Observation, Ref


class AllKnown:
    """The tool by which this leaves the toolbox, redacted."""

    name = "ALL_KNOWN"
    usage = "everything that was seen so far"

    def __init__(self, known: Gathered, namespace: str, looked: Mapping[Ref, None], texts: list[str]) -> None:
        self._known, self._namespace, self._looked, self._texts = known, namespace, looked, texts

    def run(self, args: str) -> Observation:
        del args
        view = self._known.view
        findings = find(view, self._namespace)
        facts = [f for finding in findings for f in finding.facts]
        facts += [f for ref in self._looked for f in object_facts(view, ref)]
        facts += [f for ref in self._looked for f in call_facts(view, ref)]
        facts += self._known.facts
        about = dict.fromkeys([*(f.about for f in facts), *(f.object for f in findings)])
        edges = [e for ref in about for e in edges_of(view, ref)]
        return Observation(
            text="\n".join(self._texts),
            facts=tuple(dict.fromkeys(facts)),
            edges=tuple(dict.fromkeys([*edges, *self._known.edges])),
            findings=tuple(findings),
        )
