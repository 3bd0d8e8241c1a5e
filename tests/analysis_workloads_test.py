# ruff: noqa: E501 - messages are quoted as Kubernetes writes them
"""Controllers: pods that are not created, rollouts that stop, Jobs and CronJobs that fail."""

from datetime import UTC, datetime

import pytest

from analysis_objects import (
    OLD,
    WEB,
    ago,
    container,
    crashing,
    deployment,
    event,
    facts,
    findings,
    node,
    owned_by,
    params,
    pending,
    pod,
    replica_set,
    status,
    terminated,
    with_status,
)
from kubelore.analysis.cron import parse_schedule, time_zone
from kubelore.types import Severity
from support import merged

FORBIDDEN = 'Error creating: pods "web-7d4f-x" is forbidden: '
REFUSALS = [
    (FORBIDDEN + "exceeded quota: team, requested: pods=1, used: pods=2, limited: pods=2",
     {"create.error=quota", "create.quota=pods", "event=FailedCreate:quota"}),
    (FORBIDDEN + "exceeded quota: team, requested: limits.cpu=2,requests.memory=1Gi, used: limits.cpu=1,requests.memory=4Gi, limited: limits.cpu=8,requests.memory=4Gi",
     {"create.error=quota", "create.quota=memory"}),
    (FORBIDDEN + "failed quota: team: must specify limits.cpu for: web",
     {"create.error=quota", "create.quota=not-specified"}),
    (FORBIDDEN + "maximum cpu usage per Container is 1, but limit is 2", {"create.error=limit-range"}),
    (FORBIDDEN + "[minimum memory usage per Pod is 64Mi, but request is 1Mi]", {"create.error=limit-range"}),
    (FORBIDDEN + 'error looking up service account shop/web: serviceaccount "web" not found',
     {"create.error=service-account", "config.missing=serviceaccount"}),
    ('Error creating: Internal error occurred: failed calling webhook "v.acme.io": failed to call webhook: Post "https://w.acme.svc:443/": no endpoints available for service "w"',
     {"create.error=webhook-unreachable"}),
    ('Error creating: admission webhook "v.acme.io" denied the request: image not signed', {"create.error=webhook-denied"}),
    (FORBIDDEN + "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no latest tags", {"create.error=webhook-denied"}),
    (FORBIDDEN + 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false', {"create.error=pod-security"}),
    (FORBIDDEN + "unable to validate against any security context constraint: []", {"create.error=pod-security"}),
    (FORBIDDEN + "no PriorityClass with name urgent was found", {"create.error=priority-class"}),
    (FORBIDDEN + "unable to create new content in namespace shop because it is being terminated", {"create.error=forbidden"}),
    ('Error creating: Pod "web-x" is invalid: spec.containers[0].resources.requests: Invalid value: "2"', {"create.error=invalid"}),
    ("Error creating: the moon is full", {"create.error=unspecified"}),
]  # fmt: skip


@pytest.mark.parametrize(("message", "expected"), REFUSALS)
def test_why_pods_cannot_be_created(message, expected):
    short = replica_set(status={"replicas": 0})
    assert facts(deployment(available=0), short, event(short, "FailedCreate", message)) >= expected | {
        "workload.pods=none"
    }


def test_the_condition_tells_when_events_are_gone():
    condition = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": REFUSALS[0][0],
    }
    short = replica_set(replicas=3, status={"replicas": 1, "conditions": [condition]})
    assert facts(deployment(replicas=3), short) >= {"create.error=quota", "workload.pods=fewer-than-desired"}


def test_a_refusal_that_was_overcome_is_history():
    whole = replica_set()
    assert findings(*WEB[:1], whole, node(), pod(), event(whole, "FailedCreate", REFUSALS[0][0])) == []


def test_what_a_quota_denies_is_a_param():
    short = replica_set(status={"replicas": 0})
    told = params(
        deployment(), short, event(short, "FailedCreate", REFUSALS[1][0]), fact="create.quota=memory"
    )
    assert told["quota"] == "team"
    assert (told["requested"], told["used"], told["limit"]) == ("1Gi", "4Gi", "4Gi")


# -- replicas and rollouts -----------------------------------------------------------------------------
def stateful_set(**changes):
    base = deployment("db", **changes)
    return {**base, "kind": "StatefulSet"}


