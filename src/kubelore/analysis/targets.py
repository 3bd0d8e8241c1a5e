"""The network addresses that a pod template names: in env, args, commands and ConfigMaps.

Only what has the form of an address counts (URL, host:port, a *_HOST-like variable, the arguments of a
network client), never any word.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kubelore.analysis.view import View
from kubelore.types import JsonObject, Ref

MAX_TEXT = 65536
"""Characters of one ConfigMap value that are looked at."""

DEFAULT_PORTS = {
    "http": 80, "ws": 80, "https": 443, "wss": 443, "postgres": 5432, "postgresql": 5432, "mysql": 3306,
    "mariadb": 3306, "redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671, "mongodb": 27017,
    "nats": 4222, "ldap": 389, "ldaps": 636, "sqlserver": 1433, "clickhouse": 9000, "memcached": 11211,
}  # fmt: skip

NETWORK_SCHEMES = {
    *DEFAULT_PORTS,
    "tcp",
    "udp",
    "grpc",
    "grpcs",
    "dns",
    "lb",
    "h2c",
    "kafka",
    "zk",
    "zookeeper",
}
"""Schemes before a host; after others (`kubernetes://`, `file://`) one follows only when it has a port."""

_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?)*\.?"
_URL = re.compile(
    rf"\b([a-z][a-z0-9+.-]{{0,30}})://(?:[^\s/@'\"]{{0,200}}@)?({_HOST}(?::\d+)?(?:,{_HOST}(?::\d+)?)*)", re.I
)
_HOST_PORT = re.compile(rf"(?<![\w./@:-])({_HOST}):(\d{{2,5}})(?![\w.-]|:\S)")
_BARE_HOST = re.compile(_HOST)
_CLIENT = re.compile(
    rf"(?<![\w-])(?:nc|ncat|netcat|telnet)\s+(?:-[a-zA-Z]+\s+(?:\d+\s+)?)*({_HOST})\s+(\d{{2,5}})\b"
    rf"|(?<![\w-])(?:nslookup|dig|host|ping|getent\s+hosts)\s+(?:-\S+\s+(?:\d+\s+)?)*({_HOST})"
    rf"|(?<![\w-])(?:mysql|mysqladmin|psql|pg_isready|redis-cli|mongosh?|mysqldump|pg_dump)\b[^;&|\n]{{0,200}}?"
    rf"\s(?:-h\s*|--host[= ])({_HOST})(?:[^;&|\n]{{0,200}}?\s(?:-[pP]\s*|--port[= ])(\d{{2,5}})\b)?"
)
_NAMES_ADDRESS = re.compile(r"(?:^|[_.-])(?:host(?:name)?|addr(?:ess)?|url|uri|endpoint|dsn)$", re.I)
_MAY_NAME_ADDRESS = re.compile(
    r"(?:^|[_.-])(?:hosts|addrs|addresses|servers?|service|brokers?|upstream|backend|target|nodes?|peers?|urls"
    r"|endpoints|bootstrap|master|primary|seeds?)$",
    re.I,
)
_OWN = re.compile(
    r"(?:^|[_-])(?:pod|node|listen|bind|my|self|advertised?|public|external|callback|redirect|image)(?:[_-]|$)",
    re.I,
)
_CHOWN = re.compile(r"\bch(?:own|grp)\b[^;&|\n]{0,200}")
_PORT_SIBLING = re.compile(r"(?:host(?:name)?|addr(?:ess)?|service|server)$", re.I)
_VARIABLE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_NOT_HOSTS = {
    "localhost", "true", "false", "yes", "no", "on", "off", "none", "null", "auto", "default", "enabled",
    "disabled", "all", "any", "example.com", "http", "https", "tcp", "udp", "unix", "stdout", "stderr",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """One address. `sure`: its form alone says that it is one; else it counts when a Service has the name."""

    host: str
    port: int | None
    where: str
    sure: bool = True


def parse_targets(text: str, where: str = "log") -> Iterator[Target]:
    """Addresses written as URL or host:port anywhere in a text, such as a log's failing target."""
    for match in _URL.finditer(text):
        for part in match[2].split(","):
            host, _, port = part.partition(":")
            scheme = match[1].lower().split("+")[0]
            if not port and scheme not in NETWORK_SCHEMES:
                continue
            yield from _target(host, int(port) if port else DEFAULT_PORTS.get(scheme), where)
    rest = _URL.sub(" ", text)
    for match in _HOST_PORT.finditer(rest):
        yield from _target(match[1], int(match[2]), where)


def parse_target(text: str, where: str = "log") -> Target | None:
    """One address given on its own: URL, host:port or a bare host."""
    found = next(parse_targets(text, where), None)
    if found is None and _BARE_HOST.fullmatch(text.strip()):
        found = next(_target(text.strip(), None, where), None)
    return found


