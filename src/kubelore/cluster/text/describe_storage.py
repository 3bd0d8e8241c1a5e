"""Described claims, volumes, storage classes, ConfigMaps and Secrets."""

from __future__ import annotations

import re
from collections.abc import Callable

from kubelore.cluster.text.cells import access_modes, known, shown
from kubelore.cluster.text.describe_volumes import source_of
from kubelore.cluster.text.described import Described
from kubelore.cluster.text.rows import DEFAULT_CLASS, claim_ref
from kubelore.types import JsonObject

_SECRET_KEY = re.compile(r"([\w.\-]+):\s+\S.*")
_TERM = re.compile(r"(\S+) (in|notin|exists|doesnotexist|gt|lt)(?: \[([^\]]*)\])?", re.IGNORECASE)
_OPERATORS = {
    "in": "In",
    "notin": "NotIn",
    "exists": "Exists",
    "doesnotexist": "DoesNotExist",
    "gt": "Gt",
    "lt": "Lt",
}


def _claim(told: Described) -> JsonObject:
    spec = known(
        volumeName=told.text("Volume"),
        storageClassName=told.text("StorageClass"),
        volumeMode=told.text("VolumeMode"),
        volumeAttributesClassName=told.text("VolumeAttributesClass"),
    )
    status = known(
        phase=told.phase,
        accessModes=access_modes(told.text("Access Modes")) or None,
        capacity=known(storage=told.text("Capacity")),
        conditions=told.conditions(),
    )
    return known(spec=spec, status=status)


def _volume(told: Described) -> JsonObject:
    source = source_of(told.outline.get("Source"))
    spec = known(
        capacity=known(storage=told.text("Capacity")),
        accessModes=access_modes(told.text("Access Modes")) or None,
        persistentVolumeReclaimPolicy=told.text("Reclaim Policy"),
        claimRef=claim_ref(told.text("Claim")),
        storageClassName=told.text("StorageClass"),
        volumeMode=told.text("VolumeMode"),
        nodeAffinity=_node_affinity(told),
    )
    status = known(phase=told.phase, message=told.text("Message"), reason=told.text("Reason"))
    return known(spec=spec | source, status=status)


def _node_affinity(told: Described) -> JsonObject | None:
    """`Term 0: kubernetes.io/hostname in [worker-1]`; further expressions of a term on lines of their own."""
    terms: list[JsonObject] = []
    for entry in told.outline.get("Node Affinity").walk():
        match = _TERM.search(entry.value or entry.line)
        if entry.key.startswith("Term "):
            terms.append({"matchExpressions": []})
        if match and terms:
            values = re.split(r"[,\s]+", match[3] or "")
            expression = {"key": match[1], "operator": _OPERATORS[match[2].lower()]}
            terms[-1]["matchExpressions"].append(expression | known(values=[v for v in values if v] or None))
    return {"required": {"nodeSelectorTerms": terms}} if terms else None


def _storage_class(told: Described) -> JsonObject:
    default = told.text("IsDefaultClass") == "Yes"
    metadata = {"annotations": {DEFAULT_CLASS: "true"}} if default else None
    binding = told.text("VolumeBindingMode")
    return known(
        metadata=metadata,
        provisioner=told.text("Provisioner"),
        reclaimPolicy=told.text("ReclaimPolicy"),
        volumeBindingMode=binding,
        allowVolumeExpansion=told.flag("AllowVolumeExpansion"),
    )


def _config_map(told: Described) -> JsonObject:
    lines = told.after("Data", "====")
    end = next(
        (i for i, line in enumerate(lines[:-1]) if line == "BinaryData" and lines[i + 1] == "===="), None
    )
    data: dict[str, str] = {}
    key = ""
    body = lines[:end]
    for at, line in enumerate(body):
        if at + 1 < len(body) and line.endswith(":") and body[at + 1] == "----":
            key = line[:-1]
            data[key] = ""
        elif key and not (line == "----" and body[at - 1] == f"{key}:"):
            data[key] += f"{line}\n"
    values = {name: value.rstrip("\n") for name, value in data.items()}
    binary = [_SECRET_KEY.fullmatch(line) for line in (lines[end + 2 :] if end is not None else [])]
    return {"data": values} | known(binaryData={m[1]: "" for m in binary if m})


def _secret(told: Described) -> JsonObject:
    """The keys. kubectl prints their sizes, and for some types a value, which is not kept."""
    keys = [_SECRET_KEY.fullmatch(line.strip()) for line in told.after("Data", "====")]
    return known(type=told.text("Type")) | {"data": {match[1]: "" for match in keys if match}}


def _account(told: Described) -> JsonObject:
    def names(key: str) -> list[JsonObject]:
        lines = (shown(line).partition(" ") for line in told.outline.get(key).lines())
        return [{"name": name} for name, _, _ in lines if name]

    return {"imagePullSecrets": names("Image pull secrets"), "secrets": names("Mountable secrets")}


BUILDERS: dict[str, Callable[[Described], JsonObject]] = {
    "PersistentVolumeClaim": _claim,
    "PersistentVolume": _volume,
    "StorageClass": _storage_class,
    "ConfigMap": _config_map,
    "Secret": _secret,
    "ServiceAccount": _account,
}
