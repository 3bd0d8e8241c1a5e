"""The TARGETS column of a HorizontalPodAutoscaler: current and wanted value of every metric."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from kubelore.cluster.app.table.cells import NONE, UNKNOWN, UNSET, Cell, age, columns, name, spec, status
from kubelore.types import JsonObject

SHOWN = 2


def _row(obj: JsonObject, now: datetime) -> list[Cell]:
    target = spec(obj).get("scaleTargetRef") or {}
    return [
        name(obj),
        f"{target.get('kind')}/{target.get('name')}",
        _targets(obj),
        str(spec(obj).get("minReplicas") or UNSET),
        spec(obj).get("maxReplicas") or 0,
        status(obj).get("currentReplicas") or 0,
        age(obj, now),
    ]


def _targets(obj: JsonObject) -> str:
    if "targetCPUUtilizationPercentage" in spec(obj):  # autoscaling/v1
        current = status(obj).get("currentCPUUtilizationPercentage")
        now = UNKNOWN if current is None else f"{current}%"
        return f"cpu: {now}/{spec(obj)['targetCPUUtilizationPercentage']}%"
    texts = list(_metrics(obj))
    if len(texts) > SHOWN:
        return f"{', '.join(texts[:SHOWN])} + {len(texts) - SHOWN} more..."
    return ", ".join(texts) or NONE


def _metrics(obj: JsonObject) -> Iterator[str]:
    current = status(obj).get("currentMetrics") or []
    for position, metric in enumerate(spec(obj).get("metrics") or ()):
        source = _source(metric)
        target = source.get("target") or {}
        seen = _source(current[position]).get("current") or {} if position < len(current) else {}
        prefix = f"{source['name']}: " if source.get("name") else ""
        yield prefix + _pair(target, seen)


def _source(metric: JsonObject) -> JsonObject:
    """`resource`, `pods`, ...: the part of a metric that its type names."""
    kind = str(metric.get("type") or "")
    found: JsonObject = metric.get(kind[:1].lower() + kind[1:]) or {}
    return found


def _pair(target: JsonObject, seen: JsonObject) -> str:
    if target.get("averageUtilization") is not None:
        used = seen.get("averageUtilization")
        return f"{UNKNOWN if used is None else f'{used}%'}/{target['averageUtilization']}%"
    average = "averageValue" if target.get("averageValue") is not None else "value"
    suffix = " (avg)" if average == "averageValue" else ""
    return f"{seen.get(average, UNKNOWN)}/{target.get(average, UNKNOWN)}{suffix}"


AUTOSCALER = columns("Name|Reference|Targets|MinPods|MaxPods|Replicas|Age", _row)
