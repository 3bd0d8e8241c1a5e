from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from functools import cache

import numpy as np
import pytest

from kubelore import build
from kubelore.knowledge.matching import (
    NONE_SIGNS,
    PATTERN_SIGNS,
    Matcher,
    packaged_model,
    packaged_tone,
    turns,
)
from kubelore.knowledge.patterns import CauseText, PatternText, pages
from kubelore.packaged import packaged_yaml
from kubelore.patterns.load import load
from kubelore.patterns.question import Reading
from kubelore.types import Evidence


@cache
def matcher() -> Matcher:
    return build.matcher(load())


@pytest.mark.parametrize(
    ("question", "pattern"),
    [
        ("the payments pods are in CrashLoopBackOff since the release", "crashloopbackoff"),
        ("shop-web: ErrImagePull, unauthorized: authentication required", "image_pull_error"),
        ("java heap grows until the container is OOMKilled with exit code 137", "oomkilled"),
        ("0/4 nodes are available: 4 Insufficient memory.", "pending_pod"),
        ("nslookup of our service gives NXDOMAIN inside of the pod", "dns_failure"),
        ("namespace stays in Terminating, finalizers are not removed", "terminating_stuck"),
        ("Multi-Attach error for volume pvc-1234", "volume_mount_error"),
    ],
)
def test_trouble_is_matched_to_its_pattern(question: str, pattern: str) -> None:
    assert [found.pattern for found in matcher().match(question)][:1] == [pattern]


@pytest.mark.parametrize(
    "question",
    [
        "",
        "  ?",
        "how do I install helm?",
        "What is a DaemonSet?",
        "please add an option for the timeout to the chart",
        "good morning, who is on call?",
        "which book about containers do you recommend",
        "pip cannot find a matching distribution for my package",
    ],
)
def test_a_question_of_no_trouble_that_patterns_cover_is_matched_to_nothing(question: str) -> None:
    assert matcher().match(question) == []


def test_probabilities_add_up() -> None:
    found, none = matcher().weigh("pods are evicted for disk pressure")
    assert sum(match.probability for match in found) + none == pytest.approx(1)
    assert found[0].pattern == "evicted_pod"


def test_a_pattern_of_ones_own_needs_no_sayings() -> None:
    own = PatternText(
        "kafka_lag",
        "Kafka consumer lag",
        1,
        ("consumer lag", "offsets"),
        ("Consumers fall behind the topic", "Lag of a consumer group grows"),
        (),
        (CauseText("Too few partitions", ("one partition", "one busy consumer"), "Add partitions"),),
    )
    texts = [*build.pattern_texts(load()), own]
    found = Matcher(texts, lambda question: Reading({}, "trouble", False))
    assert found.match("lag of our kafka consumer group grows")[0].pattern == "kafka_lag"


def test_without_patterns_nothing_is_matched() -> None:
    none = Matcher([], lambda question: Reading({}, "trouble", False))
    assert none.match("CrashLoopBackOff") == []


def test_sayings_are_of_patterns_that_exist_and_are_said_once() -> None:
    sayings = packaged_yaml("kubelore.knowledge", "sayings.yaml")
    assert set(sayings["patterns"]) <= {pattern.id for pattern in load().patterns}
    lines = [line for said in (*sayings["patterns"].values(), sayings["none"]) for line in said]
    assert all(isinstance(line, str) for line in lines)
    assert len(set(sayings["none"])) == len(sayings["none"])


def test_the_packaged_weights_are_of_the_signs_there_are() -> None:
    model = packaged_model()
    assert set(model.patterns) == set(PATTERN_SIGNS)
    assert set(model.none) == set(NONE_SIGNS)
    signs = matcher().signs("pod is pending")
    assert {len(own) for own in signs.patterns} == {len(PATTERN_SIGNS)}
    assert len(signs.patterns) == len(load().patterns)
    assert len(signs.none) == len(NONE_SIGNS)
    assert np.isfinite(signs.none).all()


def test_pages_of_patterns_hold_symptoms_causes_and_fixes() -> None:
    name, page = next(iter(pages(build.pattern_texts(load()))))
    said = "\n".join(block.text for block in page.blocks)
    pattern = load().get(name)
    assert page.type == "pattern"
    assert pattern.symptoms[0] in said
    assert pattern.common_causes[0].fix.text in said


@pytest.mark.parametrize(
    ("settings", "fired"),
    [
        (build.Settings(), ["crashloopbackoff"]),
        (build.Settings(use_knowledge=False), ["crashloopbackoff"]),
        (build.Settings(use_patterns=False), []),
    ],
    ids=["all", "no-knowledge", "no-patterns"],
)
def test_an_investigation_is_taught_what_its_words_fire(settings: build.Settings, fired: list[str]) -> None:
    with closing(build.open_cluster(build.Settings(snapshot="example:healthy"))) as cluster:
        lessons = build.investigator(settings, cluster).teacher.recall(
            "web is in CrashLoopBackOff", Evidence()
        )
    assert [lesson.id for lesson in lessons][:1] == fired


def test_questions_are_matched_without_what_is_slow_to_start() -> None:
    code = (
        "import sys\n"
        "from kubelore import build\n"
        "assert build.matcher(build.library(build.Settings())).match('web crashes in a loop')\n"
        "sys.exit(bool({'numpy', 'tokenizers', 'safetensors'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("question", "pattern"),
    [
        ("search is very slow", "high_resource_usage"),
        ("the bot keeps crashing, what is the cause?", "crashloopbackoff"),
        ("orders cannot reach its database", "service_not_working"),
        ("why does the nightly job never finish?", "job_failed"),
    ],
)
def test_plain_words_of_users_fire(question: str, pattern: str) -> None:
    assert pattern in [found.pattern for found in matcher().match(question, 2)]


@pytest.mark.parametrize(
    "question",
    [
        "npm ERR! missing script: start",
        "terraform destroy hangs at the subnet",
        "could the chart set a priority class?",
        "what is the difference between a Job and a CronJob?",
        "minikube does not start on my windows laptop",
    ],
)
def test_errors_of_other_tools_wishes_and_lessons_fire_nothing(question: str) -> None:
    assert matcher().match(question) == []


@pytest.mark.parametrize(
    "question",
    [
        "what does CrashLoopBackOff mean?",
        "What is OOMKilled",
        "please explain ImagePullBackOff",
        "difference between Evicted and OOMKilled",
    ],
)
def test_who_asks_what_a_word_means_has_no_trouble(question: str) -> None:
    assert matcher().match(question) == []


@pytest.mark.parametrize(
    "question", ["what does CrashLoopBackOff of my pod mean?", "what is killing the pods, OOMKilled?"]
)
def test_who_asks_about_something_of_their_own_has(question: str) -> None:
    assert matcher().match(question) != []


def test_kinds_of_talk_are_lists_of_text_with_a_weight() -> None:
    kinds = packaged_yaml("kubelore.knowledge", "speech.yaml")["kinds"]
    assert all(isinstance(phrase, str) for phrases in kinds.values() for phrase in phrases)
    assert {f"<{kind}>" for kind in kinds} <= packaged_tone().keys()


def test_turns_of_phrase_are_words_pairs_kinds_of_talk_and_beginnings() -> None:
    assert turns("Terraform fails") == {
        "terraform", "fail", "terraform fail", "^terraform", "<provision>", "^<provision>",
    }  # fmt: skip
    assert turns("") == frozenset()
