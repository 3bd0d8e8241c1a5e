"""Answers of monitoring tools, as typed results that say what the answer says."""

# ruff: noqa: E501  the tools print lines of any length

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cluster_text_test import ARCHIVE, recorded
from kubelore.analysis.nodes import node_facts
from kubelore.analysis.view import View
from kubelore.cluster.text.answers import (
    Excerpt,
    Logs,
    Measure,
    parsed,
    read_alerts,
    read_connectivity,
    read_dependencies,
    read_logs,
)
from kubelore.cluster.text.collected import Collected
from kubelore.cluster.text.merge import Source
from kubelore.cluster.text.node_answers import read_configuration, read_node_use, read_service_status

ALERTS = {
    "status": "has_anomalies",
    "alert_count": 2,
    "alerts": [
        {
            "type": "Service",
            "name": "web",
            "time_range": "2026-03-01 11:00:00 ~ 2026-03-01 11:05:00",
            "status": "ABNORMAL",
            "evidence": [
                "LATENCY_DEGRADATION [Slow Response] | p50latency: Normal=39.29ms -> Current=7500.00ms (+18990.8%) | Peak=7579.36ms | p90latency: Normal=60.00ms -> Current=9500.00ms (+15733.3%)",
                "ERROR_SPIKE [Success Rate Drop] | Normal=100.0% -> Cur=25.0% (-75.0%)",
                "LATENCY_MISSING [Data Vanished] | Metrics dropped to zero/NaN",
            ],
        },
        {
            "entry_service": "login",
            "request_method": "POST",
            "url": "/login",
            "occurrences": 370,
            "raw_error": "503",
        },
    ],
}
UNIT = """\
Service: containerd
Node: worker-2
Status: \u25cb containerd.service - container runtime
     Loaded: loaded (/etc/systemd/system/containerd.service; enabled; vendor preset: enabled)
     Active: inactive (dead) since Thu 2025-12-11 10:53:51 CST; 1min 39s ago
       Docs: https://containerd.io
   Main PID: 921 (code=exited, status=0/SUCCESS)
     CGroup: /system.slice/containerd.service
             \u2514\u25002135 /opt/shim -id Active: no

Dec 11 10:53:51 worker-2 containerd[921]: Active: not this one
Dec 11 10:53:51 worker-2 systemd[1]: Stopped container runtime.
"""
TREE = """\
[Service]: front (Entrypoint)
[Upstream (Called By)]: (User Traffic)
[Downstream (Calls)]:
front
├── ads
├── checkout
│   ├── pay
│   └── cart
│       └── redis  <-- (Database)
└── cart
    └── redis      <-- (Database)
"""


def test_alerts_tell_measures_with_their_change() -> None:
    alerts = read_alerts(ALERTS)
    service, request = alerts.alerts
    assert (service.kind, service.name, service.since) == ("Service", "web", "2026-03-01 11:00:00")
    latency, errors, missing = service.signs
    assert latency.measures == (
        Measure("p50latency", 39.29, 7500.0, "ms", 18990.8, 7579.36),
        Measure("p90latency", 60.0, 9500.0, "ms", 15733.3),
    )
    assert (errors.category, errors.label, errors.measures) == (
        "ERROR_SPIKE",
        "Success Rate Drop",
        (Measure("", 100.0, 25.0, "%", -75.0),),
    )
    assert (missing.category, missing.measures) == ("LATENCY_MISSING", ())
    assert (request.kind, request.name, request.count, request.error) == ("Request", "login", 370, "503")


@pytest.mark.parametrize("answer", [{}, "{}", [], "", "no alerts", None, {"alerts": "none"}, {"alerts": [3]}])
def test_answers_without_alerts_have_none(answer: Any) -> None:
    assert read_alerts(answer).alerts == ()


@pytest.mark.parametrize(
    ("answer", "excerpts"),
    [
        ("one\n\ntwo\n", (Excerpt("", False, (("one", 1), ("two", 1))),)),
        (
            {"app": ["a\nb"], "previous": ["c"]},
            (Excerpt("app", False, (("a\nb", 1),)), Excerpt("", True, (("c", 1),))),
        ),
        (["x"], (Excerpt("", False, (("x", 1),)),)),
        ([], ()),
        ({}, ()),
        ("[]", ()),
        ("", ()),
        ({"odd": 3}, ()),
    ],
)
def test_logs_come_in_several_forms(answer: Any, excerpts: tuple[Excerpt, ...]) -> None:
    assert read_logs(answer).excerpts == excerpts


