"""One object as text, the same for every Kubernetes version: identity, state, settings, events, neighbours.

Kinds with a section of their own are in `SECTIONS`; every other kind shows its spec and status as YAML.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import yaml

from kubelore.analysis.edges import edges_of
from kubelore.analysis.siblings import sibling_facts
from kubelore.analysis.view import WORKLOAD_KINDS, Event, View, ref_of
from kubelore.redaction import redact_object
from kubelore.tools import layout_kinds, layout_pod
from kubelore.tools.eventrows import fold
from kubelore.tools.pods import pods_behind
from kubelore.tools.text import age, indent, pairs, table
from kubelore.types import JsonObject, Ref

NOISY_ANNOTATIONS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "control-plane.alpha.kubernetes.io/",
    "deployment.kubernetes.io/",
    "deprecated.daemonset.template.generation",
    "node.alpha.kubernetes.io/",
    "volumes.kubernetes.io/",
)
MAX_PODS = 30

Section = Callable[[View, JsonObject], str]
SECTIONS: dict[str, Section] = {
    "Pod": layout_pod.pod,
    "Deployment": layout_pod.workload,
    "StatefulSet": layout_pod.workload,
    "DaemonSet": layout_pod.workload,
    "ReplicaSet": layout_pod.workload,
    "ReplicationController": layout_pod.workload,
    "Job": layout_pod.workload,
    "CronJob": layout_pod.workload,
    "Service": layout_kinds.service,
    "Node": layout_kinds.node,
    "PersistentVolumeClaim": layout_kinds.claim,
    "ConfigMap": layout_kinds.config_map,
    "Secret": layout_kinds.secret,
    "ResourceQuota": layout_kinds.quota,
}


def describe(view: View, obj: JsonObject) -> str:
    """The whole text; values of Secrets and of suspicious settings are gone from it."""
    ref, safe = ref_of(obj), redact_object(obj)
    parts = [identity(view, safe), SECTIONS.get(ref.kind, anything)(view, safe)]
    parts += [conditions(view, safe), pods(view, obj), unlike(view, obj), neighbours(view, ref)]
    if ref.kind != "Event":
        parts.append(events(view, obj))
    return "\n".join(part for part in parts if part)


def identity(view: View, obj: JsonObject) -> str:
    meta, ref = obj.get("metadata") or {}, ref_of(obj)
    where = f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
    lines = [f"{ref.kind} {where}", f"Age: {age(meta.get('creationTimestamp'), view.now)}"]
    if meta.get("deletionTimestamp"):
        since = age(meta["deletionTimestamp"], view.now)
        held = ", ".join(meta.get("finalizers") or ()) or "none"
        lines.append(f"Terminating: asked to go {since} ago; finalizers: {held}")
    owners = [f"{o.get('kind')}/{o.get('name')}" for o in meta.get("ownerReferences") or ()]
    if owners:
        workload = view.workload_of(obj)
        top = f" (workload {workload})" if workload != ref and str(workload.name) not in owners[0] else ""
        lines.append(f"Controlled by: {', '.join(owners)}{top}")
    lines.append(f"Labels: {pairs(meta.get('labels'))}")
    notes = {k: v for k, v in (meta.get("annotations") or {}).items() if not k.startswith(NOISY_ANNOTATIONS)}
    if notes:
        lines.append(f"Annotations: {pairs(notes)}")
    return "\n".join(lines)


def conditions(view: View, obj: JsonObject) -> str:
    rows = [
        (
            str(c.get("type", "")),
            str(c.get("status", "")),
            str(c.get("reason") or "-"),
            age(c.get("lastTransitionTime"), view.now),
            str(c.get("message") or "").strip(),
        )
        for c in _conditions(obj)
    ]
    if not rows:
        return ""
    return "Conditions:\n" + indent(table(("TYPE", "STATUS", "REASON", "SINCE", "MESSAGE"), rows))


def _conditions(obj: JsonObject) -> Iterable[JsonObject]:
    given = (obj.get("status") or {}).get("conditions") if isinstance(obj.get("status"), dict) else ()
    return [c for c in given or () if isinstance(c, dict)]


def pods(view: View, obj: JsonObject) -> str:
    kind = obj.get("kind")
    if kind == "Pod" or kind not in {*SECTIONS} - {"ConfigMap", "Secret", "ResourceQuota"}:
        return ""
    found = pods_behind(view, obj)
    if not found:
        return "Pods: none"
    shown = layout_pod.pod_table(view, found[:MAX_PODS], with_namespace=kind == "Node")
    more = f"\n  ... {len(found) - MAX_PODS} more" if len(found) > MAX_PODS else ""
    return "Pods:\n" + indent(shown) + more


def unlike(view: View, obj: JsonObject) -> str:
    """What nearly all healthy siblings of a workload do in another way."""
    if obj.get("kind") not in WORKLOAD_KINDS:
        return ""
    lines = [f"  {fact.detail}" for fact in sibling_facts(view, view.workload_of(obj))]
    return "Unlike its siblings:\n" + "\n".join(lines) if lines else ""


def neighbours(view: View, ref: Ref) -> str:
    """What is joined to it, one line for each other object."""
    lines = []
    for edge in sorted(edges_of(view, ref), key=lambda e: (e.kind, e.source, e.target)):
        if edge.source == ref:
            lines.append(f"  {edge.kind} {edge.target}{_missing(view, edge.target)}")
        elif edge.target == ref:
            lines.append(f"  {edge.source} {edge.kind} it")
    return "Joined to:\n" + "\n".join(dict.fromkeys(lines)) if lines else ""


def _missing(view: View, ref: Ref) -> str:
    return " (does not exist)" if view.exists(ref.kind, ref.namespace, ref.name) is False else ""


def events(view: View, obj: JsonObject) -> str:
    """All events about it, what it controls and its pods; oldest first."""
    ref = ref_of(obj)
    found: Sequence[Event] = view.events_of(ref) if ref.kind in layout_pod.WORKLOADS else view.events_on(obj)
    if not found:
        unread = "" if view.cluster.readable("Event") else " (events could not be read)"
        return f"Events: none{unread}"
    rows = [
        (
            row.event.type,
            row.event.reason,
            age(row.last, view.now) + (f" (x{row.count})" if row.count > 1 else ""),
            "" if row.event.object == ref else f"{row.event.object.kind}/{row.event.object.name}",
            " ".join(row.event.message.split()),
        )
        for row in fold(found)
    ]
    header = ("TYPE", "REASON", "AGE", "OBJECT", "MESSAGE")
    if not any(row[3] for row in rows):
        header, rows = header[:3] + header[4:], [row[:3] + row[4:] for row in rows]  # type: ignore[assignment,misc]
    return "Events:\n" + indent(table(header, rows))


def anything(_: View, obj: JsonObject) -> str:
    """Spec, status and whatever else the object has, as YAML; conditions have a section of their own."""
    left: dict[str, Any] = {
        key: value for key, value in obj.items() if key not in ("metadata", "kind", "apiVersion")
    }
    status = left.get("status")
    if isinstance(status, dict):
        left["status"] = {key: value for key, value in status.items() if key != "conditions"}
    return to_yaml({key: value for key, value in left.items() if value not in ({}, [], None)})


def to_yaml(value: Any) -> str:
    if not value:
        return ""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True, width=200).rstrip()
