"""Described nodes, namespaces, quotas, limits, budgets, autoscalers and role bindings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from kubelore.cluster.text.cells import known, new, number, selector, shown
from kubelore.cluster.text.described import Described
from kubelore.cluster.text.outline import Entry, read_table
from kubelore.cluster.text.times import date_stamp
from kubelore.types import JsonObject

_TAINT = re.compile(r"([^=:\s]+)(?:=([^:\s]*))?:(\w+)")
_SYSTEM = {
    "machineID": "Machine ID",
    "systemUUID": "System UUID",
    "bootID": "Boot ID",
    "kernelVersion": "Kernel Version",
    "osImage": "OS Image",
    "operatingSystem": "Operating System",
    "architecture": "Architecture",
    "containerRuntimeVersion": "Container Runtime Version",
    "kubeletVersion": "Kubelet Version",
    "kubeProxyVersion": "Kube-Proxy Version",
}
_LIMITS = {
    "min": "Min",
    "max": "Max",
    "defaultRequest": "Default Request",
    "default": "Default Limit",
    "maxLimitRequestRatio": "Max Limit/Request Ratio",
}


# -- nodes -------------------------------------------------------------------------------------------
def _node(told: Described) -> JsonObject:
    system = told.outline.get("System Info")
    addresses = [{"type": e.key, "address": e.value} for e in told.outline.get("Addresses").children if e.key]
    spec: JsonObject = known(podCIDR=told.text("PodCIDR"), providerID=told.text("ProviderID"))
    if told.outline.has("Taints"):
        spec["taints"] = read_taints(told.outline.get("Taints").lines())
    if told.flag("Unschedulable") is not None:
        spec["unschedulable"] = told.flag("Unschedulable")
    status = known(
        conditions=told.conditions(),
        addresses=addresses or None,
        capacity=_resources(told.outline.get("Capacity")),
        allocatable=_resources(told.outline.get("Allocatable")),
        nodeInfo=known(**{field: shown(system.text(key)) for field, key in _SYSTEM.items()}),
    )
    return known(spec=spec, status=status)


def read_taints(lines: Iterable[str]) -> list[JsonObject]:
    """`key=value:NoSchedule` and `key:NoExecute`."""
    matches = (_TAINT.fullmatch(line.strip()) for line in lines)
    return [known(key=m[1], value=m[2], effect=m[3]) for m in matches if m]


def _resources(section: Entry) -> JsonObject:
    return {e.key: e.value for e in section.children if e.key and e.value}


def _its_lease(told: Described) -> list[JsonObject]:
    """The node's Lease; without a time of renewal it never was renewed, or is not there."""
    lease = told.outline.get("Lease")
    renewed = date_stamp(lease.text("RenewTime"))
    if renewed is None:
        return []
    spec = known(
        holderIdentity=shown(lease.text("HolderIdentity")),
        acquireTime=date_stamp(lease.text("AcquireTime")),
        renewTime=renewed,
    )
    return [new("Lease", "kube-node-lease", told.text("Name"), spec=spec)]


# -- namespaces, quotas, limits ----------------------------------------------------------------------
def _namespace(told: Described) -> JsonObject:
    phase = told.text("Status").partition(" ")[0]
    return known(status=known(phase=phase, conditions=told.conditions()))


def _its_quotas(told: Described) -> list[JsonObject]:
    """Quotas that the description of a namespace lists, one after another."""
    quotas: list[JsonObject] = []
    table: list[str] = []
    inside = False
    for line in (*told.lines, "No more"):
        if (line.strip() and not line.startswith(" ")) or line.strip().startswith("Name:"):
            if quotas and table:
                quotas[-1] |= _amounts(table)
            table = []
            if line.strip() == "Resource Quotas":
                inside = True
            elif inside and line.startswith(" "):
                quotas.append(new("ResourceQuota", told.text("Name"), line.partition(":")[2].strip()))
            else:
                inside = False
        elif inside:
            table.append(line)
    return quotas


def _amounts(lines: list[str]) -> JsonObject:
    """The table of a quota, from its header on."""
    start = next((i for i, line in enumerate(lines) if line.split()[:2] == ["Resource", "Used"]), len(lines))
    rows = [r for r in read_table(lines[start:]) if r.get("Hard")]
    hard = {row["Resource"]: row["Hard"] for row in rows}
    used = {row["Resource"]: row["Used"] for row in rows}
    return known(spec=known(hard=hard), status=known(hard=dict(hard), used=used))


def _quota(told: Described) -> JsonObject:
    return _amounts(told.lines)


def _limit_range(told: Described) -> JsonObject:
    start = next((i for i, line in enumerate(told.lines) if line.split()[:2] == ["Type", "Resource"]), None)
    limits: dict[str, JsonObject] = {}
    for row in read_table(told.lines[start:]) if start is not None else []:
        item = limits.setdefault(row["Type"], {"type": row["Type"]})
        for field, column in _LIMITS.items():
            amount = row.get(column, "-")
            if amount not in ("", "-"):
                item.setdefault(field, {})[row["Resource"]] = amount
    return {"spec": {"limits": list(limits.values())}}


# -- policies ----------------------------------------------------------------------------------------
def _budget(told: Described) -> JsonObject:
    def amount(key: str) -> int | str | None:
        value = number(told.text(key))
        return told.text(key) if value is None else value

    spec = known(
        minAvailable=amount("Min available"),
        maxUnavailable=amount("Max unavailable"),
        selector=selector(told.text("Selector")),
    )
    status = told.outline.get("Status")
    counts = known(
        disruptionsAllowed=number(status.text("Allowed disruptions")),
        currentHealthy=number(status.text("Current")),
        desiredHealthy=number(status.text("Desired")),
        expectedPods=number(status.text("Total")),
    )
    return known(spec=spec, status=counts)


def _autoscaler(told: Described) -> JsonObject:
    kind, slash, name = told.text("Reference").partition("/")
    pods = told.counts("Deployment pods")
    spec = known(
        scaleTargetRef={"kind": kind, "name": name} if slash else None,
        minReplicas=told.number("Min replicas"),
        maxReplicas=told.number("Max replicas"),
    )
    status = known(
        currentReplicas=pods.get("current"), desiredReplicas=pods.get("desired"), conditions=told.conditions()
    )
    return known(spec=spec, status=status)


def _binding(told: Described) -> JsonObject:
    role = told.outline.get("Role")
    rows = read_table(told.outline.get("Subjects").block())
    subjects = [
        known(kind=row.get("Kind"), name=row.get("Name"), namespace=shown(row.get("Namespace", "")))
        for row in rows
    ]
    reference = known(apiGroup="rbac.authorization.k8s.io", kind=role.text("Kind"), name=role.text("Name"))
    return {"roleRef": reference, "subjects": subjects}


BUILDERS: dict[str, Callable[[Described], JsonObject]] = {
    "Node": _node,
    "Namespace": _namespace,
    "ResourceQuota": _quota,
    "LimitRange": _limit_range,
    "PodDisruptionBudget": _budget,
    "HorizontalPodAutoscaler": _autoscaler,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
}
COMPANIONS: dict[str, Callable[[Described], list[JsonObject]]] = {
    "Node": _its_lease,
    "Namespace": _its_quotas,
}
