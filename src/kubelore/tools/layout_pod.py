"""Sections of pods and of everything that makes pods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubelore.analysis.view import View, parse_time, ref_of
from kubelore.redaction import redact_object
from kubelore.tools.pods import (
    is_init,
    last_termination,
    pod_status,
    ready_count,
    restarts,
    state_of,
    statuses,
    telling_pod,
)
from kubelore.tools.text import age, duration, indent, joined, pairs, table
from kubelore.types import JsonObject

WORKLOADS = {
    "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob",
}  # fmt: skip
DEFAULT_TOLERATIONS = {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}


def pod(view: View, obj: JsonObject) -> str:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    ready, wanted = ready_count(obj)
    lines = [
        f"State: {pod_status(obj)}, phase {status.get('phase', '?')}, ready {ready}/{wanted}, "
        f"restarts {restarts(obj)}, QoS {status.get('qosClass', '?')}",
        f"Node: {spec.get('nodeName') or 'none (not scheduled)'}   IP: {status.get('podIP') or 'none'}",
    ]
    if status.get("reason") or status.get("message"):
        lines.append(f"Reason: {status.get('reason', '')} {status.get('message', '')}".rstrip())
    return "\n".join([*lines, *template(view, spec, obj)])


def workload(view: View, obj: JsonObject) -> str:
    spec = obj.get("spec") or {}
    holder = (spec.get("jobTemplate") or {}).get("spec") or {} if obj.get("kind") == "CronJob" else spec
    pod_template = holder.get("template") or {}
    labels = (pod_template.get("metadata") or {}).get("labels")
    lines = [f"State: {replicas(obj)}", *_rollout(view, obj)]
    if spec.get("selector"):
        lines.append(f"Selector: {selector_text(spec['selector'])}")
    lines.append(f"Pod labels: {pairs(labels)}")
    worst = telling_pod(view, obj)
    if worst is not None:
        lines.append(f"Containers below are in the state of Pod/{ref_of(worst).name}")
        worst = redact_object(worst)
    return "\n".join([*lines, *template(view, pod_template.get("spec") or {}, worst or {})])


def replicas(obj: JsonObject) -> str:
    """Desired against actual, in the words of the kind."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}

    def number(key: str) -> int:
        return int(status.get(key) or 0)

    match obj.get("kind"):
        case "DaemonSet":
            return (
                f"desired {number('desiredNumberScheduled')}, scheduled {number('currentNumberScheduled')}, "
                f"up to date {number('updatedNumberScheduled')}, ready {number('numberReady')}, "
                f"available {number('numberAvailable')}"
            )
        case "Job":
            return (
                f"wants {spec.get('completions', 1)} completions, parallelism {spec.get('parallelism', 1)}; "
                f"active {number('active')}, succeeded {number('succeeded')}, failed {number('failed')}"
                f"{'; suspended' if spec.get('suspend') else ''}"
            )
        case "CronJob":
            return f"schedule {spec.get('schedule', '?')}{', suspended' if spec.get('suspend') else ''}"
    desired = spec.get("replicas", 1)
    updated = f", up to date {number('updatedReplicas')}" if "updatedReplicas" in status else ""
    paused = ", rollout paused" if spec.get("paused") else ""
    return (
        f"desired {desired}, exist {number('replicas')}{updated}, ready {number('readyReplicas')}, "
        f"available {number('availableReplicas')}{paused}"
    )


def _rollout(view: View, obj: JsonObject) -> Iterator[str]:
    meta, spec, status = obj.get("metadata") or {}, obj.get("spec") or {}, obj.get("status") or {}
    strategy = spec.get("strategy") or spec.get("updateStrategy")
    if strategy:
        details = {k: v for part in strategy.values() if isinstance(part, dict) for k, v in part.items()}
        yield f"Strategy: {strategy.get('type', '?')}" + (f" ({pairs(details)})" if details else "")
    seen, wanted = status.get("observedGeneration"), meta.get("generation")
    if seen is not None and wanted is not None and seen < wanted:
        yield f"Not observed: the controller has seen generation {seen} of {wanted}"
    for key, name in (
        ("serviceName", "Service"), ("backoffLimit", "Backoff limit"),
        ("activeDeadlineSeconds", "Active deadline (s)"), ("concurrencyPolicy", "Concurrency"),
        ("startingDeadlineSeconds", "Starting deadline (s)"), ("timeZone", "Time zone"),
    ):  # fmt: skip
        if spec.get(key) is not None:
            yield f"{name}: {spec[key]}"
    if obj.get("kind") == "CronJob":
        yield f"Last schedule: {age(status.get('lastScheduleTime'), view.now)} ago, last success: " + (
            f"{age(status['lastSuccessfulTime'], view.now)} ago"
            if status.get("lastSuccessfulTime")
            else "none"
        )
        yield f"Active jobs: {joined(str(j.get('name')) for j in status.get('active') or ())}"


