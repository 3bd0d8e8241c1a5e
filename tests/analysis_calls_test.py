"""Whom a workload calls: how addresses are read from settings, and what they resolve to."""

from __future__ import annotations

import pytest

from analysis_infra_support import (
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
from kubelore.analysis.calls import call_edges, call_facts, calls_of
from kubelore.analysis.targets import parse_target, parse_targets, targets_of
from kubelore.analysis.view import View
from kubelore.types import Edge, Ref, Severity
from support import incident, needs_incidents

FRONT = Ref("Deployment", "shop", "front")


def front(*env: tuple[str, str], state: str = "ready", **fields):
    settings = [{"name": k, "value": v} for k, v in env]
    return workload("front", container(env=settings, **fields), state=state)


def called(*env: tuple[str, str], **fields) -> set[tuple[str, int | None]]:
    return {(t.host, t.port) for t in targets_of(view_of(front(*env, **fields)), FRONT)}


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("http://api", "api", 80),
        ("https://user:secret@api.example.com/path", "api.example.com", 443),
        ("jdbc:mysql://db:3307/shop?useSSL=false", "db", 3307),
        ("postgresql+asyncpg://u:p@db/shop", "db", 5432),
        ("redis://:pw@cache.shop.svc.cluster.local./0", "cache.shop.svc.cluster.local", 6379),
        ("dial tcp orders-db:5432: connect: refused", "orders-db", 5432),
        ("10.96.0.7:8080", "10.96.0.7", 8080),
        ("orders-db", "orders-db", None),
    ],
)
def test_one_address_is_read_from_its_forms(text: str, host: str, port: int | None) -> None:
    target = parse_target(text)
    assert target is not None
    assert (target.host, target.port) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        "kubernetes://apis/apps/v1/namespaces/shop/deployments/web",
        "file:///etc/app.yaml",
        "2026-03-01T12:30:11Z started", "repo/image:1234", "127.0.0.1:8080", "localhost:80", "12:30", "",
    ],
)  # fmt: skip
def test_what_only_looks_like_an_address_is_none(text: str) -> None:
    assert list(parse_targets(text)) == []


def test_each_broker_of_a_list_counts() -> None:
    assert called(("KAFKA_BROKERS", "kafka-0.kafka:9092,kafka-1.kafka:9092")) == {
        ("kafka-0.kafka", 9092),
        ("kafka-1.kafka", 9092),
    }


def test_host_and_port_may_be_two_variables() -> None:
    assert called(("DB_HOST", "db"), ("DB_PORT", "3306")) == {("db", 3306)}


def test_words_are_no_addresses() -> None:
    assert (
        called(("MODE", "production"), ("FEATURE_HOST", "true"), ("POD_HOST", "web"), ("LEVEL", "info"))
        == set()
    )


def test_commands_of_network_clients_name_addresses() -> None:
    script = "until nslookup stock-db; do sleep 1; done; nc -z -w 3 cache 6379 && mysql -h db -P 3307 -u root"
    assert called(command=["sh", "-c", script]) == {("stock-db", None), ("cache", 6379), ("db", 3307)}


def test_owners_in_chown_are_no_hosts() -> None:
    assert called(command=["sh", "-c", "chown app:1000 /data"]) == set()


def test_variables_are_expanded_in_arguments() -> None:
    assert called(("TARGET_NAME", "cart"), args=["--url=http://$(TARGET_NAME):8080"]) == {("cart", 8080)}


def test_settings_come_from_config_maps_too() -> None:
    objects = workload("front", container(envFrom=[{"configMapRef": {"name": "settings"}}]))
    settings = obj("ConfigMap", "settings", data={"CART_ADDR": "cart:7070"})
    assert [t.host for t in targets_of(view_of(objects, settings), FRONT)] == ["cart"]


def test_mounted_files_count_where_they_name_services() -> None:
    nginx = obj(
        "ConfigMap", "nginx", data={"nginx.conf": "proxy_pass http://reviews:9080;\nserver upstream1;"}
    )
    volumes = {"volumes": [{"name": "c", "configMap": {"name": "nginx"}}]}
    objects = [workload("front", spec=volumes), nginx, service("reviews", {"app": "x"}, (9080, 9080))]
    assert [c.service for c in calls_of(view_of(objects), FRONT)] == [Ref("Service", "shop", "reviews")]


def test_reading_hostile_text_is_linear() -> None:
    for text in ("a" * 60000, "a." * 30000, "a+b." * 15000, "http://" * 9000, "y:" * 30000, "nc -v " * 10000):
        list(parse_targets(text))  # the timeout of the test is the assertion


# -- resolution -----------------------------------------------------------------------------------
def reach_of(value: str, *objects) -> tuple[str, Ref | None, bool | None]:
    (call,) = calls_of(view_of(front(("API_URL", value)), *objects), FRONT)
    return call.reach, call.service, call.port_served


CART = Ref("Service", "shop", "cart")


@pytest.mark.parametrize(
    "host", ["cart", "cart.shop", "cart.shop.svc", "cart.shop.svc.cluster.local", "CART"]
)
def test_all_names_of_a_service_mean_it(host: str) -> None:
    backing = [workload("cart"), service("cart"), slices("cart"), namespace("shop")]
    assert reach_of(f"http://{host}:80", *backing) == ("ok", CART, True)
    assert reach_of(f"http://{host}:81", *backing) == ("ok", CART, False)


