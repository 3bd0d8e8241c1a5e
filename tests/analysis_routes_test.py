"""Ingresses, Gateway API routes and NetworkPolicies."""

from __future__ import annotations

from typing import Any

import pytest

from analysis_infra_support import (
    ago,
    container,
    names,
    namespace,
    obj,
    problems,
    service,
    shown,
    slices,
    view_of,
    workload,
)
from kubelore.analysis.netpol import blocked_facts
from kubelore.types import JsonObject, Ref, Severity

NGINX = obj("IngressClass", "nginx", "", spec={"controller": "k8s.io/ingress-nginx"})
WEB = [workload("web"), service("web"), slices("web")]


def ingress(name: str = "site", target: str = "web", port: Any = None, **spec: Any) -> JsonObject:
    backend = {"service": {"name": target, "port": port or {"number": 80}}}
    rules = [{"host": "shop.example.com", "http": {"paths": [{"path": "/", "backend": backend}]}}]
    body = {"ingressClassName": "nginx", "rules": rules, **spec}
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    return obj("Ingress", name, spec=body, status=status)


def ingress_names(*objects: Any, **fields: Any) -> set[str]:
    return shown(problems(view_of(*objects, **fields), "ingress")).get("Ingress/shop/site", set())


def test_healthy_ingress_gives_nothing() -> None:
    assert problems(view_of(NGINX, ingress(), WEB)) == []
    assert problems(view_of(NGINX, ingress(port={"name": "http"}), WEB[0], WEB[2], named_service())) == []


def named_service() -> JsonObject:
    named = service("web")
    named["spec"]["ports"][0]["name"] = "http"
    return named


@pytest.mark.parametrize(
    ("route", "fact"),
    [
        (ingress(target="gone"), "ingress.backend=service-missing"),
        (ingress(port={"number": 8080}), "ingress.backend=port-missing"),
        (ingress(port={"name": "grpc"}), "ingress.backend=port-missing"),
        (ingress(ingressClassName="traefik"), "ingress.class=missing"),
        (ingress(tls=[{"secretName": "tls", "hosts": ["a"]}]), "ingress.tls=secret-missing"),
    ],
)
def test_each_fault_of_an_ingress_is_told(route: JsonObject, fact: str) -> None:
    assert fact in ingress_names(NGINX, route, WEB)


def test_default_backend_counts() -> None:
    route = ingress(defaultBackend={"service": {"name": "gone", "port": {"number": 80}}})
    assert "ingress.backend=service-missing" in ingress_names(NGINX, route, WEB)


def test_backend_without_endpoints_is_told() -> None:
    down = [workload("web", state="crashing"), service("web"), slices("web", 0, 1)]
    assert "ingress.backend=no-endpoints" in ingress_names(NGINX, ingress(), down)


def test_unreadable_lists_prove_nothing() -> None:
    route = ingress(target="gone", tls=[{"secretName": "tls"}])
    assert ingress_names(route, unreadable=["Service", "Secret", "IngressClass"]) == set()


def test_ingress_without_class_needs_a_default_or_an_address() -> None:
    route = ingress()
    del route["spec"]["ingressClassName"]
    assert ingress_names(NGINX, route, WEB) == set()
    route["status"] = {}
    assert "ingress.class=unset" in ingress_names(NGINX, route, WEB)


def test_class_whose_controller_runs_nowhere_is_told() -> None:
    route = ingress()
    route["status"] = {}
    assert "ingress.class=controller-absent" in ingress_names(NGINX, route, WEB)
    controller = workload("ingress-nginx-controller", space="ingress")
    assert ingress_names(NGINX, route, WEB, controller) == set()


def test_route_that_is_not_accepted_is_told() -> None:
    condition = {"type": "Accepted", "status": "False", "reason": "NoMatchingParent", "message": "no"}
    route = obj("HTTPRoute", "r", spec={}, status={"parents": [{"conditions": [condition]}]})
    assert shown(problems(view_of(route))) == {"HTTPRoute/shop/r": {"route.accepted=no"}}
    condition["status"] = "True"
    assert problems(view_of(route)) == []


def test_backend_of_a_route_must_exist() -> None:
    route = obj("HTTPRoute", "r", spec={"rules": [{"backendRefs": [{"name": "gone", "port": 80}]}]})
    assert "ingress.backend=service-missing" in shown(problems(view_of(route)))["HTTPRoute/shop/r"]


