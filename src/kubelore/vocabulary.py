"""The closed list of fact keys (`analysis/vocabulary.yaml`), and the facts that healthy workloads show too
(`analysis/everyday.yaml`), each read once when first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from kubelore.packaged import packaged_yaml

WORKLOAD_KINDS = frozenset(
    {
        "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "ReplicaSet",
        "ReplicationController", "Pod",
    }
)  # fmt: skip
"""Built-in kinds that facts about workloads are about."""


@dataclass(frozen=True, slots=True)
class FactKey:
    key: str
    about: str
    """`workload`, `any`, or a kind."""
    tool: str
    """The tool that shows it."""
    values: tuple[str, ...]
    """Empty when open."""
    means: str

    def allows(self, value: str) -> bool:
        return not self.values or value in self.values


@cache
def vocabulary() -> dict[str, FactKey]:
    """All fact keys by name."""
    return {
        e["key"]: FactKey(
            e["key"],
            e["about"],
            e["tool"],
            () if e["values"] == "open" else tuple(e["values"]),
            e["means"],
        )
        for e in packaged_yaml("kubelore", "analysis", "vocabulary.yaml")["facts"]
    }


def is_everyday(fact: str) -> bool:
    """Whether healthy workloads show this `key=value` too."""
    return not _everyday().isdisjoint((fact, fact.partition("=")[0]))


@cache
def _everyday() -> frozenset[str]:
    return frozenset(packaged_yaml("kubelore", "analysis", "everyday.yaml")["facts"])
