from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge_search_support import knowledge, passage
from kubelore.knowledge.embed import default_embedder
from kubelore.knowledge.search import Search
from kubelore.passages import KnowledgeFilter
from kubelore.store.sqlite.knowledge.store import SqliteKnowledge

RUNBOOKS = [
    passage("oom.md", "KubePodOOM", "The kernel killed a container that used more memory than its limit."),
    passage("crash.md", "KubePodCrashLooping", "A container exits and is started again, CrashLoopBackOff."),
    passage(
        "pull.md", "KubeImagePull", "The image cannot be pulled: registry, tag or credentials are wrong."
    ),
    passage("etcd.md", "etcdNoLeader > Meaning", "The etcd cluster has no leader, writes are refused."),
    passage("etcd.md", "etcdNoLeader > Mitigation", "Bring members of etcd back for a majority.", position=1),
    passage("disk.md", "NodeFilesystem", "The filesystem of a node runs out of space.", tags=("storage",)),
    passage(
        "pvc.md", "PersistentVolume", "A persistent volume claim is full.", tags=("storage",), kind="solution"
    ),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteKnowledge]:
    with_all = knowledge(tmp_path_factory.mktemp("knowledge") / "k.db", RUNBOOKS)
    yield with_all
    with_all.close()


@pytest.fixture
def search(store: SqliteKnowledge) -> Search:
    return Search(store, default_embedder())


def documents(found: object) -> list[str]:
    return [one.entry.document for one in found]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("why is my pod in CrashLoopBackOff", "crash.md"),
        ("pod keeps crash looping", "crash.md"),
        ("container OOMKilled, exit code 137", "oom.md"),
        ("ErrImagePull from our private registry", "pull.md"),
        ("pvc full", "pvc.md"),
        ("etcd lost its majority", "etcd.md"),
        ("machine has no disk space left", "disk.md"),
    ],
)
def test_the_right_document_comes_first(search: Search, question: str, document: str) -> None:
    assert documents(search.find(question))[:1] == [document]


def test_without_an_embedder_it_finds_by_words(store: SqliteKnowledge) -> None:
    found = Search(store).find("etcd has no leader")
    assert documents(found)[0] == "etcd.md"
    assert found[0].cosine is None


@pytest.mark.parametrize("question", ["", "?!", "the", "recipe for a chocolate cake", "日本"])
def test_what_nothing_is_about_finds_nothing(search: Search, question: str) -> None:
    assert search.find(question) == []


def test_each_document_is_found_once(search: Search) -> None:
    found = documents(search.find("etcd members leader majority", limit=5, floor=False))
    assert found.count("etcd.md") == 1
    assert len(found) == 5


def test_filters_hold(search: Search) -> None:
    everything = {"limit": 9, "floor": False}
    assert documents(search.find("volume full", KnowledgeFilter(types=("solution",)), **everything)) == [
        "pvc.md"
    ]  # type: ignore[arg-type]
    assert set(documents(search.find("full", KnowledgeFilter(tags=("storage",)), **everything))) == {  # type: ignore[arg-type]
        "pvc.md",
        "disk.md",
    }
    assert len(search.find("volume full", limit=1)) == 1


def test_a_hit_says_why(search: Search) -> None:
    best = search.find("CrashLoopBackOff of the web pod")[0]
    assert best.words[0] == "crashloopbackoff"
    assert best.cosine is not None
    assert 0 < best.relevance < 1


def test_evidence_finds_what_the_question_does_not_say(search: Search) -> None:
    vague = "payments is not healthy since the release"
    seen = "container last reason OOMKilled, killed for its memory limit"
    assert documents(search.find(vague, floor=False))[0] != "oom.md"
    assert documents(search.find(vague, evidence=seen))[0] == "oom.md"


def test_a_pasted_log_is_searched_by_its_rarest_words(search: Search) -> None:
    log = "\n".join(f"line {number} of noise{number} went by" for number in range(2_000))
    assert documents(search.find(f"{log}\netcd no leader", floor=False))


def test_vectors_of_another_embedder_are_not_compared(store: SqliteKnowledge) -> None:
    from dataclasses import replace

    other = Search(store, replace(default_embedder(), name="other"))
    assert not other.has_vectors
    assert documents(other.find("etcd has no leader"))[0] == "etcd.md"


def test_an_empty_store_finds_nothing(tmp_path: Path) -> None:
    empty = SqliteKnowledge(tmp_path / "empty.db")
    assert Search(empty, default_embedder()).find("CrashLoopBackOff") == []
    empty.close()
