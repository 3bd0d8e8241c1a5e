"""Nodes that stop doing their part."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.household import SYSTEM
from scenarios.parts import Json, c, crash, ended, waiting
from scenarios.registry import scenario
from scenarios.workloads import daemonset, deployment, service


def name_of(node: Json) -> str:
    return str(node["metadata"]["name"])


def everywhere(w: World, **more: object) -> Json:
    """A deployment with one pod on each worker."""
    box = c(w.app, ports=[8080], log="INFO listening on :8080")
    top = deployment(w, w.ns, w.app, box, replicas=len(w.workers), pods=[], age=86400, **more)  # type: ignore[arg-type]
    rs = w.of("ReplicaSet", w.ns)[-1]
    labels = rs["spec"]["selector"]["matchLabels"]
    for node in w.workers:
        w.pod(
            w.ns,
            f"{rs['metadata']['name']}-{w.suffix()}",
            [box],
            owner=rs,
            labels=labels,
            node=node,
            age=86400,
        )
    count = len(w.workers)
    top["status"] |= {"replicas": count, "readyReplicas": count, "availableReplicas": count}
    service(w, w.ns, w.app, 80, target=8080)
    return top


def lost(w: World, node: Json, ago: int) -> None:
    """The kubelet stopped reporting `ago` seconds ago."""
    w.dead_nodes.add(name_of(node))
    for kind in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready"):
        w.node_condition(
            node, kind, "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", ago
        )
    for effect in ("NoSchedule", "NoExecute"):
        w.taint(node, "node.kubernetes.io/unreachable", effect=effect, ago=ago)
    lease = w.get("Lease", "kube-node-lease", name_of(node))
    lease["spec"]["renewTime"] = w.t(ago + 42, micro=True)
    w.event(
        node,
        "Normal",
        "NodeNotReady",
        f"Node {name_of(node)} status is now: NodeNotReady",
        1,
        ago,
        ago,
        source="node-controller",
    )


def fail_pods(w: World, node: Json, ago: int, ns: str = "") -> None:
    """What the node lifecycle controller does to the pods of a lost node."""
    for pod in w.of("Pod", ns):
        if pod["spec"].get("nodeName") == name_of(node):
            for row in pod["status"]["conditions"]:
                if row["type"] == "Ready":
                    row |= {"status": "False", "lastTransitionTime": w.t(ago)}
            w.event(
                pod, "Warning", "NodeNotReady", "Node is not ready", 1, ago, ago, source="node-controller"
            )


@scenario(flavour="eks")
def kubelet_lost(w: World) -> Truth:
    node = w.workers[1]
    everywhere(w)
    lost(w, node, 800)
    fail_pods(w, node, 800, w.ns)
    return Truth(
        f"one pod of {w.app} is gone, node problem?",
        "kubelet_unavailable",
        f"Node//{name_of(node)}",
        ("node_not_ready",),
    )


@scenario(flavour="kubeadm-docker")
def kubelet_lost_asked_by_node(w: World) -> Truth:
    node = w.workers[2]
    everywhere(w)
    lost(w, node, 4000)
    for pod in w.of("Pod", w.ns):
        if pod["spec"]["nodeName"] == name_of(node):
            pod["metadata"] |= {"deletionTimestamp": w.t(3600), "deletionGracePeriodSeconds": 30}
    fail_pods(w, node, 3500, w.ns)
    return Truth(
        f"node {name_of(node)} is NotReady",
        "kubelet_unavailable",
        f"Node//{name_of(node)}",
        ("node_not_ready",),
    )


@scenario(flavour="kind")
def network_plugin(w: World) -> Truth:
    node = w.workers[0]
    text = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized"
    w.node_condition(node, "Ready", "False", "KubeletNotReady", text, 900)
    w.taint(node, "node.kubernetes.io/not-ready", ago=900)
    w.event(node, "Normal", "NodeNotReady", f"Node {name_of(node)} status is now: NodeNotReady", 1, 900, 900)
    return Truth(
        "one of our nodes is not ready",
        "node_not_ready",
        f"Node//{name_of(node)}",
        ("container_runtime_unavailable",),
    )


@scenario(flavour="gke")
def runtime_down(w: World) -> Truth:
    node = w.workers[0]
    everywhere(w)
    text = "[container runtime is down, PLEG is not healthy: pleg was last seen active 7m12s ago; threshold is 3m0s]"
    w.node_condition(node, "Ready", "False", "KubeletNotReady", text, 430)
    w.taint(node, "node.kubernetes.io/not-ready", effect="NoExecute", ago=430)
    rpc = 'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"'
    w.event(node, "Warning", "ContainerGCFailed", rpc, 7, 430, 30)
    fail_pods(w, node, 430, w.ns)
    return Truth(
        f"{w.app} lost a replica",
        "container_runtime_unavailable",
        f"Node//{name_of(node)}",
        ("node_not_ready",),
    )


@scenario()
def memory_pressure(w: World) -> Truth:
    node = w.workers[0]
    w.node_condition(
        node,
        "MemoryPressure",
        "True",
        "KubeletHasInsufficientMemory",
        "kubelet has insufficient memory available",
        600,
    )
    w.taint(node, "node.kubernetes.io/memory-pressure", ago=600)
    w.event(node, "Warning", "EvictionThresholdMet", "Attempting to reclaim memory", 12, 800, 30)
    deployment(w, w.ns, w.app, c(w.app, memory=("64Mi", "")), replicas=2, age=86400)
    rs = w.of("ReplicaSet", w.ns)[-1]
    message = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 61408Ki. Container main was using 812Mi, request is 64Mi, has larger consumption of memory. "
    for index in range(3):
        status = {
            "phase": "Failed",
            "reason": "Evicted",
            "message": message,
            "containerStatuses": [],
            "conditions": [],
        }
        pod = w.pod(
            w.ns,
            f"{rs['metadata']['name']}-{w.suffix()}",
            [c(w.app)],
            owner=rs,
            labels=rs["spec"]["selector"]["matchLabels"],
            node=node,
            status=status,
            age=900 + index * 60,
        )
        w.event(pod, "Warning", "Evicted", message, 1, 600, 600)
    w.metrics["Node"].append(
        {
            "metadata": {"name": name_of(node)},
            "timestamp": w.t(20),
            "window": "20s",
            "usage": {"cpu": "700m", "memory": "7190Mi"},
        }
    )
    return Truth(
        f"{w.app} pods keep getting evicted",
        "node_memory_pressure",
        f"Node//{name_of(node)}",
        (),
        (f"Deployment/{w.ns}/{w.app}",),
    )


@scenario()
def disk_pressure(w: World) -> Truth:
    node = w.workers[1]
    w.node_condition(node, "DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure", 700)
    w.taint(node, "node.kubernetes.io/disk-pressure", ago=700)
    w.event(
        node,
        "Warning",
        "FreeDiskSpaceFailed",
        "Failed to garbage collect required amount of images. Attempted to free 4218912768 bytes, but only found 0 bytes eligible to free.",
        9,
        1500,
        100,
    )
    w.event(node, "Warning", "EvictionThresholdMet", "Attempting to reclaim ephemeral-storage", 20, 1500, 20)
    everywhere(w)
    message = "The node was low on resource: ephemeral-storage. Threshold quantity: 8139651481, available: 6021480Ki. "
    rs = w.of("ReplicaSet", w.ns)[-1]
    status = {
        "phase": "Failed",
        "reason": "Evicted",
        "message": message,
        "containerStatuses": [],
        "conditions": [],
    }
    pod = w.pod(
        w.ns,
        f"{rs['metadata']['name']}-{w.suffix()}",
        [c(w.app)],
        owner=rs,
        labels=rs["spec"]["selector"]["matchLabels"],
        node=node,
        status=status,
        age=1000,
    )
    w.event(pod, "Warning", "Evicted", message, 1, 640, 640)
    return Truth(
        f"evictions in {w.ns}, what is going on",
        "node_disk_pressure",
        f"Node//{name_of(node)}",
        (),
        (f"Deployment/{w.ns}/{w.app}",),
    )


@scenario()
def ephemeral(w: World) -> Truth:
    box = c(w.app, resources={"requests": {"cpu": "20m"}, "limits": {"ephemeral-storage": "2Gi"}})
    deployment(w, w.ns, w.app, box, age=86400)
    rs = w.of("ReplicaSet", w.ns)[-1]
    message = f'Container {w.app} exceeded its local ephemeral storage limit "2Gi". '
    for age in (900, 2400):
        status = {"phase": "Failed", "reason": "Evicted", "message": message}
        pod = w.pod(
            w.ns,
            f"{rs['metadata']['name']}-{w.suffix()}",
            [c(w.app, state=ended(137, "Error", finished=age - 600))],
            owner=rs,
            labels=rs["spec"]["selector"]["matchLabels"],
            status=status,
            age=age,
        )
        w.event(pod, "Warning", "Evicted", message, 1, age - 600, age - 600)
    return Truth(
        f"{w.app} pods are evicted twice an hour", "ephemeral_storage_exceeded", f"Deployment/{w.ns}/{w.app}"
    )


@scenario()
def ephemeral_emptydir(w: World) -> Truth:
    spec = {"volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": "500Mi"}}]}
    box = c("worker", mounts={"scratch": "/scratch"})
    deployment(w, w.ns, w.app, box, spec=spec, age=1000)
    rs = w.of("ReplicaSet", w.ns)[-1]
    message = 'Usage of EmptyDir volume "scratch" exceeds the limit "500Mi". '
    status = {"phase": "Failed", "reason": "Evicted", "message": message}
    pod = w.pod(
        w.ns,
        f"{rs['metadata']['name']}-{w.suffix()}",
        [c("worker", state=ended(137, "Error", finished=500))],
        owner=rs,
        labels=rs["spec"]["selector"]["matchLabels"],
        spec=spec,
        status=status,
        age=2000,
    )
    w.event(pod, "Warning", "Evicted", message, 1, 1000, 1000)
    return Truth(
        f"pod of {w.app} got Evicted, why", "ephemeral_storage_exceeded", f"Deployment/{w.ns}/{w.app}"
    )


@scenario(flavour="eks")
def proxy_crashes(w: World) -> Truth:
    """kube-proxy fails on one node; the pods there see no service."""
    w.namespace(SYSTEM)
    w.namespace("default")
    node = w.workers[2]
    log = 'E0301 11:56:00.000001 1 run.go:74] "command failed" err="failed complete: unrecognized feature gate: TopologyAwareHint"'
    bad = c("kube-proxy", f"registry.k8s.io/kube-proxy:{w.version}", state=crash(1, restarts=30), log=log)
    good = c("kube-proxy", f"registry.k8s.io/kube-proxy:{w.version}", log="Using iptables proxy")
    daemonset(
        w, SYSTEM, "kube-proxy", good, on={name_of(node): bad}, labels={"k8s-app": "kube-proxy"}, age=86400
    )
    everywhere(w)
    return Truth(
        f"pods on {name_of(node)} cannot reach any service",
        "kube_proxy_unavailable",
        f"Node//{name_of(node)}",
        ("application_error", "invalid_configuration"),
        ("DaemonSet/kube-system/kube-proxy",),
    )


@scenario(flavour="kubeadm-docker")
def proxy_missing(w: World) -> Truth:
    """The kube-proxy pod of a node cannot be created."""
    w.namespace(SYSTEM)
    w.namespace("default")
    node = w.workers[0]
    image = "registry.k8s.io/kube-proxy:v1.24.99"
    bad = c("kube-proxy", image, state=waiting("ImagePullBackOff", f'Back-off pulling image "{image}"'))
    daemonset(
        w,
        SYSTEM,
        "kube-proxy",
        c("kube-proxy"),
        on={name_of(node): bad},
        labels={"k8s-app": "kube-proxy"},
        age=86400,
    )
    everywhere(w)
    return Truth(
        f"service calls fail from node {name_of(node)}",
        "kube_proxy_unavailable",
        f"Node//{name_of(node)}",
        ("image_not_found",),
        ("DaemonSet/kube-system/kube-proxy",),
    )


def slow_calls(w: World, node: Json, log: str) -> None:
    """Callers on one node complain, the others do not."""
    caller = w.name("client")
    boxes = [c(caller, log=log if n is node else "INFO GET /items 200 12ms\n" * 8) for n in w.workers]
    deployment(w, w.ns, caller, boxes[0], replicas=len(boxes), pods=[], age=86400)
    rs = w.of("ReplicaSet", w.ns)[-1]
    for n, box in zip(w.workers, boxes, strict=True):
        w.pod(
            w.ns,
            f"{rs['metadata']['name']}-{w.suffix()}",
            [box],
            owner=rs,
            labels=rs["spec"]["selector"]["matchLabels"],
            node=n,
            age=86400,
        )
    top = w.get("Deployment", w.ns, caller)
    top["status"] |= {"replicas": 3, "readyReplicas": 3, "availableReplicas": 3}


@scenario(flavour="eks")
def packet_loss(w: World) -> Truth:
    node = w.workers[1]
    everywhere(w)
    slow_calls(
        w,
        node,
        "WARN read tcp: connection reset by peer, retrying\nERROR 38% packet loss to 10.244.3.7\nERROR context deadline exceeded\n"
        * 4,
    )
    row = {
        "type": "NetworkUnavailable",
        "status": "False",
        "reason": "RouteCreated",
        "message": "RouteController created a route",
    }
    problem = {
        "type": "NetworkPacketLoss",
        "status": "True",
        "reason": "HighPacketLoss",
        "message": "38% packet loss on eth0 in the last 60s",
    }
    for extra in (row, problem):
        node["status"]["conditions"].append(
            extra | {"lastHeartbeatTime": w.t(30), "lastTransitionTime": w.t(1200)}
        )
    return Truth(
        f"intermittent errors for pods on {name_of(node)}",
        "node_network_packet_loss",
        f"Node//{name_of(node)}",
        ("node_network_delay",),
    )


@scenario(flavour="gke")
def network_delay(w: World) -> Truth:
    node = w.workers[0]
    everywhere(w)
    slow_calls(w, node, "WARN GET /items 200 4120ms (network latency)\nWARN rtt to 10.244.1.4: 2013ms\n" * 5)
    w.event(
        node,
        "Warning",
        "HighNetworkLatency",
        "round trip time to the gateway is 2011ms",
        30,
        2000,
        20,
        source="node-problem-detector",
    )
    return Truth(
        f"requests from pods on {name_of(node)} take seconds",
        "node_network_delay",
        f"Node//{name_of(node)}",
        ("node_network_packet_loss",),
    )


@scenario()
def sandbox(w: World) -> Truth:
    """Sandboxes fail on one node because the CNI is out of addresses."""
    text = 'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "7c1": plugin type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP address to container'
    node = w.workers[0]
    deployment(
        w,
        w.ns,
        w.app,
        c(w.app, state=waiting("ContainerCreating")),
        node=node,
        age=1500,
        events=[("Warning", "FailedCreatePodSandBox", text, 80, 1400, 10)],
    )
    return Truth(
        f"{w.app} stuck ContainerCreating, failed to assign an IP address",
        "node_not_ready",
        f"Node//{name_of(node)}",
        ("rollout_stuck", "too_many_pods", "container_runtime_unavailable"),
        (f"Deployment/{w.ns}/{w.app}", "DaemonSet/kube-system/aws-node"),
    )
