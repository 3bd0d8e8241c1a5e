"""Answers of monitoring tools that are not about one object: alerts, logs, dependencies, connections.

Each function reads one answer, parsed JSON or text, into a typed result and says nothing that the answer does
not. An answer of another shape gives an empty result.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from kubelore.cluster.text.cells import listed, number

_MEASURE = re.compile(
    r"(?:(?P<what>[^=|]*?):? +)?Normal=(?P<normal>-?[\d.]+)(?P<unit> ?[^\s>]*)"
    r" -> Cur(?:rent)?=(?P<current>-?[\d.]+|NaN)[^|(]*(?:\((?P<change>[+-][\d.]+)%\))?"
)
_PEAK = re.compile(r"Peak=([\d.]+)")
_SIGN = re.compile(
    r"(?P<category>[A-Z][A-Z_]+)\s*(?:\[(?P<label>[^\]]*)\])?\s*(?:\|\s*(?P<rest>.*))?", re.DOTALL
)
_TREE = re.compile(r"(?P<lead>[\s│├└─|`+\\-]*)(?P<name>[\w.\-]+)\s*(?:<--\s*)?(?:\((?P<note>[^)]*)\))?\s*")
_FIELD = re.compile(r"\[(?P<field>[^\]]+)\]:\s*(?P<value>.*)")
_REPORT = re.compile(r"=== Service (?P<service>[\w.\-]+):(?P<port>\d+) ")
_FROM_NODE = re.compile(r"Debug Pod test results deployed on (?P<node>[\w.\-]+):\s*(?P<said>.*)")
_OPEN = re.compile(r"(?P<name>\S+) \((?P<address>[^)]*)\) open")


# -- alerts ------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Measure:
    """One metric before and now, in `unit` as printed; `change` in percent. None where it is not told."""

    what: str
    normal: float
    current: float | None
    unit: str = ""
    change: float | None = None
    peak: float | None = None


@dataclass(frozen=True, slots=True)
class Sign:
    """One line of evidence: `LATENCY_DEGRADATION [Slow Response] | p90latency: Normal=60ms -> ...`."""

    category: str
    label: str
    measures: tuple[Measure, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Alert:
    """What is abnormal on one thing. `kind` is `Service`, `Node`, ..., or `Request` for a failing URL."""

    kind: str
    name: str
    signs: tuple[Sign, ...] = ()
    since: str = ""
    until: str = ""
    error: str = ""
    method: str = ""
    url: str = ""
    action: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class Alerts:
    status: str = ""
    message: str = ""
    alerts: tuple[Alert, ...] = ()


def read_alerts(answer: Any) -> Alerts:
    """A map of `status` and `alerts`; {} where nothing was abnormal."""
    found = parsed(answer)
    if not isinstance(found, dict):
        return Alerts(message=found if isinstance(found, str) else "")
    items = found.get("alerts")
    alerts = (
        tuple(_alert(item) for item in items if isinstance(item, dict)) if isinstance(items, list) else ()
    )
    return Alerts(_word(found, "status"), _word(found, "message"), alerts)


def _alert(item: dict[str, Any]) -> Alert:
    evidence = item.get("evidence")
    lines = [line for line in evidence if isinstance(line, str)] if isinstance(evidence, list) else []
    since, _, until = _word(item, "time_range").partition(" ~ ")
    entry = _word(item, "entry_service")
    return Alert(
        kind=_word(item, "type") or _word(item, "entity_type") or ("Request" if entry else ""),
        name=_word(item, "name") or _word(item, "entity_name") or entry,
        signs=tuple(_sign(line) for line in lines),
        since=since,
        until=until,
        error=_word(item, "raw_error"),
        method=_word(item, "request_method"),
        url=_word(item, "url"),
        action=_word(item, "business_action"),
        count=number(_word(item, "occurrences")) or 0,
    )


def _sign(line: str) -> Sign:
    match = _SIGN.match(line)
    if match is None:
        return Sign("", "", (), line)
    measures: list[Measure] = []
    for part in (match["rest"] or "").split(" | "):
        told, peak = _MEASURE.search(part), _PEAK.search(part)
        if told:
            measures.append(
                Measure(
                    what=(told["what"] or "").strip(),
                    normal=_float(told["normal"]) or 0.0,
                    current=_float(told["current"]),
                    unit=told["unit"].strip(),
                    change=_float(told["change"]),
                )
            )
        elif peak and measures:
            last = measures[-1]
            measures[-1] = Measure(
                last.what, last.normal, last.current, last.unit, last.change, _float(peak[1])
            )
    return Sign(match["category"], match["label"] or "", tuple(measures), line)


def _float(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if value == value else None  # noqa: PLR0124  NaN


def _word(item: dict[str, Any], key: str) -> str:
    value = item.get(key)
    return str(value) if isinstance(value, str | int | float) else ""


def parsed(answer: Any) -> Any:
    """JSON that comes as text; anything else as it is."""
    if isinstance(answer, str) and answer.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(answer)
        except (ValueError, RecursionError):
            return answer
    return answer


# -- logs --------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of one container's log, "" where it is not named. Each has how often it came, alike."""

    container: str
    previous: bool
    lines: tuple[tuple[str, int], ...]

    @property
    def text(self) -> str:
        return "\n".join(line for line, _ in self.lines)


