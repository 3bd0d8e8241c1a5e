"""Services: endpoints, selectors, ports, load balancers; and what is healthy."""

from __future__ import annotations

import pytest

from analysis_infra_support import (
    ago,
    container,
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
from kubelore.analysis.services import service_facts
from kubelore.analysis.view import View
from kubelore.types import Severity
from support import incident, needs_incidents

CHECKS = ("services", "scaled_to_zero")


def facts_of(view: View, name: str = "web") -> set[str]:
    found = view.get("Service", "shop", name)
    assert found is not None
    return names(service_facts(view, found))


def test_healthy_service_has_facts_and_no_finding() -> None:
    view = view_of(workload("web"), service("web"), slices("web"))
    assert facts_of(view) == {
        "service.selector=matches",
        "service.endpoints=some",
        "service.backends=ready",
        "service.target_port=declared",
    }
    assert problems(view) == []


@pytest.mark.parametrize(
    ("selector", "labels"),
    [
        ({"app": "web-front"}, {"app": "webfront"}),
        ({"app": "web", "tier": "back"}, {"app": "web", "tier": "backend"}),
        ({"app": "web", "version": "2"}, {"app": "web"}),
        ({"app": "web"}, {"app.kubernetes.io/name": "web"}),
        ({"component": "x"}, {"app": "something"}),
    ],
)
def test_selector_that_nearly_matches_is_told_from_one_that_does_not(selector, labels) -> None:
    view = view_of(workload("web", labels=labels), service("web", selector))
    found = problems(view, *CHECKS)
    assert [f.severity for f in found] == [Severity.CRITICAL]
    assert shown(found)["Service/shop/web"] == {"service.selector=near-miss", "service.endpoints=none"}


def test_selector_that_nothing_resembles_matches_nothing() -> None:
    view = view_of(workload("queue"), service("web", {"app": "gone"}))
    assert shown(problems(view))["Service/shop/web"] == {
        "service.selector=matches-nothing",
        "service.endpoints=none",
    }


def test_selector_of_a_numbered_sibling_is_no_misspelling() -> None:
    view = view_of(workload("shard-2"), service("web", {"app": "shard-1"}))
    assert "service.selector=matches-nothing" in facts_of(view)


@pytest.mark.parametrize("state", ["crashing", "pending", "not-ready"])
def test_pods_that_are_not_ready_explain_missing_endpoints(state: str) -> None:
    view = view_of(workload("web", state=state), service("web"), slices("web", 0, 1))
    assert facts_of(view) >= {"service.endpoints=not-ready", f"service.backends={state}"}
    assert "Service/shop/web" in shown(problems(view, *CHECKS))


def test_zero_replicas_behind_a_service_are_reported_at_the_workload() -> None:
    view = view_of(workload("web", replicas=0), service("web"), slices("web", 0))
    found = problems(view)
    assert [str(f.object) for f in found] == ["Deployment/shop/web"]
    assert names(found[0].facts) >= {"workload.replicas=zero", "service.backends=zero-replicas"}


def test_zero_replicas_that_nobody_needs_are_no_problem() -> None:
    view = view_of(workload("batch", replicas=0))
    assert problems(view) == []


def test_what_is_woken_on_demand_may_be_asleep() -> None:
    asleep = workload("web", replicas=0)
    assert problems(view_of(asleep, service("web")))
    deployment, *rest = asleep
    knative = {
        **deployment,
        "metadata": {**deployment["metadata"], "labels": {"serving.knative.dev/service": "web"}},
    }
    assert problems(view_of(knative, *rest, service("web"))) == []
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    scaler = obj(
        "HorizontalPodAutoscaler", "keda-hpa-web", metadata={"labels": {"scaledobject.keda.sh/name": "web"}},
        spec={"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 5},
    )  # fmt: skip
    assert problems(view_of(asleep, service("web"), scaler), "services", "scaled_to_zero") == []


def test_old_half_of_a_blue_green_pair_may_be_scaled_to_zero() -> None:
    blue = workload("web-blue", labels={"app": "web"})
    green = workload("web-green", labels={"app": "web"}, replicas=0)
    assert problems(view_of(blue, green, service("web"), slices("web"))) == []


def test_endpoints_objects_count_where_there_are_no_slices() -> None:
    endpoints = obj("Endpoints", "web", subsets=[{"addresses": [{"ip": "10.0.0.1"}]}])
    assert problems(view_of(service("web", {}), endpoints)) == []


def test_service_without_selector_and_without_endpoints_is_broken_unless_headless() -> None:
    assert shown(problems(view_of(service("web", {})))) == {
        "Service/shop/web": {"service.selector=empty", "service.endpoints=none"}
    }
    assert problems(view_of(service("web", {}, clusterIP="None"))) == []


def test_external_name_needs_no_endpoints() -> None:
    external = service("web", {}, type="ExternalName", externalName="db.example.com", clusterIP="")
    view = view_of(external)
    assert problems(view) == []
    assert facts_of(view) == {"service.external_name=set"}


def test_unreadable_pods_and_endpoints_prove_nothing() -> None:
    view = view_of(service("web"), unreadable=["Pod", "EndpointSlice", "Endpoints", "Deployment"])
    assert problems(view, *CHECKS) == []
    assert facts_of(view) == set()


def test_role_label_that_an_operator_sets_may_be_missing() -> None:
    database = workload("db", labels={"app": "db"})
    database[-1]["metadata"]["labels"] = {"app": "db", "role": "master"}
    view = view_of(database, service("db-replicas", {"app": "db", "role": "replica"}))
    assert problems(view) == []


def test_pods_that_have_just_started_are_given_time() -> None:
    objects = workload("web", state="not-ready")
    objects[-1]["metadata"]["creationTimestamp"] = ago(seconds=20)
    assert problems(view_of(objects, service("web"), slices("web", 0, 1)), *CHECKS) == []


def test_pods_of_a_job_may_be_gone() -> None:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container()]}}
    job = obj("Job", "load", spec={"template": template}, status={"succeeded": 1})
    assert problems(view_of(job, service("web"), slices("web", 0)), *CHECKS) == []


