"""Rows of `kubectl get` as partial objects, one small function a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from kubelore.cluster.text.cells import (
    UNKNOWN,
    access_modes,
    fraction,
    known,
    label_map,
    listed,
    number,
    selector,
    service_ports,
    shown,
)
from kubelore.cluster.text.times import ago, stamp
from kubelore.types import JsonObject

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row by column, and when they were printed."""

    cells: dict[str, str]
    now: datetime

    def text(self, column: str) -> str:
        """The cell; "" when it stands for nothing or there is no such column."""
        return shown(self.cells.get(column, ""))

    def number(self, column: str) -> int | None:
        return number(self.cells.get(column, ""))

    def pair(self, column: str) -> tuple[int | None, int | None]:
        return fraction(self.cells.get(column, ""))

    def flag(self, column: str) -> bool | None:
        return {"true": True, "false": False}.get(self.text(column).lower())

    def ago(self, column: str) -> str | None:
        return ago(self.now, self.text(column))

    @property
    def at_least_now(self) -> str:
        """For what began at a time that is not shown: it holds now, for how long is not known."""
        return stamp(self.now)


def containers_of(row: Row) -> list[JsonObject]:
    """CONTAINERS and IMAGES of the wide form."""
    names, images = listed(row.text("CONTAINERS")), listed(row.text("IMAGES"))
    if len(names) != len(images):
        return []
    return [{"name": name, "image": image} for name, image in zip(names, images, strict=True)]


def _template(row: Row, labels: JsonObject) -> JsonObject:
    """What a wide row says of the pod template: the API takes no selector that its labels do not match."""
    metadata = known(labels=labels.get("matchLabels"))
    return known(metadata=metadata, spec=known(containers=containers_of(row) or None))


def _scaled(row: Row, status: JsonObject, desired: int | None) -> JsonObject:
    labels = selector(row.text("SELECTOR"))
    spec = known(replicas=desired, selector=labels, template=_template(row, labels))
    return known(spec=spec, status=status)


def _deployment(row: Row) -> JsonObject:
    ready, desired = row.pair("READY")
    status = known(
        readyReplicas=ready,
        replicas=row.number("CURRENT"),
        updatedReplicas=row.number("UP-TO-DATE"),
        availableReplicas=row.number("AVAILABLE"),
    )
    return _scaled(row, status, row.number("DESIRED") if desired is None else desired)


def _replica_set(row: Row) -> JsonObject:
    status = known(replicas=row.number("CURRENT"), readyReplicas=row.number("READY"))
    return _scaled(row, status, row.number("DESIRED"))


def _stateful_set(row: Row) -> JsonObject:
    ready, desired = row.pair("READY")
    status = known(readyReplicas=ready, replicas=row.number("CURRENT"))
    return _scaled(row, status, row.number("DESIRED") if desired is None else desired)


def _daemon_set(row: Row) -> JsonObject:
    status = known(
        desiredNumberScheduled=row.number("DESIRED"),
        currentNumberScheduled=row.number("CURRENT"),
        numberReady=row.number("READY"),
        updatedNumberScheduled=row.number("UP-TO-DATE"),
        numberAvailable=row.number("AVAILABLE"),
    )
    labels = selector(row.text("SELECTOR"))
    template = _template(row, labels)
    if "NODE SELECTOR" in row.cells:
        nodes = label_map(listed(row.cells["NODE SELECTOR"]))
        template["spec"] = {**template.get("spec", {}), "nodeSelector": nodes}
    return known(spec=known(selector=labels, template=template), status=status)


def _job(row: Row) -> JsonObject:
    done, _, wanted = row.text("COMPLETIONS").partition("/")
    condition = {"Complete": "Complete", "Failed": "Failed", "Suspended": "Suspended",
                 "FailureTarget": "FailureTarget", "SuccessCriteriaMet": "SuccessCriteriaMet",
                 }.get(row.text("STATUS"))  # fmt: skip
    complete = number(done) is not None and number(done) == number(wanted)
    conditions = [{"type": condition or "Complete", "status": "True"}] if condition or complete else None
    suspended = True if condition == "Suspended" else None
    spec = known(completions=number(wanted), suspend=suspended, template=_template(row, {}))
    labels = selector(row.text("SELECTOR"))
    return known(
        spec=known(**spec, selector=labels), status=known(succeeded=number(done), conditions=conditions)
    )


def _cron_job(row: Row) -> JsonObject:
    # Of running jobs the table tells the number only.
    active = [{"kind": "Job", "name": UNKNOWN}] * (row.number("ACTIVE") or 0) or None
    spec = known(
        schedule=row.text("SCHEDULE"),
        timeZone=row.text("TIMEZONE"),
        suspend=row.flag("SUSPEND"),
        jobTemplate=known(spec=known(template=_template(row, {}))),
    )
    return known(spec=spec, status=known(active=active, lastScheduleTime=row.ago("LAST SCHEDULE")))


