"""Reports as Markdown, for tickets and chats. What a cluster said is escaped or fenced."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kubelore.casebook.document import AlternativeDocument, DiagnosisDocument, NotCheckedDocument
from kubelore.cli.render import HEALTHY, origin_of, percent, where_to_read
from kubelore.cli.report import Report, ScanReport, by_reason

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~])")


def escape(text: str) -> str:
    """Prose that renders as it reads: no link, no image, no HTML, no heading comes of it."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def span(text: str) -> str:
    """A code span, whatever backticks are inside."""
    inner = " ".join(text.split())
    ticks = "`" * (_longest_run(inner) + 1)
    pad = " " if inner.startswith("`") or inner.endswith("`") else ""
    return f"{ticks}{pad}{inner}{pad}{ticks}" if inner else ""


def fence(text: str, language: str = "") -> str:
    ticks = "`" * max(3, _longest_run(text) + 1)
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}"


def investigation(report: Report) -> str:
    diagnosis = report["diagnosis"]
    parts = [f"## {escape(report['question'])}"]
    if diagnosis is not None:
        parts += _diagnosis(diagnosis, report)
    steps = [
        f"{s['index']}. {span(' '.join((s['tool'], s['args'])).strip())} {escape(s['thought'])}".rstrip()
        for s in report["steps"]
    ]
    if steps:
        parts += ["### Steps", "\n".join(steps)]
    parts.append(
        f"{escape(report['decider'])} on {escape(origin_of(report['cluster']))}, {report['seconds']:.2f} s"
    )
    return "\n\n".join(parts)


def scan(report: ScanReport) -> str:
    where = f"namespace {report['namespace']}" if report["namespace"] else "all namespaces"
    parts = [f"## Scan of {escape(where)}, {escape(origin_of(report['cluster']))}"]
    rows = [f"| {f['severity']} | {span(f['object'])} | {escape(f['what'])} |" for f in report["findings"]]
    if rows:
        parts.append("\n".join(["| severity | object | what |", "|---|---|---|", *rows]))
    else:
        parts.append("Nothing found.")
    parts += _not_checked(report["not_checked"])
    return "\n\n".join(parts)


def _diagnosis(diagnosis: DiagnosisDocument, report: Report) -> Iterator[str]:
    cause = diagnosis["root_cause"]
    title = report["titles"].get(cause) or cause or "The evidence does not name a root cause"
    at_fault = f" at {span(diagnosis['object'])}" if diagnosis["object"] else ""
    known_as = f" ({span(cause)})" if cause and cause != HEALTHY else ""
    sure = f"confidence {percent(diagnosis['probability'])} ({diagnosis['confidence']})"
    yield f"**{escape(title)}**{known_as}{at_fault}, {sure}"
    yield from (escape(text) for text in (diagnosis["explanation"], diagnosis["response"]) if text.strip())
    if diagnosis["chain"]:
        yield " → ".join(span(ref) for ref in diagnosis["chain"])
    if diagnosis["evidence"]:
        yield "### Evidence"
        yield "\n".join(
            f"- step {e['step']}: {escape(e['detail'])} {span(e['fact'])} {span(e['object'])}"
            for e in diagnosis["evidence"]
        )
    yield from _fix(diagnosis)
    if diagnosis["reading"]:
        yield "### See"
        yield "\n".join(f"- {escape(r['title'])}: {span(where_to_read(r))}" for r in diagnosis["reading"])
    for title, symptom in (("### Explained by it", True), ("### It could also be", False)):
        others = [other for other in diagnosis["alternatives"] if other["symptom"] is symptom]
        if others:
            yield title
            yield "\n".join(map(_alternative, others))
    if diagnosis["would_decide"]:
        yield "### What would decide it"
        yield "\n".join(f"- {escape(look)}" for look in diagnosis["would_decide"])
    yield from _not_checked(diagnosis["not_checked"])


def _alternative(other: AlternativeDocument) -> str:
    what = f"{span(other['root_cause'])} at {span(other['object'])}"
    why = f": {escape(other['why'])}" if other["why"] else ""
    likely = "" if other["symptom"] else f"{percent(other['probability'])} "
    return f"- {likely}{what}{why}"


def _fix(diagnosis: DiagnosisDocument) -> Iterator[str]:
    fix = diagnosis["fix"]
    if not any(fix.values()):
        return
    yield "### Fix"
    if fix["text"]:
        yield escape(fix["text"])
    if fix["command"].strip():
        yield fence(fix["command"], "sh")
    if fix["yaml"].strip():
        yield fence(fix["yaml"], "yaml")


def _not_checked(unread: Iterable[NotCheckedDocument]) -> Iterator[str]:
    lines = [f"- {escape(what)}: {escape(why)}" for why, what in by_reason(unread)]
    if lines:
        yield from ("### Not checked", "\n".join(lines))


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
