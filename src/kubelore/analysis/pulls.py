"""Images that cannot be pulled, and whether a pull secret is named and there."""

from __future__ import annotations

from kubelore.analysis.events import Reading, read_text
from kubelore.analysis.podstate import Case, Container, shortened
from kubelore.types import Fact, JsonObject

REASONS = {
    "ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError",
    "RegistryUnavailable", "SignatureValidationFailed",
}  # fmt: skip
WORDS = {
    "not-found": "the registry does not have it",
    "unauthorized": "the registry asks for credentials, and none or wrong ones were sent",
    "host-unresolvable": "the registry's name does not resolve",
    "unreachable": "the registry does not answer",
    "timeout": "the registry does not answer in time",
    "tls": "the TLS connection to the registry fails",
    "rate-limited": "the registry limits the rate of pulls",
    "invalid-name": "the image name is not valid",
    "platform-mismatch": "it does not exist for this node's platform",
    "never-pull": "it is not on the node, and the pull policy is Never",
    "unspecified": "the reason is not recorded",
}
DOCKER_HUB = {"docker.io", "index.docker.io", "registry-1.docker.io"}


def is_pull_reason(reason: str) -> bool:
    return reason in REASONS


def registry_of(image: str) -> str:
    """The registry's host: `docker.io` where the name gives none."""
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def secret_names(case: Case) -> list[str]:
    """Pull secrets of the pod and of its service account."""
    spec = case.pod.get("spec") or {}
    account_name = spec.get("serviceAccountName") or "default"
    account = case.view.get("ServiceAccount", case.subject.about.namespace, account_name) or {}
    named: list[JsonObject] = [
        *(spec.get("imagePullSecrets") or ()),
        *(account.get("imagePullSecrets") or ()),
    ]
    return list(dict.fromkeys(str(s["name"]) for s in named if s.get("name")))


def pull_facts(case: Case, container: Container, reading: Reading) -> list[Fact]:
    """`pull.error` first, then `pull.secret`."""
    message = str((container.waiting or {}).get("message") or "")
    if not reading.value("pull.error"):
        reading, message = _from_events(case, container) or (reading, message)
    error = _settled(case, container, reading)
    params = {"container": container.name, "image": container.image, "registry": registry_of(container.image)}
    cause = f"image {container.image} of container {container.name} cannot be pulled: {WORDS[error]}"
    detail = f"{cause} ({shortened(message)})" if message else cause
    return [case.subject.fact("pull.error", error, detail, **params), *pull_secret_facts(case)]


def _from_events(case: Case, container: Container) -> tuple[Reading, str] | None:
    """The newest event that says why this container's image, or some image of the pod, is not pulled."""
    told = [(e, read_text(e.reason, e.message)) for e in case.warnings]
    told = [(e, r) for e, r in told if r.value("pull.error")]
    own = [(e, r) for e, r in told if container.image in e.message]
    return next(((r, e.message) for e, r in reversed(own or told)), None)


def _settled(case: Case, container: Container, reading: Reading) -> str:
    """Docker Hub answers "denied" for what does not exist, and its official images are open to all; who names
    a secret, or a private registry, is refused."""
    image, error = container.image, reading.value("pull.error") or "unspecified"
    open_to_all = reading.ambiguous or (error == "unauthorized" and is_official(image))
    if open_to_all and registry_of(image) in DOCKER_HUB and not secret_names(case):
        return "not-found"
    return error


def is_official(image: str) -> bool:
    """`redis`, `docker.io/library/redis`: no user or organisation in the name."""
    path = image.removeprefix(f"{registry_of(image)}/").removeprefix("library/")
    return registry_of(image) in DOCKER_HUB and "/" not in path


def pull_secret_facts(case: Case) -> list[Fact]:
    """Whether pull secrets are named, and exist."""
    names = secret_names(case)
    if not names:
        detail = "neither the pod nor its service account names a pull secret"
        return [case.subject.fact("pull.secret", "none-named", detail)]
    facts = []
    for name in names:
        there = case.view.exists("Secret", case.subject.about.namespace, name)
        if there is not None:
            value, word = ("present", "exists") if there else ("missing", "does not exist")
            facts.append(case.subject.fact("pull.secret", value, f"pull secret {name} {word}", secret=name))
    return facts or _told_missing(case)


def _told_missing(case: Case) -> list[Fact]:
    """What the kubelet says where Secrets cannot be listed."""
    for event in case.warnings:
        reading = read_text(event.reason, event.message)
        if reading.value("pull.secret"):
            detail = shortened(event.message)
            return [case.subject.fact("pull.secret", "missing", detail, **reading.params)]
    return []
