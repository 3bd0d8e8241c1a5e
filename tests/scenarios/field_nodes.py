"""Half c: machines, jobs, deletions, as in clusters in use."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.field_parts import DAY, istio, shop, told
from scenarios.household import static_pod
from scenarios.lifecycle import pdb
from scenarios.nodes import fail_pods, lost, name_of
from scenarios.parts import c, crash, ended, http
from scenarios.registry import scenario
from scenarios.workloads import cronjob, daemonset, deployment, job, service, statefulset

SYSTEM = "kube-system"


@scenario(flavour="eks", minor=31)
def machine_lost(w: World) -> Truth:
    """The pod of a StatefulSet waits in Terminating for a machine that is gone."""
    ns = w.namespace("vaultwarden")
    node = w.workers[1]
    statefulset(
        w, ns, "warden", c("warden", ports=[8080]), node=node, age=DAY * 6, claims=[("data", "5Gi", "gp3")]
    )
    service(w, ns, "warden", 80, target=8080)
    lost(w, node, 2400)
    fail_pods(w, node, 2400, ns)
    w.of("Pod", ns)[0]["metadata"] |= {"deletionTimestamp": w.t(2070), "deletionGracePeriodSeconds": 30}
    return told(
        w,
        "password manager offline, warden-0 is stuck in Terminating",
        "kubelet_unavailable",
        f"Node//{name_of(node)}",
        or_cause=["node_not_ready"],
    )


@scenario(flavour="openshift", minor=29)
def disk_full(w: World) -> Truth:
    ns = w.namespace("builds")
    node = w.workers[0]
    w.node_condition(node, "DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure", 900)
    w.taint(node, "node.kubernetes.io/disk-pressure", ago=900)
    w.event(node, "Warning", "EvictionThresholdMet", "Attempting to reclaim ephemeral-storage", 31, 1800, 20)
    w.event(
        node,
        "Warning",
        "FreeDiskSpaceFailed",
        "Failed to garbage collect required amount of images. Attempted to free 12884901888 bytes, but only found 1073741824 bytes eligible to free.",
        6,
        1800,
        120,
    )
    box = c("agent", "quay.io/acme/build-agent:9", log="INFO: Connected")
    deployment(w, ns, "build-agent", box, replicas=2, age=DAY, node=w.workers[1])
    rs = w.of("ReplicaSet", ns)[-1]
    text = "The node was low on resource: ephemeral-storage. Threshold quantity: 12165980160, available: 9871224Ki. Container agent was using 1240Ki, request is 0, has larger consumption of ephemeral-storage. "
    for age in (1100, 1300, 1700):
        pod = w.pod(
            ns,
            f"{rs['metadata']['name']}-{w.suffix()}",
            [box],
            owner=rs,
            labels=rs["spec"]["selector"]["matchLabels"],
            node=node,
            status={
                "phase": "Failed",
                "reason": "Evicted",
                "message": text,
                "containerStatuses": [],
                "conditions": [],
            },
            age=age,
        )
        w.event(pod, "Warning", "Evicted", text, 1, age - 300, age - 300)
    return told(
        w, "build-agent pods get Evicted over and over", "node_disk_pressure", f"Node//{name_of(node)}"
    )


@scenario(flavour="kubeadm-docker", minor=28)
def proxy_of_one_node(w: World) -> Truth:
    w.namespace(SYSTEM)
    w.namespace("default")
    node = w.workers[2]
    labels = {"k8s-app": "kube-proxy"}
    spec = {
        "hostNetwork": True,
        "priorityClassName": "system-node-critical",
        "tolerations": [{"operator": "Exists"}],
    }
    good = c(
        "kube-proxy",
        "registry.k8s.io/kube-proxy:v1.28.15",
        memory=None,
        cpu=("100m", ""),
        log='I0301 09:00:01.000000 1 server_others.go:69] "Using iptables proxy"',
    )
    bad = c(
        "kube-proxy",
        "registry.k8s.io/kube-proxy:v1.28.15",
        memory=None,
        cpu=("100m", ""),
        state=crash(1, restarts=25, ran=1),
        log='E0301 11:55:20.114 1 proxier.go:429] "Can\'t set sysctl" err="open /proc/sys/net/ipv4/conf/all/route_localnet: read-only file system"\nE0301 11:55:20.120 1 server.go:556] "Error running ProxyServer" err="open /proc/sys/net/netfilter/nf_conntrack_max: permission denied"',
    )
    daemonset(w, SYSTEM, "kube-proxy", good, on={name_of(node): bad}, labels=labels, spec=spec, age=DAY * 9)
    ns = w.namespace("inventory")
    log = (
        "2026-03-01T11:57:01.004Z ERROR [stock] connect ETIMEDOUT <called>:80\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)\n"
        * 5
    )
    shop(w, ns, "stock-db-api")
    called = service(w, ns, "stock-db-api", 80, target=8080)
    deployment(
        w,
        ns,
        "stock",
        c(
            "stock",
            ports=[3000],
            env={"API": "http://stock-db-api"},
            log=log.replace("<called>", called["spec"]["clusterIP"]),
        ),
        node=node,
        age=DAY,
    )
    return told(
        w,
        f"stock pod times out on every service ip, but only when it runs on {name_of(node)}",
        "kube_proxy_unavailable",
        f"Node//{name_of(node)}",
        or_at=[f"DaemonSet/{SYSTEM}/kube-proxy"],
    )


@scenario(flavour="kind", minor=32)
def no_scheduler(w: World) -> Truth:
    w.namespace(SYSTEM)
    w.namespace("default")
    log = 'I0301 11:50:01.1 1 serving.go:386] Generated self-signed cert in-memory\nE0301 11:50:01.2 1 run.go:72] "command failed" err="stat /etc/kubernetes/scheduler.conf: no such file or directory"'
    static_pod(
        w,
        "kube-scheduler",
        c(
            "kube-scheduler",
            "registry.k8s.io/kube-scheduler:v1.32.1",
            memory=None,
            cpu=("100m", ""),
            command=["kube-scheduler", "--kubeconfig=/etc/kubernetes/scheduler.conf"],
            log=log,
            state=crash(1, restarts=9, ran=1),
        ),
    )
    ns = w.namespace("demo")
    deployment(w, ns, "hello", c("hello", "docker.io/nginxdemos/hello:0.4"), replicas=3, pods=[], age=2000)
    rs = w.of("ReplicaSet", ns)[-1]
    for _ in range(3):
        w.pod(
            ns,
            f"{rs['metadata']['name']}-{w.suffix()}",
            [c("hello", "docker.io/nginxdemos/hello:0.4")],
            owner=rs,
            labels=rs["spec"]["selector"]["matchLabels"],
            scheduled=False,
            age=2000,
        )
    return told(
        w,
        "new pods are Pending and describe shows no events at all",
        "scheduler_unavailable",
        f"Pod/{SYSTEM}/kube-scheduler-lab-control-plane",
        or_at=["*"],
    )


@scenario(flavour="gke", minor=31)
def scratch_space(w: World) -> Truth:
    ns = w.namespace("video")
    box = c(
        "ffmpeg",
        resources={
            "requests": {"cpu": "100m", "ephemeral-storage": "1Gi"},
            "limits": {"ephemeral-storage": "4Gi"},
        },
        log="frame=12011 fps=88 q=28.0 size=  812032kB time=00:08:20.45 bitrate=13291.2kbits/s speed=3.66x",
    )
    deployment(w, ns, "clipper", box, age=DAY)
    rs = w.of("ReplicaSet", ns)[-1]
    text = 'Container ffmpeg exceeded its local ephemeral storage limit "4Gi". '
    for age in (1300, 2500):
        gone = c("ffmpeg", state=ended(137, "Error", finished=age - 900))
        pod = w.pod(
            ns,
            f"{rs['metadata']['name']}-{w.suffix()}",
            [gone],
            owner=rs,
            labels=rs["spec"]["selector"]["matchLabels"],
            status={"phase": "Failed", "reason": "Evicted", "message": text},
            age=age,
        )
        w.event(pod, "Warning", "Evicted", text, 1, age - 900, age - 900)
        w.event(pod, "Normal", "Killing", "Stopping container ffmpeg", 1, age - 900, age - 900, "ffmpeg")
    return told(
        w,
        "clipper loses jobs, kubectl get pods shows Evicted / Error ones",
        "ephemeral_storage_exceeded",
        f"Deployment/{ns}/clipper",
    )


@scenario(flavour="aks", minor=33)
def new_pool_without_agent(w: World) -> Truth:
    ns = w.namespace("datadog")
    node = w.workers[2]
    w.taint(node, "workload", "confidential")
    daemonset(
        w, ns, "datadog-agent", c("agent", "gcr.io/datadoghq/agent:7.59.0"), nodes=w.workers[:2], age=DAY * 30
    )
    return told(
        w,
        f"no host metrics from {name_of(node)}, datadog agent isn't on it",
        "daemonset_taint_not_tolerated",
        f"DaemonSet/{ns}/datadog-agent",
        or_cause=["taint_not_tolerated"],
        or_at=[f"Node//{name_of(node)}"],
    )


@scenario(flavour="eks", minor=32)
def dump_version(w: World) -> Truth:
    ns = w.namespace("databases")
    log = "pg_dump: error: aborting because of server version mismatch\npg_dump: detail: server version: 17.2; pg_dump version: 16.6 (Debian 16.6-1.pgdg120+1)"
    box = c(
        "dump",
        "docker.io/library/postgres:16",
        command=["/bin/sh", "-c", "pg_dump -Fc app > /backup/app.dump"],
        log=log,
        state=ended(1),
    )
    parent = cronjob(w, ns, "pg-backup", box, last=1500)
    job(
        w,
        ns,
        "pg-backup-29539415",
        box,
        pods=[box] * 3,
        owner=parent,
        backoff=2,
        failed=("BackoffLimitExceeded", "Job has reached the specified backoff limit"),
    )
    return told(
        w,
        "[FIRING:1] KubeJobFailed databases pg-backup-29539415 Job databases/pg-backup-29539415 failed to complete. Removing failed job after investigation should clear this alert.",
        "job_failed",
        f"Job/{ns}/pg-backup-29539415",
        or_cause=["application_error"],
        or_at=[f"CronJob/{ns}/pg-backup"],
    )


@scenario(flavour="gke", minor=29)
def renewal_suspended(w: World) -> Truth:
    ns = w.namespace("invoicing")
    shop(w, ns, "dunning-ui")
    cronjob(w, ns, "dunning-letters", c("letters"), suspend=True, last=DAY * 8)
    return told(
        w, "no dunning letters were sent this week", "cronjob_suspended", f"CronJob/{ns}/dunning-letters"
    )


@scenario(flavour="aks", minor=31)
def upgrade_blocked(w: World) -> Truth:
    ns = w.ns = w.namespace("geo")
    node = w.workers[0]
    deployment(
        w,
        ns,
        "geocoder",
        c("geocoder", ports=[8080], readinessProbe=http("/healthz", 8080)),
        node=node,
        age=DAY * 12,
    )
    pdb(w, "geocoder", {"app": "geocoder"}, {"minAvailable": 1}, 1, 1, 1)
    node["spec"]["unschedulable"] = True
    w.taint(node, "node.kubernetes.io/unschedulable", ago=3000)
    pod = w.of("Pod", ns)[0]
    w.event(
        node,
        "Warning",
        "Drain",
        f"Eviction blocked by Too Many Requests (usually a pdb): {pod['metadata']['name']}",
        30,
        2900,
        40,
        source="upgrader",
    )
    return told(
        w,
        f"AKS upgrade failed with UpgradeFailed / PodDrainFailure on {name_of(node)}",
        "pdb_blocks_eviction",
        f"PodDisruptionBudget/{ns}/geocoder",
        or_at=[f"Deployment/{ns}/geocoder"],
    )


@scenario(flavour="openshift", minor=29)
def topic_remains(w: World) -> Truth:
    ns = w.namespace("events-old")
    topic = w.add(
        "kafka.strimzi.io/v1beta2",
        "KafkaTopic",
        ns,
        "audit-trail",
        finalizers=["strimzi.io/topic-operator"],
        deletionTimestamp=w.t(7300),
        spec={"partitions": 12, "replicas": 3},
    )
    topic["metadata"]["deletionGracePeriodSeconds"] = 0
    obj = w.get("Namespace", "", ns)
    obj["metadata"] |= {"deletionTimestamp": w.t(7400)}
    rows = [
        (
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        (
            "NamespaceContentRemaining",
            "True",
            "SomeResourcesRemain",
            "Some resources are remaining: kafkatopics.kafka.strimzi.io has 1 resource instances",
        ),
        (
            "NamespaceFinalizersRemaining",
            "True",
            "SomeFinalizersRemain",
            "Some content in the namespace has finalizers remaining: strimzi.io/topic-operator in 1 resource instances",
        ),
    ]
    obj["status"] = {
        "phase": "Terminating",
        "conditions": [
            {"type": t, "status": s, "reason": r, "message": m, "lastTransitionTime": w.t(7290)}
            for t, s, r, m in rows
        ],
    }
    return told(
        w,
        "oc delete project events-old hangs for 2 hours",
        "finalizer_blocks_deletion",
        f"KafkaTopic/{ns}/audit-trail",
        or_cause=["namespace_stuck_terminating"],
        or_at=[f"Namespace//{ns}"],
    )


@scenario(flavour="eks", minor=30)
def starved_of_cpu(w: World) -> Truth:
    ns = w.namespace("recommendations")
    log = (
        "WARN  akka.actor.ActorSystemImpl - Scheduled sending of heartbeat was delayed. Previous heartbeat was sent [2841] ms ago, expected interval is [1000] ms. This may cause failure detection to mark members as unreachable. The reason can be thread starvation, CPU overload, or GC.\nINFO  http - GET /recs 200 4120ms\n"
        * 4
    )
    box = c(
        "recs", ports=[8080], cpu=("250m", "250m"), usage=("249m", "600Mi"), memory=("512Mi", "1Gi"), log=log
    )
    deployment(w, ns, "recs", [box, istio()], replicas=2, age=DAY * 2)
    return told(w, "p99 of recs went from 200ms to 4s", "cpu_throttling", f"Deployment/{ns}/recs")