def test_cluster_ip_means_its_service() -> None:
    cart = service("cart", clusterIP="10.96.7.7")
    assert reach_of("http://10.96.7.7", workload("cart"), cart, slices("cart"))[1] == CART


def test_pod_of_a_headless_service_means_the_service() -> None:
    pg = service("pg", clusterIP="None")
    assert reach_of("postgres://pg-0.pg", workload("pg"), pg, slices("pg")) == (
        "ok",
        Ref("Service", "shop", "pg"),
        None,
    )


def test_outside_names_are_external() -> None:
    assert reach_of("https://api.example.com") == ("external", None, None)
    aliased = workload(
        "front",
        container(env=[{"name": "API_URL", "value": "http://legacy"}]),
        spec={"hostAliases": [{"ip": "10.0.0.9", "hostnames": ["legacy"]}]},
    )
    (call,) = calls_of(view_of(aliased), FRONT)
    assert call.reach == "external"


def test_unreadable_services_prove_nothing() -> None:
    view = view_of(front(("API_URL", "http://cart")), unreadable=["Service"])
    assert call_facts(view, FRONT) == []


# -- facts and findings ---------------------------------------------------------------------------
def test_missing_service_is_told_about_caller_and_service() -> None:
    view = view_of(front(("DB_HOST", "orders-db"), state="crashing"))
    facts = call_facts(view, FRONT)
    assert names(facts, FRONT) == {"dependency.service=missing"}
    assert names(facts, Ref("Service", "shop", "orders-db")) == {"service.exists=no"}
    assert facts[0].params["service"] == "orders-db"


def test_service_of_another_namespace_is_pointed_out() -> None:
    view = view_of(
        front(("DB_HOST", "db")), service("db", space="data"), namespace("shop"), namespace("data")
    )
    assert names(call_facts(view, FRONT), FRONT) == {
        "dependency.service=missing",
        "dependency.namespace=other-has-it",
    }


def test_misspelt_service_is_pointed_out() -> None:
    view = view_of(front(("CATALOG_ADDR", "catalogue:8080")), service("catalog"), workload("catalog"))
    assert "dependency.name=near-miss" in names(call_facts(view, FRONT), FRONT)
    assert [f.severity for f in problems(view, "calls")] == [Severity.WARNING]


def test_port_that_the_service_lacks_is_told() -> None:
    view = view_of(front(("CART_ADDR", "cart:9999")), service("cart"), workload("cart"), slices("cart"))
    facts = call_facts(view, FRONT)
    assert names(facts, FRONT) == {"dependency.service=ok", "dependency.port=not-served"}
    assert names(facts, CART) == {"service.port=not-served"}
    assert "Deployment/shop/front" in shown(problems(view, "calls"))


def test_optional_dependency_that_is_not_installed_is_no_problem() -> None:
    assert problems(view_of(front(("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317")))) == []


def test_log_that_cannot_resolve_the_name_makes_it_a_problem() -> None:
    log = {("shop", "front-1a2b-0", "app"): "ERROR dial tcp: lookup collector: no such host"}
    view = view_of(front(("TRACES_ENDPOINT", "http://collector:4317")), logs=log)
    assert [f.severity for f in problems(view, "calls")] == [Severity.CRITICAL]


def test_what_has_not_run_yet_has_called_nobody() -> None:
    def told(state: str) -> list[Severity]:
        return [f.severity for f in problems(view_of(front(("DB_HOST", "orders-db"), state=state)), "calls")]

    assert told("crashing") == [Severity.WARNING]
    assert told("pending") == []


def test_failing_targets_of_a_log_come_first() -> None:
    cache = [service("cache", None, (6379, 6379)), workload("cache"), slices("cache")]
    view = view_of(front(("CACHE_URL", "redis://cache")), cache)
    facts = call_facts(view, FRONT, ["orders-db:5432"])
    assert facts[0].params["host"] == "orders-db"
    assert names(facts, FRONT) == {"dependency.service=missing", "dependency.kind=database"}


def test_call_that_only_a_log_names_is_a_problem_when_it_cannot_succeed() -> None:
    said = "ERROR dial tcp: lookup ledger: no such host\n" * 6
    log = {("shop", "front-1a2b-0", "app"): said}
    found = problems(view_of(front(), logs=log))
    assert shown(found) == {"Deployment/shop/front": {"dependency.service=missing", "service.exists=no"}}
    ledger = [service("ledger"), workload("ledger"), slices("ledger")]
    assert problems(view_of(front(), ledger, logs=log)) == []


def test_edges_lead_to_services_and_hosts() -> None:
    view = view_of(front(("A_URL", "http://cart"), ("B_URL", "https://api.example.com")), service("cart"))
    assert call_edges(view, FRONT) == [
        Edge("calls", FRONT, CART),
        Edge("calls", FRONT, Ref("Host", "", "api.example.com")),
    ]


def test_own_service_is_no_call() -> None:
    objects = workload("cart", container(env=[{"name": "SELF_ADDR2_HOST", "value": "cart"}]))
    assert calls_of(view_of(objects, service("cart")), Ref("Deployment", "shop", "cart")) == []


@needs_incidents
def test_recorded_init_container_waits_for_a_missing_service() -> None:
    workload_ref = Ref("Deployment", "warehouse", "stock-sync")
    facts = call_facts(View(incident("inc-22")), workload_ref)
    assert names(facts, workload_ref) == {"dependency.service=missing"}
