"""Settings to objects: the only place that chooses back ends. Read this to see how the parts fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from kubelore.cases import Forgetting
from kubelore.errors import StoreError, StoreNotOpened, StoreNotWritable, UsageError
from kubelore.types import NotChecked

if TYPE_CHECKING:
    from kubelore.agent.loop import Investigator
    from kubelore.analysis.view import View
    from kubelore.casebook.book import Casebook
    from kubelore.casebook.recall import Recall
    from kubelore.casebook.recorder import Recorder
    from kubelore.cases import Case
    from kubelore.knowledge.ingest.page import Source
    from kubelore.knowledge.lessons import KnowledgeLessons
    from kubelore.knowledge.matching import Matcher
    from kubelore.knowledge.patterns import PatternText
    from kubelore.patterns.load import Library
    from kubelore.patterns.model import Pattern
    from kubelore.protocols import (
        CaseStore,
        Cluster,
        Decider,
        Embedder,
        KnowledgeStore,
        LessonSource,
        Progress,
        Toolbox,
        Voter,
    )
    from kubelore.tools.run_kubectl import Runner
    from kubelore.types import Diagnosis, Investigation, Reading, ToolCall

EXAMPLE = "example:"
SCRIPT = "script:"
KUBECTL_SECONDS = 10.0
MEANT = 0.5
"""Probability above which a question's words say which fault is meant, and not only what to read about."""
RECORDER_WAITS = 0.25
"""Seconds that an investigation is held up by another process that writes to the casebook."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run depends on, read once at the edge."""

    snapshot: str = ""
    """Path of a recording, or `example:NAME`; empty for the live cluster."""
    context: str = ""
    kubeconfig: str = ""
    impersonate: str = ""
    namespace: str = ""
    decider: str = "playbook"
    """`playbook`, `openai`, or `script:PATH`."""
    model: str = ""
    base_url: str = ""
    api_key: str = ""
    max_steps: int = 8
    max_seconds: float = 300.0
    max_tokens: int = 100_000
    embedder: str = ""
    """`static:FOLDER`, `onnx:FOLDER` or `openai:MODEL`; empty for the one that ships with kubelore."""
    patterns_folder: Path | None = None
    """The user's own patterns, beside the built-in ones."""
    casebook: Path | None = None
    """File of the casebook; None for the user's own."""
    knowledge: Path | None = None
    """File of the knowledge base; None for the user's own."""
    use_patterns: bool = True
    use_knowledge: bool = True
    use_casebook: bool = True
    forgetting: Forgetting = field(default_factory=Forgetting)


def open_cluster(settings: Settings) -> Cluster:
    """The recorded or the live cluster. Raises ClusterError."""
    if settings.snapshot:
        from kubelore.cluster import open_snapshot

        return open_snapshot(snapshot_path(settings.snapshot))
    from kubelore.cluster.live import open_live

    return open_live(
        context=settings.context,
        kubeconfig=settings.kubeconfig,
        namespace=settings.namespace,
        impersonate=settings.impersonate,
    )


def snapshot_path(name: str) -> Path:
    """A path as it is, `example:NAME` as the recording that ships with kubelore."""
    if not name.startswith(EXAMPLE):
        return Path(name)
    from kubelore.examples import path

    return path(name.removeprefix(EXAMPLE))


def casebook(settings: Settings, *, read_only: bool = False) -> Casebook:
    """The casebook, in the name of the user who runs this. Raises StoreError. Close its store when done."""
    from kubelore.casebook.book import Casebook
    from kubelore.casebook.place import default_file, user_name
    from kubelore.store.sqlite.cases import SqliteCaseStore

    return Casebook(SqliteCaseStore(settings.casebook or default_file(), read_only=read_only), user_name())


def recorder(settings: Settings) -> Recorder:
    """A listener that puts an investigation on record; one for each."""
    from kubelore.casebook.place import user_name
    from kubelore.casebook.recorder import Recorder

    return Recorder(lambda: _recording(settings), user_name(), embedder(settings), settings.forgetting)


def _recording(settings: Settings) -> CaseStore:
    """The casebook for what no user should wait for."""
    from kubelore.casebook.place import default_file
    from kubelore.store.sqlite.cases import SqliteCaseStore

    return SqliteCaseStore(settings.casebook or default_file(), busy_seconds=RECORDER_WAITS)


