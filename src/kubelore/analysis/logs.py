"""What a container's log says, by the rules in `logs.yaml`.

A log is untrusted text: a line yields a class of a closed list, an address or a name of fixed shape, never
words; lines that address their reader are not read at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from kubelore.analysis.backends import addresses_of
from kubelore.analysis.config import keys_of
from kubelore.analysis.loglines import FRAME, MAX_LINE, Level, unwrap
from kubelore.analysis.needles import Needle, needle
from kubelore.analysis.podstate import Case, Container, shortened
from kubelore.analysis.probes import plain_http_facts, port_facts
from kubelore.analysis.programs import is_database_port
from kubelore.analysis.view import View
from kubelore.packaged import packaged_yaml
from kubelore.types import Fact, JsonObject

MAX_TEXT = 2_000_000
"""Characters of a log that are read, from its end."""
GENERIC = ("exception", "panic")
"""Classes that only say that something went wrong; they give way to a specific one close by."""
ABOUT_A_DEPENDENCY = ("db-", "deadline-exceeded")
MAX_SHOWN = 240
CLOSE = 40
NEAR_END = 60
LAST_WORDS = 10
OFTEN = 5
RECOVERED = re.compile(
    r"\b(?:listening|(?:re)?connected|ready to (?:accept|serve)|started|connection established|serving)\b",
    re.I,
)
NO_HOST = re.compile(r"\d+(?:\.\d+)?|.{1,200}\.(?:go|java|py|js|ts|rb|php|rs|cs|kt|scala|c|cc|cpp|sh)", re.I)
"""A time of day, or a place in source code, that looks like host:port."""
NUMBERS = re.compile(r"\d+|\b[0-9a-f]{8,}\b", re.I)


@dataclass(frozen=True, slots=True)
class LogNote:
    """Lines of one class that name the same target and setting.

    `kind` is a value of the `log` fact, or "" for lines that only say what the program waits for. `last` and
    `of` place the newest of them: line `last` of `of`, frames of stack traces not counted.
    """

    kind: str
    line: str
    count: int = 1
    target: str = ""
    """host, host:port: as the line names it, in the form of an address."""
    path: str = ""
    """Of a request that was answered with an error, where no target is told."""
    setting: str = ""
    call: str = ""
    level: Level = ""
    quiet: bool = False
    inbound: bool = False
    """A client spoke plain HTTP to a port that speaks TLS."""
    last: int = 0
    of: int = 0

    @property
    def from_end(self) -> int:
        return self.of - self.last


@dataclass(frozen=True, slots=True)
class LogReading:
    """Notes, the newest first; iterating gives them. `lines` is 0 for an empty log.

    `fetched` is false for a text that stands in for a log that could not be had.
    """

    notes: tuple[LogNote, ...] = ()
    lines: int = 0
    ports: tuple[int, ...] = ()
    fetched: bool = True
    recovered_at: int = 0
    """The last line on which the program says that it listens, is connected or has started; 0 for none."""

    def __iter__(self) -> Iterator[LogNote]:
        return iter(self.notes)

    @property
    def targets(self) -> tuple[str, ...]:
        """Addresses that failing lines name, those of the newest first."""
        return tuple(dict.fromkeys(note.target for note in self.notes if note.target))

    @property
    def paths(self) -> tuple[str, ...]:
        """Paths of failed requests of which the host is not told."""
        return tuple(dict.fromkeys(note.path for note in self.notes if note.path and not note.target))

    def errors(self, failing: bool) -> list[LogNote]:
        """The notes that matter, the newest first. `failing`: the container has ended badly or is not ready;
        else what the program has left behind does not count."""
        real = [n for n in self.notes if n.kind and not n.quiet]
        if failing:
            kept = [n for n in real if n.from_end <= NEAR_END or n.count >= OFTEN]
            loud = [n for n in kept if n.level != "warn"]
            kept = [n for n in kept if n in loud or not loud or n.from_end <= LAST_WORDS]
        else:
            kept = [n for n in real if n.count >= OFTEN or n.last > self.recovered_at]
            kept = [n for n in kept if n.level != "warn" or n.count >= OFTEN]
        specific = [n for n in kept if n.kind not in GENERIC]
        return [
            n
            for n in kept
            if n.kind not in GENERIC or not any(abs(n.last - s.last) <= CLOSE for s in specific)
        ]


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: str
    text: Needle
    call: str
    quiet: bool
    any_level: bool
    inbound: bool


@dataclass(frozen=True, slots=True)
class _Rules:
    classes: tuple[_Rule, ...]
    skip: tuple[Needle, ...]
    no_log: tuple[Needle, ...]
    access: tuple[Needle, ...]
    listening: tuple[Needle, ...]
    targets: tuple[Needle, ...]
    paths: tuple[Needle, ...]
    waiting: Needle
    database_client: Needle


@cache
def _rules() -> _Rules:
    raw = packaged_yaml("kubelore.analysis", "logs.yaml")

    def needles(name: str) -> tuple[Needle, ...]:
        return tuple(map(needle, raw[name]))

    return _Rules(
        classes=tuple(
            _Rule(
                kind=r["class"],
                text=needle(r["text"]),
                call=r.get("call", ""),
                quiet=bool(r.get("quiet")),
                any_level=bool(r.get("any_level")),
                inbound=bool(r.get("inbound")),
            )
            for r in raw["classes"]
        ),
        skip=needles("skip"),
        no_log=needles("no_log"),
        access=needles("access"),
        listening=needles("listening"),
        targets=needles("targets"),
        paths=needles("paths"),
        waiting=needle(raw["waiting"]),
        database_client=needle(raw["database_client"]),
    )


# -- reading -------------------------------------------------------------------------------------------
@lru_cache(maxsize=64)  # several analyzers ask about the same lines
def read_log(text: str) -> LogReading:
    """The classes of lines in a log, with or without the kubelet's timestamps. Linear in its length."""
    text = text[-MAX_TEXT:]
    head = text[:400]
    if any(pattern.search(head, head.lower()) for pattern in _rules().no_log):
        return LogReading(fetched=False)
    return _Reader().read(text)


