"""What every back end of `KnowledgeStore` does. A further one is a further parameter of `backend`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from kubelore.errors import StoreError
from kubelore.passages import KnowledgeFilter, Space, Terms
from kubelore.protocols import KnowledgeStore
from kubelore.store.sqlite.knowledge.store import SqliteKnowledge
from kubelore.types import KnowledgeEntry
from store_support import DIMENSION, EMBEDDER, add, contents, document, found, of, passage, vector

Opener = Callable[[], KnowledgeStore]


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Opens the same store again and again."""
    backends: dict[str, Opener] = {"sqlite": lambda: SqliteKnowledge(tmp_path / "knowledge.db")}
    return backends[request.param]


@pytest.fixture
def store(backend: Opener) -> Iterator[KnowledgeStore]:
    with closing(backend()) as opened:
        yield opened


# Documents


def test_what_was_put_comes_back_as_it_was(store: KnowledgeStore) -> None:
    put = passage("Drain it first", title="Nodes > Drain", tags=["node", "drain"], type="solution")
    add(store, of("a.md", put))
    assert store.entries([put.entry.id, "unknown"]) == [put.entry]
    assert store.page(limit=10) == [put.entry]


def test_another_process_sees_what_was_put(store: KnowledgeStore, backend: Opener) -> None:
    add(store, document("a.md", "one"))
    with closing(backend()) as other:
        assert found(other, "one") == ["one"]


def test_a_document_put_again_replaces_what_it_had(store: KnowledgeStore) -> None:
    add(store, document("a.md", "old words", "both times"), document("b.md", "other"))
    number = store.begin("docs")
    store.put("docs", number, [document("a.md", "both times", "new words")])
    assert found(store, "old") == []
    assert found(store, "new") == ["new words"]
    assert found(store, "times") == ["both times"]
    assert found(store, "other") == ["other"]
    assert store.stats().entries == 3


def test_hashes_tell_what_changed_and_what_an_interrupted_pass_has_done(store: KnowledgeStore) -> None:
    number = store.begin("docs")
    store.put("docs", number, [document("a.md", "one", hash="h1")])
    assert store.hashes("docs", ["a.md", "b.md"]) == {"a.md": "h1"}
    assert store.hashes("other", ["a.md"]) == {}


def test_finish_removes_what_the_pass_neither_put_nor_kept(store: KnowledgeStore) -> None:
    add(store, document("a.md", "one"), document("b.md", "two"), document("c.md", "three"))
    add(store, document("a.md", "elsewhere", source="other"), source="other")
    number = store.begin("docs")
    store.keep("docs", number, ["a.md"])
    store.put("docs", number, [document("b.md", "two again")])
    assert store.finish("docs", number) == 1
    assert [e.content for e in store.page(limit=10)] == ["one", "two again", "elsewhere"]
    number = store.begin("docs")
    assert store.finish("docs", number, whole=False) == 0
    assert len(store.page(limit=10)) == 3


def test_two_passes_at_once_do_not_remove_each_others_documents(store: KnowledgeStore) -> None:
    first = store.begin("docs")
    store.put("docs", first, [document("a.md", "one"), document("b.md", "two")])
    second = store.begin("docs")
    store.put("docs", second, [document("a.md", "one"), document("b.md", "two")])
    store.keep("docs", first, ["a.md"])
    assert store.finish("docs", first) == 0
    assert store.finish("docs", second) == 0


def test_what_a_failed_put_began_is_undone(store: KnowledgeStore) -> None:
    add(store, document("a.md", "one"))
    number = store.begin("other")
    clash = of("b.md", passage("two", document="b.md", position=1), passage("three", document="a.md"))
    with pytest.raises(StoreError, match=r"a[.]md#0"):
        store.put("other", number, [clash])
    assert [e.content for e in store.page(limit=10)] == ["one"]
    assert found(store, "two") == []


def test_a_source_removed_meanwhile_is_said(store: KnowledgeStore) -> None:
    number = store.begin("docs")
    store.remove_source("docs")
    with pytest.raises(StoreError, match="removed"):
        store.put("docs", number, [document("a.md", "one")])