def test_samples_of_a_log_keep_their_counts() -> None:
    answer = {
        "total_log_count": 969,
        "total_errors": 128,
        "patterns": [{"count": 126, "ratio": 0.13, "sample": "refused"}],
    }
    expected = Logs((Excerpt("", False, (("refused", 126),)),), 969, 128)
    assert read_logs(answer) == expected
    assert read_logs(json.dumps(answer, indent=1)) == expected


def test_dependencies_are_the_edges_of_the_tree() -> None:
    found = read_dependencies(TREE)
    assert (found.service, found.callers) == ("front", ())
    assert set(found.calls) == {
        ("front", "ads"), ("front", "checkout"), ("front", "cart"),
        ("checkout", "pay"), ("checkout", "cart"), ("cart", "redis"),
    }  # fmt: skip
    assert dict(found.notes) == {"front": "Entrypoint", "redis": "Database"}


def test_a_leaf_is_called_and_calls_nobody() -> None:
    found = read_dependencies(
        "[Service]: ads\n[Upstream (Called By)]: front, mail\n[Downstream (Calls)]:\n(None - Leaf Service)"
    )
    assert found.callers == ("front", "mail")
    assert found.calls == (("front", "ads"), ("mail", "ads"))


REPORT = "=== Service web:80 Connectivity test report ===\n"
FROM = "Debug Pod test results deployed on"


@pytest.mark.parametrize(
    ("text", "verdict", "results"),
    [
        ("web (10.0.0.1:80) open\nConnection Succeeded", "open", [("", True, "10.0.0.1:80")]),
        ("Connection Failed", "failed", [("", False, "")]),
        ("nc: connect to web port 80 (tcp) failed: Connection refused", "failed", [("", False, "")]),
        (f"{REPORT}{FROM} n1: web (10.0.0.1:80) open\nConnection Succeeded\n{FROM} n2: Connection Failed\n{FROM} n3: ",
         "partly", [("n1", True, "10.0.0.1:80"), ("n2", False, ""), ("n3", None, "")]),
        ("", "unknown", []),
        ("who knows", "unknown", [("", None, "")]),
    ],
)  # fmt: skip
def test_connections_are_open_or_failed_from_each_node(
    text: str, verdict: str, results: list[tuple[Any, ...]]
) -> None:
    found = read_connectivity(text)
    assert found.verdict == verdict
    assert [(a.node, a.open, a.address) for a in found.attempts] == results
    if text.startswith("==="):
        assert (found.service, found.port) == ("web", 80)


def test_systemd_tells_a_unit_s_state_and_its_log() -> None:
    found = read_service_status(UNIT)
    assert (found.service, found.node) == ("containerd", "worker-2")
    assert (found.active, found.sub, found.ago) == ("inactive", "dead", timedelta(seconds=99))
    assert (found.enabled, found.main_pid, found.ended) == (True, 921, "code=exited, status=0/SUCCESS")
    assert [line.rpartition(": ")[2] for line in found.log] == ["not this one", "Stopped container runtime."]


@pytest.mark.parametrize(
    ("line", "active", "sub", "ago"),
    [
        ("active (running) since Fri 2025-11-28 15:33:20 CST; 1 week 2 days ago", "active", "running", timedelta(days=9)),
        ("failed (Result: exit-code) since Fri 2025-11-28 15:33:20 UTC; 3h 5min ago", "failed", "Result: exit-code", timedelta(hours=3, minutes=5)),
        ("activating (auto-restart) (Result: exit-code)", "activating", "auto-restart", None),
        ("inactive (dead)", "inactive", "dead", None),
    ],
)  # fmt: skip
def test_every_state_of_systemd_is_read(line: str, active: str, sub: str, ago: timedelta | None) -> None:
    found = read_service_status(f"● kubelet.service - Kubelet\n   Active: {line}\n")
    assert (found.service, found.active, found.sub, found.ago) == ("kubelet", active, sub, ago)


