"""Reads the ways people and models write a target: `web-app`, `default/web-app`, `pod default web-app`,
`pod/web-app -n default`, `{"namespace": "default", "name": "web-app"}`, ... in any order that makes sense.

`read` takes a line apart without a cluster; `resolve.Resolver` finds the one existing object that is meant.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kubelore.errors import BadArguments

VALUE_FLAGS = {
    "-n": "namespace", "--namespace": "namespace", "--ns": "namespace",
    "-l": "selector", "--selector": "selector", "--label": "selector", "--labels": "selector",
    "-c": "container", "--container": "container",
    "--tail": "tail", "--since": "since", "--kind": "kind", "--name": "name", "--pod": "name",
    "--service": "name",
}  # fmt: skip
SWITCHES = {
    "-A": "all_namespaces", "--all-namespaces": "all_namespaces",
    "-p": "previous", "--previous": "previous", "--all-containers": "all_containers",
}  # fmt: skip
HARMLESS = {"-f", "--follow", "--timestamps", "--prefix", "-w", "--watch", "--no-headers", "--containers"}
HARMLESS_WITH_VALUE = {"--since-time", "--limit-bytes", "-o", "--output", "--sort-by"}
JSON_KEYS = {
    "ns": "namespace", "pod": "name", "pod_name": "name", "podname": "name", "service": "name",
    "object": "name", "resource_name": "name", "resource": "kind", "resource_type": "kind", "type": "kind",
    "label_selector": "selector", "labels": "selector", "tail_lines": "tail", "lines": "tail",
}  # fmt: skip
FILLERS = {"in", "the", "of", "for", "on", "from", "named", "called", "at", "all", "logs", "log"}
PLACEHOLDERS = {"namespace", "name", "kind", "pod", "node", "service", "object", "resource", "type", "ns"}


@dataclass(frozen=True, slots=True)
class Target:
    """What a line of arguments names, before it is looked up. Empty fields were not given."""

    words: tuple[str, ...] = ()
    kind: str = ""
    namespace: str = ""
    name: str = ""
    selector: str = ""
    container: str = ""
    tail: str = ""
    since: str = ""
    all_namespaces: bool = False
    previous: bool = False
    all_containers: bool = False

    @property
    def empty(self) -> bool:
        return not (self.words or self.kind or self.name or self.selector)


@dataclass(slots=True)
class _Draft:
    words: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    switches: set[str] = field(default_factory=set)

    def target(self) -> Target:
        words, options = _namespace_phrase(self.words), dict(self.options)
        if words.namespace:
            options.setdefault("namespace", words.namespace)
        if options.get("namespace", "").lower() in ("all", "*"):
            options["namespace"] = ""
            self.switches.add("all_namespaces")
        if options.get("tail", "").lstrip("-") and not options["tail"].lstrip("-").isdigit():
            raise BadArguments(f"--tail needs a number of lines, not {options['tail']!r}")
        flags = dict.fromkeys(self.switches, True)
        return Target(words=words.rest, **options, **flags)  # type: ignore[arg-type]


def read(args: str) -> Target:
    """Take a line of arguments apart. Raises BadArguments for flags that no tool has."""
    text = args.strip().strip("`").strip()
    given = _json_form(text)
    if given is not None:
        return given
    draft = _Draft()
    text = re.sub(r"\b(\w+):\s+(?=\S)", r"\1=", text)  # `namespace: shop` as `namespace=shop`
    tokens = [token for token in map(_clean, split(text)) if token]
    while tokens:
        _take(tokens, draft)
    return draft.target()


def split(text: str) -> list[str]:
    """Shell words; with unbalanced quotes, what is between blanks. Never expands anything."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.replace('"', " ").replace("'", " ").split()


def _clean(token: str) -> str:
    """Drop brackets and commas that models leave around values; a bare placeholder says nothing."""
    token = token.strip().strip(",;")
    bracketed = re.fullmatch(r"[<\[{(](.*?)[>\]})]", token)
    if bracketed:
        inner = bracketed.group(1).strip()
        return "" if inner.lower().replace("_", " ").replace("-", " ") in PLACEHOLDERS else inner
    return token


def _take(tokens: list[str], draft: _Draft) -> None:
    token = tokens.pop(0)
    if not token.startswith("-"):
        _take_word(token, draft)
        return
    flag, has_value, value = token.partition("=")
    if len(flag) > 2 and not flag.startswith("--") and flag[:2] in VALUE_FLAGS:  # -nshop
        flag, has_value, value = flag[:2], "=", token[2:].lstrip("=")
    if flag in SWITCHES:
        if value.lower() != "false":
            draft.switches.add(SWITCHES[flag])
    elif flag in VALUE_FLAGS or flag in HARMLESS_WITH_VALUE:
        if not has_value:
            if not tokens:
                raise BadArguments(f"{flag} needs a value")
            value = tokens.pop(0)
        if flag in VALUE_FLAGS:
            draft.options[VALUE_FLAGS[flag]] = _clean(value)
    elif flag not in HARMLESS:
        raise BadArguments(f"unknown option {flag}")


