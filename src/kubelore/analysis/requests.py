"""What a pod asks of a node, in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubelore.analysis.quantity import parse_quantity
from kubelore.types import JsonObject


def amounts(quantities: Mapping[str, object] | None) -> dict[str, float]:
    """A resource list as numbers; what cannot be read is left out."""
    parsed = {name: parse_quantity(text) for name, text in (quantities or {}).items()}
    return {name: value for name, value in parsed.items() if value is not None}


def total(lists: Iterable[Mapping[str, float]]) -> dict[str, float]:
    result: dict[str, float] = {}
    for one in lists:
        for name, value in one.items():
            result[name] = result.get(name, 0.0) + value
    return result


def largest(lists: Iterable[Mapping[str, float]]) -> dict[str, float]:
    result: dict[str, float] = {}
    for one in lists:
        for name, value in one.items():
            result[name] = max(result.get(name, 0.0), value)
    return result


def container_requests(container: JsonObject) -> dict[str, float]:
    """Requests, with the limit standing in where only that is set, as the API server defaults it."""
    resources = container.get("resources") or {}
    return amounts(resources.get("limits")) | amounts(resources.get("requests"))


def pod_requests(spec: JsonObject) -> dict[str, float]:
    """What the scheduler reserves: containers and sidecars together, or the largest init step, plus
    overhead; `pods` counts the pod itself."""
    running = total(container_requests(c) for c in spec.get("containers") or ())
    sidecars: dict[str, float] = {}
    peak: dict[str, float] = {}
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            sidecars = total((sidecars, container_requests(container)))
            step = sidecars
        else:
            step = total((sidecars, container_requests(container)))
        peak = largest((peak, step))
    own = largest((total((running, sidecars)), peak))
    own |= amounts((spec.get("resources") or {}).get("requests"))  # pod-level resources, 1.32 and later
    return total((own, amounts(spec.get("overhead")), {"pods": 1.0}))


def readable_amount(resource: str, value: float) -> str:
    """`1.5Gi` for bytes, `250m` or `2` for cores, a plain number for all else."""
    if resource == "cpu":
        return f"{value:g}" if value >= 1 else f"{value * 1000:.0f}m"
    if "memory" in resource or "storage" in resource:
        for unit, size in (("Gi", 1024.0**3), ("Mi", 1024.0**2), ("Ki", 1024.0)):
            if abs(value) >= size:
                return f"{value / size:.4g}{unit}"
    return f"{value:g}"
