"""Specs and statuses of pods, as the API server fills in the one and the kubelet the other."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scenarios.machines import Machines
from scenarios.parts import Container, Json, State


class Statuses(Machines):
    """What a pod object says of itself."""

    def _pod_spec(self, containers: Sequence[Container], inits: Sequence[Container], spec: Json) -> Json:
        body = {
            "containers": [dict(x.spec) for x in containers],
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "default",
            "securityContext": {},
            "schedulerName": "default-scheduler",
            "priority": 0,
            "enableServiceLinks": True,
            "preemptionPolicy": "PreemptLowerPriority",
        }
        if inits:
            body["initContainers"] = [dict(x.spec) for x in inits]
        body |= spec
        return body | {"serviceAccount": body["serviceAccountName"]}

    def _pod_status(
        self,
        pod: Json,
        containers: Sequence[Container],
        inits: Sequence[Container],
        node: Json | None,
        ip: str,
        age: int,
        fill: Any,
    ) -> Json:
        if node is None:
            return {"phase": "Pending", "qosClass": "Burstable"}
        state_of = {x.name: x.state for x in (*inits, *containers)}
        done = all(
            (s.kind == "terminated" and s.exit_code == 0) or x.spec.get("restartPolicy") == "Always"
            for x in inits
            for s in [state_of[x.name]]
        )
        never = pod["spec"]["restartPolicy"] == "Never"
        states = [x.state for x in containers]
        phase = "Running"
        if all(s.kind == "terminated" for s in states) and (never or all(s.exit_code == 0 for s in states)):
            phase = "Failed" if any(s.exit_code for s in states) else "Succeeded"
        elif not done or all(s.kind == "waiting" and not s.last for s in states):
            phase = "Pending"
        unready = [x.name for x in containers if not (x.state.kind == "running" and x.state.ready)]
        started = phase in ("Running", "Succeeded") or any(
            s.kind != "waiting" or s.last for s in state_of.values()
        )
        conditions = [("Initialized", done), ("Ready", not unready), ("ContainersReady", not unready)]
        rows = [
            self._pod_condition(k, ok, age, unready if k != "Initialized" else None) for k, ok in conditions
        ]
        if self.minor >= 29:
            rows.insert(0, self._pod_condition("PodReadyToStartContainers", started, age, None))
        rows.append(self._pod_condition("PodScheduled", True, age, None))
        status: Json = {
            "phase": phase,
            "conditions": rows,
            "hostIP": node["status"]["addresses"][0]["address"],
            "startTime": self.t(age),
            "qosClass": "Burstable",
            "containerStatuses": [self._container_status(x, age, fill) for x in containers],
        }
        if started and phase not in ("Failed",):
            status |= {"podIP": ip, "podIPs": [{"ip": ip}]}
        if inits:
            status["initContainerStatuses"] = [self._container_status(x, age, fill, init=True) for x in inits]
        return status

    def _pod_condition(self, kind: str, ok: bool, age: int, unready: list[str] | None) -> Json:
        row = {
            "type": kind,
            "status": "True" if ok else "False",
            "lastProbeTime": None,
            "lastTransitionTime": self.t(min(age, 300) if not ok else age),
        }
        if not ok and unready:
            row |= {
                "reason": "ContainersNotReady",
                "message": f"containers with unready status: [{' '.join(unready)}]",
            }
        return row

    def _container_status(self, item: Container, age: int, fill: Any, init: bool = False) -> Json:
        s = item.state
        runtime = self.flavour.runtime.split(":")[0]
        has_run = s.kind != "waiting" or s.last is not None
        identity = f"{runtime}://{self.rng.getrandbits(256):064x}" if has_run else ""
        return {
            "name": item.name,
            "state": self._state(item, s, age, fill, identity),
            "lastState": self._state(item, s.last, age, fill, identity) if s.last else {},
            "ready": (s.kind == "running" and s.ready) or (init and s.kind == "terminated" and s.exit_code == 0),
            "started": s.kind == "running" and (s.ready or "startupProbe" not in item.spec),
            "restartCount": s.restarts,
            "image": item.spec["image"],
            "imageID": f"{item.spec['image'].rsplit(':', 1)[0]}@sha256:{self.rng.getrandbits(256):064x}" if has_run else "",
            "containerID": identity,
        }  # fmt: skip

    def _state(self, item: Container, s: State, age: int, fill: Any, identity: str) -> Json:
        message = fill(s.message.replace("<container>", item.name))
        if s.kind == "running":
            started = s.started or (s.last.finished if s.last else max(age - 3, 1))
            return {"running": {"startedAt": self.t(started)}}
        if s.kind == "waiting":
            return {"waiting": {"reason": s.reason} | ({"message": message} if message else {})}
        never_ran = s.reason in ("StartError", "ContainerCannotRun")
        body = {"exitCode": s.exit_code, "reason": s.reason}
        body |= {"signal": s.signal} if s.signal else {}
        body |= {"message": message} if message else {}
        started_at = "1970-01-01T00:00:00Z" if never_ran else self.t(s.started or age)
        return {
            "terminated": body
            | {"startedAt": started_at, "finishedAt": self.t(s.finished), "containerID": identity}
        }
