"""What the knowledge base teaches an investigation, and where it sends people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from knowledge_search_support import knowledge, passage
from kubelore import build
from kubelore.knowledge.embed import default_embedder
from kubelore.knowledge.lessons import KnowledgeLessons, in_words
from kubelore.knowledge.search import Search
from kubelore.packaged import packaged_yaml
from kubelore.store.sqlite.knowledge.store import SqliteKnowledge
from kubelore.types import CitedFact, Diagnosis, Evidence, Fact, Fix, Observation, Ref
from kubelore.vocabulary import vocabulary
from support import SHARED

RUNBOOKS = SHARED / "runbooks" / "prometheus-operator-runbooks.tar.xz"
WEB = Ref("Deployment", "shop", "web")
LONG = "It is good to know who was asked before, and what they said about it. " * 30

PASSAGES = [
    passage("oom.md", "Killed for memory", "The container is OOMKilled with exit code 137 over and over."),
    passage("oom.md", "Remedy", "Raise the limit, or take a heap dump.", position=1),
    passage("oom.md", "History", LONG, position=2),
    passage("quota.md", "Quota exceeded", "A resource quota of the namespace forbids more pods."),
    passage("zebra.md", "Zebras", "They live in herds.", source="zoo"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteKnowledge]:
    with closing(knowledge(tmp_path_factory.mktemp("lessons") / "k.db", PASSAGES)) as opened:
        yield opened


@pytest.fixture
def lessons(store: SqliteKnowledge) -> KnowledgeLessons:
    causes = {"quota_exceeded": "A ResourceQuota forbids more", "oom_killed": "killed at its memory limit"}
    return KnowledgeLessons(Search(store, default_embedder()), causes)


def cited(*names: str) -> tuple[CitedFact, ...]:
    facts = (name.split("=") for name in names)
    return tuple(CitedFact(Fact(key, value, WEB), 1) for key, value in facts)


def evidence(*names: str) -> Evidence:
    seen = Evidence()
    seen.add(Observation("", facts=tuple(one.fact for one in cited(*names))), 1)
    return seen


def diagnosis(cause: str, *names: str) -> Diagnosis:
    return Diagnosis(cause, WEB, "", cited(*names), Fix(""), 0.9, "high")


def test_a_passage_is_shown_with_what_follows_it_as_far_as_that_is_short(lessons: KnowledgeLessons) -> None:
    shown = lessons.recall("web is OOMKilled with exit code 137", Evidence())[0]
    assert shown.text.startswith("The container is OOMKilled")
    assert "heap dump" in shown.text
    assert "good to know" not in shown.text


def test_the_last_passage_of_a_document_is_shown_alone(lessons: KnowledgeLessons) -> None:
    shown = lessons.recall("resource quota of the namespace forbids more pods", Evidence())[0]
    assert shown.text == PASSAGES[3].entry.content


def test_people_are_sent_to_what_the_diagnosis_means(lessons: KnowledgeLessons) -> None:
    reading = lessons.read_on(diagnosis("quota_exceeded", "create.error=quota"))
    assert [one.title for one in reading] == ["Quota exceeded"]


def test_people_are_sent_nowhere_when_no_document_is_about_it(lessons: KnowledgeLessons) -> None:
    assert lessons.read_on(diagnosis("image_not_found", "pull.error=not-found")) == []


def test_what_healthy_workloads_show_too_is_not_searched_by() -> None:
    seen = evidence("container.memory_limit=none", "workload.replicas=set", "workload.available=none")
    assert in_words(seen) == "workload available none"


def test_everyday_facts_are_facts() -> None:
    for name in packaged_yaml("kubelore.analysis", "everyday.yaml")["facts"]:
        key, _, value = name.partition("=")
        assert key in vocabulary()
        assert not value or vocabulary()[key].allows(value)


@pytest.fixture(scope="module")
def runbooks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeLessons]:
    from kubelore.bench.retrieval.documents import ingest

    class Silent:
        def advance(self, done: int, total: int, what: str) -> None: ...

    file: Path = tmp_path_factory.mktemp("runbooks") / "k.db"
    settings = build.Settings(knowledge=file, use_casebook=False)
    with closing(build.open_knowledge(settings)) as opened:
        ingest(RUNBOOKS, opened, default_embedder(), Silent())
    with build.open_lore(settings) as lore:
        yield next(source for source in lore.sources if isinstance(source, KnowledgeLessons))


@pytest.mark.skipif(not RUNBOOKS.exists(), reason="no runbooks in ../shared")
@pytest.mark.parametrize(
    ("cause", "facts", "first"),
    [
        ("quota_exceeded", ["create.error=quota", "quota.used=full"], "KubeQuotaExceeded"),
        ("insufficient_cpu", ["event=FailedScheduling:insufficient-cpu"], "KubeCPUOvercommit"),
        ("cpu_throttling", ["usage.cpu=at-limit"], "CPU Throttling High"),
        ("job_failed", ["job.failed=BackoffLimitExceeded"], "KubeJobFailed"),
    ],
)
def test_the_runbook_of_the_diagnosis_is_linked_first(
    cause: str, facts: list[str], first: str, runbooks: KnowledgeLessons
) -> None:
    reading = runbooks.read_on(diagnosis(cause, *facts))
    assert [one.title.partition(" > ")[0] for one in reading][:1] == [first]


@pytest.mark.skipif(not RUNBOOKS.exists(), reason="no runbooks in ../shared")
def test_no_runbook_is_linked_where_there_is_none_of_it(runbooks: KnowledgeLessons) -> None:
    seen = ["pull.error=not-found", "pod.waiting=ErrImagePull", "pull.secret=none-named"]
    assert runbooks.read_on(diagnosis("image_not_found", *seen)) == []
