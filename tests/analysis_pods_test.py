# ruff: noqa: E501 - messages are quoted as Kubernetes writes them
"""What is found on pods, one test per fault, and what is no fault."""

import pytest

from analysis_objects import (
    OLD,
    WEB,
    ago,
    container,
    crashing,
    creating,
    event,
    facts,
    findings,
    killing,
    node,
    owned_by,
    params,
    pending,
    pod,
    status,
    terminated,
    waiting,
    with_status,
)
from kubelore.types import Ref, Severity

WORKLOAD = Ref("Deployment", "shop", "web")


# -- no fault ------------------------------------------------------------------------------------------
HEALTHY = {
    "running and ready": pod(),
    "completed job pod": with_status(
        status(ready=False, state={"terminated": terminated(0, "Completed")}), phase="Succeeded"
    ),
    "seconds old and creating": creating(ago(seconds=20)),
    "seconds old and not placed": pending(since=ago(seconds=20)),
    "not ready yet within its probe's patience": with_status(
        status(ready=False, state={"running": {"startedAt": ago(seconds=20)}}),
        spec={"containers": [container(readinessProbe={"httpGet": {"port": 80}})]},
    ),
    "still within its startup probe": with_status(
        status(ready=False, started=False, state={"running": {"startedAt": ago(minutes=4)}}),
        spec={
            "containers": [
                container(
                    startupProbe={"tcpSocket": {"port": 80}, "failureThreshold": 60, "periodSeconds": 10}
                )
            ]
        },
    ),
    "restarted long ago": with_status(
        status(restartCount=4, lastState={"terminated": terminated(1, ended=8 * 3600)})
    ),
    "failed twice at first, stable since": with_status(
        status(restartCount=2, lastState={"terminated": terminated(1, ended=1800)})
    ),
    "failed often in its first minutes, well for hours since": with_status(
        status(restartCount=5, lastState={"terminated": terminated(1, ended=4 * 3600)}),
        metadata={"creationTimestamp": ago(minutes=250)},
    ),
    "restarted with its node": with_status(
        status(restartCount=5, lastState={"terminated": terminated(255, "Unknown", ended=600)})
    ),
    "on its way out": pod(
        metadata={"deletionTimestamp": ago(seconds=20)},
        status={"containerStatuses": [status(ready=False, state={"terminated": terminated(143)})]},
    ),
    "init containers done": pod(
        spec={"initContainers": [container("migrate")]},
        status={
            "initContainerStatuses": [status("migrate", state={"terminated": terminated(0, "Completed")})]
        },
    ),
    "native sidecar runs": pod(
        spec={"initContainers": [container("mesh", restartPolicy="Always")]},
        status={"initContainerStatuses": [status("mesh")]},
    ),
    "large image comes for minutes": creating(ago(minutes=4)),
}


@pytest.mark.parametrize("healthy", HEALTHY.values(), ids=HEALTHY.keys())
def test_a_healthy_pod_is_no_finding(healthy):
    pulling = event(healthy, "Pulling", 'Pulling image "registry.acme.io/shop/web:1.4"', type="Normal")
    assert findings(*WEB, node(), healthy, pulling) == []


def test_events_of_a_deleted_pod_are_no_finding():
    gone = pod("web-7d4f-gone")
    namesake = event(pod(), "Failed", "Error: ErrImagePull", involvedObject={"uid": "another"})
    assert findings(*WEB, node(), pod(), event(gone, "BackOff", "Back-off restarting"), namesake) == []


def test_events_of_a_stage_long_passed_are_no_finding():
    late = pod()
    stale = (
        event(late, "FailedScheduling", "0/3 nodes are available: 3 Insufficient cpu."),
        event(late, "FailedMount", 'MountVolume.SetUp failed for volume "c" : secret "s" not found'),
        event(late, "Failed", 'Failed to pull image "a": not found'),
    )
    assert findings(*WEB, node(), late, *stale) == []


# -- crashes -------------------------------------------------------------------------------------------
def test_a_crash_loop_carries_how_the_last_run_ended():
    (finding,) = findings(*WEB, node(), with_status(crashing(code=137, reason="OOMKilled")))
    assert (finding.object, finding.severity) == (WORKLOAD, Severity.CRITICAL)
    assert {f.name for f in finding.facts} >= {
        "pod.waiting=CrashLoopBackOff",
        "container.last_reason=OOMKilled",
        "container.last_exit_code=137",
        "container.restarts=many",
        "container.lifetime=minutes",
        "container.memory_limit=none",
    }
    assert "SIGKILL" in finding.what


