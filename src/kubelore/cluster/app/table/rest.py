"""Columns of storage, configuration, access and policy, and of kinds without columns of their own."""

from __future__ import annotations

from datetime import datetime

from kubelore.cluster.app.table.cells import (
    NONE,
    UNSET,
    Cell,
    Columns,
    access_modes,
    age,
    columns,
    condition,
    is_true,
    meta,
    name,
    spec,
    status,
)
from kubelore.cluster.app.table.scaling import AUTOSCALER
from kubelore.types import JsonObject


def _claim(obj: JsonObject, now: datetime) -> list[Cell]:
    bound = bool(spec(obj).get("volumeName"))
    capacity = (status(obj).get("capacity") or {}).get("storage", "0") if bound else ""
    return [
        name(obj),
        _phase(obj),
        str(spec(obj).get("volumeName") or ""),
        str(capacity),
        access_modes(status(obj).get("accessModes")) if bound else "",
        _storage_class(obj),
        str(spec(obj).get("volumeAttributesClassName") or UNSET),
        age(obj, now),
        str(spec(obj).get("volumeMode") or UNSET),
    ]


def _storage_class(obj: JsonObject) -> str:
    old = (meta(obj).get("annotations") or {}).get("volume.beta.kubernetes.io/storage-class")
    return str(old or spec(obj).get("storageClassName") or "")


def _phase(obj: JsonObject) -> str:
    return "Terminating" if meta(obj).get("deletionTimestamp") else str(status(obj).get("phase") or "")


def _volume(obj: JsonObject, now: datetime) -> list[Cell]:
    claim = spec(obj).get("claimRef") or {}
    return [
        name(obj),
        str((spec(obj).get("capacity") or {}).get("storage", "")),
        access_modes(spec(obj).get("accessModes")),
        str(spec(obj).get("persistentVolumeReclaimPolicy") or ""),
        _phase(obj),
        f"{claim.get('namespace')}/{claim.get('name')}" if claim else "",
        _storage_class(obj),
        str(spec(obj).get("volumeAttributesClassName") or UNSET),
        str(status(obj).get("reason") or ""),
        age(obj, now),
        str(spec(obj).get("volumeMode") or UNSET),
    ]


def _class(obj: JsonObject, now: datetime) -> list[Cell]:
    default = (meta(obj).get("annotations") or {}).get("storageclass.kubernetes.io/is-default-class")
    return [
        name(obj) + (" (default)" if default == "true" else ""),
        str(obj.get("provisioner") or ""),
        str(obj.get("reclaimPolicy") or "Delete"),
        str(obj.get("volumeBindingMode") or "Immediate"),
        str(bool(obj.get("allowVolumeExpansion"))).lower(),
        age(obj, now),
    ]


def _attachment(obj: JsonObject, now: datetime) -> list[Cell]:
    source = spec(obj).get("source") or {}
    return [
        name(obj),
        str(spec(obj).get("attacher") or ""),
        str(source.get("persistentVolumeName") or ""),
        str(spec(obj).get("nodeName") or ""),
        str(bool(status(obj).get("attached"))).lower(),
        age(obj, now),
    ]


def _budget(obj: JsonObject, now: datetime) -> list[Cell]:
    return [
        name(obj),
        str(spec(obj).get("minAvailable", "N/A")),
        str(spec(obj).get("maxUnavailable", "N/A")),
        status(obj).get("disruptionsAllowed") or 0,
        age(obj, now),
    ]


def _quota(obj: JsonObject, now: datetime) -> list[Cell]:
    hard, used = status(obj).get("hard") or {}, status(obj).get("used") or {}
    requests: list[str] = []
    limits: list[str] = []
    for resource in sorted(hard):
        text = f"{resource}: {used.get(resource, 0)}/{hard[resource]}"
        (limits if resource.startswith("limits.") else requests).append(text)
    return [name(obj), ", ".join(requests), ", ".join(limits), age(obj, now)]


def _counted(*fields: str) -> Columns:
    """Name, how many entries the fields have together, age."""

    def row(obj: JsonObject, now: datetime) -> list[Cell]:
        return [name(obj), sum(len(obj.get(field) or ()) for field in fields), age(obj, now)]

    return columns(f"Name|{'Data' if 'data' in fields else fields[0].capitalize()}|Age", row)


def _secret(obj: JsonObject, now: datetime) -> list[Cell]:
    return [name(obj), str(obj.get("type") or ""), len(obj.get("data") or ()), age(obj, now)]


def _binding(obj: JsonObject, now: datetime) -> list[Cell]:
    role, subjects = obj.get("roleRef") or {}, obj.get("subjects") or ()
    by_kind: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in subjects:
        home = f"{subject['namespace']}/" if subject.get("namespace") else ""
        by_kind.setdefault(str(subject.get("kind")), []).append(f"{home}{subject.get('name')}")
    listed = (", ".join(by_kind[kind]) for kind in ("User", "Group", "ServiceAccount"))
    return [name(obj), f"{role.get('kind')}/{role.get('name')}", age(obj, now), *listed]


def _created(obj: JsonObject, now: datetime) -> list[Cell]:
    return [name(obj), str(meta(obj).get("creationTimestamp") or "")]


