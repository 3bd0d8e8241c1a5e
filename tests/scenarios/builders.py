"""A cluster in the making: every object that an API server would return, kept consistent.

Controllers are imitated, not copied: statuses, endpoints and slices are computed from the pods, so that
a scenario only says what is broken. In messages and logs `<pod>`, `<ns>`, `<uid>`, `<node>`, `<ip>` and
`<container>` stand for the pod they end up on. All times are seconds before `NOW`.
"""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from scenarios.parts import Container, Json, State, c
from support import NOW, MemoryCluster

DOMAINS = [
    "ledger",
    "tariff",
    "parcel",
    "badge",
    "voucher",
    "claim",
    "roster",
    "beacon",
    "mosaic",
    "harvest",
    "quill",
    "anchor",
    "lantern",
    "ferry",
    "orchid",
    "saffron",
    "willow",
    "granite",
    "basalt",
    "cobalt",
    "juniper",
    "marble",
    "compass",
    "sextant",
    "trellis",
]
ROLES = [
    "api",
    "worker",
    "sync",
    "agent",
    "web",
    "engine",
    "backend",
    "indexer",
    "relay",
    "core",
    "feed",
    "portal",
    "mailer",
]
TEAMS = ["team", "fleet", "core", "dept", "unit", "squad", "tribe", "prod", "stage"]
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True)
class Truth:
    """What a scenario means; the fields of labels-dev.jsonl and the question."""

    question: str
    root_cause: str
    object: str = ""
    also_root_causes: tuple[str, ...] = ()
    also_objects: tuple[str, ...] = ()
    note: str = ""
    canaries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Flavour:
    """A distribution: how its nodes are called and what runs in it."""

    name: str
    node: str
    runtime: str
    version_suffix: str
    storage_class: str
    provisioner: str
    cni: str
    control_plane: bool = False


FLAVOURS = {
    f.name: f
    for f in (
        Flavour(
            "eks",
            "ip-10-0-{n}-{r}.eu-west-1.compute.internal",
            "containerd://1.7.23",
            "-eks-a737599",
            "gp3",
            "ebs.csi.aws.com",
            "aws-node",
        ),
        Flavour(
            "gke",
            "gke-main-pool-1-8f3c2a1d-{x}",
            "containerd://1.7.24",
            "-gke.1286000",
            "standard-rwo",
            "pd.csi.storage.gke.io",
            "anetd",
        ),
        Flavour(
            "aks",
            "aks-nodepool1-34812907-vmss00000{n}",
            "containerd://1.7.15-1",
            "",
            "managed-csi",
            "disk.csi.azure.com",
            "azure-cns",
        ),
        Flavour(
            "kind",
            "lab-worker{n}",
            "containerd://2.0.2",
            "",
            "standard",
            "rancher.io/local-path",
            "kindnet",
            control_plane=True,
        ),
        Flavour(
            "k3s",
            "edge-{x}",
            "containerd://1.7.22-k3s1",
            "+k3s1",
            "local-path",
            "rancher.io/local-path",
            "",
        ),
        Flavour(
            "openshift",
            "ocp-worker-{n}.lab.corp.test",
            "cri-o://1.29.11-3.rhaos4.16",
            "+7d8ed4a",
            "ocs-ceph-rbd",
            "openshift-storage.rbd.csi.ceph.com",
            "ovnkube-node",
            control_plane=True,
        ),
        Flavour(
            "kubeadm-docker",
            "node-{n}",
            "docker://20.10.24",
            "",
            "nfs-client",
            "k8s-sigs.io/nfs-subdir-external-provisioner",
            "calico-node",
            control_plane=True,
        ),
    )
}


class CustomAware(MemoryCluster):
    """Lists custom kinds by `plural.group` too, as the API server's discovery offers them."""

    def list(self, kind: str) -> Sequence[Json]:
        for crd in super().list("CustomResourceDefinition"):
            if kind == crd["metadata"]["name"]:
                return super().list(crd["spec"]["names"]["kind"])
        return super().list(kind)


