"""Reports for people, as rich renderables. Takes cleaned reports, makes no markup of anything in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from kubelore.casebook.document import (
    AlternativeDocument,
    ClusterDocument,
    DiagnosisDocument,
    EvidenceDocument,
    NotCheckedDocument,
    ReadingDocument,
    StepDocument,
)
from kubelore.cli.report import Report, ScanReport, by_reason

BAR = 20
MARGIN = 4
CONFIDENCE_STYLE = {"high": "green", "medium": "yellow", "low": "red"}
SEVERITY_STYLE = {"critical": "red", "warning": "yellow", "info": "dim"}
HEALTHY = "none"


def investigation(report: Report, *, steps: bool = True) -> RenderableType:
    """Diagnosis, evidence and fix. `steps`: list the steps too (a live view has shown them already)."""
    diagnosis = report["diagnosis"]
    parts: list[RenderableType] = []
    if steps and report["steps"]:
        parts += [heading("Steps"), *(_step_line(step) for step in report["steps"]), Text()]
    if diagnosis is not None:
        parts += _diagnosis(diagnosis, report)
    parts.append(Text(_footer(report), style="dim"))
    return Group(*parts)


def scan(report: ScanReport) -> RenderableType:
    where = f"namespace {report['namespace']}" if report["namespace"] else "all namespaces"
    findings = report["findings"]
    parts: list[RenderableType] = []
    if findings:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for finding in findings:
            name = Text(readable(finding["object"]), style="bold")
            severity = Text(finding["severity"], style=SEVERITY_STYLE.get(finding["severity"], ""))
            table.add_row(severity, Group(name, Text(finding["what"])))
        parts += [table, Text()]
    parts += _not_checked(report["not_checked"])
    count = f"{len(findings)} finding{'' if len(findings) == 1 else 's'}" if findings else "nothing found"
    origin = origin_of(report["cluster"])
    parts.append(Text(f"{count} in {where} of {origin}, {report['seconds']:.2f} s", style="dim"))
    return Group(*parts)


def heading(text: str) -> Text:
    return Text(text, style="bold")


def item(marker: str, *lines: Text) -> Table:
    """A marker and lines beside it that wrap on their own side."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, min_width=MARGIN)
    table.add_column(overflow="fold")
    table.add_row(Text(marker, justify="right"), Group(*lines))
    return table