class _Reader:
    def __init__(self) -> None:
        self.notes: dict[tuple[str, str, str], LogNote] = {}
        self.ports: dict[int, None] = {}
        self.plain: set[tuple[Level, str]] = set()
        self.index = 0
        self.recovered_at = 0
        self.requests = 0
        self.server_errors = 0
        self.target = ""
        """The address a line just before spoke of: `connecting to db:5432`, then `refused`."""

    def read(self, text: str) -> LogReading:
        for raw in text.splitlines():
            for line in () if _is_addressed_to_a_reader(raw) else unwrap(raw):
                if line.text.strip() and not FRAME.match(line.text):
                    self.index += 1
                    self._line(line.level, line.text)
        if self.server_errors >= OFTEN and self.server_errors * 10 >= self.requests:
            self._note(LogNote("upstream-5xx", "requests are answered with 502, 503 or 504", call="http-5xx"))
        placed = (replace(n, of=self.index) for n in self.notes.values())
        kept = (n for n in placed if n.kind or n.count >= 3)
        notes = tuple(sorted(kept, key=lambda n: n.from_end))
        return LogReading(notes, self.index, tuple(self.ports), True, self.recovered_at)

    def _line(self, level: Level, text: str) -> None:
        low = text.lower()
        if _is_addressed_to_a_reader(text) or self._is_request(text, low):
            return
        rule, match = self._rule(level, text, low)
        if rule is not None:
            setting = (match.groupdict().get("name") or "") if match else ""
            names_target = rule.call or rule.kind.startswith(ABOUT_A_DEPENDENCY)
            target = (_target(text, low) or self.target) if names_target else ""
            path = _path(text, low) if rule.call == "http-5xx" and not target else ""
            note = LogNote(rule.kind, shortened(text, MAX_SHOWN), 1, target, path, setting, rule.call, level)
            self._note(replace(note, quiet=rule.quiet, inbound=rule.inbound))
        elif level in ("error", "fatal"):
            self._note(LogNote("exception", shortened(text, MAX_SHOWN), 1, _target(text, low), level=level))
        else:
            self._other_line(text, low)

    def _rule(self, level: Level, text: str, low: str) -> tuple[_Rule | None, re.Match[str] | None]:
        """The first rule that the line fits; lines of the same shape as one that fits none are known."""
        shape = (level, NUMBERS.sub("#", text))
        if shape in self.plain:
            return None, None
        for rule in _rules().classes:
            if level != "info" or rule.any_level:
                match = rule.text.search(text, low)
                if match:
                    return rule, match
        self.plain.add(shape)
        return None, None

    def _other_line(self, text: str, low: str) -> None:
        """No error: perhaps the port it serves, the dependency it waits for, or that all is well again."""
        for pattern in _rules().listening:
            match = pattern.search(text, low)
            if match and 0 < int(match["port"]) < 65536:
                self.ports[int(match["port"])] = None
        if RECOVERED.search(text):
            self.recovered_at = self.index
        self.target = _target(text, low) if _rules().waiting.search(text, low) else ""
        if self.target:
            self._note(LogNote("", shortened(text, MAX_SHOWN), 1, self.target))

    def _is_request(self, text: str, low: str) -> bool:
        for pattern in _rules().access:
            match = pattern.search(text, low)
            if match:
                self.requests += 1
                self.server_errors += match["status"] in ("502", "503", "504")
                return True
        return False

    def _note(self, note: LogNote) -> None:
        if not note.kind and not note.target:
            return
        key = (note.kind, note.target, note.setting)
        known = self.notes.get(key)
        count = known.count + 1 if known else 1
        level = known.level if known and known.level in ("", "error", "fatal") else note.level
        path = note.path or (known.path if known else "")
        self.notes[key] = replace(note, count=count, last=self.index, level=level, path=path)


