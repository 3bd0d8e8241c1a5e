"""One log line without its wrapping: timestamps, colours, JSON. Its level, and what it says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Literal

Level = Literal["fatal", "error", "warn", "info", ""]
"""Empty where the line names none; debug and trace count as info."""

MAX_LINE = 2000
"""Characters of one line that are read: the first and the last half, as an error may end it."""
ANSI = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
TIMES = re.compile(
    r"^[\[(]?(?:"
    r"\d{4}[-/.]\d\d[-/.]\d\d(?:[T ,]+\d\d:\d\d:\d\d(?:[.,]\d{1,9})?)?(?:\s?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
    r"|\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
    r"|\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
    r"|(?:[A-Z][a-z]{2},? )?[A-Z][a-z]{2} +\d{1,2},? (?:\d{4} )?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: \d{4})?"
    r"|time=\"?\d{4}-\d\d-\d\dT[^\s\"]{1,40}\"?"
    r")[\])]?[\s,:|-]{1,4}"
)
FRAME = re.compile(
    r"^\s+at [\w$.<>\[\]/@ -]{1,300}|^\s*\.\.\. \d+ (?:more|common frames)"
    r"|^\s+File \"[^\"]{1,400}\", line \d+|^\s+from \S{1,400}:\d+:in |^#\d+ \S"
    r"|^\s{2,}\S{1,400}\.go:\d+|^\t\S{1,400}:\d+ \+0x"
)
"""A frame of a stack trace: where, never what."""
KLOG = re.compile(r"^([EWIF])\d{4} \d\d:\d\d:\d\d")
NAMED_LEVEL = re.compile(
    r"\b(?:level|severity|lvl|log_level|loglevel)\"?\s{0,2}[=:]\s{0,2}\"?([A-Za-z]{3,9})\b", re.I
)
PLAIN_LEVEL = re.compile(
    r"(?:^|[\s\[<(|*])"
    r"(FATAL|CRITICAL|CRIT|EMERG|ALERT|PANIC|SEVERE|ERROR|ERR|WARNING|WARN|INFO|NOTICE|LOG|NOTE|DEBUG|TRACE|FINE"
    r"|(?<=\[)(?:emerg|alert|crit|error|warn|notice|info|debug|Error|Warning|Note|System|fatal|trace)(?=\]))"
    r"(?=[\s\]>)|:,]|$)"
)
LEADING_ERROR = re.compile(r"^(?:\w{1,40}: )?(?:error|fatal)(?: error)?(?::|\s-)", re.I)
WORDS: dict[str, Level] = {
    "fatal": "fatal", "critical": "fatal", "crit": "fatal", "emerg": "fatal", "alert": "fatal",
    "panic": "fatal", "dpanic": "fatal", "severe": "error", "error": "error", "err": "error", "fail": "error",
    "warning": "warn", "warn": "warn", "info": "info", "information": "info", "notice": "info", "log": "info",
    "note": "info", "debug": "info", "trace": "info", "fine": "info", "system": "info", "verbose": "info",
    "e": "error", "w": "warn", "i": "info", "f": "fatal",
}  # fmt: skip
MESSAGE_KEYS = (
    "message",
    "msg",
    "@message",
    "@m",
    "@mt",
    "text",
    "textPayload",
    "event",
    "log",
    "body",
    "short_message",
)
ERROR_KEYS = (
    "error", "err", "exception", "exc_info", "error.message", "error_message", "stack", "stack_trace",
    "stacktrace", "cause", "reason", "@x", "attr",
)  # fmt: skip
PLACE_KEYS = ("addr", "address", "listen", "host", "hostname", "port", "url", "target", "upstream", "service")
LEVEL_KEYS = ("level", "severity", "lvl", "log.level", "levelname", "loglevel", "@l", "s")


@dataclass(frozen=True, slots=True)
class Line:
    level: Level
    text: str


def unwrap(raw: str) -> list[Line]:
    """What one raw line says; a JSON line with a stack trace gives several."""
    text = ANSI.sub("", raw[: MAX_LINE * 4])
    text = _untimed(text)
    if text.startswith("{") and text.rstrip().endswith("}"):
        found = _from_json(text)
        if found is not None:
            return found
    text = _cut(text)
    return [Line(_level(text), text)]


def _untimed(text: str) -> str:
    for _ in range(3):  # the kubelet's, the program's, and a wrapper's
        match = TIMES.match(text)
        if match is None:
            break
        text = text[match.end() :]
    return text


def _cut(text: str) -> str:
    half = MAX_LINE // 2
    return text if len(text) <= MAX_LINE else f"{text[:half]} {text[-half:]}"


def _level(text: str) -> Level:
    head = text[:160]
    klog = KLOG.match(head)
    if klog:
        return WORDS[klog[1].lower()]
    for pattern in (NAMED_LEVEL, PLAIN_LEVEL):
        match = pattern.search(head)
        if match and match[1].lower() in WORDS:
            return WORDS[match[1].lower()]
    return "error" if LEADING_ERROR.match(head) else ""


def _from_json(text: str) -> list[Line] | None:
    """None when it is not one JSON object, or one that says nothing."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    word = next((str(data[k]) for k in LEVEL_KEYS if isinstance(data.get(k), str | int)), "")
    level = _numbered(word) or WORDS.get(word.lower(), "")
    said = [_flat(data[k]) for k in (*MESSAGE_KEYS, *ERROR_KEYS) if data.get(k)]
    text = ": ".join(s for s in said if s)
    if not text:
        return None
    text += "".join(f" {k}={_flat(data[k])[:300]}" for k in PLACE_KEYS if isinstance(data.get(k), str | int))
    return [Line(level, _cut(_untimed(part))) for part in text.splitlines() if part.strip()][:200]


def _numbered(word: str) -> Level:
    """Levels of bunyan and pino: 30 is info, 40 warn, 50 error, 60 fatal."""
    if not word.isdigit():
        return ""
    number = int(word)
    return "fatal" if number >= 60 else "error" if number >= 50 else "warn" if number >= 40 else "info"


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}: {_flat(v)}" for k, v in list(value.items())[:20])
    if isinstance(value, list):
        return ", ".join(_flat(v) for v in value[:20])
    return str(value)[: MAX_LINE * 4]