def columns(rows: Iterable[Sequence[str]], header: Sequence[str] = ()) -> Table:
    """A borderless table; the last column and the header wrap."""
    table = Table(box=None, show_header=bool(header), padding=(0, 2, 0, 0), pad_edge=False)
    cells = [tuple(row) for row in rows]
    width = len(header or (cells[0] if cells else ()))
    for number in range(width):
        title = header[number] if header else ""
        longest = max((cell_len(row[number]) for row in cells), default=0) if number < width - 1 else None
        table.add_column(title, min_width=longest, overflow="fold", header_style="bold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    return table


def code(text: str) -> Text:
    """Commands and YAML: indented, never wrapped, so that they can be copied."""
    lines = "\n".join(" " * MARGIN + line if line else "" for line in text.rstrip("\n").split("\n"))
    return Text(lines, style="cyan", no_wrap=True, overflow="ignore")


def readable(ref: str) -> str:
    """`Deployment/billing/payments` as `Deployment billing/payments`, `Node//w1` as `Node w1`."""
    kind, _, rest = ref.partition("/")
    return f"{kind} {rest.lstrip('/')}".strip()


def origin_of(cluster: ClusterDocument) -> str:
    version = f" ({cluster['server_version']})" if cluster["server_version"] else ""
    name = cluster["context"] or "the cluster"
    if cluster["live"]:
        return f"{name}{version}"
    cut_short = ", cut short" if cluster["incomplete"] else ""
    return f"{name}{version}, recorded {cluster['now']}{cut_short}"


def bar(probability: float) -> str:
    full = round(max(0.0, min(1.0, probability)) * BAR)
    return "█" * full + "░" * (BAR - full)


def percent(probability: float) -> str:
    """Evidence never makes sure: neither 0% nor 100%."""
    if probability < 0.005:
        return "<1%"
    return ">99%" if probability >= 0.995 else f"{probability:.0%}"


def _diagnosis(diagnosis: DiagnosisDocument, report: Report) -> Iterator[RenderableType]:
    yield from _verdict(diagnosis, report)
    for text in (diagnosis["explanation"], diagnosis["response"]):
        if text.strip():
            yield from (Text(text.strip()), Text())
    if diagnosis["chain"]:
        yield from (heading("How it reaches you"), *_chain(diagnosis["chain"]), Text())
    if diagnosis["evidence"]:
        yield heading("Evidence")
        yield from _evidence(diagnosis["evidence"])
        yield Text()
    yield from _fix(diagnosis)
    yield from _reading(diagnosis)
    yield from _others(diagnosis, report)
    yield from _not_checked(diagnosis["not_checked"])


def _verdict(diagnosis: DiagnosisDocument, report: Report) -> Iterator[RenderableType]:
    cause = diagnosis["root_cause"]
    title = report["titles"].get(cause) or cause or "The evidence does not name a root cause"
    confidence = diagnosis["confidence"]
    style = CONFIDENCE_STYLE.get(confidence, "")
    rows = Table.grid(padding=(0, 2))
    rows.add_column(no_wrap=True, style="bold")
    rows.add_column(overflow="fold")
    rows.add_row(
        "Answer" if cause == HEALTHY else "Root cause",
        Text(title, style="bold green" if cause == HEALTHY else "bold"),
    )
    if diagnosis["object"]:
        rows.add_row("At fault", Text(readable(diagnosis["object"])))
    if cause and cause != HEALTHY:
        rows.add_row("Known as", Text(cause))
    sure = f"{bar(diagnosis['probability'])} {percent(diagnosis['probability'])} {confidence}"
    rows.add_row("Confidence", Text(sure, style=style))
    yield from (rows, Text())


def _evidence(evidence: Iterable[EvidenceDocument]) -> Iterator[Table]:
    """What was seen, once, with all facts that were read from it."""
    seen: dict[tuple[int, str, str], list[str]] = {}
    for cited in evidence:
        seen.setdefault((cited["step"], cited["detail"], cited["object"]), []).append(cited["fact"])
    for (step, detail, ref), facts in seen.items():
        source = Text(f"{readable(ref)}: {', '.join(facts)}", style="dim")
        yield item(f"[{step}]", *([Text(detail)] if detail else []), source)


def _chain(chain: Sequence[str]) -> Iterator[Text]:
    for depth, ref in enumerate(chain):
        branch = "   " * (depth - 1) + "└─ " if depth else ""
        yield Text(" " * MARGIN + branch + readable(ref))


def _fix(diagnosis: DiagnosisDocument) -> Iterator[RenderableType]:
    fix = diagnosis["fix"]
    if not any(fix.values()):
        return
    yield heading("Fix")
    if fix["text"]:
        yield Padding(Text(fix["text"].strip()), (0, 0, 0, MARGIN))
    for block in (fix["command"], fix["yaml"]):
        if block.strip():
            yield from (Text(), code(block))
    yield Text()


def _reading(diagnosis: DiagnosisDocument) -> Iterator[RenderableType]:
    rows: list[RenderableType] = [
        item("-", Text(reading["title"]), Text(where_to_read(reading), style="dim"))
        for reading in diagnosis["reading"]
    ]
    if rows:
        yield from (heading("See"), *rows, Text())


def where_to_read(reading: ReadingDocument) -> str:
    """Address, date, and the command that shows the passage."""
    show = f"kubelore knowledge show {reading['entry']}" if reading["entry"] else ""
    return ", ".join(part for part in (reading["where"], reading["date"][:10], show) if part)


def _others(diagnosis: DiagnosisDocument, report: Report) -> Iterator[RenderableType]:
    rivals = [other for other in diagnosis["alternatives"] if not other["symptom"]]
    symptoms = [other for other in diagnosis["alternatives"] if other["symptom"]]
    for title, others in (("Explained by it", symptoms), ("It could also be", rivals)):
        if others:
            yield heading(title)
            yield from (_other(other, report) for other in others)
            yield Text()
    if diagnosis["would_decide"]:
        yield heading("What would decide it")
        yield from (item("-", Text(look)) for look in diagnosis["would_decide"])
        yield Text()


def _other(other: AlternativeDocument, report: Report) -> RenderableType:
    title = report["titles"].get(other["root_cause"]) or other["root_cause"]
    line = Text(f"{title}: {readable(other['object'])}")
    why = [Text(other["why"], style="dim")] if other["why"] else []
    return item("-" if other["symptom"] else percent(other["probability"]), line, *why)


def _not_checked(unread: Iterable[NotCheckedDocument]) -> Iterator[RenderableType]:
    rows: list[RenderableType] = [item("-", Text(f"{what}: {why}")) for why, what in by_reason(unread)]
    if rows:
        yield from (heading("Not checked"), *rows, Text())


def _step_line(step: StepDocument) -> Table:
    call = Text(f"{step['tool']} {step['args']}".rstrip())
    return item(str(step["index"]), call, Text(step["error"] or step["thought"], style="dim"))


def _footer(report: Report) -> str:
    count = len(report["steps"])
    used = report["usage"]
    tokens = f", {used['tokens_in'] + used['tokens_out']} tokens" if used["calls"] else ""
    steps = f"{count} step{'' if count == 1 else 's'}"
    origin = origin_of(report["cluster"])
    return f"{steps}, {report['seconds']:.2f} s, {report['decider']}{tokens}, on {origin}"
