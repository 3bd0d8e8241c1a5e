"""Pods with what they leave behind: logs, metrics and events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scenarios.parts import Container, Json
from scenarios.statuses import Statuses

_DEFAULT_TOLERATIONS = [
    {
        "key": f"node.kubernetes.io/{state}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 300,
    }
    for state in ("not-ready", "unreachable")
]


def _token_volume(name: str) -> Json:
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 420}}


class Pods(Statuses):
    """Pods of any state."""

    def __init__(self, seed: str, flavour: str = "", minor: int = 0, workers: int = 3) -> None:
        super().__init__(seed, flavour, minor, workers)
        self.logs: dict[tuple[str, ...], str] = {}
        self.metrics: dict[str, list[Json]] = {"Pod": [], "Node": []}

    def pod(
        self,
        ns: str,
        name: str,
        containers: Sequence[Container],
        *,
        inits: Sequence[Container] = (),
        owner: Json | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        spec: Mapping[str, Any] | None = None,
        node: Json | None = None,
        scheduled: bool = True,
        why_not: str = "",
        age: int = 5400,
        status: Mapping[str, Any] | None = None,
        events: Iterable[tuple[Any, ...]] = (),
        meta: Mapping[str, Any] | None = None,
        static: bool = False,
    ) -> Json:
        """One pod with its statuses, logs, metrics and events.

        `why_not` is the scheduler's message of a pod that found no node; `events` are (type, reason,
        message[, count[, first, last[, container]]]) beside the ones every pod has.
        """
        node = (node or self.rng.choice(self.workers)) if scheduled else None
        token = f"kube-api-access-{self.suffix()}"
        body = self._pod_spec(containers, inits, dict(spec or {}))
        body["volumes"] = [*body.get("volumes", ()), _token_volume(token)]
        for item in (*body["containers"], *body.get("initContainers", ())):
            path = "/var/run/secrets/kubernetes.io/serviceaccount"
            mount = {"name": token, "readOnly": True, "mountPath": path}
            item["volumeMounts"] = [*item.get("volumeMounts", ()), mount]
        if node:
            body["nodeName"] = node["metadata"]["name"]
        body.setdefault("tolerations", [])
        body["tolerations"] = [*body["tolerations"], *_DEFAULT_TOLERATIONS]
        pod = self.add(
            "v1",
            "Pod",
            ns,
            name,
            labels=labels,
            annotations=annotations,
            owner=owner,
            age=age,
            spec=body,
        )
        pod["metadata"] |= dict(meta or {})
        ip = f"10.244.{self.rng.randint(1, 9)}.{self.rng.randint(2, 250)}" if node else ""
        fill = self._filler(pod, ip)
        pod["status"] = self._pod_status(pod, containers, inits, node, ip, age, fill) | dict(status or {})
        if why_not:
            self._not_scheduled(pod, why_not, age)
        elif node and not static:
            self._usual_events(pod, containers, inits, age)
        for event in events:
            kind, reason, message, *rest = event
            self.event(pod, kind, reason, fill(message), *rest)
        gone = (
            node is None
            or node["metadata"]["name"] in self.dead_nodes
            or pod["status"].get("reason") == "Evicted"
        )
        if not gone:
            self._logs_and_usage(pod, (*inits, *containers), age, fill)
        return pod

    @staticmethod
    def _filler(pod: Json, ip: str) -> Any:
        meta = pod["metadata"]
        values = {
            "<pod>": meta["name"],
            "<ns>": meta["namespace"],
            "<uid>": meta["uid"],
            "<node>": pod["spec"].get("nodeName", ""),
            "<ip>": ip,
        }

        def fill(text: str) -> str:
            for key, value in values.items():
                text = text.replace(key, value)
            return text

        return fill

    def _not_scheduled(self, pod: Json, message: str, age: int) -> None:
        row = {"type": "PodScheduled", "status": "False", "lastProbeTime": None}
        row |= {"lastTransitionTime": self.t(age), "reason": "Unschedulable", "message": message}
        pod["status"]["conditions"] = [row]
        self.event(
            pod, "Warning", "FailedScheduling", message, max(1, age // 300), min(age, 3500), 20, series=True
        )

    def _usual_events(
        self, pod: Json, containers: Sequence[Container], inits: Sequence[Container], age: int
    ) -> None:
        """What scheduler and kubelet say of any pod; events live one hour."""
        meta, node = pod["metadata"], pod["spec"]["nodeName"]
        if age < 3600:
            text = f"Successfully assigned {meta['namespace']}/{meta['name']} to {node}"
            self.event(pod, "Normal", "Scheduled", text, 1, age, age, source="default-scheduler", series=True)
        created = "Created container: {}" if self.minor >= 32 else "Created container {}"
        for item in (*inits, *containers):
            state = item.state
            if state.kind == "waiting" and state.last is None:
                continue
            if age >= 3600 and not (state.restarts and state.kind == "waiting"):
                continue
            starts = state.restarts + 1
            last = (state.last.started or 10) if state.last else age
            image = f'Container image "{item.spec["image"]}" already present on machine'
            ran = not (state.last and state.last.reason in ("StartError", "ContainerCannotRun"))
            rows = [("Pulled", image), ("Created", created.format(item.name))]
            rows += [("Started", f"Started container {item.name}")] if ran else []
            for reason, text in rows:
                self.event(pod, "Normal", reason, text, starts, min(age, 7200), min(last, age), item.name)
            if state.kind == "waiting" and state.reason == "CrashLoopBackOff":
                text = "Back-off restarting failed container"
                if self.minor >= 27:
                    text += f" {item.name} in pod {meta['name']}_{meta['namespace']}({meta['uid']})"
                self.event(pod, "Warning", "BackOff", text, starts * 5, min(age, 7000), 11, item.name)

    def _logs_and_usage(self, pod: Json, items: Iterable[Container], age: int, fill: Any) -> None:
        meta = pod["metadata"]
        usage = []
        for item in items:
            s, key = item.state, (meta["namespace"], meta["name"], item.name)
            current = s.last if s.kind == "waiting" else s
            if current is None:
                continue
            start = current.started or (s.last.finished if s.last else age)
            end = current.finished if current.kind == "terminated" else min(20, start)
            self.logs[key] = self._stamp(fill(item.log), start, end)
            if s.last is not None:
                text = item.log if item.previous is None else item.previous
                self.logs[(*key, "previous")] = self._stamp(
                    fill(text), s.last.started or age, s.last.finished
                )
            if s.kind == "running":
                usage.append({"name": item.name, "usage": {"cpu": item.usage[0], "memory": item.usage[1]}})
        if usage and age > 60:
            row = {
                "metadata": {
                    "name": meta["name"],
                    "namespace": meta["namespace"],
                    "labels": meta.get("labels", {}),
                }
            }
            self.metrics["Pod"].append(
                row | {"timestamp": self.t(25), "window": "15.1s", "containers": usage}
            )

    def _stamp(self, text: str, start: float, end: float) -> str:
        lines = text.splitlines()
        step = max(start - end, 0) / max(len(lines), 1)
        nano = self.rng.randrange(10**8)
        stamped = (
            f"{self._clock(start - step * i, (nano + i * 7919) % 10**9)} {line}"
            for i, line in enumerate(lines)
        )
        return "".join(f"{line}\n" for line in stamped)