def test_removing_a_source_a_document_or_an_entry(store: KnowledgeStore) -> None:
    add(store, document("a.md", "one", "two"), document("b.md", "three"))
    add(store, document("c.md", "four", source="other"), source="other")
    assert store.remove_entry("docs/a.md#1")
    assert not store.remove_entry("docs/a.md#1")
    assert found(store, "two") == []
    assert store.remove_document("docs", "a.md") == 1
    assert store.remove_document("docs", "a.md") == 0
    assert store.remove_source("docs") == 1
    assert [e.content for e in store.page(limit=10)] == ["four"]
    assert [s.name for s in store.sources()] == ["other"]


def test_sources_say_how_much_they_hold(store: KnowledgeStore) -> None:
    add(store, document("a.md", "one", "two"), document("b.md", "three"))
    number = store.begin("begun")
    (docs,) = store.sources()  # what holds nothing is no source yet
    assert (docs.name, docs.documents, docs.entries) == ("docs", 2, 3)
    assert docs.updated
    store.put("begun", number, [document("c.md", "four", source="begun")])
    begun, docs = store.sources()
    assert (begun.name, begun.documents, begun.updated) == ("begun", 1, "")


# Duplicates


def test_an_identical_passage_is_kept_once_and_outlives_the_first_document(store: KnowledgeStore) -> None:
    add(store, document("a.md", "same words"))
    number = store.begin("docs")
    store.put("docs", number, [document("b.md", "same words", "own words")])
    assert (store.stats().entries, store.stats().passages, store.index().passages) == (3, 2, 2)
    assert [h.entry.document for h in store.keywords([["same"]], limit=10)] == ["a.md"]
    store.remove_document("docs", "a.md")
    assert [h.entry.document for h in store.keywords([["same"]], limit=10)] == ["b.md"]


def test_a_near_duplicate_is_an_entry_of_the_passage_that_it_repeats(store: KnowledgeStore) -> None:
    first = passage("restart the pod", near=[1, -2])
    add(store, of("a.md", first), document("c.md", "other"))
    (text, keys), *rest = store.alike([-2, 7])
    assert (text.content, list(keys), rest) == ("restart the pod", [-2], [])
    copy = passage("restart the pod!", document="b.md", same_as=text.hash)
    number = store.begin("docs")
    store.put("docs", number, [of("b.md", copy)])
    assert (store.stats().entries, store.stats().passages) == (3, 2)
    store.remove_document("docs", "a.md")
    assert found(store, "restart") == ["restart the pod"]
    assert store.entries([copy.entry.id])[0].hash == first.entry.hash
    store.remove_document("docs", "b.md")
    assert store.alike([-2]) == []


def test_a_near_duplicate_of_what_is_gone_is_kept_itself(store: KnowledgeStore) -> None:
    add(store, of("b.md", passage("own words", document="b.md", same_as="gone")))
    assert found(store, "own") == ["own words"]


def test_owners_are_the_documents_that_had_a_passage_first(store: KnowledgeStore) -> None:
    add(store, document("a.md", "same words"), document("b.md", "same words"))
    (entry,) = store.entries(["docs/b.md#0"])
    assert store.owners([entry.hash, "unknown"]) == {entry.hash: ("docs", "a.md")}


# Pages and filters


def test_owners_name_the_document_that_had_a_passage_first(store: KnowledgeStore) -> None:
    add(store, document("a.md", "drain the node"))
    add(store, document("b.md", "drain the node", source="wiki"), source="wiki")
    known = document("a.md", "drain the node").passages[0].entry.hash
    assert store.owners([known, "0"]) == {known: ("docs", "a.md")}
    store.remove_source("docs")
    assert store.owners([known]) == {known: ("wiki", "b.md")}