def test_missing_replicas_are_found_after_a_while():
    assert "workload.available=none" in facts(deployment(available=0))
    rolling = {"conditions": [{"type": "Progressing", "status": "True", "lastUpdateTime": ago(seconds=50)}]}
    assert findings(deployment(available=0, status=rolling)) == []


def test_missing_replicas_fold_into_what_explains_them():
    (finding,) = findings(deployment(available=0), replica_set(), node(), with_status(crashing()))
    assert {f.name for f in finding.facts} >= {"pod.waiting=CrashLoopBackOff", "workload.available=none"}


def test_a_workload_at_zero_that_nobody_calls_is_no_finding():
    assert findings(deployment(replicas=0, available=0)) == []


def test_a_rollout_past_its_deadline_while_the_old_one_serves():
    late = {"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}
    revision = lambda n: {"annotations": {"deployment.kubernetes.io/revision": n}}  # noqa: E731
    told = facts(
        deployment(replicas=2, available=2, status=late),
        replica_set("web-1", metadata=revision("1"), status={"availableReplicas": 2}),
        replica_set("web-2", metadata=revision("2"), status={"availableReplicas": 0}),
    )
    assert told >= {"workload.rollout=deadline-exceeded", "workload.rollout=old-still-serving"}


def test_a_rollout_paused_halfway_is_found_and_a_paused_whole_one_is_not():
    half = deployment(replicas=3, available=3, spec={"paused": True}, status={"updatedReplicas": 1})
    assert "workload.rollout=paused" in facts(half)
    assert findings(deployment(spec={"paused": True})) == []


def test_a_change_that_no_controller_has_seen_is_found():
    unseen = deployment(metadata={"generation": 2})
    assert "workload.rollout=not-observed" in facts(unseen)
    just_now = {"generation": 2, "managedFields": [{"manager": "kubectl", "time": ago(seconds=5)}]}
    assert findings(deployment(metadata=just_now)) == []


def test_a_stateful_set_without_its_service():
    lost = stateful_set(spec={"serviceName": "db"})
    assert "statefulset.service=missing" in facts(lost)
    assert findings(lost, unreadable=["Service"]) == []


def test_a_service_that_is_missed_by_nobody_is_worth_knowing_and_no_alarm():
    assert findings(stateful_set(spec={"serviceName": "db"}, status={"readyReplicas": 1})) == []


def test_an_update_that_waits_for_pods_to_be_deleted():
    waiting = stateful_set(spec={"updateStrategy": {"type": "OnDelete"}}, status={"updatedReplicas": 0})
    assert "workload.strategy=cannot-progress" in facts(waiting)


def test_a_partition_that_spares_every_replica():
    spared = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}}
    revisions = {"updatedReplicas": 0, "currentRevision": "a", "updateRevision": "b"}
    assert "workload.strategy=cannot-progress" in facts(
        stateful_set(replicas=3, available=3, spec=spared, status=revisions)
    )
    same = {**revisions, "updateRevision": "a"}
    assert findings(stateful_set(replicas=3, available=3, spec=spared, status=same)) == []


@pytest.mark.parametrize(
    ("strategy", "stuck"), [({}, True), ({"rollingUpdate": {"maxUnavailable": 1}}, False)]
)
def test_a_new_pod_that_needs_the_place_of_an_old_one(strategy, stuck):
    revision = lambda n: {"annotations": {"deployment.kubernetes.io/revision": n}}  # noqa: E731
    text = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."
    new = pending(text, owner="web-2")
    told = facts(
        deployment(spec={"strategy": strategy}),
        replica_set("web-1", metadata=revision("1")),
        replica_set("web-2", metadata=revision("2")),
        new,
        event(new, "FailedScheduling", text),
    )
    assert ("workload.strategy=cannot-progress" in told) is stuck


# -- daemon sets ---------------------------------------------------------------------------------------
def daemon_set(spec=None, **counts):
    base = deployment("agent", spec={"template": {"spec": spec or {}}})
    numbers = {"desiredNumberScheduled": 1, "currentNumberScheduled": 1, "numberReady": 1}
    return {**base, "kind": "DaemonSet", "status": {"observedGeneration": 1, **numbers, **counts}}