def test_a_memory_limit_is_a_param_of_the_kill():
    spec = {"containers": [container(resources={"limits": {"memory": "128Mi"}})]}
    killed = with_status(crashing(code=137, reason="OOMKilled"), spec=spec)
    told = params(*WEB, killed, fact="container.memory_limit=set")
    assert (told["container"], told["memory_limit"]) == ("web", "128Mi")
    assert told["double_memory_limit"] == "256Mi"


def test_an_old_out_of_memory_kill_stays_visible_as_a_warning():
    old = with_status(
        status(restartCount=1, lastState={"terminated": terminated(137, "OOMKilled", ended=40_000)})
    )
    (finding,) = findings(*WEB, node(), old)
    assert finding.severity is Severity.WARNING
    assert "container.last_reason=OOMKilled" in {f.name for f in finding.facts}


def test_restarts_of_a_container_that_runs_now_are_found():
    restarting = with_status(status(restartCount=9, lastState={"terminated": terminated(1, ended=60)}))
    (finding,) = findings(*WEB, node(), restarting)
    assert finding.severity is Severity.CRITICAL
    assert "container.restarts=many" in {f.name for f in finding.facts}


def test_a_program_that_ends_well_but_should_go_on_is_found():
    ended = status(ready=False, restartCount=3, state={"terminated": terminated(0, "Completed", lived=2)})
    assert facts(*WEB, with_status(ended)) >= {
        "container.state=terminated",
        "container.last_exit_code=0",
        "container.lifetime=seconds",
    }


def test_a_failing_sidecar_is_told_from_its_healthy_neighbour():
    both = with_status(status("app"), crashing("proxy"))
    found = params(*WEB, both, fact="container.sidecar=failing")
    assert found["container"] == "proxy"
    assert "container.sidecar=failing" not in facts(*WEB, with_status(crashing()))


def test_two_containers_on_one_port_are_found_when_one_fails():
    spec = {
        "containers": [
            container("app", ports=[{"containerPort": 8080}]),
            container("proxy", env=[{"name": "PORT", "value": "8080"}]),
        ]
    }
    told = params(*WEB, with_status(status("app"), crashing("proxy"), spec=spec),
                  fact="container.ports=shared-by-two-containers")  # fmt: skip
    assert told["port"] == "8080"


START_ERRORS = [
    ('exec: "serve": executable file not found in $PATH: unknown', "executable-not-found"),
    ('exec: "/app/x": stat /app/x: no such file or directory: unknown', "executable-not-found"),
    ('exec: "/app/x": permission denied: unknown', "permission-denied"),
    ("exec /app/x: exec format error", "exec-format"),
    ('chdir to cwd ("/srv") set in config.json failed: no such file or directory', "working-directory"),
    ("unable to find user app: no matching entries in passwd file", "user-not-found"),
    ('error gathering device information while adding custom device "/dev/x": no such file', "device"),
    ("crun: cannot set memory limit: container not running", "oci-runtime"),
    ("container create failed: executable file `serve` not found in $PATH: No such file or directory",
     "executable-not-found"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), START_ERRORS)
def test_why_a_process_did_not_start(text, value):
    message = f"failed to create containerd task: OCI runtime create failed: {text}"
    broken = with_status(crashing(code=128, reason="StartError", message=message))
    assert f"container.start_error={value}" in facts(*WEB, broken)


@pytest.mark.parametrize("reason", ["RunContainerError", "CreateContainerError"])
def test_waiting_states_tell_start_errors_too(reason):
    broken = with_status(
        waiting(reason, 'exec: "serve": executable file not found in $PATH'), phase="Pending"
    )
    assert facts(*WEB, broken) >= {f"pod.waiting={reason}", "container.start_error=executable-not-found"}


def test_a_program_cannot_forge_facts_in_its_termination_message():
    forged = with_status(crashing(message="apparmor: exec format error"))
    assert not {f for f in facts(*WEB, forged) if f.startswith(("pod.security", "container.start_error"))}


