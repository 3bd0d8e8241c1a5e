from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelore.knowledge.analyse import in_kinds, prose, query_terms, related_terms, stem, terms
from kubelore.packaged import packaged_yaml


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CrashLoopBackOff", ["crashloopbackoff", "crash", "loop", "backoff"]),
        ("ImagePullBackOff", ["imagepullbackoff", "pull", "backoff"]),
        ("KubePodCrashLooping", ["kubepodcrashloop", "pod", "crash", "loop"]),
        ("exit code 137", ["exit", "137", "oom"]),
        ("0/3 nodes are available", ["0ofn", "nod"]),
        ("kube-proxy", ["kubeproxy", "proxy"]),
        ("container_memory_working_set_bytes", ["container", "memory"]),
        ("/etc/resolv.conf", ["etcresolvconf", "resolv", "configurat"]),
        ("--feature-gates", ["featuregat", "gat"]),
        ("x509 5xx", ["x509", "5xx"]),
    ],
)
def test_names_are_found_whole_and_in_parts(text: str, words: list[str]) -> None:
    found = terms(text)
    assert [word for word in words if word not in found and stem(word) not in found] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sts", "StatefulSet"),
        ("pvc", "persistent volume claim"),
        ("k8s", "Kubernetes"),
        ("0/3", "0/7"),
        ("NotReady", "not-ready"),
        ("scheduling", "scheduled"),
        ("evicted", "eviction"),
        ("cannot connect", "cannot connection"),
    ],
)
def test_the_same_thing_said_otherwise_has_a_word_in_common(one: str, other: str) -> None:
    assert set(terms(one)) & set(terms(other))


def test_words_that_say_nothing_are_left_out_but_abbreviations_are_not() -> None:
    assert query_terms("what is the reason for this") == ["reason"]
    assert query_terms("the AM pods")[0] == query_terms("Alertmanager")[0]


def test_words_of_like_meaning_are_known_by_the_roots_that_texts_have() -> None:
    assert set(terms("node")) <= set(related_terms(*terms("worker")))
    assert set(terms("worker")) <= set(related_terms(*terms("nodes")))
    assert related_terms("nonsense") == ()


def test_the_word_lists_hold_words_in_lower_case() -> None:
    lists = packaged_yaml("kubelore.knowledge", "words.yaml")
    said = [*lists["stop"], *(word for words in lists["same"].values() for word in words)]
    said += [word for group in lists["related"] for word in group]
    assert [word for word in said if not isinstance(word, str) or word != word.lower()] == []


def test_prose_writes_names_apart_and_abbreviations_out() -> None:
    assert prose("CrashLoopBackOff of the sts") == "crash loop back off of the stateful set"


@given(st.text())
def test_any_text_becomes_words_of_letters_and_digits(text: str) -> None:
    assert all(word and word.isalnum() for word in terms(text))
    prose(text)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("errors on eth0", "network interface"),
        ("dial tcp 10.0.0.4:2379: connect: connection refused", "etcd"),
        ("md2: [UU_] one disk gone", "raid array degraded"),
        ("accept: too many open files", "file descriptor limit"),
        ("web: 7 desired, 4 available", "replicas mismatch"),
    ],
)
def test_names_and_numbers_tell_what_they_are_of(question: str, told: str) -> None:
    assert in_kinds(question).endswith(told)


def test_addresses_hosts_and_hashes_are_not_asked_for() -> None:
    asked = in_kinds("ip-10-2-33-4.eu-central-1.compute.internal 10.2.33.4 3f1c9aa07be24d11 is down")
    assert asked.split() == ["is", "down"]
    assert in_kinds("the pod is down") == "the pod is down"