GPU = {"taints": [{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]}
MASTER = {"taints": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]}


def test_nodes_that_a_daemon_set_does_not_tolerate():
    told = params(daemon_set(), node(), node("gpu-1", spec=GPU), fact="daemonset.missed=taint")
    assert (told["node"], told["taint"]) == ("gpu-1", "dedicated=gpu:NoSchedule")


@pytest.mark.parametrize(
    ("spec", "nodes"),
    [
        ({}, [node(), node("cp", spec=MASTER)]),
        ({"tolerations": [{"operator": "Exists"}]}, [node("gpu-1", spec=GPU)]),
        (
            {"nodeSelector": {"disk": "ssd"}},
            [node(metadata={"labels": {"disk": "ssd"}}), node("gpu-1", spec=GPU)],
        ),
    ],
)
def test_nodes_missed_by_design_are_no_finding(spec, nodes):
    found = findings(daemon_set(spec), *nodes)
    assert [f for f in found if f.object.kind == "DaemonSet"] == []


def test_a_daemon_set_whose_selector_fits_no_node():
    lost = daemon_set({"nodeSelector": {"disk": "ssd"}}, desiredNumberScheduled=0)
    assert params(lost, node(), fact="daemonset.missed=selector")["selector"] == "disk=ssd"


def test_daemon_pods_that_are_not_ready():
    assert "workload.available=some" in facts(daemon_set(desiredNumberScheduled=3, numberReady=2), node())


# -- jobs ----------------------------------------------------------------------------------------------
def job(name="load", reason="", age=60, owner=None, **changes):
    conditions = [{"type": "Failed", "status": "True", "reason": reason, "message": "m"}] if reason else []
    return {
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "creationTimestamp": ago(minutes=age),
            **(owned_by("CronJob", owner) if owner else {}),
        },
        "spec": {},
        "status": {"conditions": conditions, **changes},
    }


def cron_job(schedule="0 * * * *", **spec):
    last = spec.pop("last", ago(minutes=59))
    return {
        "kind": "CronJob",
        "metadata": {"name": "nightly", "namespace": "shop", "creationTimestamp": OLD},
        "spec": {"schedule": schedule, **spec},
        "status": {"lastScheduleTime": last} if last else {},
    }


@pytest.mark.parametrize(
    ("reason", "value"),
    [
        ("BackoffLimitExceeded", "BackoffLimitExceeded"),
        ("DeadlineExceeded", "DeadlineExceeded"),
        ("PodFailurePolicy", "PodFailurePolicy"),
        ("MaxFailedIndexesExceeded", "FailedIndexes"),
        ("Anything", "unspecified"),
    ],
)
def test_a_job_that_gave_up(reason, value):
    (finding,) = findings(job(reason=reason, failed=3))
    assert (str(finding.object), finding.severity) == ("Job/shop/load", Severity.CRITICAL)
    assert finding.facts[0].name == f"job.failed={value}"


def test_a_failed_job_carries_how_its_newest_pod_ended():
    ended = status(ready=False, state={"terminated": terminated(127)})
    failed = with_status(ended, phase="Failed", metadata={"name": "load-x", **owned_by("Job", "load")})
    (finding,) = findings(job(reason="BackoffLimitExceeded"), node(), failed)
    assert "container.last_exit_code=127" in {f.name for f in finding.facts}
    assert "command not found" in finding.what


@pytest.mark.parametrize(
    "done",
    [
        job(),
        job(conditions=[{"type": "Complete", "status": "True"}], failed=2),
        job(conditions=[{"type": "Suspended", "status": "True"}]),
    ],
    ids=["running", "complete after retries", "suspended"],
)
def test_jobs_that_are_no_fault(done):
    assert findings(done) == []


def test_a_job_that_keeps_failing_is_a_warning():
    (finding,) = findings(job(failed=2, active=1))
    assert finding.severity is Severity.WARNING


def test_of_a_cron_jobs_runs_the_newest_counts():
    failed = job("nightly-1", "BackoffLimitExceeded", age=300, owner="nightly")
    assert facts(cron_job(), failed) >= {"cronjob.last_job=failed", "job.failed=BackoffLimitExceeded"}
    done = job("nightly-2", age=60, owner="nightly", conditions=[{"type": "Complete", "status": "True"}])
    assert findings(cron_job(), failed, done) == []


