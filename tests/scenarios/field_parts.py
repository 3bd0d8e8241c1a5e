"""What the clusters of half c have in common: charts, sidecars, and the noise of a cluster in use."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scenarios.builders import Truth, World
from scenarios.parts import Container, Json, State, c, ended, http, running
from scenarios.workloads import configmap, daemonset, deployment, job, service, statefulset

DAY = 86400


def told(
    w: World,
    question: str,
    cause: str,
    at: str = "",
    *,
    or_cause: Sequence[str] = (),
    or_at: Sequence[str] = (),
    note: str = "",
) -> Truth:
    """The truth, in a cluster that by now has neighbours."""
    noise(w)
    return Truth(question, cause, at, tuple(or_cause), tuple(or_at), note)


def helm(name: str, release: str, chart: str) -> dict[str, Any]:
    """Labels and annotations of an object that a chart made."""
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": release}
    return {
        "labels": labels,
        "annotations": {"meta.helm.sh/release-name": release, "helm.sh/chart": chart},
    }


def argo(app: str, kind: str, ns: str, name: str) -> dict[str, str]:
    return {"argocd.argoproj.io/tracking-id": f"{app}:apps/{kind}:{ns}/{name}"}


def istio(**more: Any) -> Container:
    log = "info\tFLAG: --concurrency=0\ninfo\tEnvoy proxy is ready\nwarning\tenvoy config\tStreamAggregatedResources gRPC config stream to xds-grpc closed since 1794s ago: 14, connection error\ninfo\txdsproxy\tconnected to delta upstream XDS server: istiod.istio-system.svc:15012"
    probe = http("/healthz/ready", 15021, periodSeconds=15, failureThreshold=4, timeoutSeconds=3)
    given = {"log": log, "cpu": ("100m", "2"), "memory": ("128Mi", "1Gi"), "usage": ("9m", "61Mi")} | more
    ports = [("http-envoy-prom", 15090)]
    return c("istio-proxy", "docker.io/istio/proxyv2:1.24.2", ports=ports, readinessProbe=probe, **given)


def vault() -> Container:
    log = '[INFO]  agent.auth.handler: authentication successful, sending token to sinks\n[INFO]  agent: (runner) rendered "(dynamic)" => "/vault/secrets/config"\n[INFO]  agent.auth.handler: renewed auth token'
    return c("vault-agent", "hashicorp/vault:1.18.1", log=log, cpu=("50m", "100m"), memory=("64Mi", "128Mi"))


def cloudsql() -> Container:
    log = "Authorizing with Application Default Credentials\n[shop-prod:europe-west1:main] Listening on 127.0.0.1:5432\nThe proxy has started successfully and is ready for new connections!"
    return c("cloud-sql-proxy", "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.1", log=log)


def pull(image: str, error: str) -> list[tuple[Any, ...]]:
    return [
        ("Normal", "Pulling", f'Pulling image "{image}"', 6, 1400, 200),
        ("Warning", "Failed", f'Failed to pull image "{image}": {error}', 6, 1398, 198),
        ("Warning", "Failed", "Error: ErrImagePull", 6, 1398, 198),
        ("Normal", "BackOff", f'Back-off pulling image "{image}"', 60, 1380, 14),
        ("Warning", "Failed", "Error: ImagePullBackOff", 60, 1380, 14),
    ]


def pulling(image: str, error: str) -> State:
    text = f'Back-off pulling image "{image}": ErrImagePull: {error}'
    return State("waiting", "ImagePullBackOff", text, ready=False)


def mount(claim: str, path: str = "/data") -> dict[str, Any]:
    return {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]}


def rebooted(days: int) -> State:
    """One restart when its node came back, days ago."""
    return running(
        restarts=1, last=ended(255, "Unknown", finished=DAY * days, ran=9000), started=DAY * days - 40
    )


def shop(w: World, ns: str, names: str) -> None:
    """Healthy bystanders in a namespace."""
    for index, name in enumerate(names.split()):
        log = 'level=info msg="listening" addr=:8080\nlevel=warn msg="slow query" took=1.1s\nlevel=error msg="client gone" err="write: broken pipe"\nlevel=info msg="GET /healthz" status=200'
        box = c(
            name,
            ports=[("http", 8080)],
            log=log,
            readinessProbe=http("/healthz", "http"),
            state=rebooted(5) if index % 2 else running(),
        )
        deployment(w, ns, name, box, replicas=2, age=DAY * 12)


def noise(w: World) -> None:
    """Neighbours that work, and what they grumbled about a while ago."""
    pieces = [_monitoring, _argo, _certificates, _policy_reports, _scaled_up, _shut_down, _backups]
    for piece in w.rng.sample(pieces, 4):
        piece(w)


def _monitoring(w: World) -> None:
    ns = w.namespace("monitoring")
    boxes = [
        c(
            "prometheus",
            "quay.io/prometheus/prometheus:v2.55.1",
            ports=[("http-web", 9090)],
            memory=("1Gi", "3Gi"),
            usage=("210m", "1480Mi"),
            log='level=warn component="rule manager" msg="Evaluating rule failed" err="found duplicate series"\nlevel=info component=tsdb msg="Head GC completed"',
        ),
        c(
            "config-reloader",
            "quay.io/prometheus-operator/prometheus-config-reloader:v0.78.2",
            log='level=info msg="Reload triggered"',
        ),
    ]
    statefulset(
        w,
        ns,
        "prometheus-kube-prometheus-stack-prometheus",
        boxes,
        claims=[("db", "50Gi", w.flavour.storage_class)],
        age=DAY * 30,
    )
    service(
        w,
        ns,
        "prometheus-kube-prometheus-stack-prometheus",
        [("http-web", 9090, "http-web")],
        clusterIP="None",
    )
    exporter = c("node-exporter", "quay.io/prometheus/node-exporter:v1.8.2", ports=[("http-metrics", 9100)])
    daemonset(
        w,
        ns,
        "kube-prometheus-stack-prometheus-node-exporter",
        exporter,
        spec={"hostNetwork": True, "tolerations": [{"operator": "Exists"}]},
        age=DAY * 30,
    )
    pod = w.of("Pod", ns)[0]
    w.event(
        pod,
        "Warning",
        "Unhealthy",
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
        2,
        3400,
        3390,
        "prometheus",
    )
    text = "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.0.0.2 10.0.0.3 1.1.1.1"
    w.event(w.of("Pod", ns)[1], "Warning", "DNSConfigForming", text, 412, 3500, 50)


def _argo(w: World) -> None:
    """Argo CD as it is installed: the controller names a governing Service that its manifests do not have."""
    ns = w.namespace("argocd")
    log = 'time="2026-03-01T11:20:04Z" level=warning msg="Failed to watch apps: context deadline exceeded, retrying"\ntime="2026-03-01T11:58:31Z" level=info msg="Refreshing app status"'
    statefulset(
        w,
        ns,
        "argocd-application-controller",
        c("application-controller", "quay.io/argoproj/argocd:v2.13.2", log=log, state=rebooted(6)),
        age=DAY * 60,
    )
    deployment(w, ns, "argocd-repo-server", c("repo-server", "quay.io/argoproj/argocd:v2.13.2"), age=DAY * 60)


def _certificates(w: World) -> None:
    ns = w.namespace("cert-manager")
    log = 'E0301 08:11:02.1 controller.go:162] "re-queuing item due to optimistic locking on resource" err="Operation cannot be fulfilled on certificates.cert-manager.io: the object has been modified"'
    deployment(
        w,
        ns,
        "cert-manager",
        c("cert-manager-controller", "quay.io/jetstack/cert-manager-controller:v1.16.2", log=log),
        age=DAY * 50,
    )


def _policy_reports(w: World) -> None:
    ns = w.namespace("intranet")
    box = c("wiki", "ghcr.io/requarks/wiki:2", ports=[3000])
    top = deployment(w, ns, "wiki", box, age=DAY * 90)
    text = "policy disallow-latest-tag/require-image-digest fail: validation error: Using a digest is required. rule require-image-digest failed at path /spec/template/spec/containers/0/image/"
    w.event(top, "Warning", "PolicyViolation", text, 1, 2900, 2900, source="kyverno-scan")


def _scaled_up(w: World) -> None:
    ns = w.namespace("thumbnails")
    deployment(
        w, ns, "thumbnailer", c("thumbnailer", cpu=("300m", ""), usage=("120m", "90Mi")), replicas=2, age=3100
    )
    pod = w.of("Pod", ns)[0]
    total = len(w.nodes)
    w.event(
        pod,
        "Warning",
        "FailedScheduling",
        f"0/{total} nodes are available: {total} Insufficient cpu. preemption: 0/{total} nodes are available: {total} No preemption victims found for incoming pod.",
        1,
        3099,
        3099,
        series=True,
    )
    w.event(
        pod,
        "Normal",
        "TriggeredScaleUp",
        "pod triggered scale-up: [{main-pool 2->3 (max: 6)}]",
        1,
        3090,
        3090,
        source="cluster-autoscaler",
    )


def _shut_down(w: World) -> None:
    """A spot machine went away two days ago; the corpse of its pod stays."""
    ns = w.namespace("docsearch")
    box = c("indexer", log="INFO indexed 5021 documents")
    deployment(w, ns, "indexer", box, replicas=2, age=DAY * 8)
    rs = w.of("ReplicaSet", ns)[-1]
    leftover(w, ns, rs, box)


def leftover(w: World, ns: str, rs: Json, box: Container) -> Json:
    status = {
        "phase": "Failed",
        "reason": "Terminated",
        "message": "Pod was terminated in response to imminent node shutdown.",
    }
    gone = c(box.name, box.spec["image"], state=ended(143, "Error", finished=DAY * 2, ran=50000))
    labels = rs["spec"]["selector"]["matchLabels"]
    return w.pod(
        ns,
        f"{rs['metadata']['name']}-{w.suffix()}",
        [gone],
        owner=rs,
        labels=labels,
        status=status,
        age=DAY * 3,
    )


def _backups(w: World) -> None:
    ns = w.namespace("velero")
    log = 'level=warning msg="Skipping persistent volume snapshot because volume has had pod volume backup skipped due to annotation"\nlevel=error msg="1 errors encountered backup up item" backup=velero/daily (retried)\nlevel=info msg="Backup completed"'
    job(
        w,
        ns,
        "daily-default-kopia-maintain-1772320",
        c("velero-repo-maintenance", log=log, state=ended(0, finished=3000, ran=80)),
        complete=True,
        age=3100,
    )
    configmap(w, ns, "runbook", text="If OOMKilled or ImagePullBackOff: see wiki/backup")
