"""How a pod is doing, as one word and as a rank: which pod and which container to look at first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubelore.analysis.pods import job_is_done
from kubelore.analysis.view import View, ref_of
from kubelore.errors import ObjectNotFound
from kubelore.types import JsonObject

WAITING_NORMALLY = {"", "ContainerCreating", "PodInitializing"}


def statuses(pod: JsonObject) -> list[JsonObject]:
    """Init containers first, then the main ones, in the order of the spec."""
    status, spec = pod.get("status") or {}, pod.get("spec") or {}
    by_name = {
        s.get("name"): s
        for key in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
        for s in status.get(key) or ()
    }
    return [by_name[c.get("name")] for c in containers(spec) if c.get("name") in by_name]


def containers(spec: JsonObject) -> list[JsonObject]:
    """All containers of a pod spec: init, main, ephemeral."""
    return [c for key in ("initContainers", "containers", "ephemeralContainers") for c in spec.get(key) or ()]


def is_init(spec: JsonObject, name: str) -> bool:
    """An init container in the old sense; a restartable one (sidecar) keeps running."""
    return any(
        c.get("name") == name and c.get("restartPolicy") != "Always" for c in spec.get("initContainers") or ()
    )


def state_of(status: JsonObject) -> tuple[str, JsonObject]:
    """(`waiting` | `running` | `terminated` | ``, its details)."""
    for name, details in (status.get("state") or {}).items():
        return name, details or {}
    return "", {}


def last_termination(status: JsonObject) -> JsonObject:
    """The termination that matters: the current one, else the one before the last restart."""
    name, details = state_of(status)
    if name == "terminated":
        return details
    return (status.get("lastState") or {}).get("terminated") or {}


def restarts(pod: JsonObject) -> int:
    return sum(int(s.get("restartCount") or 0) for s in statuses(pod))


def ready_count(pod: JsonObject) -> tuple[int, int]:
    """(ready, all) main containers."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    ready = sum(bool(s.get("ready")) for s in status.get("containerStatuses") or ())
    return ready, len(spec.get("containers") or ())


def pod_status(pod: JsonObject) -> str:
    """The STATUS column of `kubectl get pods`."""
    meta, spec, status = pod.get("metadata") or {}, pod.get("spec") or {}, pod.get("status") or {}
    word = status.get("reason") or status.get("phase") or "Unknown"
    init = status.get("initContainerStatuses") or ()
    inits = len(spec.get("initContainers") or ())
    for i, container in enumerate(init):
        state, details = state_of(container)
        if state == "terminated" and details.get("exitCode") == 0:
            continue
        if not is_init(spec, container.get("name", "")) and container.get("started"):
            continue
        if state == "terminated":
            return f"Init:{details.get('reason') or 'ExitCode:' + str(details.get('exitCode'))}"
        if state == "waiting" and details.get("reason") not in WAITING_NORMALLY:
            return f"Init:{details['reason']}"
        return f"Init:{i}/{inits}"
    for container in reversed(status.get("containerStatuses") or ()):
        state, details = state_of(container)
        if state == "waiting" and details.get("reason"):
            word = details["reason"]
        elif state == "terminated":
            word = details.get("reason") or f"ExitCode:{details.get('exitCode')}"
    if word == "Completed" and any("running" in (s.get("state") or {}) for s in statuses(pod)):
        word = "Running" if pod_ready(pod) else "NotReady"
    if meta.get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(word)


def pod_ready(pod: JsonObject) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def trouble(status: JsonObject) -> int:
    """How bad one container is doing; 0 is fine. Comparable between containers of one pod."""
    state, details = state_of(status)
    bad = 0
    if state == "waiting" and details.get("reason") not in WAITING_NORMALLY:
        bad += 1000
    if state == "terminated" and details.get("exitCode"):
        bad += 800
    if state == "running" and not status.get("ready"):
        bad += 300
    if last_termination(status).get("exitCode"):
        bad += 100
    return bad + min(int(status.get("restartCount") or 0), 99)