def test_route_just_made_is_given_time() -> None:
    condition = {"type": "Accepted", "status": "False"}
    route = obj("HTTPRoute", "r", spec={}, status={"parents": [{"conditions": [condition]}]})
    route["metadata"]["creationTimestamp"] = ago(seconds=5)
    assert problems(view_of(route)) == []


# -- NetworkPolicies ------------------------------------------------------------------------------
def policy(name: str = "deny", pods: dict[str, Any] | None = None, **spec: Any) -> JsonObject:
    return obj("NetworkPolicy", name, spec={"podSelector": pods or {}, **spec})


def allow(peer: JsonObject | None, *ports: JsonObject) -> JsonObject:
    return {**({"from": [peer]} if peer is not None else {}), **({"ports": list(ports)} if ports else {})}


CALLER = container(env=[{"name": "API_URL", "value": "http://api:80"}])
API = [workload("api", container(8080)), service("api"), slices("api")]


def cut(
    *policies: JsonObject, caller_space: str = "shop", extra: tuple[Any, ...] = ()
) -> dict[str, set[str]]:
    """What policies cut off, in a cluster whose `front` calls `api` on port 80, which is 8080 on its pods."""
    calls = (
        CALLER if caller_space == "shop" else container(env=[{"name": "API_URL", "value": "http://api.shop"}])
    )
    spaces = [namespace("shop", team="a"), namespace("edge", team="b"), namespace("kube-system")]
    view = view_of(API, workload("front", calls, space=caller_space), spaces, list(policies), list(extra))
    return shown(problems(view, "network_policies"))


FRONT_PODS = {"podSelector": {"matchLabels": {"app": "front"}}}
INGRESS_TO_API = {"pods": {"matchLabels": {"app": "api"}}, "policyTypes": ["Ingress"]}


