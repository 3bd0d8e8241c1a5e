"""Takes a kubectl command line apart: read-only verbs, known flags, no shell. Nothing here runs anything."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from kubelore.errors import BadArguments

SHELL = re.compile(r"[`]|\$\(|\$\{|<\(")
"""Never part of what kubectl itself takes; refused even inside quotes."""
QUOTED = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*\"|\\.""")
OPERATOR = re.compile(r"&&|\|\||[();<>|&]")

SCOPE = {"-n": "--namespace", "-A": "--all-namespaces"}
SHORT = {**SCOPE, "-o": "--output", "-l": "--selector", "-c": "--container", "-p": "--previous",
         "-L": "--label-columns"}  # fmt: skip
HANGING = {"-w", "--watch", "--watch-only", "-f", "--follow"}
"""Refused with a hint of their own. `-f` also is `--filename`, which reads local files."""

_SELECT = {"--namespace": True, "--all-namespaces": False, "--selector": True}
VERBS: Mapping[str, Mapping[str, bool]] = {
    "get": {
        **_SELECT, "--output": True, "--field-selector": True, "--sort-by": True, "--no-headers": False,
        "--show-labels": False, "--show-kind": False, "--label-columns": True, "--ignore-not-found": False,
        "--show-managed-fields": False, "--chunk-size": True,
    },
    "describe": {**_SELECT, "--show-events": False, "--chunk-size": True},
    "logs": {
        **_SELECT, "--container": True, "--previous": False, "--tail": True, "--since": True,
        "--timestamps": False, "--all-containers": False, "--prefix": False,
    },
    "top": {
        **_SELECT, "--containers": False, "--sort-by": True, "--no-headers": False, "--sum": False,
        "--field-selector": True,
    },
    "events": {
        "--namespace": True, "--all-namespaces": False, "--for": True, "--types": True, "--no-headers": False,
        "--output": True,
    },
    "explain": {"--recursive": False, "--api-version": True},
    "api-resources": {
        "--namespaced": False, "--api-group": True, "--verbs": True, "--output": True, "--no-headers": False,
        "--sort-by": True, "--cached": False,
    },
    "api-versions": {},
    "version": {"--short": False, "--output": True},
    "cluster-info": {},
    "rollout": {"--namespace": True, "--timeout": True, "--watch": False, "--selector": True},
    "auth": {"--namespace": True, "--all-namespaces": False, "--list": False, "--quiet": False},
}  # fmt: skip
"""Read-only verbs, and for each the flags it takes here and whether a flag takes a value."""

SUBVERBS = {"rollout": ("status", "history"), "auth": ("can-i", "whoami")}


@dataclass(frozen=True, slots=True)
class Command:
    """A command that may run. `flags` have long names; a switch that is on maps to `true`."""

    verb: str
    words: tuple[str, ...]
    flags: Mapping[str, str] = field(default_factory=dict)

    def on(self, flag: str) -> bool:
        return self.flags.get(flag, "false") == "true"

    def value(self, flag: str) -> str:
        return self.flags.get(flag, "")

    @property
    def argv(self) -> list[str]:
        """For the user's own kubectl: every flag in one word, so that no value is taken for a flag."""
        flags = [f"{name}={value}" for name, value in self.flags.items()]
        return [self.verb, *flags, "--", *self.words]


def parse(text: str) -> Command:
    """Read a command line. Raises BadArguments, with a hint, for whatever could do more than read."""
    tokens = _tokens(text)
    if tokens and tokens[0] == "$":
        tokens = tokens[1:]
    if tokens and tokens[0].rpartition("/")[2] in ("kubectl", "k", "oc"):
        tokens = tokens[1:]
    verb, rest = _verb(tokens)
    words, flags = _flags(verb, rest)
    if verb in SUBVERBS and (not words or words[0] not in SUBVERBS[verb]):
        allowed = " and ".join(f"{verb} {sub}" for sub in SUBVERBS[verb])
        raise BadArguments(
            f"of kubectl {verb}, only {allowed} only read", hint="nothing here can change a cluster"
        )
    return Command(verb, tuple(words), flags)


def _tokens(text: str) -> list[str]:
    line = text.strip().strip("`").strip()
    if SHELL.search(line) or "\n" in line or "\0" in line:
        raise BadArguments("this is not a shell: one kubectl command, without substitution or line breaks")
    operator = OPERATOR.search(QUOTED.sub("", line))
    if operator:
        hint = "no pipe is needed: narrow with -n, -l, --field-selector, or -o jsonpath='{...}'"
        if operator[0] in "<>":
            hint = "fill in placeholders, and leave out redirection"
        raise BadArguments(f"this is not a shell: {operator[0]!r} cannot be used", hint=hint)
    try:
        return shlex.split(line)
    except ValueError as error:
        raise BadArguments(f"the quotes do not match: {error}") from None


def _verb(tokens: Sequence[str]) -> tuple[str, list[str]]:
    """The verb, and everything else; `-n shop get pods` has flags before it."""
    left, i = list(tokens), 0
    while i < len(left) and left[i].startswith("-"):
        i += 1 if "=" in left[i] or left[i] not in ("-n", "--namespace") else 2
    if i >= len(left):
        raise BadArguments("no kubectl verb is given", hint=f"verbs: {', '.join(VERBS)}")
    verb = left.pop(i)
    if verb not in VERBS:
        close = get_close_matches(verb, VERBS, n=2)
        also = f"; did you mean {' or '.join(close)}?" if close else ""
        raise BadArguments(
            f"kubectl {verb} is not available{also}", hint=f"only what reads is: {', '.join(VERBS)}"
        )
    return verb, left


def _flags(verb: str, tokens: list[str]) -> tuple[list[str], dict[str, str]]:
    words: list[str] = []
    flags: dict[str, str] = {}
    while tokens:
        word = tokens.pop(0)
        if word == "--":
            return _plain([*words, *tokens]), flags
        if not word.startswith("-") or word == "-":
            words.append(word)
            continue
        name, value, given = _flag_name(word)
        takes_value = _allowed(verb, name, word)
        if takes_value and not given:
            if not tokens:
                raise BadArguments(f"{word} needs a value")
            value = tokens.pop(0)
        flags[name] = value if takes_value else _switch(name, value)
    return _plain(words), flags


def _plain(words: list[str]) -> list[str]:
    """Words that can name objects: nothing that kubectl would read from a file or from stdin."""
    for word in words:
        if word.startswith(("-", "/", ".", "~", "@")) or ".." in word or "://" in word:
            raise BadArguments(f"{word!r} does not name an object")
    return words


def _flag_name(token: str) -> tuple[str, str, bool]:
    """(long name, value, whether a value came with it): `-nshop`, `-o=json`, `--tail=5`."""
    name, equals, value = token.partition("=")
    if not name.startswith("--") and len(name) > 2:
        return SHORT.get(name[:2], name), token[2:].removeprefix("="), True
    return SHORT.get(name, name), value, bool(equals)


def _allowed(verb: str, name: str, token: str) -> bool:
    known = VERBS[verb]
    if name in HANGING and name not in known:
        raise BadArguments(f"{token} cannot be used: every command ends at once and reads no files")
    if name not in known:
        hint = f"flags of {verb}: {', '.join(known) or 'none'}"
        raise BadArguments(f"kubectl {verb} does not take {name} here", hint=hint)
    return known[name]


def _switch(name: str, value: str) -> str:
    if value not in ("", "true", "false"):
        raise BadArguments(f"{name} is true or false, not {value!r}")
    return value or "true"