# -- ports ----------------------------------------------------------------------------------------
def port_view(ports: tuple[int, int | str], *containers, **fields) -> View:
    return view_of(workload("web", *containers), service("web", None, ports), slices("web"), **fields)


def test_target_port_that_no_container_declares_is_suspected() -> None:
    found = problems(port_view((80, 9090), container(8080)))
    assert [f.severity for f in found] == [Severity.WARNING]
    fact = found[0].facts[0]
    assert fact.name == "service.target_port=not-open"
    assert (fact.params["target_port"], fact.params["container_port"]) == ("9090", "8080")


def test_passing_probe_on_another_port_makes_it_sure() -> None:
    probe = {"readinessProbe": {"httpGet": {"port": 8080}}}
    found = problems(port_view((80, 9090), container(8080, **probe)))
    assert [f.severity for f in found] == [Severity.CRITICAL]


def test_undeclared_port_alone_is_no_fault() -> None:
    assert problems(port_view((80, 9090), container())) == []


def test_undeclared_port_that_a_probe_uses_is_open() -> None:
    probe = {"readinessProbe": {"tcpSocket": {"port": 9090}}}
    assert problems(port_view((80, 9090), container(8080, **probe))) == []


def test_undeclared_port_beside_a_declared_one_is_just_not_written_down() -> None:
    both = service("web", None, (80, 8080), (9100, 9100))
    assert problems(view_of(workload("web"), both, slices("web"))) == []


def test_program_told_to_listen_elsewhere_is_a_sign() -> None:
    settings = container(env=[{"name": "PORT", "value": "3000"}])
    assert names(problems(port_view((80, 8080), settings))[0].facts) >= {"service.target_port=not-open"}
    assert problems(port_view((80, 3000), settings)) == []


def test_log_that_says_where_it_listens_decides() -> None:
    log = {("shop", "web-1a2b-0", "app"): "INFO listening on 0.0.0.0:8000"}
    found = problems(port_view((80, 9000), container(), logs=log))
    assert [f.severity for f in found] == [Severity.CRITICAL]
    assert found[0].facts[0].params["container_port"] == "8000"
    assert problems(port_view((80, 8000), container(8080), logs=log)) == []


def test_refused_callers_decide() -> None:
    caller = workload("front", container(env=[{"name": "WEB_URL", "value": "http://web/"}]))
    log = {("shop", "front-1a2b-0", "app"): "ERROR dial tcp web:80: connect: connection refused"}
    view = view_of(
        workload("web", container()), service("web", None, (80, 9000)), slices("web"), caller, logs=log
    )
    found = problems(view, "services")
    assert [(str(f.object), f.severity) for f in found] == [("Service/shop/web", Severity.CRITICAL)]


def test_named_port_must_exist() -> None:
    named = {"name": "app", "image": "x", "ports": [{"name": "http", "containerPort": 8080}]}
    assert problems(port_view((80, "http"), named)) == []
    found = problems(port_view((80, "web"), named))
    assert "service.target_port=name-missing" in names(found[0].facts)
    assert found[0].severity is Severity.CRITICAL


def test_protocol_must_be_the_containers() -> None:
    datagrams = {"name": "app", "image": "x", "ports": [{"containerPort": 8125, "protocol": "UDP"}]}
    found = problems(port_view((8125, 8125), datagrams))
    assert "service.protocol=mismatch" in names(found[0].facts)


def test_port_served_in_both_protocols_is_often_declared_once() -> None:
    both = service("web")
    both["spec"]["ports"] = [{"port": 443, "targetPort": 8443, "protocol": p} for p in ("TCP", "UDP")]
    assert problems(view_of(workload("web", container(8443)), both, slices("web"))) == []


def test_headless_service_maps_no_ports() -> None:
    headless = service("web", None, (80, 9090), clusterIP="None")
    assert problems(view_of(workload("web"), headless, slices("web"))) == []


def test_load_balancer_may_take_minutes_and_not_longer() -> None:
    balancer = service("web", type="LoadBalancer")
    view = view_of(workload("web"), balancer, slices("web"))
    assert shown(problems(view)) == {"Service/shop/web": {"service.load_balancer=pending"}}
    balancer["metadata"]["creationTimestamp"] = ago(minutes=1)
    assert problems(view_of(workload("web"), balancer, slices("web"))) == []


def test_load_balancer_that_the_cloud_refuses_has_failed() -> None:
    balancer = service("web", type="LoadBalancer")
    said = event(balancer, "SyncLoadBalancerFailed", "Error syncing load balancer: no subnets")
    found = problems(view_of(workload("web"), balancer, slices("web"), said))
    assert shown(found) == {"Service/shop/web": {"service.load_balancer=failed"}}


@needs_incidents
@pytest.mark.parametrize(
    ("name", "ref", "fact"),
    [
        ("inc-38", "Service/web/storefront", "service.selector=near-miss"),
        ("inc-39", "Service/reviews/reviews", "service.target_port=not-open"),
        ("inc-43", "Deployment/landing/landing", "workload.replicas=zero"),
        ("inc-07", "Deployment/orders/orders-db", "workload.replicas=zero"),
        ("inc-11", "Service/catalogue/catalog", "service.backends=not-ready"),
    ],
)
def test_recorded_faults_are_found(name: str, ref: str, fact: str) -> None:
    assert fact in shown(problems(View(incident(name))))[ref]
