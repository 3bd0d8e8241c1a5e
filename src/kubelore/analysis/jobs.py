"""Jobs that gave up, and CronJobs that do not run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from kubelore.analysis.containers import ending, params_of, run_facts
from kubelore.analysis.cron import parse_schedule, time_zone
from kubelore.analysis.podstate import Case, age_of, condition, is_terminating, shortened
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject, subject_of
from kubelore.analysis.view import View, parse_time, ref_of
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity

GIVEN_UP = {
    "BackoffLimitExceeded": "BackoffLimitExceeded",
    "DeadlineExceeded": "DeadlineExceeded",
    "PodFailurePolicy": "PodFailurePolicy",
    "FailedIndexes": "FailedIndexes",
    "MaxFailedIndexesExceeded": "FailedIndexes",
}
SCHEDULE_SLACK = timedelta(minutes=5)
"""The controller may start a run this much late."""


def jobs_of(view: View) -> dict[Ref, list[JsonObject]]:
    """Jobs by the CronJob that controls them, the newest last."""
    index: dict[Ref, list[JsonObject]] = defaultdict(list)
    for job in view.all("Job"):
        owner = view.controller(job)
        if owner:
            index[owner].append(job)
    for jobs in index.values():
        jobs.sort(key=lambda j: (j.get("metadata") or {}).get("creationTimestamp") or "")
    return index


def has_failed(job: JsonObject) -> bool:
    return any(condition(job, c).get("status") == "True" for c in ("Failed", "FailureTarget"))


@check("jobs", "Job", "Pod", "Event", "CronJob")
def jobs(view: View, namespace: str | None) -> Iterator[Finding]:
    """Jobs that gave up or keep failing; of a CronJob's, the newest counts."""
    for job in view.all("Job", namespace):
        owner = view.controller(job)
        if is_terminating(job) or (owner and view.once(jobs_of)[owner][-1] is not job):
            continue
        if has_failed(job):
            yield _gave_up(view, job)
        elif _is_failing(job):
            yield _failing(view, job)


def _is_failing(job: JsonObject) -> bool:
    done = condition(job, "Complete").get("status") == "True"
    return (
        bool((job.get("status") or {}).get("failed"))
        and not done
        and not condition(job, "SuccessCriteriaMet")
    )


def _gave_up(view: View, job: JsonObject) -> Finding:
    subject, ref = subject_of(view, job), ref_of(job)
    state = condition(job, "Failed") or condition(job, "FailureTarget")
    reason = GIVEN_UP.get(str(state.get("reason")), "unspecified")
    failures = (job.get("status") or {}).get("failed", 0)
    why = shortened(str(state.get("message") or reason))
    what = f"Job {ref.name} gave up after {failures} failed pods: {why}"
    facts = [subject.fact("job.failed", reason, what, message=reason)]
    if subject.about.kind == "CronJob":
        facts.append(subject.fact("cronjob.last_job", "failed", f"its newest Job {ref.name} failed"))
    pod_facts, how = _failed_pod_facts(view, job)
    what = f"{what}; {how}" if how else what
    return Finding(Severity.CRITICAL, subject.about, what, (*facts, *pod_facts), "jobs")


def _failing(view: View, job: JsonObject) -> Finding:
    subject = subject_of(view, job)
    pod_facts, how = _failed_pod_facts(view, job)
    what = f"{job['status']['failed']} pods of Job {ref_of(job).name} have failed so far" + (
        f"; {how}" if how else ""
    )
    facts = (subject.fact("pod.phase", "Failed", what), *pod_facts)
    return Finding(Severity.WARNING, subject.about, what, facts, "jobs")


def _failed_pod_facts(view: View, job: JsonObject) -> tuple[list[Fact], str]:
    """How the newest failed pod of a Job ended: facts, and a sentence ("" when no pod is left)."""
    ref = ref_of(job)
    pods = [p for p in view.pods_of(view.workload_of(job)) if view.controller(p) == ref]
    pods.sort(key=lambda p: (p.get("metadata") or {}).get("creationTimestamp") or "", reverse=True)
    for pod in pods:
        case = Case(view, pod)
        for container in case.containers:
            if (container.last or {}).get("exitCode"):
                how = f"container {container.name} ended with {ending(container)}"
                facts = run_facts(case, container)
                if container.role == "init":
                    facts.append(case.subject.fact("init.state", "failing", how, **params_of(container)))
                return [*facts, *case.event_facts()], how
    return [], ""


@check("cronjobs", "CronJob", "Job", "Event")
def cronjobs(view: View, namespace: str | None) -> Iterator[Finding]:
    for obj in view.all("CronJob", namespace):
        if not is_terminating(obj):
            yield from _cronjob(view, obj)


def _cronjob(view: View, obj: JsonObject) -> Iterator[Finding]:
    subject, spec, status = subject_of(view, obj), obj.get("spec") or {}, obj.get("status") or {}
    text = str(spec.get("schedule") or "")
    try:
        due = last_due(view, obj)
    except ValueError as error:
        what = f"schedule {text!r} is not valid: {error}"
        fact = subject.fact("cronjob.schedule", "invalid", what, setting=text)
        yield Finding(Severity.CRITICAL, subject.about, what, (fact,), "cronjobs")
        return
    last = parse_time(status.get("lastScheduleTime"))
    if spec.get("suspend"):
        ran = f"it last ran {last:%Y-%m-%d %H:%M}" if last else "it has never run"
        what = f"is suspended, so that its schedule {text!r} starts nothing; {ran}"
        fact = subject.fact("cronjob.suspended", "yes", what, setting=text)
        yield Finding(Severity.WARNING, subject.about, what, (fact,), "cronjobs")
        return
    if due is None or (last and last >= due) or age_of(view, obj) < view.now - due:
        return
    if not (status.get("active") and spec.get("concurrencyPolicy") == "Forbid"):
        yield _missed(subject, due, last, text)


def last_due(view: View, obj: JsonObject) -> datetime | None:
    """When a run was last due, with slack; ValueError when schedule or time zone is not valid."""
    spec = obj.get("spec") or {}
    text, zone = str(spec.get("schedule") or ""), spec.get("timeZone")
    if text.lower().startswith("@every "):
        return None  # counted from the controller's start, which nobody records
    prefix, _, rest = text.partition(" ")
    if prefix.startswith(("TZ=", "CRON_TZ=")):
        text, zone = rest, prefix.partition("=")[2]
    return parse_schedule(text).last_due(view.now - SCHEDULE_SLACK, time_zone(zone))


def _missed(subject: Subject, due: datetime, last: datetime | None, schedule: str) -> Finding:
    value = "missed" if last else "never-ran"
    ran = f"last ran {last:%Y-%m-%d %H:%M}" if last else "has never run"
    what = f"a run was due {due:%Y-%m-%d %H:%M} (schedule {schedule!r}), and it {ran}"
    fact = subject.fact("cronjob.schedule", value, what, setting=schedule)
    return Finding(Severity.WARNING, subject.about, what, (fact,), "cronjobs")
