"""Sections of Services, Nodes, claims, settings and quotas."""

from __future__ import annotations

from collections.abc import Iterator

from kubelore.analysis.quantity import parse_quantity
from kubelore.analysis.requests import amounts, pod_requests, readable_amount, total
from kubelore.analysis.view import View, ref_of
from kubelore.tools.layout_pod import selector_text
from kubelore.tools.text import indent, joined, table
from kubelore.types import JsonObject


def service(view: View, obj: JsonObject) -> str:
    spec = obj.get("spec") or {}
    lines = [
        f"Type: {spec.get('type', 'ClusterIP')}   Cluster IP: {spec.get('clusterIP') or 'none'}",
        f"Selector: {selector_text(spec['selector']) if spec.get('selector') else 'none'}",
    ]
    if spec.get("externalName"):
        lines.append(f"External name: {spec['externalName']}")
    given = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    if spec.get("type") == "LoadBalancer":
        lines.append(f"Load balancer: {joined((i.get('ip') or i.get('hostname') or '?') for i in given)}")
    lines.append("Ports:")
    lines += [f"  {service_port(p)}" for p in spec.get("ports") or ()] or ["  none"]
    return "\n".join([*lines, *endpoints(view, obj)])


def service_port(given: JsonObject) -> str:
    name = f"{given['name']}: " if given.get("name") else ""
    target = given.get("targetPort", given.get("port"))
    node = f", node port {given['nodePort']}" if given.get("nodePort") else ""
    return f"{name}{given.get('port')}/{given.get('protocol', 'TCP')} -> target port {target}{node}"


def endpoints(view: View, obj: JsonObject) -> Iterator[str]:
    """What the EndpointSlices of a Service say; the old Endpoints where a cluster has no slices."""
    ref = ref_of(obj)
    slices = [s for s in view.all("EndpointSlice", ref.namespace) if _service_of(s) == ref.name]
    found = [e for s in slices for e in _slice_addresses(s)]
    if not slices:
        old = view.get("Endpoints", ref.namespace, ref.name) or {}
        found = [e for subset in old.get("subsets") or () for e in _subset_addresses(subset)]
    if not found:
        unread = not view.cluster.readable("EndpointSlice")
        yield "Endpoints: could not be read" if unread else "Endpoints: none"
        return
    ready = sum(row[1] == "ready" for row in found)
    yield f"Endpoints: {ready} ready, {len(found) - ready} not ready"
    yield indent(table(("ADDRESS", "STATE", "TARGET", "NODE"), sorted(found, key=lambda row: row[1])))


VERSIONS = ("kubeletVersion", "containerRuntimeVersion", "osImage", "architecture")
Row = tuple[str, str, str, str]


def _service_of(endpoint_slice: JsonObject) -> str:
    labels = (endpoint_slice.get("metadata") or {}).get("labels") or {}
    return str(labels.get("kubernetes.io/service-name", ""))


def _slice_addresses(endpoint_slice: JsonObject) -> Iterator[Row]:
    ports = joined((str(p.get("port")) for p in endpoint_slice.get("ports") or ()), "no port")
    for endpoint in endpoint_slice.get("endpoints") or ():
        state = endpoint.get("conditions") or {}
        word = "not ready" if state.get("ready") is False else "ready"
        if state.get("terminating"):
            word += ", terminating"
        target = endpoint.get("targetRef") or {}
        for address in endpoint.get("addresses") or ():
            name = f"{target.get('kind')}/{target.get('name')}" if target else "-"
            yield f"{address}:{ports}", word, name, str(endpoint.get("nodeName") or "-")


def _subset_addresses(subset: JsonObject) -> Iterator[Row]:
    ports = joined((str(p.get("port")) for p in subset.get("ports") or ()), "no port")
    for key, word in (("addresses", "ready"), ("notReadyAddresses", "not ready")):
        for address in subset.get(key) or ():
            target = address.get("targetRef") or {}
            name = f"{target.get('kind')}/{target.get('name')}" if target else "-"
            yield f"{address.get('ip')}:{ports}", word, name, str(address.get("nodeName") or "-")


