"""How findings are gathered: order, namespaces, analyzers that fail, malformed objects."""

from collections.abc import Iterator

import pytest

from analysis_objects import (
    WEB,
    container,
    crashing,
    deployment,
    facts,
    findings,
    node,
    pod,
    replica_set,
    status,
    view,
    with_status,
)
from kubelore.analysis.find import find, needs
from kubelore.analysis.registry import CHECKS, Check, check
from kubelore.analysis.settings import object_facts, settings
from kubelore.analysis.view import View, parse_time
from kubelore.types import Finding, NotChecked, Ref, Severity
from support import NOW, MemoryCluster

WEB_REF = Ref("Deployment", "shop", "web")


@pytest.fixture
def broken_check() -> Iterator[str]:
    def explode(_view: View, _namespace: str | None) -> list[Finding]:
        raise ZeroDivisionError("a bug")

    CHECKS["explodes"] = Check("explodes", (), explode)
    yield "explodes"
    del CHECKS["explodes"]


def test_an_analyzer_that_fails_hides_no_other_and_is_told(broken_check):
    told: list[NotChecked] = []
    found = find(view(*WEB, node(), with_status(crashing())), broken=told)
    assert [str(f.object) for f in found] == [str(WEB_REF)]
    assert [str(t) for t in told] == ["analyzer explodes: ZeroDivisionError: a bug"]


def test_without_anybody_to_tell_a_failing_analyzer_is_an_error(broken_check):
    with pytest.raises(ZeroDivisionError):
        find(view(*WEB, node()))


def test_an_unknown_check_is_refused():
    with pytest.raises(KeyError):
        find(view(), checks=["no such check"])


def test_two_analyzers_of_one_name_are_refused():
    with pytest.raises(ValueError, match="containers"):
        check("containers")(lambda _view, _namespace: ())


def test_a_check_can_be_asked_for_alone():
    objects = (*WEB, node(), with_status(crashing()))
    assert findings(*objects, checks=("containers",))
    assert findings(*objects, checks=("scheduling",)) == []


def test_needs_name_the_kinds_to_fetch():
    assert {"Pod", "Event"} <= set(needs())
    assert set(needs(["cronjobs"])) == {"CronJob", "Job", "Event"}


def test_the_worst_comes_first():
    old = with_status(
        status(restartCount=1, lastState={"terminated": {"reason": "OOMKilled", "exitCode": 137}}),
        metadata={"name": "a", "ownerReferences": []},
    )
    found = findings(*WEB, node(), old, with_status(crashing()))
    assert [f.severity for f in found] == [Severity.CRITICAL, Severity.WARNING]


def test_a_namespace_limits_what_is_looked_at():
    other = with_status(crashing(), metadata={"name": "x", "namespace": "other", "ownerReferences": []})
    everything = view(*WEB, node(), other, with_status(crashing()))
    assert {f.object.namespace for f in find(everything, "other")} == {"other"}
    assert {f.object.namespace for f in find(everything)} == {"other", "shop"}


MALFORMED = [
    {"kind": "Pod", "metadata": {"name": "empty", "namespace": "shop"}},
    {"kind": "Pod", "metadata": {"name": "nulls", "namespace": "shop"}, "spec": None, "status": None},
    {
        "kind": "Pod",
        "metadata": {"name": "odd", "namespace": "shop", "creationTimestamp": 7, "labels": None},
        "spec": {"containers": None, "initContainers": None, "volumes": None, "tolerations": None},
        "status": {"phase": "Pending", "containerStatuses": None, "conditions": None},
    },
    {
        "kind": "Pod",
        "metadata": {"name": "states", "namespace": "shop", "creationTimestamp": "yesterday"},
        "spec": {"containers": [{"name": "a"}, {}]},
        "status": {
            "phase": "Running",
            "containerStatuses": [{"name": "a", "state": None, "lastState": None}, {}],
        },
    },
    {"kind": "Deployment", "metadata": {"name": "d", "namespace": "shop"}},
    {"kind": "StatefulSet", "metadata": {"name": "s", "namespace": "shop"}, "spec": None, "status": None},
    {"kind": "DaemonSet", "metadata": {"name": "ds", "namespace": "shop"}, "spec": {}, "status": {}},
    {"kind": "ReplicaSet", "metadata": {"name": "rs", "namespace": "shop"}, "status": {"conditions": None}},
    {"kind": "Job", "metadata": {"name": "j", "namespace": "shop"}, "spec": None, "status": None},
    {"kind": "CronJob", "metadata": {"name": "c", "namespace": "shop"}, "spec": {}, "status": None},
    {"kind": "Node", "metadata": {"name": "n"}, "spec": None, "status": None},
    {
        "kind": "Event",
        "metadata": {"name": "e", "namespace": "shop"},
        "involvedObject": None,
        "message": None,
    },
]


