"""A knowledge base of one to six documents answers what they are about, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from knowledge_search_support import knowledge, passage
from kubelore.knowledge.embed import default_embedder
from kubelore.knowledge.search import Search

DOCUMENTS = {
    "postgres": passage(
        "postgres.md",
        "Postgres volume is full",
        "When the data volume of postgres is full, the database goes read-only. Delete old WAL segments, "
        "then enlarge the persistent volume claim and restart the pod.",
    ),
    "lag": passage(
        "lag.md",
        "Consumers lag behind",
        "A consumer group falls behind when one partition gets most messages. Add partitions and scale the "
        "consumer deployment.",
    ),
    "names": passage(
        "names.md",
        "Names do not resolve",
        "If lookups fail in pods, see whether coredns is running and whether the network policy lets port 53 "
        "through.",
    ),
    "drain": passage(
        "drain.md",
        "Drain a worker",
        "Cordon the node, drain it with a grace period, patch the kernel, reboot and uncordon it.",
    ),
    "release": passage(
        "release.md",
        "Release checklist",
        "Deploy to staging, watch the error rate, then deploy to production. To roll back, deploy the tag "
        "before.",
    ),
    "coffee": passage(
        "coffee.md", "Coffee machine", "Descale the machine once a month and clean the milk tube."
    ),
}
SETS = [["postgres"], ["coffee", "names"], ["release", "lag", "drain"], [*DOCUMENTS]]
ASKED = {
    "postgres": ["database became read-only, its disk is full", "WAL fills the volume of postgres"],
    "lag": ["lag of the kafka consumer keeps growing", "messages pile up in one partition"],
    "names": ["pods cannot look up names", "coredns does not answer on port 53"],
    "drain": ["how do I drain a node before a kernel patch", "reboot of a worker"],
    "release": ["roll back a bad deploy", "error rate rises after the release"],
    "coffee": ["the coffee machine must be descaled"],
}
ABOUT_NONE = [
    "the pod is pending because no node has a gpu",
    "hpa does not scale the web service",
    "service account cannot list secrets in the namespace",
    "the cronjob did not run last night",
    "readiness probe of the app fails with status 500",
    "image cannot be pulled, unauthorized",
    "what is the capital of France",
    "recipe for a chocolate cake",
]

Open = Callable[[list[str]], Search]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stores:

        def open_(names: list[str]) -> Search:
            store = knowledge(tmp_path / f"{'-'.join(names)}.db", [DOCUMENTS[name] for name in names])
            return Search(stores.enter_context(closing(store)), default_embedder())

        yield open_


@pytest.mark.parametrize("names", SETS, ids=len)
def test_what_a_document_is_about_is_answered(opened: Open, names: list[str]) -> None:
    search = opened(names)
    for name in names:
        for question in ASKED[name]:
            assert [found.entry.document for found in search.find(question)][:1] == [f"{name}.md"], question


@pytest.mark.parametrize("names", SETS, ids=len)
def test_words_that_everybody_uses_make_no_answer(opened: Open, names: list[str]) -> None:
    search = opened(names)
    assert [question for question in ABOUT_NONE if search.find(question)] == []


@pytest.mark.parametrize("names", SETS[:3], ids=len)
def test_what_only_other_documents_are_about_is_not_answered(opened: Open, names: list[str]) -> None:
    search = opened(names)
    others = [question for name in DOCUMENTS.keys() - set(names) for question in ASKED[name]]
    assert [question for question in others if search.find(question)] == []