def _take_word(token: str, draft: _Draft) -> None:
    pair = re.fullmatch(r"(\w+)[=:](.+)", token)
    if pair:
        key = JSON_KEYS.get(pair.group(1).lower(), pair.group(1).lower())
        if key in ("namespace", "name", "kind", "container", "selector", "tail"):
            draft.options[key] = _clean(pair.group(2))
            return
    if "=" in token and "/" not in token.partition("=")[2]:
        draft.options["selector"] = token  # a bare app=web
        return
    draft.words += [part for part in map(_clean, token.split("/")) if part]


@dataclass(frozen=True, slots=True)
class _Phrase:
    namespace: str
    rest: tuple[str, ...]


def _namespace_phrase(words: Sequence[str]) -> _Phrase:
    """`web-app in namespace shop`, `web-app in the shop namespace`; plain words stay as they are."""
    if len(words) > 2:
        left = [word for word in words if word.lower() not in FILLERS]
        for i, word in enumerate(left):
            if word.lower() in ("namespace", "ns", "namespace:", "ns:"):
                at = i + 1 if i + 1 < len(left) else i - 1
                if at >= 0 and len(left) > 2:
                    rest = tuple(w for j, w in enumerate(left) if j not in (i, at))
                    return _Phrase(left[at], rest)
        return _Phrase("", tuple(left))
    return _Phrase("", tuple(words))


def _json_form(text: str) -> Target | None:
    if not text.startswith("{"):
        return None
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        try:
            given = json.loads(text.replace("'", '"'))
        except (ValueError, RecursionError):
            return None  # `{namespace} web-app`: a template left in
    if not isinstance(given, Mapping):
        return None
    draft = _Draft()
    for raw_key, value in given.items():
        key = JSON_KEYS.get(str(raw_key).lower(), str(raw_key).lower())
        if key in ("previous", "all_namespaces", "all_containers"):
            if value is True or str(value).lower() == "true":
                draft.switches.add(key)
        elif key in ("namespace", "name", "kind", "container", "selector", "tail"):
            draft.options[key] = _selector(value) if isinstance(value, Mapping) else str(value or "")
        else:
            raise BadArguments(f"unknown argument {raw_key!r}")
    name = draft.options.pop("name", "")
    draft.words += [part for part in name.split("/") if part]
    return draft.target()


def _selector(labels: Mapping[str, object]) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items())


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to understand a target's words."""

    kind: str
    namespace: str
    name: str
    container: str = ""


ORDERS = (
    ("kind", "namespace", "name"),
    ("namespace", "kind", "name"),
    ("kind", "name", "namespace"),
    ("namespace", "name", "kind"),
    ("kind", "namespace", "name", "container"),
    ("namespace", "name", "container"),
    ("kind", "name"),
    ("namespace", "name"),
    ("name", "namespace"),
    ("name", "kind"),
    ("kind", "name", "container"),
    ("name", "container"),
    ("name",),
)
"""What positional words may stand for, likeliest first."""


def readings(
    target: Target, is_kind: Mapping[str, str], namespaces: frozenset[str], *, containers: bool = False
) -> list[Reading]:
    """All ways to understand the words that agree with the cluster's kinds and namespaces, likeliest
    first; those naming a namespace that does not exist come last. `is_kind` maps each word that is a
    kind to the canonical kind; with `containers` a word may name a container."""
    words = [*target.words, *([target.name] if target.name else [])]
    found: list[tuple[bool, Reading]] = []
    for order in ORDERS:
        if len(order) != len(words):
            continue
        role = dict(zip(order, words, strict=True))
        kind = is_kind.get(role.get("kind", "").lower(), "")
        if "kind" in role and not kind:
            continue
        if target.namespace and role.get("namespace", target.namespace) != target.namespace:
            continue
        if "container" in role and (target.container or not containers):
            continue
        namespace = target.namespace or role.get("namespace", "")
        kind = kind or is_kind.get(target.kind.lower(), "")
        reading = Reading(kind, namespace, role["name"], target.container or role.get("container", ""))
        found.append((bool(namespace) and namespace not in namespaces, reading))
    found.sort(key=lambda pair: pair[0])
    return [reading for _, reading in found]
