"""What is kept of the casebook for a quick start: it changes no answer, and is never trusted."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from casebook_recall_test import DISK, OOM, USUAL, case, seen
from casebook_support import book, make, open_store, record
from kubelore.casebook import kept
from kubelore.casebook.catalogue import Catalogue, Section
from kubelore.casebook.index import MAX_COMPARED
from kubelore.casebook.recall import Recall
from kubelore.casebook.states import Judgement
from kubelore.casebook.verify import verify
from kubelore.cases import Entry
from kubelore.errors import StoreError
from kubelore.store.sqlite.cases import SqliteCaseStore
from kubelore.store.sqlite.database import PAGE_BYTES
from kubelore.types import Evidence, PastCase, Vote

FACTS = (OOM, DISK, USUAL, {"pod.waiting": "ImagePullBackOff"}, {"log": "out-of-memory"})
TODAY = seen("cart", *FACTS)
ALWAYS = 1
"""How far behind it must be to be made again."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "c.db"


def evidences() -> Iterator[Evidence]:
    yield from (seen("cart", *facts) for facts in ((OOM, USUAL), (DISK,), FACTS, (FACTS[3], FACTS[4])))


def whole(store: SqliteCaseStore) -> list[Vote]:
    recall = Recall(store.past_cases().taught)
    return [vote for evidence in evidences() for vote in recall.votes("", evidence)]


def quick(store: SqliteCaseStore, far: int = 10**9) -> list[Vote]:
    """By what is kept, and never made again."""
    recall = Recall(kept.catalogue(store, never, failed, far))
    return [vote for evidence in evidences() for vote in recall.votes("", evidence)]


def never() -> SqliteCaseStore:
    raise AssertionError("nothing is to be written")


def failed(error: StoreError) -> None:
    raise AssertionError(error)


def sections(store: SqliteCaseStore) -> list[Section]:
    return list(kept.catalogue(store, never, failed, 10**9).sections)


def changed(rng: random.Random, number: int) -> Entry:
    """One thing that may happen to a case: it comes, is corrected, retires, earns credit, merges."""
    past = case(number, rng.choice(("oom_killed", "disk_full", "bad_image")), *rng.sample(FACTS, 2))
    values = {
        "timestamp": f"2026-03-01T12:{number:02}:00.000Z",
        "root_cause": past.root_cause,
        "object": f"{past.kind}/shop/old",
        "signs": sorted(past.signs),
        "state": rng.choice(("trusted", "trusted", "trusted", "retired", "candidate")),
        "confirmed": rng.random() < 0.5,
        "count": rng.randint(1, 3),
        "credit": float(rng.randint(-4, 2)),
        "source": rng.choice(("", "theirs")),
        "cluster": past.cluster if rng.random() < 0.5 else "c",
        "merged_into": rng.choice(("", "", "", past.id)),
        "lesson": {"fix": f"Mend it {rng.random()}."},
    }
    return Entry(past.id, "2026-03-01T12:00:00.000Z", "ann", "corrected", values)


def history(seed: int, cases: int) -> list[Entry]:
    rng = random.Random(seed)
    return [changed(rng, number) for number in range(cases)]


@pytest.mark.parametrize("seed", range(12))
def test_recall_by_what_is_kept_is_recall_by_all(seed: int, file: Path) -> None:
    rng = random.Random(seed)
    with closing(open_store(file)) as store:
        for _ in range(6):
            store.append([changed(rng, rng.randrange(40)) for _ in range(rng.randint(1, 25))])
            before = quick(store)
            assert before == whole(store)
            if rng.random() < 0.6:
                kept.keep(store, ALWAYS)
                assert quick(store) == before
                old, new = sections(store)
                assert (len(old.segment), len(new.segment)) == (len(store.past_cases().taught), 0)
                assert old.pack() == Section.of(store.past_cases().taught).pack()
        assert whole(store), "some cases must be alike"