def replay(
    settings: Settings, case: Case, bodies: Mapping[int, bytes]
) -> tuple[Investigation, list[ToolCall]]:
    """The question of a recorded case, asked again of what it saw then, with today's patterns and without
    past cases; and the calls that nobody made then. Raises UsageError when nothing of it is kept."""
    from kubelore.analysis.view import View
    from kubelore.casebook.replay import recorded

    cluster, tools = recorded(case, bodies)
    view = View(cluster)
    today = replace(settings, decider="playbook")
    made = investigator_with(today, cluster, tools, lambda: view).investigate(case.query, case.namespace)
    return made, tools.missing


def open_knowledge(settings: Settings, *, read_only: bool = False) -> KnowledgeStore:
    """The knowledge base. Raises StoreError. Close it when done."""
    from kubelore.knowledge.place import default_file
    from kubelore.store.sqlite.knowledge.store import SqliteKnowledge

    return SqliteKnowledge(settings.knowledge or default_file(), read_only=read_only)


def open_searchable(settings: Settings, progress: Progress) -> KnowledgeStore:
    """The knowledge base with today's patterns in it. Raises StoreError. Close it when done."""
    from kubelore.knowledge.ingest.pipeline import Ingest

    with suppress(StoreNotOpened):  # there is none yet, or an empty one
        store = open_knowledge(settings, read_only=True)
        if Ingest(store).is_current(_pattern_pages(settings)):
            return store
        store.close()
    try:
        with closing(open_knowledge(settings)) as store:
            index_patterns(settings, store, progress)
    except StoreNotWritable:
        with suppress(StoreNotOpened):  # patterns of yesterday are better than none
            return open_knowledge(settings, read_only=True)
        raise
    return open_knowledge(settings, read_only=True)


def index_patterns(settings: Settings, store: KnowledgeStore, progress: Progress) -> None:
    """Bring the knowledge base up to today's patterns. Raises StoreError."""
    from kubelore.knowledge.ingest.pipeline import Ingest

    Ingest(store, embedder(settings)).run(_pattern_pages(settings), progress)


def _pattern_pages(settings: Settings) -> Source:
    from kubelore.knowledge.ingest.sources import Pages
    from kubelore.knowledge.patterns import SOURCE, pages

    return Pages(SOURCE, pages(pattern_texts(library(settings))))


def embedder(settings: Settings) -> Embedder:
    """What turns passages and questions into vectors. Raises UsageError, DataError."""
    kind, _, what = settings.embedder.partition(":")
    if not settings.embedder:
        from kubelore.knowledge.embed import default_embedder

        return default_embedder()
    if what and kind == "static":
        from kubelore.knowledge.embed import folder_embedder

        return folder_embedder(Path(what))
    if what and kind == "onnx":
        from kubelore.knowledge.embed_onnx import OnnxEmbedder

        return OnnxEmbedder(Path(what))
    if what and kind == "openai":
        from kubelore.models.embeddings import OpenAIEmbedder
        from kubelore.models.openai import DEFAULT_BASE_URL

        base_url = settings.base_url or DEFAULT_BASE_URL
        return OpenAIEmbedder(what, base_url=base_url, api_key=settings.api_key)
    raise UsageError(
        f"there is no embedder {settings.embedder}", hint="choose static:FOLDER, onnx:FOLDER or openai:MODEL"
    )


def pattern_texts(library: Library) -> list[PatternText]:
    """The patterns as text: what questions are matched to, and pages of the knowledge base."""
    from kubelore.knowledge.patterns import CauseText, PatternText

    return [
        PatternText(
            pattern.id,
            pattern.name,
            pattern.version,
            pattern.triggers,
            pattern.symptoms,
            tuple(step.look_for for step in pattern.investigation_steps),
            tuple(CauseText(c.cause, c.evidence, c.fix.text) for c in pattern.common_causes),
            pattern.references,
        )
        for pattern in library.patterns
    ]


@lru_cache(maxsize=4)
def matcher(library: Library) -> Matcher:
    """What finds the patterns that a question is about. Made once for each library."""
    from kubelore.knowledge.matching import Matcher
    from kubelore.patterns.question import read

    return Matcher(pattern_texts(library), lambda question: read(question, library))