def worst_container(pod: JsonObject) -> str:
    """The container to look at: a failing init container before the main ones, then the one with most
    trouble, else the first main one (or the one its annotation calls the default)."""
    spec = pod.get("spec") or {}
    ranked = [(trouble(s), s.get("name", "")) for s in statuses(pod)]
    for bad, name in ranked:
        if is_init(spec, name) and bad >= 300:
            return str(name)
    annotations = (pod.get("metadata") or {}).get("annotations") or {}
    mains = [c.get("name", "") for c in spec.get("containers") or ()]
    default = annotations.get("kubectl.kubernetes.io/default-container") or (mains[0] if mains else "")
    worst = max((pair for pair in ranked if not is_init(spec, pair[1])), default=(0, ""), key=lambda p: p[0])
    return str(worst[1] if worst[0] else default)


def pod_trouble(pod: JsonObject) -> int:
    """How bad a pod is doing; comparable between pods of one workload."""
    if _phase(pod) == "Succeeded":
        return 0
    bad = max(map(trouble, statuses(pod)), default=0)
    if _phase(pod) == "Failed":
        bad += 500
    if not pod_ready(pod):
        bad += 200
    return bad


def worst_pod(pods: Iterable[JsonObject]) -> JsonObject | None:
    """The most failing pod, the newest of equals; a finished one only when there is no other."""
    pods = list(pods)
    active = [p for p in pods if _phase(p) not in ("Succeeded", "Failed")]
    return max(active or pods, key=lambda p: (pod_trouble(p), _made(p)), default=None)


def _phase(pod: JsonObject) -> str:
    return str((pod.get("status") or {}).get("phase"))


def _made(pod: JsonObject) -> str:
    return str((pod.get("metadata") or {}).get("creationTimestamp") or "")


def pods_behind(view: View, obj: JsonObject) -> list[JsonObject]:
    """The pods that an object stands for: its own, a Service's backends, a node's, a claim's users."""
    ref, spec = ref_of(obj), obj.get("spec") or {}
    if ref.kind == "Pod":
        return [obj]
    if ref.kind == "Service":
        return view.selected_pods(spec.get("selector"), ref.namespace)
    if ref.kind == "Node":
        return [p for p in view.all("Pod") if (p.get("spec") or {}).get("nodeName") == ref.name]
    if ref.kind == "PersistentVolumeClaim":
        return [p for p in view.all("Pod", ref.namespace) if ref.name in _claims(p)]
    if ref.kind in ("ReplicaSet", "Job", "ReplicationController"):
        own = [p for p in view.all("Pod", ref.namespace) if view.controller(p) == ref]
        return own or view.pods_of(ref)
    return view.pods_of(ref)


def _claims(pod: JsonObject) -> set[str]:
    volumes: Sequence[JsonObject] = (pod.get("spec") or {}).get("volumes") or ()
    return {(v.get("persistentVolumeClaim") or {}).get("claimName", "") for v in volumes}


def telling_pod(view: View, obj: JsonObject) -> JsonObject | None:
    """The most failing pod an object stands for. One that failed before another one did the work of its Job,
    or of the CronJob, tells only where there is no other."""
    pods = pods_behind(view, obj)
    done = max((_made(pod) for pod in pods if _phase(pod) == "Succeeded"), default="")
    outdone = {
        ref_of(pod)
        for pod in pods
        if _phase(pod) == "Failed" and (_made(pod) < done or job_is_done(view, pod))
    }
    return worst_pod([pod for pod in pods if ref_of(pod) not in outdone] or pods)


def one_pod(view: View, obj: JsonObject) -> JsonObject:
    """The same. Raises ObjectNotFound when it has none."""
    pod = telling_pod(view, obj)
    if pod is None:
        ref = ref_of(obj)
        raise ObjectNotFound(
            f"{ref} has no pods", hint=f"see why: DESCRIBE {ref.kind} {ref.namespace} {ref.name}"
        )
    return pod
