"""Half c: what the API server refuses, and autoscalers, as in clusters in use."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.admission import quota
from scenarios.builders import Truth, World
from scenarios.field_parts import DAY, helm, istio, told
from scenarios.parts import c
from scenarios.pressure import hpa
from scenarios.registry import scenario
from scenarios.workloads import (
    daemonset,
    deployment,
    job,
    service,
    statefulset,
)


@scenario(flavour="openshift", minor=29)
def quota_at_scale_out(w: World) -> Truth:
    ns = w.namespace("campaign-prod")
    quota(
        w, "compute-quota", {"limits.memory": "5632Mi", "pods": "40"}, {"limits.memory": "5Gi", "pods": "5"}
    )
    w.of("ResourceQuota")[-1]["metadata"]["namespace"] = ns
    text = 'pods "landing-7d9c6b5f4d-x2x9q" is forbidden: exceeded quota: compute-quota, requested: limits.memory=1Gi, used: limits.memory=5Gi, limited: limits.memory=5632Mi'
    box = c("landing", ports=[8080], memory=("256Mi", "1Gi"), usage=("60m", "150Mi"))
    deployment(w, ns, "landing", box, replicas=8, pods=[box] * 5, refused=text, age=3000)
    return told(
        w,
        "campaign started, landing should have 8 pods but stays at 5",
        "quota_exceeded",
        f"ResourceQuota/{ns}/compute-quota",
        or_at=[f"Deployment/{ns}/landing", f"Namespace//{ns}"],
    )


@scenario(flavour="gke", minor=31)
def cpu_bounds(w: World) -> Truth:
    ns = w.namespace("sandbox-anna")
    w.add(
        "v1",
        "LimitRange",
        ns,
        "sandbox-limits",
        spec={
            "limits": [
                {"type": "Container", "max": {"cpu": "2", "memory": "4Gi"}, "default": {"cpu": "500m"}}
            ]
        },
    )
    text = 'pods "notebook-0" is forbidden: maximum cpu usage per Container is 2, but limit is 4'
    statefulset(
        w,
        ns,
        "notebook",
        c("jupyter", "quay.io/jupyter/scipy-notebook:2025-01-06", cpu=("1", "4")),
        refused=text,
        age=2000,
    )
    return told(
        w,
        "my notebook never starts, there is not even a pod",
        "limit_range_violation",
        f"StatefulSet/{ns}/notebook",
        or_at=[f"LimitRange/{ns}/sandbox-limits"],
    )


@scenario(flavour="eks", minor=32)
def kyverno_asleep(w: World) -> Truth:
    """Scaled down for a weekend by a script; its webhooks stayed."""
    kyverno = w.namespace("kyverno")
    parts = helm("kyverno", "kyverno", "kyverno-3.3.4")
    deployment(
        w,
        kyverno,
        "kyverno-admission-controller",
        c("kyverno", "ghcr.io/kyverno/kyverno:v1.13.2", ports=[("https", 9443)]),
        replicas=0,
        age=DAY * 30,
        **parts,
    )
    service(w, kyverno, "kyverno-svc", [("https", 443, "https")], selector=parts["labels"])
    rule = {
        "apiGroups": ["", "apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["pods", "deployments"],
        "scope": "*",
    }
    hook = {
        "name": "validate.kyverno.svc-fail",
        "failurePolicy": "Fail",
        "timeoutSeconds": 10,
        "sideEffects": "NoneOnDryRun",
        "admissionReviewVersions": ["v1"],
        "rules": [rule],
        "clientConfig": {
            "service": {"name": "kyverno-svc", "namespace": kyverno, "path": "/validate/fail", "port": 443},
            "caBundle": "LS0t",
        },
    }
    w.add(
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        "",
        "kyverno-resource-validating-webhook-cfg",
        webhooks=[hook],
        labels={"webhook.kyverno.io/managed-by": "kyverno"},
    )
    ns = w.namespace("quotes")
    text = 'Internal error occurred: failed calling webhook "validate.kyverno.svc-fail": failed to call webhook: Post "https://kyverno-svc.kyverno.svc:443/validate/fail?timeout=10s": no endpoints available for service "kyverno-svc"'
    deployment(w, ns, "quotes", c("quotes"), replicas=2, refused=text, age=1900)
    return told(
        w,
        "quotes was restarted and now there are 0 pods",
        "admission_webhook_failing",
        "ValidatingWebhookConfiguration//kyverno-resource-validating-webhook-cfg",
        or_cause=["deployment_zero_replicas"],
        or_at=[f"Deployment/{kyverno}/kyverno-admission-controller", f"Service/{kyverno}/kyverno-svc"],
    )


@scenario(flavour="aks", minor=30)
def gatekeeper(w: World) -> Truth:
    ns = w.namespace("reporting")
    text = 'admission webhook "validation.gatekeeper.sh" denied the request: [container-must-have-limits] container <export> has no memory limit'
    job(w, ns, "export-2026-02", c("export", memory=None), refused=text)
    return told(
        w, "month end export job has created no pod", "admission_webhook_denied", f"Job/{ns}/export-2026-02"
    )


@scenario(flavour="k3s", minor=34)
def restricted_agent(w: World) -> Truth:
    ns = w.namespace("security")
    w.get("Namespace", "", ns)["metadata"]["labels"] |= {
        "pod-security.kubernetes.io/enforce": "baseline",
        "pod-security.kubernetes.io/enforce-version": "latest",
    }
    text = 'pods "falco-x9k2p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostPID=true), hostPath volumes (volume "proc-fs"), privileged (container "falco" must not set securityContext.privileged=true)'
    spec = {"hostPID": True, "volumes": [{"name": "proc-fs", "hostPath": {"path": "/proc"}}]}
    box = c(
        "falco",
        "docker.io/falcosecurity/falco:0.39.2",
        securityContext={"privileged": True},
        mounts={"proc-fs": "/host/proc"},
    )
    top = daemonset(w, ns, "falco", box, nodes=[], desired=3, spec=spec, age=1900)
    w.event(top, "Warning", "FailedCreate", f"Error creating: {text}", 17, 1800, 60)
    return told(
        w,
        "falco daemonset: desired 3, current 0",
        "pod_security_violation",
        f"DaemonSet/{ns}/falco",
        or_at=[f"Namespace//{ns}"],
    )


@scenario(flavour="gke", minor=32)
def runner_account(w: World) -> Truth:
    ns = w.namespace("gitlab-runner")
    text = 'pods "gitlab-runner-5b8c7d6f9d-" is forbidden: error looking up service account gitlab-runner/gitlab-runner-sa: serviceaccount "gitlab-runner-sa" not found'
    deployment(
        w,
        ns,
        "gitlab-runner",
        c("runner", "registry.gitlab.com/gitlab-org/gitlab-runner:alpine-v17.6.0"),
        spec={"serviceAccountName": "gitlab-runner-sa"},
        refused=text,
        age=2000,
    )
    return told(
        w,
        "CI jobs are all queued, no runner online",
        "service_account_missing",
        f"Deployment/{ns}/gitlab-runner",
        or_at=[f"ServiceAccount/{ns}/gitlab-runner-sa"],
    )


@scenario(flavour="eks", minor=33)
def custom_metric(w: World) -> Truth:
    ns = w.ns = w.namespace("streaming")
    deployment(
        w,
        ns,
        "transcode-gw",
        [c("gw", ports=[8080], cpu=("200m", "1"), usage=("180m", "80Mi")), istio()],
        replicas=2,
        age=DAY * 2,
    )
    text = "the HPA was unable to compute the replica count: unable to get metric http_requests_per_second: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered"
    scaler = hpa(
        w,
        "transcode-gw",
        2,
        20,
        2,
        [
            (
                "AbleToScale",
                "True",
                "SucceededGetScale",
                "the HPA controller was able to get the target's current scale",
            ),
            ("ScalingActive", "False", "FailedGetPodsMetric", text),
        ],
    )
    scaler["spec"]["metrics"] = [
        {
            "type": "Pods",
            "pods": {
                "metric": {"name": "http_requests_per_second"},
                "target": {"type": "AverageValue", "averageValue": "50"},
            },
        }
    ]
    w.event(scaler, "Warning", "FailedGetPodsMetric", text.split(": ", 1)[1], 210, 3400, 10)
    w.event(
        scaler,
        "Warning",
        "FailedComputeMetricsReplicas",
        f"invalid metrics (1 invalid out of 1), first error is: failed to get pods metric value: {text.split(': ', 1)[1]}",
        210,
        3400,
        10,
    )
    return told(
        w,
        "transcode-gw didn't scale during the match last night, still 2 pods",
        "hpa_metrics_unavailable",
        f"HorizontalPodAutoscaler/{ns}/transcode-gw",
    )


@scenario(flavour="gke", minor=32)
def maxed_out(w: World) -> Truth:
    ns = w.ns = w.namespace("ticketing")
    deployment(
        w,
        ns,
        "queue-front",
        c("front", ports=[8080], cpu=("250m", "1"), usage=("470m", "100Mi")),
        replicas=5,
        age=DAY * 2,
    )
    current = [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "current": {"averageUtilization": 188, "averageValue": "470m"}},
        }
    ]
    hpa(
        w,
        "queue-front",
        2,
        5,
        5,
        [
            ("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size"),
            (
                "ScalingActive",
                "True",
                "ValidMetricFound",
                "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)",
            ),
            (
                "ScalingLimited",
                "True",
                "TooManyReplicas",
                "the desired replica count is more than the maximum replica count",
            ),
        ],
        currentMetrics=current,
    )
    return told(
        w,
        "onsale running, waiting room slow, why only 5 pods of queue-front",
        "hpa_at_maximum",
        f"HorizontalPodAutoscaler/{ns}/queue-front",
        or_at=[f"Deployment/{ns}/queue-front"],
    )