def node(view: View, obj: JsonObject) -> str:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    info, name = status.get("nodeInfo") or {}, ref_of(obj).name
    taints = [f"{t.get('key')}{'=' + t['value'] if t.get('value') else ''}:{t.get('effect')}"
              for t in spec.get("taints") or ()]  # fmt: skip
    addresses = [f"{a.get('type')} {a.get('address')}" for a in status.get("addresses") or ()]
    has, asked = (
        amounts(status.get("allocatable")),
        total(pod_requests(p["spec"]) for p in running(view, name)),
    )
    rows = [
        (
            resource,
            readable_amount(resource, amount),
            readable_amount(resource, asked.get(resource, 0.0)),
            f"{100 * asked.get(resource, 0.0) / amount:.0f}%" if amount else "-",
        )
        for resource, amount in has.items()
        if amount or asked.get(resource)
    ]
    return "\n".join(
        [
            f"Unschedulable: {'yes (cordoned)' if spec.get('unschedulable') else 'no'}",
            f"Taints: {joined(taints)}",
            f"Versions: kubelet {', '.join(str(info.get(key, '?')) for key in VERSIONS)}",
            f"Addresses: {joined(addresses)}",
            indent(table(("RESOURCE", "ALLOCATABLE", "REQUESTED", "PERCENT"), rows), 0),
        ]
    )


def running(view: View, node_name: str) -> list[JsonObject]:
    """Pods that hold resources of a node."""
    return [
        p
        for p in view.all("Pod")
        if (p.get("spec") or {}).get("nodeName") == node_name
        and (p.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    ]


def claim(view: View, obj: JsonObject) -> str:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    wanted = ((spec.get("resources") or {}).get("requests") or {}).get("storage", "?")
    name = spec.get("storageClassName")
    known = view.exists("StorageClass", "", name) if name else None
    lines = [
        f"State: {status.get('phase', '?')}",
        f"Storage class: {name if name else 'none' if name == '' else 'default of the cluster'}"
        f"{' (does not exist)' if known is False else ''}",
        f"Wants: {wanted}, {joined(spec.get('accessModes') or ())}, {spec.get('volumeMode', 'Filesystem')}",
        f"Volume: {spec.get('volumeName') or 'none'}",
    ]
    if spec.get("selector"):
        lines.append(f"Selector: {selector_text(spec['selector'])}")
    classes = [ref_of(c).name for c in view.all("StorageClass")]
    if status.get("phase") != "Bound":
        lines.append(f"Storage classes there are: {joined(classes)}")
    return "\n".join(lines)


def config_map(_: View, obj: JsonObject) -> str:
    data = obj.get("data") or {}
    lines = ["Data:" if data else "Data: none"]
    for key, value in data.items():
        lines += [f"  {key}:", indent(str(value), 4)] if "\n" in str(value) else [f"  {key}: {value}"]
    lines += [f"  {key}: binary" for key in obj.get("binaryData") or ()]
    return "\n".join(lines)


def secret(_: View, obj: JsonObject) -> str:
    """Type and keys; never a value, nor its length."""
    keys = [*(obj.get("data") or {}), *(obj.get("stringData") or {})]
    shown = joined(keys, "none, or not recorded")
    return f"Type: {obj.get('type', 'Opaque')}\nKeys: {shown} (values are never shown)"


def quota(_: View, obj: JsonObject) -> str:
    status = obj.get("status") or {}
    hard, used = status.get("hard") or (obj.get("spec") or {}).get("hard") or {}, status.get("used") or {}
    rows = [
        (key, str(used.get(key, "?")), str(limit), _percent(used.get(key), limit))
        for key, limit in hard.items()
    ]
    scopes = (obj.get("spec") or {}).get("scopes")
    head = f"Scopes: {joined(scopes)}\n" if scopes else ""
    return head + table(("RESOURCE", "USED", "HARD", "PERCENT"), rows)


def _percent(used: object, limit: object) -> str:
    part, whole = parse_quantity(used), parse_quantity(limit)
    return f"{100 * part / whole:.0f}%" if part is not None and whole else "?"
