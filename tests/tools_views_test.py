"""Each tool on a small cluster and on the recorded incidents."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kubelore.analysis.view import View
from kubelore.errors import KubeloreError, ToolError
from kubelore.tools.registry import MAX_TEXT, Toolbox
from kubelore.types import Observation, Ref, ToolCall
from kubelore.vocabulary import vocabulary
from support import incident, incident_ids, incident_labels, needs_incidents
from tools_support import (
    HASH,
    ask,
    container_status,
    crashed,
    deployment,
    event,
    obj,
    owned_by,
    pod,
    service,
    toolbox,
)

WEB = Ref("Deployment", "shop", "web-app")
FAILING = f"web-app-{HASH}-bbbbb"


def facts(seen: Observation, about: Ref) -> set[str]:
    return {fact.name for fact in seen.facts if fact.about == about}


# -- the registry ----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["DESCRIBE", "describe", " Describe "])
def test_a_tool_is_found_by_its_name_in_any_case(name: str) -> None:
    assert not toolbox().run(ToolCall(name, "shop web-app")).error


def test_an_unknown_tool_answers_with_the_closest_names() -> None:
    seen = toolbox().run(ToolCall("GET_LOG", "x"))
    assert "GET_LOGS" in seen.text
    assert seen.error


def test_every_tool_has_a_usage_line() -> None:
    lines = toolbox().describe().splitlines()
    assert [line.split()[0] for line in lines[:8]] == toolbox().names[:8]
    assert len({line.split()[0] for line in lines}) == len(lines)


class Echo:
    name = "ECHO"
    usage = "says what it was told"

    def run(self, args: str) -> Observation:
        if args == "fail":
            raise ToolError("told to fail", hint="say something else")
        if args == "stumble":
            raise KeyError("password=hunter2canary")
        if args == "talk":
            return Observation(text=f"start {'x ' * MAX_TEXT} end")
        return Observation(text=args)


def test_more_tools_can_be_given_and_their_errors_go_back_to_the_caller() -> None:
    box = Toolbox(View(incident_free()), [Echo()])
    assert box.run(ToolCall("ECHO", "hello")).text == "hello"
    failed = box.run(ToolCall("ECHO", "fail"))
    assert failed.error == "told to fail"
    assert "say something else" in failed.text
    with pytest.raises(KubeloreError):
        Toolbox(View(incident_free()), [Echo(), Echo()])


def test_a_bug_of_one_tool_is_an_error_of_its_observation_and_no_leak() -> None:
    seen = Toolbox(View(incident_free()), [Echo()]).run(ToolCall("ECHO", "stumble"))
    assert "KeyError" in seen.error
    assert "ECHO stumble" in str(seen.not_checked[0])
    assert "canary" not in repr(seen)


@pytest.mark.parametrize(
    "call",
    [
        "RUN_KUBECTL get " + "a" * 1_000_000, "RUN_KUBECTL get " + "pods," * 200_000,
        "RUN_KUBECTL get pods -o 'jsonpath={.items[" + "9" * 5000 + "]}'", "GET_LOGS " + "a/" * 200_000,
        "GET_LOGS shop web-app --tail=" + "9" * 5000, "DESCRIBE " + '{"a":' * 20_000, "X" * 1_000_000,
        "DESCRIBE " + '{"a":' * 790,
    ],
    ids=lambda call: call[:30],
)  # fmt: skip
def test_endless_arguments_are_answered_at_once(call: str) -> None:
    name, _, args = call.partition(" ")
    began = time.monotonic()
    seen = toolbox().run(ToolCall(name, args))
    assert seen.error
    assert "a bug" not in seen.error
    assert len(seen.text) < 10_000
    assert time.monotonic() - began < 2


def incident_free() -> object:
    return toolbox()._view.cluster


def test_a_huge_text_is_cut_in_the_middle_and_says_so() -> None:
    text = Toolbox(View(incident_free()), [Echo()]).run(ToolCall("ECHO", "talk")).text
    assert len(text) < MAX_TEXT + 100
    assert text.startswith("start")
    assert text.endswith("end")
    assert "characters left out" in text


PLUGIN = """
class Tides:
    name, usage = "TIDES", "says when the tide turns"
    def __init__(self, view): self.pods = len(view.all("Pod"))
    def run(self, args):
        if args == "fail": raise ValueError("no moon")
        from kubelore.types import Observation
        return Observation(text=f"{self.pods} pods, high tide at noon {args}")