def _service(row: Row) -> JsonObject:
    kind, address = row.text("TYPE"), row.text("CLUSTER-IP")
    outside = [a for a in listed(row.text("EXTERNAL-IP")) if a != "<pending>"]
    external = kind == "ExternalName"
    spec = known(
        type=kind,
        clusterIP=address,
        externalName=outside[0] if external and outside else None,
        externalIPs=outside if outside and not external and kind != "LoadBalancer" else None,
        ports=service_ports(row.text("PORT(S)")) or None,
    )
    if "SELECTOR" in row.cells:
        spec["selector"] = label_map(listed(row.cells["SELECTOR"]))
    return known(spec=spec, status=balancer(outside) if kind == "LoadBalancer" else None)


def balancer(addresses: list[str]) -> JsonObject:
    """Status of what a load balancer serves at these addresses."""
    entries = [{"ip" if a.replace(".", "").isdigit() or ":" in a else "hostname": a} for a in addresses]
    return {"loadBalancer": {"ingress": entries} if entries else {}}


def subsets_of(text: str) -> list[JsonObject]:
    """`10.0.0.1:80,10.0.0.2:80 + 9 more...`. A blank cell means addresses that are all not ready: without
    any address kubectl writes `<none>`."""
    if text.strip() == "<none>":
        return []
    if not text.strip():
        return [{"notReadyAddresses": [{"ip": UNKNOWN}]}]
    by_port: dict[int | None, list[JsonObject]] = {}
    for part in listed(text.partition(" + ")[0]):
        ip, _, port = part.rpartition(":") if number(part.rpartition(":")[2]) is not None else (part, "", "")
        by_port.setdefault(number(port), []).append({"ip": ip.strip("[]")})
    return [
        known(addresses=addresses, ports=[{"port": port}] if port is not None else None)
        for port, addresses in by_port.items()
    ]


def _endpoints(row: Row) -> JsonObject:
    return {"subsets": subsets_of(row.cells["ENDPOINTS"])} if "ENDPOINTS" in row.cells else {}


def _node(row: Row) -> JsonObject:
    words = listed(row.text("STATUS"))
    # NotReady stands for False and for Unknown alike.
    ready = {"Ready": "True", "NotReady": "Unknown", "Unknown": "Unknown"}.get(words[0]) if words else None
    versions = known(
        kubeletVersion=row.text("VERSION"),
        osImage=row.text("OS-IMAGE"),
        kernelVersion=row.text("KERNEL-VERSION"),
        containerRuntimeVersion=row.text("CONTAINER-RUNTIME"),
    )
    addresses = [
        {"type": kind, "address": row.text(column)}
        for kind, column in (("InternalIP", "INTERNAL-IP"), ("ExternalIP", "EXTERNAL-IP"))
        if row.text(column)
    ]
    conditions = [{"type": "Ready", "status": ready}] if ready else None
    status = known(conditions=conditions, nodeInfo=versions, addresses=addresses or None)
    return known(spec={"unschedulable": "SchedulingDisabled" in words} if words else None, status=status)


def _claim(row: Row) -> JsonObject:
    phase, modes = row.text("STATUS"), access_modes(row.text("ACCESS MODES"))
    spec = known(
        volumeName=row.text("VOLUME"),
        storageClassName=row.text("STORAGECLASS"),
        volumeMode=row.text("VOLUMEMODE"),
        volumeAttributesClassName=row.text("VOLUMEATTRIBUTESCLASS"),
    )
    capacity = known(storage=row.text("CAPACITY"))
    status = known(
        phase=None if phase == "Terminating" else phase, accessModes=modes or None, capacity=capacity
    )
    return known(spec=spec, status=status)


def claim_ref(text: str) -> JsonObject | None:
    """`shop/data` as the claimRef of a volume."""
    namespace, slash, name = shown(text).partition("/")
    return {"kind": "PersistentVolumeClaim", "namespace": namespace, "name": name} if slash else None


def _volume(row: Row) -> JsonObject:
    phase = row.text("STATUS")
    spec = known(
        capacity=known(storage=row.text("CAPACITY")),
        accessModes=access_modes(row.text("ACCESS MODES")) or None,
        persistentVolumeReclaimPolicy=row.text("RECLAIM POLICY"),
        claimRef=claim_ref(row.text("CLAIM")),
        storageClassName=row.text("STORAGECLASS"),
        volumeMode=row.text("VOLUMEMODE"),
    )
    phase = "" if phase == "Terminating" else phase
    return known(spec=spec, status=known(phase=phase, reason=row.text("REASON")))