def test_every_judgement_reaches_recall_at_once(file: Path) -> None:
    with closing(open_store(file)) as store:
        cases = [record(store, make(n, context=f"c{n}")) for n in range(1, 5)]
        cases.append(record(store, make(5, context="c1")))

        def judge(number: int, **said: Any) -> None:
            book(store).judge(book(store).find(cases[number].id), Judgement(**said))

        def undo(number: int) -> None:
            book(store).undo(book(store).find(cases[number].id))

        judge(0, rating=5)
        judge(1, confirm=True)
        kept.keep(store, ALWAYS)
        steps: list[Callable[[], object]] = [
            lambda: judge(2, cause="disk_full", object="StatefulSet/shop/orders-db"),
            lambda: judge(4, rating=5),  # the same as the first: they merge
            lambda: book(store).retire(book(store).find(cases[1].id)),
            lambda: undo(0),  # the other one teaches in its place
            lambda: undo(1),
            lambda: judge(2, rating=1),
        ]
        evidence = make(9).evidence
        for step in steps:
            step()
            now = Recall(kept.catalogue(store, never, failed)).votes("", evidence)
            assert now == Recall(store.past_cases().taught).votes("", evidence)
            assert now


def test_of_more_alike_cases_than_are_compared_the_same_are_found_however_they_are_divided() -> None:
    same = [case(n, f"cause_{n % 7}", OOM, USUAL) for n in range(MAX_COMPARED + 60)]
    other = [case(1000 + n, "disk_full", DISK, *FACTS[3 : 3 + n % 3]) for n in range(90)]
    rng = random.Random(3)
    everything = rng.sample(same + other, len(same) + len(other))

    def votes(*parts: list[PastCase]) -> list[Vote]:
        known = {case.id: case for part in parts for case in part}
        recall = Recall(Catalogue([Section.of(part) for part in parts], lambda ids: [known[i] for i in ids]))
        return [vote for evidence in evidences() for vote in recall.votes("", evidence)]

    expected = votes(everything)
    assert expected
    for cut in (1, 100, 300):
        assert votes(everything[:cut], everything[cut:]) == expected
    assert votes([], everything[:50], [], everything[50:]) == expected


@pytest.mark.parametrize("seed", range(25))
def test_what_is_damaged_is_made_again_and_changes_no_answer(seed: int, file: Path) -> None:
    rng = random.Random(seed)
    with closing(open_store(file)) as store:
        store.append([changed(rng, number) for number in range(30)])
        kept.keep(store, ALWAYS)
        found = store.derived(kept.NAME)
        assert found is not None
        seq, data = found
        place = rng.randrange(len(data))
        harmed = rng.choice(
            [
                data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :],
                data[:place],
                data[place:],
                b"",
            ]
        )
        store.derive(kept.NAME, seq, harmed)
        assert quick(store) == whole(store)
        Recall(kept.catalogue(store, lambda: open_store(file), failed, ALWAYS))
        assert store.derived(kept.NAME) == found


def test_whatever_page_is_noise_recall_is_right_or_says_that_it_cannot_read(
    file: Path, tmp_path: Path
) -> None:
    with closing(open_store(file)) as store:
        store.append(history(3, 60))
        kept.keep(store, ALWAYS)
        store.append(history(4, 10))
        expected = whole(store)
    right = 0
    pages = file.stat().st_size // PAGE_BYTES
    for page in range(1, pages):
        harmed = Path(shutil.copy(file, tmp_path / f"{page}.db"))
        with harmed.open("r+b") as stream:
            stream.seek(page * PAGE_BYTES)
            stream.write(random.Random(page).randbytes(PAGE_BYTES))
        told: list[StoreError] = []
        with suppress(StoreError), closing(SqliteCaseStore(harmed, read_only=True)) as store:
            recall = Recall(kept.catalogue(store, never, told.append, 10**9))
            found = [vote for evidence in evidences() for vote in recall.votes("", evidence)]
            assert found == expected or told
            right += not told
    assert right > pages / 2, "most pages are others"


