"""Records a cluster into kubelore's snapshot format (specified in `snapshot/recording.py`).

Secret values are dropped and everything else is redacted before it is written. `snapshot.json` is written
first, marked incomplete, and replaced after every kind, so that a capture cut short at any moment is
readable, says so, and says which kinds it has in full.
"""

from __future__ import annotations

import json
import tarfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlencode

import kubelore
from kubelore.cluster import kinds
from kubelore.cluster.kinds import Kind
from kubelore.cluster.reader import MAX_LOG_BYTES, Reader
from kubelore.cluster.snapshot.model import blank_secret
from kubelore.cluster.snapshot.recording import FORMAT_VERSION, MARKER
from kubelore.errors import ClusterError, CredentialsRejected, NotReadable, SnapshotError, UsageError
from kubelore.packaged import packaged_text
from kubelore.protocols import Progress
from kubelore.redaction import redact, redact_object
from kubelore.types import JsonObject, NotChecked

BATCH = 8
LEFT_OUT = {"metrics.k8s.io", "events.k8s.io"}
"""Groups that are not recorded as objects: metrics have their own folder, events are core events."""
ARCHIVES: dict[str, Literal["w:gz", "w:xz", "w"]] = {
    ".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.xz": "w:xz", ".tar": "w",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Captured:
    """What was recorded. `not_checked` is what the recording lacks and why."""

    path: Path
    objects: int
    logs: int
    not_checked: tuple[NotChecked, ...]


@dataclass(frozen=True, slots=True)
class LogName:
    namespace: str
    pod: str
    container: str
    previous: bool

    @property
    def file(self) -> str:
        return f"logs/{self.namespace}/{self.pod}/{self.container}{'.previous' if self.previous else ''}.log"

    def request(self, tail: int) -> str:
        options = {
            "container": self.container,
            "previous": str(self.previous).lower(),
            "tailLines": tail,
            "timestamps": "true",
            "limitBytes": MAX_LOG_BYTES,
        }
        namespace, pod = quote(self.namespace, safe=""), quote(self.pod, safe="")
        return f"/api/v1/namespaces/{namespace}/pods/{pod}/log?{urlencode(options)}"


def capture(
    cluster: Reader,
    out: Path,
    *,
    namespaces: Sequence[str] = (),
    logs_tail: int = 1000,
    progress: Progress | None = None,
) -> Captured:
    """Record `cluster` into the folder `out`, or an archive when it ends in .tar.gz, .tgz, .tar.xz or .tar.

    `namespaces` restricts namespaced objects and logs; `logs_tail` is lines a container, 0 for no logs.
    An archive is made of the folder `<out>.partial` at the end; when cut short, that folder stays.
    Raises UsageError when `out` exists and is not an empty folder, SnapshotError when it cannot be written,
    and ClusterError when the cluster cannot be read at all.
    """
    mode = next((mode for suffix, mode in ARCHIVES.items() if out.name.endswith(suffix)), None)
    if mode and out.exists():
        raise UsageError(f"{out} exists already", hint="name another file, or remove it first")
    folder = _new_folder(out.with_name(f"{out.name}.partial") if mode else out)
    capture = _Capture(cluster, folder, tuple(namespaces), logs_tail, progress)
    try:
        capture.run()
        if mode:
            _pack(folder, out, mode)
    except OSError as error:
        raise SnapshotError(
            f"{error.filename or out} cannot be written: {error.strerror}",
            hint=f"what was recorded so far is in {folder}, marked incomplete",
        ) from error
    return Captured(out, capture.objects, capture.logs, capture.not_checked())


def _new_folder(path: Path) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise UsageError(f"{path} is not empty", hint="name a folder that does not exist yet")
    except OSError as error:
        raise UsageError(f"{path} cannot be used: {error.strerror}") from error
    return path


def _pack(folder: Path, archive: Path, mode: Literal["w:gz", "w:xz", "w"]) -> None:
    unfinished = folder / archive.name
    with tarfile.open(unfinished, mode) as tar:
        for name in (MARKER, "objects", "metrics", "logs"):
            if (folder / name).exists():
                tar.add(folder / name, name)
    unfinished.chmod(0o600)
    unfinished.replace(archive)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


@dataclass(slots=True)
class _Capture:
    cluster: Reader
    folder: Path
    namespaces: tuple[str, ...]
    logs_tail: int
    progress: Progress | None
    objects: int = 0
    logs: int = 0
    recorded: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    done: int = 0
    total: int = 0
    started: float = field(default_factory=time.monotonic)
    captured_at: datetime | None = None
    """When all objects had been read; logs come after."""

    def run(self) -> None:
        self._mark(incomplete=True)
        logs = list(self._log_names()) if self.logs_tail else []
        wanted = [kind for kind in kinds.BUILT_IN if kind.group not in LEFT_OUT]
        wanted += self._custom_kinds()
        self.total = len(wanted) + len(logs) + 1
        for batch in _batches(wanted):
            self.cluster.prefetch(kind.resource for kind in batch)
            for kind in batch:
                self._record(kind)
        self._record_metrics()
        self.captured_at = self._now()
        self._mark(incomplete=True)
        self._record_logs(logs)
        self._mark(incomplete=False)

    def not_checked(self) -> tuple[NotChecked, ...]:
        return tuple(NotChecked(what, why) for what, why in sorted(self.errors.items()))

    # -- objects -----------------------------------------------------------------------------------
    def _custom_kinds(self) -> list[Kind]:
        text = packaged_text("kubelore.cluster", "custom.txt")
        names = [line for line in text.splitlines() if line and not line.startswith("#")]
        try:
            return [kind for kind in map(self.cluster.resolve, names) if kind]
        except CredentialsRejected:
            raise
        except ClusterError as error:
            self.errors["custom resources"] = str(error)
            return []

    def _record(self, kind: Kind) -> None:
        items = [self._clean(kind, item) for item in self.cluster.list(kind.resource) if self._in_scope(item)]
        if items:
            api_version = str(items[0].get("apiVersion") or kind.api_version)  # the server may have another
            group, _, version = api_version.rpartition("/")
            file = f"objects/{group or 'core'}_{version}_{kind.plural}.json"
            listing = {"kind": f"{kind.kind}List", "apiVersion": api_version, "metadata": {}, "items": items}
            self._write_json(file, listing)
            self.objects += len(items)
        if self.cluster.readable(kind.resource):
            self.recorded.append(kind.resource)
        else:
            self.errors[kind.resource] = self._why(kind.resource)
        self._mark(incomplete=True)
        self._advance(kind.plural)

    def _in_scope(self, item: JsonObject) -> bool:
        namespace = item["metadata"].get("namespace")
        return not self.namespaces or not namespace or namespace in self.namespaces

    def _clean(self, kind: Kind, item: JsonObject) -> JsonObject:
        """Without field bookkeeping, which nobody reads, and without anything secret."""
        metadata = {key: value for key, value in item["metadata"].items() if key != "managedFields"}
        item = {**item, "metadata": metadata}
        clean: JsonObject = redact_object(blank_secret(item) if kind.resource == "secrets" else item)
        return clean

    def _why(self, what: str) -> str:
        return next((n.why for n in self.cluster.not_checked() if n.what == what), "could not be read")

    # -- metrics and logs ----------------------------------------------------------------------------
    def _record_metrics(self) -> None:
        for name, kind in {"pods": "Pod", "nodes": "Node"}.items():
            items = [item for item in self.cluster.metrics(kind) if self._in_scope(item)]
            if items:
                listing = {"kind": f"{kind}MetricsList", "apiVersion": items[0]["apiVersion"], "items": items}
                self._write_json(f"metrics/{name}.json", listing)
            elif not self.cluster.readable(f"{kind}Metrics"):
                self.errors["metrics"] = self._why(f"{name}.metrics.k8s.io")
        self._advance("metrics")

    def _log_names(self) -> Iterator[LogName]:
        for pod in filter(self._in_scope, self.cluster.list("Pod")):
            namespace, name = pod["metadata"].get("namespace") or "", pod["metadata"]["name"]
            status = pod.get("status") or {}
            for group in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
                for container in status.get(group) or ():
                    if container.get("containerID"):  # else it never ran and has no log
                        yield LogName(namespace, name, container["name"], previous=False)
                    if (container.get("lastState") or {}).get("terminated"):
                        yield LogName(namespace, name, container["name"], previous=True)

    def _record_logs(self, names: Sequence[LogName]) -> None:
        failures: Counter[str] = Counter()
        pool = ThreadPoolExecutor(BATCH, thread_name_prefix="kubelore-logs")
        try:
            for name, why in zip(names, pool.map(self._record_log, names), strict=True):
                failures.update([why] if why else [])
                self.logs += not why
                self._advance(name.file)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C does not wait for slow logs
        if failures:
            reason, _ = failures.most_common(1)[0]
            self.errors["logs"] = f"{failures.total()} of {len(names)} could not be read: {reason}"

    def _record_log(self, name: LogName) -> str:
        """Why the log could not be read, "" when it was."""
        try:
            text = self.cluster.raw(name.request(self.logs_tail), accept="*/*").decode(errors="replace")
            self._write(name.file, redact(text))
        except NotReadable as error:
            return str(error)
        return ""

    # -- files -------------------------------------------------------------------------------------
    def _mark(self, *, incomplete: bool) -> None:
        """Write snapshot.json with what is known so far."""
        info = self.cluster.info
        about = {
            "format_version": FORMAT_VERSION,
            "captured_at": (self.captured_at or self._now()).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "context": info.context,
            "namespace": info.namespace,
            "server_version": info.server_version,
            "source": f"kubelore {kubelore.__version__}, {info.source}",
            "namespaces": list(self.namespaces),
            "recorded": self.recorded,
            "errors": self.errors,
            "incomplete": incomplete or info.incomplete,
        }
        self._write_json(MARKER, about)

    def _now(self) -> datetime:
        """By the clock of the cluster: a live one has gone on since it was opened."""
        info = self.cluster.info
        return info.now + timedelta(seconds=time.monotonic() - self.started) * info.live

    def _write_json(self, name: str, document: JsonObject) -> None:
        self._write(name, json.dumps(document, ensure_ascii=False, separators=(",", ":")))

    def _write(self, name: str, text: str) -> None:
        """Replaces the file as a whole: no reader ever sees half of one."""
        if ".." in Path(name).parts:  # names are the server's word
            raise NotReadable(f"{name!r} is not a name that Kubernetes allows")
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.tmp")
        unfinished.write_text(text, errors="replace")
        unfinished.replace(path)

    def _advance(self, what: str) -> None:
        self.done += 1
        if self.progress:
            self.progress.advance(self.done, self.total, what)


def _batches(kinds: Sequence[Kind]) -> Iterable[Sequence[Kind]]:
    return (kinds[at : at + BATCH] for at in range(0, len(kinds), BATCH))
