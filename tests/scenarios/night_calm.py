"""Half d: nothing is wrong, or no longer, amid noise."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.field_parts import pull, pulling, shop, told
from scenarios.lifecycle import pdb
from scenarios.night_parts import DAY, DNS, app, condition, crashing, gave_up, policy
from scenarios.nodes import name_of
from scenarios.parts import c, crash, ended, running
from scenarios.pressure import hpa
from scenarios.registry import scenario
from scenarios.workloads import cronjob, deployment, ingress, job, secret, service, statefulset


@scenario(flavour="eks", minor=31)
def after_the_oom(w: World) -> Truth:
    """One kill nine days ago, far from the limit since."""
    ns = w.namespace("recommend")
    last = ended(137, "OOMKilled", finished=DAY * 9, ran=400000)
    box = {
        "state": running(restarts=1, last=last, started=DAY * 9 - 5),
        "memory": ("512Mi", "1Gi"),
        "usage": ("40m", "310Mi"),
    }
    app(
        w,
        ns,
        "reco",
        "INFO served 1200 recommendations\nINFO cache 71% hit",
        replicas=2,
        box=box,
        age=DAY * 14,
    )
    return told(w, "reco had an OOM in February. Is everything healthy there right now?", "none", note="healthy control: recovered")  # fmt: skip


@scenario(flavour="aks", minor=32)
def node_flapped(w: World) -> Truth:
    ns = w.namespace("ticketing")
    node = w.workers[0]
    app(w, ns, "tickets", "INFO up\nWARN lost connection to broker\nINFO reconnected to broker", node=node)
    w.node_condition(node, "Ready", "True", "KubeletReady", "kubelet is posting ready status", 2200)
    for reason, ago in (("NodeNotReady", 2420), ("NodeReady", 2200)):
        text = f"Node {name_of(node)} status is now: {reason}"
        w.event(
            node, "Normal", reason, text, 1, ago, ago, source="node-controller" if ago > 2300 else "kubelet"
        )
    for pod in w.of("Pod", ns):
        w.event(pod, "Warning", "NodeNotReady", "Node is not ready", 1, 2415, 2415, source="node-controller")
    return told(w, f"{name_of(node)} was NotReady around 11:20, are there after-effects?", "none", note="healthy control: back since 11:23")  # fmt: skip


@scenario(flavour="kind", minor=30)
def pulled_at_last(w: World) -> Truth:
    ns = w.namespace("newsroom")
    image = "docker.io/acme/feed:5.1.0"
    error = f'failed to pull and unpack image "{image}": failed to copy: httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/acme/feed/manifests/sha256:9f: 429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit.'
    events = [
        ("Warning", "Failed", f'Failed to pull image "{image}": {error}', 3, 3100, 2950),
        ("Warning", "Failed", "Error: ImagePullBackOff", 5, 3090, 2800),
        ("Normal", "Pulled", f'Successfully pulled image "{image}" in 4.1s (4.1s including waiting). Image size: 48211004 bytes.', 1, 2700, 2700),
    ]  # fmt: skip
    app(w, ns, "feed", "listening on :8080", box={"image": image}, events=events, age=3150)
    return told(w, "the rollout in newsroom hung in ImagePullBackOff an hour ago, do I still have to act?", "none", note="healthy control: pulled since")  # fmt: skip


@scenario(flavour="gke", minor=31)
def blue_green(w: World) -> Truth:
    ns = w.namespace("webshop")
    for colour, count in (("blue", 3), ("green", 0)):
        labels = {"app": "shop", "colour": colour}
        deployment(w, ns, f"shop-{colour}", c("shop", ports=[8080], log="GET / 200\nGET /cart 200"), replicas=count, labels=labels, age=DAY * 20)  # fmt: skip
    service(w, ns, "shop", 80, target=8080, selector={"app": "shop", "colour": "blue"})
    ingress(w, ns, "shop", "shop", 80)
    return told(w, "is the shop in webshop serving? green shows 0/0 but traffic should be on blue", "none", note="healthy control: the idle colour")  # fmt: skip


@scenario(flavour="eks", minor=34)
def shrunk(w: World) -> Truth:
    ns = w.ns = w.namespace("lottery")
    app(w, ns, "draw", "INFO bet accepted", box={"usage": ("6m", "70Mi")}, age=DAY * 4)
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "current": {"averageUtilization": 30, "averageValue": "6m"}},
    }
    scaler = hpa(w, "draw", 2, 12, 2, [
        ("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size"),
        ("ScalingActive", "True", "ValidMetricFound", "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)"),
        ("ScalingLimited", "True", "TooFewReplicas", "the desired replica count is less than the minimum replica count"),
    ], currentMetrics=[metric])  # fmt: skip
    w.event(
        scaler, "Normal", "SuccessfulRescale", "New size: 2; reason: All metrics below target", 1, 2700, 2700
    )
    top = w.get("Deployment", ns, "draw")
    w.event(
        top, "Normal", "ScalingReplicaSet", "Scaled down replica set draw-7d9f8 from 9 to 2", 1, 2700, 2700
    )
    return told(w, "seven pods of draw were killed 45 minutes ago, what happened?", "none", note="healthy control: scaled down")  # fmt: skip


@scenario(flavour="openshift", minor=32)
def drained(w: World) -> Truth:
    ns = w.ns = w.namespace("archive-api")
    app(w, ns, "records", "INFO listening", replicas=3, age=2600)
    pdb(w, "records", {"app": "records"}, {"minAvailable": 2}, 3, 2, 3, allowed=1)
    node = w.workers[1]
    for reason, ago in (("NodeNotSchedulable", 3300), ("Rebooted", 2900), ("NodeSchedulable", 2700)):
        w.event(node, "Warning" if reason == "Rebooted" else "Normal", reason, f"Node {name_of(node)} status is now: {reason}" if reason != "Rebooted" else f"Node {name_of(node)} has been rebooted, boot id: 5b1c", 1, ago, ago)  # fmt: skip
    pod = w.of("Pod", ns)[0]
    w.event(pod, "Warning", "EvictionBlocked", "Cannot evict pod as it would violate the pod's disruption budget.", 4, 3290, 3200, source="machine-config-controller")  # fmt: skip
    return told(w, "did the maintenance of tonight leave anything behind in archive-api?", "none", note="healthy control: drained, rebooted, back")  # fmt: skip


@scenario(flavour="kubeadm-docker", minor=29)
def noisy_log(w: World) -> Truth:
    ns = w.namespace("gatekeeping")
    log = "ERROR [auth] 401 invalid_token client=203.0.113.77 path=/v1/me\nERROR [auth] 401 invalid_token client=203.0.113.77 path=/v1/me\nINFO [auth] 200 client=198.51.100.4 path=/v1/me took=12ms\nERROR [auth] token expired for user 8812 (client must refresh)\nINFO [auth] 200 client=198.51.100.9 path=/v1/token took=31ms\n"
    app(w, ns, "authd", log * 3, replicas=3)
    ingress(w, ns, "authd", "authd", 80)
    return told(w, "authd writes ERROR all the time, is it down?", "none", note="healthy control: clients with bad tokens")  # fmt: skip


@scenario(flavour="gke", minor=29)
def later_runs_fine(w: World) -> Truth:
    """The failed Job of the night is kept by failedJobsHistoryLimit; three runs since were good."""
    ns = w.namespace("crm")
    good = c("sync", log="synced 812 contacts\ndone", state=ended(0, finished=1700, ran=80))
    bad = c("sync", log="requests.exceptions.ConnectionError: HTTPSConnectionPool(host='api.crm.example', port=443)", state=ended(1, finished=32000, ran=10))  # fmt: skip
    parent = cronjob(w, ns, "crm-sync", good, last=1800, schedule="30 * * * *")
    parent["status"]["lastSuccessfulTime"] = w.t(1700)
    failed = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
    night = job(w, ns, "crm-sync-29538870", bad, pods=[bad] * 3, owner=parent, failed=failed, backoff=2, age=32200)  # fmt: skip
    gave_up(night, w.t(31900))
    w.objects[:] = [o for o in w.objects if o.get("reason") != "BackoffLimitExceeded" or o["kind"] != "Event"]
    for hours in range(3):
        job(
            w,
            ns,
            f"crm-sync-{29539410 - 60 * hours}",
            good,
            owner=parent,
            complete=True,
            age=1800 + 3600 * hours,
        )
    return told(w, "is the CRM sync working again after the failed run last night?", "none", note="healthy control: three good runs since")  # fmt: skip


@scenario(flavour="aks", minor=33)
def payroll(w: World) -> Truth:
    """Others burn."""
    ns, other = w.namespace("payroll"), w.namespace("sandbox-kim")
    shop(w, ns, "payslips salaries")
    service(w, ns, "payslips", 80, target=8080)
    crashing(w, other, "experiment", "ModuleNotFoundError: No module named 'pandas'\n")
    image = "ghcr.io/kim/proto:wip"
    error = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to authorize: 403 Forbidden'
    deployment(w, other, "proto", c("proto", image, state=pulling(image, error)), events=pull(image, error), age=3000)  # fmt: skip
    deployment(w, other, "oom", c("oom", state=crash(137, "OOMKilled", restarts=50)), age=DAY)
    return told(w, "anything wrong in namespace payroll? salaries run in an hour", "none", note="healthy control: only the sandbox is broken")  # fmt: skip


@scenario(flavour="k3s", minor=34)
def policy_allows(w: World) -> Truth:
    ns = w.namespace("basket")
    app(w, ns, "basket-api", "INFO redis PING 1ms\nINFO GET /basket 200", labels={"app": "basket-api"})
    statefulset(w, ns, "redis", c("redis", "redis:7.4", ports=[6379], log="* Ready to accept connections tcp"), age=DAY * 30)  # fmt: skip
    service(w, ns, "redis", 6379)
    to_redis = {
        "to": [{"podSelector": {"matchLabels": {"app": "redis"}}}],
        "ports": [{"port": 6379, "protocol": "TCP"}],
    }
    policy(w, ns, "default-deny", policyTypes=["Ingress", "Egress"])
    policy(w, ns, "api-out", podSelector={"matchLabels": {"app": "basket-api"}}, policyTypes=["Egress"], egress=[DNS, to_redis])  # fmt: skip
    source = [{"podSelector": {"matchLabels": {"app": "basket-api"}}}]
    policy(w, ns, "redis-in", podSelector={"matchLabels": {"app": "redis"}}, policyTypes=["Ingress"],
        ingress=[{"from": source, "ports": [{"port": 6379, "protocol": "TCP"}]}])  # fmt: skip
    policy(
        w,
        ns,
        "api-in",
        podSelector={"matchLabels": {"app": "basket-api"}},
        policyTypes=["Ingress"],
        ingress=[{}],
    )
    return told(w, "we rolled out network policies in basket, does the api still get to redis?", "none", note="healthy control: what is needed is allowed")  # fmt: skip


@scenario(flavour="gke", minor=32)
def renewed(w: World) -> Truth:
    ns = w.namespace("extranet")
    shop(w, ns, "partners")
    service(w, ns, "partners", 80, target=8080)
    secret(w, ns, "partners-tls", kind="kubernetes.io/tls", **{"tls.crt": "eA==", "tls.key": "eA=="})
    ingress(w, ns, "partners", "partners", 80, tls="partners-tls")
    ready = condition(w, "Ready", True, "Ready", "Certificate is up to date and has not expired", 2000)
    spec = {"secretName": "partners-tls", "issuerRef": {"name": "letsencrypt", "kind": "ClusterIssuer"}}
    w.add("cert-manager.io/v1", "ClusterIssuer", "", "letsencrypt", spec={"acme": {"server": "https://acme-v02.api.letsencrypt.org/directory"}}, status={"conditions": [condition(w, "Ready", True, "ACMEAccountRegistered", "The ACME account was registered with the ACME server", DAY * 90)]})  # fmt: skip
    cert = w.add("cert-manager.io/v1", "Certificate", ns, "partners-tls", spec=spec, age=DAY * 90,
        status={"conditions": [ready], "notBefore": "2026-03-01T10:26:40Z", "notAfter": "2026-05-30T10:26:39Z", "renewalTime": "2026-04-30T10:26:39Z", "revision": 2})  # fmt: skip
    w.event(cert, "Warning", "Failed", 'The certificate request has failed to complete and will be retried: Failed to wait for order resource "partners-tls-2-118" to become ready: order is in "errored" state: 429 urn:ietf:params:acme:error:rateLimited', 1, 3500, 3500, source="cert-manager-certificates-issuing")  # fmt: skip
    w.event(cert, "Normal", "Issuing", "The certificate has been successfully issued", 1, 2000, 2000, source="cert-manager-certificates-issuing")  # fmt: skip
    return told(w, "got an alert about the certificate of extranet this morning, must I do something?", "none", note="healthy control: issued at the second attempt")  # fmt: skip
