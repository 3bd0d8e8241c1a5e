"""How pages are cut: along headings, never through code, to a size; and what counts as a near duplicate."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubelore.knowledge.ingest import near
from kubelore.knowledge.ingest.chunks import Chunk, Sizes, chunks
from kubelore.knowledge.ingest.page import Block, Page
from kubelore.knowledge.ingest.readers import markdown as reader

SIZES = Sizes(target=400, least=120, code=1200)
WORDS = "the kubelet evicts pods when a node runs out of memory or disk "


def prose(length: int) -> str:
    return (WORDS * (length // len(WORDS) + 1))[:length].strip()


def cut(text: str, title: str = "Doc") -> list[Chunk]:
    return chunks(Page(title, tuple(reader.blocks(text))), SIZES)


def test_a_small_page_is_one_passage_with_its_headings() -> None:
    assert cut("Intro.\n\n## Meaning\n\nIt is down.\n\n## Mitigation\n\nRestart it.\n") == [
        Chunk("Doc", "Intro.\n\n## Meaning\n\nIt is down.\n\n## Mitigation\n\nRestart it.")
    ]


def test_large_sections_are_passages_named_by_the_headings_above_them() -> None:
    text = (
        f"## Meaning\n\n{prose(300)}\n\n## Fix\n\n### Restart\n\n{prose(300)}\n\n### Scale\n\n{prose(300)}\n"
    )
    assert [chunk.title for chunk in cut(text)] == [
        "Doc > Meaning",
        "Doc > Fix > Restart",
        "Doc > Fix > Scale",
    ]
    assert all("#" not in chunk.content for chunk in cut(text) if chunk.title != "Doc > Fix > Restart")


def test_a_tiny_section_joins_its_neighbour_under_the_heading_they_share() -> None:
    text = f"## Fix\n\n### A\n\nShort.\n\n### B\n\n{prose(200)}\n\n## Other\n\n{prose(300)}\n"
    assert [chunk.title for chunk in cut(text)] == ["Doc > Fix", "Doc > Other"]
    assert "### A\n\nShort.\n\n### B" in cut(text)[0].content


def test_a_heading_without_text_leaves_no_passage() -> None:
    assert cut("## Nothing\n\n## Here\n") == []


def test_a_long_section_is_cut_between_blocks_and_what_announces_code_stays_with_it() -> None:
    code = "\n".join(f"kubectl get pods -n shop-{i}" for i in range(8))
    parts = cut(f"## Fix\n\n{prose(300)}\n\nRun this:\n\n```shell\n{code}\n```\n\n{prose(200)}\n")
    assert [chunk.content[:9] for chunk in parts] == ["the kubel", "Run this:", "the kubel"]
    assert parts[1].content == f"Run this:\n\n```shell\n{code}\n```"


def test_code_is_not_cut_until_it_is_absurdly_long_and_then_at_lines_and_said() -> None:
    long = "\n".join(f"line {i} of a manifest" for i in range(45))
    assert any(long in chunk.content for chunk in cut(f"x\n\n```yaml\n{long}\n```\n"))
    absurd = [f"line {i} of a manifest" for i in range(200)]
    text = "\n".join(absurd)
    parts = cut(f"x\n\n```yaml\n{text}\n```\n")
    assert [f"Part {i} of 4 of a long block:" in chunk.content for i, chunk in enumerate(parts)] == [
        False, True, True, True, True
    ]  # fmt: skip
    assert [
        line for chunk in parts for line in chunk.content.split("\n") if line.startswith("line")
    ] == absurd
    assert all(chunk.content.count("```yaml\n") == 1 for chunk in parts[1:])


def test_prose_lists_and_tables_that_are_too_long_are_cut_at_sentences_items_and_rows() -> None:
    sentences = " ".join(f"Sentence number {i} ends here." for i in range(60))
    parts = cut(sentences)
    assert all(chunk.content.endswith(".") and len(chunk.content) <= SIZES.target for chunk in parts)
    items = "\n".join(f"- item number {i}" for i in range(60))
    parts = cut(items)
    assert all(chunk.content.startswith("- item") for chunk in parts)
    assert "\n".join(chunk.content for chunk in parts) == items


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["heading", "prose", "code", "list"]), st.integers(1, 5), st.integers(0, 1500)
        ),
        max_size=12,
    )
)
def test_nothing_is_lost_and_passages_keep_to_their_size(drawn: list[tuple[str, int, int]]) -> None:
    blocks, words = [], []
    for number, (kind, level, length) in enumerate(drawn):
        own = [f"w{number}x{i}" for i in range(length // 8 + 1)]
        joint = "\n" if kind in ("code", "list") else " "
        text = " ".join(own[:3]) if kind == "heading" else joint.join(own)
        blocks.append(Block(kind, text, level if kind == "heading" else 0))  # type: ignore[arg-type]
        words += [] if kind == "heading" else own
    made = chunks(Page("Doc", tuple(blocks)), SIZES)
    assert re.findall(r"w\d+x\d+", " ".join(c.content for c in made if c)) is not None
    headings = {w for b in blocks if b.kind == "heading" for w in b.text.split()}
    kept = [w for c in made for w in re.findall(r"w\d+x\d+", c.content) if w not in headings]
    assert kept == words
    longest = max((len(b.text) for b in blocks if b.kind == "code"), default=0)
    assert all(len(c.content) <= SIZES.target + min(longest, SIZES.code) + 400 for c in made)


BASE = (
    "When the disk of a node is nearly full, the kubelet begins to evict pods from the node in the order of "
    "their priority. Look at the events of the node and find out which of the volumes is growing. Then move "
    "the largest consumers elsewhere, and tell their owners about it, so that they clean up "
    "`/var/lib` of 3 nodes."
)


def alike(one: str, other: str, titles: tuple[str, str] = ("Disk", "Disk")) -> bool:
    first, second = near.shape(titles[0], one), near.shape(titles[1], other)
    same = first.says_the_same(second)
    assert not same or set(near.keys(first)) & set(near.keys(second)), "says the same but shares no key"
    return same


@pytest.mark.parametrize(
    ("old", "new"), [("nearly full", "almost full"), ("Look at", "Inspect"), ("begins to evict", "evicts")]
)
def test_other_wording_of_the_same_is_a_near_duplicate(old: str, new: str) -> None:
    assert alike(BASE, BASE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("3 nodes", "5 nodes"),
        ("/var/lib", "/var/log"),
        ("is nearly full", "is not nearly full"),
        ("move the largest", "delete the largest"),
        (BASE[100:200], ""),
    ],
)
def test_another_number_name_or_sense_is_no_duplicate(old: str, new: str) -> None:
    assert not alike(BASE, BASE.replace(old, new))


def test_code_must_be_the_same_to_the_letter() -> None:
    code = BASE + "\n\n```shell\nkubectl drain worker\n```"
    assert alike(code, code.replace("nearly", "almost"))
    assert not alike(code, code.replace("drain worker", "cordon worker"))


def test_the_same_words_under_another_title_are_kept() -> None:
    assert alike(BASE, BASE, ("KubeDiskFull", "Kube disk full"))
    assert not alike(BASE, BASE, ("NodeDiskFull", "KubeDiskFull"))
