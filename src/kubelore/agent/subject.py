"""What a question is about: the namespaces and objects that its words name, misspelt or not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from itertools import pairwise

from kubelore.analysis.view import WORKLOAD_KINDS, View, ref_of
from kubelore.knowledge.analyse import stem
from kubelore.packaged import packaged_yaml
from kubelore.types import Ref

NAMED_KINDS = (
    "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Pod", "ReplicaSet", "Service", "Ingress",
    "PersistentVolumeClaim", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget",
    "ResourceQuota", "ConfigMap", "Secret", "ServiceAccount", "Node", "PersistentVolume", "StorageClass",
    "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "APIService",
)  # fmt: skip
"""Kinds a question may name, likeliest first."""

STANDING = NAMED_KINDS[:3]
"""Kinds of workloads that run all the time."""

LABEL = re.compile(r"""\b([a-z_]+)\s*[=:]\s*["']?([a-z0-9][a-z0-9.-]*)["']?""")
TOKEN = re.compile(r"[a-z0-9](?:[a-z0-9._/-]*[a-z0-9])?")
NAMESPACE_BEFORE = re.compile(r"([a-z0-9][a-z0-9-]*)['\"`]?\s+(?:namespace|ns)\b")
NAMESPACE_AFTER = re.compile(r"(?:\bnamespace|\bns|-n|--namespace)[ =:]+['\"`]?([a-z0-9][a-z0-9-]*)")
PLACE = re.compile(r"\b(?:in|inside|within|of|for|on)\s+(?:the\s+|our\s+|my\s+)?['\"`]?([a-z0-9][a-z0-9-]*)")
CLOSE_ENOUGH = 0.82
"""SequenceMatcher ratio from which a word counts as a misspelt name."""
MAX_OBJECTS = 6
SURELY = 0.9
"""Certainty from which an object is surely meant."""
MAX_INSIDE = 12
"""Workloads beyond which one is only looked into when its name has to do with the question."""
STEM = 4
"""Letters that two words of like meaning begin with."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One object the question may be about; `certainty` from 0 to 1."""

    ref: Ref
    certainty: float


@dataclass(frozen=True, slots=True)
class Subjects:
    """What the question names, surest first. No `objects` means: the namespaces as a whole."""

    namespaces: tuple[str, ...]
    objects: tuple[Subject, ...]
    inside: tuple[Ref, ...] = ()
    """Where no object is named, workloads that the question may be about, the likeliest first."""
    stems: frozenset[str] = frozenset()
    """Of the words of the question that may be a part of a name."""

    @property
    def weak(self) -> bool:
        """Words of the question are like names, but no name."""
        return all(subject.certainty < SURELY for subject in self.objects)


@dataclass(frozen=True, slots=True)
class Words:
    kinds: dict[str, str]
    labels: frozenset[str]
    namespace_labels: frozenset[str]
    ordinary: frozenset[str]
    platform: re.Pattern[str]
    """Of namespaces."""
    environments: tuple[frozenset[str], ...]
    """Words for one stage of delivery."""


@cache
def _vocabulary() -> Words:
    data = packaged_yaml("kubelore.agent", "words.yaml")
    return Words(
        kinds=data["kinds"],
        labels=frozenset({*data["labels"], *data["kinds"]}),
        namespace_labels=frozenset(data["namespace_labels"]),
        ordinary=frozenset(data["ordinary"].split()),
        platform=re.compile("|".join(data["platform"])),
        environments=tuple(map(frozenset, data["environments"])),
    )


def resolve(question: str, view: View, namespace: str = "") -> Subjects:
    """Find the namespaces and objects that the question's words name.

    `namespace` (from `-n`) restricts the search; otherwise a namespace named in the question prefers
    its objects.
    """
    text = question.lower()
    namespaces = [namespace] if namespace else _named_namespaces(text, view)
    words = _words(_without_namespaces(text, namespaces))
    kinds = {kind for w in words if (kind := _kind_word(w))}
    labelled = {value for key, value in LABEL.findall(text) if key in _vocabulary().labels}
    squashed = {_squash(w) for w in words}
    hosts = _hosts(view)
    found: dict[Ref, float] = {}
    for ref in (*_names(view, namespace), *_custom_names(view, namespace, words)):
        certainty = 1.0 if hosts.get(ref, set()) & set(words) else _certainty(ref, words, labelled)
        if certainty <= 0:
            continue
        certainty += 0.1 if ref.kind in kinds else 0.0
        if namespaces and ref.namespace:
            certainty += 0.15 if ref.namespace in namespaces else -0.5
        elif ref.namespace and _squash(ref.namespace) in squashed:
            certainty += 0.05
        certainty += _stage(ref.namespace, words)
        target = _workload(ref, view)
        found[target] = max(found.get(target, 0.0), certainty)
    best = max(found.values(), default=0.0)
    likely = [r for r, c in found.items() if c >= max(0.5, best - 0.25)]
    likely.sort(key=lambda r: (-found[r], _kind_order(r), r))
    objects = [Subject(r, min(1.0, found[r])) for r in likely]
    stems = frozenset(stem(w) for w in words if len(w) >= STEM and w not in _vocabulary().ordinary)
    inside = () if objects else _inside(namespaces, view, stems)
    return Subjects(tuple(namespaces), tuple(objects[:MAX_OBJECTS]), inside, stems)


def _stage(namespace: str, words: Iterable[str]) -> float:
    """`bidder in staging` is not the one of `ads-prod`."""
    asked = [group for group in _vocabulary().environments if not group.isdisjoint(words)]
    here = [group for group in _vocabulary().environments if not group.isdisjoint(namespace.split("-"))]
    return 0.0 if not asked or not here else 0.1 if asked[0] in here else -0.3


def akin(stems: Iterable[str], ref: Ref) -> bool:
    """Whether a part of a name, or of its namespace, begins as a word of the question does."""
    parts = {stem(part) for part in (*ref.name.lower().split("-"), *ref.namespace.split("-"))}
    return any(
        min(len(a), len(b)) >= STEM and (a.startswith(b) or b.startswith(a)) for a in stems for b in parts
    )


def is_platform(namespace: str) -> bool:
    """Whether it holds what serves the others: of the cluster itself, or of those who run it."""
    return _vocabulary().platform.fullmatch(namespace) is not None


def _inside(namespaces: Sequence[str], view: View, stems: Iterable[str]) -> tuple[Ref, ...]:
    """One that is called as its namespace first, then what runs as Deployments."""
    where = namespaces or [n for n in view.namespaces() if not is_platform(n)]
    found = [ref_of(o) for n in where for kind in STANDING for o in view.all(kind, n)]
    meant = {ref for ref in found if akin(stems, ref)}
    ranked = sorted(
        found if len(found) <= MAX_INSIDE else meant,
        key=lambda r: (r not in meant, r.name != r.namespace, _kind_order(r), r),
    )
    return tuple(ranked)


def _named_namespaces(text: str, view: View) -> list[str]:
    known = set(view.namespaces())
    labels = _vocabulary().namespace_labels
    named = [value for key, value in LABEL.findall(text) if key in labels]
    named += NAMESPACE_BEFORE.findall(text) + NAMESPACE_AFTER.findall(text)
    named += [w.split("/", 1)[0] for w in _words(text) if "/" in w]
    sure = [n for n in dict.fromkeys(named) if n in known]
    if sure:
        return sure
    words = set(TOKEN.findall(text))
    whole = [n for n in sorted(known) if "-" in n and words.issuperset(n.split("-"))]
    places = dict.fromkeys(PLACE.findall(text))
    return whole or [w for w in places if w in known and w not in _vocabulary().ordinary]


def _without_namespaces(text: str, namespaces: Sequence[str]) -> str:
    """Where a word is said to be a namespace it names no object too: `the blog namespace`, `in blog`."""
    for pattern in (NAMESPACE_BEFORE, NAMESPACE_AFTER, PLACE):
        text = pattern.sub(lambda m: m[0].replace(m[1], " ") if m[1] in namespaces else m[0], text)
    return text


def _words(text: str) -> list[str]:
    """Tokens of the question, slash pairs kept and split, two and three neighbours joined by a dash."""
    tokens = TOKEN.findall(text)
    split = [part for t in tokens if "/" in t for part in t.split("/") if part]
    plain = [t for t in tokens if "/" not in t]
    pairs = [f"{a}-{b}" for a, b in pairwise(plain)]
    triples = [f"{a}-{c}" for a, c in zip(pairs, plain[2:], strict=False)]
    return list(dict.fromkeys(tokens + split + pairs + triples))


def _kind_word(word: str) -> str | None:
    kinds = _vocabulary().kinds
    return kinds.get(word) or kinds.get(word.removesuffix("s"))


def _names(view: View, namespace: str) -> Iterator[Ref]:
    for kind in NAMED_KINDS:
        for obj in view.all(kind):
            ref = ref_of(obj)
            if not namespace or not ref.namespace or ref.namespace == namespace:
                yield Ref(kind, ref.namespace, ref.name)


def _custom_names(view: View, namespace: str, words: Sequence[str]) -> Iterator[Ref]:
    """Objects of a custom kind that the question speaks of; no others are listed, there may be hundreds."""
    spoken = {*words, *(w.removesuffix("s") for w in words)}
    for definition in view.all("CustomResourceDefinition"):
        spec = definition.get("spec") or {}
        names = spec.get("names") or {}
        if not {str(names.get(key, "")).lower() for key in ("kind", "singular", "plural")} & spoken:
            continue
        for obj in view.all(f"{names.get('plural')}.{spec.get('group')}"):
            ref = ref_of(obj)
            if not namespace or not ref.namespace or ref.namespace == namespace:
                yield ref


def _hosts(view: View) -> dict[Ref, set[str]]:
    """Host names by which users know an Ingress."""
    hosts: dict[Ref, set[str]] = {}
    for ingress in view.all("Ingress"):
        rules = (ingress.get("spec") or {}).get("rules") or ()
        hosts[ref_of(ingress)] = {str(rule["host"]).lower() for rule in rules if rule.get("host")}
    return hosts


def _certainty(ref: Ref, words: Sequence[str], labelled: Iterable[str]) -> float:
    name = ref.name.lower()
    if name in labelled:
        return 1.0
    best = 0.0
    for word in words:
        if word in (name, f"{ref.namespace}/{name}"):
            best = max(best, 0.45 if word in _vocabulary().ordinary else 1.0)
        elif best < 0.9 and len(name) > 3 and _squash(word) == _squash(name):
            best = 0.9
        elif best < 0.8 and _part_of(word, name):
            best = 0.6 + 0.2 * len(word) / len(name)
        elif best < 0.75 and _misspelt(word, name):
            best = 0.7
    return best


def _squash(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word).removesuffix("s")


def _part_of(word: str, name: str) -> bool:
    """`orders` for `orders-db`, `payments` for `payments-api-v2`: whole dash-separated parts only."""
    if len(word) < 3 or word.isdigit() or word in _vocabulary().ordinary or _kind_word(word):
        return False
    if "-" in word:
        return name.startswith(word + "-") or name.endswith("-" + word) or word.startswith(name + "-")
    return word in name.split("-")


def _misspelt(word: str, name: str) -> bool:
    if min(len(word), len(name)) < 5 or abs(len(word) - len(name)) > 2 or word in _vocabulary().ordinary:
        return False
    return SequenceMatcher(None, word, name).ratio() >= CLOSE_ENOUGH


def _workload(ref: Ref, view: View) -> Ref:
    """Pods and ReplicaSets stand for their workload; a Job that is named stays itself."""
    if ref.kind not in WORKLOAD_KINDS or ref.kind == "Job":
        return ref
    obj = view.find(ref)
    return view.workload_of(obj) if obj else ref


def _kind_order(ref: Ref) -> int:
    return NAMED_KINDS.index(ref.kind) if ref.kind in NAMED_KINDS else len(NAMED_KINDS)
