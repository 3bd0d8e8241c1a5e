"""Pods and pod templates from `kubectl describe`.

A description tells all of a container's ports, resources, probes, environment and mounts: what it does not
name is set to empty (a probe to None), so that an older copy of the object adds nothing there.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from urllib.parse import unquote

from kubelore.cluster.text.cells import known, label_map, number, port_or_name, shown
from kubelore.cluster.text.describe_volumes import volumes_of
from kubelore.cluster.text.outline import Entry, read_table
from kubelore.cluster.text.times import date_stamp
from kubelore.types import JsonObject

_PROBE_NUMBERS = (
    ("initialDelaySeconds", re.compile(r"delay=(\d+)s")),
    ("timeoutSeconds", re.compile(r"timeout=(\d+)s")),
    ("periodSeconds", re.compile(r"period=(\d+)s")),
    ("successThreshold", re.compile(r"(?:#success|successThreshold)=(\d+)")),
    ("failureThreshold", re.compile(r"(?:#failure|failureThreshold)=(\d+)")),
)
_PROBE_ACTION = re.compile(r"(exec|http-get|tcp-socket|grpc)\s+(.*?)\s*(?=delay=\d+s|$)", re.DOTALL)
_URL = re.compile(r"(?P<scheme>\w+)://(?P<host>\[[^\]]*\]|[^:/]*)(?::(?P<port>[^/]*))?(?P<path>/.*)?")
_KEY_REF = re.compile(r"<set to the key '(?P<key>[^']*)' (?P<of>in secret|of config map) '(?P<name>[^']*)'>")
_FIELD_REF = re.compile(
    r"(?P<value>.*?)\s*\((?P<version>v\d\w*):(?P<path>[A-Za-z][\w.\[\]'/-]*)\)", re.DOTALL
)
_RESOURCE_REF = re.compile(r"(?P<value>\S*)\s*\((?P<resource>(?:limits|requests)\.[\w./-]+)\)")
_OPTIONAL = re.compile(r"Optional:\s+(true|false)")
_TOLERATION = re.compile(r"((?!op=)[^=:\s]*|)(?:=([^:\s]*))?(?::(\w+))?(?:\s*op=(\w+))?(?:\s+for\s+(\d+)s)?")
_MOUNT = re.compile(r"(?P<path>.+) from (?P<name>\S+) \((?P<flags>[^)]*)\)")


def pod_of(described: Entry) -> JsonObject:
    """spec and status of a described pod."""
    node, _, host = shown(described.text("Node")).partition("/")
    spec = pod_spec(described) | known(
        nodeName=node,
        priority=number(described.text("Priority")),
        priorityClassName=shown(described.text("Priority Class Name")),
        runtimeClassName=shown(described.text("Runtime Class Name")),
        readinessGates=_gates(described),
    )
    addresses = [line.partition(":")[2].strip() for line in described.get("IPs").lines() if ":" in line]
    phase = shown(described.text("Status"))
    status = known(
        phase="" if phase.startswith("Terminating") else phase,
        reason=shown(described.text("Reason")),
        message=shown(described.get("Message").whole()),
        startTime=date_stamp(described.text("Start Time")),
        podIP=shown(described.text("IP")),
        podIPs=[{"ip": ip} for ip in addresses if ip] or None,
        hostIP=host,
        nominatedNodeName=shown(described.text("NominatedNodeName")),
        qosClass=shown(described.text("QoS Class")),
        conditions=_conditions(described),
        containerStatuses=_statuses(described.get("Containers")),
        initContainerStatuses=_statuses(described.get("Init Containers")),
        ephemeralContainerStatuses=_statuses(described.get("Ephemeral Containers")),
    )
    return known(spec=spec, status=status)


def _gates(described: Entry) -> list[JsonObject] | None:
    rows = read_table([e.line for e in described.get("Readiness Gates").children])
    return [{"conditionType": row["Type"]} for row in rows if row.get("Type")] or None


def _conditions(described: Entry) -> list[JsonObject] | None:
    """Type and Status; the other fields are printed for nodes only."""
    found = [e.line.split() for e in described.get("Conditions").children]
    pairs = [words for words in found if len(words) == 2 and words[0] != "Type"]
    return [{"type": kind, "status": status} for kind, status in pairs] or None


def template_of(described: Entry) -> JsonObject:
    """The pod template of a described controller."""
    template = described.get("Pod Template")
    metadata: JsonObject = {"labels": label_map(shown(line) for line in template.get("Labels").lines())}
    return {"metadata": metadata, "spec": pod_spec(template)}


def pod_spec(described: Entry) -> JsonObject:
    """What a pod and a template have in common."""
    spec: JsonObject = {
        "containers": _containers(described.get("Containers")),
        "initContainers": _containers(described.get("Init Containers")),
        "volumes": volumes_of(described.get("Volumes")),
    }
    if described.has("Node-Selectors"):
        spec["nodeSelector"] = label_map(shown(line) for line in described.get("Node-Selectors").lines())
    if described.has("Tolerations"):
        lines = described.get("Tolerations").lines()
        spec["tolerations"] = [_toleration(line) for line in lines if shown(line)]
    account = described.text("Service Account") or described.text("Service Account Name")
    return spec | known(serviceAccountName=shown(account))


def _toleration(line: str) -> JsonObject:
    match = _TOLERATION.match(line.strip())
    key, value, effect, operator, seconds = match.groups() if match else (line, None, None, None, None)
    return known(
        key=key,
        value=value,
        effect=effect,
        operator=operator or ("Equal" if key else "Exists"),
        tolerationSeconds=number(seconds or ""),
    )


# -- containers --------------------------------------------------------------------------------------
def _containers(section: Entry) -> list[JsonObject]:
    return [_container(entry) for entry in section.children if entry.key]


def _container(entry: Entry) -> JsonObject:
    return {
        "name": entry.key,
        "image": shown(entry.text("Image")),
        "command": _arguments(entry.get("Command")),
        "args": _arguments(entry.get("Args")),
        "ports": _ports(entry),
        "resources": {"limits": _amounts(entry.get("Limits")), "requests": _amounts(entry.get("Requests"))},
        "livenessProbe": read_probe(entry.text("Liveness")),
        "readinessProbe": read_probe(entry.text("Readiness")),
        "startupProbe": read_probe(entry.text("Startup")),
        "envFrom": [_env_from(e.line) for e in entry.get("Environment Variables from").children],
        "env": [_variable(e) for e in entry.get("Environment").children if e.key],
        "volumeMounts": [mount for e in entry.get("Mounts").children if (mount := _mount(e.line))],
    }


def _arguments(section: Entry) -> list[str]:
    """One line each; an argument with line breaks takes several."""
    return [line for child in section.children for line in (child.line, *(e.line for e in child.walk()))]


def _ports(entry: Entry) -> list[JsonObject]:
    """`8080/TCP, 9090/UDP`; newer kubectl adds the name: `8080/TCP (http)`."""
    ports = []
    told = entry.text("Ports") or entry.text("Port")
    hosts = (entry.text("Host Ports") or entry.text("Host Port")).split(",")
    for index, text in enumerate(shown(told).split(",")):
        match = re.match(r"\s*(\d+)/(\w+)(?:\s+\(([^)]*)\))?", text)
        if match is None:
            continue
        host = re.match(r"\s*(\d+)/", hosts[index]) if index < len(hosts) else None
        ports.append(
            known(
                name=match[3],
                containerPort=int(match[1]),
                protocol=match[2],
                hostPort=int(host[1]) or None if host else None,
            )
        )
    return ports


def _amounts(section: Entry) -> dict[str, str]:
    return {e.key: e.value for e in section.children if e.key and e.value}


def _variable(entry: Entry) -> JsonObject:
    name, value = entry.key, "\n".join([entry.value, *(e.line for e in entry.walk())])
    optional = _OPTIONAL.search(value)
    for pattern, read in _SOURCES:
        match = pattern.match(value) if pattern is _KEY_REF else pattern.fullmatch(value)
        if match:
            source = read(match)
            if optional and pattern is _KEY_REF:
                next(iter(source.values()))["optional"] = optional[1] == "true"
            return {"name": name, "valueFrom": source}
    return {"name": name, "value": value}


def _from_key(match: re.Match[str]) -> JsonObject:
    field = "secretKeyRef" if match["of"] == "in secret" else "configMapKeyRef"
    return {field: {"name": match["name"], "key": match["key"]}}


def _from_field(match: re.Match[str]) -> JsonObject:
    return {"fieldRef": {"apiVersion": match["version"], "fieldPath": match["path"]}}


def _from_resource(match: re.Match[str]) -> JsonObject:
    return {"resourceFieldRef": {"resource": match["resource"]}}


_SOURCES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], JsonObject]], ...] = (
    (_KEY_REF, _from_key),
    (_FIELD_REF, _from_field),
    (_RESOURCE_REF, _from_resource),
)


def _env_from(line: str) -> JsonObject:
    """`settings  ConfigMap with prefix 'APP_'  Optional: false`"""
    name, _, rest = line.strip().partition(" ")
    field = "secretRef" if rest.lstrip().startswith("Secret") else "configMapRef"
    optional, prefix = _OPTIONAL.search(rest), re.search(r"with prefix '([^']*)'", rest)
    source = known(name=name, optional=optional[1] == "true" if optional else None)
    return known(prefix=prefix[1] if prefix else None) | {field: source}


def _mount(line: str) -> JsonObject | None:
    """`/data from store (ro,path="sub")`"""
    match = _MOUNT.match(line)
    if match is None:
        return None
    flags = match["flags"].split(",")
    sub = re.search(r'path="([^"]*)"', match["flags"])
    return known(
        name=match["name"],
        mountPath=match["path"],
        readOnly=True if "ro" in flags else None,
        subPath=sub[1] if sub else None,
    )


# -- probes ------------------------------------------------------------------------------------------
def read_probe(text: str) -> JsonObject | None:
    """`http-get http://:8080/healthz delay=10s timeout=1s period=10s #success=1 #failure=3` as a Probe."""
    action = _PROBE_ACTION.match(shown(text))
    if action is None:
        return None
    probe = _ACTIONS[action[1]](action[2])
    numbers = text[action.end() :]
    for name, pattern in _PROBE_NUMBERS:
        match = pattern.search(numbers)
        if match:
            probe[name] = int(match[1])
    return probe


def _exec(text: str) -> JsonObject:
    """Words between brackets; where an argument had spaces is lost, and quotes tell it again."""
    inside = text.strip().removeprefix("[").removesuffix("]")
    try:
        words = shlex.split(inside)
    except ValueError:
        words = inside.split()
    return {"exec": {"command": words}}


def _http_get(text: str) -> JsonObject:
    match = _URL.match(text.strip())
    if match is None:
        return {"httpGet": {}}
    fields = known(
        scheme=match["scheme"].upper(),
        host=match["host"],
        port=port_or_name(match["port"] or ""),
        path=unquote(match["path"] or "/"),
    )
    return {"httpGet": fields}


def _tcp_socket(text: str) -> JsonObject:
    host, _, port = text.strip().rpartition(":")
    return {"tcpSocket": known(host=host, port=port_or_name(port))}


def _grpc(text: str) -> JsonObject:
    port, _, service = text.strip().removeprefix("<pod>:").partition(" ")
    return {"grpc": known(port=number(port), service=service.strip())}


_ACTIONS: dict[str, Callable[[str], JsonObject]] = {
    "exec": _exec,
    "http-get": _http_get,
    "tcp-socket": _tcp_socket,
    "grpc": _grpc,
}


# -- states ------------------------------------------------------------------------------------------
def _statuses(section: Entry) -> list[JsonObject] | None:
    """Of containers that have one: of a pod that no kubelet has taken up only the spec is told."""
    return [_status(entry) for entry in section.children if entry.has("Ready")] or None


def _status(entry: Entry) -> JsonObject:
    return known(
        name=entry.key,
        imageID=shown(entry.text("Image ID")),
        containerID=shown(entry.text("Container ID")),
        ready={"True": True, "False": False}.get(entry.text("Ready")),
        restartCount=number(entry.text("Restart Count")),
        state=_state(entry.get("State")),
        lastState=_state(entry.get("Last State")),
    )


def _state(entry: Entry) -> JsonObject:
    """A container whose pod no kubelet has taken up shows `Waiting` without a reason, or nothing."""
    fields = known(
        reason=shown(entry.text("Reason")),
        message=entry.get("Message").whole(),
        exitCode=number(entry.text("Exit Code")),
        signal=number(entry.text("Signal")),
        startedAt=date_stamp(entry.text("Started")),
        finishedAt=date_stamp(entry.text("Finished")),
    )
    match entry.value:
        case "Running":
            return {"running": known(startedAt=fields.get("startedAt"))}
        case "Waiting":
            return {"waiting": fields}
        case "Terminated":
            return {"terminated": fields}
    return {}
