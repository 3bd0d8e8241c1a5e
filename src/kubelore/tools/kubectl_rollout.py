"""`kubectl rollout status` and `history`, computed from the objects."""

from __future__ import annotations

from kubelore.analysis.view import View, ref_of
from kubelore.errors import BadArguments
from kubelore.tools.text import joined, table
from kubelore.types import JsonObject

REVISION = "deployment.kubernetes.io/revision"
CAUSE = "kubernetes.io/change-cause"


def rollout(view: View, obj: JsonObject, *, history: bool) -> str:
    """One rollout's state, or its revisions. Raises BadArguments for kinds that do not roll out."""
    ref = ref_of(obj)
    if ref.kind not in ("Deployment", "StatefulSet", "DaemonSet"):
        raise BadArguments(f"{ref.kind} has no rollout", hint="Deployments, StatefulSets and DaemonSets have")
    return _history(view, obj) if history else f"{ref}: {_status(obj)}"


def _status(obj: JsonObject) -> str:
    meta, spec, status = obj.get("metadata") or {}, obj.get("spec") or {}, obj.get("status") or {}
    daemon = obj.get("kind") == "DaemonSet"
    wanted = status.get("desiredNumberScheduled") if daemon else spec.get("replicas", 1)
    updated = status.get("updatedNumberScheduled" if daemon else "updatedReplicas") or 0
    available = status.get("numberAvailable" if daemon else "availableReplicas") or 0
    exist = status.get("replicas") or 0
    if (meta.get("generation") or 0) > (status.get("observedGeneration") or 0):
        return "waiting for the controller to observe the newest spec"
    if spec.get("paused"):
        return "the rollout is paused"
    for condition in status.get("conditions") or ():
        if condition.get("type") == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return f"exceeded its progress deadline: {updated} of {wanted} updated, {available} available"
    if updated < (wanted or 0):
        return f"waiting: {updated} of {wanted} replicas are updated"
    if not daemon and exist > updated:
        return f"waiting: {exist - updated} old replicas are to be terminated"
    if available < updated:
        return f"waiting: {available} of {updated} updated replicas are available"
    return "successfully rolled out"


def _history(view: View, obj: JsonObject) -> str:
    ref = ref_of(obj)
    kind = "ReplicaSet" if ref.kind == "Deployment" else "ControllerRevision"
    rows = []
    for item in view.all(kind, ref.namespace):
        if view.controller(item) != ref:
            continue
        notes = (item.get("metadata") or {}).get("annotations") or {}
        pod = ((item.get("spec") or item.get("data") or {}).get("template") or {}).get("spec") or {}
        pod = pod or ((((item.get("data") or {}).get("spec") or {}).get("template") or {}).get("spec") or {})
        images = joined(str(c.get("image")) for c in pod.get("containers") or ())
        number = notes.get(REVISION) or str(item.get("revision", "?"))
        rows.append((number, ref_of(item).name, images, notes.get(CAUSE, "<none>")))
    rows.sort(key=lambda row: (len(row[0]), row[0]))
    return f"{ref}\n" + table(("REVISION", "NAME", "IMAGES", "CHANGE-CAUSE"), rows)