@dataclass(frozen=True, slots=True)
class Lore:
    """What earlier investigations and documents teach this one."""

    library: Library | None = None
    """Patterns other than those of the settings."""
    voter: Voter | None = None
    sources: tuple[LessonSource, ...] = ()
    read_on: Callable[[Diagnosis], Sequence[Reading]] = lambda diagnosis: ()
    not_checked: Callable[[], tuple[NotChecked, ...]] = tuple


@contextmanager
def open_lore(settings: Settings) -> Iterator[Lore]:
    """The casebook and the knowledge base as far as they are there and wanted. What cannot be read teaches
    nothing, and is not checked."""
    with ExitStack() as opened:
        unread: list[NotChecked] = []
        past = _recall(settings, opened, unread)
        documents = _documents(settings, opened, unread)
        yield Lore(
            voter=past,
            sources=(*([_case_lessons(past)] if past else []), *([documents] if documents else [])),
            read_on=documents.read_on if documents else Lore().read_on,
            not_checked=lambda: (*unread, *(documents.not_checked() if documents else ())),
        )


def recall(settings: Settings, store: CaseStore, failed: Callable[[StoreError], None]) -> Recall:
    """What the casebook of `store` teaches, for as long as that is open. Only cases that an answer names are
    read; `failed` hears when they cannot be. Raises StoreError."""
    from kubelore.casebook import kept
    from kubelore.casebook.recall import Recall

    return Recall(kept.catalogue(store, lambda: _recording(settings), failed))


def _recall(settings: Settings, opened: ExitStack, unread: list[NotChecked]) -> Recall | None:
    from kubelore.casebook.place import default_file

    if not settings.use_casebook or not (settings.casebook or default_file()).exists():
        return None

    def failed(error: StoreError) -> None:
        unread.append(NotChecked("past cases", str(error)))

    try:
        store = opened.enter_context(closing(casebook(settings, read_only=True).store))
        return recall(settings, store, failed)
    except StoreError as error:
        failed(error)
        return None


def _case_lessons(past: Recall) -> LessonSource:
    from kubelore.casebook.lessons import CaseLessons

    return CaseLessons(past, _meanings())


def _meanings() -> dict[str, str]:
    """Root causes in words."""
    from kubelore.patterns.check import root_causes

    return {cause.id: cause.meaning for cause in root_causes().values()}


def _documents(settings: Settings, opened: ExitStack, unread: list[NotChecked]) -> KnowledgeLessons | None:
    from kubelore.knowledge.place import default_file

    if not settings.use_knowledge or not (settings.knowledge or default_file()).exists():
        return None
    from kubelore.knowledge.lessons import KnowledgeLessons
    from kubelore.knowledge.search import Search

    try:
        store = opened.enter_context(closing(open_knowledge(settings, read_only=True)))
        return KnowledgeLessons(Search(store, embedder(settings)), _meanings())
    except StoreError as error:
        unread.append(NotChecked("knowledge base", str(error)))
        return None


def library(settings: Settings) -> Library:
    """The pattern library with the user's patterns."""
    return _library(settings.patterns_folder)


@cache
def _library(folder: Path | None) -> Library:
    from kubelore.patterns.load import load

    return load(folder)


def investigator(settings: Settings, cluster: Cluster, lore: Lore | None = None) -> Investigator:
    """Everything one investigation needs. Build a new one for each question."""
    from kubelore.analysis.view import View
    from kubelore.tools.registry import Toolbox as Tools

    view = View(cluster)
    toolbox = Tools(view, kubectl=_kubectl(settings) if cluster.info.live else None)
    return investigator_with(settings, cluster, toolbox, lambda: view, lore=lore)


