"""The pieces pods are made of: containers, the states they are in, probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class State:
    """One container's state; times are seconds before now. `kind`: running, waiting or terminated."""

    kind: str = "running"
    reason: str = ""
    message: str = ""
    exit_code: int = 0
    signal: int = 0
    started: int | None = None
    finished: int = 40
    ready: bool = True
    restarts: int = 0
    last: State | None = None


def running(
    *, ready: bool = True, restarts: int = 0, last: State | None = None, started: int | None = None
) -> State:
    return State(ready=ready, restarts=restarts, last=last, started=started)


def waiting(reason: str, message: str = "") -> State:
    return State("waiting", reason, message, ready=False)


def ended(
    code: int = 0, reason: str = "", *, finished: int = 40, ran: int = 3, message: str = "", restarts: int = 0
) -> State:
    reason = reason or ("Completed" if code == 0 else "Error")
    return State(
        "terminated",
        reason,
        message,
        code,
        started=finished + ran,
        finished=finished,
        ready=False,
        restarts=restarts,
    )


def crash(
    code: int = 1,
    reason: str = "",
    *,
    restarts: int = 7,
    ran: int = 3,
    message: str = "",
    finished: int = 95,
    backoff: str = "5m0s",
) -> State:
    """CrashLoopBackOff after a run of `ran` seconds that ended with `code`."""
    return State(
        "waiting",
        "CrashLoopBackOff",
        f"back-off {backoff} restarting failed container=<container> pod=<pod>_<ns>(<uid>)",
        ready=False,
        restarts=restarts,
        last=ended(code, reason, ran=ran, finished=finished, message=message),
    )


@dataclass(frozen=True)
class Container:
    spec: Json
    state: State = field(default_factory=State)
    log: str = ""
    previous: str | None = None
    usage: tuple[str, str] = ("4m", "38Mi")

    @property
    def name(self) -> str:
        return str(self.spec["name"])


def c(
    name: str,
    image: str = "",
    *,
    state: State | None = None,
    log: str = "",
    previous: str | None = None,
    usage: tuple[str, str] = ("4m", "38Mi"),
    env: Mapping[str, Any] | None = None,
    ports: Sequence[int | tuple[str, int] | tuple[str, int, str]] = (),
    cpu: tuple[str, str] | None = ("20m", ""),
    memory: tuple[str, str] | None = ("64Mi", "256Mi"),
    mounts: Mapping[str, str] | None = None,
    **spec: Any,
) -> Container:
    """One container: `cpu` and `memory` are (request, limit), `mounts` is volume: path."""
    body: Json = {"name": name, "image": image or f"registry.corp.test/apps/{name}:2.3.1"}
    body |= spec
    if env:
        body["env"] = [
            {"name": k, "value": v} if isinstance(v, str) else {"name": k, "valueFrom": v}
            for k, v in env.items()
        ]
    if ports:
        body["ports"] = [_port(p) for p in ports]
    body["resources"] = _resources(cpu, memory) | spec.get("resources", {})
    body["volumeMounts"] = [{"name": k, "mountPath": v} for k, v in (mounts or {}).items()] + list(
        spec.get("volumeMounts", ())
    )
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if probe in body:
            defaults = {
                "timeoutSeconds": 1,
                "periodSeconds": 10,
                "successThreshold": 1,
                "failureThreshold": 3,
            }
            body[probe] = defaults | body[probe]
    body.setdefault("imagePullPolicy", "IfNotPresent")
    body |= {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
    return Container(body, state or running(), log, previous, usage)


def _port(port: Any) -> Json:
    if isinstance(port, int):
        return {"containerPort": port, "protocol": "TCP"}
    name, number, *protocol = port
    return {"name": name, "containerPort": number, "protocol": protocol[0] if protocol else "TCP"}


def _resources(cpu: tuple[str, str] | None, memory: tuple[str, str] | None) -> Json:
    result: Json = {}
    for name, pair in (("cpu", cpu), ("memory", memory)):
        for where, value in zip(("requests", "limits"), pair or (), strict=False):
            if value:
                result.setdefault(where, {})[name] = value
    return result


def http(path: str, port: int | str, scheme: str = "HTTP", **more: Any) -> Json:
    return {"httpGet": {"path": path, "port": port, "scheme": scheme}, **more}


def tcp(port: int | str, **more: Any) -> Json:
    return {"tcpSocket": {"port": port}, **more}


def execs(*command: str, **more: Any) -> Json:
    return {"exec": {"command": list(command)}, **more}


def from_config(name: str, key: str, optional: bool = False) -> Json:
    return {"configMapKeyRef": {"name": name, "key": key} | ({"optional": True} if optional else {})}


def from_secret(name: str, key: str) -> Json:
    return {"secretKeyRef": {"name": name, "key": key}}