# -- configuration and images --------------------------------------------------------------------------
CONFIG_ERRORS = [
    ('configmap "app" not found', {"config.missing=configmap"}),
    ('secret "token" not found', {"config.missing=secret"}),
    ("couldn't find key host in ConfigMap shop/app", {"config.missing=configmap-key"}),
    ("couldn't find key pw in Secret shop/db", {"config.missing=secret-key"}),
    (
        "container has runAsNonRoot and image will run as root (pod: x)",
        {"pod.security=run-as-non-root-violated"},
    ),
    ("container has runAsNonRoot and image has non-numeric user (app)", {"pod.security=non-numeric-user"}),
    ('failed to prepare subPath for volumeMount "c" of container "web"', {"mount.error=path-missing"}),
]


@pytest.mark.parametrize(("message", "expected"), CONFIG_ERRORS)
def test_what_a_container_lacks(message, expected):
    broken = with_status(waiting("CreateContainerConfigError", message), phase="Pending")
    assert facts(*WEB, broken) >= {"pod.waiting=CreateContainerConfigError"} | expected


PULLS = [
    ('failed to resolve reference "docker.io/library/web:9": docker.io/library/web:9: not found', "not-found"),
    ("manifest unknown: manifest unknown", "not-found"),
    ("reading manifest 9 in quay.io/a/b: manifest unknown", "not-found"),
    ("name unknown: The repository with name 'web' does not exist in the registry", "not-found"),
    ("unexpected status from HEAD request to https://1.dkr.ecr.eu-west-1.amazonaws.com/v2/web: no basic auth "
     "credentials", "unauthorized"),
    ("failed to authorize: failed to fetch anonymous token: unexpected status from GET request to "
     "https://ghcr.io/token: 403 Forbidden", "unauthorized"),
    ('artifactregistry: Permission "artifactregistry.repositories.downloadArtifacts" denied on resource '
     "(or it may not exist)", "unauthorized"),
    ("unauthorized: access to the requested resource is not authorized", "unauthorized"),
    ("unauthorized: incorrect username or password", "unauthorized"),
    ("dial tcp: lookup registry.acme.io on 10.0.0.2:53: no such host", "host-unresolvable"),
    ("dial tcp: lookup registry.acme.io on 10.0.0.2:53: read udp 10.0.0.1:4->10.0.0.2:53: i/o timeout",
     "host-unresolvable"),
    ("dial tcp 10.2.3.4:443: i/o timeout", "timeout"),
    ("net/http: TLS handshake timeout", "timeout"),
    ("dial tcp 10.2.3.4:443: connect: connection refused", "unreachable"),
    ("unexpected status code 503 Service Unavailable", "unreachable"),
    ("x509: certificate signed by unknown authority", "tls"),
    ("http: server gave HTTP response to HTTPS client", "tls"),
    ("toomanyrequests: You have reached your pull rate limit", "rate-limited"),
    ("no match for platform in manifest: not found", "platform-mismatch"),
    ("choosing image instance: no image found in image index for architecture arm64", "platform-mismatch"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "value"), PULLS)
def test_why_an_image_is_not_pulled(message, value):
    text = f'failed to pull and unpack image "registry.acme.io/shop/web:1.4": {message}'
    broken = with_status(waiting("ErrImagePull", text), phase="Pending")
    assert facts(*WEB, broken) >= {"pod.waiting=ErrImagePull", f"pull.error={value}"}


def test_the_event_says_why_when_the_state_only_says_back_off():
    image = "registry.acme.io/shop/web:1.4"
    broken = with_status(waiting("ImagePullBackOff", f'Back-off pulling image "{image}"'), phase="Pending")
    why = event(broken, "Failed", f'Failed to pull image "{image}": manifest unknown')
    assert facts(*WEB, broken, why) >= {"pull.error=not-found", "event=Failed:not-found"}


def test_names_of_images_decide_nothing():
    image = "registry.acme.io/unauthorized/denied-i/o:timeout"
    text = f'failed to pull image "{image}": failed to resolve reference "{image}": {image}: not found'
    assert "pull.error=not-found" in facts(*WEB, with_status(waiting("ErrImagePull", text), phase="Pending"))


DENIED = "pull access denied, repository does not exist or may require authorization: server message: denied"


@pytest.mark.parametrize(
    ("image", "secrets", "value"),
    [
        ("acme/wbe:1", [], "not-found"),
        ("docker.io/acme/wbe:1", [], "not-found"),
        ("acme/private:1", [{"name": "hub"}], "unauthorized"),
        ("registry.acme.io/private:1", [], "unauthorized"),
    ],
)
def test_docker_says_denied_for_what_does_not_exist(image, secrets, value):
    spec = {"containers": [container(image=image)], "imagePullSecrets": secrets}
    broken = with_status(waiting("ErrImagePull", DENIED), phase="Pending", spec=spec)
    assert f"pull.error={value}" in facts(*WEB, broken)