def _storage_class(row: Row) -> JsonObject:
    default = row.cells.get("NAME", "").endswith("(default)")
    metadata = {"annotations": {DEFAULT_CLASS: "true"}} if default else None
    return known(
        metadata=metadata,
        provisioner=row.text("PROVISIONER"),
        reclaimPolicy=row.text("RECLAIMPOLICY"),
        volumeBindingMode=row.text("VOLUMEBINDINGMODE"),
        allowVolumeExpansion=row.flag("ALLOWVOLUMEEXPANSION"),
    )


def _with_data(row: Row) -> JsonObject:
    """A count of zero is all that a table tells of the keys."""
    return known(type=row.text("TYPE")) | ({"data": {}} if row.number("DATA") == 0 else {})


def _quota(row: Row) -> JsonObject:
    used: dict[str, str] = {}
    hard: dict[str, str] = {}
    for part in (*listed(row.text("REQUEST")), *listed(row.text("LIMIT"))):
        resource, _, amounts = part.rpartition(": ")
        taken, slash, limit = amounts.partition("/")
        if slash and resource:
            used[resource], hard[resource] = taken, limit
    return known(spec=known(hard=hard), status=known(hard=dict(hard), used=used))


def _policy(row: Row) -> JsonObject:
    # Without its rules a policy must not be taken for one that denies everything.
    if "POD-SELECTOR" not in row.cells:
        return {"spec": {"policyTypes": [UNKNOWN]}}
    pods = selector(row.text("POD-SELECTOR"))
    return {"spec": {"podSelector": pods, "policyTypes": [UNKNOWN]}}


def _ingress(row: Row) -> JsonObject:
    hosts = [h for h in listed(row.text("HOSTS").partition(" + ")[0]) if h != "*"]
    rules: list[JsonObject] = [{"host": host} for host in hosts]
    status = balancer(listed(row.text("ADDRESS"))) if "ADDRESS" in row.cells else None
    return known(spec=known(ingressClassName=row.text("CLASS"), rules=rules or None), status=status)


def _autoscaler(row: Row) -> JsonObject:
    kind, slash, name = row.text("REFERENCE").partition("/")
    spec = known(
        scaleTargetRef={"kind": kind, "name": name} if slash else None,
        minReplicas=row.number("MINPODS"),
        maxReplicas=row.number("MAXPODS"),
    )
    return known(spec=spec, status=known(currentReplicas=row.number("REPLICAS")))


def _budget(row: Row) -> JsonObject:
    def amount(column: str) -> int | str | None:
        text = "" if row.text(column) == "N/A" else row.text(column)
        return number(text) if number(text) is not None else text

    spec = known(minAvailable=amount("MIN AVAILABLE"), maxUnavailable=amount("MAX UNAVAILABLE"))
    return known(spec=spec, status=known(disruptionsAllowed=row.number("ALLOWED DISRUPTIONS")))


def _binding(row: Row) -> JsonObject:
    kind, slash, name = row.text("ROLE").partition("/")
    subjects = [{"kind": "User", "name": n} for n in listed(row.text("USERS"))]
    subjects += [{"kind": "Group", "name": n} for n in listed(row.text("GROUPS"))]
    for account in listed(row.text("SERVICEACCOUNTS")):
        namespace, _, account_name = account.rpartition("/")
        subjects.append(known(kind="ServiceAccount", namespace=namespace, name=account_name))
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name} if slash else None
    return known(roleRef=reference, subjects=subjects or None)


def _namespace(row: Row) -> JsonObject:
    return known(status=known(phase=row.text("STATUS")))


BUILDERS: Mapping[str, Callable[[Row], JsonObject]] = MappingProxyType(
    {
        "Deployment": _deployment,
        "ReplicaSet": _replica_set,
        "ReplicationController": _replica_set,
        "StatefulSet": _stateful_set,
        "DaemonSet": _daemon_set,
        "Job": _job,
        "CronJob": _cron_job,
        "Service": _service,
        "Endpoints": _endpoints,
        "Node": _node,
        "Namespace": _namespace,
        "PersistentVolumeClaim": _claim,
        "PersistentVolume": _volume,
        "StorageClass": _storage_class,
        "ConfigMap": _with_data,
        "Secret": _with_data,
        "ResourceQuota": _quota,
        "NetworkPolicy": _policy,
        "Ingress": _ingress,
        "HorizontalPodAutoscaler": _autoscaler,
        "PodDisruptionBudget": _budget,
        "RoleBinding": _binding,
        "ClusterRoleBinding": _binding,
    }
)