def test_pages_follow_each_other_without_gaps(store: KnowledgeStore) -> None:
    add(store, *(document(f"{name}.md", "x " + name, "y " + name, "z " + name) for name in "cab"))
    everything = store.page(limit=100)
    assert [(e.document, e.position) for e in everything] == [(f"{d}.md", i) for d in "abc" for i in range(3)]
    pages: list[KnowledgeEntry] = []
    after = ""
    while page := store.page(limit=2, after=after):
        pages += page
        after = page[-1].id
    assert pages == list(everything)
    assert store.page(limit=2, after="no such entry") == []


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (KnowledgeFilter(types=("doc",)), {"pod one"}),
        (KnowledgeFilter(types=("solution", "pattern")), {"pod two", "pod three"}),
        (KnowledgeFilter(tags=("dns", "node")), {"pod one", "pod three"}),
        (KnowledgeFilter(sources=("other",)), {"pod three"}),
        (KnowledgeFilter(types=("pattern",), tags=("dns",), sources=("docs",)), set()),
        (KnowledgeFilter(types=("pattern",), tags=("dns",), sources=("other",)), {"pod three"}),
    ],
)
def test_every_way_of_finding_keeps_to_the_filter(
    store: KnowledgeStore, where: KnowledgeFilter, expected: set[str]
) -> None:
    store.use_embedder(EMBEDDER, DIMENSION)
    one = passage("pod one", tags=["node", "a"], vec=vector(1, 1))
    two = passage("pod two", type="solution", document="b.md", vec=vector(1, 2))
    three = passage(
        "pod three", type="pattern", source="other", document="c.md", tags=["dns"], vec=vector(1, 3)
    )
    add(store, of("a.md", one), of("b.md", two), embedder=EMBEDDER)
    add(store, of("c.md", three), source="other", embedder=EMBEDDER)
    assert {e.content for e in store.page(where, limit=10)} == expected
    assert set(contents(store.keywords([["pod"]], where, limit=10))) == expected
    assert set(contents(store.nearest(EMBEDDER, vector(1), where, limit=10))) == expected


def test_the_entry_of_a_shared_passage_that_is_shown_is_one_the_filter_lets_through(
    store: KnowledgeStore,
) -> None:
    add(store, of("a.md", passage("same words")))
    copy = passage("same words", type="solution", source="other", tags=["x"])
    add(store, of("a.md", copy), source="other")
    (hit,) = store.keywords([["same"]], KnowledgeFilter(types=("solution",)), limit=10)
    assert hit.entry == copy.entry


# Words


def test_rarer_words_and_titles_count_more(store: KnowledgeStore) -> None:
    add(
        store,
        *(document(f"{i}.md", f"pod number {i}") for i in range(6)),
        document("rare.md", "pod finalizer"),
        of("title.md", passage("what to do", title="pod finalizer", document="title.md")),
    )
    hits = store.keywords([["pod"], ["finalizer"]], limit=10)
    assert [hit.entry.document for hit in hits[:2]] == ["title.md", "rare.md"]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert hits[1].score > hits[2].score
    assert len(store.keywords([["pod"]], limit=3)) == 3


def test_a_group_finds_any_of_its_forms_and_a_form_with_blanks_is_a_phrase(store: KnowledgeStore) -> None:
    add(
        store,
        document("a.md", "crash loop"),
        document("b.md", "loop then crash"),
        document("c.md", "crashloop"),
    )
    hits = contents(store.keywords([["crashloop", "crash loop"]], limit=10))
    assert sorted(hits) == ["crash loop", "crashloop"]


@pytest.mark.parametrize(
    "word", ["0/3", 'say"so"', "a*b", "NOT", "title:x", "c++", "k8s.io/x-y_z", "ü", "(", "^a"]
)
def test_words_are_found_as_they_are_and_nothing_in_them_is_syntax(store: KnowledgeStore, word: str) -> None:
    add(store, document("a.md", f"before {word} after"), document("b.md", "so b title x z a"))
    assert found(store, word) == [f"before {word} after"]


@pytest.mark.parametrize("groups", [[], [[]], [[""]], [[" "]], [["\0"]], [["absent"]]])
def test_words_that_say_nothing_find_nothing(store: KnowledgeStore, groups: list[list[str]]) -> None:
    add(store, document("a.md", "one"))
    assert store.keywords(groups, limit=10) == []