def investigator_with(
    settings: Settings,
    cluster: Cluster,
    toolbox: Toolbox,
    view: Callable[[], View],
    lore: Lore | None = None,
) -> Investigator:
    """An investigator with tools of one's own. `view` gives what is known of the cluster by now, in which the
    objects that a question names are looked up; a new one when there is more to know. `lore` is what
    teaches beside patterns."""
    from kubelore.agent.loop import Investigator
    from kubelore.agent.opening import Opening
    from kubelore.agent.playbook.decider import Playbook
    from kubelore.agent.prompt import format_pattern, prompt_hash
    from kubelore.agent.subject import Subjects, resolve
    from kubelore.agent.teacher import PatternLessons, Teacher

    lore = lore or Lore()
    everything = lore.library or library(settings)
    patterns = everything.patterns if settings.use_patterns else ()

    @lru_cache(maxsize=1)
    def named(question: str, namespace: str, known: View) -> Subjects:
        return resolve(question, known, namespace)

    def subjects(question: str, namespace: str) -> Subjects:
        return named(question, namespace, view())

    @cache
    def matched(question: str) -> list[tuple[Pattern, float]]:
        return _asked_about(settings, everything, question) if patterns else []

    def read_about(question: str) -> list[Pattern]:
        return [pattern for pattern, _ in matched(question)]

    def meant(question: str) -> list[Pattern]:
        return [pattern for pattern, probability in matched(question) if probability > MEANT]

    playbook = Playbook(patterns, subjects, meant, lore.voter)
    return Investigator(
        cluster=cluster.info,
        toolbox=toolbox,
        decider=_decider(settings, playbook, toolbox, everything),
        teacher=Teacher([PatternLessons(patterns, read_about, format_pattern), *lore.sources]),
        opening=Opening(subjects),
        conclude=playbook.conclude,
        not_checked=lambda: (*cluster.not_checked(), *lore.not_checked()),
        hashes={"patterns": everything.hash if patterns else "", "prompts": prompt_hash()},
        reading=lambda diagnosis: (*_references(diagnosis, patterns), *lore.read_on(diagnosis)),
        max_steps=settings.max_steps,
    )


def _asked_about(settings: Settings, library: Library, question: str) -> list[tuple[Pattern, float]]:
    """The patterns that the words of a question speak for, likeliest first, and how probably; without
    knowledge, their phrases alone tell."""
    from kubelore.agent.teacher import MAX_PATTERNS
    from kubelore.patterns.question import match

    if settings.use_knowledge:
        found = matcher(library).match(question, MAX_PATTERNS)
        return [(library.get(one.pattern), one.probability) for one in found]
    return [(one.pattern, 1.0) for one in match(question, library, limit=MAX_PATTERNS)]


def _references(diagnosis: Diagnosis, patterns: Sequence[Pattern]) -> list[Reading]:
    """The first address that the diagnosis's pattern gives."""
    from kubelore.types import Reading

    named = (pattern for pattern in patterns if pattern.id == diagnosis.pattern)
    return [Reading(pattern.name, where) for pattern in named for where in pattern.references[:1]]


def _kubectl(settings: Settings) -> Runner:
    """The user's kubectl, for what only it can answer (explain, auth can-i)."""
    from kubelore.cluster.live.kubectl import Kubectl

    kubectl = Kubectl.find(settings.context, settings.kubeconfig, settings.impersonate)
    return lambda argv: kubectl.run(*argv, timeout=KUBECTL_SECONDS)


def _decider(settings: Settings, playbook: Decider, toolbox: Toolbox, patterns: Library) -> Decider:
    if settings.decider == "playbook":
        return playbook
    causes = {cause.id: cause.meaning for cause in patterns.root_causes.values()}
    if settings.decider.startswith(SCRIPT):
        from kubelore.agent.scripted import ScriptedDecider, read_script

        return ScriptedDecider(read_script(Path(settings.decider.removeprefix(SCRIPT))), causes)
    if settings.decider != "openai":
        raise UsageError(
            f"there is no decider {settings.decider}", hint="choose playbook, openai or script:PATH"
        )
    from kubelore.agent.model_decider import Limits, ModelDecider
    from kubelore.models.openai import DEFAULT_BASE_URL, OpenAIChat

    model = OpenAIChat(
        settings.model,
        base_url=settings.base_url or DEFAULT_BASE_URL,
        api_key=settings.api_key,
        seconds=settings.max_seconds,
    )
    limits = Limits(seconds=settings.max_seconds, tokens=settings.max_tokens, steps=settings.max_steps)
    return ModelDecider(model, toolbox.describe, causes, limits)
