"""Whom a log blames without an address."""

from __future__ import annotations

from analysis_infra_support import container, names, service, slices, view_of, workload
from kubelore.analysis.blamed import blamed
from kubelore.analysis.view import View
from kubelore.types import Edge, JsonObject, Ref

FRONT = Ref("Deployment", "shop", "front")
DB, DB_SERVICE = Ref("Deployment", "shop", "db"), Ref("Service", "shop", "db")
DNS = Ref("Deployment", "kube-system", "coredns")


def front(hosts: dict[str, str], **spec: object) -> list[JsonObject]:
    env = [{"name": name, "value": value} for name, value in hosts.items()]
    return workload("front", container(env=env), spec=spec)


def database(name: str) -> list[object]:
    stored = workload(name, {"name": "db", "image": "docker.io/library/mysql:8.4"})
    return [stored, service(name, None, (3306, 3306)), slices(name)]


def seen(*objects: object, kinds: set[str]) -> tuple[set[str], list[Edge]]:
    view: View = view_of(*objects)
    facts, edges = blamed(view, FRONT, kinds)
    return names(facts, DB), edges


def test_a_log_that_speaks_of_a_read_only_database_blames_the_only_one_that_is_called() -> None:
    facts, edges = seen(front({"DB_HOST": "db"}), database("db"), kinds={"db-read-only"})
    assert facts == {"database.refuses=writes"}
    assert edges == [Edge("calls", FRONT, DB_SERVICE), Edge("selects", DB_SERVICE, DB)]


def test_of_two_databases_none_is_blamed() -> None:
    called = front({"DB_HOST": "db", "REPORTS_HOST": "reports-db"})
    assert seen(called, database("db"), database("reports-db"), kinds={"db-read-only"}) == (set(), [])


def test_other_lines_blame_nobody() -> None:
    assert seen(front({"DB_HOST": "db"}), database("db"), kinds={"exception"}) == (set(), [])


def test_names_that_time_out_lead_to_the_dns_of_the_cluster() -> None:
    dns = workload("coredns", space="kube-system")
    assert seen(front({}), dns, kinds={"dns-timeout"}) == (set(), [Edge("calls", FRONT, DNS)])


def test_who_asks_another_dns_is_not_led_there() -> None:
    dns = workload("coredns", space="kube-system")
    assert seen(front({}, dnsPolicy="Default"), dns, kinds={"dns-timeout"}) == (set(), [])
