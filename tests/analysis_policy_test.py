"""Quotas, autoscalers, budgets, webhooks, deletions, RBAC, certificates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from analysis_infra_support import (
    ago,
    event,
    names,
    obj,
    problems,
    service,
    shown,
    slices,
    view_of,
    workload,
)
from kubelore.analysis.rbac import binding_facts, forbidden_facts
from kubelore.types import JsonObject, Ref, Severity
from support import NOW


# -- quotas ---------------------------------------------------------------------------------------
def quota(hard: dict[str, str], used: dict[str, str]) -> JsonObject:
    return obj("ResourceQuota", "q", spec={"hard": hard}, status={"hard": hard, "used": used})


@pytest.mark.parametrize(
    ("resource", "limit", "used", "expected"),
    [
        ("requests.cpu", "2", "2000m", {"quota.used=full", "quota.resource=cpu"}),
        ("limits.memory", "1Gi", "950Mi", {"quota.used=near", "quota.resource=memory"}),
        ("pods", "10", "10", {"quota.used=full", "quota.resource=pods"}),
        ("requests.storage", "10Gi", "10Gi", {"quota.used=full", "quota.resource=storage"}),
        ("services.loadbalancers", "1", "1", {"quota.used=full", "quota.resource=services"}),
        ("count/configmaps", "5", "5", {"quota.used=full", "quota.resource=other"}),
        ("pods", "10", "5", set()),
        ("services.nodeports", "0", "0", set()),
    ],
)
def test_quotas_near_their_limits(resource: str, limit: str, used: str, expected: set[str]) -> None:
    found = shown(problems(view_of(quota({resource: limit}, {resource: used}))))
    assert found.get("ResourceQuota/shop/q", set()) == expected


def test_quota_that_refuses_is_critical() -> None:
    replica_set = workload("web", replicas=0)[1]
    said = event(
        replica_set, "FailedCreate", 'pods "web-1" is forbidden: exceeded quota: q, requested: pods=1'
    )
    view = view_of(quota({"pods": "2"}, {"pods": "2"}), replica_set, said)
    assert [f.severity for f in problems(view, "quotas")] == [Severity.CRITICAL]


# -- autoscalers ----------------------------------------------------------------------------------
def hpa(*conditions: tuple[str, str, str, str], target: str = "web", **status: Any) -> JsonObject:
    listed = [dict(zip(("type", "status", "reason", "message"), c, strict=True)) for c in conditions]
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": target}, "minReplicas": 1, "maxReplicas": 3}
    return obj("HorizontalPodAutoscaler", "web", spec=spec, status={"conditions": listed, **status})


def hpa_names(*objects: Any) -> set[str]:
    return shown(problems(view_of(*objects), "autoscalers")).get("HorizontalPodAutoscaler/shop/web", set())


def test_working_autoscaler_gives_nothing() -> None:
    fine = hpa(
        ("AbleToScale", "True", "ReadyForNewScale", ""), ("ScalingActive", "True", "ValidMetricFound", "")
    )
    assert hpa_names(fine, workload("web")) == set()


@pytest.mark.parametrize(
    ("reason", "message", "value"),
    [
        (
            "FailedGetResourceMetric",
            "failed to get cpu utilization: missing request for cpu in container x",
            "no-request",
        ),
        (
            "FailedGetResourceMetric",
            "unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API",
            "api-missing",
        ),
        ("FailedGetExternalMetric", "unable to get external metric shop/queue", "external-missing"),
    ],
)
def test_autoscaler_without_its_metric(reason: str, message: str, value: str) -> None:
    assert hpa_names(hpa(("ScalingActive", "False", reason, message)), workload("web")) == {
        f"hpa.metrics={value}"
    }


def test_autoscaler_without_its_target() -> None:
    assert hpa_names(hpa(target="gone")) == {"hpa.target=missing"}


def test_autoscaler_that_wants_more_than_it_may() -> None:
    limited = hpa(("ScalingLimited", "True", "TooManyReplicas", ""), currentReplicas=3)
    assert hpa_names(limited, workload("web", replicas=3)) == {"hpa.at=maximum"}
    assert hpa_names(hpa(currentReplicas=3), workload("web", replicas=3)) == set()


def test_autoscaler_at_its_minimum_or_of_a_workload_at_rest_is_fine() -> None:
    limited = hpa(("ScalingLimited", "True", "TooFewReplicas", ""), currentReplicas=1)
    assert hpa_names(limited, workload("web")) == set()
    resting = hpa(("ScalingActive", "False", "ScalingDisabled", "scaling is disabled"))
    assert hpa_names(resting, workload("web", replicas=0)) == set()


# -- budgets --------------------------------------------------------------------------------------
def pdb(name: str = "web", expected: int = 2, healthy: int = 2, allowed: int = 0, **spec: Any) -> JsonObject:
    status = {"expectedPods": expected, "currentHealthy": healthy, "disruptionsAllowed": allowed}
    selector = {"matchLabels": {"app": "web"}}
    return obj("PodDisruptionBudget", name, spec={"selector": selector, **spec}, status=status)


@pytest.mark.parametrize(
    ("spec", "impossible"),
    [
        ({"minAvailable": 2}, True),
        ({"minAvailable": "100%"}, True),
        ({"minAvailable": "51%"}, True),
        ({"maxUnavailable": 0}, True),
        ({"maxUnavailable": "0%"}, True),
        ({"minAvailable": 1}, False),
        ({"maxUnavailable": 1}, False),
    ],
)
def test_budgets_that_can_never_allow_an_eviction(spec: dict[str, Any], impossible: bool) -> None:
    found = problems(view_of(workload("web", replicas=2), pdb(allowed=0 if impossible else 1, **spec)))
    assert ("pdb.impossible=yes" in names(f for x in found for f in x.facts)) is impossible
    assert bool(found) is impossible


def test_budget_that_protects_what_is_left_does_its_duty() -> None:
    assert (
        problems(view_of(workload("web", replicas=2), pdb(healthy=1, minAvailable=1)), "disruption_budgets")
        == []
    )


def test_budget_that_holds_up_a_drain_is_told() -> None:
    drained = obj("Node", "node-a", "", spec={"unschedulable": True})
    view = view_of(workload("web", replicas=2), pdb(healthy=1, minAvailable=1), drained)
    assert "pdb.disruptions_allowed=zero" in shown(problems(view))["PodDisruptionBudget/shop/web"]


def test_two_budgets_for_one_pod() -> None:
    view = view_of(workload("web"), pdb(allowed=1, minAvailable=0), pdb("again", allowed=1, minAvailable=0))
    assert set(shown(problems(view))) == {"PodDisruptionBudget/shop/again", "PodDisruptionBudget/shop/web"}


# -- webhooks -------------------------------------------------------------------------------------
def webhook(policy: str = "Fail") -> JsonObject:
    client = {"service": {"namespace": "shop", "name": "guard"}}
    hook = {"name": "guard.example.com", "failurePolicy": policy, "clientConfig": client}
    return obj("ValidatingWebhookConfiguration", "guard", "", webhooks=[hook])


def test_webhook_that_answers_gives_nothing() -> None:
    assert problems(view_of(webhook(), workload("guard"), service("guard"), slices("guard"))) == []


def test_webhook_without_its_service_or_endpoints() -> None:
    key = "ValidatingWebhookConfiguration//guard"
    assert shown(problems(view_of(webhook())))[key] == {
        "webhook.service=missing", "webhook.policy=Fail", "service.exists=no",
    }  # fmt: skip
    down = [workload("guard", state="crashing"), service("guard"), slices("guard", 0, 1)]
    assert shown(problems(view_of(webhook(), down)))[key] == {
        "webhook.service=no-endpoints",
        "webhook.policy=Fail",
    }


def test_webhook_that_may_be_ignored_is_a_warning() -> None:
    assert [f.severity for f in problems(view_of(webhook("Ignore")))] == [Severity.WARNING]


def test_webhook_whose_calls_fail_is_told_by_events() -> None:
    replica_set = workload("web", replicas=0)[1]
    said = event(
        replica_set,
        "FailedCreate",
        'Internal error occurred: failed calling webhook "guard.example.com": failed to call webhook: '
        'Post "https://guard.shop.svc:443/check?timeout=10s": context deadline exceeded',
    )
    fine = [workload("guard"), service("guard"), slices("guard")]
    found = shown(problems(view_of(webhook(), fine, replica_set, said), "webhooks"))
    assert found["ValidatingWebhookConfiguration//guard"] == {"webhook.error=timeout", "webhook.policy=Fail"}


# -- deletions ------------------------------------------------------------------------------------
def test_namespace_that_stays_says_why() -> None:
    gone = obj("Namespace", "old", "", metadata={"deletionTimestamp": ago(hours=1)})
    gone["spec"] = {"finalizers": ["kubernetes"]}
    gone["status"] = {
        "conditions": [
            {"type": "NamespaceContentRemaining", "status": "True", "message": "widgets has 1 instance"},
            {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "example.com/hold in 1"},
            {"type": "NamespaceDeletionDiscoveryFailure", "status": "False"},
        ]
    }
    (found,) = problems(view_of(gone))
    assert found.facts[0].name == "namespace.terminating=finalizers-remaining"
    assert {f.value for f in found.facts if f.key == "namespace.terminating"} == {
        "finalizers-remaining",
        "content-remaining",
    }


def test_finalizer_that_holds_an_object() -> None:
    held = obj(
        "ConfigMap", "c", metadata={"deletionTimestamp": ago(hours=1), "finalizers": ["example.com/hold"]}
    )
    found = problems(view_of(held))
    assert shown(found) == {"ConfigMap/shop/c": {"object.terminating=long", "object.finalizers=present"}}
    held["metadata"]["deletionTimestamp"] = ago(seconds=30)
    assert problems(view_of(held)) == []


# -- RBAC -----------------------------------------------------------------------------------------
ROBOT = Ref("ServiceAccount", "shop", "robot")
REFUSED = (
    'pods is forbidden: User "system:serviceaccount:shop:robot" cannot list resource "pods" in API group "" '
    'in the namespace "data"'
)


def test_refusal_in_a_log_is_about_the_service_account() -> None:
    objects = [*workload("robot", spec={"serviceAccountName": "robot"}), obj("ServiceAccount", "robot")]
    view = view_of(objects, logs={("shop", "robot-1a2b-0", "app"): f"E0301 reflector.go:1] {REFUSED}"})
    (found,) = problems(view)
    assert (found.object, names(found.facts)) == (ROBOT, {"rbac=forbidden", "rbac.binding=none"})
    assert found.facts[0].params == {"service_account": "robot", "verb": "list", "resource": "pods"}


def test_the_default_account_of_a_crashing_workload_counts_too() -> None:
    refused = REFUSED.replace("robot", "default")
    view = view_of(workload("job", state="crashing"), logs={("shop", "job-1a2b-0", "app"): refused})
    assert "ServiceAccount/shop/default" in shown(problems(view, "rbac"))


def test_refusal_in_an_event_counts_too() -> None:
    objects = workload("robot")
    view = view_of(objects, event(objects[-1], "SyncFailed", REFUSED))
    assert "ServiceAccount/shop/robot" in shown(problems(view, "rbac"))


def test_a_text_in_the_shape_of_a_refusal_without_an_account_is_none() -> None:
    assert forbidden_facts(view_of(), 'User "alice" cannot list resource "pods"') == []


def binding(role: str) -> JsonObject:
    subject = {"kind": "ServiceAccount", "name": "robot", "namespace": "shop"}
    return obj("RoleBinding", "b", subjects=[subject], roleRef={"kind": "Role", "name": role})


def test_binding_to_a_role_that_does_not_exist() -> None:
    objects = [*workload("robot", spec={"serviceAccountName": "robot"}), obj("ServiceAccount", "robot")]
    assert shown(problems(view_of(objects, binding("gone")))) == {
        "ServiceAccount/shop/robot": {"rbac.binding=role-missing"}
    }
    assert problems(view_of(objects, binding("reader"), obj("Role", "reader"))) == []
    assert problems(view_of(objects, binding("gone"), unreadable=["Role"])) == []


def test_unreadable_bindings_prove_nothing() -> None:
    assert binding_facts(view_of(unreadable=["ClusterRoleBinding"]), ROBOT) == []


# -- certificates ---------------------------------------------------------------------------------
def secret(days: float) -> JsonObject:
    end = (NOW + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    notes = {
        "kubelore.dev/certificate-not-after": end,
        "kubelore.dev/certificate-not-before": (NOW - timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return obj("Secret", "tls", metadata={"annotations": notes}, type="kubernetes.io/tls")


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (-1, {"Secret/shop/tls": {"cert=expired"}}),
        (3, {"Secret/shop/tls": {"cert=expiring"}}),
        (60, {}),
    ],
)
def test_dates_of_a_tls_secret(days: float, expected: dict[str, set[str]]) -> None:
    assert shown(problems(view_of(secret(days)))) == expected


def test_secret_whose_dates_are_not_known_gives_nothing() -> None:
    assert problems(view_of(obj("Secret", "tls", type="kubernetes.io/tls"))) == []
