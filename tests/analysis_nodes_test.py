"""Nodes and the parts of the cluster itself."""

from __future__ import annotations

from typing import Any

import pytest

from analysis_infra_support import ago, container, obj, pod, pod_status, problems, shown, view_of, workload
from kubelore.types import JsonObject, Severity


def node(
    name: str = "node-a", ready: str = "True", message: str = "ok", reason: str = "KubeletReady", **more: Any
) -> JsonObject:
    conditions = [{"type": "Ready", "status": ready, "reason": reason, "message": message}]
    status = {
        "conditions": [*conditions, *more.pop("conditions", ())],
        "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
        "nodeInfo": {"kubeletVersion": more.pop("kubelet", "v1.34.1")},
    }
    return obj("Node", name, "", spec=more, status=status)


def lease(name: str, seconds: float, namespace: str = "kube-node-lease") -> JsonObject:
    return obj("Lease", name, namespace, spec={"renewTime": ago(seconds=seconds), "leaseDurationSeconds": 40})


def node_names(*objects: Any, **fields: Any) -> set[str]:
    return shown(problems(view_of(*objects, **fields), "nodes")).get("Node//node-a", set())


def test_healthy_nodes_give_nothing() -> None:
    objects = [node(), node("node-b"), lease("node-a", 5), lease("node-b", 9)]
    assert problems(view_of(objects)) == []


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        ("Unknown", "Kubelet stopped posting node status.", "kubelet-stopped"),
        (
            "False",
            "[container runtime is down, PLEG is not healthy: pleg was last seen active 5m]",
            "runtime-down",
        ),
        ("False", "PLEG is not healthy: pleg was last seen active 5m ago; threshold is 3m0s", "pleg"),
        (
            "False",
            "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
            "message:Network plugin returns error: cni plugin not initialized",
            "network-plugin",
        ),
        ("False", "something new", "unspecified"),
    ],
)
def test_not_ready_nodes_say_why(status: str, message: str, reason: str) -> None:
    assert node_names(node(ready=status, message=message, reason="X")) == {
        f"node.ready={status}",
        f"node.reason={reason}",
    }


def test_pressure_is_critical() -> None:
    pressure = {"type": "DiskPressure", "status": "True", "message": "disk is full"}
    found = problems(view_of(node(conditions=[pressure])))
    assert [(f.severity, f.facts[0].name) for f in found] == [
        (Severity.CRITICAL, "node.condition=DiskPressure")
    ]


def test_cordon_is_a_warning_and_a_taint_of_ones_own_is_not() -> None:
    assert node_names(node(unschedulable=True)) == {"node.cordoned=yes"}
    taints = [{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]
    assert node_names(node(taints=taints)) == set()


def test_control_plane_taint_is_normal() -> None:
    taints = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    assert node_names(node(taints=taints)) == set()


def test_lease_is_stale_against_the_newest_one_not_against_our_clock() -> None:
    assert node_names(node(), node("node-b"), lease("node-a", 300), lease("node-b", 5)) == {
        "node.lease=stale"
    }
    assert node_names(node(), node("node-b"), lease("node-a", 300), lease("node-b", 290)) == set()


@pytest.mark.parametrize(("kubelet", "skewed"), [("v1.35.0", True), ("v1.30.2", True), ("v1.31.9", False)])
def test_kubelet_may_be_three_minor_versions_older(kubelet: str, skewed: bool) -> None:
    assert ("node.version=skewed" in node_names(node(kubelet=kubelet))) is skewed


def test_node_at_its_pod_limit() -> None:
    full = node()
    full["status"]["allocatable"]["pods"] = "2"
    assert node_names(full, workload("web", replicas=2)) == {"node.pods=at-limit"}


def test_used_memory_is_a_warning_and_used_processor_time_is_not() -> None:
    def usage(cpu: str, memory: str) -> dict[str, Any]:
        return {"Node": [{"metadata": {"name": "node-a"}, "usage": {"cpu": cpu, "memory": memory}}]}

    assert node_names(node(), metrics=usage("3900m", "1Gi")) == set()
    assert node_names(node(), metrics=usage("1", "7900Mi")) == {"node.usage=memory-high"}


# -- components -----------------------------------------------------------------------------------
def system(name: str, **fields: Any) -> list[JsonObject]:
    return workload(name, space="kube-system", **fields)


def components(*objects: Any) -> dict[str, set[str]]:
    return shown(problems(view_of(*objects), "components", "api_services"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("coredns", "dns"),
        ("metrics-server", "metrics-server"),
        ("ebs-csi-controller", "storage-driver"),
        ("calico-kube-controllers", "network-plugin"),
        ("kube-scheduler", "scheduler"),
    ],
)
def test_components_that_do_not_run_are_named(name: str, value: str) -> None:
    assert components(system(name)) == {}
    expected = {f"Deployment/kube-system/{name}": {f"component.down={value}"}}
    assert components(system(name, state="crashing")) == expected
    zero = components(system(name, replicas=0))
    assert zero[f"Deployment/kube-system/{name}"] == {f"component.down={value}", "component.replicas=zero"}


def test_a_namesake_in_another_namespace_is_no_component() -> None:
    assert components(workload("coredns", state="crashing")) == {}


def daemon(name: str, *nodes: str, down: str = "") -> list[JsonObject]:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container()]}}
    owner = obj("DaemonSet", name, "kube-system", spec={"template": template})
    owner["status"] = {"desiredNumberScheduled": len(nodes)}
    return [owner, *(pod(owner, f"{name}-{n}", "crashing" if n == down else "ready", n) for n in nodes)]


