"""Forty-five faults in one cluster; each question is about one of them."""

# ruff: noqa: E501  messages stand as the components write them
from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from scenarios import configuration, crashes, dependencies, images, probes, scheduling, traffic
from scenarios.builders import Truth, World
from scenarios.registry import scenario

# Taken together these do not disturb each other: none of them changes nodes or kube-system.
_TAKEN: tuple[tuple[ModuleType, str], ...] = (
    (crashes, "oom_java exception_python missing_env_node bad_config_nginx command_not_found exits_zero read_only volume_permission port_conflict sidecar_fails run_as_root exception_go_panic"),
    (configuration, "configmap_env secret_env secret_key_env configmap_key_volume init_crash init_waits"),
    (images, "not_found_crio unauthorized_wrong_secret pull_secret_missing registry_dns invalid_name"),
    (scheduling, "cpu memory selector affinity gpu pod_affinity"),
    (probes, "liveness_port liveness_path readiness_port readiness_protocol readiness_exec liveness_slow_start"),
    (traffic, "selector_version target_port_name zero ingress_service ingress_class gateway_nginx no_such_service"),
    (dependencies, "credentials_mysql database_port unresolvable_typo rbac_client_go"),
)  # fmt: skip
ASKED = (0, 3, 7, 13, 15, 19, 24, 30, 36, 42)


def _parts() -> list[Callable[[World], Truth]]:
    return [getattr(module, name) for module, names in _TAKEN for name in names.split()]


@scenario(questions=len(ASKED), flavour="kind")
def many(w: World) -> list[Truth]:
    """Every fault in a namespace of its own."""
    truths = []
    for part in _parts()[:45]:
        truths.append(part(w))
        w.ns, w.app = w.namespace(), w.name()
    return [truths[i] for i in ASKED]


@scenario(questions=4, flavour="eks")
def together(w: World) -> list[Truth]:
    """Eight faults in one namespace."""
    names = [crashes.oom_java, crashes.exception_python, images.not_found_crio, probes.readiness_exec]
    names += [traffic.target_port_name, scheduling.selector, configuration.secret_key_env, crashes.exits_zero]
    truths = []
    for part in names:
        truths.append(part(w))
        w.app = w.name()
    return [truths[i] for i in (0, 3, 4, 6)]
