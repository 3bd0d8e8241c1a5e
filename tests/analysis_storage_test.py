"""Claims, volumes and attachments."""

from __future__ import annotations

from typing import Any

import pytest

from analysis_infra_support import ago, container, event, obj, problems, shown, view_of, workload
from kubelore.analysis.storage import claim_facts
from kubelore.analysis.view import View
from kubelore.types import JsonObject, Severity
from support import incident, needs_incidents


def claim(phase: str = "Pending", **spec: Any) -> JsonObject:
    body = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "10Gi"}},
        "storageClassName": "manual",
        **spec,
    }
    body = {k: v for k, v in body.items() if v is not None}
    return obj("PersistentVolumeClaim", "data", spec=body, status={"phase": phase})


def volume(phase: str = "Available", labels: dict[str, str] | None = None, **spec: Any) -> JsonObject:
    body = {
        "capacity": {"storage": "20Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "manual",
        **spec,
    }
    return obj(
        "PersistentVolume", "disk", "", metadata={"labels": labels or {}}, spec=body, status={"phase": phase}
    )


def storage_class(
    name: str, provisioner: str = "disk.csi.example.com", mode: str = "Immediate", **meta: Any
) -> JsonObject:
    return obj("StorageClass", name, "", metadata=meta, provisioner=provisioner, volumeBindingMode=mode)


def reasons(view: View) -> set[str]:
    found = view.get("PersistentVolumeClaim", "shop", "data")
    assert found is not None
    return {f.value for f in claim_facts(view, found) if f.key == "pvc.reason"}


def user(*claims: str) -> list[JsonObject]:
    volumes = [{"name": c, "persistentVolumeClaim": {"claimName": c}} for c in claims]
    return workload("db", container(5432), spec={"volumes": volumes})


def test_bound_claim_gives_nothing() -> None:
    assert problems(view_of(claim("Bound", volumeName="disk"), volume("Bound"))) == []


OTHER = {"namespace": "shop", "name": "other", "uid": "uid-of-another"}


@pytest.mark.parametrize(
    ("wants", "has", "expected"),
    [
        ({"resources": {"requests": {"storage": "50Gi"}}}, {}, {"capacity"}),
        ({"accessModes": ["ReadWriteMany"]}, {}, {"access-mode"}),
        ({"selector": {"matchLabels": {"tier": "fast"}}}, {}, {"selector"}),
        ({"volumeMode": "Block"}, {}, {"volume-mode"}),
        ({}, {"claimRef": OTHER, "phase": "Bound"}, {"volume-taken"}),
        ({}, {"claimRef": OTHER, "phase": "Released"}, {"volume-released"}),
        ({"storageClassName": ""}, {}, {"class-mismatch"}),
        (
            {"resources": {"requests": {"storage": "50Gi"}}, "accessModes": ["ReadWriteMany"]},
            {},
            {"capacity", "access-mode"},
        ),
    ],
)
def test_a_static_claim_is_compared_with_the_volumes(wants, has, expected) -> None:
    has = dict(has)
    disk = volume(has.pop("phase", "Available"), **has)
    assert reasons(view_of(claim(**wants), disk)) == expected


def test_the_volume_that_comes_nearest_is_the_one_compared_with() -> None:
    far = volume(accessModes=["ReadOnlyMany"], storageClassName="other")
    far["metadata"]["name"] = "far"
    assert reasons(view_of(claim(resources={"requests": {"storage": "50Gi"}}), far, volume())) == {"capacity"}


def test_named_volume_must_exist_and_fit() -> None:
    assert reasons(view_of(claim(volumeName="disk"))) == {"volume-missing"}
    assert reasons(view_of(claim(volumeName="disk"), volume("Bound", claimRef=OTHER))) == {"volume-taken"}
    small = volume(capacity={"storage": "1Gi"})
    assert reasons(view_of(claim(volumeName="disk"), small)) == {"capacity"}


def test_class_that_does_not_exist() -> None:
    assert reasons(view_of(claim(storageClassName="fast"))) == {"storage-class-missing"}
    assert reasons(view_of(claim(storageClassName="fast"), unreadable=["StorageClass"])) == {
        "no-matching-volume"
    }
    wanted = claim(storageClassName="fast")
    said = event(wanted, "ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found')
    assert reasons(view_of(wanted, said, unreadable=["StorageClass"])) == {"storage-class-missing"}


def test_claim_without_class_needs_a_default() -> None:
    assert reasons(view_of(claim(storageClassName=None))) == {"no-default-class"}
    default = storage_class("standard", annotations={"storageclass.kubernetes.io/is-default-class": "true"})
    driver = workload("disk-csi-controller", space="kube-system")
    assert reasons(view_of(claim(storageClassName=None), default, driver)) == set()


def test_late_binding_without_a_pod_is_normal() -> None:
    late = storage_class("manual", mode="WaitForFirstConsumer")
    view = view_of(claim(), late)
    assert reasons(view) == {"waiting-for-consumer"}
    assert problems(view) == []


def test_late_binding_of_a_pod_that_has_no_node_is_the_pods_trouble() -> None:
    late = storage_class("manual", mode="WaitForFirstConsumer")
    assert problems(view_of(claim(), late, user("data")), "claims") == []


@pytest.mark.parametrize(
    ("message", "extra"),
    [
        ("rpc error: code = Internal desc = quota of the cloud", set()),
        ("Only support ReadWriteOnce access mode", {"access-mode"}),
        ("claim Selector is not supported", {"selector"}),
    ],
)
def test_provisioner_that_fails_is_quoted(message: str, extra: set[str]) -> None:
    wanted = claim()
    view = view_of(wanted, storage_class("manual"), event(wanted, "ProvisioningFailed", message))
    assert reasons(view) == {"provisioning-failed", *extra}
    assert message in problems(view, "claims")[0].what


def test_provisioner_that_runs_nowhere() -> None:
    assert reasons(view_of(claim(), storage_class("manual"))) == {"provisioner-missing"}
    down = workload("disk-csi-controller", space="kube-system", replicas=0)
    assert reasons(view_of(claim(), storage_class("manual"), down)) == {"provisioner-missing"}
    registered = obj("CSIDriver", "disk.csi.example.com", "")
    assert reasons(view_of(claim(), storage_class("manual"), registered)) == set()


def test_lost_claim_says_what_became_of_its_volume() -> None:
    view = view_of(claim("Lost", volumeName="disk"))
    assert shown(problems(view)) == {
        "PersistentVolumeClaim/shop/data": {"pvc.phase=Lost", "pvc.reason=volume-missing"}
    }


def test_claim_just_made_is_given_time() -> None:
    fresh = claim()
    fresh["metadata"]["creationTimestamp"] = ago(seconds=5)
    registered = obj("CSIDriver", "disk.csi.example.com", "")
    assert problems(view_of(fresh, storage_class("manual"), registered)) == []


def test_failed_volume_is_a_warning_and_a_released_one_is_not() -> None:
    failed = volume("Failed")
    failed["status"]["message"] = "recycler failed"
    assert shown(problems(view_of(failed))) == {"PersistentVolume//disk": {"pv.phase=Failed"}}
    assert problems(view_of(volume("Released", claimRef=OTHER))) == []


def test_attach_error_is_reported_at_the_workload() -> None:
    bound = claim("Bound", volumeName="disk")
    disk = volume("Bound", claimRef={"namespace": "shop", "name": "data", "uid": bound["metadata"]["uid"]})
    attachment = obj(
        "VolumeAttachment",
        "csi-1",
        "",
        spec={"source": {"persistentVolumeName": "disk"}, "nodeName": "node-a"},
        status={"attachError": {"message": "disk is in another zone"}},
    )
    found = problems(view_of(bound, disk, attachment, user("data")), "attachments")
    assert shown(found) == {"Deployment/shop/db": {"mount.error=attach-failed"}}
    assert found[0].severity is Severity.CRITICAL


@needs_incidents
def test_recorded_claim_names_a_missing_class() -> None:
    found = shown(problems(View(incident("inc-29"))))
    assert found["PersistentVolumeClaim/dbs/data-pg-0"] == {
        "pvc.phase=Pending",
        "pvc.reason=storage-class-missing",
    }
