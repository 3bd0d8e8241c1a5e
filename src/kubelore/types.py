"""The values that travel between the parts. No behaviour beyond reading and printing themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
    """An embedding of unit length: shape (dimension,)."""
    Vectors = NDArray[np.float32]
    """Embeddings of unit length: shape (n, dimension)."""

JsonObject = dict[str, Any]
"""One Kubernetes object as the API server returned it (parsed JSON)."""

NO_PARAMS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Names one object: `Kind/namespace/name`, cluster-scoped `Kind//name`."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Read the printed form. Raises ValueError when it has not three parts."""
        kind, namespace, name = text.split("/")
        return cls(kind, namespace, name)


@dataclass(frozen=True, slots=True)
class Fact:
    """One canonical fact: `key=value`, about one object; names, IPs and times are never in either.

    `key` and `value` come from `analysis/vocabulary.yaml`. `about` is the workload and not its pod
    (a ReplicaSet or Job counts as its owner); `seen_on` is the object that showed it when that is
    another. `detail` is the sentence for people, with names; `params` are real values for fix and
    explanation templates (container, image, port, host, ...): only values that Kubernetes itself
    validated or that were checked against it, never free log text.
    """

    key: str
    value: str
    about: Ref
    detail: str = ""
    seen_on: Ref | None = None
    params: Mapping[str, str] = field(default_factory=lambda: NO_PARAMS, hash=False)

    @property
    def name(self) -> str:
        return f"{self.key}={self.value}"


EdgeKind = Literal["owns", "selects", "mounts", "runs on", "routes to", "calls"]
"""How two objects are joined.

owns: controller -> dependent; selects: Service, NetworkPolicy, PodDisruptionBudget -> workload;
mounts: workload -> ConfigMap, Secret, PersistentVolumeClaim, ServiceAccount, claim -> StorageClass or
volume (all that it refers to by name); runs on: workload -> Node (also one that would take its pods but
for a cordon or for not being ready); routes to: Ingress -> Service,
HorizontalPodAutoscaler -> workload, webhook or APIService -> Service, ResourceQuota -> Namespace;
calls: workload -> Service or host it names in its settings, command or logs.
"""


@dataclass(frozen=True, slots=True)
class Edge:
    kind: EdgeKind
    source: Ref
    target: Ref


class Severity(StrEnum):
    CRITICAL = "critical"  # it does not work now
    WARNING = "warning"  # it works badly, or will stop
    INFO = "info"  # worth knowing; never reported on its own by `scan`


@dataclass(frozen=True, slots=True)
class Finding:
    """What an analyzer reports: one fault on one object, however many replicas show it."""

    severity: Severity
    object: Ref
    what: str
    facts: tuple[Fact, ...]
    check: str
    """Name of the analyzer."""


@dataclass(frozen=True, slots=True)
class NotChecked:
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