def _target(host: str, port: int | None, where: str, sure: bool = True) -> Iterator[Target]:
    host = host.rstrip(".").lower()
    if host in _NOT_HOSTS or not host or (port is not None and not 0 < port < 65536):
        return
    if _is_address(host):
        address = ipaddress.ip_address(host)
        if address.is_loopback or address.is_unspecified:
            return
    elif host.replace(".", "").isdigit():
        return
    yield Target(host, port, where, sure)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def targets_of(view: View, workload: Ref) -> list[Target]:
    """Every address the workload's pod template names, each once, in the order of the spec."""
    template = view.pod_template(workload)
    spec = template.get("spec") or {}
    found: dict[tuple[str, int | None], Target] = {}
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        for target in _container_targets(view, workload.namespace, container):
            found.setdefault((target.host, target.port), target)
    for name, keys in _mounted_maps(spec):
        for target in _map_targets(view, workload.namespace, name, keys):
            found.setdefault((target.host, target.port), target)
    return list(found.values())


def _container_targets(view: View, namespace: str, container: JsonObject) -> Iterator[Target]:
    name = container.get("name", "")
    env = environment(view, namespace, container)
    yield from (target for _, target in addresses(env, f"of container {name}"))
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    text = _CHOWN.sub(" ", _expand("\n".join(str(w) for w in words), env)[:MAX_TEXT])
    where = f"command of container {name}"
    yield from parse_targets(text, where)
    for match in _CLIENT.finditer(text):
        host = match[1] or match[3] or match[4]
        port = match[2] or match[5]
        yield from _target(host, int(port) if port else None, where)
    for flag, value in re.findall(r"--?([\w.-]+)[= \n]([^\s=]+)", text):
        yield from _bare_host(flag, value, None, where)


def addresses(env: Mapping[str, str], where: str = "") -> Iterator[tuple[str, Target]]:
    """(variable, address in its value) of an environment."""
    for key, value in env.items():
        for target in _setting_targets(key, value, env, f"env {key} {where}".rstrip()):
            yield key, target


def environment(view: View, namespace: str, container: JsonObject) -> dict[str, str]:
    """Variables whose values can be read: written in the spec or taken from ConfigMaps, never Secrets."""
    env: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        name = (source.get("configMapRef") or {}).get("name")
        for key, value in _config_data(view, namespace, name).items():
            env[f"{source.get('prefix') or ''}{key}"] = value
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("configMapKeyRef") or {}
        data = _config_data(view, namespace, reference.get("name"))
        if value := data.get(reference.get("key", "")) or variable.get("value"):
            env[variable.get("name") or ""] = _expand(str(value), env)
    return env


def _expand(text: str, env: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda m: env.get(m[1], m[0]), text)


def _config_data(view: View, namespace: str, name: str | None) -> Mapping[str, str]:
    found = view.get("ConfigMap", namespace, name) if name else None
    return (found or {}).get("data") or {}


def _setting_targets(key: str, value: str, env: Mapping[str, str], where: str) -> Iterator[Target]:
    if _OWN.search(key):
        return
    found = False
    for target in parse_targets(value[:MAX_TEXT], where):
        found = True
        yield target
    if not found:
        port = env.get(_PORT_SIBLING.sub("PORT", key), "") if _PORT_SIBLING.search(key) else ""
        yield from _bare_host(key, value, int(port) if port.isdigit() else None, where)


def _bare_host(key: str, value: str, port: int | None, where: str) -> Iterator[Target]:
    sure, perhaps = _NAMES_ADDRESS.search(key), _MAY_NAME_ADDRESS.search(key)
    if not (sure or perhaps) or key.upper() == "HOSTNAME" or _OWN.search(key):
        return
    for part in value.split(","):
        if _BARE_HOST.fullmatch(part.strip()):
            yield from _target(part.strip(), port, where, sure=bool(sure))


def mounted_texts(view: View, workload: Ref) -> Iterator[tuple[str, str]]:
    """(where, text) of ConfigMaps mounted as files."""
    for name, keys in _mounted_maps(view.pod_spec(workload)):
        for key, value in _config_data(view, workload.namespace, name).items():
            if not keys or key in keys:
                yield f"{key} of ConfigMap {name}", str(value)


def _mounted_maps(spec: JsonObject) -> Iterator[tuple[str, set[str]]]:
    """ConfigMaps mounted as files, with the keys that are; no keys means all."""
    for volume in spec.get("volumes") or ():
        sources: Iterable[JsonObject] = [volume.get("configMap") or {}]
        sources = [
            *sources,
            *(s.get("configMap") or {} for s in (volume.get("projected") or {}).get("sources") or ()),
        ]
        for source in sources:
            if source.get("name"):
                yield source["name"], {item.get("key", "") for item in source.get("items") or ()}


def _map_targets(view: View, namespace: str, name: str, keys: set[str]) -> Iterator[Target]:
    for key, value in _config_data(view, namespace, name).items():
        if keys and key not in keys:
            continue
        where = f"ConfigMap {name}, {key}"
        text = str(value)[:MAX_TEXT]
        for target in parse_targets(text, where):
            # A file names many things; an address in it is sure when it says that it is in the cluster.
            yield Target(target.host, target.port, where, sure=".svc" in target.host)
        if len(text) < 256 and "\n" not in text.strip():
            yield from _setting_targets(key, text.strip(), {}, where)
