"""Described Services, Endpoints, Ingresses and NetworkPolicies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from kubelore.cluster.text.cells import known, label_map, listed, new, number, port_or_name, selector, shown
from kubelore.cluster.text.described import Described
from kubelore.cluster.text.outline import Entry, read_table
from kubelore.cluster.text.rows import balancer, subsets_of
from kubelore.types import JsonObject

_PORT = re.compile(r"(?:(\S+)\s+)?(\S+)/(\w+)")
_BACKEND = re.compile(r"(?:(?P<path>\S+)\s+)?(?P<service>[^\s:()]+):(?P<port>[\w-]+)\s+\(.*")
_TLS = re.compile(r"(\S+) terminates (.*)")


# -- services ----------------------------------------------------------------------------------------
def _service(told: Described) -> JsonObject:
    kind = told.text("Type")
    # "None" is an address here: headless.
    address = shown(told.outline.text("IP"))
    spec = known(
        type=kind,
        clusterIP=address,
        externalName=told.text("External Name"),
        externalIPs=listed(told.text("External IPs")) or None,
        sessionAffinity=told.text("Session Affinity"),
        externalTrafficPolicy=told.text("External Traffic Policy"),
        internalTrafficPolicy=told.text("Internal Traffic Policy"),
        ports=_ports(told) or None,
    )
    labels = told.outline.get("Selector").lines()
    spec["selector"] = label_map(pair for line in labels for pair in listed(line))
    outside = [a.partition(" ")[0] for a in listed(told.text("LoadBalancer Ingress"))]
    return known(spec=spec, status=balancer(outside) if kind == "LoadBalancer" else None)


def _ports(told: Described) -> list[JsonObject]:
    ports: list[JsonObject] = []
    for entry in told.outline.children:
        match = _PORT.search(entry.value)
        if match is None:
            continue
        if entry.key == "Port":
            port = known(name=shown(match[1] or ""), port=number(match[2]), protocol=match[3])
            ports.append(port)
        elif ports and entry.key == "TargetPort":
            ports[-1]["targetPort"] = port_or_name(match[2])
        elif ports and entry.key == "NodePort":
            ports[-1] |= known(nodePort=number(match[2]))
    return ports


def _its_endpoints(told: Described) -> list[JsonObject]:
    """Ready addresses by port. A Service without any shows none, be there unready ones or not."""
    subsets = [
        subset
        for entry in told.outline.children
        if entry.key == "Endpoints" and shown(entry.value)
        for subset in subsets_of(entry.value)
    ]
    return [new("Endpoints", told.namespace, told.text("Name"), subsets=subsets)] if subsets else []


def _endpoints(told: Described) -> JsonObject:
    subsets: list[JsonObject] = []
    for entry in told.outline.get("Subsets").children:
        if entry.key == "Addresses":
            subsets.append(known(addresses=_addresses(entry.value)))
        elif subsets and entry.key == "NotReadyAddresses":
            subsets[-1] |= known(notReadyAddresses=_addresses(entry.value))
        elif subsets and entry.key == "Ports":
            rows = read_table(entry.block())
            subsets[-1]["ports"] = [
                known(
                    name=shown(r.get("Name", "")), port=number(r.get("Port", "")), protocol=r.get("Protocol")
                )
                for r in rows
            ]
    return {"subsets": subsets}


def _addresses(text: str) -> list[JsonObject] | None:
    return [{"ip": ip} for ip in listed(text)] or None


# -- ingresses ---------------------------------------------------------------------------------------
def _ingress(told: Described) -> JsonObject:
    rules: list[JsonObject] = []
    for line in told.outline.get("Rules").block()[1:]:
        match = _BACKEND.fullmatch(line.strip())
        if match and rules:
            paths = rules[-1].setdefault("http", {"paths": []})["paths"]
            paths.append({"path": match["path"] or "/", "backend": _backend(match)})
        elif not match and set(line.strip()) - {"-", " "}:
            host = line.split()[0]
            rules.append({} if host == "*" else {"host": host})
    default = _BACKEND.fullmatch(told.text("Default backend"))
    tls = [_TLS.fullmatch(e.line) for e in told.outline.get("TLS").children]
    spec = known(
        ingressClassName=told.text("Ingress Class"),
        rules=rules or None,
        defaultBackend=_backend(default) if default else None,
        tls=[{"secretName": m[1], "hosts": listed(m[2])} for m in tls if m] or None,
    )
    return known(spec=spec, status=balancer(listed(told.text("Address"))))


def _backend(match: re.Match[str]) -> JsonObject:
    port = port_or_name(match["port"])
    return {
        "service": {"name": match["service"], "port": {"number" if isinstance(port, int) else "name": port}}
    }


# -- network policies --------------------------------------------------------------------------------
def _policy(told: Described) -> JsonObject:
    spec = told.outline.get("Spec")
    types = listed(spec.text("Policy Types"))
    result: JsonObject = {"podSelector": selector(_plain(spec.text("PodSelector"))), "policyTypes": types}
    for direction, peers in (("ingress", "From"), ("egress", "To")):
        section = spec.get(f"Allowing {direction} traffic")
        rules = _rules(section.children, peers)
        if rules:
            result[direction] = rules
    return {"spec": result}


def _plain(text: str) -> str:
    """`<none> (Allowing the specific traffic to all pods in this namespace)` as nothing."""
    return "" if text.startswith(("<none>", "<any>")) else text


def _rules(entries: Iterable[Entry], peers: str) -> list[JsonObject]:
    """Rules between lines of dashes. A rule that allows any port or peer names none."""
    rules: list[JsonObject] = []
    fresh = True
    for entry in entries:
        if entry.line.startswith("<none>"):
            return []
        if not set(entry.line) - {"-"}:
            fresh = True
            continue
        if fresh:
            rules.append({})
            fresh = False
        if entry.key == "To Port" and _plain(entry.value):
            rules[-1].setdefault("ports", []).append(_policy_port(entry.value))
        elif entry.key == peers and entry.children:
            rules[-1].setdefault(peers.lower(), []).append(_peer(entry))
    return rules


def _policy_port(text: str) -> JsonObject:
    port, _, protocol = text.partition("/")
    low, _, high = port.partition("-")
    if number(low) is not None and number(high) is not None:
        return known(port=number(low), endPort=number(high), protocol=protocol)
    return known(port=port_or_name(port), protocol=protocol)


def _peer(entry: Entry) -> JsonObject:
    peer: JsonObject = {}
    for field, key in (("namespaceSelector", "NamespaceSelector"), ("podSelector", "PodSelector")):
        if entry.has(key):
            peer[field] = selector(_plain(entry.text(key)))
    block = entry.get("IPBlock")
    if block.children:
        excepted = listed(block.text("Except"))
        peer["ipBlock"] = {"cidr": block.text("CIDR")} | known(**{"except": excepted or None})
    return peer


BUILDERS: dict[str, Callable[[Described], JsonObject]] = {
    "Service": _service,
    "Endpoints": _endpoints,
    "Ingress": _ingress,
    "NetworkPolicy": _policy,
}
COMPANIONS: dict[str, Callable[[Described], list[JsonObject]]] = {"Service": _its_endpoints}