class World:
    """One cluster, grown by a scenario; `finish` adds what every cluster has and computes statuses."""

    def __init__(self, seed: str, flavour: str = "", minor: int = 0, workers: int = 3) -> None:
        self.rng = random.Random(seed)
        self.flavour = FLAVOURS[flavour or self.rng.choice(list(FLAVOURS))]
        self.minor = minor or (24 if "docker" in self.flavour.name else self.rng.randint(25, 36))
        self.version = f"v1.{self.minor}.{self.rng.randint(1, 9)}{self.flavour.version_suffix}"
        self.objects: list[Json] = []
        self.logs: dict[tuple[str, ...], str] = {}
        self.metrics: dict[str, list[Json]] = {"Pod": [], "Node": []}
        self.unreadable: set[str] = set()
        self.metrics_up = True
        self.dead_nodes: set[str] = set()
        self.unsettled: list[Callable[[], None]] = []
        self._taken: set[str] = set()
        self._counter = 1000
        self.nodes = [self._node(i) for i in range(1, workers + 1)]
        if self.flavour.control_plane:
            self.nodes.insert(0, self._node(0))
        self.ns = self.namespace()
        self.app = self.name()

    # Names, times, metadata

    def name(self, role: str = "") -> str:
        while True:
            name = f"{self.rng.choice(DOMAINS)}-{role or self.rng.choice(ROLES)}"
            if name not in self._taken:
                self._taken.add(name)
                return name

    def namespace(self, name: str = "") -> str:
        if not name:
            while not name or name in self._taken:
                name = f"{self.rng.choice(TEAMS)}-{self.rng.choice(DOMAINS)}"
            self._taken.add(name)
        self.add(
            "v1",
            "Namespace",
            "",
            name,
            spec={"finalizers": ["kubernetes"]},
            status={"phase": "Active"},
            labels={"kubernetes.io/metadata.name": name},
            age=86400 * 40,
        )
        self.add("v1", "ServiceAccount", name, "default", age=86400 * 40)
        self.add(
            "v1",
            "ConfigMap",
            name,
            "kube-root-ca.crt",
            data={"ca.crt": "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n"},
            age=86400 * 40,
        )
        return name

    def suffix(self, length: int = 5) -> str:
        return "".join(self.rng.choices(ALPHABET, k=length))

    def uid(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def t(self, ago: float, micro: bool = False) -> str:
        moment = NOW - timedelta(seconds=ago)
        return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{self.rng.randrange(10**6):06d}Z" if micro else "Z")

    def _clock(self, ago: float, nano: int) -> str:
        return (NOW - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%S") + f".{nano:09d}Z"

    def meta(
        self,
        ns: str,
        name: str,
        *,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        owner: Json | None = None,
        age: float = 86400 * 9,
        **more: Any,
    ) -> Json:
        self._counter += self.rng.randint(1, 40)
        meta: Json = {"name": name}
        if ns:
            meta["namespace"] = ns
        meta |= {
            "uid": self.uid(),
            "resourceVersion": str(self._counter),
            "creationTimestamp": self.t(age),
        }
        if labels:
            meta["labels"] = dict(labels)
        if annotations:
            meta["annotations"] = dict(annotations)
        if owner:
            meta["ownerReferences"] = [
                {
                    "apiVersion": owner["apiVersion"],
                    "kind": owner["kind"],
                    "name": owner["metadata"]["name"],
                    "uid": owner["metadata"]["uid"],
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ]
        return meta | more

    def add(self, api: str, kind: str, ns: str, name: str, *, meta: Json | None = None, **body: Any) -> Json:
        """Any object: metadata keywords go to its metadata, everything else is its body."""
        keys = ("labels", "annotations", "owner", "age", "finalizers", "deletionTimestamp", "generateName")
        given = {k: body.pop(k) for k in keys if k in body}
        obj = {
            "kind": kind,
            "apiVersion": api,
            "metadata": self.meta(ns, name, **given) | (meta or {}),
            **body,
        }
        self.objects.append(obj)
        return obj

    def get(self, kind: str, ns: str, name: str) -> Json:
        return next(
            o
            for o in self.objects
            if o["kind"] == kind
            and o["metadata"]["name"] == name
            and o["metadata"].get("namespace", "") == ns
        )

    def of(self, kind: str, ns: str = "") -> list[Json]:
        return [
            o for o in self.objects if o["kind"] == kind and (not ns or o["metadata"].get("namespace") == ns)
        ]

    # Nodes

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

    # Pods

    def pod(
        self,
        ns: str,
        name: str,
        containers: Sequence[Container],
        *,
        inits: Sequence[Container] = (),
        owner: Json | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        spec: Mapping[str, Any] | None = None,
        node: Json | None = None,
        scheduled: bool = True,
        why_not: str = "",
        age: int = 5400,
        status: Mapping[str, Any] | None = None,
        events: Iterable[tuple[Any, ...]] = (),
        meta: Mapping[str, Any] | None = None,
        static: bool = False,
    ) -> Json:
        """One pod with its statuses, logs, metrics and events.

        `why_not` is the scheduler's message of a pod that found no node; `events` are (type, reason,
        message[, count[, first, last[, container]]]) beside the ones every pod has.
        """
        node = (node or self.rng.choice(self.workers)) if scheduled else None
        token = f"kube-api-access-{self.suffix()}"
        body = self._pod_spec(containers, inits, dict(spec or {}))
        body["volumes"] = [*body.get("volumes", ()), _token_volume(token)]
        for item in (*body["containers"], *body.get("initContainers", ())):
            path = "/var/run/secrets/kubernetes.io/serviceaccount"
            mount = {"name": token, "readOnly": True, "mountPath": path}
            item["volumeMounts"] = [*item.get("volumeMounts", ()), mount]
        if node:
            body["nodeName"] = node["metadata"]["name"]
        body.setdefault("tolerations", [])
        body["tolerations"] = [*body["tolerations"], *_DEFAULT_TOLERATIONS]
        pod = self.add(
            "v1",
            "Pod",
            ns,
            name,
            labels=labels,
            annotations=annotations,
            owner=owner,
            age=age,
            spec=body,
        )
        pod["metadata"] |= dict(meta or {})
        ip = f"10.244.{self.rng.randint(1, 9)}.{self.rng.randint(2, 250)}" if node else ""
        fill = self._filler(pod, ip)
        pod["status"] = self._pod_status(pod, containers, inits, node, ip, age, fill) | dict(status or {})
        if why_not:
            self._not_scheduled(pod, why_not, age)
        elif node and not static:
            self._usual_events(pod, containers, inits, age)
        for event in events:
            kind, reason, message, *rest = event
            self.event(pod, kind, reason, fill(message), *rest)
        gone = (
            node is None
            or node["metadata"]["name"] in self.dead_nodes
            or pod["status"].get("reason") == "Evicted"
        )
        if not gone:
            self._logs_and_usage(pod, (*inits, *containers), age, fill)
        return pod

    @staticmethod
    def _filler(pod: Json, ip: str) -> Any:
        meta = pod["metadata"]
        values = {
            "<pod>": meta["name"],
            "<ns>": meta["namespace"],
            "<uid>": meta["uid"],
            "<node>": pod["spec"].get("nodeName", ""),
            "<ip>": ip,
        }

        def fill(text: str) -> str:
            for key, value in values.items():
                text = text.replace(key, value)
            return text

        return fill

    def _pod_spec(self, containers: Sequence[Container], inits: Sequence[Container], spec: Json) -> Json:
        body = {
            "containers": [dict(x.spec) for x in containers],
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "default",
            "securityContext": {},
            "schedulerName": "default-scheduler",
            "priority": 0,
            "enableServiceLinks": True,
            "preemptionPolicy": "PreemptLowerPriority",
        }
        if inits:
            body["initContainers"] = [dict(x.spec) for x in inits]
        body |= spec
        return body | {"serviceAccount": body["serviceAccountName"]}

    def _pod_status(
        self,
        pod: Json,
        containers: Sequence[Container],
        inits: Sequence[Container],
        node: Json | None,
        ip: str,
        age: int,
        fill: Any,
    ) -> Json:
        if node is None:
            return {"phase": "Pending", "qosClass": "Burstable"}
        state_of = {x.name: x.state for x in (*inits, *containers)}
        done = all(
            (s.kind == "terminated" and s.exit_code == 0) or x.spec.get("restartPolicy") == "Always"
            for x in inits
            for s in [state_of[x.name]]
        )
        never = pod["spec"]["restartPolicy"] == "Never"
        states = [x.state for x in containers]
        phase = "Running"
        if all(s.kind == "terminated" for s in states) and (never or all(s.exit_code == 0 for s in states)):
            phase = "Failed" if any(s.exit_code for s in states) else "Succeeded"
        elif not done or all(s.kind == "waiting" and not s.last for s in states):
            phase = "Pending"
        unready = [x.name for x in containers if not (x.state.kind == "running" and x.state.ready)]
        started = phase in ("Running", "Succeeded") or any(
            s.kind != "waiting" or s.last for s in state_of.values()
        )
        conditions = [("Initialized", done), ("Ready", not unready), ("ContainersReady", not unready)]
        rows = [
            self._pod_condition(k, ok, age, unready if k != "Initialized" else None) for k, ok in conditions
        ]
        if self.minor >= 29:
            rows.insert(0, self._pod_condition("PodReadyToStartContainers", started, age, None))
        rows.append(self._pod_condition("PodScheduled", True, age, None))
        status: Json = {
            "phase": phase,
            "conditions": rows,
            "hostIP": node["status"]["addresses"][0]["address"],
            "startTime": self.t(age),
            "qosClass": "Burstable",
            "containerStatuses": [self._container_status(x, age, fill) for x in containers],
        }
        if started and phase not in ("Failed",):
            status |= {"podIP": ip, "podIPs": [{"ip": ip}]}
        if inits:
            status["initContainerStatuses"] = [self._container_status(x, age, fill, init=True) for x in inits]
        return status

    def _pod_condition(self, kind: str, ok: bool, age: int, unready: list[str] | None) -> Json:
        row = {
            "type": kind,
            "status": "True" if ok else "False",
            "lastProbeTime": None,
            "lastTransitionTime": self.t(min(age, 300) if not ok else age),
        }
        if not ok and unready:
            row |= {
                "reason": "ContainersNotReady",
                "message": f"containers with unready status: [{' '.join(unready)}]",
            }
        return row

    def _container_status(self, item: Container, age: int, fill: Any, init: bool = False) -> Json:
        s = item.state
        runtime = self.flavour.runtime.split(":")[0]
        has_run = s.kind != "waiting" or s.last is not None
        identity = f"{runtime}://{self.rng.getrandbits(256):064x}" if has_run else ""
        return {
            "name": item.name,
            "state": self._state(item, s, age, fill, identity),
            "lastState": self._state(item, s.last, age, fill, identity) if s.last else {},
            "ready": (s.kind == "running" and s.ready) or (init and s.kind == "terminated" and s.exit_code == 0),
            "started": s.kind == "running" and (s.ready or "startupProbe" not in item.spec),
            "restartCount": s.restarts,
            "image": item.spec["image"],
            "imageID": f"{item.spec['image'].rsplit(':', 1)[0]}@sha256:{self.rng.getrandbits(256):064x}" if has_run else "",
            "containerID": identity,
        }  # fmt: skip

    def _state(self, item: Container, s: State, age: int, fill: Any, identity: str) -> Json:
        message = fill(s.message.replace("<container>", item.name))
        if s.kind == "running":
            started = s.started or (s.last.finished if s.last else max(age - 3, 1))
            return {"running": {"startedAt": self.t(started)}}
        if s.kind == "waiting":
            return {"waiting": {"reason": s.reason} | ({"message": message} if message else {})}
        never_ran = s.reason in ("StartError", "ContainerCannotRun")
        body = {"exitCode": s.exit_code, "reason": s.reason}
        body |= {"signal": s.signal} if s.signal else {}
        body |= {"message": message} if message else {}
        started_at = "1970-01-01T00:00:00Z" if never_ran else self.t(s.started or age)
        return {
            "terminated": body
            | {"startedAt": started_at, "finishedAt": self.t(s.finished), "containerID": identity}
        }

    def _not_scheduled(self, pod: Json, message: str, age: int) -> None:
        row = {"type": "PodScheduled", "status": "False", "lastProbeTime": None}
        row |= {"lastTransitionTime": self.t(age), "reason": "Unschedulable", "message": message}
        pod["status"]["conditions"] = [row]
        self.event(
            pod, "Warning", "FailedScheduling", message, max(1, age // 300), min(age, 3500), 20, series=True
        )

    def _usual_events(
        self, pod: Json, containers: Sequence[Container], inits: Sequence[Container], age: int
    ) -> None:
        """What scheduler and kubelet say of any pod; events live one hour."""
        meta, node = pod["metadata"], pod["spec"]["nodeName"]
        if age < 3600:
            text = f"Successfully assigned {meta['namespace']}/{meta['name']} to {node}"
            self.event(pod, "Normal", "Scheduled", text, 1, age, age, source="default-scheduler", series=True)
        created = "Created container: {}" if self.minor >= 32 else "Created container {}"
        for item in (*inits, *containers):
            state = item.state
            if state.kind == "waiting" and state.last is None:
                continue
            if age >= 3600 and not (state.restarts and state.kind == "waiting"):
                continue
            starts = state.restarts + 1
            last = (state.last.started or 10) if state.last else age
            image = f'Container image "{item.spec["image"]}" already present on machine'
            ran = not (state.last and state.last.reason in ("StartError", "ContainerCannotRun"))
            rows = [("Pulled", image), ("Created", created.format(item.name))]
            rows += [("Started", f"Started container {item.name}")] if ran else []
            for reason, text in rows:
                self.event(pod, "Normal", reason, text, starts, min(age, 7200), min(last, age), item.name)
            if state.kind == "waiting" and state.reason == "CrashLoopBackOff":
                text = "Back-off restarting failed container"
                if self.minor >= 27:
                    text += f" {item.name} in pod {meta['name']}_{meta['namespace']}({meta['uid']})"
                self.event(pod, "Warning", "BackOff", text, starts * 5, min(age, 7000), 11, item.name)

    def _logs_and_usage(self, pod: Json, items: Iterable[Container], age: int, fill: Any) -> None:
        meta = pod["metadata"]
        usage = []
        for item in items:
            s, key = item.state, (meta["namespace"], meta["name"], item.name)
            current = s.last if s.kind == "waiting" else s
            if current is None:
                continue
            start = current.started or (s.last.finished if s.last else age)
            end = current.finished if current.kind == "terminated" else min(20, start)
            self.logs[key] = self._stamp(fill(item.log), start, end)
            if s.last is not None:
                text = item.log if item.previous is None else item.previous
                self.logs[(*key, "previous")] = self._stamp(
                    fill(text), s.last.started or age, s.last.finished
                )
            if s.kind == "running":
                usage.append({"name": item.name, "usage": {"cpu": item.usage[0], "memory": item.usage[1]}})
        if usage and age > 60:
            row = {
                "metadata": {
                    "name": meta["name"],
                    "namespace": meta["namespace"],
                    "labels": meta.get("labels", {}),
                }
            }
            self.metrics["Pod"].append(
                row | {"timestamp": self.t(25), "window": "15.1s", "containers": usage}
            )

    def _stamp(self, text: str, start: float, end: float) -> str:
        lines = text.splitlines()
        step = max(start - end, 0) / max(len(lines), 1)
        nano = self.rng.randrange(10**8)
        stamped = (
            f"{self._clock(start - step * i, (nano + i * 7919) % 10**9)} {line}"
            for i, line in enumerate(lines)
        )
        return "".join(f"{line}\n" for line in stamped)

    # Events

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

    def finish(self) -> World:
        """Add what every cluster has beside the fault, and compute endpoints and metrics. Call once."""
        from scenarios.household import furnish

        furnish(self)
        for settle in self.unsettled:
            settle()
        return self

    def cluster(self) -> MemoryCluster:
        """What a reader of this cluster sees: Secrets come without values."""
        objects = [_without_values(o) if o["kind"] == "Secret" else o for o in self.objects]
        metrics = self.metrics if self.metrics_up else {}
        cluster = CustomAware(objects, self.logs, metrics, NOW, self.unreadable)
        cluster.info = replace(cluster.info, context=self.flavour.name, server_version=self.version)
        return cluster


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
_DEFAULT_TOLERATIONS = [
    {
        "key": f"node.kubernetes.io/{state}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 300,
    }
    for state in ("not-ready", "unreachable")
]


def _token_volume(name: str) -> Json:
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 420}}


def _without_values(secret: Json) -> Json:
    return secret | {"data": dict.fromkeys(secret.get("data", {}), "")}


__all__ = ["FLAVOURS", "Flavour", "Truth", "World", "c"]
