"""Settings that bear the name of one Service and lead to another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from analysis_infra_support import obj, service, slices, view_of
from analysis_siblings_test import NAMES, ODD, env, member
from kubelore.analysis.routes import route_facts, service_of_path
from kubelore.types import Fact, JsonObject

BEHIND = ("orders", "users", "prices", "stock", "mails")


def services(*names: str) -> Iterable[JsonObject]:
    return [o for name in names for o in (service(name), slices(name))]


def routed(**leads: str) -> dict[str, Any]:
    """Variables such as `ORDERS_URL`."""
    return env(**{f"{name}_URL": f"http://{host}:80" for name, host in leads.items()})


def told(gateway: dict[str, Any], *objects: Any) -> list[Fact]:
    plain = [member(n, env(REGION="north")) for n in NAMES[1:]]
    return route_facts(
        view_of(member("cart", gateway), plain, services(*(f"{n}-api" for n in BEHIND)), *objects), ODD
    )


JSON = '{"routes": [{"id": "r1", "uri": "http://%s:80", "predicates": ["Path=/api/v1/orders/**"]}]}'
YAML = "routes:\n- path: /orders\n  upstream: http://%s:80\n- path: /users\n  upstream: http://users-api:80\n"
NGINX = "location /api/orders/ {\n  proxy_set_header Host $host;\n  proxy_pass http://%s:80/;\n}\n"


@pytest.mark.parametrize(
    "gateway",
    [
        lambda host: env(
            SPRING_CLOUD_GATEWAY_ROUTES_0_ID="any",
            SPRING_CLOUD_GATEWAY_ROUTES_0_URI=f"lb://{host}",
            SPRING_CLOUD_GATEWAY_ROUTES_0_PREDICATES_0="Path=/api/v1/orders/**",
        ),
        lambda host: {
            "args": [
                f"--spring.cloud.gateway.routes[0].uri=http://{host}:80",
                "--spring.cloud.gateway.routes[0].predicates[0]=Path=/orders/**",
            ]
        },
        lambda host: env(SPRING_APPLICATION_JSON=JSON % host),
        lambda host: env(ROUTES=YAML % host),
        lambda host: env(CONFIG=NGINX % host),
    ],
)
def test_a_route_whose_path_bears_another_services_name_is_told(gateway: Any) -> None:
    (fact,) = told(gateway("prices-api"))
    assert (fact.name, fact.params["host"], fact.params["usual"]) == (
        "dependency.route=misnamed",
        "prices-api",
        "orders-api",
    )
    assert told(gateway("orders-api")) == []


def test_routes_of_a_mounted_file_are_read() -> None:
    volumes = [{"name": "conf", "configMap": {"name": "proxy"}}]
    config = obj("ConfigMap", "proxy", data={"nginx.conf": NGINX % "users-api"})

    (fact,) = told({"spec": {"volumes": volumes}}, config)
    assert "nginx.conf of ConfigMap proxy" in fact.detail


def test_a_variable_that_leads_elsewhere_than_its_name_says_is_told_where_that_is_the_custom() -> None:
    leads = {name.upper(): f"{name}-api" for name in BEHIND}

    (fact,) = told(routed(**leads | {"ORDERS": "prices-api"}))
    assert (fact.params["setting"], fact.params["host"], fact.params["usual"]) == (
        "ORDERS_URL",
        "prices-api",
        "orders-api",
    )
    assert told(routed(**leads)) == []
    assert told(routed(ORDERS="prices-api", USERS="users-api")) == []  # two make no custom


@pytest.mark.parametrize(
    "settings",
    [
        env(DB_HOST="prices-api", DB_NAME="orders", DB_PORT="80"),
        env(ROUTES="routes:\n- path: /assets\n  upstream: http://users-api:80\n"),
        env(ROUTES="routes:\n- path: /orders\n  upstream: http://elsewhere.example.com\n"),
        env(ROUTES="not: [closed\n://"),
        env(ORDERS_URL="http://nobody-api:80"),
    ],
)
def test_what_names_no_other_service_misleads_nobody(settings: dict[str, Any]) -> None:
    assert told(settings) == []


@pytest.mark.parametrize("text", ["[" * 10_000 + '{"uri": "http://x"}', "- " * 5_000 + "uri: http://x"])
def test_a_document_of_any_depth_is_no_trouble(text: str) -> None:
    assert told(env(ROUTES=text)) == []


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/v1/orderservice/order/7", "order-service"),
        ("/v2/orders", "orders"),
        ("/api/v1/user_service/x", "user-service"),
        ("/api/v1/things", ""),
        ("/ser", ""),
    ],
)
def test_a_path_names_the_one_service_that_it_bears(path: str, service: str) -> None:
    view = view_of(services("orders", "order-service", "order-other-service", "user-service", "server"))

    assert service_of_path(view, "shop", path) == service
