"""Claims, volumes and what waits for them."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.parts import Json, c, waiting
from scenarios.registry import scenario
from scenarios.workloads import deployment, pv, pvc, statefulset

UNBOUND = "pod has unbound immediate PersistentVolumeClaims"


def uses(claim: str) -> Json:
    return {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]}


def pending(w: World, claim: str, reason: str = "") -> None:
    """A deployment that waits for `claim`."""
    total = len(w.nodes)
    text = (
        reason
        or f"0/{total} nodes are available: {UNBOUND}. preemption: 0/{total} nodes are available: {total} Preemption is not helpful for scheduling."
    )
    deployment(w, w.ns, w.app, c(w.app, mounts={"data": "/data"}), spec=uses(claim), why_not=text, age=1500)


@scenario()
def missing(w: World) -> Truth:
    total = len(w.nodes)
    text = f'0/{total} nodes are available: persistentvolumeclaim "{w.app}-store" not found. preemption: 0/{total} nodes are available: {total} Preemption is not helpful for scheduling.'
    pending(w, f"{w.app}-store", text)
    pvc(w, w.ns, f"{w.app}-storage")
    return Truth(
        f"{w.app} is Pending",
        "pvc_missing",
        f"Deployment/{w.ns}/{w.app}",
        (),
        (f"PersistentVolumeClaim/{w.ns}/{w.app}-store",),
    )


@scenario()
def missing_statefulset(w: World) -> Truth:
    total = len(w.nodes)
    text = f'0/{total} nodes are available: persistentvolumeclaim "legacy-data" not found. preemption: 0/{total} nodes are available: {total} Preemption is not helpful for scheduling.'
    statefulset(
        w, w.ns, w.app, c("db", mounts={"data": "/data"}), spec=uses("legacy-data"), why_not=text, age=1500
    )
    return Truth(
        f"{w.ns} database pod does not start",
        "pvc_missing",
        f"StatefulSet/{w.ns}/{w.app}",
        (),
        (f"PersistentVolumeClaim/{w.ns}/legacy-data",),
    )


@scenario()
def class_missing(w: World) -> Truth:
    text = 'storageclass.storage.k8s.io "premium-ssd" not found'
    pvc(
        w,
        w.ns,
        f"{w.app}-data",
        cls="premium-ssd",
        bound=False,
        events=[("Warning", "ProvisioningFailed", text, 60, 1500, 10)],
    )
    pending(w, f"{w.app}-data")
    return Truth(
        f"{w.app} waits for its disk",
        "storage_class_missing",
        f"PersistentVolumeClaim/{w.ns}/{w.app}-data",
        ("pvc_unbound",),
        (f"Deployment/{w.ns}/{w.app}", "StorageClass//premium-ssd"),
    )


@scenario()
def class_missing_statefulset(w: World) -> Truth:
    total = len(w.nodes)
    text = f"0/{total} nodes are available: {UNBOUND}. preemption: 0/{total} nodes are available: {total} Preemption is not helpful for scheduling."
    statefulset(
        w,
        w.ns,
        w.app,
        c("db"),
        claims=[("data", "50Gi", "gp2-encrypted")],
        bound=False,
        why_not=text,
        age=2400,
    )
    claim = w.of("PersistentVolumeClaim", w.ns)[0]
    w.event(
        claim,
        "Warning",
        "ProvisioningFailed",
        'storageclass.storage.k8s.io "gp2-encrypted" not found',
        90,
        2300,
        12,
    )
    return Truth(
        f"why is {w.app}-0 not running",
        "storage_class_missing",
        f"PersistentVolumeClaim/{w.ns}/data-{w.app}-0",
        ("pvc_unbound",),
        (f"StatefulSet/{w.ns}/{w.app}", "StorageClass//gp2-encrypted"),
    )


def static(w: World, name: str, **more: object) -> Json:
    """A claim of the static class and the event that it stays unbound."""
    text = "no persistent volumes available for this claim and no storage class is set"
    return pvc(
        w, w.ns, name, cls="", bound=False, events=[("Normal", "FailedBinding", text, 100, 1500, 8)], **more
    )  # type: ignore[arg-type]


@scenario()
def capacity(w: World) -> Truth:
    static(w, f"{w.app}-data", size="200Gi")
    pv(w, f"disk-{w.suffix()}", "100Gi", "")
    pending(w, f"{w.app}-data")
    return Truth(
        f"pvc of {w.app} does not bind",
        "pv_capacity_mismatch",
        f"PersistentVolumeClaim/{w.ns}/{w.app}-data",
        ("pvc_unbound",),
        (f"Deployment/{w.ns}/{w.app}",),
    )


@scenario()
def access_mode(w: World) -> Truth:
    static(w, f"{w.app}-shared", size="10Gi", mode="ReadWriteMany")
    pv(w, f"disk-{w.suffix()}", "20Gi", "", mode="ReadWriteOnce")
    pending(w, f"{w.app}-shared")
    return Truth(
        f"{w.app}-shared stays Pending",
        "pv_access_mode_mismatch",
        f"PersistentVolumeClaim/{w.ns}/{w.app}-shared",
        ("pvc_unbound",),
        (f"Deployment/{w.ns}/{w.app}",),
    )


@scenario()
def volume_selector(w: World) -> Truth:
    static(w, f"{w.app}-data", size="5Gi", selector={"matchLabels": {"tier": "archive"}})
    pv(w, f"disk-{w.suffix()}", "20Gi", "", labels={"tier": "hot"})
    pending(w, f"{w.app}-data")
    return Truth(
        f"no volume for {w.app}",
        "pv_selector_mismatch",
        f"PersistentVolumeClaim/{w.ns}/{w.app}-data",
        ("pvc_unbound",),
        (f"Deployment/{w.ns}/{w.app}",),
    )


@scenario()
def taken(w: World) -> Truth:
    volume = f"archive-{w.suffix()}"
    other = w.name("archive")
    first = pvc(w, w.ns, other, cls="", bound=False)
    pv(w, volume, "50Gi", "", claim=first)
    first["spec"]["volumeName"], first["status"] = (
        volume,
        {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "50Gi"}},
    )
    text = f'volume "{volume}" already bound to a different claim.'
    pvc(
        w,
        w.ns,
        f"{w.app}-data",
        cls="",
        bound=False,
        volumeName=volume,
        events=[("Warning", "FailedBinding", text, 80, 1500, 12)],
    )
    pending(w, f"{w.app}-data")
    return Truth(
        f"{w.app} pending on its claim",
        "pv_already_bound",
        f"PersistentVolumeClaim/{w.ns}/{w.app}-data",
        ("pvc_unbound",),
        (f"Deployment/{w.ns}/{w.app}", f"PersistentVolume//{volume}"),
    )


@scenario()
def released(w: World) -> Truth:
    """The volume is Released: its old claim is gone, its claimRef stays."""
    volume = f"vol-{w.suffix()}"
    gone = {"metadata": {"namespace": w.ns, "name": "old-claim", "uid": w.uid()}}
    pv(w, volume, "50Gi", "", claim=gone, phase="Released")
    static(w, f"{w.app}-data", size="50Gi")
    pending(w, f"{w.app}-data")
    return Truth(
        f"claim {w.app}-data unbound",
        "pvc_unbound",
        f"PersistentVolumeClaim/{w.ns}/{w.app}-data",
        ("pv_already_bound",),
        (f"Deployment/{w.ns}/{w.app}", f"PersistentVolume//{volume}"),
    )


@scenario(flavour="eks")
def provisioner_fails(w: World) -> Truth:
    text = 'failed to provision volume with StorageClass "gp3": rpc error: code = Internal desc = Could not create volume "pvc-7c": could not create volume in EC2: UnauthorizedOperation: You are not authorized to perform this operation.'
    claim = pvc(w, w.ns, f"{w.app}-data", bound=False)
    w.event(
        claim,
        "Warning",
        "ProvisioningFailed",
        text,
        9,
        1400,
        100,
        source="ebs.csi.aws.com_ebs-csi-controller-6c8_1a",
    )
    w.event(
        claim,
        "Normal",
        "ExternalProvisioning",
        "Waiting for a volume to be created either by the external provisioner 'ebs.csi.aws.com' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
        80,
        1400,
        10,
    )
    pending(w, f"{w.app}-data")
    return Truth(
        f"{w.app} pod pending, PVC pending",
        "pvc_unbound",
        f"PersistentVolumeClaim/{w.ns}/{w.app}-data",
        (),
        (f"Deployment/{w.ns}/{w.app}", "StorageClass//gp3"),
    )


@scenario(flavour="eks")
def multi_attach(w: World) -> Truth:
    pvc(w, w.ns, f"{w.app}-data")
    volume = w.of("PersistentVolume")[-1]["metadata"]["name"]
    text = f'Multi-Attach error for volume "{volume}" Volume is already used by pod(s) {w.app}-old-x2x'
    box = c(w.app, mounts={"data": "/data"}, state=waiting("ContainerCreating"))
    deployment(
        w,
        w.ns,
        w.app,
        box,
        spec=uses(f"{w.app}-data"),
        age=1600,
        events=[("Warning", "FailedAttachVolume", text, 1, 1500, 1500)],
    )
    pod = w.of("Pod", w.ns)[-1]
    w.event(
        pod,
        "Warning",
        "FailedMount",
        "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to process volumes=[]: timed out waiting for the condition",
        10,
        1400,
        60,
    )
    return Truth(
        f"{w.app} stuck in ContainerCreating after a node died",
        "volume_attach_failed",
        f"Deployment/{w.ns}/{w.app}",
        (),
        (f"PersistentVolumeClaim/{w.ns}/{w.app}-data",),
    )


@scenario(flavour="kubeadm-docker")
def nfs_down(w: World) -> Truth:
    text = 'MountVolume.SetUp failed for volume "data" : mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs 10.20.0.5:/export/data /var/lib/kubelet/pods/<uid>/volumes/kubernetes.io~nfs/data\nOutput: mount.nfs: Connection timed out'
    spec = {"volumes": [{"name": "data", "nfs": {"server": "10.20.0.5", "path": "/export/data"}}]}
    statefulset(
        w,
        w.ns,
        w.app,
        c("app", mounts={"data": "/data"}, state=waiting("ContainerCreating")),
        spec=spec,
        age=1600,
        events=[("Warning", "FailedMount", text, 8, 1500, 120)],
    )
    return Truth(
        f"{w.app}-0 hangs in ContainerCreating", "volume_attach_failed", f"StatefulSet/{w.ns}/{w.app}"
    )
