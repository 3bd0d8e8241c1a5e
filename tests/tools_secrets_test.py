"""What is planted in Secrets, settings, logs and events never leaves through a tool."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubelore.analysis.view import View
from kubelore.tools.registry import Toolbox
from kubelore.types import Fact, Observation, ToolCall
from support import MemoryCluster
from tools_support import HASH, crashed, deployment, event, obj, pod, shop

PLAIN = "Zq7vHc2LkWm9Tx4R"
ENCODED = base64.b64encode(PLAIN.encode()).decode()
IN_URL = "pLw8Nd3KvXq6Yb1S"
IN_ENV = "tG5hJx9CzRf2Mu7E"
IN_LOG = "ghp_a9Xk2Lm4Qw7Er5Ty8Ui3Op6As1Df0Gh2Jk4L"
IN_EVENT = "aB3dE6gH9jK2mN5pQ8sT"
IN_COMMAND = "vY4uB7nM1xC8zL5k"
BEARER = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkiLCJleHAiOjF9.c2lnbmF0dXJlLW9mLXRoZS1jYW5hcnk"
CANARIES = (PLAIN, ENCODED, IN_URL, IN_ENV, IN_LOG, IN_EVENT, IN_COMMAND, BEARER)


def planted() -> MemoryCluster:
    applied = json.dumps({"kind": "Secret", "data": {"password": ENCODED}, "stringData": {"password": PLAIN}})
    notes = {"kubectl.kubernetes.io/last-applied-configuration": applied}
    secrets = [
        obj(
            "Secret",
            "shop",
            "db-login",
            type="Opaque",
            data={"password": ENCODED},
            stringData={"password": PLAIN},
            metadata={"annotations": notes},
        ),
    ]
    env = [
        {"name": "DB_PASSWORD", "value": IN_ENV},
        {"name": "DATABASE_URL", "value": f"postgres://shop:{IN_URL}@db.shop:5432/shop"},
        {"name": "FROM_SECRET", "valueFrom": {"secretKeyRef": {"name": "db-login", "key": "password"}}},
    ]
    leaky = {
        "name": "leaky",
        "image": "registry.acme.test/leaky:1",
        "env": env,
        "command": ["serve", f"--db-password={IN_COMMAND}"],
    }
    name = f"leaky-{HASH}-ddddd"
    failing = pod("shop", "leaky", "ddddd", [crashed("leaky")], containers=[leaky])
    said = f"Error: pulling with Authorization: Bearer {BEARER} failed, password={IN_EVENT}"
    logs = {
        ("shop", name, "leaky"): f"2026-03-01T11:58:00Z using token {IN_LOG}\n",
        ("shop", name, "leaky", "previous"): (
            f"2026-03-01T11:50:00Z FATAL cannot reach postgres://shop:{IN_URL}@db.shop:5432\n"
            f"2026-03-01T11:50:00Z Authorization: Bearer {BEARER}\n"
            f"2026-03-01T11:50:00Z token {IN_LOG}\n"
        ),
    }
    settings = obj("ConfigMap", "shop", "leaky", data={"app.properties": f"db.password={IN_ENV}\nmode=fast"})
    events = [event("shop", "Pod", name, "Failed", said)]
    return MemoryCluster(
        [*shop(), *secrets, settings, *deployment("shop", "leaky", [leaky]), failing, *events], logs
    )


CALLS = [
    "FIND_ISSUES",
    "FIND_ISSUES shop",
    "GET_LOGS shop leaky",
    "GET_LOGS shop leaky --all-containers",
    "GET_EVENTS shop",
    "GET_EVENTS shop leaky",
    "GET_ENDPOINTS shop leaky",
    "TOP_PODS shop",
    "CLUSTER_HEALTH",
    "DESCRIBE secret shop db-login",
    "DESCRIBE deployment shop leaky",
    f"DESCRIBE pod shop leaky-{HASH}-ddddd",
    f"DESCRIBE replicaset shop leaky-{HASH}",
    "DESCRIBE configmap shop leaky",
    "DESCRIBE -l app=leaky -n shop",
    "RUN_KUBECTL get secrets -A",
    "RUN_KUBECTL get secret db-login -n shop -o yaml",
    "RUN_KUBECTL get secret db-login -n shop -o json",
    "RUN_KUBECTL get secrets -n shop -o json",
    "RUN_KUBECTL get secret db-login -n shop -o jsonpath={.data.password}",
    "RUN_KUBECTL get secret db-login -n shop -o jsonpath={.data}",
    "RUN_KUBECTL get secret db-login -n shop -o jsonpath={..password}",
    "RUN_KUBECTL get secret db-login -n shop -o jsonpath={.metadata.annotations}",
    "RUN_KUBECTL get secret -n shop -o custom-columns=N:.metadata.name,D:.data.password,S:.stringData",
    "RUN_KUBECTL get secret -n shop --sort-by=.data.password -o wide --show-labels",
    "RUN_KUBECTL get secret -n shop -o name",
    "RUN_KUBECTL describe secret db-login -n shop",
    "RUN_KUBECTL get secret,cm,deploy,pod,rs -n shop -o yaml",
    "RUN_KUBECTL get pods -n shop -o json",
    "RUN_KUBECTL get pods -n shop -o jsonpath={.items[*].spec.containers[*].env}",
    "RUN_KUBECTL get deploy leaky -n shop -o custom-columns=E:.spec.template.spec.containers[*].command",
    "RUN_KUBECTL get cm leaky -n shop -o yaml",
    "RUN_KUBECTL get events -n shop -o json",
    "RUN_KUBECTL events -n shop",
    "RUN_KUBECTL logs deploy/leaky -n shop",
    "RUN_KUBECTL logs -l app=leaky -n shop --previous",
    "RUN_KUBECTL describe pods -n shop -l app=leaky",
    "RUN_KUBECTL rollout history deploy/leaky -n shop",
    f"DESCRIBE pod shop {IN_LOG}",
    f"GET_LOGS shop leaky -c {BEARER}",
    f"password={IN_ENV}",
]


def strings_of(seen: Observation) -> Iterator[str]:
    def of(fact: Fact) -> Iterator[str]:
        yield fact.detail
        yield from fact.params.values()
        yield fact.name

    yield seen.text
    yield seen.error
    for fact in seen.facts:
        yield from of(fact)
    for finding in seen.findings:
        yield finding.what
        for fact in finding.facts:
            yield from of(fact)
    for item in seen.not_checked:
        yield str(item)


@pytest.fixture(scope="module")
def box() -> Toolbox:
    return Toolbox(View(planted()))


@pytest.mark.parametrize("call", CALLS)
def test_no_planted_secret_leaves_through_any_tool(box: Toolbox, call: str) -> None:
    name, _, args = call.partition(" ")
    seen = box.run(ToolCall(name, args))
    everything = "\n".join(strings_of(seen))
    assert [canary for canary in CANARIES if canary in everything] == []
    assert everything.strip()


def test_what_a_diagnosis_needs_stays_readable(box: Toolbox) -> None:
    text = box.run(ToolCall("DESCRIBE", "deployment shop leaky")).text
    assert "DB_PASSWORD=" in text
    assert "FROM_SECRET from Secret db-login, key password" in text
    assert "db.shop:5432" in text
    assert "OOMKilled" in text
    secret = box.run(ToolCall("DESCRIBE", "secret shop db-login")).text
    assert "password" in secret
    assert "never shown" in secret


@given(st.text("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", min_size=12, max_size=40))
@settings(max_examples=25, deadline=None)
def test_whatever_a_secret_holds_stays_in_it(value: str) -> None:
    encoded = base64.b64encode(value.encode()).decode()
    applied = json.dumps({"kind": "Secret", "stringData": {"k": value}})
    secret = obj(
        "Secret",
        "shop",
        "any",
        data={"k": encoded},
        stringData={"k": value},
        metadata={"annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied}},
    )
    env = [{"name": "APP_PASSWORD", "value": value}, {"name": "API_TOKEN", "value": encoded}]
    app = deployment("shop", "any", [{"name": "any", "image": "x", "env": env}])
    box = Toolbox(View(MemoryCluster([*shop(), secret, *app])))
    for call in ("DESCRIBE secret shop any", "DESCRIBE deployment shop any", "FIND_ISSUES shop"):
        name, _, args = call.partition(" ")
        everything = "\n".join(strings_of(box.run(ToolCall(name, args))))
        assert value not in everything
        assert encoded not in everything
    for form in ("yaml", "json", "jsonpath={.items[*].data}", "custom-columns=A:.data,B:.stringData,C:.spec"):
        everything = box.run(ToolCall("RUN_KUBECTL", f"get secret,deploy -n shop -o {form}")).text
        assert value not in everything
        assert encoded not in everything


class Loose:
    """A tool of another package that redacts nothing."""

    name = "LOOSE"
    usage = "shows everything"

    def run(self, args: str) -> Observation:
        about = next(iter(View(planted()).workloads("shop")))
        fact = Fact(
            "log", "exception", about, f"token {IN_LOG}", params={"url": f"https://u:{IN_URL}@x.test"}
        )
        return Observation(text=f"Bearer {BEARER} {args}", facts=(fact,), error=f"password={IN_ENV}")


def test_what_other_packages_tools_return_is_redacted_too() -> None:
    seen = Toolbox(View(planted()), [Loose()]).run(ToolCall("LOOSE", f"token={IN_EVENT}"))
    everything = "\n".join(strings_of(seen))
    assert [canary for canary in CANARIES if canary in everything] == []


def test_a_private_key_is_taken_out_before_lines_are_picked() -> None:
    """A digest that drops the BEGIN line must not leave the rest of the key unrecognised."""
    body = [base64.b64encode(f"key material {n:02d} {PLAIN * 2}".encode()).decode()[:64] for n in range(30)]
    lines = [f"INFO step {n} done" for n in range(300)]
    key = ["-----BEGIN RSA PRIVATE KEY-----", *body, "-----END RSA PRIVATE KEY-----"]
    log = "\n".join([*lines, *key, "ERROR panic: cannot parse key"])
    name = f"leaky-{HASH}-ddddd"
    failing = pod("shop", "leaky", "ddddd", [crashed("leaky")])
    box = Toolbox(View(MemoryCluster([*shop(), failing], {("shop", name, "leaky"): log})))
    seen = box.run(ToolCall("GET_LOGS", f"pod shop {name}")).text
    assert "cannot parse key" in seen
    assert not [line for line in body if line in seen]