@pytest.mark.parametrize(
    "rule",
    [
        allow(FRONT_PODS),
        allow(None),
        allow({"podSelector": {}}),
        allow(FRONT_PODS, {"port": 8080}),
        allow(FRONT_PODS, {"port": 8000, "endPort": 8100}),
        allow({"podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["front"]}]}}),
        allow({"namespaceSelector": {"matchLabels": {"team": "a"}}}),
        allow({"namespaceSelector": {}, **FRONT_PODS}),
        allow({"ipBlock": {"cidr": "10.0.0.0/8"}}),
    ],
)
def test_rules_that_admit_the_caller_cut_nothing(rule: JsonObject) -> None:
    assert cut(policy(ingress=[rule], **INGRESS_TO_API)) == {}


@pytest.mark.parametrize(
    "rule",
    [
        allow({"podSelector": {"matchLabels": {"role": "front"}}}),
        allow(FRONT_PODS, {"port": 80}),  # policies see the pod's port, not the Service's
        allow(FRONT_PODS, {"port": 8080, "protocol": "UDP"}),
        allow({"namespaceSelector": {"matchLabels": {"team": "b"}}}),
        allow({"namespaceSelector": {"matchLabels": {"team": "b"}}, **FRONT_PODS}),
        allow({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}),
    ],
)
def test_rules_that_do_not_admit_the_caller_cut_it_off(rule: JsonObject) -> None:
    found = cut(policy(ingress=[rule], **INGRESS_TO_API))
    assert found == {"NetworkPolicy/shop/deny": {"networkpolicy.blocks=ingress", "network.blocked=ingress"}}


def test_named_ports_are_those_of_the_pods() -> None:
    named = {"name": "app", "image": "x", "ports": [{"name": "http", "containerPort": 8080}]}
    objects = [workload("api", named), service("api"), workload("front", CALLER), slices("api")]
    rules = policy(ingress=[allow(FRONT_PODS, {"port": "http"})], **INGRESS_TO_API)
    assert problems(view_of(objects, rules)) == []
    rules["spec"]["ingress"][0]["ports"][0]["port"] = "metrics"
    assert problems(view_of(objects, rules))[0].object.kind == "NetworkPolicy"


def test_policies_add_up() -> None:
    deny = policy("deny", policyTypes=["Ingress"])
    assert cut(deny, policy("let", ingress=[allow(FRONT_PODS)], **INGRESS_TO_API)) == {}


def test_pod_selector_alone_admits_its_own_namespace_only() -> None:
    found = cut(policy(ingress=[allow(FRONT_PODS)], **INGRESS_TO_API), caller_space="edge")
    assert "networkpolicy.blocks=ingress" in found["NetworkPolicy/shop/deny"]


def test_the_rule_meant_to_admit_is_blamed_before_the_default_deny() -> None:
    deny = policy("deny", policyTypes=["Ingress"])
    let = policy("let", ingress=[allow(FRONT_PODS, {"port": 9090})], **INGRESS_TO_API)
    assert list(cut(deny, let)) == ["NetworkPolicy/shop/let"]


def test_types_default_to_ingress_and_to_egress_when_it_has_rules() -> None:
    assert list(cut(policy())) == ["NetworkPolicy/shop/deny"]
    only_dns = {"egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}], "ingress": [{}]}
    found = cut(policy(**only_dns))
    assert found["NetworkPolicy/shop/deny"] == {"networkpolicy.blocks=egress", "network.blocked=egress"}


def test_egress_without_dns_cuts_off_names() -> None:
    to_api = {"to": [{"podSelector": {"matchLabels": {"app": "api"}}}]}
    found = cut(policy(pods={"matchLabels": {"app": "front"}}, policyTypes=["Egress"], egress=[to_api]))
    assert found["NetworkPolicy/shop/deny"] == {"networkpolicy.blocks=dns", "network.blocked=dns"}


def test_egress_to_the_dns_pods_is_enough() -> None:
    dns = [
        workload("coredns", container(53), labels={"k8s-app": "kube-dns"}, space="kube-system"),
        service("kube-dns", {"k8s-app": "kube-dns"}, (53, 53), space="kube-system"),
    ]
    to_dns = {
        "to": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}],
        "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
    }
    to_api = {"to": [{"podSelector": {"matchLabels": {"app": "api"}}}]}
    spec: dict[str, Any] = {"pods": {"matchLabels": {"app": "front"}}, "policyTypes": ["Egress"]}
    assert cut(policy(egress=[to_api, to_dns], **spec), extra=tuple(dns)) == {}
    to_dns["to"][0]["podSelector"]["matchLabels"]["k8s-app"] = "coredns"  # type: ignore[index]
    assert list(cut(policy(egress=[to_api, to_dns], **spec), extra=tuple(dns))) == ["NetworkPolicy/shop/deny"]


def test_host_network_is_out_of_reach_of_policies() -> None:
    objects = workload("api", container(8080), spec={"hostNetwork": True})
    view = view_of(objects, service("api"), slices("api"), workload("front", CALLER), policy())
    assert [f for f in problems(view, "network_policies") if "ingress" in f.what and "api" in f.what] == []


def test_deny_all_in_front_of_a_service_is_a_warning_even_without_known_callers() -> None:
    found = problems(view_of(API, policy(policyTypes=["Ingress"])))
    assert [(str(f.object), f.severity) for f in found] == [("NetworkPolicy/shop/deny", Severity.WARNING)]


def test_deny_all_on_pods_that_nothing_calls_is_no_problem() -> None:
    assert problems(view_of(workload("batch"), policy(policyTypes=["Ingress"]))) == []


def test_policy_that_keeps_the_ingress_controller_out_is_told() -> None:
    controller = workload("controller", labels={"app.kubernetes.io/name": "ingress-nginx"}, space="ingress")
    mine = policy(ingress=[allow({"podSelector": {}})], policyTypes=["Ingress"])
    view = view_of(WEB, NGINX, ingress(), controller, namespace("shop"), namespace("ingress"), mine)
    assert list(shown(problems(view, "network_policies"))) == ["NetworkPolicy/shop/deny"]


def test_callers_that_time_out_make_it_critical() -> None:
    address = API[1]["spec"]["clusterIP"]
    said = f"ERROR Get http://api:80/: dial tcp {address}:80: i/o timeout"
    log = {("shop", "front-1a2b-0", "app"): said}
    view = view_of(API, workload("front", CALLER), policy(policyTypes=["Ingress"]), logs=log)
    assert [f.severity for f in problems(view, "network_policies")] == [Severity.CRITICAL]


def test_both_ends_know_that_they_are_cut_off() -> None:
    view = view_of(API, workload("front", CALLER), policy(policyTypes=["Ingress"]))
    for name in ("front", "api"):
        ref = Ref("Deployment", "shop", name)
        assert names(blocked_facts(view, ref), ref) == {"network.blocked=ingress"}
