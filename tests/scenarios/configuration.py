"""Settings, keys and init containers that pods wait for."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.parts import State, c, crash, from_config, from_secret, running, waiting
from scenarios.registry import scenario
from scenarios.workloads import configmap, daemonset, deployment, secret, service, statefulset


@scenario()
def configmap_env(w: World) -> Truth:
    message = f'configmap "{w.app}-settings" not found'
    box = c(
        w.app,
        envFrom=[{"configMapRef": {"name": f"{w.app}-settings"}}],
        state=waiting("CreateContainerConfigError", message),
    )
    deployment(
        w,
        w.ns,
        w.app,
        box,
        replicas=2,
        age=900,
        events=[("Warning", "Failed", f"Error: {message}", 5, 800, 30, w.app)],
    )
    return Truth(
        f"CreateContainerConfigError in {w.ns}",
        "configmap_missing",
        f"Deployment/{w.ns}/{w.app}",
        (),
        (f"ConfigMap/{w.ns}/{w.app}-settings",),
    )


@scenario()
def configmap_volume(w: World) -> Truth:
    """Stuck for two hours: only the mount events tell."""
    text = 'MountVolume.SetUp failed for volume "rules" : configmap "routing-rules-v2" not found'
    timeout = "Unable to attach or mount volumes: unmounted volumes=[rules], unattached volumes=[rules kube-api-access-x7k2p]: timed out waiting for the condition"
    events = [
        ("Warning", "FailedMount", text, 67, 7000, 40),
        ("Warning", "FailedMount", timeout, 20, 6800, 120),
    ]
    box = c("router", mounts={"rules": "/etc/rules"}, state=waiting("ContainerCreating"))
    daemonset(
        w,
        w.ns,
        w.app,
        box,
        nodes=w.workers,
        spec={"volumes": [{"name": "rules", "configMap": {"name": "routing-rules-v2"}}]},
        events=events,
        age=7200,
    )
    configmap(w, w.ns, "routing-rules-v1", a="b")
    return Truth(
        f"{w.app} pods ContainerCreating for 2h",
        "configmap_missing",
        f"DaemonSet/{w.ns}/{w.app}",
        (),
        (f"ConfigMap/{w.ns}/routing-rules-v2",),
    )


@scenario()
def configmap_key_env(w: World) -> Truth:
    configmap(w, w.ns, "shared-settings", LOG_LEVEL="info", REGION="eu")
    message = f"couldn't find key FEATURE_URL in ConfigMap {w.ns}/shared-settings"
    box = c(
        w.app,
        env={"FEATURE_URL": from_config("shared-settings", "FEATURE_URL")},
        state=waiting("CreateContainerConfigError", message),
    )
    deployment(
        w, w.ns, w.app, box, events=[("Warning", "Failed", f"Error: {message}", 55, 3000, 8, w.app)], age=3100
    )
    return Truth(
        f"{w.app} won't start",
        "configmap_key_missing",
        f"Deployment/{w.ns}/{w.app}",
        (),
        (f"ConfigMap/{w.ns}/shared-settings",),
    )


@scenario()
def configmap_key_volume(w: World) -> Truth:
    configmap(w, w.ns, f"{w.app}-files", **{"app.yaml": "a: 1"})
    text = (
        'MountVolume.SetUp failed for volume "files" : configmap references non-existent config key: app.yml'
    )
    volumes = [
        {
            "name": "files",
            "configMap": {"name": f"{w.app}-files", "items": [{"key": "app.yml", "path": "app.yml"}]},
        }
    ]
    box = c("app", mounts={"files": "/etc/app"}, state=waiting("ContainerCreating"))
    deployment(
        w,
        w.ns,
        w.app,
        box,
        spec={"volumes": volumes},
        events=[("Warning", "FailedMount", text, 14, 1300, 50)],
        age=1350,
    )
    return Truth(
        f"{w.app} hangs in ContainerCreating",
        "configmap_key_missing",
        f"Deployment/{w.ns}/{w.app}",
        (),
        (f"ConfigMap/{w.ns}/{w.app}-files",),
    )


@scenario()
def secret_env(w: World) -> Truth:
    message = f'secret "{w.app}-credentials" not found'
    box = c(
        w.app,
        env={"API_TOKEN": from_secret(f"{w.app}-credentials", "token")},
        state=waiting("CreateContainerConfigError", message),
    )
    statefulset(
        w, w.ns, w.app, box, age=900, events=[("Warning", "Failed", f"Error: {message}", 70, 850, 8, w.app)]
    )
    secret(w, "default" if False else w.ns, f"{w.app}-creds", token="eA==")
    return Truth(
        f"{w.app}-0 is stuck",
        "secret_missing",
        f"StatefulSet/{w.ns}/{w.app}",
        (),
        (f"Secret/{w.ns}/{w.app}-credentials",),
    )


@scenario(flavour="openshift")
def secret_projected(w: World) -> Truth:
    text = 'MountVolume.SetUp failed for volume "certs" : references non-existent secret key: tls.crt'
    secret(w, w.ns, f"{w.app}-cert", **{"ca.crt": "eA=="})
    volumes = [
        {
            "name": "certs",
            "projected": {
                "sources": [
                    {"secret": {"name": f"{w.app}-cert", "items": [{"key": "tls.crt", "path": "tls.crt"}]}}
                ],
                "defaultMode": 420,
            },
        }
    ]
    deployment(
        w,
        w.ns,
        w.app,
        c("tls", mounts={"certs": "/certs"}, state=waiting("ContainerCreating")),
        spec={"volumes": volumes},
        events=[("Warning", "FailedMount", text, 20, 2000, 30)],
        age=2100,
    )
    return Truth(
        f"{w.app} not coming up in project {w.ns}",
        "secret_key_missing",
        f"Deployment/{w.ns}/{w.app}",
        (),
        (f"Secret/{w.ns}/{w.app}-cert",),
    )


@scenario()
def secret_key_env(w: World) -> Truth:
    secret(w, w.ns, "db-access", username="YQ==", pass_word="Yg==")
    message = f"couldn't find key password in Secret {w.ns}/db-access"
    box = c(
        w.app,
        env={
            "DB_PASSWORD": from_secret("db-access", "password"),
            "DB_USER": from_secret("db-access", "username"),
        },
        state=waiting("CreateContainerConfigError", message),
    )
    deployment(
        w,
        w.ns,
        w.app,
        box,
        replicas=3,
        age=500,
        events=[("Warning", "Failed", f"Error: {message}", 12, 480, 20, w.app)],
    )
    return Truth(
        f"0/3 replicas of {w.app}",
        "secret_key_missing",
        f"Deployment/{w.ns}/{w.app}",
        (),
        (f"Secret/{w.ns}/db-access",),
    )


@scenario()
def secret_volume(w: World) -> Truth:
    """A canary lies in another Secret's last-applied annotation and in the environment."""
    text = 'MountVolume.SetUp failed for volume "keys" : secret "jwt-keys" not found'
    other = secret(w, w.ns, "jwt-keys-old", key="eA==")
    other["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": '{"apiVersion":"v1","kind":"Secret","stringData":{"key":"CANARY-hT7w-annot"}}'
    }
    box = c(
        "auth",
        mounts={"keys": "/keys"},
        env={"ADMIN_PASSWORD": "CANARY-hT7w-env"},
        state=waiting("ContainerCreating"),
    )
    deployment(
        w,
        w.ns,
        w.app,
        box,
        spec={"volumes": [{"name": "keys", "secret": {"secretName": "jwt-keys", "defaultMode": 420}}]},
        events=[("Warning", "FailedMount", text, 9, 300, 40)],
        age=320,
    )
    return Truth(
        f"{w.app} pod hangs at ContainerCreating, no logs",
        "secret_missing",
        f"Deployment/{w.ns}/{w.app}",
        (),
        (f"Secret/{w.ns}/jwt-keys",),
        canaries=("CANARY-hT7w-annot", "CANARY-hT7w-env"),
    )


