"""The words of a text or question, as the keyword search compares them.

A word is kept whole and in parts: `CrashLoopBackOff` is crashloopbackoff, crash, loop, backoff; `kube-proxy`
is kubeproxy, kube, proxy; `0/3` and `0/5` are one word. Inflections and the different names of one thing
(`words.yaml`) are folded. Documents and questions must go through the same version of this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from kubelore.packaged import packaged_yaml

RULES = 1
"""Version of what this module does; `version` adds that of the word lists."""
LONGEST = 40
"""Letters; what is longer is a hash, a token or a line of base64, and nobody types it."""

_NAME = re.compile(r"[^\W_]+(?:(?:[._/:@-]+|'(?=[a-z]))[^\W_]+)*")
_PART = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*[a-z]*|\d+[a-z]*|[^\W\d_A-Za-z]+")
_COUNT = re.compile(r"(\d+)/(\d+)")
_VOWEL = re.compile("[aeiouy]")

Roots = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Lexicon:
    version: int
    stop: frozenset[str]
    same: Mapping[str, str]
    phrases: Mapping[str, tuple[tuple[Roots, str], ...]]
    """By first root: (all roots, root that they stand for)."""
    spelled: Mapping[str, str]
    """A word written as several."""
    related: Mapping[str, tuple[str, ...]]
    looks: tuple[tuple[re.Pattern[str], str], ...]
    """(what something looks like, words for it)."""
    nameless: re.Pattern[str]


@cache
def _lexicon() -> _Lexicon:
    data = packaged_yaml("kubelore.knowledge", "words.yaml")
    same = {variant: word for word, variants in data["same"].items() for variant in variants}

    def root(word: str) -> str:
        return stem(same.get(word, word))

    phrases: dict[str, list[tuple[Roots, str]]] = {}
    for word, variants in data["phrases"].items():
        for variant in variants:
            roots = tuple(root(part) for part in variant.split())
            phrases.setdefault(roots[0], []).append((roots, root(word)))
    related: dict[str, dict[str, None]] = {}
    for group in data["related"]:
        roots = tuple(root(word) for word in group)
        for one in roots:
            related.setdefault(one, {}).update(dict.fromkeys(other for other in roots if other != one))
    return _Lexicon(
        data["version"],
        frozenset(data["stop"]),
        same,
        {first: tuple(found) for first, found in phrases.items()},
        {word: variants[0] for word, variants in data["phrases"].items() if word not in data["meanings"]},
        {one: tuple(others) for one, others in related.items()},
        tuple((re.compile(look), words) for look, words in data["looks"].items()),
        re.compile(data["nameless"]),
    )


def version() -> str:
    """Of the rules and the word lists: what another version made of texts compares with nothing."""
    return f"{RULES}.{_lexicon().version}"


def terms(text: str) -> list[str]:
    """All words of a text in order, as often as they occur, of letters and digits only; what several of
    them stand for comes last."""
    found = [root for name in _NAME.findall(text) for root in _forms(name)]
    return found + list(_stood_for(found))


def in_kinds(question: str) -> str:
    """The question with what its names and numbers tell (`eth0`: network interface; `:2379`: etcd), and
    without addresses, hosts and hashes."""
    lexicon = _lexicon()
    told = [words for look, words in lexicon.looks if look.search(question)]
    return " ".join([lexicon.nameless.sub(" ", question), *told])


def query_terms(text: str) -> list[str]:
    """The words that a question is asked by, each once. A number below 100 is how much of something."""
    return [word for word in dict.fromkeys(terms(text)) if not (len(word) < 3 and word.isdigit())]


def related_terms(word: str) -> tuple[str, ...]:
    """What documents may say instead of a word that is asked for."""
    return _lexicon().related.get(word, ())


def prose(text: str) -> str:
    """The text as a model of prose reads it best: lower case, names apart (`crash loop back off`),
    abbreviations written out, no punctuation."""
    return " ".join(word for name in _NAME.findall(text) for word in _spelled(name))


@lru_cache(maxsize=50_000)
def _forms(name: str) -> Roots:
    count = _COUNT.fullmatch(name)
    if count:
        return ("0ofn" if int(count[1]) == 0 else "nofn",)
    parts = _parts(name)
    lexicon = _lexicon()
    stop = frozenset() if name.isupper() else lexicon.stop  # AM is no "am"
    words = ["".join(parts), *parts] if len(parts) > 1 else parts
    kept = (lexicon.same.get(word, word) for word in words if word not in stop and len(word) <= LONGEST)
    return tuple(dict.fromkeys(stem(word) for word in kept))


@lru_cache(maxsize=50_000)
def _spelled(name: str) -> Sequence[str]:
    lexicon = _lexicon()
    parts = _parts(name)
    whole = "".join(parts)
    words = [whole] if whole in lexicon.same else parts
    known = (lexicon.same.get(word, word) for word in words)
    return [lexicon.spelled.get(word, word) for word in known]


def _parts(name: str) -> list[str]:
    return [part.lower() for part in _PART.findall(name.replace("'", ""))]


def _stood_for(roots: Sequence[str]) -> Iterable[str]:
    """`out of memory` is oom."""
    phrases = _lexicon().phrases
    for at, root in enumerate(roots):
        for wanted, word in phrases.get(root, ()):
            if tuple(roots[at : at + len(wanted)]) == wanted:
                yield word


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The word without its inflection: schedule, schedules, scheduled and scheduling are one."""
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    root = _singular(word)
    root = root[:-2] if root.endswith("ly") and len(root) > 5 else root
    for ending, instead in (("ization", "iz"), ("ation", "at"), ("ing", ""), ("ied", "y"), ("ed", "")):
        bare = root.removesuffix(ending)
        if bare != root and len(bare) >= 3 and _VOWEL.search(bare):
            root = bare + instead
            if not instead and root[-1] == root[-2] and root[-1] not in "lsz":
                root = root[:-1]
            break
    else:
        root = root[:-3] if root.endswith(("tion", "sion")) and len(root) > 6 else root
    return root[:-1] if root.endswith("e") and len(root) > 3 else root


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
