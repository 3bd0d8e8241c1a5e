"""All Protocols on one page: what each part may expect of the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from kubelore.cases import Body, Case, CaseChanges, CaseFilter, CaseStats, Entry, Recorded
from kubelore.passages import (
    ANYTHING,
    Document,
    IndexInfo,
    KnowledgeFilter,
    KnowledgeStats,
    PassageText,
    SourceInfo,
    Terms,
)
from kubelore.types import (
    ClusterInfo,
    Completion,
    Diagnosis,
    Evidence,
    Investigation,
    JsonObject,
    KnowledgeEntry,
    KnowledgeHit,
    Lesson,
    Message,
    NotChecked,
    Observation,
    PastCase,
    Step,
    ToolCall,
    Usage,
    Vote,
)

if TYPE_CHECKING:
    from kubelore.types import Vector, Vectors


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


class KnowledgeStore(Protocol):
    """Documents cut into passages, found by words and by vectors.

    Several processes may write at once. Every call that writes is one transaction, all or nothing, but for
    `finish` and `remove_source`, which remove some documents at a time; every call raises StoreError when the
    store cannot be read or written. Ids, hashes, names of sources and documents are the caller's; nothing
    else identifies anything.
    """

    # A pass over a source: begin, then put or keep every document, then finish.

    def begin(self, source: str) -> int:
        """Start a pass over a source and return its number. A pass that was never finished has done what
        it has put: the next one finds these documents unchanged by their hashes."""
        ...

    def hashes(self, source: str, documents: Collection[str]) -> Mapping[str, str]:
        """Hashes of those of these documents that are stored."""
        ...

    def owners(self, hashes: Collection[str]) -> Mapping[str, tuple[str, str]]:
        """Source and document of the first entry of each of these passages, of those that are stored."""
        ...

    def alike(self, near: Collection[int]) -> Sequence[tuple[PassageText, Sequence[int]]]:
        """Stored passages that share one of these keys, with the ones that they share; most shared first,
        at most 64."""
        ...

    def put(self, source: str, number: int, documents: Sequence[Document], embedder: str = "") -> None:
        """Replace documents, with entries, terms and vectors; `embedder` names the space of the vectors.
        A passage that stays keeps its terms and vector. A passage without a vector is `unembedded`."""
        ...

    def keep(self, source: str, number: int, documents: Collection[str]) -> None:
        """These documents of the source are still there, as they were."""
        ...

    def finish(self, source: str, number: int, *, whole: bool = True) -> int:
        """End a pass. When it saw the `whole` source, the documents that it neither put nor kept are removed;
        returns how many."""
        ...

    def remove_source(self, source: str) -> int:
        """Returns how many entries went."""
        ...

    def remove_document(self, source: str, document: str) -> int:
        """Returns how many entries went."""
        ...

    def remove_entry(self, entry: str) -> bool:
        """It stays away until its document changes."""
        ...

    # Reading

    def entries(self, ids: Sequence[str]) -> Sequence[KnowledgeEntry]:
        """In that order; unknown ids are left out."""
        ...

    def page(
        self, where: KnowledgeFilter = ANYTHING, *, limit: int, after: str = ""
    ) -> Sequence[KnowledgeEntry]:
        """By source, document and position; `after` is the id of the last entry of the page before."""
        ...

    def sources(self) -> Sequence[SourceInfo]:
        """By name; those without a document are left out."""
        ...

    def stats(self) -> KnowledgeStats: ...

    # Searching: one hit for each passage, the first entry of it that the filter lets through.

    def index(self) -> IndexInfo: ...

    def keywords(
        self, groups: Sequence[Sequence[str]], where: KnowledgeFilter = ANYTHING, *, limit: int
    ) -> Sequence[KnowledgeHit]:
        """Passages with a word of any group, by BM25, best first; titles and tags count more. A group holds
        forms of one thing; a form with blanks is a phrase. In a large store, groups that very many passages
        have are left out where rarer ones say enough."""
        ...

    def frequencies(self, words: Collection[str]) -> Mapping[str, int]:
        """In how many passages each word is."""
        ...

    def terms(self, hashes: Collection[str]) -> Mapping[str, Terms]:
        """What these passages are found by; unknown ones are left out."""
        ...

    def nearest(
        self, embedder: str, vector: Vector, where: KnowledgeFilter = ANYTHING, *, limit: int
    ) -> Sequence[KnowledgeHit]:
        """Passages by cosine, exactly, best first; those with a vector of zeros, or none yet, are left out.
        Raises StoreError when `embedder` is not the one of the space being searched."""
        ...

    # Changing the embedder or the analyser, in batches that can be interrupted

    def use_embedder(self, embedder: str, dimension: int) -> None:
        """From now on, passages are to have vectors of this embedder. Until none is missing, `nearest`
        searches the space it searched before, if there is one."""
        ...

    def unembedded(self, embedder: str, limit: int) -> Sequence[PassageText]:
        """Passages whose vector is missing in that embedder's space, always in the same order."""
        ...

    def embed(self, embedder: str, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors of passages by their hashes; hashes no longer stored are ignored. The last one
        missing makes this the space being searched, and drops the former."""
        ...

    def texts(self, after: str, limit: int) -> Sequence[PassageText]:
        """All passages in the order of their hashes, from behind `after` on."""
        ...

    def analyse(self, terms: Mapping[str, Terms]) -> None:
        """Replace the terms of passages, by their hashes."""
        ...

    def analysed(self, analyser: str) -> None:
        """Record which version of the analyser the stored terms are from."""
        ...

    # Health

    def problems(self) -> Sequence[str]:
        """One sentence for each thing that is not as it was written."""
        ...

    def repair(self) -> Sequence[str]:
        """Rebuild from the passages what finds them, as far as they can be read; vectors that are lost are
        `unembedded` afterwards. Returns what was done."""
        ...

    def close(self) -> None: ...


class CaseStore(Protocol):
    """The journal of all cases, the cases that it makes, and what their steps saw.

    Several processes may write at once. Every call that writes is one transaction, all or nothing; every
    call raises StoreError when the store cannot be read or written.
    """

    def append(
        self,
        entries: Sequence[Entry],
        bodies: Sequence[Body] = (),
        *,
        unchanged: Mapping[str, int] | None = None,
    ) -> int:
        """Write entries to the end of the journal, fold each into its case, keep `bodies`; returns the last
        entry's seq. Raises CaseChanged when a case of `unchanged` has another `seq` than is said there."""
        ...

    def embedded(self, case: str, embedder: str, vector: bytes) -> None:
        """Keep the embedding of a case's question: float16, little-endian. It is no part of the journal."""
        ...

    def case(self, case: str) -> Case | None: ...

    def ids(self, prefix: str, limit: int = 10) -> Sequence[str]:
        """Ids that begin so, newest case first."""
        ...

    def cases(self, where: CaseFilter, *, limit: int, after: str = "") -> Sequence[Case]:
        """Newest first; `after` names the last case of the page before."""
        ...

    def search(self, words: str, where: CaseFilter, *, limit: int) -> Sequence[Case]:
        """Cases whose question, answer, facts or comment have words that begin so: all of them, newest first;
        where there is none, those that have most of them."""
        ...

    def head(self, fingerprint: str) -> Case | None:
        """The trusted case that teaches for all of this fingerprint."""
        ...

    def merged(self, into: str) -> Sequence[Case]:
        """Cases that another one teaches for, oldest first."""
        ...

    def past_cases(self, after: int = 0) -> CaseChanges:
        """Cases that teach, as recall knows them, and what has become of cases since journal entry `after`;
        for 0 all that teach, and nothing of the others."""
        ...

    def taught(self, ids: Collection[str]) -> Sequence[PastCase]:
        """Those of these cases that teach now, as recall knows them, in no order."""
        ...

    # What is made of the cases to be quick, and can be made again at any time: it is lost without harm.

    def derive(self, name: str, seq: int, data: bytes) -> None:
        """Keep something made of the cases as they were at journal entry `seq`, in place of what was kept."""
        ...

    def derived(self, name: str) -> tuple[int, bytes] | None:
        """Its `seq` and data; None where there is none, or none of this journal."""
        ...

    def behind(self, name: str) -> int:
        """How many entries the journal has since that was made; all of them where there is none."""
        ...

    def journal(self, case: str = "", after: int = 0) -> Iterator[Recorded]:
        """Entries in order, of one case or of all."""
        ...

    def bodies(self, case: str) -> Mapping[int, bytes]:
        """What is still kept of a case, by step; 0 is its evidence."""
        ...

    def drop_bodies(self, *, before: str, over: int, retired: str = "") -> int:
        """Forget what the steps of the oldest cases saw, not their evidence: of those asked before that time
        (RFC 3339), of retired ones asked before `retired`, and of more while all together take more than
        `over` bytes. Returns of how many cases."""
        ...

    def outlived(self, *, before: str, unseen: str, limit: int) -> Sequence[str]:
        """Cases that teach and have helped nobody, asked before that time, or in a cluster of ours of which
        nothing was asked since `unseen`; the oldest first, without those of which something was undone."""
        ...

    def rated(self, who: str, since: str) -> int:
        """How many ratings of this person the journal has since that time (RFC 3339)."""
        ...

    def credits(self) -> Mapping[str, tuple[int, int]]:
        """Outcomes that each lesson (`kind/id`) helped and harmed."""
        ...

    def stats(self) -> CaseStats: ...

    def problems(self) -> Sequence[str]:
        """What the database's own check of itself finds; reads all of it."""
        ...

    def repair(self) -> Sequence[str]:
        """Save what can be read, and make anew from the journal what follows from it. Returns what was done.
        The journal itself stays as it is."""
        ...

    def key(self) -> bytes:
        """Random, made once: what names of clusters are hashed with."""
        ...

    def close(self) -> None: ...


class Listener(Protocol):
    """Hears of an investigation as it runs (live view, recorder). Must not raise."""

    def started(self, investigation: Investigation) -> None: ...

    def thinking(self, thought: str, call: ToolCall) -> None: ...

    def stepped(self, step: Step) -> None: ...

    def finished(self, investigation: Investigation) -> None: ...


class Progress(Protocol):
    """What a person waits for: `advance` is called with how much of `total` is done and what it is."""

    def advance(self, done: int, total: int, what: str) -> None: ...