@pytest.mark.parametrize(
    ("image", "value"),
    [("redsi:alpine", "not-found"), ("docker.io/library/redsi", "not-found"), ("acme/app:1", "unauthorized")],
)
def test_a_mirror_that_forbids_an_official_image_does_not_have_it(image, value):
    message = "unexpected status from HEAD request to https://mirror.acme.io/v2/library/x: 403 Forbidden"
    spec = {"containers": [container(image=image)]}
    broken = with_status(waiting("ErrImagePull", message), phase="Pending", spec=spec)
    assert f"pull.error={value}" in facts(*WEB, broken)


def test_pull_secrets_are_looked_up_and_only_in_a_complete_list():
    spec = {"imagePullSecrets": [{"name": "hub"}]}
    broken = with_status(waiting("ErrImagePull", "401 Unauthorized"), phase="Pending", spec=spec)
    there = {"kind": "Secret", "metadata": {"name": "hub", "namespace": "shop"}}
    assert "pull.secret=missing" in facts(*WEB, broken)
    assert "pull.secret=present" in facts(*WEB, broken, there)
    unread = facts(*WEB, broken, unreadable=["Secret"])
    assert not {f for f in unread if f.startswith("pull.secret")}


def test_a_service_account_names_pull_secrets_too():
    account = {
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": "shop"},
        "imagePullSecrets": [{"name": "hub"}],
    }
    broken = with_status(waiting("ErrImagePull", "401 Unauthorized"), phase="Pending")
    assert "pull.secret=missing" in facts(*WEB, broken, account)
    assert "pull.secret=none-named" in facts(*WEB, broken)


@pytest.mark.parametrize(
    ("reason", "message", "value"),
    [
        ("ErrImageNeverPull", 'Container image "a" is not present with pull policy of Never', "never-pull"),
        ("InvalidImageName", 'couldn\'t parse image name "A:b:c": invalid reference format', "invalid-name"),
    ],
)
def test_images_that_nobody_pulls(reason, message, value):
    broken = with_status(waiting(reason, message), phase="Pending")
    assert facts(*WEB, broken) >= {f"pod.waiting={reason}", f"pull.error={value}"}


def test_a_post_start_hook_that_fails_is_found():
    broken = with_status(waiting("PostStartHookError", "PostStart handler: Error executing"))
    assert facts(*WEB, broken) >= {"pod.waiting=PostStartHookError", "hook.error=post-start"}


# -- init containers -----------------------------------------------------------------------------------
def with_init(state):
    return pod(
        spec={"initContainers": [container("wait")]},
        status={
            "phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": OLD}],
            "initContainerStatuses": [state],
            "containerStatuses": [waiting("PodInitializing")],
        },
    )


def test_an_init_container_that_crashes_is_found_once_and_as_one():
    (finding,) = findings(*WEB, node(), with_init(crashing("wait")))
    names = {f.name for f in finding.facts}
    assert names >= {"init.waiting=CrashLoopBackOff", "init.state=failing", "container.last_exit_code=1"}
    assert "pod.waiting=PodInitializing" not in names


def test_an_init_container_that_just_failed_is_found():
    assert "init.state=failing" in facts(
        *WEB, with_init(status("wait", ready=False, state={"terminated": terminated(2)}))
    )


@pytest.mark.parametrize(("minutes", "found"), [(1, False), (4, True)])
def test_an_init_container_that_waits_for_ever_is_found(minutes, found):
    state = status("wait", ready=False, state={"running": {"startedAt": ago(minutes=minutes)}})
    assert ("init.state=running-long" in facts(*WEB, with_init(state))) is found