"""


def test_tools_of_other_packages_are_loaded_and_a_broken_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acme_tides.py").write_text(PLUGIN)
    info = tmp_path / "acme_tides-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-tides\nVersion: 1.0\n")
    points = ("tides = acme_tides:Tides", "wreck = acme_tides:Missing", "describe = acme_tides:Tides")
    (info / "entry_points.txt").write_text("\n".join(("[kubelore.tools]", *points)))
    monkeypatch.syspath_prepend(str(tmp_path))
    box = toolbox()
    assert "high tide at noon" in box.run(ToolCall("TIDES", "today")).text
    assert "no moon" in box.run(ToolCall("TIDES", "fail")).error
    assert "cannot be used" in box.run(ToolCall("WRECK", "")).error
    assert set(box.broken_plugins) == {"WRECK"}
    assert "TIDES says when" in box.describe()
    assert "Deployment" in box.run(ToolCall("DESCRIBE", "deploy shop cart")).text, "a built-in stays"


# -- DESCRIBE ---------------------------------------------------------------------------------------
def test_describe_shows_the_failing_pods_state_under_its_workload() -> None:
    seen = ask("DESCRIBE deployment shop web-app")
    for part in ("exit code 137", "OOMKilled", "restarts: 6", "memory=64Mi", "BackOff", "(x3)", FAILING):
        assert part in seen.text, part
    assert "container.last_reason=OOMKilled" in facts(seen, WEB)
    assert ("DESCRIBE", WEB) in seen.covers


def test_facts_of_a_pod_are_about_its_workload() -> None:
    seen = ask(f"DESCRIBE pod shop {FAILING}")
    assert "container.last_reason=OOMKilled" in facts(seen, WEB)
    assert ("DESCRIBE", WEB) in seen.covers
    assert ("DESCRIBE", Ref("Pod", "shop", FAILING)) in seen.covers


def test_env_names_sources_volumes_probes_and_placement_are_shown() -> None:
    item = {
        "name": "full",
        "image": "registry.acme.test/full:1",
        "env": [
            {"name": "MODE", "value": "fast"},
            {"name": "EMPTY", "value": ""},
            {
                "name": "LOGIN",
                "valueFrom": {"secretKeyRef": {"name": "login", "key": "user", "optional": True}},
            },
            {"name": "WHERE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        ],
        "envFrom": [{"configMapRef": {"name": "settings"}}],
        "livenessProbe": {"httpGet": {"path": "/live", "port": 8080}, "periodSeconds": 3},
        "readinessProbe": {"exec": {"command": ["cat", "/ready"]}},
        "startupProbe": {"tcpSocket": {"port": 9000}},
        "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": True}],
    }
    objects = deployment("shop", "full", [item])
    objects[0]["spec"]["template"]["spec"] |= {
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "full-data"}},
            {"name": "conf", "configMap": {"name": "settings", "items": [{"key": "a.conf"}]}},
        ],
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "serviceAccountName": "robot",
        "imagePullSecrets": [{"name": "pull"}],
    }
    text = ask("DESCRIBE deployment shop full", *objects).text
    for line in (
        "MODE=fast",
        "EMPTY is empty",
        "LOGIN from Secret login, key user, optional",
        "WHERE from field metadata.namespace",
        "everything in ConfigMap settings",
        "liveness probe: http://:8080/live delay=0s period=3s timeout=1s failures=3",
        "readiness probe: exec cat /ready",
        "startup probe: tcp :9000",
        "/data from data (ro)",
        "data: persistentVolumeClaim full-data",
        "conf: configMap settings, keys a.conf",
        "Node selector: disk=ssd",
        "Tolerations: gpu:NoSchedule",
        "Service account: robot   Image pull secrets: pull",
    ):
        assert line in text, line


def test_an_object_of_any_kind_is_shown_even_without_a_section_of_its_own() -> None:
    lease = obj("Lease", "kube-system", "scheduler", spec={"holderIdentity": "vm-1"})
    assert "holderIdentity: vm-1" in ask("DESCRIBE lease kube-system scheduler", lease).text


def test_a_deleted_namesakes_events_are_not_shown() -> None:
    old = event("shop", "Deployment", "cart", "FailedCreate", "from a former life")
    old["involvedObject"]["uid"] = "another"
    assert "former life" not in ask("DESCRIBE deployment shop cart", old).text


# -- GET_LOGS ---------------------------------------------------------------------------------------
def test_after_a_restart_the_previous_run_is_shown_first() -> None:
    text = ask("GET_LOGS shop web-app").text
    assert text.index("previous run") < text.index("current run")
    assert "ERROR cannot allocate buffer" in text


def test_a_failing_init_container_is_chosen_before_the_others() -> None:
    name = f"init-{HASH}-eeeee"
    failing = pod(
        "shop",
        "init",
        "eeeee",
        [
            container_status(
                "main", ready=False, state={"waiting": {"reason": "PodInitializing"}}, containerID=""
            )
        ],
    )
    failing["spec"]["initContainers"] = [{"name": "migrate"}]
    failing["status"]["initContainerStatuses"] = [crashed("migrate")]
    logs = {("shop", name, "migrate"): "2026-03-01T11:58:00Z no such table: users\n"}
    text = ask("GET_LOGS shop init", *deployment("shop", "init", []), failing, logs=logs).text
    assert "init container migrate" in text
    assert "no such table" in text
    other = ask(f"GET_LOGS shop {name} -c main", *deployment("shop", "init", []), failing, logs=logs)
    assert "has not run yet" in other.text
    assert not other.not_checked


def test_the_pod_that_did_the_work_of_a_job_speaks_for_it_and_not_one_that_failed_before() -> None:
    owner = owned_by("Job", "load")
    ended = {"terminated": {"exitCode": 0, "reason": "Completed"}}
    failed = pod("shop", "load", "aaaaa", [crashed("main")])
    done = pod("shop", "load", "bbbbb", [container_status("main", ready=False, state=ended)])
    for one, phase in ((failed, "Failed"), (done, "Succeeded")):
        one["metadata"] |= owner
        one["status"]["phase"] = phase
    logs = {("shop", one["metadata"]["name"], "main"): f"{n} log\n" for n, one in enumerate((failed, done))}

    def log_of(condition: str) -> str:
        job = obj("Job", "shop", "load", status={"conditions": [{"type": condition, "status": "True"}]})
        return ask("GET_LOGS job shop load", job, failed, done, logs=logs).text

    assert "1 log" in log_of("Complete")
    assert "0 log" in log_of("Failed")


def test_a_log_that_cannot_be_read_is_said_to_be_unchecked() -> None:
    seen = ask("GET_LOGS shop cart", logs={})
    assert "no log" in seen.text
    assert [str(item) for item in seen.not_checked if "cart" in item.what]
    assert not [fact for fact in seen.facts if fact.key == "log"]


def test_repeated_lines_are_counted_and_long_stretches_left_out() -> None:
    lines = [f"2026-03-01T11:00:{i % 60:02}Z GET /item/{i} 200" for i in range(500)]
    lines.insert(300, "2026-03-01T11:30:00Z panic: index out of range [7]\n\tgoroutine 1 [running]:")
    logs = {("shop", f"cart-{HASH}-ccccc", "cart"): "\n".join(lines)}
    text = ask("GET_LOGS shop cart", logs=logs).text
    assert "(x500)" in text
    assert "panic: index out of range" in text
    assert "goroutine 1" in text
    assert len(text.splitlines()) < 30


def test_tail_and_since_limit_what_is_read() -> None:
    assert "no line is that new" in ask("GET_LOGS shop cart --since=1m").text
    assert "listening" in ask("GET_LOGS shop cart --since=2h").text
    assert ask("GET_LOGS shop cart --since=soon").error


# -- the others -------------------------------------------------------------------------------------
def test_find_issues_lists_the_most_severe_first_and_covers_the_namespace() -> None:
    seen = ask("FIND_ISSUES shop")
    lines = [line for line in seen.text.splitlines() if line.startswith("[")]
    order = {"[CRITICAL]": 0, "[WARNING]": 1, "[INFO]": 2}
    ranks = [order[line.split()[0]] for line in lines]
    assert ranks == sorted(ranks)
    assert any("Deployment/shop/web-app" in line for line in lines)
    assert seen.findings
    assert seen.covers == (("FIND_ISSUES", Ref("Namespace", "", "shop")),)


def test_a_healthy_namespace_has_no_issues_and_says_what_was_looked_at() -> None:
    seen = ask("FIND_ISSUES default")
    assert seen.text.startswith("No issues found in namespace default")
    assert not seen.findings


def test_endpoints_show_the_pods_that_match_or_that_nearly_do() -> None:
    assert f"cart-{HASH}-ccccc" in ask("GET_ENDPOINTS shop cart").text
    front = ask("GET_ENDPOINTS shop front", service("shop", "front2", {"app": "web-ap"}))
    assert "Pods that match: none" in front.text
    near = ask("GET_ENDPOINTS shop front2", service("shop", "front2", {"app": "web-ap"}))
    assert "Deployment/shop/web-app: pod labels app=web-app" in near.text
    by_workload = ask("GET_ENDPOINTS shop deployment cart")
    assert "Service/shop/cart" in by_workload.text


def test_events_come_warnings_first_and_repeats_are_one_row() -> None:
    refused = "FailedCreate", 'pods "cart-{}" is forbidden'
    many = [event("shop", "Pod", FAILING, f"Killing{n}", "done", type="Normal") for n in range(2)]
    for suffix in ("bcdfg", "hjklm", "npqrs"):
        one = event("shop", "ReplicaSet", f"cart-{HASH}", refused[0], refused[1].format(suffix))
        many.append({**one, "metadata": {"name": f"e-{suffix}", "namespace": "shop"}})
    text = ask("GET_EVENTS shop", *many).text
    rows = text.splitlines()[2:]
    assert [row.split()[2] for row in rows] == ["Warning", "Warning", "Normal", "Normal"]
    assert next(row for row in rows if "FailedCreate" in row).split()[1] == "9"


def test_events_of_what_is_gone_or_has_passed_are_shown_but_are_no_evidence() -> None:
    ready = pod("shop", "cart", "ccccc", [container_status("cart")])
    ready["status"]["conditions"][0]["lastTransitionTime"] = "2026-03-01T11:40:00Z"
    before = {"lastTimestamp": "2026-03-01T11:39:00Z"}
    unhealthy = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    seen = ask(
        "GET_EVENTS shop",
        ready,
        event("shop", "Pod", "long-gone", "Failed", "Error: ErrImagePull"),
        event("shop", "Pod", f"cart-{HASH}-ccccc", "Unhealthy", unhealthy, **before),
    )
    assert "long-gone" in seen.text
    assert "statuscode: 503" in seen.text
    assert {fact.about for fact in seen.facts} == {WEB}


def test_usage_is_set_against_the_limit() -> None:
    metrics = {
        "Pod": [{"metadata": {"name": FAILING, "namespace": "shop"}, "containers": []},
                {"metadata": {"name": f"web-app-{HASH}-aaaaa", "namespace": "shop"},
                 "containers": [{"name": "web", "usage": {"cpu": "5m", "memory": "62Mi"}}]}],
        "Node": [{"metadata": {"name": "worker-1"}, "usage": {"cpu": "1900m", "memory": "1Gi"}}],
    }  # fmt: skip
    web = [{"name": "web", "image": "x", "resources": {"limits": {"memory": "64Mi"}}}]
    full = pod("shop", "web-app", "aaaaa", [container_status("web")], containers=web)
    box = toolbox(full, metrics=metrics)
    seen = box.run(ToolCall("TOP_PODS", "shop"))
    assert "62Mi" in seen.text
    assert "97%" in seen.text
    assert "usage.memory=near-limit" in facts(seen, WEB)
    nodes = box.run(ToolCall("TOP_PODS", "nodes"))
    assert "95%" in nodes.text
    assert "node.usage=cpu-high" in facts(nodes, Ref("Node", "", "worker-1"))


def test_without_metrics_nothing_is_said_to_be_fine() -> None:
    seen = ask("TOP_PODS shop")
    assert seen.not_checked
    assert "metrics API does not answer" in seen.text


def test_cluster_health_shows_nodes_and_pods_by_state() -> None:
    node = obj(
        "Node",
        "",
        "worker-2",
        spec={"unschedulable": True},
        status={"conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]},
    )
    seen = ask("CLUSTER_HEALTH", node)
    assert "unknown (NodeStatusUnknown)" in seen.text
    assert "cordoned" in seen.text
    assert "1 CrashLoopBackOff" in seen.text
    assert {"node.cordoned=yes", "node.ready=Unknown"} <= facts(seen, Ref("Node", "", "worker-2"))


# -- the recorded incidents ----------------------------------------------------------------------
FAULTY = [name for name in incident_ids() if incident_labels()[name]["object"]]
CALLS = ("FIND_ISSUES", "CLUSTER_HEALTH", "GET_EVENTS -A", "TOP_PODS -A", "TOP_PODS nodes")


def boxed(name: str) -> Toolbox:
    return Toolbox(View(incident(name)))


@needs_incidents
@pytest.mark.parametrize("name", incident_ids())
def test_every_tool_speaks_on_a_real_cluster_and_only_in_known_facts(name: str) -> None:
    box = boxed(name)
    calls = [ToolCall(*(f"{call} ".split(" ", 1))) for call in CALLS]
    label = incident_labels()[name]["object"] or "Deployment/shop/cart"
    kind, namespace, at_fault = label.split("/")
    target = " ".join(part for part in (kind, namespace, at_fault) if part)
    calls += [ToolCall(tool, target) for tool in ("DESCRIBE", "GET_EVENTS")]
    for call in calls:
        seen = box.run(call)
        assert not seen.error, call
        assert seen.text
        for fact in seen.facts:
            key = vocabulary().get(fact.key)
            assert key is not None, fact.key
            assert key.allows(fact.value), fact.name


@needs_incidents
@pytest.mark.parametrize("name", FAULTY)
def test_the_object_at_fault_is_described_with_facts_of_its_own(name: str) -> None:
    label = incident_labels()[name]
    about = Ref.parse(label["object"])
    seen = boxed(name).run(ToolCall("DESCRIBE", f"{about.kind} {about.namespace} {about.name}"))
    assert facts(seen, about)
    assert ("DESCRIBE", about) in seen.covers


@needs_incidents
@pytest.mark.parametrize("name", FAULTY)
def test_the_fault_is_among_the_findings_of_its_namespace(name: str) -> None:
    label = incident_labels()[name]
    accepted = {label["object"], *label["also_objects"]}
    namespace = label["object"].split("/")[1]
    seen = boxed(name).run(ToolCall("FIND_ISSUES", namespace))
    assert accepted & {str(finding.object) for finding in seen.findings}
