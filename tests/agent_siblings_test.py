"""Causes that only a comparison with healthy siblings shows, in whole investigations."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from analysis_infra_support import event, flatten, namespace, service, slices
from analysis_routes_test import BEHIND, routed, services
from analysis_siblings_test import NAMES, env, member, spec
from kubelore.build import Settings, investigator
from kubelore.types import Diagnosis, JsonObject
from support import MemoryCluster

CART = "Deployment/shop/cart"


def answer(question: str, *objects: Any, log: str = "") -> Diagnosis:
    flat = flatten([*objects, namespace("shop")])
    logs = {("shop", _pod(flat), "app"): log} if log else {}
    found = investigator(Settings(), MemoryCluster(flat, logs)).investigate(question).diagnosis
    assert found is not None
    return found


def _pod(objects: list[JsonObject]) -> str:
    return next(
        o["metadata"]["name"] for o in objects if o["kind"] == "Pod" and "cart" in o["metadata"]["name"]
    )


def family(odd: Mapping[str, Any], usual: Mapping[str, Any], state: str = "ready") -> list[JsonObject]:
    return [*member(NAMES[0], odd, state), *(o for n in NAMES[1:] for o in member(n, usual))]


REFUSED = "2026-03-01T11:59:40Z ERROR dial tcp {}: connect: connection refused\n"
DENIED = (
    'Failed to pull image "registry.example/shop/cart:7": pull access denied, repository does not exist '
    "or may require authorization"
)
DATABASE = "db.corp.example.com:{}"


def test_the_one_caller_with_another_port_of_a_shared_database_outside_of_the_cluster() -> None:
    odd, usual = (env(DB_URL=f"postgres://{DATABASE.format(port)}/shop") for port in (15432, 5432))
    log = REFUSED.format(DATABASE.format(15432))

    found = answer("cart keeps crashing", family(odd, usual, "crashing"), log=log)
    assert (found.root_cause, str(found.object)) == ("database_wrong_port", CART)
    assert "5432" in found.explanation
    assert (
        answer("cart keeps crashing", family(odd, odd, "crashing"), log=log).root_cause
        != "database_wrong_port"
    )


def test_the_one_workload_without_the_pull_secret_of_all_others() -> None:
    def refused(usual: Mapping[str, Any]) -> list[JsonObject]:
        objects = deepcopy(family({}, usual, "pending"))
        pod = next(o for o in objects if o["kind"] == "Pod" and o["metadata"]["name"].startswith("cart"))
        waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}
        pod["status"]["containerStatuses"][0]["state"] = {"waiting": waiting}
        return [*objects, event(pod, "Failed", DENIED)]

    found = answer("cart does not start", refused(spec(imagePullSecrets=[{"name": "registry"}])))
    assert (found.root_cause, str(found.object)) == ("image_pull_unauthorized", CART)
    assert "registry" in found.explanation
    alone = answer("cart does not start", refused({}))
    assert "Its siblings" not in alone.explanation


def test_the_one_workload_that_asks_another_name_server() -> None:
    odd = {**env(USERS="http://users:80"), **spec(dnsPolicy="None", dnsConfig={"nameservers": ["10.9.9.9"]})}
    usual = {**env(USERS="http://users:80"), **spec(dnsPolicy="ClusterFirst")}
    log = "2026-03-01T11:59:40Z ERROR no server available\n"

    found = answer(
        "cart is not ready", family(odd, usual, "not-ready"), service("users"), slices("users"), log=log
    )
    assert (found.root_cause, str(found.object)) == ("service_dns_failure", CART)


def gateway(orders: str) -> list[JsonObject]:
    leads = {name.upper(): f"{name}-api" for name in BEHIND} | {"ORDERS": orders}
    proxy = {**routed(**leads), "image": "registry.example/shop/gateway:7"}
    return [
        *member("cart", proxy),
        *(o for n in NAMES[1:] for o in member(n, env(REGION="north"))),
        *services(*(f"{name}-api" for name in BEHIND)),
    ]


def test_a_gateway_whose_setting_leads_to_the_wrong_service() -> None:
    found = answer("requests through cart get the wrong answers", gateway("prices-api"))

    assert (found.root_cause, str(found.object)) == ("gateway_misrouted", CART)
    assert "orders-api" in found.explanation
    assert answer("requests through cart get the wrong answers", gateway("orders-api")).root_cause == "none"


@pytest.mark.parametrize(
    ("odd", "usual"),
    [
        (spec(dnsPolicy="None", dnsConfig={"nameservers": ["10.9.9.9"]}), spec(dnsPolicy="ClusterFirst")),
        ({"resources": {"limits": {"memory": "16Mi"}}}, {"resources": {"limits": {"memory": "512Mi"}}}),
        (env(DB="postgres://db.example.com:5433"), env(DB="postgres://db.example.com:5432")),
        ({}, spec(imagePullSecrets=[{"name": "registry"}])),
        ({}, env(REGION="north")),
    ],
)
def test_a_difference_without_a_symptom_is_no_cause(odd: Mapping[str, Any], usual: Mapping[str, Any]) -> None:
    assert (
        answer("is cart all right?", family(odd, usual), log="2026-03-01T11:59:40Z INFO ready\n").root_cause
        == "none"
    )
