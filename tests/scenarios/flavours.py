"""Distributions of Kubernetes: how their nodes are called, what runs in them."""

from __future__ import annotations

from dataclasses import dataclass


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