def test_what_an_older_kubelore_packed_is_made_again(file: Path) -> None:
    with closing(open_store(file)) as store:
        store.append(history(1, 30))
        kept.keep(store, ALWAYS)
        _, data = store.derived(kept.NAME) or (0, b"")
        store.derive(kept.NAME, 30, data.replace(b"kubelore.catalogue/", b"kubelore.catalogue/0"))
        assert quick(store) == whole(store)


def test_what_was_made_of_another_journal_counts_for_nothing(file: Path, tmp_path: Path) -> None:
    with closing(open_store(file)) as store, closing(open_store(tmp_path / "other.db")) as other:
        for each, seed in ((store, 1), (other, 2)):
            each.append(history(seed, 30))
        kept.keep(other, ALWAYS)
    theirs = sqlite3.connect(tmp_path / "other.db").execute("SELECT * FROM derived").fetchall()
    with closing(sqlite3.connect(file)) as ours, ours:
        ours.executemany("INSERT INTO derived VALUES (?, ?, ?, ?)", theirs)
    with closing(open_store(file)) as store:
        assert store.derived(kept.NAME) is None
        assert quick(store) == whole(store)


def test_verify_sees_what_somebody_made_up(file: Path) -> None:
    with closing(open_store(file)) as store:
        store.append(history(1, 30))
        kept.keep(store, ALWAYS)
        store.append(history(2, 10))
        assert list(verify(store)) == []
        others = Section.of(case(n, "oom_killed", OOM) for n in range(9))
        store.derive(kept.NAME, 30, others.pack())
        assert list(verify(store)) == ["what recall begins with is not what the cases say"]
        store.repair()
        assert list(verify(store)) == []


def test_a_small_casebook_keeps_nothing(file: Path) -> None:
    with closing(open_store(file)) as store:
        record(store, make())
        Recall(kept.catalogue(store, never, failed))
        kept.keep(store)
        assert store.derived(kept.NAME) is None


def test_a_large_one_that_was_read_whole_is_kept_at_once(file: Path) -> None:
    with closing(open_store(file)) as store:
        store.append(history(5, 20))
    with closing(SqliteCaseStore(file, read_only=True)) as store:
        kept.catalogue(store, lambda: open_store(file), failed, ALWAYS)
        assert store.behind(kept.NAME) == 0


def test_a_casebook_that_cannot_be_written_is_recalled_all_the_same(file: Path) -> None:
    def refused() -> SqliteCaseStore:
        raise StoreError("no")

    with closing(open_store(file)) as store:
        store.append(history(5, 20))
        assert Recall(kept.catalogue(store, refused, failed, ALWAYS)).votes("", TODAY)


def test_cases_that_cannot_be_read_later_are_told_and_nothing_ends(file: Path) -> None:
    told: list[StoreError] = []
    store = open_store(file)
    store.append(history(5, 20))
    recall = Recall(kept.catalogue(store, never, told.append))
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("ALTER TABLE investigations RENAME TO gone")
    assert recall.votes("", TODAY) == []
    assert len(told) == 1
    store.close()


def test_a_case_that_somebody_corrected_meanwhile_speaks_for_nothing(file: Path) -> None:
    with closing(open_store(file)) as store:
        store.append(history(5, 20))
        recall = Recall(kept.catalogue(store, never, failed))
        (first, *_) = Recall(store.past_cases().taught).votes("", TODAY)
        store.append(
            [
                Entry(past.id, "2026-03-02T12:00:00.000Z", "bea", "corrected", {"confirmed_cause": "other"})
                for past in first.cases
            ]
        )
        votes = recall.votes("", TODAY)
        assert first.cases[0].id not in {past.id for vote in votes for past in vote.cases}
        assert all(vote.cases for vote in votes)
