"""Images that do not arrive."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from scenarios.builders import Truth, World
from scenarios.parts import Json, c, waiting
from scenarios.registry import scenario
from scenarios.workloads import adopt, cronjob, deployment, job, older_replicaset, secret, statefulset


def pull_events(image: str, error: str, container: str, tries: int = 5) -> list[tuple[object, ...]]:
    return [
        ("Normal", "Pulling", f'Pulling image "{image}"', tries, 900, 60, container),
        ("Warning", "Failed", f'Failed to pull image "{image}": {error}', tries, 900, 60, container),
        ("Warning", "Failed", "Error: ErrImagePull", tries, 900, 60, container),
        ("Normal", "BackOff", f'Back-off pulling image "{image}"', tries * 4, 890, 15, container),
        ("Warning", "Failed", "Error: ImagePullBackOff", tries * 4, 890, 15, container),
    ]


def backoff(w: World, image: str, error: str) -> str:
    """Since 1.32 the reason follows in the waiting message."""
    return f'Back-off pulling image "{image}"' + (f": ErrImagePull: {error}" if w.minor >= 32 else "")


def pulling(w: World, image: str, error: str, **more: object) -> Json:
    box = c("app", image, state=waiting("ImagePullBackOff", backoff(w, image, error)))
    return deployment(w, w.ns, w.app, box, age=920, events=pull_events(image, error, "app"), **more)  # type: ignore[arg-type]


@scenario(flavour="eks")
def not_found_ecr(w: World) -> Truth:
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/core/app:v3.9.10"
    error = f'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
    good = c("app", image.replace("v3.9.10", "v3.9.9"))
    old = older_replicaset(w, w.ns, w.app, [good], 2)
    box = c("app", image, state=waiting("ImagePullBackOff", backoff(w, image, error)))
    adopt(
        old,
        deployment(
            w,
            w.ns,
            w.app,
            box,
            replicas=2,
            pods=[box],
            old=old,
            age=920,
            events=pull_events(image, error, "app"),
        ),
    )
    return Truth(
        f"new version of {w.app} does not roll out",
        "image_not_found",
        f"Deployment/{w.ns}/{w.app}",
        ("rollout_stuck",),
    )


@scenario(flavour="openshift")
def not_found_crio(w: World) -> Truth:
    image = "quay.io/corp/reporter:2025-13"
    error = "rpc error: code = Unknown desc = reading manifest 2025-13 in quay.io/corp/reporter: manifest unknown: manifest unknown"
    pulling(w, image, error)
    return Truth(f"{w.app} ImagePullBackOff", "image_not_found", f"Deployment/{w.ns}/{w.app}")


@scenario(flavour="kubeadm-docker")
def not_found_docker(w: World) -> Truth:
    image = "nginx:1.25-alpne"
    pulling(
        w,
        image,
        "rpc error: code = Unknown desc = Error response from daemon: manifest for nginx:1.25-alpne not found: manifest unknown: manifest unknown",
    )
    return Truth(f"something is off in {w.ns}", "image_not_found", f"Deployment/{w.ns}/{w.app}")


@scenario()
def invalid_name(w: World) -> Truth:
    image = "registry.corp.test/Apps/Web:1.0"
    message = f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": invalid reference format: repository name (Apps/Web) must be lowercase'
    events = [
        ("Warning", "InspectFailed", message, 30, 900, 10, "app"),
        ("Warning", "Failed", "Error: InvalidImageName", 30, 900, 10, "app"),
    ]
    deployment(
        w, w.ns, w.app, c("app", image, state=waiting("InvalidImageName", message)), age=920, events=events
    )
    return Truth(f"InvalidImageName on {w.app}?", "image_not_found", f"Deployment/{w.ns}/{w.app}")


@scenario(flavour="kind")
def never_pull(w: World) -> Truth:
    message = 'Container image "local/app:dev" is not present with pull policy of Never'
    events = [
        ("Warning", "ErrImageNeverPull", message, 40, 900, 5, "app"),
        ("Warning", "Failed", "Error: ErrImageNeverPull", 40, 900, 5, "app"),
    ]
    deployment(
        w,
        w.ns,
        w.app,
        c("app", "local/app:dev", imagePullPolicy="Never", state=waiting("ErrImageNeverPull", message)),
        age=920,
        events=events,
    )
    return Truth(
        f"{w.app} will not start on the kind cluster", "image_not_found", f"Deployment/{w.ns}/{w.app}"
    )


@scenario()
def unauthorized_docker_hub(w: World) -> Truth:
    image = "docker.io/corp/private-app:4"
    error = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed'
    pulling(w, image, error)
    return Truth(
        f"can not pull image for {w.app}",
        "image_pull_unauthorized",
        f"Deployment/{w.ns}/{w.app}",
        ("image_not_found", "image_pull_secret_missing"),
    )


@scenario(flavour="gke")
def forbidden_gar(w: World) -> Truth:
    image = "europe-docker.pkg.dev/corp-prod/apps/app:12"
    error = f'rpc error: code = Unknown desc = failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://europe-docker.pkg.dev/v2/token?scope=repository%3Acorp-prod%2Fapps%2Fapp%3Apull&service=: 403 Forbidden'
    pulling(w, image, error, replicas=2)
    return Truth(f"{w.ns}/{w.app} ErrImagePull", "image_pull_unauthorized", f"Deployment/{w.ns}/{w.app}")


@scenario()
def unauthorized_wrong_secret(w: World) -> Truth:
    """The pull secret exists; its credentials are rejected."""
    image = "harbor.corp.test/apps/app:7"
    error = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": unexpected status from HEAD request to https://harbor.corp.test/v2/apps/app/manifests/7: 401 Unauthorized'
    secret(
        w, w.ns, "harbor", kind="kubernetes.io/dockerconfigjson", **{".dockerconfigjson": "eyJhdXRocyI6e319"}
    )
    pulling(w, image, error, spec={"imagePullSecrets": [{"name": "harbor"}]})
    return Truth(
        f"{w.app} does not start, registry problem?", "image_pull_unauthorized", f"Deployment/{w.ns}/{w.app}"
    )


@scenario()
def pull_secret_missing(w: World) -> Truth:
    image = "harbor.corp.test/apps/app:7"
    error = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials'
    text = "Unable to retrieve some image pull secrets (harbor-pull); attempting to pull the image may not succeed."
    box = c("app", image, state=waiting("ImagePullBackOff", backoff(w, image, error)))
    events = [
        *pull_events(image, error, "app"),
        ("Warning", "FailedToRetrieveImagePullSecret", text, 25, 900, 12),
    ]
    statefulset(
        w, w.ns, w.app, box, spec={"imagePullSecrets": [{"name": "harbor-pull"}]}, age=920, events=events
    )
    return Truth(
        f"{w.app}-0 cannot pull",
        "image_pull_secret_missing",
        f"StatefulSet/{w.ns}/{w.app}",
        ("image_pull_unauthorized",),
        (f"Secret/{w.ns}/harbor-pull",),
    )


@scenario()
def pull_secret_missing_job(w: World) -> Truth:
    image = "ghcr.io/corp/etl:3"
    error = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=repository%3Acorp%2Fetl%3Apull&service=ghcr.io: 401 Unauthorized'
    text = "Unable to retrieve some image pull secrets (ghcr); attempting to pull the image may not succeed."
    box = c("etl", image, state=waiting("ErrImagePull", error))
    spec = {"imagePullSecrets": [{"name": "ghcr"}]}
    parent = cronjob(w, w.ns, w.app, box)
    job(
        w,
        w.ns,
        f"{w.app}-29501180",
        box,
        owner=parent,
        spec=spec,
        events=[
            *pull_events(image, error, "etl", 3),
            ("Warning", "FailedToRetrieveImagePullSecret", text, 15, 900, 12),
        ],
        age=920,
    )
    return Truth(
        f"cron {w.app} has not finished its run",
        "image_pull_secret_missing",
        f"CronJob/{w.ns}/{w.app}",
        ("image_pull_unauthorized",),
        (f"Secret/{w.ns}/ghcr", f"Job/{w.ns}/{w.app}-29501180"),
    )


@scenario()
def registry_dns(w: World) -> Truth:
    image = "registry.intern.corp.test/apps/app:1"
    error = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to do request: Head "https://registry.intern.corp.test/v2/apps/app/manifests/1": dial tcp: lookup registry.intern.corp.test on 10.0.0.2:53: no such host'
    pulling(w, image, error)
    return Truth(
        f"{w.app} ImagePullBackOff since this morning",
        "image_registry_unreachable",
        f"Deployment/{w.ns}/{w.app}",
    )


@scenario(flavour="aks")
def registry_timeout(w: World) -> Truth:
    image = "corp.azurecr.io/apps/app:1"
    error = f'rpc error: code = DeadlineExceeded desc = failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to do request: Head "https://corp.azurecr.io/v2/apps/app/manifests/1": dial tcp 20.61.3.9:443: i/o timeout'
    pulling(w, image, error, replicas=2)
    return Truth(f"pods of {w.app} have no image", "image_registry_unreachable", f"Deployment/{w.ns}/{w.app}")


@scenario()
def registry_rate_limit(w: World) -> Truth:
    image = "docker.io/library/redis:7"
    error = f'failed to pull and unpack image "{image}": failed to copy: httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/library/redis/manifests/sha256:aa: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit'
    pulling(w, image, error)
    return Truth(
        f"cache {w.app} down",
        "image_pull_unauthorized",
        f"Deployment/{w.ns}/{w.app}",
        ("image_registry_unreachable",),
    )
