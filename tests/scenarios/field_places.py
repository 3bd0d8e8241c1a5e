"""Half c: pods that find no place or no disk, as in clusters in use."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.field_parts import DAY, helm, mount, told
from scenarios.parts import Json, c, waiting
from scenarios.registry import scenario
from scenarios.workloads import (
    adopt,
    daemonset,
    deployment,
    job,
    older_replicaset,
    pvc,
    statefulset,
)


@scenario(flavour="gke", minor=33)
def big_cpu(w: World) -> Truth:
    ns = w.namespace("analytics")
    box = c("trino-worker", "trinodb/trino:464", cpu=("6", "8"), memory=("2Gi", "4Gi"))
    deployment(
        w,
        ns,
        "trino-worker",
        box,
        replicas=2,
        why_not=w.unfit((3, "Insufficient cpu")),
        age=3000,
        **helm("trino", "trino", "trino-0.33.0"),
    )
    pod = w.of("Pod", ns)[0]
    w.event(
        pod,
        "Normal",
        "NotTriggerScaleUp",
        "pod didn't trigger scale-up: 1 Insufficient cpu, 1 max node group size reached",
        40,
        2900,
        60,
        source="cluster-autoscaler",
    )
    return told(
        w,
        "trino workers pending, autoscaler does nothing",
        "insufficient_cpu",
        f"Deployment/{ns}/trino-worker",
    )


@scenario(flavour="aks", minor=28)
def big_memory(w: World) -> Truth:
    ns = w.namespace("search")
    box = c(
        "elasticsearch",
        "docker.elastic.co/elasticsearch/elasticsearch:8.16.1",
        memory=("16Gi", "16Gi"),
        cpu=("500m", ""),
    )
    total = len(w.nodes)
    text = f"0/{total} nodes are available: {total} Insufficient memory. preemption: 0/{total} nodes are available: {total} No preemption victims found for incoming pod."
    statefulset(
        w,
        ns,
        "es-main-es-data",
        box,
        claims=[("elasticsearch-data", "100Gi", "managed-csi")],
        why_not=text,
        age=3000,
    )
    return told(
        w,
        "ECK cluster es-main stays in phase ApplyingChanges, data pod not scheduled",
        "insufficient_memory",
        f"StatefulSet/{ns}/es-main-es-data",
    )


@scenario(flavour="eks", minor=31)
def gpu_job(w: World) -> Truth:
    ns = w.namespace("ml-train")
    box = c(
        "trainer",
        "nvcr.io/nvidia/pytorch:24.10-py3",
        resources={"limits": {"nvidia.com/gpu": "1"}, "requests": {"nvidia.com/gpu": "1", "cpu": "500m"}},
    )
    job(w, ns, "finetune-7f2", box, why_not=w.unfit((3, "Insufficient nvidia.com/gpu")), age=2800)
    return told(w, "finetune-7f2 is Pending", "insufficient_extended_resource", f"Job/{ns}/finetune-7f2")


@scenario(flavour="aks", minor=32)
def spot_pool(w: World) -> Truth:
    """The pool that the selector names exists; its taint is not tolerated."""
    ns = w.namespace("render")
    node = w.workers[2]
    node["metadata"]["labels"] |= {
        "kubernetes.azure.com/agentpool": "spot",
        "kubernetes.azure.com/scalesetpriority": "spot",
    }
    w.taint(node, "kubernetes.azure.com/scalesetpriority", "spot")
    box = c("renderer", cpu=("200m", "1"))
    why = w.unfit(
        (1, "node(s) had untolerated taint {kubernetes.azure.com/scalesetpriority: spot}"),
        (2, "node(s) didn't match Pod's node affinity/selector"),
    )
    deployment(
        w,
        ns,
        "renderer",
        box,
        replicas=3,
        spec={"nodeSelector": {"kubernetes.azure.com/agentpool": "spot"}},
        why_not=why,
        age=2600,
    )
    return told(
        w,
        "moved renderer to the spot pool, now all 3 pods pending",
        "taint_not_tolerated",
        f"Deployment/{ns}/renderer",
        or_at=[f"Node//{node['metadata']['name']}"],
    )


@scenario(flavour="eks", minor=30)
def arm_only(w: World) -> Truth:
    ns = w.namespace("gateway")
    terms = [{"matchExpressions": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]}]}]
    spec = {
        "affinity": {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
        }
    }
    why = w.unfit((3, "node(s) didn't match Pod's node affinity/selector"))
    deployment(
        w,
        ns,
        "kong-dp",
        c("proxy", "docker.io/library/kong:3.8", ports=[8000]),
        replicas=2,
        spec=spec,
        why_not=why,
        age=2600,
    )
    return told(
        w,
        "kong dataplane 0/2 since the graviton change",
        "node_affinity_mismatch",
        f"Deployment/{ns}/kong-dp",
    )


@scenario(flavour="gke", minor=31)
def fourth_broker(w: World) -> Truth:
    ns = w.namespace("kafka")
    term = {
        "labelSelector": {"matchLabels": {"app": "events-kafka"}},
        "topologyKey": "kubernetes.io/hostname",
    }
    spec = {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}
    box = c("kafka", "quay.io/strimzi/kafka:0.44.0-kafka-3.8.0", ports=[9092], memory=("512Mi", "1Gi"))
    top = statefulset(w, ns, "events-kafka", box, replicas=4, pods=[box] * 3, spec=spec, age=DAY * 9)
    for pod, node in zip(w.of("Pod", ns), w.workers, strict=True):
        pod["spec"]["nodeName"] = node["metadata"]["name"]
        pod["status"]["hostIP"] = node["status"]["addresses"][0]["address"]
    labels = {"app": "events-kafka", "statefulset.kubernetes.io/pod-name": "events-kafka-3"}
    why = w.unfit((3, "node(s) didn't match pod anti-affinity rules"), victims=3)
    w.pod(
        ns,
        "events-kafka-3",
        [box],
        owner=top,
        labels=labels,
        spec=spec,
        scheduled=False,
        why_not=why,
        age=2400,
    )
    top["status"] |= {"replicas": 4, "currentReplicas": 4, "updatedReplicas": 4}
    return told(
        w,
        "scaled kafka from 3 to 4 brokers, the last one never starts",
        "pod_anti_affinity_unsatisfiable",
        f"StatefulSet/{ns}/events-kafka",
    )


@scenario(flavour="kind", minor=30)
def maintenance_forgotten(w: World) -> Truth:
    ns = w.namespace("licensing")
    node = w.workers[1]
    name = node["metadata"]["name"]
    node["spec"]["unschedulable"] = True
    w.taint(node, "node.kubernetes.io/unschedulable", ago=DAY)
    why = w.unfit((1, "node(s) were unschedulable"), (2, "node(s) didn't match Pod's node affinity/selector"))
    deployment(
        w,
        ns,
        "flexlm",
        c("flexlm", ports=[27000]),
        spec={"nodeSelector": {"kubernetes.io/hostname": name}},
        why_not=why,
        age=2400,
    )
    return told(w, "license server flexlm pending after restart", "node_cordoned", f"Node//{name}")


@scenario(flavour="k3s", minor=31)
def two_proxies(w: World) -> Truth:
    first, second = w.namespace("traefik"), w.namespace("haproxy")
    ports = [{"containerPort": 443, "hostPort": 443, "protocol": "TCP"}]
    edge = c("traefik", "docker.io/library/traefik:3.2")
    edge.spec["ports"] = ports
    daemonset(w, first, "traefik", edge, nodes=w.workers, age=DAY * 30)
    box = c("haproxy", "haproxytech/kubernetes-ingress:3.0")
    box.spec["ports"] = ports
    why = w.unfit((3, "node(s) didn't have free ports for the requested pod ports"), victims=3)
    deployment(w, second, "haproxy-ingress", box, why_not=why, age=2000)
    return told(
        w,
        "trying out haproxy-ingress next to traefik but its pod stays Pending",
        "host_port_conflict",
        f"Deployment/{second}/haproxy-ingress",
        or_at=[f"DaemonSet/{first}/traefik"],
    )


@scenario(flavour="aks", minor=30)
def aws_class_on_azure(w: World) -> Truth:
    ns = w.namespace("chat")
    total = len(w.nodes)
    text = f"0/{total} nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/{total} nodes are available: {total} Preemption is not helpful for scheduling."
    statefulset(
        w,
        ns,
        "chat-mongodb",
        c("mongodb", "docker.io/bitnami/mongodb:8.0.3", ports=[27017]),
        claims=[("datadir", "20Gi", "gp3")],
        bound=False,
        why_not=text,
        age=2600,
    )
    claim: Json = w.of("PersistentVolumeClaim", ns)[0]
    w.event(
        claim, "Warning", "ProvisioningFailed", 'storageclass.storage.k8s.io "gp3" not found', 170, 2590, 10
    )
    return told(
        w,
        "migrated the chat chart from aws, mongodb is Pending",
        "storage_class_missing",
        f"PersistentVolumeClaim/{ns}/datadir-chat-mongodb-0",
        or_cause=["pvc_unbound"],
        or_at=[f"StatefulSet/{ns}/chat-mongodb", "StorageClass//gp3"],
    )


@scenario(flavour="eks", minor=32)
def many_writers(w: World) -> Truth:
    ns = w.namespace("dam")
    error = 'failed to provision volume with StorageClass "gp3": rpc error: code = InvalidArgument desc = Volume capabilities MULTI_NODE_MULTI_WRITER not supported. Only AccessModes[ReadWriteOnce] supported.'
    pvc(
        w,
        ns,
        "assets",
        "200Gi",
        bound=False,
        mode="ReadWriteMany",
        age=2600,
        events=[
            ("Warning", "ProvisioningFailed", error, 14, 2590, 100),
            (
                "Normal",
                "ExternalProvisioning",
                "Waiting for a volume to be created either by the external provisioner 'ebs.csi.aws.com' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
                170,
                2590,
                8,
            ),
        ],
    )
    text = 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded'
    deployment(
        w,
        ns,
        "dam",
        c("dam", mounts={"data": "/assets"}),
        replicas=2,
        spec=mount("assets"),
        why_not=text,
        age=2600,
    )
    return told(
        w,
        "dam can't start, claim assets is Pending",
        "pv_access_mode_mismatch",
        f"PersistentVolumeClaim/{ns}/assets",
        or_cause=["pvc_unbound"],
        or_at=[f"Deployment/{ns}/dam"],
    )


@scenario(flavour="gke", minor=30)
def multi_attach(w: World) -> Truth:
    ns = w.namespace("ci")
    claim = pvc(w, ns, "jenkins-home", "50Gi")
    volume = claim["spec"]["volumeName"]
    good = c(
        "jenkins",
        "docker.io/jenkins/jenkins:2.479.2-lts",
        ports=[8080],
        memory=("512Mi", "2Gi"),
        mounts={"data": "/var/jenkins_home"},
    )
    old = older_replicaset(w, ns, "jenkins", [good], 1)
    first = w.of("Pod", ns)[0]
    first["spec"]["nodeName"] = w.workers[0]["metadata"]["name"]
    first["status"]["hostIP"] = w.workers[0]["status"]["addresses"][0]["address"]
    first["spec"]["volumes"] += mount("jenkins-home")["volumes"]
    box = c(
        "jenkins",
        "docker.io/jenkins/jenkins:2.479.3-lts",
        ports=[8080],
        memory=("512Mi", "2Gi"),
        mounts={"data": "/var/jenkins_home"},
        state=waiting("ContainerCreating"),
    )
    text = f'Multi-Attach error for volume "{volume}" Volume is already used by pod(s) {first["metadata"]["name"]}'
    top = deployment(
        w,
        ns,
        "jenkins",
        box,
        spec=mount("jenkins-home"),
        old=old,
        node=w.workers[1],
        age=1300,
        events=[("Warning", "FailedAttachVolume", text, 1, 1298, 1298)],
    )
    adopt(old, top)
    return told(
        w,
        "jenkins upgrade: new pod ContainerCreating for 20 minutes",
        "volume_attach_failed",
        f"Deployment/{ns}/jenkins",
        or_cause=["rollout_stuck"],
        or_at=[f"PersistentVolumeClaim/{ns}/jenkins-home"],
    )