def template(view: View, spec: JsonObject, pod_shown: JsonObject) -> Iterator[str]:
    """Containers (in the state they have in `pod_shown`), volumes, and whatever decides where and as whom
    the pod runs."""
    status_of = {s.get("name"): s for s in statuses(pod_shown)}
    for title, key in (
        ("Init containers", "initContainers"),
        ("Containers", "containers"),
        ("Ephemeral containers", "ephemeralContainers"),
    ):
        if spec.get(key):
            yield f"{title}:"
            for item in spec[key]:
                yield indent("\n".join(container(view, spec, item, status_of.get(item.get("name")))))
    volumes = [f"  {v.get('name')}: {volume(v)}" for v in spec.get("volumes") or () if not _token_volume(v)]
    if volumes:
        yield "Volumes:"
        yield from volumes
    yield from placement(spec)


def container(view: View, spec: JsonObject, item: JsonObject, status: JsonObject | None) -> Iterator[str]:
    sidecar = (
        spec.get("initContainers")
        and item in spec["initContainers"]
        and not is_init(spec, item.get("name", ""))
    )
    yield f"{item.get('name')}{' (sidecar)' if sidecar else ''}: image {item.get('image')}"
    if status is not None:
        yield from (f"  {line}" for line in _status(view, status))
    for key in ("command", "args"):
        if item.get(key):
            yield f"  {key}: {' '.join(map(str, item[key]))}"
    if item.get("ports"):
        yield f"  ports: {joined(port(p) for p in item['ports'])}"
    resources = item.get("resources") or {}
    yield f"  limits: {pairs(resources.get('limits'))}; requests: {pairs(resources.get('requests'))}"
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        if item.get(name):
            yield f"  {name.removesuffix('Probe')} probe: {probe(item[name])}"
    for name, hook in (item.get("lifecycle") or {}).items():
        yield f"  {name} hook: {handler(hook)}"
    env = [*map(env_from, item.get("envFrom") or ()), *map(env_var, item.get("env") or ())]
    if env:
        yield "  env:"
        yield from (f"    {line}" for line in env)
    mounts = [
        f"{m.get('mountPath')} from {m.get('name')}{' (ro)' if m.get('readOnly') else ''}"
        for m in item.get("volumeMounts") or ()
        if not str(m.get("name", "")).startswith("kube-api-access-")
    ]
    if mounts:
        yield f"  mounts: {joined(mounts)}"
    security = item.get("securityContext")
    if security:
        yield f"  security: {pairs(security)}"


def _status(view: View, status: JsonObject) -> Iterator[str]:
    name, details = state_of(status)
    yield f"state: {name or 'unknown'} {_state_text(view, name, details)}".rstrip()
    last = last_termination(status)
    if name != "terminated" and last:
        yield f"last state: terminated {_state_text(view, 'terminated', last)}"
    started = "" if status.get("started") is not False else ", not started"
    ready = "yes" if status.get("ready") else "no"
    yield f"ready: {ready}{started}, restarts: {status.get('restartCount', 0)}"


def _state_text(view: View, name: str, details: JsonObject) -> str:
    if name == "running":
        return f"since {age(details.get('startedAt'), view.now)}"
    if name == "waiting":
        message = details.get("message")
        return str(details.get("reason") or "") + (f": {message}" if message else "")
    if name != "terminated":
        return ""
    begun, ended = parse_time(details.get("startedAt")), parse_time(details.get("finishedAt"))
    ran = begun and ended and begun.year > 2000  # the runtime's "never started" is the year 1 or 1970
    lived = f", lived {duration((ended - begun).total_seconds())}" if begun and ended and ran else ""
    signal = f", signal {details['signal']}" if details.get("signal") else ""
    message = f": {str(details['message']).strip()}" if details.get("message") else ""
    return (
        f"{details.get('reason', '')}, exit code {details.get('exitCode', '?')}{signal}{lived}, "
        f"{age(details.get('finishedAt'), view.now)} ago{message}"
    )


def port(given: JsonObject) -> str:
    name = f"{given['name']}=" if given.get("name") else ""
    return f"{name}{given.get('containerPort')}/{given.get('protocol') or 'TCP'}"


def probe(given: JsonObject) -> str:
    timing = {
        "delay": given.get("initialDelaySeconds", 0),
        "period": given.get("periodSeconds", 10),
        "timeout": given.get("timeoutSeconds", 1),
        "failures": given.get("failureThreshold", 3),
    }
    return f"{handler(given)} " + " ".join(
        f"{key}={value}{'' if key == 'failures' else 's'}" for key, value in timing.items()
    )


def handler(given: JsonObject) -> str:
    if given.get("httpGet"):
        http = given["httpGet"]
        scheme, host = str(http.get("scheme") or "HTTP").lower(), http.get("host") or ""
        path = str(http.get("path") or "/")
        return f"{scheme}://{host}:{http.get('port')}/{path.lstrip('/')}"
    if given.get("tcpSocket"):
        return f"tcp :{given['tcpSocket'].get('port')}"
    if given.get("grpc"):
        return f"grpc :{given['grpc'].get('port')}"
    if given.get("exec"):
        return f"exec {' '.join(map(str, given['exec'].get('command') or ()))}"
    return "sleep" if given.get("sleep") else "nothing"