def test_proxy_down_on_one_node_is_told_of_that_node() -> None:
    found = problems(view_of(daemon("kube-proxy", "node-a", "node-b", down="node-b"), node(), node("node-b")))
    (proxy,) = [f for f in found if f.check == "components"]
    assert proxy.severity is Severity.WARNING
    assert {str(f.about) for f in proxy.facts} == {"DaemonSet/kube-system/kube-proxy", "Node//node-b"}


def test_node_without_a_proxy_pod_is_told_too() -> None:
    found = components(daemon("kube-proxy", "node-a"), node(), node("node-b"))
    assert found == {"DaemonSet/kube-system/kube-proxy": {"component.down=proxy"}}


def test_pods_on_a_lost_node_are_the_nodes_trouble() -> None:
    lost = node("node-b", ready="Unknown", message="Kubelet stopped posting node status.")
    assert components(daemon("kube-proxy", "node-a", "node-b", down="node-b"), node(), lost) == {}


def static(name: str) -> JsonObject:
    owner = [{"kind": "Node", "name": "node-a", "controller": True}]
    return obj(
        "Pod", f"{name}-node-a", "kube-system", metadata={"ownerReferences": owner},
        spec={"nodeName": "node-a", "containers": [container()]}, status=pod_status("ready"),
    )  # fmt: skip


def test_control_plane_that_lacks_its_scheduler() -> None:
    plane = [static("kube-apiserver"), static("kube-controller-manager"), static("etcd")]
    assert components(plane)["Pod/kube-system/kube-scheduler"] == {
        "component.down=scheduler",
        "component.replicas=zero",
    }
    assert components(plane, static("kube-scheduler")) == {}


def test_managed_control_plane_shows_no_pods_and_is_fine() -> None:
    assert components(system("coredns")) == {}


def test_scheduler_that_no_longer_renews_its_lease() -> None:
    leases = [lease("kube-scheduler", 900, "kube-system"), lease("node-a", 5)]
    waiting = workload("web", state="pending", node="")
    expected = {"Pod/kube-system/kube-scheduler": {"component.down=scheduler"}}
    assert components(leases, waiting) == expected
    assert components(leases, workload("web")) == {}  # the lease is left over: pods get their nodes


def test_api_that_does_not_answer() -> None:
    api = obj("APIService", "v1beta1.metrics.k8s.io", "")
    api["spec"] = {"service": {"namespace": "kube-system", "name": "metrics-server"}}
    api["status"] = {"conditions": [{"type": "Available", "status": "False", "reason": "ServiceNotFound"}]}
    found = problems(view_of(api), "api_services")
    assert [str(f.object) for f in found] == ["APIService//v1beta1.metrics.k8s.io"]
    assert {f.name for f in found[0].facts} == {"apiservice.available=no", "service.exists=no"}
    api["status"]["conditions"][0]["status"] = "True"
    assert problems(view_of(api)) == []