# -- set up --------------------------------------------------------------------------------------------
SETUP = [
    ("FailedMount", 'MountVolume.SetUp failed for volume "tls" : secret "tls" not found',
     {"mount.error=secret-missing", "config.missing=secret", "event=FailedMount:secret-missing"}),
    ("FailedMount", 'MountVolume.SetUp failed for volume "c" : configmap "c" not found',
     {"mount.error=configmap-missing", "config.missing=configmap"}),
    ("FailedMount", 'MountVolume.SetUp failed for volume "c" : references non-existent config key: a.conf',
     {"mount.error=key-missing", "config.missing=configmap-key"}),
    ("FailedAttachVolume", 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) web-2',
     {"mount.error=multi-attach"}),
    ("FailedAttachVolume", 'AttachVolume.Attach failed for volume "pvc-1" : googleapi: resource not ready',
     {"mount.error=attach-failed"}),
    ("FailedMount", "MountVolume.MountDevice failed: driver name efs.csi.aws.com not found in the list of "
     "registered CSI drivers", {"mount.error=driver-missing"}),
    ("FailedMount", "mount.nfs: access denied by server while mounting nfs:/data", {"mount.error=permission-denied"}),
    ("FailedMount", "mount.nfs: Connection refused", {"mount.error=network-storage"}),
    ("FailedMount", 'hostPath type check failed: /data is not a directory', {"mount.error=not-a-directory"}),
    ("FailedMount", "Unable to attach or mount volumes: unmounted volumes=[d]: timed out waiting for the condition",
     {"mount.error=timeout"}),
    ("FailedCreatePodSandBox", 'plugin type="calico" failed (add): error getting ClusterInformation',
     {"sandbox.error=network-plugin"}),
    ("FailedCreatePodSandBox", "add cmd: failed to assign an IP address to container", {"sandbox.error=ip-exhausted"}),
    ("FailedCreatePodSandBox", 'no runtime for "gvisor" is configured', {"sandbox.error=runtime-class"}),
    ("FailedCreatePodSandBox", "failed to start sandbox container: OCI runtime create failed",
     {"sandbox.error=runtime"}),
    ("FailedCreatePodSandBox", 'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while '
     'dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"',
     {"sandbox.error=runtime-unreachable"}),
    ("FailedCreatePodSandBox", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock",
     {"sandbox.error=runtime-unreachable"}),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "message", "expected"), SETUP)
def test_why_a_pod_is_not_set_up_at_once(reason, message, expected):
    young = creating(ago(seconds=15))
    assert facts(*WEB, young, event(young, reason, message)) >= expected | {"pod.waiting=ContainerCreating"}


def test_hiccups_of_the_start_are_no_fault_unless_they_last():
    text = 'MountVolume.SetUp failed for volume "t" : failed to sync configmap cache: timed out'
    young, old = creating(ago(seconds=40)), creating(ago(minutes=9))
    assert findings(*WEB, node(), young, event(young, "FailedMount", text)) == []
    assert "pod.waiting=ContainerCreating" in facts(*WEB, old, event(old, "FailedMount", text, 9))


def test_a_pod_that_its_node_ignores_is_found_without_any_event():
    assert facts(*WEB, creating(ago(minutes=9))) >= {"pod.waiting=ContainerCreating", "pod.events=none"}


# -- readiness and probes ------------------------------------------------------------------------------
def unready(probe=None, **more):
    spec = {"containers": [container(ports=[{"containerPort": 8080}], readinessProbe=probe or HTTP, **more)]}
    return with_status(status(ready=False), spec=spec)


HTTP = {"httpGet": {"path": "/ready", "port": 8080}}
PROBES = [
    ('Get "http://10.0.0.1:8080/": dial tcp 10.0.0.1:8080: connect: connection refused', "connection-refused"),
    ('Get "http://10.0.0.1:8080/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
     "timeout"),
    ("dial tcp 10.0.0.1:8080: i/o timeout", "timeout"),
    ("HTTP probe failed with statuscode: 404", "http-404"),
    ("HTTP probe failed with statuscode: 401", "http-401"),
    ("HTTP probe failed with statuscode: 403", "http-403"),
    ("HTTP probe failed with statuscode: 400", "http-4xx"),
    ("HTTP probe failed with statuscode: 503", "http-5xx"),
    ('Get "https://10.0.0.1:8080/": http: server gave HTTP response to HTTPS client', "tls-mismatch"),
    ('Get "https://10.0.0.1:8080/": tls: first record does not look like a TLS handshake', "tls-mismatch"),
    (r'Get "http://10.0.0.1:8080/": net/http: HTTP/1.x transport connection broken: malformed HTTP response '
     r'"\x15\x03\x01\x00\x02\x02"', "tls-mismatch"),
    (r'net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x00\x00\x06\x04\x00"',
     "malformed-response"),
    ('Get "http://10.0.0.1:8080/": EOF', "malformed-response"),
    ("cat: can't open '/tmp/healthy': No such file or directory", "exec-failed"),
    ('OCI runtime exec failed: exec failed: unable to start container process: exec: "grpc_health_probe": '
     "executable file not found in $PATH: unknown", "exec-not-found"),
    ("command timed out", "timeout"),
    ("", "exec-failed"),
    ('error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service',
     "grpc-unserved"),
    ('timeout: failed to connect service "10.0.0.1:9000" within 1s: context deadline exceeded', "connection-refused"),
    ('Get "http://nope:8080/": dial tcp: lookup nope: no such host', "host-unresolvable"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "value"), PROBES)