def _is_addressed_to_a_reader(text: str) -> bool:
    """Whether a line is shaped like an instruction, or like a step of an agent."""
    text = text[:MAX_LINE]
    low = text.lower()
    return any(pattern.search(text, low) for pattern in _rules().skip)


def _target(text: str, low: str) -> str:
    for pattern in _rules().targets:
        match = pattern.search(text, low)
        if match:
            groups = match.groupdict()
            host = groups["host"].rstrip(".")
            if NO_HOST.fullmatch(host):
                continue
            return f"{host}:{groups['port']}" if groups.get("port") else host
    return ""


def _path(text: str, low: str) -> str:
    found = (pattern.search(text, low) for pattern in _rules().paths)
    return next((match["path"] for match in found if match), "")


# -- facts ---------------------------------------------------------------------------------------------
def log_facts(
    view: View, pod: JsonObject, container: str, reading: LogReading, previous: bool = False
) -> list[Fact]:
    """Facts of one run's log: its classes, failing calls, the settings and ports it names.

    `previous`: the log of the run before. That the run after a crash has nothing to say yet is no fact.
    """
    case = Case(view, pod)
    found = next((c for c in case.containers if c.name == container), None)
    if found is None or not reading.fetched:
        return []
    errors = reading.errors(_is_failing(found))
    facts = [fact for note in errors for fact in _note_facts(case, found, note)]
    facts += [fact for note in reading if note.quiet for fact in _note_facts(case, found, note)]
    facts += _listening_facts(case, found, reading.ports)
    if any(note.inbound for note in errors):
        facts += plain_http_facts(case, found)
    if not errors and (previous or not (found.restarts and found.running)):
        value = "no-error" if reading.lines else "empty"
        detail = f"the log of container {container} has {reading.lines} lines, none of them an error"
        facts.append(case.subject.fact("log", value, detail, container=container))
    return list({(f.key, f.value): f for f in reversed(facts)}.values())[::-1]


def _is_failing(container: Container) -> bool:
    return not container.ready or bool(container.restarts)


def _note_facts(case: Case, container: Container, note: LogNote) -> Iterator[Fact]:
    times = f" ({note.count} times)" if note.count > 1 else ""
    detail = f"container {container.name} wrote{times}: {note.line}"
    params = {"container": container.name, "image": container.image, "setting": note.setting}
    yield case.subject.fact("log", note.kind, detail, **params)
    if note.call:
        yield case.subject.fact("call.error", note.call, detail, container=container.name)
        if not note.target and _rules().database_client.search(note.line, note.line.lower()):
            yield from _database_facts(case, detail)
    if note.setting:
        known = setting_names(case.view, case.subject.about.namespace, container.spec)
        if known is not None:
            there = _as_variable(note.setting) in set(map(_as_variable, known))
            where = "is set in" if there else "is not set in"
            detail = f"{note.setting} {where} the spec of container {container.name}"
            yield case.subject.fact(
                "log.setting", "set-in-spec" if there else "absent-from-spec", detail, **params
            )


def _database_facts(case: Case, detail: str) -> Iterator[Fact]:
    """A database cannot be reached, and the log does not say at what address: are those there are well?"""
    yield case.subject.fact("dependency.kind", "database", detail)
    services = case.view.all("Service", case.subject.about.namespace)
    found = [addresses_of(case.view, s) for s in services if any(map(is_database_port, _ports(s)))]
    if found and all(addresses.known for addresses in found):
        value = "ready" if all(addresses.ready for addresses in found) else "not-ready"
        detail = f"databases in its namespace: {len(found)} Services, {value}"
        yield case.subject.fact("dependency.databases", value, detail)


def _ports(service: JsonObject) -> Iterator[int | None]:
    return (port.get("port") for port in (service.get("spec") or {}).get("ports") or ())


def _as_variable(name: str) -> str:
    """`billing.api-key` and `BILLING_API_KEY` name one setting in frameworks that bind loosely."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def setting_names(view: View, namespace: str, spec: Mapping[str, object]) -> set[str] | None:
    """Names of a container's environment variables; None when some come from what cannot be read."""
    container: JsonObject = dict(spec)
    names = {str(v.get("name")) for v in container.get("env") or ()}
    for source in container.get("envFrom") or ():
        kind, field = ("ConfigMap", "configMapRef") if source.get("configMapRef") else ("Secret", "secretRef")
        keys = keys_of(view.get(kind, namespace, (source.get(field) or {}).get("name", "")))
        if keys is None:
            return None
        names |= {f"{source.get('prefix') or ''}{key}" for key in keys}
    return names


def _listening_facts(case: Case, container: Container, ports: tuple[int, ...]) -> Iterator[Fact]:
    if not ports:
        return
    told = ", ".join(map(str, ports))
    detail = f"container {container.name} says it listens on {told}"
    yield case.subject.fact("log", "listening", detail, container=container.name, port=ports[0])
    for kind in ("liveness", "readiness"):
        for fact in port_facts(case, container, kind, ports):
            if fact.value == "other-than-served":
                yield fact
