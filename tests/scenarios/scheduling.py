"""Pods that find no node."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.household import static_pod
from scenarios.parts import c, crash, tcp
from scenarios.registry import scenario
from scenarios.workloads import cronjob, daemonset, deployment, job, statefulset


@scenario(flavour="eks")
def cpu(w: World) -> Truth:
    box = c(w.app, cpu=("3500m", ""))
    deployment(w, w.ns, w.app, box, why_not=w.unfit((3, "Insufficient cpu"), victims=3), age=1500)
    return Truth(f"{w.app} pods are pending", "insufficient_cpu", f"Deployment/{w.ns}/{w.app}")


@scenario(flavour="gke")
def cpu_autoscaler(w: World) -> Truth:
    """Half of the replicas fit; the cluster autoscaler declines."""
    box = c(w.app, cpu=("900m", "1"), usage=("310m", "80Mi"))
    top = deployment(w, w.ns, w.app, box, replicas=6, pods=[box] * 3, age=2000)
    rs = next(r for r in w.of("ReplicaSet", w.ns))
    text = w.unfit((3, "Insufficient cpu"), victims=3)
    for _ in range(3):
        pod = w.pod(
            w.ns,
            f"{rs['metadata']['name']}-{w.suffix()}",
            [box],
            owner=rs,
            labels=rs["spec"]["selector"]["matchLabels"],
            scheduled=False,
            why_not=text,
            age=1900,
        )
        w.event(
            pod,
            "Normal",
            "NotTriggerScaleUp",
            "pod didn't trigger scale-up: 1 max node group size reached",
            30,
            1800,
            20,
            source="cluster-autoscaler",
        )
    top["status"] |= {"replicas": 6, "unavailableReplicas": 3}
    return Truth(
        f"only 3 of 6 pods of {w.app} are running after scaling up",
        "insufficient_cpu",
        f"Deployment/{w.ns}/{w.app}",
    )


@scenario(flavour="kind")
def memory(w: World) -> Truth:
    box = c(w.app, memory=("64Gi", "64Gi"))
    statefulset(w, w.ns, w.app, box, why_not=w.unfit((3, "Insufficient memory")), age=2000)
    return Truth(f"{w.app}-0 pending in {w.ns}", "insufficient_memory", f"StatefulSet/{w.ns}/{w.app}")


@scenario(minor=35)
def memory_and_cpu(w: World) -> Truth:
    box = c(w.app, memory=("6500Mi", ""), cpu=("500m", ""))
    deployment(
        w,
        w.ns,
        w.app,
        box,
        replicas=2,
        why_not=w.unfit((1, "Insufficient cpu"), (3, "Insufficient memory"), victims=3),
        age=700,
    )
    return Truth(
        f"FailedScheduling events for {w.app}",
        "insufficient_memory",
        f"Deployment/{w.ns}/{w.app}",
        ("insufficient_cpu",),
    )


@scenario()
def gpu(w: World) -> Truth:
    box = c("train", resources={"limits": {"nvidia.com/gpu": "4"}, "requests": {"nvidia.com/gpu": "4"}})
    job(w, w.ns, w.app, box, why_not=w.unfit((3, "Insufficient nvidia.com/gpu")), age=3000)
    return Truth(
        f"training job {w.app} does not start", "insufficient_extended_resource", f"Job/{w.ns}/{w.app}"
    )


@scenario(flavour="aks")
def hugepages(w: World) -> Truth:
    box = c(w.app, resources={"limits": {"hugepages-2Mi": "512Mi"}, "requests": {"hugepages-2Mi": "512Mi"}})
    deployment(w, w.ns, w.app, box, why_not=w.unfit((3, "Insufficient hugepages-2Mi")), age=3000)
    return Truth(f"{w.app} stays Pending", "insufficient_extended_resource", f"Deployment/{w.ns}/{w.app}")


@scenario(flavour="eks", workers=2)
def too_many(w: World) -> Truth:
    for node in w.nodes:
        for key in ("capacity", "allocatable"):
            node["status"][key] = node["status"][key] | {"pods": "11"}
    filler = c("pause", "registry.k8s.io/pause:3.9", cpu=None, memory=None)
    other = w.name("grid")
    for node in w.nodes:
        deployment(
            w,
            w.ns,
            f"{other}-{node['metadata']['name'][-3:].strip('.')}{w.suffix(2)}",
            filler,
            replicas=5,
            node=node,
            age=86400,
        )
    deployment(w, w.ns, w.app, c(w.app), why_not=w.unfit((2, "Too many pods")), age=900)
    first, second = (f"Node//{n['metadata']['name']}" for n in w.nodes)
    return Truth(
        f"{w.app} pod is pending, nodes look idle",
        "too_many_pods",
        first,
        (),
        (second, f"Deployment/{w.ns}/{w.app}"),
    )


@scenario()
def selector(w: World) -> Truth:
    text = w.unfit((3, "node(s) didn't match Pod's node affinity/selector"))
    deployment(
        w, w.ns, w.app, c(w.app), spec={"nodeSelector": {"node-pool": "fast-disks"}}, why_not=text, age=1000
    )
    return Truth(f"{w.app} isn't scheduled", "node_selector_mismatch", f"Deployment/{w.ns}/{w.app}")


@scenario(flavour="openshift")
def selector_cron(w: World) -> Truth:
    box = c(w.app)
    text = w.unfit((3, "node(s) didn't match Pod's node affinity/selector"))
    parent = cronjob(w, w.ns, w.app, box)
    job(
        w,
        w.ns,
        f"{w.app}-29501160",
        box,
        owner=parent,
        spec={"nodeSelector": {"disktype": "nvme"}},
        why_not=text,
        age=3300,
    )
    parent["spec"]["jobTemplate"]["spec"]["template"]["spec"]["nodeSelector"] = {"disktype": "nvme"}
    return Truth(
        f"nightly {w.app} does not run any more",
        "node_selector_mismatch",
        f"CronJob/{w.ns}/{w.app}",
        (),
        (f"Job/{w.ns}/{w.app}-29501160",),
    )


@scenario()
def affinity(w: World) -> Truth:
    term = {
        "matchExpressions": [
            {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["eu-west-1f"]}
        ]
    }
    spec = {
        "affinity": {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        }
    }
    deployment(
        w,
        w.ns,
        w.app,
        c(w.app),
        replicas=2,
        spec=spec,
        why_not=w.unfit((3, "node(s) didn't match Pod's node affinity/selector")),
        age=1000,
    )
    return Truth(f"no node for {w.app}", "node_affinity_mismatch", f"Deployment/{w.ns}/{w.app}")


@scenario()
def affinity_statefulset(w: World) -> Truth:
    term = {
        "matchExpressions": [
            {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["r6g.4xlarge"]},
            {"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]},
        ]
    }
    spec = {
        "affinity": {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        }
    }
    statefulset(
        w,
        w.ns,
        w.app,
        c("db"),
        spec=spec,
        why_not=w.unfit((3, "node(s) didn't match Pod's node affinity/selector")),
        age=1000,
    )
    return Truth(
        f"[FIRING:1] KubePodNotReady namespace={w.ns} pod={w.app}-0 Pod has been in a non-ready state for longer than 15 minutes.",
        "node_affinity_mismatch",
        f"StatefulSet/{w.ns}/{w.app}",
    )


def _spread(app: str) -> dict[str, object]:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": "kubernetes.io/hostname"}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


@scenario()
def anti_affinity(w: World) -> Truth:
    """Four replicas, three nodes."""
    box = c(w.app)
    top = deployment(w, w.ns, w.app, box, replicas=4, pods=[], spec=_spread(w.app), age=1500)
    rs = w.of("ReplicaSet", w.ns)[0]
    labels = rs["spec"]["selector"]["matchLabels"]
    for node in w.workers:
        w.pod(
            w.ns,
            f"{rs['metadata']['name']}-{w.suffix()}",
            [box],
            owner=rs,
            labels=labels,
            spec=_spread(w.app),
            node=node,
            age=1500,
        )
    text = w.unfit((3, "node(s) didn't match pod anti-affinity rules"), victims=3)
    w.pod(
        w.ns,
        f"{rs['metadata']['name']}-{w.suffix()}",
        [box],
        owner=rs,
        labels=labels,
        spec=_spread(w.app),
        scheduled=False,
        why_not=text,
        age=1400,
    )
    top["status"] |= {"replicas": 4, "readyReplicas": 3, "availableReplicas": 3, "unavailableReplicas": 1}
    return Truth(
        f"one replica of {w.app} never gets a node",
        "pod_anti_affinity_unsatisfiable",
        f"Deployment/{w.ns}/{w.app}",
    )


@scenario()
def pod_affinity(w: World) -> Truth:
    term = {"labelSelector": {"matchLabels": {"app": "cache-layer"}}, "topologyKey": "kubernetes.io/hostname"}
    spec = {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}
    deployment(
        w,
        w.ns,
        w.app,
        c(w.app),
        spec=spec,
        why_not=w.unfit((3, "node(s) didn't match pod affinity rules")),
        age=1500,
    )
    return Truth(f"{w.app} pending", "pod_anti_affinity_unsatisfiable", f"Deployment/{w.ns}/{w.app}")


@scenario(flavour="eks")
def taint(w: World) -> Truth:
    for node in w.nodes:
        w.taint(node, "dedicated", "batch")
    deployment(
        w,
        w.ns,
        w.app,
        c(w.app),
        why_not=w.unfit((3, "node(s) had untolerated taint {dedicated: batch}")),
        age=1200,
    )
    return Truth(
        f"{w.app} cannot be scheduled, why?",
        "taint_not_tolerated",
        f"Deployment/{w.ns}/{w.app}",
        (),
        tuple(f"Node//{n['metadata']['name']}" for n in w.nodes),
    )


@scenario(flavour="k3s", workers=2)
def taint_and_selector(w: World) -> Truth:
    """The labelled node is tainted, the other does not match."""
    w.nodes[1]["metadata"]["labels"]["gpu"] = "true"
    w.taint(w.nodes[1], "nvidia.com/gpu", "present")
    text = w.unfit(
        (1, "node(s) didn't match Pod's node affinity/selector"),
        (1, "node(s) had untolerated taint {nvidia.com/gpu: present}"),
    )
    deployment(w, w.ns, w.app, c(w.app), spec={"nodeSelector": {"gpu": "true"}}, why_not=text, age=1200)
    return Truth(
        f"pods for {w.app} not getting placed",
        "taint_not_tolerated",
        f"Deployment/{w.ns}/{w.app}",
        (),
        (f"Node//{w.nodes[1]['metadata']['name']}",),
    )


@scenario(flavour="eks")
def daemonset_taint(w: World) -> Truth:
    node = w.nodes[2]
    w.taint(node, "workload", "ml")
    daemonset(w, w.ns, w.app, c("collector"), nodes=w.nodes[:2], desired=2, age=86400)
    return Truth(
        f"{w.app} is missing on one node",
        "daemonset_taint_not_tolerated",
        f"DaemonSet/{w.ns}/{w.app}",
        ("taint_not_tolerated",),
        (f"Node//{node['metadata']['name']}",),
    )


@scenario()
def host_port(w: World) -> Truth:
    edge = w.name("edge")
    port = {"ports": [{"containerPort": 443, "hostPort": 443, "protocol": "TCP"}]}
    daemonset(w, w.ns, edge, c("proxy", **port), nodes=w.workers, age=86400)
    deployment(
        w,
        w.ns,
        w.app,
        c(w.app, **port),
        why_not=w.unfit((3, "node(s) didn't have free ports for the requested pod ports"), victims=3),
        age=1300,
    )
    return Truth(f"{w.app} is pending since we added it", "host_port_conflict", f"Deployment/{w.ns}/{w.app}")


@scenario(flavour="kubeadm-docker", workers=2)
def cordoned(w: World) -> Truth:
    node = w.workers[1]
    node["metadata"]["labels"]["storage"] = "local"
    node["spec"]["unschedulable"] = True
    w.taint(node, "node.kubernetes.io/unschedulable", ago=5000)
    text = w.unfit(
        (1, "node(s) didn't match Pod's node affinity/selector"), (1, "node(s) were unschedulable")
    )
    statefulset(w, w.ns, w.app, c("db"), spec={"nodeSelector": {"storage": "local"}}, why_not=text, age=900)
    return Truth(
        f"{w.app}-0 pending after node patching",
        "node_cordoned",
        f"Node//{node['metadata']['name']}",
        (),
        (f"StatefulSet/{w.ns}/{w.app}",),
    )


@scenario(flavour="eks", workers=2)
def cordoned_all(w: World) -> Truth:
    for node in w.nodes:
        node["spec"]["unschedulable"] = True
        w.taint(node, "node.kubernetes.io/unschedulable", ago=7000)
        w.event(
            node,
            "Normal",
            "NodeNotSchedulable",
            f"Node {node['metadata']['name']} status is now: NodeNotSchedulable",
            1,
            3400,
            3400,
        )
    deployment(
        w, w.ns, w.app, c(w.app), replicas=2, why_not=w.unfit((2, "node(s) were unschedulable")), age=800
    )
    first, second = (f"Node//{n['metadata']['name']}" for n in w.nodes)
    return Truth(
        f"new pods of {w.app} are all pending",
        "node_cordoned",
        first,
        (),
        (second, f"Deployment/{w.ns}/{w.app}"),
    )


@scenario(flavour="kind")
def scheduler_down(w: World) -> Truth:
    """Pods wait without a single event; the static pod crashes."""
    w.namespace("kube-system")
    w.namespace("default")
    log = 'E0301 11:55:00.000001 1 run.go:74] "command failed" err="stat /etc/kubernetes/scheduler.conf: no such file or directory"'
    static_pod(
        w,
        "kube-scheduler",
        c(
            "kube-scheduler",
            f"registry.k8s.io/kube-scheduler:{w.version}",
            state=crash(1, restarts=20),
            log=log,
            livenessProbe=tcp(10259),
        ),
    )
    deployment(w, w.ns, w.app, c(w.app), replicas=2, pods=[], age=1500)
    rs = w.of("ReplicaSet", w.ns)[0]
    for _ in range(2):
        w.pod(
            w.ns,
            f"{rs['metadata']['name']}-{w.suffix()}",
            [c(w.app)],
            owner=rs,
            labels=rs["spec"]["selector"]["matchLabels"],
            scheduled=False,
            age=1500,
        )
    node = w.nodes[0]["metadata"]["name"]
    return Truth(
        f"{w.app} has been Pending for 25 minutes without any event",
        "scheduler_unavailable",
        f"Pod/kube-system/kube-scheduler-{node}",
        (),
        ("*",),
    )


@scenario(flavour="openshift")
def scheduler_name(w: World) -> Truth:
    """Names a scheduler that does not exist: nobody says anything."""
    top = deployment(w, w.ns, w.app, c(w.app), pods=[], spec={"schedulerName": "bin-packer"}, age=1500)
    rs = w.of("ReplicaSet", w.ns)[0]
    w.pod(
        w.ns,
        f"{rs['metadata']['name']}-{w.suffix()}",
        [c(w.app)],
        owner=rs,
        labels=rs["spec"]["selector"]["matchLabels"],
        spec={"schedulerName": "bin-packer"},
        scheduled=False,
        age=1500,
    )
    top["status"] |= {"replicas": 1, "unavailableReplicas": 1}
    return Truth(
        f"{w.app} pod pending, describe shows nothing",
        "scheduler_unavailable",
        f"Deployment/{w.ns}/{w.app}",
        (),
        ("*",),
    )
