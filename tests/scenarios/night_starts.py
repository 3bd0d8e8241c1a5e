"""Half d: programs that do not start, asked about without their names."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.field_parts import mount, pull, pulling, shop, told
from scenarios.night_parts import DAY, condition, crashing
from scenarios.parts import State, c, crash, ended, from_config, http, running, waiting
from scenarios.registry import scenario
from scenarios.workloads import (
    adopt,
    configmap,
    deployment,
    job,
    older_replicaset,
    pvc,
    service,
    statefulset,
)


@scenario(flavour="aks", minor=33)
def staging(w: World) -> Truth:
    """The init container waits for a name that is another one here."""
    ns, core = w.namespace("staging"), w.namespace("core-staging")
    statefulset(w, core, "postgres", c("postgres", "postgres:16", ports=[5432], log="database system is ready to accept connections"), age=DAY * 8)  # fmt: skip
    service(w, core, "postgres", 5432)
    line = "waiting for pg.core-staging\n;; Got recursion not available\nServer:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n** server can't find pg.core-staging.svc.cluster.local: NXDOMAIN\n"
    wait = c("wait-for-db", "busybox:1.36", command=["sh", "-c", "until nslookup pg.core-staging.svc.cluster.local; do echo waiting for pg.core-staging; sleep 5; done"], log=line * 6, state=running(ready=False))  # fmt: skip
    box = c("backend", state=waiting("PodInitializing"), ports=[8080])
    deployment(w, ns, "backend", box, inits=[wait], replicas=2, age=3900)
    service(w, ns, "backend", 80, target=8080)
    shop(w, ns, "frontend")
    return told(
        w,
        "the staging environment never finishes starting",
        "dependency_host_unresolvable",
        f"Deployment/{ns}/backend",
        or_cause=["init_container_failing", "missing_service"],
        or_at=[f"Service/{core}/postgres", f"Service/{core}/pg"],
    )


@scenario(flavour="openshift", minor=32)
def startup(w: World) -> Truth:
    """A JVM that needs two minutes gets thirty seconds."""
    ns = w.namespace("pensions")
    log = '11:58:27,004 INFO  [org.jboss.as] (Controller Boot Thread) WFLYSRV0049: WildFly 33 starting\n11:58:45,911 INFO  [org.jboss.as.server.deployment] (MSC service thread 1-2) WFLYSRV0027: Starting deployment of "pensions.ear"\n11:58:59,870 INFO  [org.jboss.as.server] (Thread-2) WFLYSRV0236: Suspending server with 0 ms timeout.\n'
    box = c("wildfly", ports=[8080], log=log, cpu=("500m", "1"), memory=("512Mi", "1Gi"),
        startupProbe=http("/health/started", 8080, failureThreshold=3), livenessProbe=http("/health/live", 8080),
        state=crash(143, restarts=11, ran=33, finished=60))  # fmt: skip
    refused = 'Startup probe failed: Get "http://<ip>:8080/health/started": dial tcp <ip>:8080: connect: connection refused'
    events = [
        ("Warning", "Unhealthy", refused, 36, 3500, 70, "wildfly"),
        ("Normal", "Killing", "Container wildfly failed startup probe, will be restarted", 12, 3490, 62, "wildfly"),
    ]  # fmt: skip
    deployment(w, ns, "pensions", box, events=events, age=3600)
    return told(
        w,
        "namespace pensions: restarts without end after the move to smaller machines",
        "liveness_probe_too_aggressive",
        f"Deployment/{ns}/pensions",
        or_cause=["liveness_probe_failing"],
    )


@scenario(flavour="eks", minor=32)
def not_live(w: World) -> Truth:
    """The old version serves on; the registry does not accept the password for the new one."""
    ns = w.namespace("release-train")
    image = "ghcr.io/acme/timetable:5.2.0"
    error = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://ghcr.io/token?scope=repository%3Aacme%2Ftimetable%3Apull&service=ghcr.io: 401 Unauthorized'
    w.add(
        "v1", "Secret", ns, "ghcr", type="kubernetes.io/dockerconfigjson", data={".dockerconfigjson": "e30="}
    )
    before = c("timetable", "ghcr.io/acme/timetable:5.1.3", ports=[8080], log="listening")
    old = older_replicaset(w, ns, "timetable", [before], 2)
    box = c("timetable", image, ports=[8080], state=pulling(image, error))
    spec = {"imagePullSecrets": [{"name": "ghcr"}]}
    top = deployment(w, ns, "timetable", box, spec=spec, replicas=2, pods=[box], old=old, events=pull(image, error), age=3000)  # fmt: skip
    adopt(old, top)
    service(w, ns, "timetable", 80, target=8080)
    return told(
        w,
        "we released 5.2.0 almost an hour ago but customers still see 5.1.3",
        "image_pull_unauthorized",
        f"Deployment/{ns}/timetable",
        or_at=[f"Secret/{ns}/ghcr"],
    )


@scenario(flavour="gke", minor=31)
def training(w: World) -> Truth:
    ns = w.namespace("ml-train")
    limits = [{"type": "Container", "max": {"memory": "2Gi"}, "default": {"memory": "1Gi"}}]
    w.add("v1", "LimitRange", ns, "small-boxes", spec={"limits": limits})
    refused = (
        'pods "churn-model-7-8f2xk" is forbidden: maximum memory usage per Container is 2Gi, but limit is 6Gi'
    )
    job(w, ns, "churn-model-7", c("train", memory=("6Gi", "6Gi")), refused=refused, age=2800)
    shop(w, ns, "notebooks")
    return told(
        w,
        "data scientists in ml-train wait for a training that does not begin",
        "limit_range_violation",
        f"Job/{ns}/churn-model-7",
        or_at=[f"LimitRange/{ns}/small-boxes"],
    )


@scenario(flavour="kind", minor=31)
def night_alerts(w: World) -> Truth:
    ns = w.namespace("alerting")
    line = 'ts=2026-03-01T11:57:40.012Z caller=coordinator.go:118 level=error component=configuration msg="Loading configuration file failed" file=/etc/alertmanager/alertmanager.yml err="undefined receiver \\"pager-night\\" used in route"\n'
    text = (
        "route:\n  receiver: default\n  routes:\n    - receiver: pager-night\nreceivers:\n  - name: default\n"
    )
    configmap(w, ns, "alertmanager", **{"alertmanager.yml": text})
    spec = {"volumes": [{"name": "config", "configMap": {"name": "alertmanager"}}]}
    box = c("alertmanager", "quay.io/prometheus/alertmanager:v0.28.0", log=line, state=crash(1, restarts=130, ran=1), mounts={"config": "/etc/alertmanager"})  # fmt: skip
    statefulset(w, ns, "alertmanager", box, spec=spec, age=40000)
    service(w, ns, "alertmanager", 9093)
    return told(
        w,
        "nobody on call was paged last night though there were alerts",
        "invalid_configuration",
        f"StatefulSet/{ns}/alertmanager",
        or_at=[f"ConfigMap/{ns}/alertmanager"],
    )


@scenario(flavour="kubeadm-docker", minor=30)
def microservice(w: World) -> Truth:
    ns = w.namespace("loyalty")
    text = 'failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "npm run start": executable file not found in $PATH: unknown'
    last = ended(127, "ContainerCannotRun", finished=80, message=text)
    state = State("waiting", "RunContainerError", text, ready=False, restarts=8, last=last)
    box = c("points", "registry.corp.test/loyalty/points:0.1.0", command=["npm run start"], state=state, ports=[3000])  # fmt: skip
    deployment(w, ns, "points", box, age=1900, events=[("Warning", "Failed", f"Error: {text}", 9, 1880, 80, "points")])  # fmt: skip
    shop(w, ns, "members vouchers")
    return told(
        w, "the new microservice of team loyalty never came up", "invalid_command", f"Deployment/{ns}/points"
    )


@scenario(flavour="k3s", minor=29)
def library(w: World) -> Truth:
    ns = w.namespace("jellyfin")
    volumes = [{"name": "media", "nfs": {"server": "10.0.0.5", "path": "/export/media"}}]
    text = 'MountVolume.SetUp failed for volume "media" : mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs 10.0.0.5:/export/media /var/lib/kubelet/pods/<uid>/volumes/kubernetes.io~nfs/media\nOutput: mount.nfs: access denied by server while mounting 10.0.0.5:/export/media'
    box = c("jellyfin", "jellyfin/jellyfin:10.10.3", mounts={"media": "/media"}, state=waiting("ContainerCreating"))  # fmt: skip
    deployment(w, ns, "jellyfin", box, spec={"volumes": volumes}, events=[("Warning", "FailedMount", text, 27, 3100, 60)], age=3150)  # fmt: skip
    service(w, ns, "jellyfin", 8096)
    return told(w, "films do not load at home", "volume_attach_failed", f"Deployment/{ns}/jellyfin")


@scenario(flavour="openshift", minor=31)
def restored(w: World) -> Truth:
    """The restored claim names a volume that still belongs to the claim of before."""
    ns = w.namespace("erp-restore")
    live = w.namespace("erp")
    old = pvc(w, live, "data", "80Gi", age=DAY * 300)
    name = old["spec"]["volumeName"]
    claim = pvc(w, ns, "data", "80Gi", bound=False, age=3300, volumeName=name)
    w.event(
        claim,
        "Warning",
        "FailedBinding",
        f'volume "{name}" already bound to a different claim.',
        210,
        3200,
        14,
    )
    why = f"0/{len(w.nodes)} nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/{len(w.nodes)} nodes are available: {len(w.nodes)} Preemption is not helpful for scheduling."
    deployment(w, live, "erp", c("erp", ports=[8069]), spec=mount("data"), age=DAY * 30)  # fmt: skip
    deployment(w, ns, "erp", c("erp", ports=[8069]), spec=mount("data"), why_not=why, age=3300)
    return told(
        w,
        "the restore test of the ERP does not come up",
        "pv_already_bound",
        f"PersistentVolumeClaim/{ns}/data",
        or_at=[f"Deployment/{ns}/erp"],
    )


@scenario(flavour="eks", minor=33)
def partner_api(w: World) -> Truth:
    """No issuer, no certificate, no Secret, no mount."""
    ns = w.namespace("partner-api")
    text = 'MountVolume.SetUp failed for volume "tls" : secret "gateway-mtls" not found'
    box = c("gateway", ports=[8443], mounts={"tls": "/tls"}, state=waiting("ContainerCreating"))
    spec = {"volumes": [{"name": "tls", "secret": {"secretName": "gateway-mtls"}}]}
    deployment(w, ns, "gateway", box, spec=spec, replicas=2, events=[("Warning", "FailedMount", text, 30, 3400, 40)], age=3450)  # fmt: skip
    service(w, ns, "gateway", 443, target=8443)
    issuer = {"name": "internal-ca", "kind": "Issuer"}
    rows = [
        condition(w, "Ready", False, "DoesNotExist", "Issuing certificate as Secret does not exist", 3400)
    ]
    w.add("cert-manager.io/v1", "Certificate", ns, "gateway-mtls", spec={"secretName": "gateway-mtls", "issuerRef": issuer}, status={"conditions": rows}, age=3500)  # fmt: skip
    why = 'Referenced "Issuer" not found: issuer.cert-manager.io "internal-ca" not found'
    w.add("cert-manager.io/v1", "CertificateRequest", ns, "gateway-mtls-1", spec={"issuerRef": issuer}, status={"conditions": [condition(w, "Ready", False, "Pending", why, 3400)]}, age=3499)  # fmt: skip
    return told(
        w,
        "nothing answers on the new partner API",
        "secret_missing",
        f"Deployment/{ns}/gateway",
        or_at=[f"Certificate/{ns}/gateway-mtls", f"Secret/{ns}/gateway-mtls", f"Issuer/{ns}/internal-ca"],
    )


@scenario(flavour="aks", minor=34)
def webhooks(w: World) -> Truth:
    """A Python program that wants a setting that this morning's chart no longer gives."""
    ns = w.namespace("donations")
    configmap(w, ns, "collector", PAGE_SIZE="50")
    env = {"PAGE_SIZE": from_config("collector", "PAGE_SIZE")}
    log = 'Traceback (most recent call last):\n  File "/srv/collector/__main__.py", line 9, in <module>\n    endpoint = os.environ["PROVIDER_ENDPOINT"]\n  File "<frozen os>", line 714, in __getitem__\nKeyError: \'PROVIDER_ENDPOINT\'\n'
    crashing(w, ns, "collector", log, box={"env": env}, age=7200)
    shop(w, ns, "site receipts")
    return told(
        w,
        "namespace donations is unhealthy since this morning's deploy",
        "missing_environment_variable",
        f"Deployment/{ns}/collector",
    )
