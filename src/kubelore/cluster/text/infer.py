"""What follows from several objects together: who owns what, and what a pod was made from.

Texts name few owners. A controller's name is the beginning of its pods' names, and Kubernetes makes the rest
of such a name from an alphabet of its own, without vowels; that and the labels tell them from other names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from kubelore.cluster.text.cells import new, owned_by
from kubelore.types import JsonObject

_SUFFIX = re.compile(r"(.+)-[bcdfghjklmnpqrstvwxz2456789]{5}")
_ORDINAL = re.compile(r"(.+)-\d{1,6}")
_TEMPLATE_HASH = re.compile(r"(.+)-([bcdf-hj-np-tv-xz2456789]{5,10})")
_SCHEDULED = re.compile(r"(.+)-\d{8,10}")
HASH_LABEL = "pod-template-hash"


def complete(objects: Iterable[JsonObject]) -> list[JsonObject]:
    """The objects with owners, ReplicaSets that only follow from their pods' names, and pods filled from the
    template they were made from. Changes the objects it is given."""
    known = _Known(list(objects))
    for pod in known.of("Pod"):
        _link(known, pod, _controller_of_pod)
    for job in known.of("Job"):
        _link(known, job, _controller_of_job)
    for replica_set in [*known.of("ReplicaSet"), *_implied_replica_sets(known)]:
        _link(known, replica_set, _controller_of_replica_set)
    heard = _first_heard(known)
    for pod in known.of("Pod"):
        _fill(known, pod)
        _date(pod, heard.get(_place(pod)))
    for config in known.of("ConfigMap"):
        config.setdefault("data", None)  # it has keys, and they were not shown
    return known.objects


class _Known:
    """The objects, by kind and by name."""

    def __init__(self, objects: list[JsonObject]) -> None:
        self.objects = objects
        self._by_kind: dict[str, dict[tuple[str, str], JsonObject]] = {}
        for obj in objects:
            self._index(obj)

    def _index(self, obj: JsonObject) -> None:
        self._by_kind.setdefault(obj["kind"], {})[_place(obj)] = obj

    def add(self, obj: JsonObject) -> None:
        self.objects.append(obj)
        self._index(obj)

    def of(self, kind: str) -> Sequence[JsonObject]:
        return tuple(self._by_kind.get(kind, {}).values())

    def get(self, kind: str, namespace: str, name: str) -> JsonObject | None:
        return self._by_kind.get(kind, {}).get((namespace, name))


def _place(obj: JsonObject) -> tuple[str, str]:
    metadata = obj["metadata"]
    return metadata.get("namespace") or "", metadata["name"]


def controller_of(obj: JsonObject) -> tuple[str, str] | None:
    """(kind, name) of the object's controller."""
    owners = obj["metadata"].get("ownerReferences") or ()
    return next(((o.get("kind", ""), o.get("name", "")) for o in owners if o.get("controller")), None)


# -- owners ------------------------------------------------------------------------------------------
def _link(known: _Known, obj: JsonObject, find: Any) -> None:
    """Sets the owner of an object whose owner nobody has told."""
    if "ownerReferences" not in obj["metadata"]:
        owner = find(known, obj)
        if owner:
            obj["metadata"]["ownerReferences"] = owned_by("/".join(owner))


def _controller_of_pod(known: _Known, pod: JsonObject) -> tuple[str, str] | None:
    namespace, name = _place(pod)
    ordinal = _ORDINAL.fullmatch(name)
    if ordinal and known.get("StatefulSet", namespace, ordinal[1]):
        return "StatefulSet", ordinal[1]
    match = _SUFFIX.fullmatch(name)
    if match is None:
        return None
    for kind in ("ReplicaSet", "DaemonSet", "Job", "ReplicationController"):
        if known.get(kind, namespace, match[1]):
            return kind, match[1]
    indexed = _ORDINAL.fullmatch(match[1])
    if indexed and known.get("Job", namespace, indexed[1]):
        return "Job", indexed[1]
    return ("ReplicaSet", match[1]) if _deployment_name(match[1], pod) else None


def _controller_of_job(known: _Known, job: JsonObject) -> tuple[str, str] | None:
    namespace, name = _place(job)
    match = _SCHEDULED.fullmatch(name)
    return ("CronJob", match[1]) if match and known.get("CronJob", namespace, match[1]) else None


def _controller_of_replica_set(_: _Known, replica_set: JsonObject) -> tuple[str, str] | None:
    deployment = _deployment_name(_place(replica_set)[1], replica_set)
    return ("Deployment", deployment) if deployment else None


