"""What the API server refuses: quotas, limits, webhooks, pod security, service accounts."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.parts import Json, c, crash
from scenarios.registry import scenario
from scenarios.workloads import daemonset, deployment, job, pvc, service, statefulset


def quota(w: World, name: str, hard: dict[str, str], used: dict[str, str]) -> Json:
    return w.add("v1", "ResourceQuota", w.ns, name, spec={"hard": hard}, status={"hard": hard, "used": used})


@scenario()
def quota_memory(w: World) -> Truth:
    quota(
        w,
        "compute",
        {"requests.memory": "4Gi", "limits.memory": "8Gi"},
        {"requests.memory": "3840Mi", "limits.memory": "7Gi"},
    )
    text = f'pods "{w.app}-6d5c9b7f4-x8z2q" is forbidden: exceeded quota: compute, requested: requests.memory=512Mi, used: requests.memory=3840Mi, limited: requests.memory=4Gi'
    box = c(w.app, memory=("512Mi", "1Gi"))
    deployment(w, w.ns, w.app, box, replicas=3, pods=[box], refused=text, age=2000)
    return Truth(
        f"{w.app} has 1/3 pods and never gets more",
        "quota_exceeded",
        f"ResourceQuota/{w.ns}/compute",
        (),
        (f"Deployment/{w.ns}/{w.app}", f"Namespace//{w.ns}"),
    )


@scenario(flavour="openshift")
def quota_pods_statefulset(w: World) -> Truth:
    quota(w, "object-counts", {"pods": "10"}, {"pods": "10"})
    text = f'pods "{w.app}-0" is forbidden: exceeded quota: object-counts, requested: pods=1, used: pods=10, limited: pods=10'
    statefulset(w, w.ns, w.app, c("db"), refused=text, age=1500)
    return Truth(
        f"statefulset {w.app} creates no pods",
        "quota_exceeded",
        f"ResourceQuota/{w.ns}/object-counts",
        (),
        (f"StatefulSet/{w.ns}/{w.app}", f"Namespace//{w.ns}"),
    )


@scenario()
def quota_must_specify(w: World) -> Truth:
    """The quota wants requests, the job has none."""
    quota(
        w, "team-limits", {"requests.cpu": "8", "limits.cpu": "16"}, {"requests.cpu": "1", "limits.cpu": "2"}
    )
    text = f'pods "{w.app}-mk7wz" is forbidden: failed quota: team-limits: must specify limits.cpu for: main; requests.cpu for: main'
    job(w, w.ns, w.app, c("main", cpu=None, memory=None), refused=text)
    return Truth(
        f"job {w.app} starts no pod",
        "quota_exceeded",
        f"ResourceQuota/{w.ns}/team-limits",
        ("limit_range_violation",),
        (f"Job/{w.ns}/{w.app}", f"Namespace//{w.ns}"),
    )


@scenario()
def quota_storage(w: World) -> Truth:
    """A StatefulSet grows to its second replica; the claim is refused."""
    quota(
        w,
        "storage",
        {"requests.storage": "100Gi", "persistentvolumeclaims": "5"},
        {"requests.storage": "80Gi", "persistentvolumeclaims": "1"},
    )
    top = statefulset(w, w.ns, w.app, c("db"), replicas=1, claims=[("data", "80Gi", w.flavour.storage_class)])
    top["spec"]["replicas"] = 2
    text = f'create Claim data-{w.app}-1 for Pod {w.app}-1 in StatefulSet {w.app} failed error: persistentvolumeclaims "data-{w.app}-1" is forbidden: exceeded quota: storage, requested: requests.storage=80Gi, used: requests.storage=80Gi, limited: requests.storage=100Gi'
    w.event(top, "Warning", "FailedCreate", text, 15, 1800, 100)
    return Truth(
        f"cannot scale {w.app} to 2",
        "quota_exceeded",
        f"ResourceQuota/{w.ns}/storage",
        (),
        (f"StatefulSet/{w.ns}/{w.app}", f"Namespace//{w.ns}", f"PersistentVolumeClaim/{w.ns}/data-{w.app}-1"),
    )


def limits(w: World, **item: object) -> None:
    w.add("v1", "LimitRange", w.ns, "bounds", spec={"limits": [{"type": "Container", **item}]})


@scenario()
def limit_maximum(w: World) -> Truth:
    limits(w, max={"memory": "1Gi"})
    text = (
        f'pods "{w.app}-7f9c-q2x" is forbidden: maximum memory usage per Container is 1Gi, but limit is 4Gi'
    )
    deployment(w, w.ns, w.app, c(w.app, memory=("1Gi", "4Gi")), refused=text, age=2000)
    return Truth(
        f"no pods for {w.app}",
        "limit_range_violation",
        f"Deployment/{w.ns}/{w.app}",
        (),
        (f"LimitRange/{w.ns}/bounds",),
    )


@scenario()
def limit_minimum(w: World) -> Truth:
    limits(w, min={"cpu": "100m"})
    text = f'pods "{w.app}-x2q9z" is forbidden: minimum cpu usage per Container is 100m, but request is 10m'
    top = daemonset(w, w.ns, w.app, c("agent", cpu=("10m", "")), nodes=[], desired=3, age=1900)
    w.event(top, "Warning", "FailedCreate", f"Error creating: {text}", 17, 1800, 60)
    return Truth(
        f"{w.app} daemonset 0 of 3",
        "limit_range_violation",
        f"DaemonSet/{w.ns}/{w.app}",
        (),
        (f"LimitRange/{w.ns}/bounds",),
    )


def webhook(w: World, name: str, svc: str, ns: str, *, mutating: bool = False) -> None:
    kind = "MutatingWebhookConfiguration" if mutating else "ValidatingWebhookConfiguration"
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["pods"],
        "scope": "*",
    }
    hook = {
        "name": f"{name}.corp.test",
        "failurePolicy": "Fail",
        "timeoutSeconds": 10,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "rules": [rule],
    }
    client = {"service": {"name": svc, "namespace": ns, "path": "/validate", "port": 443}, "caBundle": "LS0t"}
    w.add("admissionregistration.k8s.io/v1", kind, "", name, webhooks=[hook | {"clientConfig": client}])


@scenario(flavour="eks")
def webhook_no_endpoints(w: World) -> Truth:
    """The policy engine's pods crash, so nobody can create pods."""
    ns = w.namespace("policy-system")
    log = 'E0301 setup.go:41 "unable to load tls key pair" err="tls: failed to find any PEM data in certificate input"'
    deployment(w, ns, "policy-engine", c("manager", ports=[("https", 9443)], log=log, state=crash(1)))
    service(w, ns, "policy-engine", [("https", 443, "https")])
    webhook(w, "policy-engine", "policy-engine", ns)
    text = 'Internal error occurred: failed calling webhook "policy-engine.corp.test": failed to call webhook: Post "https://policy-engine.policy-system.svc:443/validate?timeout=10s": no endpoints available for service "policy-engine"'
    deployment(w, w.ns, w.app, c(w.app), refused=text, age=1900)
    return Truth(
        f"deployment {w.app} creates no pods",
        "admission_webhook_failing",
        "ValidatingWebhookConfiguration//policy-engine",
        ("invalid_configuration", "application_error"),
        ("Deployment/policy-system/policy-engine", "Service/policy-system/policy-engine"),
    )


