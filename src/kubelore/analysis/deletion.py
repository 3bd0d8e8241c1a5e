"""Objects that should be gone: namespaces and others held by finalizers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from kubelore.analysis.nodes import conditions_of
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, parse_time, ref_of
from kubelore.types import Fact, Finding, JsonObject, Severity

LONG = timedelta(minutes=2)
NAMESPACE_REASONS = (
    ("NamespaceDeletionDiscoveryFailure", "discovery-failed"),
    ("NamespaceDeletionGroupVersionParsingFailure", "discovery-failed"),
    ("NamespaceFinalizersRemaining", "finalizers-remaining"),
    ("NamespaceDeletionContentFailure", "deletion-failed"),
    ("NamespaceContentRemaining", "content-remaining"),
)
"""Conditions that say why a namespace stays, the most telling first."""
KINDS = (
    "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Service", "Ingress",
    "ConfigMap", "Secret", "PersistentVolumeClaim", "PersistentVolume", "Node", "CustomResourceDefinition",
    "APIService",
)  # fmt: skip
"""What is looked at; pods have an analyzer of their own."""


def deletion_facts(view: View, obj: JsonObject) -> list[Fact]:
    """Why an object stays although it was deleted; [] when it was not, or only just."""
    meta, subject = obj.get("metadata") or {}, Subject(ref_of(obj))
    deleted = parse_time(meta.get("deletionTimestamp"))
    if deleted is None or view.now - deleted < LONG:
        return []
    minutes = int((view.now - deleted).total_seconds() // 60)
    detail = f"{subject.about} was deleted {minutes} minutes ago and is still there."
    facts = [subject.fact("object.terminating", "long", detail)]
    held = [*(meta.get("finalizers") or ()), *((obj.get("spec") or {}).get("finalizers") or ())]
    if held:
        detail = f"{subject.about} is held by {', '.join(map(str, held))}."
        facts.append(subject.fact("object.finalizers", "present", detail, finalizer=str(held[0])))
    if obj.get("kind") == "Namespace":
        facts += _namespace_facts(obj)
    return facts


def _namespace_facts(namespace: JsonObject) -> Iterator[Fact]:
    subject, conditions = Subject(ref_of(namespace)), conditions_of(namespace)
    true = [
        (kind, v) for kind, v in NAMESPACE_REASONS if (conditions.get(kind) or {}).get("status") == "True"
    ]
    for kind, value in true:
        message = str(conditions[kind].get("message") or "")[:300]
        detail = f"{subject.about} stays in Terminating ({kind}): {message}"
        yield subject.fact("namespace.terminating", value, detail, message=message)
    if not true:
        detail = f"{subject.about} stays in Terminating and no condition says why."
        yield subject.fact("namespace.terminating", "unspecified", detail)


@check("deletions", "Namespace", *KINDS)
def stuck_deletions(view: View, namespace: str | None) -> Iterable[Finding]:
    """Namespaces and other objects that were deleted minutes ago and are still there."""
    for kind in ("Namespace", *KINDS):
        cluster_scoped = kind in {
            "Namespace",
            "PersistentVolume",
            "Node",
            "CustomResourceDefinition",
            "APIService",
        }
        for obj in view.all(kind, None if cluster_scoped else namespace):
            facts = deletion_facts(view, obj)
            ref = ref_of(obj)
            if facts and not (kind == "Namespace" and namespace not in (None, ref.name)):
                facts = sorted(facts, key=lambda f: f.key != "namespace.terminating")
                what = facts[0].detail.removeprefix(f"{ref} ").rstrip(".")
                # A claim in use waits for its pods by design.
                in_use = any(f.params.get("finalizer") == "kubernetes.io/pvc-protection" for f in facts)
                severity = Severity.WARNING if in_use else Severity.CRITICAL
                yield Finding(severity, ref, what, tuple(facts), "deletions")
