"""Ends of a few logs, for analyzers that need a second sign. Reading them costs time, so they are counted."""

from __future__ import annotations

from kubelore.analysis.backends import FINISHED, pod_state
from kubelore.analysis.logs import read_log
from kubelore.analysis.view import View, ref_of
from kubelore.errors import ClusterError
from kubelore.types import JsonObject, Ref

MOST = 40
"""Workloads whose logs one scan reads."""
TAIL = 200

REFUSED = frozenset({"connection-refused", "connection-reset"})
TIMED_OUT = frozenset({"connection-timeout", "deadline-exceeded", "dns-timeout", "no-route"})
UNRESOLVED = frozenset({"host-unresolvable", "dns-timeout"})


class LogSample:
    """Logs of one pod of each workload asked for, until `MOST` are read: `view.once(LogSample)`."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._texts: dict[Ref, list[str]] = {}

    @property
    def plenty(self) -> bool:
        """Whether logs may be read without a suspicion: half of them are kept for those with one."""
        return len(self._texts) < MOST // 2

    def texts(self, workload: Ref) -> list[str]:
        """The end of each container's log of the workload's worst pod; [] when there is none to be had."""
        if workload not in self._texts:
            if len(self._texts) >= MOST:
                return []
            self._texts[workload] = self._read(workload)
        return self._texts[workload]

    def _read(self, workload: Ref) -> list[str]:
        pods = [
            p for p in self._view.pods_of(workload) if (p.get("status") or {}).get("phase") not in FINISHED
        ]
        if not pods:
            return []
        pod = min(pods, key=lambda p: pod_state(p) == "ready")
        spec, ready = pod.get("spec") or {}, pod_state(pod) == "ready"
        # A pod that is not ready may wait in an init container.
        containers = [*(spec.get("containers") or ()), *(() if ready else spec.get("initContainers") or ())]
        return [text for c in containers if (text := self._tail(pod, c.get("name") or ""))]

    def _tail(self, pod: JsonObject, container: str) -> str:
        ref = ref_of(pod)
        try:
            return self._view.cluster.logs(ref.namespace, ref.name, container, tail=TAIL)
        except ClusterError:
            return ""  # a sign that is not to be had; GET_LOGS says so to who asks for it

    def listens_on(self, workload: Ref) -> set[int]:
        """Ports on which the program says it listens."""
        return {port for text in self.texts(workload) for port in read_log(text).ports}

    def failing_targets(self, workload: Ref, kinds: frozenset[str], *, failing: bool) -> list[str]:
        """Addresses that its log has such errors about. `failing`: the workload is in trouble, so that old
        errors count too."""
        notes = [n for text in self.texts(workload) for n in read_log(text).errors(failing)]
        return list(dict.fromkeys(n.target for n in notes if n.target and n.kind in kinds))

    def fails(self, workload: Ref, kinds: frozenset[str], hosts: set[str]) -> bool:
        """Whether its log has such an error about one of these hosts, or one that names no address."""
        notes = [note for text in self.texts(workload) for note in read_log(text) if note.kind in kinds]
        return any(not n.target or n.target.rpartition(":")[0] in hosts or n.target in hosts for n in notes)