@scenario()
def webhook_service_gone(w: World) -> Truth:
    webhook(w, "sidecar-injector", "injector", "mesh-system", mutating=True)
    w.namespace("mesh-system")
    text = 'Internal error occurred: failed calling webhook "sidecar-injector.corp.test": failed to call webhook: Post "https://injector.mesh-system.svc:443/validate?timeout=10s": service "injector" not found'
    job(w, w.ns, w.app, c("main"), refused=text)
    statefulset(w, w.ns, w.name("db"), c("db"), age=86400)
    return Truth(
        f"{w.app} job never begins",
        "admission_webhook_failing",
        "MutatingWebhookConfiguration//sidecar-injector",
        (),
        ("Service/mesh-system/injector",),
    )


@scenario()
def webhook_certificate(w: World) -> Truth:
    ns = w.namespace("guard-system")
    deployment(
        w,
        ns,
        "guard",
        c(
            "guard",
            ports=[("https", 8443)],
            log="http: TLS handshake error from 10.0.0.5:53122: remote error: tls: bad certificate\n" * 4,
        ),
    )
    service(w, ns, "guard", [("https", 443, "https")])
    webhook(w, "guard", "guard", ns)
    text = 'Internal error occurred: failed calling webhook "guard.corp.test": failed to call webhook: Post "https://guard.guard-system.svc:443/validate?timeout=10s": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-03-01T11:40:00Z is after 2026-02-28T12:00:00Z'
    deployment(w, w.ns, w.app, c(w.app), replicas=2, refused=text, age=1900)
    return Truth(
        f"rollout of {w.app} stands still, 0 pods",
        "certificate_expired",
        "ValidatingWebhookConfiguration//guard",
        ("admission_webhook_failing",),
        ("Deployment/guard-system/guard", "Service/guard-system/guard"),
    )


@scenario()
def denied_kyverno(w: World) -> Truth:
    text = f'admission webhook "validate.kyverno.svc-fail" denied the request: \n\nresource Pod/{w.ns}/{w.app}-x was blocked due to the following policies \n\nrequire-labels:\n  check-owner: \'validation error: label "owner" is required. rule check-owner failed at path /metadata/labels/owner/\''
    deployment(w, w.ns, w.app, c(w.app), refused=text, age=1900)
    return Truth(
        f"{w.app} has no pods since the deploy", "admission_webhook_denied", f"Deployment/{w.ns}/{w.app}"
    )