def env_var(given: JsonObject) -> str:
    name, source = given.get("name"), given.get("valueFrom") or {}
    for key, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
        if source.get(key):
            optional = ", optional" if source[key].get("optional") else ""
            return f"{name} from {kind} {source[key].get('name')}, key {source[key].get('key')}{optional}"
    if source.get("fieldRef"):
        return f"{name} from field {source['fieldRef'].get('fieldPath')}"
    if source.get("resourceFieldRef"):
        return f"{name} from resource {source['resourceFieldRef'].get('resource')}"
    value = given.get("value")
    return f"{name}={value}" if value else f"{name} is empty"


def env_from(given: JsonObject) -> str:
    for key, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
        if given.get(key):
            optional = ", optional" if given[key].get("optional") else ""
            return f"everything in {kind} {given[key].get('name')}{optional}"
    return "nothing"


def volume(given: JsonObject) -> str:
    """What backs a volume, with the name it refers to."""
    for kind, key in (
        ("configMap", "name"),
        ("secret", "secretName"),
        ("persistentVolumeClaim", "claimName"),
    ):
        if kind in given:
            source = given[kind] or {}
            items = [str(i.get("key")) for i in source.get("items") or ()]
            optional = ", optional" if source.get("optional") else ""
            return f"{kind} {source.get(key)}" + (f", keys {joined(items)}" if items else "") + optional
    sources = {key: value for key, value in given.items() if key != "name"}
    return joined(
        f"{key} {pairs(value) if isinstance(value, dict) else value}" for key, value in sources.items()
    )


def _token_volume(given: JsonObject) -> bool:
    return str(given.get("name", "")).startswith("kube-api-access-")


def placement(spec: JsonObject) -> Iterator[str]:
    if spec.get("nodeSelector"):
        yield f"Node selector: {pairs(spec['nodeSelector'])}"
    for kind, rules in (spec.get("affinity") or {}).items():
        yield f"Affinity: {kind} {rules}"
    for spread in spec.get("topologySpreadConstraints") or ():
        yield f"Topology spread: {pairs(spread)}"
    tolerations = [
        toleration(t) for t in spec.get("tolerations") or () if t.get("key") not in DEFAULT_TOLERATIONS
    ]
    if tolerations:
        yield f"Tolerations: {joined(tolerations)}"
    account = spec.get("serviceAccountName") or "default"
    pulls = [str(s.get("name")) for s in spec.get("imagePullSecrets") or ()]
    yield f"Service account: {account}   Image pull secrets: {joined(pulls)}"
    for key, name in (
        ("restartPolicy", "Restart policy"), ("schedulerName", "Scheduler"), ("dnsPolicy", "DNS policy"),
        ("priorityClassName", "Priority class"), ("runtimeClassName", "Runtime class"),
        ("hostNetwork", "Host network"),
    ):  # fmt: skip
        if spec.get(key) and spec[key] not in ("Always", "default-scheduler", "ClusterFirst"):
            yield f"{name}: {spec[key]}"
    if spec.get("schedulingGates"):
        yield f"Scheduling gates: {joined(str(g.get('name')) for g in spec['schedulingGates'])}"
    if spec.get("securityContext"):
        yield f"Pod security: {pairs(spec['securityContext'])}"


def toleration(given: JsonObject) -> str:
    value = f"={given['value']}" if given.get("value") else ""
    return f"{given.get('key') or 'everything'}{value}:{given.get('effect') or 'all effects'}"


def selector_text(selector: JsonObject) -> str:
    """`a=b, c in (x, y)`: a LabelSelector or a plain map."""
    if not ("matchLabels" in selector or "matchExpressions" in selector):
        return pairs(selector)
    terms = [f"{k}={v}" for k, v in (selector.get("matchLabels") or {}).items()]
    for e in selector.get("matchExpressions") or ():
        values = f" ({', '.join(e['values'])})" if e.get("values") else ""
        terms.append(f"{e.get('key')} {e.get('operator')}{values}")
    return joined(terms)


def pod_table(view: View, pods: Iterable[JsonObject], *, with_namespace: bool = False) -> str:
    header = ("NAME", "READY", "STATUS", "RESTARTS", "AGE", "NODE")
    rows = []
    for item in pods:
        ref, (ready, wanted) = ref_of(item), ready_count(item)
        row = (
            ref.name,
            f"{ready}/{wanted}",
            pod_status(item),
            str(restarts(item)),
            age((item.get("metadata") or {}).get("creationTimestamp"), view.now),
            str((item.get("spec") or {}).get("nodeName") or "<none>"),
        )
        rows.append((ref.namespace, *row) if with_namespace else row)
    return table(("NAMESPACE", *header) if with_namespace else header, rows)