def test_how_a_readiness_probe_fails(message, value):
    slow = unready()
    failing = event(slow, "Unhealthy", f"Readiness probe failed: {message}", 80)
    assert facts(*WEB, slow, failing) >= {"container.ready=no", f"probe.readiness={value}"}


def test_a_container_without_probe_events_is_still_not_ready():
    assert "container.ready=no" in facts(*WEB, unready())


def test_refusals_of_the_first_seconds_are_not_why_it_fails_now():
    slow = unready()
    told = facts(
        *WEB,
        slow,
        event(
            slow, "Unhealthy", "Readiness probe failed: dial tcp 1.1.1.1:8080: connect: connection refused", 2
        ),
        event(slow, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404", 80),
    )
    assert "probe.readiness=http-404" in told
    assert "probe.readiness=connection-refused" not in told


@pytest.mark.parametrize(
    ("port", "value"), [(8080, "declared"), (9999, "undeclared"), ("http", "name-missing")]
)
def test_the_port_of_a_failing_probe_is_compared_with_the_declared_ones(port, value):
    slow = unready({"httpGet": {"port": port}})
    failing = event(slow, "Unhealthy", "Readiness probe failed: connect: connection refused", 80)
    assert f"probe.readiness.port={value}" in facts(*WEB, slow, failing)


def test_a_liveness_probe_on_another_port_than_the_one_that_passes():
    spec = {
        "containers": [
            container(readinessProbe={"httpGet": {"port": 8080}}, livenessProbe={"httpGet": {"port": 8081}})
        ]
    }
    last = {"terminated": terminated(137, lived=31, ended=20)}
    killed = with_status(status(restartCount=7, lastState=last), spec=spec)
    failing = event(killed, "Unhealthy", "Liveness probe failed: connect: connection refused", 21)
    told = facts(*WEB, killed, failing, killing(killed))
    assert told >= {
        "container.killed_by=liveness",
        "probe.liveness=connection-refused",
        "probe.liveness.port=other-than-served",
        "probe.other=passes",
    }
    assert "probe.liveness.timing=kills-before-start" not in told


LIVENESS = {"httpGet": {"port": 8080}, "periodSeconds": 5, "failureThreshold": 2}


def killed_early(**more):
    spec = {"containers": [container(ports=[{"containerPort": 8080}], livenessProbe=LIVENESS, **more)]}
    return with_status(crashing(code=137, lived=14), spec=spec)


def test_a_liveness_probe_that_kills_before_the_start():
    killed = killed_early()
    failing = event(killed, "Unhealthy", "Liveness probe failed: connect: connection refused", 21)
    assert facts(*WEB, killed, failing, killing(killed)) >= {
        "probe.liveness.timing=kills-before-start",
        "probe.liveness.timing=tight",
        "probe.liveness.port=declared",
    }


def test_with_a_startup_probe_liveness_is_not_too_early():
    killed = killed_early(startupProbe={"httpGet": {"port": 8080}, "failureThreshold": 30})
    failing = event(killed, "Unhealthy", "Liveness probe failed: connect: connection refused", 21)
    told = facts(*WEB, killed, failing, killing(killed))
    assert not {f for f in told if f.startswith("probe.liveness.timing")}


def test_a_liveness_probe_with_too_short_a_timeout():
    killed = killed_early()
    failing = event(killed, "Unhealthy", "Liveness probe failed: context deadline exceeded", 21)
    assert "probe.liveness.timing=short-timeout" in facts(*WEB, killed, failing, killing(killed))


def test_a_startup_probe_that_kills():
    killed = killed_early(startupProbe=LIVENESS)
    failing = event(killed, "Unhealthy", "Startup probe failed: connect: connection refused", 21)
    assert facts(*WEB, killed, failing, killing(killed, "startup")) >= {
        "container.killed_by=startup",
        "probe.startup=connection-refused",
    }


def test_a_probe_that_fails_again_and_again_long_after_the_start_is_a_warning():
    spec = {"containers": [container(readinessProbe=HTTP)]}
    flapping = with_status(status(), spec=spec)
    failing = event(flapping, "Unhealthy", "Readiness probe failed: context deadline exceeded", 40)
    (finding,) = findings(*WEB, node(), flapping, failing)
    assert finding.severity is Severity.WARNING
    once = event(flapping, "Unhealthy", "Readiness probe failed: context deadline exceeded", 1)
    assert findings(*WEB, node(), flapping, once) == []


def test_a_readiness_gate_that_stays_closed_is_found():
    gated = pod(
        spec={"readinessGates": [{"conditionType": "target-health.elbv2.k8s.aws/x"}]},
        status={"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": OLD}]},
    )
    (finding,) = [f for f in findings(*WEB, node(), gated) if f.object == WORKLOAD]
    assert "readiness gate" in finding.what


