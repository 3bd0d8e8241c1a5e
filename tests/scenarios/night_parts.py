"""What the clusters of half d have in common: applications with their Services, repeated log lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scenarios.builders import World
from scenarios.parts import Container, Json, State, c, crash, http
from scenarios.workloads import deployment, service

DAY = 86400


def app(
    w: World,
    ns: str,
    name: str,
    log: str = "",
    *,
    port: int = 8080,
    replicas: int = 2,
    box: Mapping[str, Any] | None = None,
    age: int = DAY * 6,
    beside: Sequence[Container] = (),
    **more: Any,
) -> Json:
    """A Deployment of one HTTP program and its Service, which is returned."""
    given = {"readinessProbe": http("/healthz", port), "ports": [("http", port)]} | dict(box or {})
    deployment(w, ns, name, [c(name, log=log, **given), *beside], replicas=replicas, age=age, **more)
    return service(w, ns, name, 80, target=port)


def crashing(w: World, ns: str, name: str, log: str, code: int = 1, **more: Any) -> Json:
    """A Deployment in CrashLoopBackOff."""
    box = {"state": crash(code, restarts=14)} | more.pop("box", {})
    return deployment(w, ns, name, c(name, log=log, **box), age=more.pop("age", 5000), **more)


def config_error(message: str) -> tuple[State, list[tuple[Any, ...]]]:
    """A container that the kubelet cannot configure, and its event."""
    state = State("waiting", "CreateContainerConfigError", message, ready=False)
    return state, [("Warning", "Failed", f"Error: {message}", 31, 3000, 12)]


def rbac(w: World, ns: str, account: str, rules: list[Json], name: str = "") -> None:
    """A service account, its Role and the binding of the two."""
    name = name or account
    api = "rbac.authorization.k8s.io"
    w.add("v1", "ServiceAccount", ns, account)
    w.add(f"{api}/v1", "Role", ns, name, rules=rules)
    subjects = [{"kind": "ServiceAccount", "name": account, "namespace": ns}]
    w.add(
        f"{api}/v1",
        "RoleBinding",
        ns,
        name,
        roleRef={"apiGroup": api, "kind": "Role", "name": name},
        subjects=subjects,
    )


def condition(w: World, kind: str, ok: bool, reason: str, message: str, ago: int = 4000) -> Json:
    row = {"type": kind, "status": "True" if ok else "False", "reason": reason, "message": message}
    return row | {"lastTransitionTime": w.t(ago)}


def policy(w: World, ns: str, name: str, **spec: Any) -> Json:
    return w.add(
        "networking.k8s.io/v1", "NetworkPolicy", ns, name, spec={"podSelector": {}, **spec}, age=7000
    )


def to_namespace(name: str) -> Json:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


DNS = {
    "to": [to_namespace("kube-system")],
    "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
}


def ip(svc: Json) -> str:
    return str(svc["spec"]["clusterIP"])


def gave_up(top: Json, at: str) -> Json:
    """Sets when a failed Job gave up."""
    for row in top["status"]["conditions"]:
        row["lastTransitionTime"] = at
    return top
