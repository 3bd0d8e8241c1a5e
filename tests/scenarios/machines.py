"""Nodes and events: where pods run, and what the components say of all objects."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.objects import Objects
from scenarios.parts import Json

_COMPONENTS = {
    "ReplicaSet": "replicaset-controller",
    "Deployment": "deployment-controller",
    "StatefulSet": "statefulset-controller",
    "DaemonSet": "daemonset-controller",
    "Job": "job-controller",
    "CronJob": "cronjob-controller",
    "HorizontalPodAutoscaler": "horizontal-pod-autoscaler",
    "PersistentVolumeClaim": "persistentvolume-controller",
    "PodDisruptionBudget": "controllermanager",
    "Service": "service-controller",
    "Ingress": "nginx-ingress-controller",
}


class Machines(Objects):
    """Nodes, their conditions and taints, and events of both APIs."""

    def __init__(self, seed: str, flavour: str = "", minor: int = 0, workers: int = 3) -> None:
        super().__init__(seed, flavour, minor)
        self.dead_nodes: set[str] = set()
        self.nodes = [self._node(i) for i in range(1, workers + 1)]
        if self.flavour.control_plane:
            self.nodes.insert(0, self._node(0))

    def _node(self, index: int) -> Json:
        name = self.flavour.node.format(n=index, r=self.rng.randint(10, 250), x=self.suffix(4))
        labels = {
            "kubernetes.io/arch": "amd64",
            "kubernetes.io/os": "linux",
            "kubernetes.io/hostname": name,
            "topology.kubernetes.io/region": "eu-west-1",
            "topology.kubernetes.io/zone": f"eu-west-1{'abc'[index % 3]}",
            "node.kubernetes.io/instance-type": "m5.large",
        }
        spec: Json = {"podCIDR": f"10.244.{index}.0/24", "podCIDRs": [f"10.244.{index}.0/24"]}
        if index == 0:
            name = {"kind": "lab-control-plane", "openshift": "ocp-master-0.lab.corp.test"}.get(
                self.flavour.name, "node-cp"
            )
            labels |= {"node-role.kubernetes.io/control-plane": "", "kubernetes.io/hostname": name}
            spec["taints"] = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
        size = {"cpu": "2", "ephemeral-storage": "81106868Ki", "hugepages-2Mi": "0", "pods": "110"}
        size["memory"] = "7935488Ki"
        node = self.add(
            "v1",
            "Node",
            "",
            name,
            labels=labels,
            age=86400 * 60,
            annotations={"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
            spec=spec,
            status={
                "capacity": size,
                "allocatable": size | {"cpu": "1930m", "memory": "7244288Ki"},
                "conditions": [
                    self._condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                    self._condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                    self._condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                    self._condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
                ],
                "addresses": [
                    {"type": "InternalIP", "address": f"10.0.{index}.11"},
                    {"type": "Hostname", "address": name},
                ],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
                "nodeInfo": {
                    "kubeletVersion": self.version,
                    "kubeProxyVersion": self.version,
                    "containerRuntimeVersion": self.flavour.runtime,
                    "osImage": "Ubuntu 22.04.5 LTS",
                    "kernelVersion": "5.15.0-1071",
                    "operatingSystem": "linux",
                    "architecture": "amd64",
                },
            },
        )  # fmt: skip
        self.add(
            "coordination.k8s.io/v1",
            "Lease",
            "kube-node-lease",
            name,
            spec={"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": self.t(4, micro=True)},
        )
        return node

    def _condition(self, kind: str, status: str, reason: str, message: str) -> Json:
        return {
            "type": kind,
            "status": status,
            "lastHeartbeatTime": self.t(35),
            "lastTransitionTime": self.t(86400 * 12),
            "reason": reason,
            "message": message,
        }

    @property
    def workers(self) -> list[Json]:
        return [n for n in self.nodes if "taints" not in n["spec"] or not self._is_control_plane(n)]

    @staticmethod
    def _is_control_plane(node: Json) -> bool:
        return "node-role.kubernetes.io/control-plane" in node["metadata"]["labels"]

    def node_condition(self, node: Json, kind: str, status: str, reason: str, message: str, ago: int) -> None:
        """Set one condition of a node, changed `ago` seconds before now."""
        condition = next(x for x in node["status"]["conditions"] if x["type"] == kind)
        condition |= {
            "status": status,
            "reason": reason,
            "message": message,
            "lastTransitionTime": self.t(ago),
        }
        if status == "Unknown":
            condition["lastHeartbeatTime"] = self.t(ago + 40)

    def taint(self, node: Json, key: str, value: str = "", effect: str = "NoSchedule", ago: int = 0) -> None:
        taint = {"key": key, "effect": effect} | ({"value": value} if value else {})
        node["spec"].setdefault("taints", []).append(taint | ({"timeAdded": self.t(ago)} if ago else {}))

    def unfit(self, *reasons: tuple[int, str], victims: int = 0, hint: str = "") -> str:
        """The scheduler's message: (nodes, reason) for the workers, and the control plane's taint."""
        total = len(self.nodes)
        rows = [f"{count} {text}" for count, text in reasons]
        if self.flavour.control_plane:
            rows.append("1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }")
        tail = [f"{total - victims} Preemption is not helpful for scheduling"] if victims < total else []
        if victims:
            tail.append(f"{victims} No preemption victims found for incoming pod")
        middle = "no new claims to deallocate, " if self.minor >= 34 else ""
        message = f"0/{total} nodes are available: {', '.join(sorted(rows))}. "
        return (
            message + f"{middle}preemption: 0/{total} nodes are available: {', '.join(sorted(tail))}." + hint
        )

    def event(
        self,
        obj: Json,
        kind: str,
        reason: str,
        message: str,
        count: int = 1,
        first: int = 600,
        last: int = 30,
        container: str = "",
        *,
        source: str = "",
        series: bool = False,
    ) -> Json:
        """An event of either API: count-style, or series-style with `series`."""
        meta = obj["metadata"]
        last, first = min(first, last), max(first, last)
        involved = {
            "kind": obj["kind"],
            "apiVersion": obj["apiVersion"],
            "name": meta["name"],
            "uid": meta["uid"],
        }
        involved["resourceVersion"] = meta["resourceVersion"]
        if meta.get("namespace"):
            involved["namespace"] = meta["namespace"]
        if container:
            inits = {x["name"] for x in obj["spec"].get("initContainers", ())}
            involved["fieldPath"] = (
                f"spec.{'initContainers' if container in inits else 'containers'}{{{container}}}"
            )
        source = source or _COMPONENTS.get(obj["kind"], "kubelet")
        if source == "kubelet" and reason == "FailedScheduling":
            source = "default-scheduler"
        host = obj.get("spec", {}).get("nodeName", "") or (meta["name"] if obj["kind"] == "Node" else "")
        body: Json = {"involvedObject": involved, "reason": reason, "message": message, "type": kind}
        if series:
            body |= {
                "source": {},
                "firstTimestamp": None,
                "lastTimestamp": None,
                "eventTime": self.t(first, micro=True),
            }
            body |= {"action": "Scheduling", "reportingComponent": source, "reportingInstance": f"{source}-0"}
            if count > 1:
                body["series"] = {"count": count, "lastObservedTime": self.t(last, micro=True)}
        else:
            body["source"] = {"component": source} | ({"host": host} if source == "kubelet" else {})
            body |= {
                "firstTimestamp": self.t(first),
                "lastTimestamp": self.t(last),
                "count": count,
                "eventTime": None,
            }
            body |= {"reportingComponent": source if self.minor >= 28 else "", "reportingInstance": host}
        name = f"{meta['name']}.{self.rng.getrandbits(64):016x}"
        return self.add("v1", "Event", meta.get("namespace") or "default", name, age=first, **body)