@dataclass(frozen=True, slots=True)
class Observation:
    """What one tool call returned. `text` is redacted already."""

    text: str
    facts: tuple[Fact, ...] = ()
    edges: tuple[Edge, ...] = ()
    covers: tuple[tuple[str, Ref], ...] = ()
    """(tool, object) pairs this call has looked at, so that an absent fact is known to be absent.
    `("FIND_ISSUES", Ref("Namespace", "", ns))` covers a whole namespace, with name `*` all of them."""
    findings: tuple[Finding, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    args: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thought, one tool call and what it showed. `index` counts from 1."""

    index: int
    thought: str
    call: ToolCall
    observation: Observation
    digest: str
    new_facts: tuple[Fact, ...]
    seconds: float

    @property
    def useful(self) -> bool:
        return bool(self.new_facts)


@dataclass(frozen=True, slots=True)
class CitedFact:
    fact: Fact
    step: int


class Evidence:
    """Facts and edges in the order they were seen. Grows during one investigation; never forgets."""

    def __init__(self) -> None:
        self._facts: dict[tuple[str, str, Ref], CitedFact] = {}
        self._by_object: dict[Ref, dict[str, CitedFact]] = {}
        self._edges: dict[Edge, int] = {}
        self._out: dict[Ref, list[Edge]] = {}
        self._in: dict[Ref, list[Edge]] = {}
        self.covered: set[tuple[str, Ref]] = set()

    def add(self, observation: Observation, step: int) -> tuple[Fact, ...]:
        """Take over an observation's facts, edges and coverage; returns the facts that are new."""
        new = []
        for fact in observation.facts:
            key = (fact.key, fact.value, fact.about)
            if key not in self._facts:
                self._facts[key] = cited = CitedFact(fact, step)
                self._by_object.setdefault(fact.about, {})[fact.name] = cited
                new.append(fact)
        for edge in observation.edges:
            if edge not in self._edges:
                self._edges[edge] = step
                self._out.setdefault(edge.source, []).append(edge)
                self._in.setdefault(edge.target, []).append(edge)
        self.covered.update(observation.covers)
        return tuple(new)

    def about(self, ref: Ref) -> Mapping[str, CitedFact]:
        """Facts about one object, by `key=value`."""
        return self._by_object.get(ref, {})

    def objects(self) -> Iterable[Ref]:
        return self._by_object.keys()

    def edges_from(self, ref: Ref) -> Iterable[Edge]:
        return self._out.get(ref, ())

    def edges_to(self, ref: Ref) -> Iterable[Edge]:
        return self._in.get(ref, ())

    def edges(self) -> Iterable[Edge]:
        return self._edges.keys()

    def refs(self) -> frozenset[Ref]:
        """Every object that a fact is about or an edge joins."""
        return frozenset({*self.objects(), *(ref for e in self._edges for ref in (e.source, e.target))})

    def names(self) -> frozenset[str]:
        """All canonical fact names: what two clusters are compared by."""
        return frozenset(f.fact.name for f in self._facts.values())

    def __iter__(self) -> Iterator[CitedFact]:
        return iter(self._facts.values())

    def __len__(self) -> int:
        return len(self._facts)


@dataclass(frozen=True, slots=True)
class Fix:
    """`text` for people; `command` and `yaml` filled with real names, empty when there is none."""

    text: str
    command: str = ""
    yaml: str = ""


@dataclass(frozen=True, slots=True)
class Alternative:
    root_cause: str
    object: Ref
    probability: float
    why: str = ""
    symptom: bool = False
    """The root cause explains it; it is no rival."""


Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Reading:
    """Where to read on about a diagnosis."""

    title: str
    where: str
    """A URL, or the document in the knowledge base."""
    entry: str = ""
    """Id of the passage, for `kubelore knowledge show`."""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The answer to one question. `object` is None when `root_cause` is `none`; an unknown cause is ""."""

    root_cause: str
    object: Ref | None
    explanation: str
    evidence: tuple[CitedFact, ...]
    fix: Fix
    probability: float
    confidence: Confidence
    chain: tuple[Ref, ...] = ()
    """From the object asked about to the object at fault; empty when they are the same."""
    alternatives: tuple[Alternative, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    pattern: str = ""
    would_decide: tuple[str, ...] = ()
    """What to look at next when confidence is not high."""
    response: str = ""
    """Markdown written by a model decider; empty for the playbook."""
    uncalibrated: float | None = None
    """The probability before calibration, for fitting the next curve."""
    reading: tuple[Reading, ...] = ()
    cases: tuple[str, ...] = ()
    """Past cases that spoke for it, most alike first."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Something recalled to teach one investigation, shown to the decider as data."""

    kind: Literal["pattern", "knowledge", "case", "example"]
    id: str
    title: str
    text: str
    source: str = ""
    date: str = ""


KnowledgeType = Literal["pattern", "solution", "doc", "investigation"]


@dataclass(frozen=True, slots=True)
class KnowledgeEntry:
    """One passage of the knowledge base: a chunk of a document, redacted. The store has its embedding."""

    id: str
    """Stable: the same passage of the same document keeps it."""
    type: KnowledgeType
    title: str
    """Heading path: `etcdMembersDown > Mitigation`."""
    content: str
    tags: tuple[str, ...] = ()
    source: str = ""
    """What was added: a folder, archive, dump, or `pattern library`."""
    document: str = ""
    """The document inside of the source: a relative path, a post id, a pattern id."""
    position: int = 0
    """Place of the passage in its document, from 0."""
    url: str = ""
    licence: str = ""
    hash: str = ""
    """sha256 of title and content."""
    version: str = ""
    """Commit, release or pattern version, where the source has one."""
    time: str = ""
    """RFC 3339: the document's own date, else when it was added."""


@dataclass(frozen=True, slots=True)
class KnowledgeHit:
    """An entry that a search found; `score` is comparable within one search only."""

    entry: KnowledgeEntry
    score: float


CaseState = Literal["recorded", "candidate", "trusted", "quarantined", "retired"]
"""recorded: kept, teaches nothing; candidate: sure of itself, waits for a person; trusted: rated 4 or 5, or
its cause confirmed by a person, and recalled; quarantined: imported or suspicious, until confirmed; retired:
rated low, harmful, or too old."""


@dataclass(frozen=True, slots=True)
class PastCase:
    """What a recorded investigation teaches the next one. No names of objects, clusters or people."""

    id: str
    root_cause: str
    kind: str
    """Of the object at fault."""
    signs: frozenset[str]
    """What the evidence said of the object at fault and of what is joined to it (`casebook.signs`)."""
    state: CaseState
    confirmed: bool
    """A person named or confirmed the cause; else it is trusted for its rating."""
    misled: str = ""
    """The cause that was answered before a person corrected it."""
    tools: tuple[str, ...] = ()
    """Tools that showed the cited facts, in order."""
    source: str = ""
    """Empty for our own, else the file it was imported from."""
    cluster: str = ""
    """Keyed hash of the cluster it was seen in."""
    count: int = 1
    """Investigations merged into it."""
    credit: float = 0.0
    """Outcomes it helped, less those it harmed."""
    question: str = ""
    diagnosis: str = ""
    fix: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Vote:
    """What past cases say of one object: a cause, in log-odds. Weighed beside the patterns, never above
    fresh evidence that contradicts it."""

    root_cause: str
    object: Ref
    weight: float
    cases: tuple[PastCase, ...]
    """Most alike first."""
    shared: tuple[CitedFact, ...] = ()
    """Facts of today that the cases had too."""
    ask: tuple[str, ...] = ()
    """Tools that showed, then, what tells these cases from others, and that were not asked about the object
    now."""
    against: tuple[PastCase, ...] = ()
    """Cases that are as alike, or nearly, and name other causes of the same object: one of each."""


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    """Where observations come from. `now` is the capture time of a snapshot, else the wall clock."""

    context: str
    server_version: str
    source: str
    now: datetime
    live: bool = False
    incomplete: bool = False
    namespace: str = ""
    """Default namespace of the context, if it names one."""


@dataclass(frozen=True, slots=True)
class Usage:
    tokens_in: int = 0
    tokens_out: int = 0
    calls: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.calls + other.calls,
        )


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat. `content` is redacted already."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answered. `usage` is None when the server did not count tokens; `cut` when the answer
    ended at its token limit."""

    text: str
    usage: Usage | None = None
    cut: bool = False


@dataclass(slots=True)
class Investigation:
    """One question from start to diagnosis. The loop owns it; everyone else reads it."""

    id: str
    question: str
    started: datetime
    cluster: ClusterInfo
    decider: str
    namespace: str = ""
    """Namespace the user asked to stay in; empty for all."""
    steps: list[Step] = field(default_factory=list)
    evidence: Evidence = field(default_factory=Evidence)
    lessons: list[Lesson] = field(default_factory=list)
    """Recalled for the next step."""
    shown: dict[str, Lesson] = field(default_factory=dict)
    """All that were recalled so far, by `kind/id`."""
    hashes: dict[str, str] = field(default_factory=dict)
    usage: Usage = Usage()
    diagnosis: Diagnosis | None = None
    error: str = ""
    seconds: float = 0.0
