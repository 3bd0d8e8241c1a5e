"""FIND_ISSUES: everything that is wrong in one namespace, or in the cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kubelore.analysis.edges import edges_of
from kubelore.analysis.find import ORDER, find, needs, ranked
from kubelore.analysis.view import View
from kubelore.errors import BadArguments, ObjectNotFound
from kubelore.tools.arguments import Target, read
from kubelore.tools.resolve import Resolver
from kubelore.types import Edge, Fact, Finding, NotChecked, Observation, Ref, Severity

CLUSTER_CHECKS = ("components",)
"""Analyzers whose findings concern every namespace."""


class FindIssues:
    name = "FIND_ISSUES"
    usage = "[namespace]  what is wrong there, or in the whole cluster, most severe first"

    def __init__(self, view: View) -> None:
        self._view = view
        self._resolver = Resolver(view)

    def run(self, args: str) -> Observation:
        namespace = self._namespace(read(args))
        self._view.cluster.prefetch(needs())
        broken: list[NotChecked] = []
        findings = tuple(self._find(namespace, broken))
        about = dict.fromkeys(ref for f in findings for ref in (f.object, *(fact.about for fact in f.facts)))
        edges: dict[Edge, None] = {}
        for ref in about:
            edges.update(dict.fromkeys(edges_of(self._view, ref)))
        facts: dict[Fact, None] = dict.fromkeys(fact for f in findings for fact in f.facts)
        return Observation(
            text=self._text(findings, namespace, broken),
            facts=tuple(facts),
            edges=tuple(edges),
            covers=((self.name, Ref("Namespace", "", namespace or "*")),),
            findings=findings,
            not_checked=(*self._view.cluster.not_checked(), *broken),
        )

    def _find(self, namespace: str | None, broken: list[NotChecked]) -> list[Finding]:
        """Of one namespace, with what is wrong with the cluster's own parts, which every pod needs."""
        found = find(self._view, namespace, broken=broken)
        if namespace is not None:
            everywhere = find(self._view, None, CLUSTER_CHECKS, broken)
            found = ranked([*found, *(f for f in everywhere if f.object.namespace != namespace)])
        return found

    def _namespace(self, target: Target) -> str | None:
        """The namespace that is named; the one an object lives in when an object is named instead."""
        try:
            return self._resolver.namespace(target)
        except (ObjectNotFound, BadArguments) as error:
            try:
                found = self._resolver.one(target)
            except (ObjectNotFound, BadArguments):
                raise error from None
            return found.ref.namespace or None

    def _text(self, findings: Sequence[Finding], namespace: str | None, broken: Sequence[NotChecked]) -> str:
        shown = [f for f in findings if f.severity is not Severity.INFO]
        shown += [f for f in findings if f.severity is Severity.INFO] if shown else []
        where = f"namespace {namespace}" if namespace else "the cluster"
        pods = len(self._view.all("Pod", namespace))
        workloads = len(list(self._view.workloads(namespace)))
        looked = f"{workloads} workloads, {pods} pods looked at"
        lines = [f"No issues found in {where} ({looked})."]
        if shown:
            counts = Counter(f.severity for f in shown)
            summary = ", ".join(f"{counts[s]} {s}" for s in ORDER if counts[s])
            lines = [f"{summary} in {where} ({looked}):", *map(line, shown)]
        unread = (*self._view.cluster.not_checked(), *broken)
        if unread:
            lines += ["", "Not checked:", *(f"  {item}" for item in unread)]
        return "\n".join(lines)


def line(finding: Finding) -> str:
    return f"[{finding.severity.upper()}] {finding.object}: {finding.what}"