def test_very_many_words_are_no_error(store: KnowledgeStore) -> None:
    add(store, document("a.md", "w77"))
    assert found(store, *(f"w{i}" for i in range(3000))) == ["w77"]


def test_frequencies_count_passages_without_case(store: KnowledgeStore) -> None:
    add(store, document("a.md", "pod pod"), document("b.md", "a pod"))
    assert store.frequencies(["Pod", "absent"]) == {"Pod": 2, "absent": 0}


def test_terms_are_told_by_the_hashes_of_passages(store: KnowledgeStore) -> None:
    add(store, of("a.md", passage("Pod crashes", title="Why", tags=["pods"], document="a.md")))
    (entry,) = store.page(limit=1)
    assert store.terms([entry.hash, "absent"]) == {entry.hash: Terms("why", "pod crashes", "pods")}


@pytest.fixture
def large_store(store: KnowledgeStore) -> KnowledgeStore:
    """Large enough that the cost of common words matters."""
    many = [document(f"{i}.md", f"pod number{i}") for i in range(2500)]
    few = [of(f"f{i}.md", passage(f"pod few{i}", document=f"f{i}.md", tags=["few"])) for i in range(3)]
    add(store, *many, *few, document("rare.md", "finalizer"))
    return store


def test_in_a_large_store_common_words_do_not_hide_rare_ones(large_store: KnowledgeStore) -> None:
    assert large_store.frequencies(["pod", "finalizer"]) == {"pod": 2503, "finalizer": 1}
    assert contents(large_store.keywords([["pod"], ["finalizer"]], limit=2))[0] == "finalizer"
    assert len(large_store.keywords([["pod"]], limit=5)) == 5


@pytest.mark.parametrize("where", [KnowledgeFilter(), KnowledgeFilter(types=("doc",))])
def test_in_a_large_store_a_common_word_is_found_in_titles_first_wherever_they_are(
    large_store: KnowledgeStore, where: KnowledgeFilter
) -> None:
    add(large_store, of("last.md", passage("what it is", title="Pod", document="last.md")), source="more")
    hits = large_store.keywords([["pod"]], where, limit=5)
    assert hits[0].entry.document == "last.md"
    assert len({hit.entry.document for hit in hits}) == 5


def test_in_a_large_store_a_filter_finds_by_common_words_too(large_store: KnowledgeStore) -> None:
    few = KnowledgeFilter(tags=("few",))
    hits = large_store.keywords([["pod"], ["finalizer"]], few, limit=5)
    assert sorted(contents(hits)) == ["pod few0", "pod few1", "pod few2"]
    broad = KnowledgeFilter(types=("doc",))
    assert contents(large_store.keywords([["pod"], ["few1"]], broad, limit=1)) == ["pod few1"]
    assert len(large_store.keywords([["pod"]], broad, limit=5)) == 5


def test_terms_can_be_made_anew(store: KnowledgeStore) -> None:
    add(store, document("b.md", "pods"), document("a.md", "nodes"))
    assert store.index().analyser == ""
    seen, after = [], ""
    while texts := store.texts(after, limit=1):
        seen += [text.content for text in texts]
        store.analyse({text.hash: Terms("", text.content.removesuffix("s")) for text in texts})
        after = texts[-1].hash
    store.analysed("2")
    assert sorted(seen) == ["nodes", "pods"]
    assert (found(store, "pod"), found(store, "pods")) == (["pods"], [])
    assert store.index().analyser == "2"


# Vectors


def spaces(store: KnowledgeStore) -> tuple[Space | None, Space | None]:
    return store.index().space, store.index().next_space


def with_vectors(store: KnowledgeStore, embedder: str = EMBEDDER) -> None:
    store.use_embedder(embedder, DIMENSION)
    passages = [
        passage("east", vec=vector(1, 0), position=0),
        passage("north", vec=vector(0, 1), position=1),
        passage("northeast", vec=vector(1, 1), position=2),
        passage("nowhere", vec=vector(), position=3),
        passage("not embedded", position=4),
    ]
    add(store, of("a.md", *passages), embedder=embedder)


