"""Half d: placing, refusing and deleting, asked about from afar."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.field_parts import shop, told
from scenarios.night_parts import DAY, app, condition
from scenarios.nodes import name_of
from scenarios.parts import c, http
from scenarios.registry import scenario
from scenarios.workloads import daemonset, deployment, secret, service


@scenario(flavour="eks", minor=31)
def third_zone(w: World) -> Truth:
    """Spread over three zones; the only machine of the third is cordoned."""
    ns = w.namespace("quorum")
    node = w.workers[2]
    node["spec"]["unschedulable"] = True
    w.taint(node, "node.kubernetes.io/unschedulable", ago=DAY)
    spread = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "voter"}}}  # fmt: skip
    spec = {"topologySpreadConstraints": [spread]}
    top = deployment(w, ns, "voter", c("voter", ports=[8080]), replicas=3, pods=[], spec=spec, age=2500)
    rs = w.of("ReplicaSet", ns)[-1]
    labels = rs["spec"]["selector"]["matchLabels"]
    why = w.unfit(
        (1, "node(s) were unschedulable"), (2, "node(s) didn't match pod topology spread constraints")
    )
    for place in w.workers[:2]:
        w.pod(ns, f"{rs['metadata']['name']}-{w.suffix()}", [c("voter", ports=[8080])], owner=rs, labels=labels, spec=spec, node=place, age=2500)  # fmt: skip
    w.pod(ns, f"{rs['metadata']['name']}-{w.suffix()}", [c("voter", ports=[8080])], owner=rs, labels=labels, spec=spec, scheduled=False, why_not=why, age=2500)  # fmt: skip
    return told(
        w,
        "only two of three members of our quorum are there",
        "node_cordoned",
        f"Node//{name_of(node)}",
        or_at=[f"Deployment/{ns}/{top['metadata']['name']}"],
    )


@scenario(flavour="gke", minor=34)
def reports_vanish(w: World) -> Truth:
    """Reports give way to programs of a higher priority, and then find no CPU."""
    ns, prod = w.namespace("reports"), w.namespace("trading")
    for name, value in (("business-critical", 1000000), ("best-effort", -10)):
        w.add("scheduling.k8s.io/v1", "PriorityClass", "", name, value=value)
    high = {"priorityClassName": "business-critical", "priority": 1000000}
    for node in w.workers:
        deployment(w, prod, f"matcher-{node['metadata']['labels']['topology.kubernetes.io/zone'][-1]}", c("matcher", cpu=("1400m", ""), usage=("900m", "90Mi")), spec=high, node=node, age=2700)  # fmt: skip
    why = w.unfit((3, "Insufficient cpu"), victims=3)
    low = {"priorityClassName": "best-effort", "priority": -10}
    deployment(
        w, ns, "renderer", c("renderer", cpu=("600m", "")), replicas=2, spec=low, why_not=why, age=2690
    )
    rs = w.of("ReplicaSet", ns)[-1]
    gone = {"kind": "Pod", "apiVersion": "v1", "spec": {}, "metadata": {"namespace": ns, "name": f"{rs['metadata']['name']}-{w.suffix()}", "uid": w.uid(), "resourceVersion": "91"}}  # fmt: skip
    w.event(gone, "Normal", "Preempted", f"Preempted by pod {w.uid()} on node {name_of(w.workers[0])}", 1, 2700, 2700, source="default-scheduler")  # fmt: skip
    return told(
        w,
        "reports are not rendered during trading hours",
        "insufficient_cpu",
        f"Deployment/{ns}/renderer",
    )


@scenario(flavour="kubeadm-docker", minor=28)
def second_ingress(w: World) -> Truth:
    ns, edge = w.namespace("edge-new"), w.namespace("edge-old")
    ports = [{"containerPort": 443, "hostPort": 443, "protocol": "TCP", "name": "https"}]
    daemonset(w, edge, "haproxy", c("haproxy", "haproxytech/kubernetes-ingress:3.0"), nodes=w.workers, age=DAY * 90)  # fmt: skip
    for pod in (
        *w.of("Pod", edge),
        *[{"spec": d["spec"]["template"]["spec"]} for d in w.of("DaemonSet", edge)],
    ):
        pod["spec"]["containers"][0]["ports"] = ports
    why = w.unfit((len(w.workers), "node(s) didn't have free ports for the requested pod ports"))
    deployment(w, ns, "traefik", c("traefik", "traefik:v3.2"), replicas=2, why_not=why, age=3000)
    for kind in ("Pod", "ReplicaSet", "Deployment"):
        for obj in w.of(kind, ns):
            spec = obj["spec"] if kind == "Pod" else obj["spec"]["template"]["spec"]
            spec["containers"][0]["ports"] = ports
    return told(
        w,
        "we want to run a second ingress for the tests, it does not start anywhere",
        "host_port_conflict",
        f"Deployment/{ns}/traefik",
    )


@scenario(flavour="aks", minor=30)
def no_new_pods(w: World) -> Truth:
    """The webhook answers with a certificate that the API server's caBundle does not know."""
    ns, platform = w.namespace("atlas"), w.namespace("injector")
    app(w, platform, "sidecar-injector", "serving webhooks on :8443\nhttp: TLS handshake error from 10.0.0.4:51022: remote error: tls: bad certificate\n" * 3, port=8443, box={"readinessProbe": http("/healthz", 8443, "HTTPS")})  # fmt: skip
    service(w, platform, "injector-webhook", 443, target=8443, selector={"app": "sidecar-injector"})
    secret(w, platform, "injector-tls", kind="kubernetes.io/tls", **{"tls.crt": "eA==", "tls.key": "eA=="})
    call = {"service": {"name": "injector-webhook", "namespace": platform, "path": "/mutate", "port": 443}, "caBundle": "LS0tLS1CRUdJTg=="}  # fmt: skip
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
    hook = {"name": "inject.sidecar.acme.io", "failurePolicy": "Fail", "clientConfig": call, "rules": rules, "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 10,
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ns}}}  # fmt: skip
    w.add("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "", "sidecar-injector", webhooks=[hook])  # fmt: skip
    refused = 'Internal error occurred: failed calling webhook "inject.sidecar.acme.io": failed to call webhook: Post "https://injector-webhook.injector.svc:443/mutate?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority (possibly because of "crypto/rsa: verification error" while trying to verify candidate authority certificate "injector-ca")'
    deployment(w, ns, "maps", c("maps", ports=[8080]), replicas=3, refused=refused, age=4000)
    shop(w, ns, "tiles")
    return told(
        w,
        "team atlas deploys but no new pods appear",
        "admission_webhook_failing",
        "MutatingWebhookConfiguration//sidecar-injector",
        or_cause=["certificate_expired"],
        or_at=[f"Secret/{platform}/injector-tls"],
    )


def _deleting(w: World, ns: str, rows: list[tuple[str, str, str, str]], ago: int) -> None:
    obj = w.get("Namespace", "", ns)
    obj["metadata"]["deletionTimestamp"] = w.t(ago)
    gone = [o for k in ("ServiceAccount", "ConfigMap") for o in w.of(k, ns)]
    w.objects[:] = [o for o in w.objects if o not in gone]
    conditions = [
        condition(w, kind, state == "True", reason, text, ago - 5) for kind, state, reason, text in rows
    ]
    obj["status"] = {"phase": "Terminating", "conditions": conditions}


@scenario(flavour="kind", minor=34)
def preview(w: World) -> Truth:
    """The operator that would take the finalizer away is uninstalled."""
    ns = w.namespace("preview-231")
    w.add("db.acme.io/v1", "Database", ns, "main", finalizers=["db.acme.io/cleanup"], deletionTimestamp=w.t(5000), spec={"engine": "mysql"})  # fmt: skip
    _deleting(w, ns, [
        ("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered"),
        ("NamespaceContentRemaining", "True", "SomeResourcesRemain", "Some resources are remaining: databases.db.acme.io has 1 resource instances"),
        ("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: db.acme.io/cleanup in 1 resource instances"),
    ], 5000)  # fmt: skip
    return told(
        w,
        "CI cannot create the preview environment of merge request 231 again",
        "finalizer_blocks_deletion",
        f"Database/{ns}/main",
        or_cause=["namespace_stuck_terminating"],
        or_at=[f"Namespace//{ns}"],
    )


@scenario(flavour="eks", minor=29)
def old_tenant(w: World) -> Truth:
    """An aggregated API without a server stops the deletion of every namespace."""
    ns, keda = w.namespace("tenant-0042"), w.namespace("keda")
    deployment(w, keda, "keda-operator-metrics-apiserver", c("metrics", "ghcr.io/kedacore/keda-metrics-apiserver:2.16.1", ports=[6443]), replicas=0, age=DAY * 50)  # fmt: skip
    service(w, keda, "keda-operator-metrics-apiserver", 443, target=6443)
    target = {"name": "keda-operator-metrics-apiserver", "namespace": keda, "port": 443}
    text = (
        'endpoints for service/keda-operator-metrics-apiserver in "keda" have no addresses with port name ""'
    )
    w.add("apiregistration.k8s.io/v1", "APIService", "", "v1beta1.external.metrics.k8s.io", spec={"service": target, "group": "external.metrics.k8s.io", "version": "v1beta1"}, status={"conditions": [condition(w, "Available", False, "MissingEndpoints", text, 9000)]})  # fmt: skip
    target = {"name": "metrics-server", "namespace": "kube-system", "port": 443}
    w.add("apiregistration.k8s.io/v1", "APIService", "", "v1beta1.metrics.k8s.io", spec={"service": target, "group": "metrics.k8s.io", "version": "v1beta1"}, status={"conditions": [condition(w, "Available", True, "Passed", "all checks passed", DAY)]})  # fmt: skip
    _deleting(w, ns, [
        ("NamespaceDeletionDiscoveryFailure", "True", "DiscoveryFailed", "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: external.metrics.k8s.io/v1beta1: stale GroupVersion discovery: external.metrics.k8s.io/v1beta1"),
        ("NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed"),
        ("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
    ], 8000)  # fmt: skip
    return told(
        w,
        "we offboarded tenant 0042 two hours ago, the script still waits",
        "namespace_stuck_terminating",
        f"Namespace//{ns}",
        or_cause=["deployment_zero_replicas"],
        or_at=["APIService//v1beta1.external.metrics.k8s.io", f"Deployment/{keda}/keda-operator-metrics-apiserver", f"Service/{keda}/keda-operator-metrics-apiserver"],
    )  # fmt: skip
