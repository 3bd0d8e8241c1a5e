"""Volumes from `kubectl describe`: of pods, templates and PersistentVolumes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from kubelore.cluster.text.cells import UNKNOWN, known, number, shown
from kubelore.cluster.text.outline import Entry
from kubelore.types import JsonObject

_TRUTH = {"true": True, "false": False}


def volumes_of(section: Entry) -> list[JsonObject]:
    """Every volume with its name, and its source where the type is known."""
    return [{"name": e.key, **source_of(e)} for e in section.children if e.key]


def source_of(entry: Entry) -> JsonObject:
    """The source of a volume as one field: `{"configMap": {...}}`; {} for a type not known."""
    kind = entry.text("Type").partition(" (")[0]
    read = _READERS.get(kind)
    return read(entry) if read else {}


def _optional(entry: Entry, key: str = "Optional") -> bool | None:
    return _TRUTH.get(entry.text(key))


def _config_map(entry: Entry) -> JsonObject:
    return {"configMap": known(name=shown(entry.text("Name")), optional=_optional(entry))}


def _secret(entry: Entry) -> JsonObject:
    return {"secret": known(secretName=shown(entry.text("SecretName")), optional=_optional(entry))}


def _claim(entry: Entry) -> JsonObject:
    fields = known(claimName=shown(entry.text("ClaimName")), readOnly=_optional(entry, "ReadOnly"))
    return {"persistentVolumeClaim": fields}


def _empty_dir(entry: Entry) -> JsonObject:
    return {"emptyDir": known(medium=shown(entry.text("Medium")), sizeLimit=shown(entry.text("SizeLimit")))}


def _host_path(entry: Entry) -> JsonObject:
    return {"hostPath": known(path=shown(entry.text("Path")), type=shown(entry.text("HostPathType")))}


def _nfs(entry: Entry) -> JsonObject:
    fields = known(
        server=entry.text("Server"), path=entry.text("Path"), readOnly=_optional(entry, "ReadOnly")
    )
    return {"nfs": fields}


def _local(entry: Entry) -> JsonObject:
    return {"local": known(path=shown(entry.text("Path")))}


def _csi(entry: Entry) -> JsonObject:
    fields = known(
        driver=shown(entry.text("Driver")),
        volumeHandle=shown(entry.text("VolumeHandle")),
        fsType=shown(entry.text("FSType")),
        readOnly=_optional(entry, "ReadOnly"),
    )
    return {"csi": fields}


def _projected(entry: Entry) -> JsonObject:
    """Its sources in the order they are told; a line that says whether one is optional follows its name."""
    sources: list[JsonObject] = []
    for line in entry.children:
        match line.key:
            case "ConfigMapName":
                sources.append({"configMap": {"name": line.value}})
            case "SecretName":
                sources.append({"secret": {"name": line.value}})
            case "DownwardAPI":
                sources.append({"downwardAPI": {}})
            case "TokenExpirationSeconds":
                sources.append({"serviceAccountToken": known(expirationSeconds=number(line.value))})
            case "ConfigMapOptional" | "SecretOptionalName" | "Optional" if sources and line.value == "true":
                next(iter(sources[-1].values()))["optional"] = True
    return {"projected": {"sources": sources}}


def _ephemeral(entry: Entry) -> JsonObject:
    fields = known(storageClassName=shown(entry.text("StorageClass")))
    return {"ephemeral": {"volumeClaimTemplate": {"spec": fields}}}


def _cloud_disk(field: str, id_field: str, key: str) -> Callable[[Entry], JsonObject]:
    def read(entry: Entry) -> JsonObject:
        return {
            field: known(**{id_field: shown(entry.text(key)) or UNKNOWN}, fsType=shown(entry.text("FSType")))
        }

    return read


_READERS: Mapping[str, Callable[[Entry], JsonObject]] = MappingProxyType(
    {
        "ConfigMap": _config_map,
        "Secret": _secret,
        "PersistentVolumeClaim": _claim,
        "EmptyDir": _empty_dir,
        "HostPath": _host_path,
        "NFS": _nfs,
        "LocalVolume": _local,
        "CSI": _csi,
        "Projected": _projected,
        "EphemeralVolume": _ephemeral,
        "DownwardAPI": lambda _: {"downwardAPI": {}},
        "AWSElasticBlockStore": _cloud_disk("awsElasticBlockStore", "volumeID", "VolumeID"),
        "GCEPersistentDisk": _cloud_disk("gcePersistentDisk", "pdName", "PDName"),
        "AzureDisk": _cloud_disk("azureDisk", "diskName", "DiskName"),
        "Cinder": _cloud_disk("cinder", "volumeID", "VolumeID"),
    }
)
