"""Whom a pod asks for names: by its DNS policy, its nameservers and the network it is on."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, labels_of
from kubelore.types import Fact, JsonObject

CLUSTER_DNS = {
    "kube-dns",
    "coredns",
    "dns-default",
    "rke2-coredns",
    "rke2-coredns-rke2-coredns",
    "node-local-dns",
}
"""What Services and labels of a cluster's DNS are called."""
LABELS = ("k8s-app", "app.kubernetes.io/name", "dns.operator.openshift.io/owning-dns")


def dns_facts(view: View, subject: Subject, spec: JsonObject) -> Iterator[Fact]:
    """`pod.dns` of a pod spec that does not simply ask the cluster's DNS."""
    policy = spec.get("dnsPolicy") or "ClusterFirst"
    if policy == "Default" or (policy == "ClusterFirst" and spec.get("hostNetwork")):
        why = (
            "dnsPolicy is Default"
            if policy == "Default"
            else "it is on the node's network, and dnsPolicy is ClusterFirst"
        )
        yield subject.fact("pod.dns", "of-the-node", f"{why}: names of Services do not resolve there")
    servers = [str(s) for s in (spec.get("dnsConfig") or {}).get("nameservers") or ()]
    foreign = [s for s in servers if not _is_of_the_cluster(view, s)]
    if policy == "None" and servers and len(foreign) == len(servers):
        known = ", ".join(sorted(view.once(_addresses)))
        beside = f", and not the cluster's own {known}" if known else ""
        detail = f"dnsPolicy is None: it asks {', '.join(servers)}{beside}"
        yield subject.fact("pod.dns", "own-nameservers", detail)


def _is_of_the_cluster(view: View, address: str) -> bool:
    """A cache on the node listens on a link-local address."""
    try:
        link_local = ipaddress.ip_address(address).is_link_local
    except ValueError:
        return False
    return link_local or address in view.once(_addresses)


def _addresses(view: View) -> set[str]:
    found: set[str] = set()
    for service in view.all("Service"):
        name, labels = str((service.get("metadata") or {}).get("name")), labels_of(service)
        if name in CLUSTER_DNS or any(labels.get(label) in CLUSTER_DNS for label in LABELS):
            spec = service.get("spec") or {}
            found |= {str(spec.get("clusterIP")), *(spec.get("clusterIPs") or ())}
    return found