@dataclass(frozen=True, slots=True)
class Logs:
    """`total` and `errors` count all lines of the log; None where they are not told."""

    excerpts: tuple[Excerpt, ...] = ()
    total: int | None = None
    errors: int | None = None


def read_logs(answer: Any) -> Logs:
    """Plain text, a map of containers (and `previous`) to lines, or samples with their counts."""
    found = parsed(answer)
    if isinstance(found, str):
        lines = tuple((line, 1) for line in found.splitlines() if line.strip())
        return Logs((Excerpt("", False, lines),) if lines else ())
    if isinstance(found, list):
        lines = tuple((line, 1) for line in found if isinstance(line, str))
        return Logs((Excerpt("", False, lines),) if lines else ())
    if not isinstance(found, dict):
        return Logs()
    patterns = found.get("patterns")
    if isinstance(patterns, list):
        samples = [p for p in patterns if isinstance(p, dict) and isinstance(p.get("sample"), str)]
        counted = tuple((p["sample"], number(_word(p, "count")) or 1) for p in samples)
        total, errors = number(_word(found, "total_log_count")), number(_word(found, "total_errors"))
        return Logs((Excerpt("", False, counted),) if counted else (), total, errors)
    return Logs(tuple(_excerpts(found)))


def _excerpts(found: dict[str, Any]) -> Iterator[Excerpt]:
    for name, lines in found.items():
        if not isinstance(lines, str | list):
            continue
        texts = lines.splitlines() if isinstance(lines, str) else [x for x in lines if isinstance(x, str)]
        if texts:
            previous = name == "previous"
            yield Excerpt("" if previous else name, previous, tuple((text, 1) for text in texts))


# -- dependencies ------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Dependencies:
    """Who calls whom around one service. `notes` says what the answer adds to a name: `Database`."""

    service: str = ""
    callers: tuple[str, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()
    """(caller, callee), each once: the callers of the service and all that it leads to."""
    notes: tuple[tuple[str, str], ...] = ()


def read_dependencies(text: str) -> Dependencies:
    """`[Service]: x`, `[Upstream (Called By)]: a, b` and a tree of what x calls."""
    service, callers = "", []
    calls: dict[tuple[str, str], None] = {}
    notes: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in text.splitlines():
        field = _FIELD.match(line.strip())
        if field:
            plain = _TREE.fullmatch(field["value"])
            if field["field"] == "Service" and plain:
                service = plain["name"]
                notes |= {service: plain["note"]} if plain["note"] else {}
            elif field["field"].startswith("Upstream"):
                callers = [name for name in listed(field["value"]) if not name.startswith("(")]
                calls |= dict.fromkeys((caller, service) for caller in callers)
            continue
        node = _TREE.fullmatch(line)
        if node is None or not service:
            continue
        depth, name = len(node["lead"]), node["name"]
        while path and path[-1][0] >= depth:
            path.pop()
        caller = path[-1][1] if path else service
        if caller != name:
            calls[caller, name] = None
        path.append((depth, name))
        notes |= {name: node["note"]} if node["note"] else {}
    return Dependencies(service, tuple(callers), tuple(calls), tuple(notes.items()))


# -- connections -------------------------------------------------------------------------------------
Verdict = Literal["open", "failed", "partly", "unknown"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to connect, from `node` where it is told. `open` is None where no result came."""

    node: str
    open: bool | None
    address: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Connectivity:
    attempts: tuple[Attempt, ...] = ()
    service: str = ""
    port: int | None = None

    @property
    def verdict(self) -> Verdict:
        """`partly` when some attempts succeed and others fail; those without result do not count."""
        results = {a.open for a in self.attempts} - {None}
        if not results:
            return "unknown"
        return "partly" if len(results) > 1 else "open" if True in results else "failed"


def read_connectivity(text: str) -> Connectivity:
    """What netcat said, once or from a pod on each node."""
    attempts: list[Attempt] = []
    report = _REPORT.search(text)
    for line in text.splitlines():
        where = _FROM_NODE.match(line.strip())
        said = where["said"] if where else line.strip()
        if line.startswith("===") or not line.strip():
            continue
        if where or not attempts:
            attempts.append(Attempt(where["node"] if where else "", *_outcome(said), said))
        else:  # more about the attempt before
            last = attempts[-1]
            result, address = _outcome(said)
            both = f"{last.said}\n{said}".strip()
            known = last.open if result is None else result
            attempts[-1] = Attempt(last.node, known, last.address or address, both)
    service, port = (report["service"], number(report["port"])) if report else ("", None)
    return Connectivity(tuple(attempts), service, port)


def _outcome(said: str) -> tuple[bool | None, str]:
    opened = _OPEN.search(said)
    if opened or "succeeded" in said.lower():
        return True, opened["address"] if opened else ""
    failed = re.search(
        r"fail|refused|timed out|timeout|unreachable|bad address|not known|no route", said, re.I
    )
    return (False if failed else None), ""