def _lease(obj: JsonObject, now: datetime) -> list[Cell]:
    return [name(obj), str(spec(obj).get("holderIdentity") or ""), age(obj, now)]


def _priority(obj: JsonObject, now: datetime) -> list[Cell]:
    default = str(bool(obj.get("globalDefault"))).lower()
    policy = str(obj.get("preemptionPolicy") or "PreemptLowerPriority")
    return [name(obj), obj.get("value") or 0, default, age(obj, now), policy]


def _runtime(obj: JsonObject, now: datetime) -> list[Cell]:
    return [name(obj), str(obj.get("handler") or ""), age(obj, now)]


def _api_service(obj: JsonObject, now: datetime) -> list[Cell]:
    service = spec(obj).get("service")
    available = condition(obj, "Available") or {}
    text = str(available.get("status") or "Unknown")
    if text != "True" and available.get("reason"):
        text += f" ({available['reason']})"
    where = f"{service.get('namespace')}/{service.get('name')}" if service else "Local"
    return [name(obj), where, text, age(obj, now)]


def _drivers(obj: JsonObject, now: datetime) -> list[Cell]:
    return [name(obj), len(spec(obj).get("drivers") or ()), age(obj, now)]


def _revision(obj: JsonObject, now: datetime) -> list[Cell]:
    owner = next((o for o in meta(obj).get("ownerReferences") or () if o.get("controller")), None)
    group = str((owner or {}).get("apiVersion") or "").rpartition("/")[0]
    kind = str((owner or {}).get("kind") or "").lower()
    text = f"{kind}.{group}/{(owner or {}).get('name')}" if owner else NONE
    return [name(obj), text, obj.get("revision") or 0, age(obj, now)]


def _signing_request(obj: JsonObject, now: datetime) -> list[Cell]:
    seconds = spec(obj).get("expirationSeconds")
    done = [c for c in ("Approved", "Denied", "Failed") if is_true(obj, c)]
    issued = ["Issued"] if status(obj).get("certificate") else []
    return [
        name(obj),
        age(obj, now),
        str(spec(obj).get("signerName") or NONE),
        str(spec(obj).get("username") or ""),
        f"{seconds}s" if seconds else NONE,
        ",".join(done + issued) or "Pending",
    ]


def _plain(obj: JsonObject, now: datetime) -> list[Cell]:
    return [name(obj), age(obj, now)]


OTHERS = columns("Name|Age", _plain)
_BINDING = columns("Name|Role|Age", _binding, wide="Users|Groups|ServiceAccounts")
_CREATED = columns("Name|Created At", _created)

REST: dict[str, Columns] = {
    "persistentvolumeclaims": columns(
        "Name|Status|Volume|Capacity|Access Modes|StorageClass|VolumeAttributesClass|Age",
        _claim,
        wide="VolumeMode",
    ),
    "persistentvolumes": columns(
        "Name|Capacity|Access Modes|Reclaim Policy|Status|Claim|StorageClass|VolumeAttributesClass|Reason"
        "|Age",
        _volume,
        wide="VolumeMode",
    ),
    "storageclasses.storage.k8s.io": columns(
        "Name|Provisioner|ReclaimPolicy|VolumeBindingMode|AllowVolumeExpansion|Age", _class
    ),
    "volumeattachments.storage.k8s.io": columns("Name|Attacher|PV|Node|Attached|Age", _attachment),
    "csinodes.storage.k8s.io": columns("Name|Drivers|Age", _drivers),
    "horizontalpodautoscalers.autoscaling": AUTOSCALER,
    "poddisruptionbudgets.policy": columns(
        "Name|Min Available|Max Unavailable|Allowed Disruptions|Age", _budget
    ),
    "resourcequotas": columns("Name|Request|Limit|Age", _quota),
    "limitranges": _CREATED,
    "configmaps": _counted("data", "binaryData"),
    "secrets": columns("Name|Type|Data|Age", _secret),
    "serviceaccounts": _counted("secrets"),
    "roles.rbac.authorization.k8s.io": _CREATED,
    "clusterroles.rbac.authorization.k8s.io": _CREATED,
    "rolebindings.rbac.authorization.k8s.io": _BINDING,
    "clusterrolebindings.rbac.authorization.k8s.io": _BINDING,
    "leases.coordination.k8s.io": columns("Name|Holder|Age", _lease),
    "priorityclasses.scheduling.k8s.io": columns("Name|Value|Global-Default|Age|PreemptionPolicy", _priority),
    "runtimeclasses.node.k8s.io": columns("Name|Handler|Age", _runtime),
    "apiservices.apiregistration.k8s.io": columns("Name|Service|Available|Age", _api_service),
    "customresourcedefinitions.apiextensions.k8s.io": _CREATED,
    "validatingwebhookconfigurations.admissionregistration.k8s.io": _counted("webhooks"),
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": _counted("webhooks"),
    "controllerrevisions.apps": columns("Name|Controller|Revision|Age", _revision),
    "certificatesigningrequests.certificates.k8s.io": columns(
        "Name|Age|SignerName|Requestor|RequestedDuration|Condition", _signing_request
    ),
}
