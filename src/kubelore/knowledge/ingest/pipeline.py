"""A source into the store: what changed is read, redacted, cut, compared, embedded and put, batch by batch.

Each document is replaced whole, so a pass may be stopped anywhere, and the next one finds what is done.
Several may run at once. What a source no longer has goes at the end of a pass that saw all of it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256

from kubelore.knowledge.index import refresh
from kubelore.knowledge.ingest.batch import Draft, complete
from kubelore.knowledge.ingest.chunks import Chunk, Sizes, chunks
from kubelore.knowledge.ingest.page import Found, Page, Skipped, Source, Unreadable
from kubelore.knowledge.ingest.readers import NO_TEXT
from kubelore.knowledge.ingest.redacted import line, redacted
from kubelore.knowledge.ingest.summary import Summary
from kubelore.packaged import packaged_text
from kubelore.protocols import Embedder, KnowledgeStore, Progress
from kubelore.types import KnowledgeEntry, KnowledgeType

VERSION = 2
"""Of readers, chunks and redaction here. A higher one makes every document be read again."""
DOCUMENTS = 64
PASSAGES = 256
"""A batch has no more documents, and ends with the document that reaches so many passages."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What the user says of all documents of a source."""

    type: KnowledgeType | None = None
    """Instead of what each is."""
    tags: tuple[str, ...] = ()
    """Beside its own."""
    licence: str = ""
    """Where it names none."""


NO_LABELS, USUAL = Labels(), Sizes()


@dataclass(frozen=True, slots=True)
class Ingest:
    """Brings a store up to a source."""

    store: KnowledgeStore
    embedder: Embedder | None = None
    """None: passages are found by words alone, until `index.refresh` embeds them."""
    labels: Labels = NO_LABELS
    sizes: Sizes = USUAL

    def run(self, source: Source, progress: Progress, summary: Summary | None = None) -> Summary:
        """One pass. A `summary` that is handed in is there after an interruption too. Raises StoreError,
        UsageError when the source cannot be read, ModelError when the embedder fails."""
        summary = summary or Summary()
        summary.source = line(source.name)
        refresh(self.store, self.embedder, progress)
        run = _Pass(self, summary)
        for item in source:
            if item is not None:
                run.take(item)
            progress.advance(*source.progress, item.name if item else summary.source)
        run.flush()
        summary.finished = not run.more
        whole = source.whole and summary.finished
        summary.removed += self.store.finish(summary.source, run.number, whole=whole)
        return summary

    def is_current(self, source: Source) -> bool:
        """Whether the store has every document of a source as it is now. Writes nothing."""
        wanted = {_name(item.name): self.digest(item) for item in source if isinstance(item, Found)}
        return self.store.hashes(line(source.name), list(wanted)) == wanted

    def digest(self, item: Found) -> str:
        """Of all that decides what is stored of a document."""
        parts = f"{VERSION} {_rules()} {self.labels} {self.sizes} {item.digest}"
        return sha256(parts.encode()).hexdigest()


class _Pass:
    """One pass over one source."""

    def __init__(self, task: Ingest, summary: Summary) -> None:
        self._task = task
        self._store = task.store
        self._embedder = task.embedder
        self._labels = task.labels
        self._sizes = task.sizes
        self._summary = summary
        self._now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._kept: list[str] = []
        self._drafts: list[Draft] = []
        self._known: set[str] = set()
        """Documents of the batch that the store has in another form."""
        self.more = False
        """Something could not be looked into: nobody knows what is gone."""
        self.number = self._store.begin(summary.source)

    def take(self, item: Found | Skipped) -> None:
        name = _name(item.name)
        if isinstance(item, Skipped):
            self._summary.skip(name, item.why)
            self.more |= item.more
            if item.still_there:
                self._keep(name)
            return
        digest = self._task.digest(item)
        known = self._store.hashes(self._summary.source, [name]).get(name)
        if known == digest:
            self._summary.unchanged += 1
            self._keep(name)
            return
        try:
            self._draft(name, digest, redacted(item.read()))
        except Unreadable as error:
            self._summary.skip(name, str(error))
            if known:  # what it said is gone
                self._store.remove_document(self._summary.source, name)
                self._summary.removed += 1
            return
        if known:
            self._known.add(name)
        if len(self._drafts) >= DOCUMENTS or sum(len(d.entries) for d in self._drafts) >= PASSAGES:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        source = self._summary.source
        if self._kept:
            self._store.keep(source, self.number, self._kept)
        if self._drafts:
            documents, duplicates = complete(self._drafts, self._store, self._embedder)
            self._store.put(source, self.number, documents, self._embedder.name if self._embedder else "")
            for draft in self._drafts:
                self._summary.changed += draft.name in self._known
                self._summary.added += draft.name not in self._known
                self._summary.passages += len(draft.entries)
            for duplicate in duplicates:
                self._summary.duplicate(duplicate)
        self._kept, self._drafts, self._known = [], [], set()

    def _keep(self, name: str) -> None:
        self._kept.append(name)
        if len(self._kept) >= PASSAGES:
            self.flush()

    def _draft(self, name: str, digest: str, page: Page) -> None:
        cut = chunks(page, self._sizes)
        if not cut:
            raise Unreadable(NO_TEXT)
        if page.cut:
            self._summary.cut(name, page.cut)
        seen: Counter[str] = Counter()
        entries = []
        for position, chunk in enumerate(cut):
            seen[chunk.title] += 1
            entries.append(self._entry(name, page, chunk, position, seen[chunk.title]))
        self._drafts.append(Draft(name, digest, tuple(entries)))

    def _entry(self, name: str, page: Page, chunk: Chunk, position: int, count: int) -> KnowledgeEntry:
        """The id stays while the passage keeps its place under its headings, whatever is written there."""
        place = "\0".join((self._summary.source, name, chunk.title, str(count)))
        return KnowledgeEntry(
            id=sha256(place.encode()).hexdigest()[:16],
            type=self._labels.type or page.type,
            title=chunk.title,
            content=chunk.content,
            tags=tuple(dict.fromkeys((*page.tags, *(line(tag).lower() for tag in self._labels.tags)))),
            source=self._summary.source,
            document=name,
            position=position,
            url=page.url,
            licence=page.licence or line(self._labels.licence),
            hash=sha256(f"{chunk.title}\0{chunk.content}".encode()).hexdigest(),
            version=page.version,
            time=page.time or self._now,
        )


def _name(given: str) -> str:
    """The name of a document as it is kept; names that differ in what is left out stay different."""
    name = line(given)
    return name if name == given else f"{name} ({sha256(given.encode('utf-8', 'replace')).hexdigest()[:8]})"


@cache
def _rules() -> str:
    """What else decides what a document becomes: a change of it is a change of every document."""
    return sha256(packaged_text("kubelore.redaction", "rules.yaml").encode()).hexdigest()
