"""All Protocols on one page: what each part may expect of the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from kubelore.types import (
    ClusterInfo,
    Completion,
    Diagnosis,
    Evidence,
    Investigation,
    JsonObject,
    Lesson,
    Message,
    NotChecked,
    Observation,
    Step,
    ToolCall,
    Usage,
    Vote,
)

if TYPE_CHECKING:
    from kubelore.types import Vectors


class Cluster(Protocol):
    """A cluster, live or recorded, read as raw Kubernetes JSON. Every list is fetched once."""

    @property
    def info(self) -> ClusterInfo: ...

    def list(self, kind: str) -> Sequence[JsonObject]:
        """All objects of one kind (`Pod`, `Deployment`, ... or `plural.group`) in scope; items carry
        `kind` and `apiVersion`. An unreadable kind gives () and is listed by `not_checked`.
        Secrets come without values: `data` maps each key to "" or is absent when keys are unknown."""
        ...

    def readable(self, kind: str) -> bool:
        """Whether `list(kind)` is complete. False: absence of an object proves nothing."""
        ...

    def prefetch(self, kinds: Iterable[str]) -> None:
        """Fetch several lists at once."""
        ...

    def logs(
        self, namespace: str, pod: str, container: str, *, previous: bool = False, tail: int = 1000
    ) -> str:
        """A container's log with timestamps; raises NotReadable when there is none."""
        ...

    def metrics(self, kind: str) -> Sequence[JsonObject]:
        """`Pod` or `Node` metrics.k8s.io items; () when the metrics API does not answer."""
        ...

    def not_checked(self) -> tuple[NotChecked, ...]:
        """Everything that was asked for and could not be read so far."""
        ...

    def raw(self, path: str, *, accept: str = "application/json") -> bytes:
        """GET of one API path, for discovery and the Table form. Raises ClusterError."""
        ...

    def close(self) -> None: ...


class Tool(Protocol):
    """One read-only way to look at a cluster."""

    name: str
    usage: str
    """One line: the argument forms, for prompts and error messages."""

    def run(self, args: str) -> Observation:
        """Raises ToolError for what the caller can mend; ClusterError when reading fails."""
        ...


class Toolbox(Protocol):
    """All tools of one investigation, by name. Everything that leaves it is redacted."""

    def run(self, call: ToolCall) -> Observation:
        """Never raises ToolError: what the caller can mend comes back in `Observation.error`."""
        ...

    def describe(self) -> str:
        """Usage lines, for prompts."""
        ...


class ChatModel(Protocol):
    """A language model that answers a chat."""

    @property
    def model(self) -> str:
        """Name of the model, for records."""
        ...

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: JsonObject | None = None,
        max_tokens: int = 1024,
        deadline: float | None = None,
    ) -> Completion:
        """The answer, of at most `max_tokens`, before `deadline` (`time.monotonic()`); as JSON of that
        `schema` where the server can hold a model to one. Raises ModelError."""
        ...


class Decider(Protocol):
    """Chooses the next step or gives the answer."""

    @property
    def name(self) -> str: ...

    def decide(self, investigation: Investigation) -> tuple[str, ToolCall] | Diagnosis:
        """Returns (thought, call), or the diagnosis that ends the investigation."""
        ...

    @property
    def usage(self) -> Usage: ...


class LessonSource(Protocol):
    """Recalls lessons for a question and the evidence so far; the teacher has several."""

    @property
    def name(self) -> str: ...

    def recall(self, question: str, evidence: Evidence) -> Sequence[Lesson]: ...


class Voter(Protocol):
    """Past cases as one more voice beside the patterns."""

    def votes(self, question: str, evidence: Evidence) -> Sequence[Vote]:
        """Strongest first; () when nothing on record is alike enough."""
        ...


class Embedder(Protocol):
    """Turns text into vectors. Vectors of embedders with different names are never compared."""

    @property
    def name(self) -> str:
        """Model and version."""
        ...

    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of unit length for each text; a text without a known word gives a row of zeros.
        Raises ModelError when a server is behind it and fails."""
        ...


class Listener(Protocol):
    """Hears of an investigation as it runs (live view, recorder). Must not raise."""

    def started(self, investigation: Investigation) -> None: ...

    def thinking(self, thought: str, call: ToolCall) -> None: ...

    def stepped(self, step: Step) -> None: ...

    def finished(self, investigation: Investigation) -> None: ...


class Progress(Protocol):
    """What a person waits for: `advance` is called with how much of `total` is done and what it is."""

    def advance(self, done: int, total: int, what: str) -> None: ...
