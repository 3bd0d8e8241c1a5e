"""Claims and volumes: why a claim is not bound, and what is wrong with storage itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta

from kubelore.analysis.backends import pod_state
from kubelore.analysis.events import read_family
from kubelore.analysis.quantity import parse_quantity
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import Event, View, labels_of, matches_selector, parse_time, ref_of
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity

BINDING = timedelta(seconds=60)
"""What provisioning and binding take in a healthy cluster."""
DEFAULT_CLASS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
NO_PROVISIONER = "kubernetes.io/no-provisioner"

SELECTED_NODE = "volume.kubernetes.io/selected-node"
COMMON_WORDS = {"csi", "com", "org", "net", "www", "storage", "provisioner", "driver", "cluster", "local"}
KINDS = ("PersistentVolumeClaim", "PersistentVolume", "StorageClass", "Pod", "Event", "CSIDriver")


def claim_facts(view: View, claim: JsonObject) -> list[Fact]:
    """Phase of a claim that is not bound and all reasons found, the most telling first; [] when bound."""
    phase = (claim.get("status") or {}).get("phase")
    if phase not in {"Pending", "Lost"}:
        return []
    ref = ref_of(claim)
    subject, params = Subject(ref), _params(claim)
    reasons = dict(_lost(view, claim) if phase == "Lost" else _pending(view, claim))
    detail = "; ".join(reasons.values()) or "no reason is recorded"
    return [
        subject.fact("pvc.phase", str(phase), f"{ref} is {phase}: {detail}.", **params),
        *(subject.fact("pvc.reason", reason, f"{ref}: {why}.", **params) for reason, why in reasons.items()),
    ]


def _params(claim: JsonObject) -> dict[str, str]:
    spec = claim.get("spec") or {}
    return {
        "pvc": ref_of(claim).name,
        "storage_class": class_of(claim) or "",
        "requested": str(_requested(claim) or ""),
        "access_mode": ",".join(spec.get("accessModes") or ()),
        "volume": spec.get("volumeName") or "",
        "selector": ",".join(
            f"{k}={v}" for k, v in ((spec.get("selector") or {}).get("matchLabels") or {}).items()
        ),
    }


def class_of(obj: JsonObject) -> str | None:
    """The StorageClass a claim or volume names; "" for none on purpose, None when unset."""
    legacy = ((obj.get("metadata") or {}).get("annotations") or {}).get(
        "volume.beta.kubernetes.io/storage-class"
    )
    name = (obj.get("spec") or {}).get("storageClassName")
    return legacy if legacy is not None else name


def _requested(claim: JsonObject) -> str | None:
    return (((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}).get("storage")


Reason = tuple[str, str]


def _lost(view: View, claim: JsonObject) -> Iterator[Reason]:
    name = (claim.get("spec") or {}).get("volumeName") or ""
    if view.exists("PersistentVolume", "", name) is False:
        yield "volume-missing", f"its volume {name} no longer exists"
    else:
        yield "volume-taken", f"its volume {name} is not bound to it any more"


def _pending(view: View, claim: JsonObject) -> Iterator[Reason]:
    events = [e for e in view.events_on(claim) if e.type == "Warning" or e.reason == "ExternalProvisioning"]
    spec, name = claim.get("spec") or {}, class_of(claim)
    storage_class = _storage_class(view, name)
    volumes = view.all("PersistentVolume")
    if spec.get("volumeName"):
        yield from _wanted_volume(view, claim, spec["volumeName"])
    elif storage_class is not None:
        yield from _by_class(view, claim, storage_class, events)
    elif name and _class_is_missing(view, name, events) and not any(class_of(v) == name for v in volumes):
        yield "storage-class-missing", f"StorageClass {name} does not exist"
    elif name is None and not _default_exists(view, events) and all(class_of(v) for v in volumes):
        yield "no-default-class", "it names no StorageClass and none is the default"
    else:
        yield from _against_volumes(view, claim)


def _by_class(
    view: View, claim: JsonObject, storage_class: JsonObject, events: list[Event]
) -> Iterator[Reason]:
    provisioner = str(storage_class.get("provisioner") or "")
    failed = [e for e in events if e.reason == "ProvisioningFailed" and not _says(e, "storage-class-missing")]
    late = storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"
    chosen = SELECTED_NODE in ((claim.get("metadata") or {}).get("annotations") or {})
    if failed:
        message = failed[-1].message
        yield "provisioning-failed", f"provisioning failed: {message[:200].rstrip('.')}"
        closer = read_family("claim", message).label
        if closer in {"selector", "access-mode", "capacity"}:
            yield closer, "the provisioner cannot give what it asks for"
    elif late and not pods_using(view, ref_of(claim)):
        yield "waiting-for-consumer", "its StorageClass binds it once a pod uses it, and none does"
    elif provisioner == NO_PROVISIONER:
        yield from _against_volumes(view, claim)
    elif late and not chosen:
        yield "waiting-for-consumer", "its StorageClass binds it once its pod has a node"
    elif not _provisioner_runs(view, provisioner):
        yield "provisioner-missing", f"nothing in the cluster provisions for {provisioner}"


def _says(event: Event, reason: str) -> bool:
    return read_family("claim", event.message).label == reason


def _storage_class(view: View, name: str | None) -> JsonObject | None:
    if name is not None:
        return view.get("StorageClass", "", name) if name else None
    return next((c for c in view.all("StorageClass") if _is_default(c)), None)


def _is_default(storage_class: JsonObject) -> bool:
    annotations = (storage_class.get("metadata") or {}).get("annotations") or {}
    return any(annotations.get(key) == "true" for key in DEFAULT_CLASS)


def _class_is_missing(view: View, name: str, events: Iterable[Event]) -> bool:
    return (
        any(_says(e, "storage-class-missing") for e in events)
        or view.exists("StorageClass", "", name) is False
    )


def _default_exists(view: View, events: Iterable[Event]) -> bool:
    """In doubt one exists; the controller says so when none is set."""
    return not (view.cluster.readable("StorageClass") or any(_says(e, "no-default-class") for e in events))


def pods_using(view: View, claim: Ref) -> list[JsonObject]:
    return view.once(_pods_by_claim).get((claim.namespace, claim.name), [])


def _pods_by_claim(view: View) -> dict[tuple[str, str], list[JsonObject]]:
    index: dict[tuple[str, str], list[JsonObject]] = {}
    for pod in view.cluster.list("Pod"):
        for name in claims_in(pod.get("spec") or {}, ref_of(pod).name):
            index.setdefault((ref_of(pod).namespace, name), []).append(pod)
    return index


def claims_in(spec: JsonObject, pod: str = "") -> list[str]:
    """Claims a pod spec refers to; `pod` names the pod, for its ephemeral volumes."""
    found = []
    for volume in spec.get("volumes") or ():
        if volume.get("persistentVolumeClaim"):
            found.append(volume["persistentVolumeClaim"].get("claimName", ""))
        elif volume.get("ephemeral") and pod:
            found.append(f"{pod}-{volume.get('name', '')}")
    return found


def _provisioner_runs(view: View, provisioner: str) -> bool:
    """Whether a workload that carries the provisioner's name, or words of it in its own, has a ready pod.

    Managed control planes run drivers where nobody sees them: a registered driver counts as well.
    """
    if not view.cluster.readable("Pod") or provisioner.startswith("kubernetes.io/"):
        return True
    words = [w for w in re.split(r"[/.-]", provisioner) if len(w) > 2 and w not in COMMON_WORDS]
    drivers = [w for w in view.workloads() if _is_driver(view, w, provisioner, words)]
    if not drivers:
        return view.exists("CSIDriver", "", provisioner) is not False
    return any(pod_state(p) == "ready" for w in drivers for p in view.pods_of(w))


def _is_driver(view: View, workload: Ref, provisioner: str, words: list[str]) -> bool:
    containers = view.pod_spec(workload).get("containers") or ()
    name = f"{workload.name} {' '.join(str(c.get('image')) for c in containers)}"
    told = " ".join(f"{c.get('args') or ''} {c.get('env') or ''}" for c in containers)
    return provisioner in told or any(w in name for w in words)


# -- against the volumes that exist -------------------------------------------------------------
def _wanted_volume(view: View, claim: JsonObject, name: str) -> Iterator[Reason]:
    volume = view.get("PersistentVolume", "", name)
    if volume is None:
        if view.exists("PersistentVolume", "", name) is False:
            yield "volume-missing", f"it asks for volume {name}, which does not exist"
        return
    yield from misfits(claim, volume)


def _against_volumes(view: View, claim: JsonObject) -> Iterator[Reason]:
    """Why no existing volume fits: what keeps the volume that is nearest from fitting."""
    if not view.cluster.readable("PersistentVolume"):
        return
    volumes = view.all("PersistentVolume")
    if not volumes:
        yield "no-matching-volume", "there is no PersistentVolume"
        return
    nearest = min((list(misfits(claim, v)) for v in volumes), key=lambda m: (len(m), _weight(m)))
    if not nearest:
        # A volume fits by itself, and still the scheduler found no node for both.
        if pods_using(view, ref_of(claim)) and any(
            (v.get("spec") or {}).get("nodeAffinity") for v in volumes
        ):
            yield "node-affinity", "the volume that fits can be used on other nodes only"
    elif len(nearest) > 2:
        yield "no-matching-volume", f"none of {len(volumes)} PersistentVolumes comes near to it"
    else:
        yield from nearest


def _weight(reasons: list[Reason]) -> int:
    """A volume that belongs to another claim is less near than one that is free."""
    return sum(2 if reason in {"volume-taken", "volume-released"} else 1 for reason, _ in reasons)


def misfits(claim: JsonObject, volume: JsonObject) -> Iterator[Reason]:
    """Everything that keeps a volume from being bound to a claim."""
    spec, have = claim.get("spec") or {}, volume.get("spec") or {}
    name = ref_of(volume).name
    yield from _taken(claim, volume)
    if (class_of(claim) or "") != (class_of(volume) or ""):
        wants, has = class_of(claim) or "none", class_of(volume) or "none"
        yield "class-mismatch", f"it asks for class {wants}, volume {name} is of class {has}"
    capacity = parse_quantity((have.get("capacity") or {}).get("storage"))
    requested = parse_quantity(_requested(claim))
    if capacity is not None and requested is not None and capacity < requested:
        yield "capacity", f"it asks for {_requested(claim)}, volume {name} has {have['capacity']['storage']}"
    missing = set(spec.get("accessModes") or ()) - set(have.get("accessModes") or ())
    if missing:
        offers = ", ".join(have.get("accessModes") or ()) or "none"
        yield "access-mode", f"it asks for {', '.join(sorted(missing))}, volume {name} offers {offers}"
    if (spec.get("volumeMode") or "Filesystem") != (have.get("volumeMode") or "Filesystem"):
        yield "volume-mode", f"its volumeMode differs from that of volume {name}"
    selector = spec.get("selector")
    if selector and not matches_selector(selector, labels_of(volume)):
        yield "selector", f"volume {name} does not carry the labels of its selector"


def _taken(claim: JsonObject, volume: JsonObject) -> Iterator[Reason]:
    name, phase = ref_of(volume).name, (volume.get("status") or {}).get("phase")
    owner = (volume.get("spec") or {}).get("claimRef") or {}
    ref, uid = ref_of(claim), (claim.get("metadata") or {}).get("uid")
    same = (owner.get("namespace"), owner.get("name")) == (ref.namespace, ref.name)
    if owner and same and owner.get("uid") in {None, "", uid}:
        return
    if phase in {"Released", "Failed"}:
        yield (
            "volume-released",
            f"volume {name} is {phase} and still remembers {owner.get('namespace')}/{owner.get('name')}",
        )
    elif owner:
        yield "volume-taken", f"volume {name} belongs to {owner.get('namespace')}/{owner.get('name')}"


# -- analyzers ----------------------------------------------------------------------------------
@check("claims", *KINDS)
def unbound_claims(view: View, namespace: str | None) -> Iterable[Finding]:
    """Claims that are Lost, or Pending although something wants them bound."""
    for claim in view.all("PersistentVolumeClaim", namespace):
        facts = claim_facts(view, claim)
        if not facts or any(f.value == "waiting-for-consumer" for f in facts):
            continue
        young = _age(view, claim) < BINDING and len(facts) == 1
        if not young:
            what = facts[0].detail.removeprefix(f"{ref_of(claim)} is ").rstrip(".")
            yield Finding(Severity.CRITICAL, ref_of(claim), what, tuple(facts), "claims")


def _age(view: View, obj: JsonObject) -> timedelta:
    created = parse_time((obj.get("metadata") or {}).get("creationTimestamp"))
    return view.now - created if created else timedelta.max


@check("attachments", "VolumeAttachment", "PersistentVolume", "Pod")
def failing_attachments(view: View, namespace: str | None) -> Iterable[Finding]:
    """Volumes that the driver cannot attach, at the workloads that wait for them."""
    for attachment in view.all("VolumeAttachment"):
        message = ((attachment.get("status") or {}).get("attachError") or {}).get("message")
        name = (((attachment.get("spec") or {}).get("source")) or {}).get("persistentVolumeName") or ""
        owner = ((view.get("PersistentVolume", "", name) or {}).get("spec") or {}).get("claimRef") or {}
        claim = Ref("PersistentVolumeClaim", owner.get("namespace") or "", owner.get("name") or "")
        if not message or namespace not in (None, claim.namespace):
            continue
        for workload in dict.fromkeys(view.workload_of(p) for p in pods_using(view, claim)):
            node = (attachment.get("spec") or {}).get("nodeName", "")
            detail = f"Volume {name} of {claim} cannot be attached to {node}: {message[:200]}"
            fact = Subject(workload, ref_of(attachment)).fact(
                "mount.error", "attach-failed", detail, volume=name, pvc=claim.name, node=node
            )
            what = f"volume of claim {claim.name} cannot be attached: {message[:200]}"
            yield Finding(Severity.CRITICAL, workload, what, (fact,), "attachments")


@check("volumes", "PersistentVolume", "PersistentVolumeClaim")
def broken_volumes(view: View, namespace: str | None) -> Iterable[Finding]:
    """Volumes that failed, or that were released and wait for somebody to free them."""
    for volume in view.all("PersistentVolume"):
        facts = volume_facts(volume)
        owner = ((volume.get("spec") or {}).get("claimRef") or {}).get("namespace")
        if facts and facts[0].value != "Available" and namespace in (None, owner):
            severity = Severity.WARNING if facts[0].value == "Failed" else Severity.INFO
            what = facts[0].detail.removeprefix(f"{ref_of(volume)} is ").rstrip(".")
            yield Finding(severity, ref_of(volume), what, tuple(facts), "volumes")


def volume_facts(volume: JsonObject) -> list[Fact]:
    """Phase of a volume that no claim holds."""
    status, ref = volume.get("status") or {}, ref_of(volume)
    phase = status.get("phase")
    if phase not in {"Released", "Failed", "Available"}:
        return []
    capacity = ((volume.get("spec") or {}).get("capacity") or {}).get("storage", "")
    message = f": {status['message'][:200]}" if status.get("message") else ""
    detail = f"{ref} is {phase}{message}."
    return [Subject(ref).fact("pv.phase", phase, detail, volume=ref.name, capacity=capacity)]