def test_an_absent_unit_is_not_found_and_nonsense_is_nothing() -> None:
    assert read_service_status("Unit kubelet.service could not be found.").active == "not-found"
    assert read_service_status("command not run").active == ""


def test_the_configuration_of_nodes_is_read_into_nodes() -> None:
    answer = {"node_count": 1, "nodes": [{
        "name": "w1", "status": "NotReady", "conditions": {"MemoryPressure": "True"}, "labels": {"disk": "ssd"},
        "taints": ["node.kubernetes.io/unschedulable:NoSchedule", "gpu=yes:NoExecute"],
        "allocatable_resources": {"cpu": "8"}}]}  # fmt: skip
    cluster = Collected(datetime(2026, 3, 1, tzinfo=UTC), "shop")
    cluster.add_objects(read_configuration(answer), Source.TABLE, whole_list="nodes")
    (node,) = cluster.list("Node")
    facts = {fact.name for fact in node_facts(View(cluster), node)}
    assert {
        "node.ready=Unknown",
        "node.condition=MemoryPressure",
        "node.cordoned=yes",
        "node.taint=custom-NoExecute",
    } <= facts
    assert (node["metadata"]["labels"], cluster.readable("Node")) == ({"disk": "ssd"}, True)
    assert read_configuration("none") == []


def test_what_is_reserved_on_a_node_is_read() -> None:
    text = """\
Non-terminated Pods:          (1 in total)
  Namespace                   Name     CPU Requests  CPU Limits  Memory Requests  Memory Limits  Age
  ---------                   ----     ------------  ----------  ---------------  -------------  ---
  shop                        web-0    100m (1%)     0 (0%)      64Mi (0%)        128Mi (0%)     145d
Allocated resources:
  (Total limits may be over 100 percent, i.e., overcommitted.)
  Resource           Requests     Limits
  --------           --------     ------
  cpu                1675m (20%)  7 (87%)
  memory             1Gi (6%)     8Gi (50%)
Events:              <none>
"""
    use = read_node_use(text)
    assert (use.requests, use.limits) == ({"cpu": "1675m", "memory": "1Gi"}, {"cpu": "7", "memory": "8Gi"})
    (pod,) = use.pods
    assert (pod.namespace, pod.name, pod.requests) == ("shop", "web-0", {"cpu": "100m", "memory": "64Mi"})
    assert read_node_use("").pods == ()


@pytest.mark.skipif(not ARCHIVE.exists(), reason="the benchmark is not on this machine")
def test_every_recorded_answer_of_these_tools_is_read() -> None:
    for name, cache in recorded(step=30):
        for call, answer in cache.items():
            tool, _, arguments = call.partition(":")
            asked = json.loads(arguments or "{}") if not arguments or arguments.startswith("{") else {}
            where = (name, call)
            if tool == "GetAlerts":
                alerts = read_alerts(answer).alerts
                assert len(alerts) == len(answer.get("alerts", ())), where
                for sign in (s for a in alerts for s in a.signs):
                    assert len(sign.measures) == sign.text.count("Normal="), where
            elif tool == "GetErrorLogs":
                patterns = parsed(answer).get("patterns", [1]) if isinstance(parsed(answer), dict) else [1]
                assert bool(read_logs(answer).excerpts) == bool(parsed(answer) and patterns), where
            elif tool == "GetServiceDependencies":
                assert read_dependencies(answer).service == asked["service_name"], where
            elif tool == "CheckServiceConnectivity":
                found = read_connectivity(answer)
                assert ("Succeeded" in answer, "Failed" in answer) == (
                    found.verdict in {"open", "partly"}, found.verdict in {"failed", "partly"},
                ), where  # fmt: skip
            elif tool == "CheckNodeServiceStatus":
                status = read_service_status(answer)
                assert (status.service, status.node) == (asked["service_name"], asked["node_name"]), where
                assert status.active in {"active", "inactive", "failed"}, where
                assert status.ago is not None, where
            elif tool == "GetClusterConfiguration":
                assert len(read_configuration(answer)) == answer["node_count"], where
