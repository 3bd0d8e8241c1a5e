"""Jobs and CronJobs."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.parts import c, ended, running
from scenarios.registry import scenario
from scenarios.workloads import cronjob, job

LIMIT = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")


@scenario()
def backoff(w: World) -> Truth:
    log = "INFO reading s3://exports/2026-02-28.csv\npandas.errors.ParserError: Error tokenizing data. C error: Expected 14 fields in line 90211, saw 15"
    box = c("load", log=log, state=ended(1))
    job(w, w.ns, w.app, box, pods=[box] * 3, backoff=2, failed=LIMIT)
    return Truth(
        f"{w.app} import did not finish last night",
        "job_failed",
        f"Job/{w.ns}/{w.app}",
        ("application_error",),
    )


@scenario()
def deadline(w: World) -> Truth:
    """Killed at its deadline: no pods are left."""
    job(
        w,
        w.ns,
        w.app,
        c("crunch"),
        pods=[],
        failed=("DeadlineExceeded", "Job was active longer than specified deadline"),
        body={"activeDeadlineSeconds": 600},
        age=2000,
    )
    return Truth(f"job {w.app} was killed", "job_failed", f"Job/{w.ns}/{w.app}")


@scenario()
def backoff_cron(w: World) -> Truth:
    """The latest run of a CronJob failed, the ones before did not."""
    good, bad = (
        c("report", log="done", state=ended(0, finished=7000, ran=30)),
        c(
            "report",
            log="ERROR S3 upload: NoSuchBucket: The specified bucket does not exist\nexit 1",
            state=ended(1),
        ),
    )
    parent = cronjob(w, w.ns, w.app, bad, last=900)
    job(w, w.ns, f"{w.app}-29501100", good, owner=parent, complete=True, age=7200)
    job(w, w.ns, f"{w.app}-29501220", bad, pods=[bad] * 2, owner=parent, failed=LIMIT, backoff=1, age=900)
    return Truth(
        f"cronjob {w.app} failed",
        "job_failed",
        f"Job/{w.ns}/{w.app}-29501220",
        ("application_error", "invalid_configuration"),
        (f"CronJob/{w.ns}/{w.app}",),
    )


@scenario()
def pod_failure_policy(w: World) -> Truth:
    box = c("main", log="fatal: unsupported schema version 9", state=ended(42))
    job(
        w,
        w.ns,
        w.app,
        box,
        failed=(
            "PodFailurePolicy",
            f"Container main for pod {w.ns}/{w.app}-x failed with exit code 42 matching FailJob rule at index 0",
        ),
    )
    return Truth(f"why did {w.app} fail", "job_failed", f"Job/{w.ns}/{w.app}", ("application_error",))


@scenario()
def suspended(w: World) -> Truth:
    cronjob(w, w.ns, w.app, c("backup"), suspend=True, last=86400 * 11)
    return Truth(f"no backups from {w.app} for eleven days", "cronjob_suspended", f"CronJob/{w.ns}/{w.app}")


@scenario(flavour="k3s")
def suspended_vague(w: World) -> Truth:
    cronjob(w, w.ns, w.app, c("rotate"), suspend=True, last=86400 * 3)
    other = c("tick", log="ok", state=ended(0, finished=3000, ran=20))
    job(w, w.ns, w.name("report"), other, complete=True, age=3100)
    return Truth(f"{w.app} did not run yesterday nor today", "cronjob_suspended", f"CronJob/{w.ns}/{w.app}")


@scenario()
def job_oom(w: World) -> Truth:
    """A Job that restarts in place is killed for memory."""
    state = running(restarts=4, last=ended(137, "OOMKilled", finished=50, ran=200), started=45)
    job(
        w,
        w.ns,
        w.app,
        c("train", memory=("1Gi", "1Gi"), state=state, usage=("900m", "700Mi"), log="epoch 1"),
        restart="OnFailure",
        backoff=6,
    )
    return Truth(f"{w.app} starts over and over", "oom_killed", f"Job/{w.ns}/{w.app}")