# -- eviction, failure, deletion -----------------------------------------------------------------------
EVICTIONS = [
    ("The node was low on resource: memory. Threshold quantity: 100Mi, available: 40Mi.", "memory"),
    ("The node was low on resource: ephemeral-storage. Container web was using 3Gi", "disk"),
    ("The node had condition: [DiskPressure]. ", "disk"),
    (
        "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ",
        "ephemeral-storage-limit",
    ),
    ('Usage of EmptyDir volume "tmp" exceeds the limit "64Mi". ', "emptydir-limit"),
    ("The node was low on resource: pids.", "pids"),
]


def evicted(message, name="web-7d4f-evicted", hours=1):
    return pod(
        name,
        metadata={"creationTimestamp": ago(hours=hours)},
        status={
            "phase": "Failed",
            "reason": "Evicted",
            "message": message,
            "startTime": ago(hours=hours),
            "containerStatuses": [],
        },
    )


@pytest.mark.parametrize(("message", "value"), EVICTIONS)
def test_why_a_pod_was_evicted(message, value):
    assert f"pod.evicted={value}" in facts(*WEB, evicted(message))


def test_evictions_of_yesterday_are_history_and_those_with_a_successor_a_warning():
    text = EVICTIONS[0][0]
    assert findings(*WEB, node(), pod(), evicted(text, hours=40)) == []
    (finding,) = findings(*WEB, node(), pod(), evicted(text), evicted(text, "web-7d4f-two"))
    assert finding.severity is Severity.WARNING


def test_a_bare_pod_that_failed_is_found_and_one_that_was_replaced_is_not():
    failed = {
        "phase": "Failed",
        "containerStatuses": [status(ready=False, state={"terminated": terminated(3)})],
    }
    bare = pod("once", "", status=failed, spec={"restartPolicy": "Never"})
    assert facts(bare) >= {"pod.phase=Failed", "container.last_exit_code=3"}
    replaced = pod("web-7d4f-old", status={"phase": "Failed", "reason": "NodeShutdown"})
    assert findings(*WEB, node(), pod(), replaced) == []


def test_a_pod_that_does_not_go_away_is_found():
    stuck = pod(metadata={"deletionTimestamp": ago(minutes=9), "finalizers": ["acme.io/cleanup"]})
    found = facts(*WEB, stuck)
    assert found >= {"object.terminating=long", "object.finalizers=present"}
    leaving = pod(metadata={"deletionTimestamp": ago(seconds=60)})
    assert findings(*WEB, node(), leaving) == []


# -- folding -------------------------------------------------------------------------------------------
def test_ten_replicas_with_one_fault_are_one_finding():
    replicas = [with_status(crashing(), metadata={"name": f"web-7d4f-{i}", "uid": str(i)}) for i in range(10)]
    (finding,) = findings(*WEB, node(), *replicas)
    assert finding.object == WORKLOAD
    assert "10" in finding.what


def test_pods_of_jobs_and_bare_pods_have_their_own_workload():
    job = {
        "kind": "Job",
        "metadata": {"name": "load", "namespace": "shop", "creationTimestamp": OLD},
        "status": {},
    }
    worker = with_status(crashing(), metadata={"name": "load-x", **owned_by("Job", "load")})
    (finding,) = findings(job, node(), worker)
    assert str(finding.object) == "Job/shop/load"
    (finding,) = findings(node(), with_status(crashing(), metadata={"name": "solo", "ownerReferences": []}))
    assert str(finding.object) == "Pod/shop/solo"