@pytest.mark.parametrize(
    ("broken", "fact"),
    [
        (cron_job(last=ago(hours=5)), "cronjob.schedule=missed"),
        (cron_job(last=None), "cronjob.schedule=never-ran"),
        (cron_job("every day"), "cronjob.schedule=invalid"),
        (cron_job("0 25 * * *"), "cronjob.schedule=invalid"),
        (cron_job(timeZone="Mars/Olympus"), "cronjob.schedule=invalid"),
        (cron_job(suspend=True, last=ago(hours=5)), "cronjob.suspended=yes"),
        (cron_job("0 3 1 1 *", suspend=True, last=None), "cronjob.suspended=yes"),
    ],
)
def test_cron_jobs_that_do_not_run(broken, fact):
    (finding,) = findings(broken)
    assert finding.facts[0].name == fact


@pytest.mark.parametrize(
    "fine",
    [
        cron_job(),
        cron_job("@daily", last=ago(hours=12)),
        cron_job("@every 1h", last=None),
    ],
    ids=["ran an hour ago", "daily", "counted from an unknown start"],
)
def test_cron_jobs_that_are_no_fault(fine):
    assert findings(fine) == []


# -- schedules -----------------------------------------------------------------------------------------
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)  # a Sunday


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        ("* * * * *", (2026, 3, 1, 12, 0)),
        ("30 * * * *", (2026, 3, 1, 11, 30)),
        ("*/20 6-8 * * *", (2026, 3, 1, 8, 40)),
        ("0 18 * * mon-fri", (2026, 2, 27, 18, 0)),
        ("0 0 29 feb *", (2024, 2, 29, 0, 0)),
        ("0 0 13 * 5", (2026, 2, 27, 0, 0)),
        ("15,45 23 ? * *", (2026, 2, 28, 23, 45)),
        ("@weekly", (2026, 3, 1, 0, 0)),
        ("@monthly", (2026, 3, 1, 0, 0)),
    ],
)
def test_when_a_run_was_last_due(schedule, due):
    assert parse_schedule(schedule).last_due(NOON) == datetime(*due, tzinfo=UTC)


def test_time_zones_shift_what_is_due():
    due = parse_schedule("0 6 * * *").last_due(NOON, time_zone("America/New_York"))
    assert due is not None
    assert due.astimezone(UTC) == datetime(2026, 3, 1, 11, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "* * * *", "60 * * * *", "* * 0 * *", "a * * * *", "*/0 * * * *", "5-1 * * * *"]
)
def test_what_is_no_schedule(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_schedule(text)


def test_a_day_that_never_comes_was_never_due():
    assert parse_schedule("0 0 31 2 *").last_due(NOON) is None


# -- usage ---------------------------------------------------------------------------------------------
def measured(cpu, memory, name="web-7d4f-abcde"):
    usage = {"cpu": cpu, "memory": memory}
    return {
        "Pod": [
            {"metadata": {"name": name, "namespace": "shop"}, "containers": [{"name": "web", "usage": usage}]}
        ]
    }


LIMITED = pod(spec={"containers": [container(resources={"limits": {"cpu": "100m", "memory": "100Mi"}})]})


def test_use_of_what_is_allowed():
    assert findings(*WEB, node(), LIMITED, metrics=measured("20m", "20Mi")) == []
    (finding,) = findings(*WEB, node(), LIMITED, metrics=measured("99m", "20Mi"))
    assert (finding.severity, finding.facts[0].name) == (Severity.WARNING, "usage.cpu=at-limit")
    told = params(*WEB, LIMITED, metrics=measured("20m", "95Mi"), fact="usage.memory=near-limit")
    assert (told["memory_usage"], told["memory_limit"]) == ("95Mi", "100Mi")


def test_a_program_that_starts_may_use_all_its_cpu():
    young = status(state={"running": {"startedAt": ago(seconds=40)}})
    starting = merged(LIMITED, {"status": {"containerStatuses": [young]}})
    assert findings(*WEB, node(), starting, metrics=measured("100m", "20Mi")) == []


def test_use_without_a_limit_is_no_finding():
    assert findings(*WEB, node(), pod(), metrics=measured("3", "9Gi")) == []