@scenario(flavour="gke")
def denied_gatekeeper(w: World) -> Truth:
    text = 'admission webhook "validation.gatekeeper.sh" denied the request: [allowed-registries] container <main> has an invalid image registry <docker.io/evil/app:1>, allowed registries are ["europe-docker.pkg.dev"]'
    statefulset(w, w.ns, w.app, c("main", "docker.io/evil/app:1"), refused=text, age=1900)
    return Truth(f"sts {w.app} 0/1, no pods", "admission_webhook_denied", f"StatefulSet/{w.ns}/{w.app}")


@scenario(minor=31)
def denied_policy(w: World) -> Truth:
    """A ValidatingAdmissionPolicy, which is no webhook."""
    text = f"pods \"{w.app}-5d-x\" is forbidden: ValidatingAdmissionPolicy 'no-latest' with binding 'no-latest-binding' denied request: images must not use the latest tag"
    deployment(w, w.ns, w.app, c(w.app, "docker.io/corp/app:latest"), refused=text, age=1900)
    return Truth(f"why does {w.app} have no pods?", "admission_webhook_denied", f"Deployment/{w.ns}/{w.app}")


def restricted(w: World, level: str) -> None:
    w.get("Namespace", "", w.ns)["metadata"]["labels"] |= {"pod-security.kubernetes.io/enforce": level}


@scenario()
def pod_security_restricted(w: World) -> Truth:
    restricted(w, "restricted")
    text = f'pods "{w.app}-6c-zz" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "{w.app}" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "{w.app}" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "{w.app}" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "{w.app}" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
    deployment(w, w.ns, w.app, c(w.app), refused=text, age=1900)
    return Truth(
        f"{w.app} scaled but zero pods",
        "pod_security_violation",
        f"Deployment/{w.ns}/{w.app}",
        (),
        (f"Namespace//{w.ns}",),
    )


@scenario()
def pod_security_baseline(w: World) -> Truth:
    restricted(w, "baseline")
    text = f'pods "{w.app}-kk9" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true), hostPath volumes (volume "sys")'
    top = daemonset(
        w,
        w.ns,
        w.app,
        c("probe"),
        nodes=[],
        desired=3,
        spec={"hostNetwork": True, "volumes": [{"name": "sys", "hostPath": {"path": "/sys"}}]},
        age=1900,
    )
    w.event(top, "Warning", "FailedCreate", f"Error creating: {text}", 16, 1800, 80)
    return Truth(
        f"daemonset {w.app}: no pods anywhere",
        "pod_security_violation",
        f"DaemonSet/{w.ns}/{w.app}",
        (),
        (f"Namespace//{w.ns}",),
    )


@scenario(flavour="openshift")
def security_context_constraint(w: World) -> Truth:
    text = f'pods "{w.app}-6d-" is forbidden: unable to validate against any security context constraint: [provider "anyuid": Forbidden: not usable by user or serviceaccount, provider restricted-v2: .containers[0].runAsUser: Invalid value: 0: must be in the ranges: [1000680000, 1000689999]]'
    deployment(w, w.ns, w.app, c(w.app, securityContext={"runAsUser": 0}), refused=text, age=1900)
    return Truth(
        f"{w.app} is not created in {w.ns}",
        "pod_security_violation",
        f"Deployment/{w.ns}/{w.app}",
        ("admission_webhook_denied",),
    )


@scenario()
def account_missing(w: World) -> Truth:
    text = f'pods "{w.app}-5f7-" is forbidden: error looking up service account {w.ns}/{w.app}-runner: serviceaccount "{w.app}-runner" not found'
    statefulset(
        w, w.ns, w.app, c("run"), spec={"serviceAccountName": f"{w.app}-runner"}, refused=text, age=1900
    )
    return Truth(
        f"{w.app} 0/1",
        "service_account_missing",
        f"StatefulSet/{w.ns}/{w.app}",
        (),
        (f"ServiceAccount/{w.ns}/{w.app}-runner",),
    )


@scenario()
def account_missing_job(w: World) -> Truth:
    text = f'pods "{w.app}-" is forbidden: error looking up service account {w.ns}/backup: serviceaccount "backup" not found'
    job(w, w.ns, w.app, c("run"), spec={"serviceAccountName": "backup"}, refused=text)
    pvc(w, w.ns, "unused", bound=False)
    return Truth(
        f"backup job {w.app} hangs without pods",
        "service_account_missing",
        f"Job/{w.ns}/{w.app}",
        (),
        (f"ServiceAccount/{w.ns}/backup",),
    )
