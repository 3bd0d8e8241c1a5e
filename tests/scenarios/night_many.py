"""Half d: several faults at once, of which a question concerns one, or none."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.field_parts import mount, pull, pulling, shop, told
from scenarios.lifecycle import pdb
from scenarios.night_parts import DAY, app, config_error, crashing, gave_up, rbac
from scenarios.nodes import fail_pods, lost, name_of
from scenarios.parts import State, c, crash, ended, http, running
from scenarios.registry import scenario
from scenarios.workloads import (
    configmap,
    cronjob,
    deployment,
    ingress,
    job,
    pvc,
    service,
)


def not_found(image: str) -> str:
    return f'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'


@scenario(flavour="eks", minor=31, questions=5)
def monday(w: World) -> list[Truth]:
    """Four teams, four faults, one healthy program; two programs share a name."""
    prod, stage, data, tools = (w.namespace(n) for n in ("ads-prod", "ads-stage", "data-prod", "tools"))
    log = '{"level":"info","msg":"loading model","mb":410}\n{"level":"info","msg":"loading model","mb":498}\n'
    killed = crash(137, "OOMKilled", restarts=19, ran=31)
    deployment(w, prod, "bidder", c("bidder", log=log, state=killed, memory=("256Mi", "512Mi"), ports=[8080]), replicas=2, age=9000)  # fmt: skip
    service(w, prod, "bidder", 80, target=8080)
    app(w, prod, "creative-api", "INFO listening on :8080\nERROR client closed request\n")
    image = "registry.corp.test/ads/bidder:4.12.0-rc.3"
    state = pulling(image, not_found(image))
    deployment(w, stage, "bidder", c("bidder", image, state=state), age=3100, events=pull(image, not_found(image)))  # fmt: skip
    trace = "Traceback (most recent call last):\n  File \"/app/load.py\", line 88, in <module>\n    main()\n  File \"/app/load.py\", line 61, in main\n    amount = Decimal(row['amount'])\ndecimal.InvalidOperation: [<class 'decimal.ConversionSyntax'>]\n"
    box = c("load", log="loading 2026-02-28.csv\n" + trace, state=ended(1, finished=30000, ran=40))
    parent = cronjob(w, data, "load-transactions", box, last=30200, schedule="36 3 * * *")
    parent["status"]["lastSuccessfulTime"] = w.t(DAY + 30000)
    failed = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
    batch = job(w, data, "load-transactions-29538456", box, pods=[box] * 3, owner=parent, failed=failed, backoff=2, age=30200)  # fmt: skip
    gave_up(batch, w.t(29900))
    w.objects[:] = [o for o in w.objects if o.get("reason") != "BackoffLimitExceeded"]
    shop(w, data, "warehouse-api")
    w.taint(w.workers[0], "maintenance", "kernel", ago=DAY)
    claim = pvc(w, tools, "jenkins-home", "100Gi", age=DAY * 200)
    volume = w.get("PersistentVolume", "", claim["spec"]["volumeName"])
    zone = w.workers[0]["metadata"]["labels"]["topology.kubernetes.io/zone"]
    terms = [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}]
    volume["spec"]["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": terms}]}}
    why = w.unfit((1, "node(s) had untolerated taint {maintenance: kernel}"), (2, "node(s) had volume node affinity conflict"))  # fmt: skip
    deployment(w, tools, "jenkins", c("jenkins", "jenkins/jenkins:2.479-lts", mounts={"data": "/var/jenkins_home"}), spec=mount("jenkins-home"), why_not=why, age=3000, strategy={"type": "Recreate"})  # fmt: skip
    return [
        told(w, "why is the bidder in staging down", "image_not_found", f"Deployment/{stage}/bidder"),
        Truth("bidder keeps restarting in production", "oom_killed", f"Deployment/{prod}/bidder"),
        Truth(
            "our build server does not come back after last night",
            "taint_not_tolerated",
            f"Deployment/{tools}/jenkins",
            (),
            (f"Node//{name_of(w.workers[0])}",),
        ),
        Truth(
            "yesterday's transactions are missing in the warehouse",
            "job_failed",
            f"Job/{data}/{batch['metadata']['name']}",
            ("application_error",),
            (f"CronJob/{data}/load-transactions",),
        ),
        Truth("is creative-api affected by the outage in ads?", "none"),
    ]


@scenario(flavour="openshift", minor=30, questions=4)
def insurers(w: World) -> list[Truth]:
    ns, quotes = w.namespace("schaden"), w.namespace("angebote")
    box = c("dokumente", ports=[("http", 8080)], readinessProbe=http("/q/health/ready", 8081), state=running(ready=False),
        log="2026-03-01 10:12:40,118 INFO  [io.quarkus] (main) dokumente 1.9.0 on JVM started in 2.114s. Listening on: http://0.0.0.0:8080")  # fmt: skip
    text = 'Readiness probe failed: Get "http://<ip>:8081/q/health/ready": dial tcp <ip>:8081: connect: connection refused'
    deployment(w, ns, "dokumente", box, replicas=2, events=[("Warning", "Unhealthy", text, 600, 3500, 6)], age=6400)  # fmt: skip
    service(w, ns, "dokumente", 80, target=8080)
    state, events = config_error('configmap "tarife-2026" not found')
    source = [{"configMapRef": {"name": "tarife-2026"}}]
    deployment(w, ns, "tarifrechner", c("rechner", state=state, envFrom=source), events=events, age=3000)
    configmap(w, ns, "tarife-2025", STAND="2025-11")
    obj = w.get("Namespace", "", ns)
    obj["metadata"]["labels"] |= {"pod-security.kubernetes.io/enforce": "restricted"}
    refused = 'pods "archiv-5b7d9f8c4-x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "archiv" must set securityContext.allowPrivilegeEscalation=false), runAsNonRoot != true (pod or container "archiv" must set securityContext.runAsNonRoot=true)'
    deployment(w, ns, "archiv", c("archiv"), refused=refused, age=3000)
    shop(w, quotes, "angebot")
    service(w, quotes, "angebot", 80, target=8080)
    ingress(w, quotes, "angebot", "angebot", 80)
    pod = w.of("Pod", quotes)[0]
    w.event(pod, "Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", 3, 3300, 3250, "angebot")  # fmt: skip
    return [
        told(
            w,
            "in schaden kommen keine PDFs, the documents service answers 503",
            "readiness_probe_wrong_port",
            f"Deployment/{ns}/dokumente",
        ),
        Truth("premium calculation does not start", "configmap_missing", f"Deployment/{ns}/tarifrechner", (), (f"ConfigMap/{ns}/tarife-2026",)),
        Truth("there is not a single pod of the archive", "pod_security_violation", f"Deployment/{ns}/archiv", (), (f"Namespace//{ns}",)),
        Truth("Is namespace angebote fine? The colleagues of schaden have trouble", "none"),
    ]  # fmt: skip


@scenario(flavour="gke", minor=33, questions=3)
def afternoon(w: World) -> list[Truth]:
    """A lost machine, an image for another processor, an operator without rights; each asked about alone."""
    media, lab = w.namespace("media"), w.namespace("simulation")
    shop(w, media, "gallery")
    dead = w.workers[2]
    lost(w, dead, 1500)
    line = "exec /app/thumbnailer: exec format error"
    box = {
        "image": "registry.corp.test/media/thumbnailer:2.0.0-arm64",
        "state": crash(255, restarts=9, ran=1),
    }
    crashing(w, media, "thumbnailer", line, box=box, age=2500, node=w.workers[0])
    rbac(w, lab, "runner", [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}])
    line = 'jobs.batch is forbidden: User "system:serviceaccount:simulation:runner" cannot create resource "jobs" in API group "batch" in the namespace "simulation"\n'
    deployment(w, lab, "scheduler-ui", c("ui", log=f"level=error msg=\"submit failed\" err='{line.strip()}'\n" * 4, ports=[8080]), spec={"serviceAccountName": "runner"}, age=DAY, node=w.workers[1])  # fmt: skip
    truths = [
        told(w, "new pictures have no previews", "invalid_command", f"Deployment/{media}/thumbnailer"),
        Truth(
            "researchers press 'run' and nothing happens in simulation",
            "rbac_forbidden",
            f"ServiceAccount/{lab}/runner",
            (),
            (f"Role/{lab}/runner", f"RoleBinding/{lab}/runner", f"Deployment/{lab}/scheduler-ui"),
        ),
        Truth(
            "which machine do we have to look at, and why?",
            "kubelet_unavailable",
            f"Node//{name_of(dead)}",
            ("node_not_ready",),
        ),
    ]
    fail_pods(w, dead, 1500)
    return truths


@scenario(flavour="aks", minor=29, questions=2)
def upgrade(w: World) -> list[Truth]:
    """A drain that hangs, while a program elsewhere has a bad setting."""
    ns, other = w.namespace("timeseries"), w.namespace("iot")
    w.ns = ns
    node = w.workers[1]
    node["spec"]["unschedulable"] = True
    w.taint(node, "node.kubernetes.io/unschedulable", ago=7000)
    app(w, ns, "ingester", "ts=2026-03-01T11:50:00Z caller=ingest.go msg=\"segment flushed\"", replicas=2, node=node)  # fmt: skip
    pdb(w, "ingester", {"app": "ingester"}, {"maxUnavailable": 0}, 2, 2, 2)
    line = 'panic: config: invalid duration "30sec" for key poll_interval: time: unknown unit "sec" in duration "30sec"\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/cmd/poller/main.go:41 +0x1c5\n'
    box = {"env": {"POLL_INTERVAL": "30sec"}, "state": crash(2, restarts=22)}
    crashing(w, other, "poller", line, 2, box=box, node=w.workers[0])
    return [
        told(
            w,
            "the cluster upgrade hangs since two hours, one node does not get empty",
            "pdb_blocks_eviction",
            f"PodDisruptionBudget/{ns}/ingester",
        ),
        Truth(
            "sensors in namespace iot stopped reporting",
            "invalid_configuration",
            f"Deployment/{other}/poller",
        ),
    ]


@scenario(flavour="k3s", minor=31, questions=2)
def branch_office(w: World) -> list[Truth]:
    """One edge machine short of memory; next to it a container whose command ends."""
    till, sync = w.namespace("kasse"), w.namespace("abgleich")
    node = w.workers[0]
    w.node_condition(node, "MemoryPressure", "True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available", 600)  # fmt: skip
    w.taint(node, "node.kubernetes.io/memory-pressure", ago=600)
    w.event(node, "Warning", "EvictionThresholdMet", "Attempting to reclaim memory", 14, 900, 20)
    usage = {"cpu": "1100m", "memory": "6990Mi"}
    w.metrics["Node"].append({"metadata": {"name": name_of(node)}, "timestamp": w.t(25), "window": "20s", "usage": usage})  # fmt: skip
    text = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 61204Ki. Container {0} was using 812Mi, request is 64Mi, has larger consumption of memory. "
    gone = {"phase": "Failed", "reason": "Evicted", "containerStatuses": [], "conditions": []}
    for ns, name in ((till, "bonarchiv"), (sync, "preisabgleich")):
        deployment(w, ns, name, c(name), node=w.workers[1], age=DAY)
        rs = w.of("ReplicaSet", ns)[-1]
        for age in (700, 860):
            pod = w.pod(ns, f"{rs['metadata']['name']}-{w.suffix()}", [c(name)], owner=rs, node=node,
                labels=rs["spec"]["selector"]["matchLabels"], status=gone | {"message": text.format(name)}, age=age)  # fmt: skip
            w.event(pod, "Warning", "Evicted", text.format(name), 1, age - 90, age - 90)
    done = State("waiting", "CrashLoopBackOff", "back-off 5m0s restarting failed container=drucker pod=<pod>_<ns>(<uid>)",
        ready=False, restarts=40, last=ended(0, finished=120, ran=1))  # fmt: skip
    box = c(
        "drucker", log="Druckdienst initialisiert", state=done, command=["sh", "-c", "/opt/druck/start.sh &"]
    )
    deployment(w, till, "drucker", box, age=9000, node=w.workers[1])
    return [
        told(w, "pods of different teams were thrown out around noon", "node_memory_pressure", f"Node//{name_of(node)}"),
        Truth("the tills print no receipts", "container_exits_immediately", f"Deployment/{till}/drucker", ("invalid_command",)),
    ]  # fmt: skip