def test_nearest_gives_cosines_best_first_and_leaves_out_what_has_no_vector(store: KnowledgeStore) -> None:
    with_vectors(store)
    hits = store.nearest(EMBEDDER, vector(1, 0.1), limit=10)
    assert contents(hits) == ["east", "northeast", "north"]
    assert [hit.score for hit in hits] == pytest.approx([0.995, 0.774, 0.0995], abs=1e-3)
    assert contents(store.nearest(EMBEDDER, vector(0, 1), limit=1)) == ["north"]


def test_a_filter_that_lets_few_through_finds_them_among_many_nearer_ones(store: KnowledgeStore) -> None:
    store.use_embedder(EMBEDDER, DIMENSION)
    near = [passage(f"near {i}", document="a.md", position=i, vec=vector(1, i / 1000)) for i in range(300)]
    far = passage("far", document="b.md", tags=["few"], vec=vector(-1, 1))
    add(store, of("a.md", *near), of("b.md", far), embedder=EMBEDDER)
    assert contents(store.nearest(EMBEDDER, vector(1), KnowledgeFilter(tags=("few",)), limit=5)) == ["far"]
    assert contents(store.nearest(EMBEDDER, vector(1), KnowledgeFilter(tags=("none",)), limit=5)) == []


def test_nearest_agrees_with_a_plain_product_over_many(store: KnowledgeStore) -> None:
    random = np.random.default_rng(7)
    matrix = random.standard_normal((700, DIMENSION)).astype(np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    store.use_embedder(EMBEDDER, DIMENSION)
    documents = [
        of(f"{i}.md", passage(f"text {i}", document=f"{i}.md", vec=row)) for i, row in enumerate(matrix)
    ]
    add(store, *documents, embedder=EMBEDDER)
    number = store.begin("docs")
    store.keep("docs", number, [f"{i}.md" for i in range(700) if i % 3])
    store.finish("docs", number)
    assert store.index().passages == store.stats().passages == 466
    hits = store.nearest(EMBEDDER, matrix[1], limit=20)
    expected = [i for i in np.argsort(-(matrix @ matrix[1])) if i % 3][:20]
    assert contents(hits) == [f"text {i}" for i in expected]


def test_the_place_of_a_removed_vector_is_clean_when_it_is_used_again(store: KnowledgeStore) -> None:
    with_vectors(store)
    store.remove_document("docs", "a.md")
    number = store.begin("docs")
    store.put("docs", number, [document("b.md", *(f"text {i}" for i in range(9)))])
    assert store.nearest(EMBEDDER, vector(1, 1), limit=10) == []


def test_vectors_can_come_later_and_in_batches(store: KnowledgeStore) -> None:
    store.use_embedder(EMBEDDER, DIMENSION)
    add(store, document("a.md", "one", "two", "three"))
    while missing := store.unembedded(EMBEDDER, limit=2):
        store.embed(EMBEDDER, {text.hash: vector(1, len(text.content)) for text in missing})
    assert len(store.nearest(EMBEDDER, vector(1), limit=10)) == 3


def test_a_new_embedder_takes_over_when_nothing_is_missing_and_spaces_never_mix(
    store: KnowledgeStore,
) -> None:
    with_vectors(store)
    store.embed(EMBEDDER, {text.hash: vector(1, 9) for text in store.unembedded(EMBEDDER, limit=9)})
    store.use_embedder("other", 3)
    searched, following = spaces(store)
    assert searched is not None
    assert following is not None
    assert (searched.embedder, searched.missing) == (EMBEDDER, 0)
    assert (following.embedder, following.dimension, following.missing) == ("other", 3, 5)
    made = np.array([0, 0, 1], dtype=np.float32)
    first = store.unembedded("other", limit=4)
    store.embed("other", {text.hash: made for text in first})
    store.use_embedder("other", 3)  # again, after an interruption
    assert contents(store.nearest(EMBEDDER, vector(1), limit=1)) == ["east"]
    with pytest.raises(StoreError, match="letters/1"):
        store.nearest("other", made, limit=1)
    (last,) = store.unembedded("other", limit=4)
    store.embed("other", {last.hash: made, "gone": made})
    assert len(store.nearest("other", made, limit=10)) == 5
    assert store.unembedded(EMBEDDER, limit=10) == []
    with pytest.raises(StoreError, match="vectors of other"):
        store.nearest(EMBEDDER, vector(1), limit=1)


def test_going_back_to_the_old_embedder_gives_the_new_one_up(store: KnowledgeStore) -> None:
    with_vectors(store)
    store.use_embedder("other", 3)
    store.use_embedder(EMBEDDER, DIMENSION)
    searched, following = spaces(store)
    assert searched is not None
    assert (searched.embedder, following) == (EMBEDDER, None)
    assert contents(store.nearest(EMBEDDER, vector(1), limit=1)) == ["east"]


def test_what_is_put_while_the_embedder_changes_is_found_by_the_new_one(store: KnowledgeStore) -> None:
    with_vectors(store)
    store.use_embedder("other", DIMENSION)
    number = store.begin("docs")
    late = passage("late", document="b.md", vec=vector(0, 0, 1))
    store.put("docs", number, [of("b.md", late)], "other")
    assert "late" not in contents(store.nearest(EMBEDDER, vector(0, 0, 1), limit=10))
    missing = store.unembedded("other", limit=10)
    assert "late" not in {text.content for text in missing}
    store.embed("other", {text.hash: vector(1) for text in missing})
    assert contents(store.nearest("other", vector(0, 0, 1), limit=1)) == ["late"]


def test_removing_the_last_passage_without_a_vector_lets_the_new_embedder_take_over(
    store: KnowledgeStore,
) -> None:
    with_vectors(store)
    store.use_embedder("other", 3)
    store.remove_source("docs")
    searched, following = spaces(store)
    assert searched is not None
    assert (searched.embedder, following) == ("other", None)


def test_vectors_of_another_length_or_without_numbers_are_refused(store: KnowledgeStore) -> None:
    store.use_embedder(EMBEDDER, DIMENSION)
    for bad in (np.ones(3, dtype=np.float32), np.full(DIMENSION, np.nan, dtype=np.float32)):
        number = store.begin("docs")
        with pytest.raises(StoreError, match="vector"):
            store.put("docs", number, [of("a.md", passage("one", vec=bad))], EMBEDDER)
    with pytest.raises(StoreError, match="dimensions"):
        store.use_embedder(EMBEDDER, DIMENSION + 1)
    with pytest.raises(StoreError):
        store.nearest(EMBEDDER, np.ones(3, dtype=np.float32), limit=1)


def test_vectors_of_an_embedder_nobody_uses_are_left_out(store: KnowledgeStore) -> None:
    add(store, of("a.md", passage("one", vec=vector(1))), embedder="unknown")
    assert spaces(store) == (None, None)
    assert store.unembedded("unknown", limit=10) == []
    store.use_embedder(EMBEDDER, DIMENSION)
    assert [text.content for text in store.unembedded(EMBEDDER, limit=10)] == ["one"]


# Health


def test_a_sound_store_has_no_problems_and_repairing_it_changes_no_answer(store: KnowledgeStore) -> None:
    with_vectors(store)
    before = (found(store, "east"), contents(store.nearest(EMBEDDER, vector(1), limit=9)))
    assert store.problems() == []
    assert store.repair()
    assert store.problems() == []
    assert (found(store, "east"), contents(store.nearest(EMBEDDER, vector(1), limit=9))) == before


def test_an_empty_store_answers_everything(store: KnowledgeStore) -> None:
    assert store.page(limit=1) == []
    assert found(store, "x") == []
    assert store.texts("", limit=1) == []
    assert store.sources() == []
    assert store.stats().entries == 0
    assert store.problems() == []
    with pytest.raises(StoreError):
        store.nearest(EMBEDDER, vector(1), limit=1)
    store.use_embedder(EMBEDDER, DIMENSION)
    assert store.nearest(EMBEDDER, vector(1), limit=1) == []