def _blocked(w: World) -> State:
    return waiting("PodInitializing")


@scenario()
def init_crash(w: World) -> Truth:
    init = c(
        "migrate",
        log='Running migrations\nERROR: relation "accounts" already exists\nmigration 0042 failed',
        state=crash(1, restarts=5),
    )
    deployment(w, w.ns, w.app, c(w.app, state=_blocked(w)), inits=[init], age=1300)
    return Truth(
        f"{w.app}: Init:CrashLoopBackOff",
        "init_container_failing",
        f"Deployment/{w.ns}/{w.app}",
        ("application_error",),
    )


@scenario()
def init_waits(w: World) -> Truth:
    """Waits for a service that nobody created."""
    init = c("wait-for-broker", "docker.io/library/busybox:1.36", command=["sh", "-c", "until nc -z event-broker 5672; do echo waiting for event-broker; sleep 2; done"],
             log="nc: bad address 'event-broker'\nwaiting for event-broker\n" * 20, state=running(ready=False))  # fmt: skip
    statefulset(w, w.ns, w.app, c(w.app, state=_blocked(w)), inits=[init], age=2000)
    return Truth(f"{w.app}-0 has been Init:0/1 for half an hour", "init_container_failing", f"StatefulSet/{w.ns}/{w.app}",
                 ("missing_service", "dependency_unavailable", "dependency_host_unresolvable"), (f"Service/{w.ns}/event-broker",))  # fmt: skip


@scenario()
def init_image(w: World) -> Truth:
    image = "registry.corp.test/tools/wait:9.9"
    message = f'Back-off pulling image "{image}"'
    pull = f'Failed to pull image "{image}": rpc error: code = NotFound desc = failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
    init = c("setup", image, state=waiting("ImagePullBackOff", message))
    events = [
        ("Warning", "Failed", pull, 4, 600, 90, "setup"),
        ("Warning", "Failed", "Error: ErrImagePull", 4, 600, 90, "setup"),
        ("Normal", "BackOff", message, 20, 580, 20, "setup"),
    ]
    deployment(w, w.ns, w.app, c(w.app, state=_blocked(w)), inits=[init], events=events, age=620)
    return Truth(
        f"{w.app} is Init:ImagePullBackOff",
        "image_not_found",
        f"Deployment/{w.ns}/{w.app}",
        ("init_container_failing",),
    )


@scenario()
def missing_env_by_config_typo(w: World) -> Truth:
    """The optional ConfigMap is absent, so the variable is not set; the log says so."""
    log = "2026/03/01 11:58:00 config: required key WAREHOUSE_DSN missing value"
    box = c(
        w.app, env={"WAREHOUSE_DSN": from_config("warehouse", "dsn", optional=True)}, log=log, state=crash(1)
    )
    deployment(w, w.ns, w.app, box)
    service(w, w.ns, w.app, 80)
    return Truth(
        f"getting 503 from http://{w.app}.{w.ns}.svc",
        "missing_environment_variable",
        f"Deployment/{w.ns}/{w.app}",
        ("configmap_missing", "invalid_configuration"),
        (f"ConfigMap/{w.ns}/warehouse",),
    )
