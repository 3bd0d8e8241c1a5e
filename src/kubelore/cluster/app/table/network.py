"""Columns of services, endpoints, ingresses, policies and gateways."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from kubelore.cluster.app.table.cells import (
    NONE,
    UNSET,
    Cell,
    Columns,
    age,
    columns,
    first_few,
    labels,
    meta,
    name,
    selector,
    spec,
    status,
)
from kubelore.types import JsonObject

SHORT_ADDRESSES = 16
"""Characters of load balancer addresses that fit the narrow column."""


def _service(obj: JsonObject, now: datetime) -> list[Cell]:
    addresses = spec(obj).get("clusterIPs") or [spec(obj).get("clusterIP")]
    return [
        name(obj),
        str(spec(obj).get("type") or "ClusterIP"),
        str(addresses[0] or NONE),
        _external_address(obj),
        ",".join(map(_port, spec(obj).get("ports") or ())) or NONE,
        age(obj, now),
        labels(spec(obj).get("selector")),
    ]


def _external_address(obj: JsonObject) -> str:
    given = ",".join(spec(obj).get("externalIPs") or ())
    match spec(obj).get("type"):
        case "ExternalName":
            return str(spec(obj).get("externalName") or "")
        case "LoadBalancer":
            balancer = _balancer_addresses(obj)
            if len(balancer) > SHORT_ADDRESSES and not given:
                return balancer
            return ",".join(filter(None, (balancer, given))) or "<pending>"
    return given or NONE


def _balancer_addresses(obj: JsonObject) -> str:
    found = (status(obj).get("loadBalancer") or {}).get("ingress") or ()
    return ",".join(str(i.get("ip") or i.get("hostname")) for i in found)


def _port(port: JsonObject) -> str:
    node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port')}{node}/{port.get('protocol') or 'TCP'}"


def _endpoints(obj: JsonObject, now: datetime) -> list[Cell]:
    return [name(obj), first_few(_ready_addresses(obj)), age(obj, now)]


def _ready_addresses(obj: JsonObject) -> Iterator[str]:
    for subset in obj.get("subsets") or ():
        ports = subset.get("ports") or ()
        for address in subset.get("addresses") or ():
            ip = str(address.get("ip"))
            yield from (_joined(ip, port.get("port")) for port in ports) if ports else (ip,)


def _joined(ip: str, port: int | None) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _endpoint_slice(obj: JsonObject, now: datetime) -> list[Cell]:
    ports = [str(p["port"]) if p.get("port") is not None else "*" for p in obj.get("ports") or ()]
    addresses = [a for e in obj.get("endpoints") or () for a in e.get("addresses") or ()]
    return [
        name(obj),
        str(obj.get("addressType") or ""),
        first_few(ports, empty=UNSET),
        first_few(addresses, empty=UNSET),
        age(obj, now),
    ]


def _ingress(obj: JsonObject, now: datetime) -> list[Cell]:
    annotations = meta(obj).get("annotations") or {}
    hosts = dict.fromkeys(str(r["host"]) for r in spec(obj).get("rules") or () if r.get("host"))
    return [
        name(obj),
        str(spec(obj).get("ingressClassName") or annotations.get("kubernetes.io/ingress.class") or NONE),
        first_few(hosts, empty="*"),
        _balancer_addresses(obj),
        "80, 443" if spec(obj).get("tls") else "80",
        age(obj, now),
    ]


def _ingress_class(obj: JsonObject, now: datetime) -> list[Cell]:
    to = spec(obj).get("parameters")
    parameters = NONE
    if to:
        kind = f"{to.get('kind')}.{to['apiGroup']}" if to.get("apiGroup") else str(to.get("kind"))
        parameters = f"{kind}/{to.get('name')}"
    return [name(obj), str(spec(obj).get("controller") or ""), parameters, age(obj, now)]


def _network_policy(obj: JsonObject, now: datetime) -> list[Cell]:
    return [name(obj), selector(spec(obj).get("podSelector")), age(obj, now)]


NETWORK: dict[str, Columns] = {
    "services": columns("Name|Type|Cluster-IP|External-IP|Port(s)|Age", _service, wide="Selector"),
    "endpoints": columns("Name|Endpoints|Age", _endpoints),
    "endpointslices.discovery.k8s.io": columns("Name|AddressType|Ports|Endpoints|Age", _endpoint_slice),
    "ingresses.networking.k8s.io": columns("Name|Class|Hosts|Address|Ports|Age", _ingress),
    "ingressclasses.networking.k8s.io": columns("Name|Controller|Parameters|Age", _ingress_class),
    "networkpolicies.networking.k8s.io": columns("Name|Pod-Selector|Age", _network_policy),
}
