"""Finds secret values by the name in front of them: `password=...`, `"token": "..."`, `--api-key ...`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from kubelore.redaction.rules import load

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SEPARATORS = re.compile(r"[^A-Za-z0-9]+|(?<=\D)(?=\d+$)")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DIGIT_AND_LETTER = re.compile(r"(?=\D*\d)[^A-Za-z]*[A-Za-z]")
_FOUR_DIGITS = re.compile(r"(?:\D*+\d){4}")
_GENERATED = re.compile(r"[A-Za-z0-9+/=_.~%:-]{16,}")

_NAME_AND_SEPARATOR = re.compile(
    r"""(?<![\w.$-])(?:
        (?P<flag>--?[A-Za-z][\w.-]*+)
        (?:[ \t]++(?![-=:])|\\*["'],?[ \t]*+\r?\n?[ \t]*+(?=\\*["'])|[ \t]*+\r?\n[ \t]*+-[ \t]++(?!-))
      | (?P<name>[\w.$-]++)\\*["']?(?:\[\w{0,20}\])?
        (?P<phrase>[ ]is(?=:)|[ ]for(?:[ ][\w.@'"-]{1,40}){1,2}(?=:))?
        (?P<separator>[ \t]{0,8}(?:[=-]>|:=|==?|:(?![:/])|:(?=/[^/])|%3[dDaA])[ \t]{0,40}+)
    )""",
    re.VERBOSE,
)
_LINE_START = re.compile(r"[ \t]*(?:- )?[\"']?$")
_QUOTED = re.compile(r"""(?P<quote>\\*["'`])(?P<value>(?:(?!(?P=quote))(?:\\.|[^\\\n]))*+)""")
_ENDS = r"""[,;&"'`)\]}>\\|]"""
_BARE = re.compile(
    rf"""
    (?!\d{{1,9}}[ ]bytes?\b)                          # how kubectl shows the size of a Secret's value
    (?P<value>(?:
        [^\s,;&"'`)\]}}>\\|%\[$]++
      | \$\{{[^}}\s]{{1,100}}\}} | \$\([\w.-]{{1,100}}\) | \$  # a variable, whole
      | %(?!26) | \[(?!\[?redacted:)
      | (?!\\[nrt]) {_ENDS} (?! {_ENDS} | \s | $ | [\w.-]{{1,40}}[ ]?[=:])  # what ends it, where it does not
    )++)
    """,
    re.VERBOSE,
)
_ARRAY = re.compile(r"\[(?!\[?redacted:)[ \t\n]*+(?P<value>(?:\"[^\"\n]*+\"|'[^'\n]*+'|[^\]\"'])++)")
_REST_OF_LINE = re.compile(r"(?P<value>[^\s#][^\n]*)")
_BLOCK = re.compile(r"[|>][-+\d]*[ \t]*\r?\n")
_INDENTED_LINE = re.compile(r"(?P<indent>[ \t]*)[^\n]*\n?")
_VALUE_OF_PAIR = re.compile(
    r"""\\*["']?[ \t]*,?\s*\\*["']?(?i:value)\\*["']?[ \t]{0,8}(?P<separator>[:=])[ \t]{0,40}"""
)

PROBE = 160
WEAK_PROBE = 64
"""Characters of a value that are read to tell whether it is secret."""

Span = tuple[int, int, str]
"""Start, end and kind of a secret."""


@lru_cache(maxsize=8192)
def secret_kind(name: str) -> str:
    """`password`, `token`, `secret`, `key` or `credential` when a value of that name is one, `weak` when
    it is one only if it looks generated, else ""."""
    if len(name) > 200:
        name = name[-200:]
    keys = load().keys
    words = [w.lower() for w in _SEPARATORS.split(_CAMEL.sub("_", name.rpartition("/")[2])) if w]
    named = [w for w in words if not w.isdigit()]
    if not named or named[-1] in keys.harmless:
        return ""
    joined = "".join(named)
    for kind, parts in keys.contains.items():
        if any(part in joined for part in parts):
            return kind
    return _kind_by_word(named, joined)


def _kind_by_word(words: list[str], joined: str) -> str:
    keys = load().keys
    if words[-1] in keys.harmless_after_word and words[-1] not in keys.weak:
        return ""
    for word in words:
        if word in keys.words:
            return keys.words[word]
    for end in keys.ends:
        if joined.endswith(end):
            return keys.words.get(end, "secret")
    return "weak" if words[-1] in keys.weak else ""


def looks_generated(value: str) -> bool:
    """Whether a value looks like the output of a random generator, not like a word, a name or a UID."""
    if not _GENERATED.fullmatch(value) or len(set(value)) < 8 or _UUID.fullmatch(value):
        return False
    if not value.islower() and not value.isupper():
        return _DIGIT_AND_LETTER.match(value) is not None
    separators = sum(value.count(c) for c in "-./:_")
    return _FOUR_DIGITS.match(value) is not None and separators <= len(value) // 16


def harmless_value(value: str, kind: str = "") -> bool:
    """Whether a value after a suspicious name is a placeholder, a literal or a word of an error message."""
    keep = load().keep
    bare = value.strip().rstrip(".,;:!?)")
    if not bare or bare.lower() in keep.words or keep.shapes.match(value):
        return True
    return kind in ("secret", "credential") and keep.reference.match(bare) is not None


def is_secret(name: str, value: str) -> str:
    """Kind of secret that `value` is under this name, "" when it is none."""
    kind = secret_kind(name)
    if not kind or harmless_value(value, kind):
        return ""
    if kind == "weak":
        return "credential" if looks_generated(value.strip()) else ""
    if value.startswith("/") and name.rpartition("/")[2].lower() in load().keys.working_directory:
        return ""
    return kind


def find_secrets(text: str) -> Iterator[Span]:
    """Spans of secret values, in order, without overlap."""
    done = 0
    for match in _NAME_AND_SEPARATOR.finditer(text):
        if match.start() < done:
            continue
        name = match["flag"] or match["name"]
        kind = secret_kind(name)
        span = None
        if kind:
            span = _value(text, match, name, kind)
        elif name == "name":
            span = _value_of_pair(text, match.end())
        if span:
            yield span
            done = span[1]


def _value(text: str, match: re.Match[str], name: str, kind: str) -> Span | None:
    """The value behind a name, if it is secret. Only its beginning is read before that is known, so that a
    text full of names that turn out harmless is not read again and again."""
    start = match.end()
    if match["phrase"] and kind != "password":
        return None  # "token for x: ..." is the beginning of an error
    if match["flag"] and text.startswith("-", start):
        return None
    if kind != "weak" and (block := _BLOCK.match(text, start)):
        first, last = _indented_block(text, match.start(), block.end())
        return (first, last, kind) if last > first else None
    limit = WEAK_PROBE if kind == "weak" else PROBE
    pattern, probe = _first_match(text, start, start + limit)
    if probe is None:
        return None
    first, last = probe.span("value")
    found = kind if kind != "weak" and last - first >= PROBE // 2 else is_secret(name, text[first:last])
    if not found:
        return None
    if pattern is _BARE and kind != "weak" and _is_yaml_line(text, match):
        pattern = _REST_OF_LINE
    whole = pattern.match(text, start)
    return (first, whole.end("value"), found) if whole else None


def _first_match(text: str, start: int, end: int) -> tuple[re.Pattern[str], re.Match[str] | None]:
    for pattern in (_QUOTED, _ARRAY):
        if found := pattern.match(text, start, end):
            return pattern, found
    return _BARE, _BARE.match(text, start, end)


def _is_yaml_line(text: str, match: re.Match[str]) -> bool:
    """Whether the line is `name: value`, so that the value goes to its end."""
    if match["flag"] or ":" not in match["separator"] or not match["separator"][-1].isspace():
        return False
    near = max(0, match.start() - 80)
    line = text.rfind("\n", near, match.start()) + 1
    return (line > 0 or near == 0) and _LINE_START.fullmatch(text, line, match.start()) is not None


def _indented_block(text: str, name_at: int, start: int) -> tuple[int, int]:
    """A YAML block scalar: the lines indented deeper than the line of its name."""
    line = text.rfind("\n", 0, name_at) + 1
    depth = len(text[line:name_at]) - len(text[line:name_at].lstrip(" \t-"))
    end = start
    while line_match := _INDENTED_LINE.match(text, end):
        blank = not line_match[0].strip()
        if line_match.end() == end or (not blank and len(line_match["indent"]) <= depth):
            break
        end = line_match.end()
    body = text[start:end]
    return start + len(body) - len(body.lstrip()), start + len(body.rstrip())


def _value_of_pair(text: str, start: int) -> Span | None:
    """The value of a `name: DB_PASSWORD, value: ...` pair (an environment variable), if it is secret."""
    _, found = _first_match(text, start, start + PROBE)
    if found is None or not secret_kind(found["value"]):
        return None
    pair = _VALUE_OF_PAIR.match(text, found.end(), found.end() + PROBE)
    if not pair:
        return None
    at = pair.end()
    pattern = _REST_OF_LINE if pair["separator"] == ":" else _BARE
    value = _QUOTED.match(text, at) or pattern.match(text, at)
    kind = is_secret(found["value"], value["value"]) if value else ""
    return (*value.span("value"), kind) if value and kind else None
