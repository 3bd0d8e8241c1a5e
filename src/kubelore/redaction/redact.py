"""Replaces the secrets in a text by `[redacted:KIND]`."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from functools import lru_cache

from kubelore.redaction.keys import Span, find_secrets, harmless_value, looks_generated
from kubelore.redaction.manifests import secret_values
from kubelore.redaction.rules import Rule, load

SHORT = 256
"""Strings up to this length are remembered: labels, reasons and images recur by the thousand."""

_PLAIN_WORD = re.compile(r"[A-Za-z][a-z]*[.,;:!]?")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,}+(?:={1,2}(?!=))?")
_URL_SAFE = str.maketrans("-_", "+/")
_MARK = re.compile(r"\[redacted:[a-z-]+\]")


def redact(text: str) -> str:
    """The text without its secrets. Time is linear in its length; nothing raises."""
    return _remembered(text) if len(text) <= SHORT else _redact(text)


@lru_cache(maxsize=32768)
def _remembered(text: str) -> str:
    return _redact(text)


def _redact(text: str) -> str:
    text = _by_rules(text)
    return _replace(text, _encoded(text))


def _by_rules(text: str) -> str:
    lower = text.lower()
    for rule in load().rules:
        if any(need in lower for need in rule.needs):
            text = _replace(text, _spans(rule, text))
    text = _replace(text, secret_values(text))
    return _replace(text, find_secrets(text))


def _encoded(text: str) -> Iterable[Span]:
    """Base64 of text that holds a secret: a whole configuration in one variable, for instance."""
    for match in _BASE64.finditer(text):
        digits = match[0].translate(_URL_SAFE)
        try:
            inner = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True).decode()
        except ValueError:
            continue
        if _by_rules(inner) != inner:
            yield *match.span(), "encoded"


def _spans(rule: Rule, text: str) -> Iterable[Span]:
    proven = "proof" in rule.find.groupindex
    groups = [name for name in rule.find.groupindex if name != "proof"]
    for match in rule.find.finditer(text):
        if proven and match["proof"] is None:
            continue
        # Each alternative of a rule has a group of its own, or none: then all of it is the secret.
        start, end = match.span(next((name for name in groups if match[name] is not None), 0))
        value = text[start:end]
        if not _MARK.match(value) and _passes(rule.check, value):
            yield start, end, rule.kind


def _passes(check: str, value: str) -> bool:
    if check == "random":
        return looks_generated(value)
    if check == "word":
        return not harmless_value(value) and not _PLAIN_WORD.fullmatch(value)
    return check != "keep" or not harmless_value(value)


def _replace(text: str, spans: Iterable[Span]) -> str:
    parts, done = [], 0
    for start, end, kind in spans:
        parts += [text[done:start], f"[redacted:{kind}]"]
        done = end
    return "".join([*parts, text[done:]]) if parts else text
