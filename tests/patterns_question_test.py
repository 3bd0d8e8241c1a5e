"""The words of a question bring up the right patterns, and none when nothing is broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelore.errors import UsageError
from kubelore.patterns.load import load
from kubelore.patterns.question import match, words

LIBRARY = load()


def first(question: str) -> str:
    return match(question, LIBRARY)[0].pattern.id


@pytest.mark.parametrize(
    ("question", "pattern"),
    [
        ("checkout is in CrashLoopBackOff", "crashloopbackoff"),
        ("CHECKOUT IS CRASHLOOPING", "crashloopbackoff"),
        ("the container was OOM-killed again", "oomkilled"),
        ("0/12 nodes are available: 12 Insufficient memory.", "pending_pod"),
        ("image cannot be pulled", "image_pull_error"),
        ("ErrImagePull on every node", "image_pull_error"),
        ("namespace has been stuck in the state Terminating since Monday", "terminating_stuck"),
        ("x.509: certificate has expired", "cert_expired"),
        ("NodeNotReady", "node_not_ready"),
        ("how do I fix exceeded quota: compute", "quota_exceeded"),
    ],
)
def test_a_question_brings_up_its_pattern(question: str, pattern: str) -> None:
    assert first(question) == pattern


@pytest.mark.parametrize(
    "question",
    [
        "How do I create a service of type NodePort?",
        "What is the difference between an Ingress and a LoadBalancer",
        "Add support for structured logs",
        "Deployment vs StatefulSet for a volume",
        "Is it possible to schedule a pod on a node by name",
        "",
        "   ",
        "hello",
        "???",
    ],
)
def test_a_wish_brings_up_nothing(question: str) -> None:
    assert match(question, LIBRARY) == []


def test_a_wish_to_get_rid_of_trouble_is_trouble() -> None:
    assert first("how to debug a service that does not answer") == "service_not_working"


def test_a_wish_beside_trouble_is_trouble() -> None:
    assert first("Pods stay Pending. How can I see why?") == "pending_pod"


def test_at_most_the_asked_number_comes_back_best_first() -> None:
    found = match("pod evicted, node NotReady, pvc unbound, quota exceeded", LIBRARY, limit=3)
    assert len(found) == 3
    assert [m.score for m in found] == sorted((m.score for m in found), reverse=True)
    assert all(m.phrases for m in found)


def test_substring_is_the_rule_of_the_mission() -> None:
    """Triggers anywhere in the question, case ignored, in library order, two at most."""
    found = match("My SERVICE is slow and its image is old", LIBRARY, strategy="substring")
    assert [m.pattern.id for m in found] == ["high_resource_usage", "image_pull_error"]


def test_an_unknown_strategy_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown strategy vibes"):
        match("x", LIBRARY, strategy="vibes")  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", ["words", "substring"])
def test_a_users_trigger_fires_without_phrases(strategy: str, tmp_path: Path) -> None:
    from patterns_load_test import GOOD

    (tmp_path / "lock.yaml").write_text(GOOD.replace("phrases:\n  certain: [stale lock file]\n", ""))
    found = match("we found a stale lock", load(tmp_path), strategy)  # type: ignore[arg-type]
    assert [m.pattern.id for m in found] == ["lock_left_behind"]


@given(st.text(max_size=300))
def test_no_question_raises(question: str) -> None:
    for strategy in ("words", "substring"):
        assert len(match(question, LIBRARY, strategy)) <= 2  # type: ignore[arg-type]


@given(st.sampled_from(["my pod is evicted", "ImagePullBackOff!", "dns does not resolve"]), st.booleans())
def test_case_and_white_space_do_not_matter(question: str, upper: bool) -> None:
    other = f"  {question.lower() if not upper else question.upper()}\n"
    assert [m.pattern.id for m in match(other, LIBRARY)][:1] == [match(question, LIBRARY)[0].pattern.id]


def test_words_fold_inflections_camel_case_and_counts() -> None:
    def roots(text: str) -> list[str]:
        return [forms[0] for forms in words(text)]

    assert roots("scheduled schedules scheduling") == [roots("schedule")[0]] * 3
    assert roots("0/3 12/40") == ["n/n", "n/n"]
    assert {"back", "off"} <= set(words("CrashLoopBackOff")[0])
    assert roots("can't couldn't unable") == roots("cannot cannot cannot")


def test_every_pattern_can_be_brought_up_by_its_own_phrases() -> None:
    for pattern in LIBRARY.patterns:
        for phrase in pattern.phrases.certain + pattern.phrases.strong:
            found = match(f"{phrase} fails", LIBRARY, limit=4)
            assert pattern.id in {m.pattern.id for m in found}, (pattern.id, phrase)
