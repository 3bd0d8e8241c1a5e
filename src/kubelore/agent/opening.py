"""The first steps of every investigation: what is wrong where the question points, then what it names."""

from __future__ import annotations

from collections.abc import Callable

from kubelore.agent.subject import Subjects
from kubelore.types import Investigation, Ref, Severity, ToolCall

MAX_NAMESPACES = 2


def target(ref: Ref) -> str:
    """An object as tool arguments: `kind namespace name`, or `kind name` when cluster-scoped."""
    return " ".join(part for part in (ref.kind.lower(), ref.namespace, ref.name) if part)


def scopes(subjects: Subjects, namespace: str) -> list[str]:
    """Namespaces to look into first, `-A` for all."""
    if namespace:
        return [namespace]
    sure = [s for s in subjects.objects if s.certainty >= subjects.objects[0].certainty - 0.1]
    found = list(subjects.namespaces) or [s.ref.namespace for s in sure]
    unique = list(dict.fromkeys(found))
    if not unique or "" in unique or len(unique) > MAX_NAMESPACES:
        return ["-A"]
    return unique


class Opening:
    """FIND_ISSUES where the question concerns, then DESCRIBE of the object it names, or of one that does not
    work."""

    def __init__(self, resolve: Callable[[str, str], Subjects]) -> None:
        self._resolve = resolve

    def __call__(self, investigation: Investigation) -> tuple[str, ToolCall] | None:
        subjects = self._resolve(investigation.question, investigation.namespace)
        plan = [
            (f"What is wrong in {where if where != '-A' else 'the cluster'}?", ToolCall("FIND_ISSUES", where))
            for where in scopes(subjects, investigation.namespace)
        ]
        taken = len(investigation.steps)
        if taken < len(plan):
            return plan[taken]
        if taken == len(plan):
            ref = self._named(subjects, investigation)
            if ref is not None:
                return f"{ref.kind} {ref.name} is what this is about.", ToolCall("DESCRIBE", target(ref))
        return None

    @staticmethod
    def _named(subjects: Subjects, investigation: Investigation) -> Ref | None:
        findings = [f for step in investigation.steps for f in step.observation.findings]
        if subjects.objects:
            sure = [s.ref for s in subjects.objects if s.certainty >= subjects.objects[0].certainty - 0.1]
            broken = {f.object for f in findings}
            return next((ref for ref in sure if ref in broken), sure[0])
        return next((f.object for f in findings if f.severity is Severity.CRITICAL), None)
