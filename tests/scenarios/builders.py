"""A cluster in the making: every object that an API server would return, kept consistent.

Controllers are imitated, not copied: statuses, endpoints and slices are computed from the pods, so that
a scenario only says what is broken. In messages and logs `<pod>`, `<ns>`, `<uid>`, `<node>`, `<ip>` and
`<container>` stand for the pod they end up on. All times are seconds before `NOW`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from scenarios.parts import Json
from scenarios.pods import Pods
from support import NOW, MemoryCluster


@dataclass(frozen=True)
class Truth:
    """What a scenario means; the fields of labels-dev.jsonl and the question."""

    question: str
    root_cause: str
    object: str = ""
    also_root_causes: tuple[str, ...] = ()
    also_objects: tuple[str, ...] = ()
    note: str = ""
    canaries: tuple[str, ...] = ()


class CustomAware(MemoryCluster):
    """Lists custom kinds by `plural.group` too, as the API server's discovery offers them."""

    def list(self, kind: str) -> Sequence[Json]:
        for crd in super().list("CustomResourceDefinition"):
            if kind == crd["metadata"]["name"]:
                return super().list(crd["spec"]["names"]["kind"])
        return super().list(kind)


class World(Pods):
    """One cluster, grown by a scenario; `finish` adds what every cluster has and computes statuses."""

    def __init__(self, seed: str, flavour: str = "", minor: int = 0, workers: int = 3) -> None:
        super().__init__(seed, flavour, minor, workers)
        self.unreadable: set[str] = set()
        self.metrics_up = True
        self.ns = self.namespace()
        self.app = self.name()

    def finish(self) -> World:
        """Add what every cluster has beside the fault, and compute endpoints and metrics. Call once."""
        from scenarios.household import furnish

        furnish(self)
        for settle in self.unsettled:
            settle()
        return self

    def cluster(self) -> MemoryCluster:
        """What a reader of this cluster sees: Secrets come without values."""
        objects = [_without_values(o) if o["kind"] == "Secret" else o for o in self.objects]
        metrics = self.metrics if self.metrics_up else {}
        cluster = CustomAware(objects, self.logs, metrics, NOW, self.unreadable)
        cluster.info = replace(cluster.info, context=self.flavour.name, server_version=self.version)
        return cluster


def _without_values(secret: Json) -> Json:
    return secret | {"data": dict.fromkeys(secret.get("data", {}), "")}