@pytest.mark.parametrize("obj", MALFORMED, ids=lambda o: f"{o['kind']} {o['metadata']['name']}")
def test_objects_with_holes_break_nothing(obj):
    told: list[NotChecked] = []
    everything = view(*WEB, node(), obj)
    find(everything, broken=told)
    assert told == []
    meta = obj["metadata"]
    object_facts(everything, Ref(obj["kind"], meta.get("namespace", ""), meta["name"]))


def test_times_are_read_with_and_without_a_zone():
    assert parse_time("2026-03-01T12:00:00Z") == NOW
    assert parse_time("2026-03-01T12:00:00") == NOW
    assert parse_time("2026-03-01T12:00:00.000000Z") == NOW
    assert parse_time("soon") is None
    assert parse_time(None) is None


# -- settings ------------------------------------------------------------------------------------------
def told(ref: Ref, *objects, **options) -> set[str]:
    return {f.name for f in settings(view(*objects, **options), ref)}


def test_settings_of_a_healthy_workload():
    limits = {"limits": {"memory": "64Mi"}, "requests": {"cpu": "100m"}}
    template = {
        "nodeSelector": {"disk": "ssd"},
        "containers": [
            container(
                resources=limits,
                securityContext={"readOnlyRootFilesystem": True},
                env=[{"name": "EMPTY", "value": ""}],
                livenessProbe={"httpGet": {"port": 80}, "periodSeconds": 2},
            )
        ],
    }
    web = deployment(spec={"template": {"spec": template}})
    assert told(WEB_REF, web, replica_set(), pod(), node()) >= {
        "workload.replicas=set",
        "workload.available=all",
        "container.memory_limit=set",
        "container.cpu_limit=none",
        "container.filesystem=read-only",
        "container.env=empty-value",
        "container.state=running",
        "pod.node_constraint=selector",
        "pod.phase=Running",
        "probe.liveness.timing=tight",
        "pull.secret=none-named",
    }


def test_settings_of_a_pod_are_about_its_workload():
    cluster = view(*WEB, pod())
    facts_of_pod = settings(cluster, Ref("Pod", "shop", "web-7d4f-abcde"))
    assert {f.about for f in facts_of_pod} == {WEB_REF}


@pytest.mark.parametrize(
    ("obj", "fact"),
    [
        (deployment(replicas=0, available=0), "workload.replicas=zero"),
        (deployment(spec={"paused": True}), "workload.rollout=paused"),
        ({"kind": "Job", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"suspend": True}},
         "job.suspended=yes"),
        ({"kind": "CronJob", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"suspend": True}},
         "cronjob.suspended=yes"),
        (node("web", spec={"unschedulable": True}), "node.cordoned=yes"),
    ],
)  # fmt: skip
def test_settings_of_other_states_and_kinds(obj, fact):
    meta = obj["metadata"]
    assert fact in told(Ref(obj["kind"], meta.get("namespace", ""), meta["name"]), obj)


def test_facts_of_an_object_hold_findings_and_settings():
    cluster = view(*WEB, node(), with_status(crashing()))
    names = {f.name for f in object_facts(cluster, WEB_REF)}
    assert names >= {"pod.waiting=CrashLoopBackOff", "workload.replicas=set", "container.memory_limit=none"}


def test_what_does_not_exist_has_no_facts():
    assert object_facts(View(MemoryCluster()), WEB_REF) == []


def test_a_new_api_event_is_read_like_an_old_one():
    broken = with_status(status(ready=False))
    meta = broken["metadata"]
    new = {
        "kind": "Event",
        "apiVersion": "events.k8s.io/v1",
        "metadata": {"name": "e", "namespace": "shop"},
        "regarding": {"kind": "Pod", "name": meta["name"], "namespace": "shop", "uid": meta["uid"]},
        "type": "Warning",
        "reason": "Unhealthy",
        "note": "Readiness probe failed: HTTP probe failed with statuscode: 404",
        "eventTime": "2026-03-01T11:50:00.000000Z",
        "series": {"count": 30, "lastObservedTime": "2026-03-01T11:59:00.000000Z"},
    }
    broken["spec"]["containers"] = [container(readinessProbe={"httpGet": {"port": 80}})]
    assert "probe.readiness=http-404" in facts(*WEB, node(), broken, new)
