"""What one pattern file may say: words of the vocabulary, known tools, kinds, placeholders and causes.

Every check yields (path, reason); a path leads from the top of the file to the mistake, as pydantic's
error locations do, so that `load` can name the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from kubelore.packaged import packaged_text
from kubelore.patterns.model import Cause, Condition, Facts, Pattern, Phrases
from kubelore.patterns.rank import WORKLOADS
from kubelore.vocabulary import vocabulary

Path = tuple[str | int, ...]
Mistake = tuple[Path, str]

TOOLS = frozenset(
    {
        "FIND_ISSUES", "GET_LOGS", "DESCRIBE", "RUN_KUBECTL", "TOP_PODS", "GET_ENDPOINTS", "GET_EVENTS",
        "CLUSTER_HEALTH",
    }
)  # fmt: skip

KINDS = WORKLOADS | {
    "workload", "any", "Service", "Ingress", "IngressClass", "Gateway", "HTTPRoute", "NetworkPolicy", "Node",
    "Namespace", "ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim", "PersistentVolume",
    "StorageClass", "ResourceQuota", "LimitRange", "HorizontalPodAutoscaler", "PodDisruptionBudget",
    "APIService", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration",
}  # fmt: skip

PLACEHOLDER = re.compile(r"\{([a-z][a-z_]*)\??\}")

OBJECT_PARAMS = frozenset({"namespace", "name", "kind"})
UNTRUSTED_PARAMS = frozenset({"message"})
"""Text that the cluster wrote: it may be quoted in an explanation, never run or applied."""

FACT_PARAMS = frozenset(
    {
        "container", "image", "exit_code", "restarts", "reason", "memory_limit", "memory_request",
        "cpu_limit", "double_memory_limit", "double_cpu_limit",
        "memory_usage", "cpu_usage", "port", "probe_port", "path", "scheme", "target_port",
        "container_port", "service", "service_namespace", "host", "configmap", "secret", "key", "pvc",
        "volume", "storage_class", "capacity", "requested", "access_mode", "node", "taint", "label",
        "selector", "quota", "resource", "limit", "used", "service_account", "verb", "webhook", "policy",
        "ingress", "ingress_class", "finalizer", "setting", "command", "replicas", "usual", "handler",
    }
)  # fmt: skip

FILL_IN = "FILL IN"
"""Marks what is still to be written in a draft."""
STEP_PLACEHOLDER = re.compile(r"<([^<>]+)>")
STEP_PARAMS = frozenset({"kind", "namespace", "name", "pod", "node", "service", "selector"})


@dataclass(frozen=True, slots=True)
class RootCause:
    """One row of root-causes.tsv."""

    id: str
    pattern: str
    object_kind: str
    meaning: str


@cache
def root_causes() -> Mapping[str, RootCause]:
    """The canonical causes by id, `none` among them."""
    text = packaged_text("kubelore.patterns", "root-causes.tsv")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {row[0]: RootCause(row[0], row[1], row[2], row[4]) for row in rows}


def closest(word: str, known: Iterable[str]) -> str:
    """` (did you mean ...?)`, or nothing where no known word is near."""
    near = get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def mistakes(pattern: Pattern, tools: frozenset[str] = TOOLS) -> Iterator[Mistake]:
    """Everything in one pattern that the schema cannot see."""
    yield from _unfilled((), pattern.model_dump())
    for i, step in enumerate(pattern.investigation_steps):
        at: Path = ("investigation_steps", i)
        if step.tool not in tools:
            yield (*at, "tool"), f"unknown tool {step.tool}{closest(step.tool, tools)}"
        for name in STEP_PLACEHOLDER.findall(step.args):
            if name not in STEP_PARAMS:
                yield (*at, "args"), f"unknown placeholder <{name}>{closest(name, STEP_PARAMS)}"
    yield from _phrase_mistakes(pattern)
    for i, cause in enumerate(pattern.common_causes):
        for path, reason in _cause_mistakes(cause):
            yield ("common_causes", i, *path), reason


def _unfilled(path: Path, value: Any) -> Iterator[Mistake]:
    """What a draft leaves to a person."""
    if isinstance(value, str):
        if FILL_IN in value:
            yield path, f"a person must write this ({value})"
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _unfilled((*path, key), item)
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _unfilled((*path, i), item)


def _phrase_mistakes(pattern: Pattern) -> Iterator[Mistake]:
    seen: dict[str, str] = {}
    for level in ("triggers", *type(pattern.phrases).model_fields):
        of: Pattern | Phrases = pattern if level == "triggers" else pattern.phrases
        at: Path = (level,) if level == "triggers" else ("phrases", level)
        for i, phrase in enumerate(getattr(of, level)):
            if not any(character.isalnum() for character in phrase):
                yield (*at, i), "a phrase without a word matches nothing"
            other = seen.setdefault(phrase.lower(), level)
            if "triggers" not in (level, other) and other != level:
                yield (*at, i), f"{phrase} is under {other} already"


def _cause_mistakes(cause: Cause) -> Iterator[Mistake]:
    if cause.root_cause == "none" or cause.root_cause not in root_causes():
        near = closest(cause.root_cause, root_causes())
        yield ("root_cause",), f"unknown root cause {cause.root_cause}{near}"
    for i, condition in enumerate(cause.when):
        for path, reason in _condition_mistakes(condition, cause.at_fault):
            yield ("when", i, *path), reason
    yield from _template_mistakes(cause)


def _condition_mistakes(condition: Condition, at_fault: str) -> Iterator[Mistake]:
    names = {joined.name for joined in condition.joined}
    if at_fault not in names | {"self"}:
        yield (), f"at_fault is {at_fault}, but no joined object of this condition is called that"
    if len(names) < len(condition.joined):
        yield ("joined",), "two joined objects have the same name"
    if not (condition.all or condition.any):
        yield (), "a condition needs a fact under `all` or `any`, or it holds for every object"
    yield from _fact_mistakes(condition)
    for i, joined in enumerate(condition.joined):
        for path, reason in _fact_mistakes(joined):
            yield ("joined", i, *path), reason


def _fact_mistakes(facts: Facts) -> Iterator[Mistake]:
    if facts.object not in KINDS:
        yield ("object",), f"unknown kind {facts.object}{closest(facts.object, KINDS)}"
    for group in ("all", "any", "none"):
        for i, glob in enumerate(getattr(facts, group)):
            if reason := _glob_mistake(glob, facts.object):
                yield (group, i), reason
    for group in ("supports", "contradicts"):
        for glob, weight in getattr(facts, group).items():
            if reason := _glob_mistake(glob, facts.object):
                yield (group, glob), reason
            if weight <= 0:
                yield (group, glob), "weights are positive: `contradicts` takes off what it says"


def _glob_mistake(glob: str, kind: str) -> str:
    key, _, value = glob.partition("=")
    fact = vocabulary().get(key)
    if fact is None:
        return f"unknown fact {key}{closest(key, vocabulary())}"
    if fact.values and not any(fnmatchcase(v, value) for v in fact.values):
        return f"{key} is never {value}{closest(value, frozenset(fact.values))}"
    fits = "any" in (kind, fact.about) or kind == fact.about
    if not fits and not (fact.about == "workload" and kind in WORKLOADS):
        return f"{key} is a fact about {fact.about}, not about {kind}"
    return ""


def _template_mistakes(cause: Cause) -> Iterator[Mistake]:
    names = {j.name for condition in cause.when for j in condition.joined}
    known = OBJECT_PARAMS | FACT_PARAMS | names | {f"{name}_namespace" for name in names}
    templates: dict[Path, tuple[str, frozenset[str]]] = {
        ("explanation",): (cause.explanation, known | UNTRUSTED_PARAMS),
        ("fix", "text"): (cause.fix.text, known),
        ("fix", "command"): (cause.fix.command, known),
        ("fix", "yaml"): (cause.fix.yaml, known),
    }
    for path, (text, allowed) in templates.items():
        for name in PLACEHOLDER.findall(text):
            if name in UNTRUSTED_PARAMS - allowed:
                yield path, f"{{{name}}} is text from the cluster and may stand in an explanation only"
            elif name not in allowed:
                yield path, f"unknown placeholder {{{name}}}{closest(name, frozenset(allowed))}"