def _deployment_name(replica_set: str, labelled: JsonObject) -> str:
    """The Deployment that a ReplicaSet is of, "" when of none. A Deployment labels all that it makes with the
    hash of its template, so that other labels speak against one."""
    match = _TEMPLATE_HASH.fullmatch(replica_set)
    if match is None:
        return ""
    wanted = ((labelled.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    labels = labelled["metadata"].get("labels", wanted or None)
    if labels is None:
        return match[1] if len(match[2]) > 5 else ""
    return match[1] if labels.get(HASH_LABEL) == match[2] else ""


def _implied_replica_sets(known: _Known) -> list[JsonObject]:
    """ReplicaSets that own pods and that no text showed."""
    implied: dict[tuple[str, str], JsonObject] = {}
    for pod in known.of("Pod"):
        namespace, _ = _place(pod)
        kind, name = controller_of(pod) or ("", "")
        if kind == "ReplicaSet" and not known.get(kind, namespace, name):
            labels = pod["metadata"].get("labels")
            metadata = {} if labels is None else {"labels": dict(labels)}
            implied.setdefault((namespace, name), new(kind, namespace, name, metadata=metadata))
    for replica_set in implied.values():
        known.add(replica_set)
    return list(implied.values())


# -- pods --------------------------------------------------------------------------------------------
def _fill(known: _Known, pod: JsonObject) -> None:
    """Gives a pod that only a table has shown the spec and labels of its template."""
    template = _template(known, pod)
    metadata, spec = pod["metadata"], pod.get("spec") or {}
    labels = (template.get("metadata") or {}).get("labels")
    if labels and "labels" not in metadata:
        metadata["labels"] = dict(labels)
    shown, made = spec.get("containers") or [], (template.get("spec") or {}).get("containers") or []
    if not shown or len(shown) != len(made) or not all(_is_nameless(c) for c in shown):
        return  # described already, or a sidecar was added to it
    names = {old["name"]: new_["name"] for old, new_ in zip(shown, made, strict=True)}
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        status["name"] = names.get(status["name"], status["name"])
    pod["spec"] = {**template["spec"], **{k: v for k, v in spec.items() if k != "containers"}}


def _is_nameless(container: JsonObject) -> bool:
    return str(container.get("name", "")).startswith("<")


def _template(known: _Known, pod: JsonObject) -> JsonObject:
    """The template of the pod's controller, or of that one's own when it is the only one there: a Deployment
    that changed has several ReplicaSets, and its template is that of the newest."""
    namespace, _ = _place(pod)
    kind, name = controller_of(pod) or ("", "")
    owner = known.get(kind, namespace, name)
    own: JsonObject = ((owner or {}).get("spec") or {}).get("template") or {}
    above = controller_of(owner) if owner else None
    if _is_whole(own) or owner is None or above is None:
        return own
    siblings = [o for o in known.of(kind) if _place(o)[0] == namespace and controller_of(o) == above]
    in_use = [o for o in siblings if (o.get("spec") or {}).get("replicas") != 0]
    deployment = known.get(above[0], namespace, above[1])
    if len(in_use) != 1 or in_use[0] is not owner or deployment is None:
        return own
    template: JsonObject = (deployment.get("spec") or {}).get("template") or {}
    return template if _is_whole(template) else own or template


def _is_whole(template: JsonObject) -> bool:
    """Whether it comes from a description or a document: a table tells names and images only."""
    containers = (template.get("spec") or {}).get("containers") or ()
    return any(set(c) - {"name", "image"} for c in containers)


def _first_heard(known: _Known) -> dict[tuple[str, str], str]:
    """When the first event about each pod came."""
    first: dict[tuple[str, str], str] = {}
    for event in known.of("Event"):
        about, moment = event.get("involvedObject") or {}, event.get("firstTimestamp")
        if about.get("kind") == "Pod" and moment:
            place = (about.get("namespace") or "", about.get("name") or "")
            first[place] = min(moment, first.get(place, moment))
    return first


def _date(pod: JsonObject, heard: str | None) -> None:
    """Descriptions of pods do not tell when they were created: the kubelet took them up soon after, and the
    first event about them came at once. A table tells it less exactly than either."""
    metadata, started = pod["metadata"], (pod.get("status") or {}).get("startTime")
    created = metadata.get("creationTimestamp")
    told = [moment for moment in (started, created, heard if started or not created else None) if moment]
    if told:
        metadata["creationTimestamp"] = min(told)
