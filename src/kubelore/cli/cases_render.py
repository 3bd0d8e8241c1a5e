"""Cases for people, as rich renderables. Takes cleaned reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kubelore.cli.judging import SHORT_ID, counted
from kubelore.cli.render import code, columns, heading, item, percent, readable

NO_RATING = "-"
MAX_CAUSES = 15
MIB = 1 << 20
ENDED = {"running": "no end on record: it still runs, or was killed", "failed": "no answer"}
"""What is said of investigations that are not done."""


def listed(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    if not rows:
        return Text("no cases")
    cells = [
        (
            row["id"][:SHORT_ID],
            row["timestamp"][:16].replace("T", " "),
            row["state"],
            str(row["user_rating"] or NO_RATING),
            _answer(row) + f"\n{row['query']}",
        )
        for row in rows
    ]
    return columns(cells, ("id", "asked", "state", "rated", "answer and question"))


def case(report: Mapping[str, Any]) -> RenderableType:
    parts: list[RenderableType] = [Text(report["query"], style="bold"), Text()]
    parts += [_facts(report), Text()]
    if report["steps"]:
        parts += [heading("Steps"), *(_step(step) for step in report["steps"]), Text()]
    explanation = report["diagnosis"].get("explanation", "")
    if explanation:
        parts += [heading("Explanation"), Text(explanation), Text()]
    fix = report["diagnosis"].get("fix") or {}
    if fix.get("text"):
        parts += [heading("Fix"), Text(fix["text"])]
        parts += [code(fix["command"])] if fix.get("command") else []
        parts.append(Text())
    if report["user_feedback"]:
        parts += [heading("Comment"), Text(report["user_feedback"]), Text()]
    if report["lessons"]:
        shown = (f"{x['kind']} {x['id'][:SHORT_ID] if x['kind'] == 'case' else x['id']}: {x['title']}"
                 for x in report["lessons"])  # fmt: skip
        parts += [heading("Lessons shown"), *(item("-", Text(line)) for line in shown), Text()]
    if spoke := report["diagnosis"].get("cases"):
        parts += [heading("Past cases that spoke for it"), *(item("-", Text(case)) for case in spoke), Text()]
    parts += [heading("History"), *_history(report["history"])]
    return Group(*parts)


def stats(report: Mapping[str, Any]) -> RenderableType:
    if not report["cases"]:
        return Text("no cases")
    sections: list[tuple[str, Mapping[str, int]]] = [
        ("State", report["states"]),
        ("Cause", dict(list({k or "(none)": v for k, v in report["causes"].items()}.items())[:MAX_CAUSES])),
        ("Rated", {k if k != "0" else "not": v for k, v in report["ratings"].items()}),
        ("Decider", report["deciders"]),
        ("Source", {k or "own": v for k, v in report["sources"].items()}),
    ]
    parts: list[RenderableType] = []
    for title, counts in sections:
        parts += [
            heading(title),
            *(item(str(count), Text(str(name))) for name, count in counts.items()),
            Text(),
        ]
    for title, sums in (("Right, of those that people judged", report["judged"]),):
        if sums:
            lines = (
                f"{name or 'no'} confidence: {right} of {judged}" for name, (judged, right) in sums.items()
            )
            parts += [heading(title), *(item("-", Text(line)) for line in lines), Text()]
    if report["credits"]:
        lines = (f"{kind}: helped {good}, harmed {bad}" for kind, (good, bad) in report["credits"].items())
        parts += [heading("Lessons"), *(item("-", Text(line)) for line in lines), Text()]
    parts += [heading("Forgets by rule"), *(item("-", Text(line)) for line in _rules(report)), Text()]
    sizes = f"{counted(report['cases'], 'case')}, {report['entries']} entries in the journal"
    parts.append(Text(sizes, style="dim"))
    return Group(*parts)


def _rules(report: Mapping[str, Any]) -> Iterator[str]:
    rules, kept = report["forgets"], f"{report['bodies']} steps in {report['body_bytes'] / MIB:.1f} MiB"
    yield (
        f"what steps saw: after {rules['observed_days']} days, of retired cases after "
        f"{rules['retired_days']}, the oldest beyond {rules['observed_bytes'] / MIB:.0f} MiB; now {kept}"
    )
    yield (
        f"a case that has helped nobody retires after {rules['taught_days']} days, or when nothing was asked "
        f"of its cluster for {rules['cluster_days']}"
    )


def replay(report: Mapping[str, Any]) -> RenderableType:
    before, after = report["before"], report["after"]
    parts: list[RenderableType] = [Text(report["query"], style="bold"), Text()]
    rows = [("then", _verdict(before)), ("today", _verdict(after))]
    if report["confirmed_cause"]:
        truth = {"root_cause": report["confirmed_cause"], "object": report["confirmed_object"]}
        rows.append(("confirmed", _named(truth)))
    parts += [columns(rows), Text()]
    changed = [name for name in report["changed"] if name != "patterns"]
    same = "the patterns are the same" if before["patterns"] == after["patterns"] else "the patterns changed"
    parts.append(
        Text(f"Changed: {', '.join(changed)} ({same})." if changed else f"Nothing changed ({same}).")
    )
    if report["not_recorded"]:
        parts += [Text(), heading("Asked today and not recorded then")]
        parts += [item("-", Text(call)) for call in report["not_recorded"]]
    return Group(*parts)


def _verdict(answer: Mapping[str, Any]) -> str:
    if not answer["confidence"]:
        return "no answer"
    return f"{_named(answer)}, {percent(answer['probability'])} {answer['confidence']}"


def _named(answer: Mapping[str, Any]) -> str:
    cause = answer["root_cause"] or "no known cause"
    return f"{cause} at {readable(answer['object'])}" if answer["object"] else cause


def _answer(row: Mapping[str, Any]) -> str:
    answered = _named(row) if row["status"] == "done" else ENDED[row["status"]]
    if row["confirmed_cause"] and row["confirmed"]:
        truth = _named({"root_cause": row["confirmed_cause"], "object": row["confirmed_object"]})
        answered = truth if truth == answered else f"{truth} (answered: {answered})"
    many = f" (x{row['count']})" if row["count"] > 1 else ""
    return answered + many


def _facts(report: Mapping[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, value in _rows(report):
        if value:
            table.add_row(name, Text(value))
    return table


def _rows(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Case", report["id"]
    yield "Asked", f"{report['timestamp'][:19].replace('T', ' ')} UTC"
    yield "State", f"{report['state']}: {report['why']}" if report["why"] else report["state"]
    answered = {name: report[name] for name in ("root_cause", "object", "confidence", "probability")}
    ended = report["error"] or ENDED.get(report["status"], "")
    yield "Answer", _verdict(answered) if report["status"] == "done" else ended
    if report["confirmed_cause"]:
        truth = {"root_cause": report["confirmed_cause"], "object": report["confirmed_object"]}
        yield "Confirmed" if report["confirmed"] else "Confirmed there", _named(truth)
    yield "Rated", str(report["user_rating"] or "")
    yield "Merged", f"case {report['merged_into']} teaches in its place" if report["merged_into"] else ""
    yield "Teaches for", f"{report['count']} cases" if report["count"] > 1 else ""
    others = (f"case {case[:SHORT_ID]}: {cause}" for case, cause in report["disagree"].items())
    yield "Disagrees", ", ".join(others)
    yield "Credit", f"{report['credit']:+g}" if report["credit"] else ""
    yield "Source", report["source"]
    context = report["cluster_context"].get("context", "")
    yield "Cluster", f"{context}, namespace {report['namespace']}" if report["namespace"] else context
    yield "Decider", " ".join(filter(None, (report["decider"], report["model"])))
    used = report["tokens_in"] + report["tokens_out"]
    yield "Took", f"{report['seconds']:.2f} s" + (f", {used} tokens" if used else "")


def _step(step: Mapping[str, Any]) -> Table:
    call = Text(f"{step['tool']} {step['args']}".rstrip(), style="bold")
    return item(str(step["iteration"]), call, Text(step["result_summary"], style="dim"))


def _history(history: Iterable[Mapping[str, Any]]) -> Iterator[RenderableType]:
    for entry in history:
        if entry["what"] == "stepped":
            continue
        note = entry["note"]
        more = f" entry {note['undid']}, {note['what']} by {note['of']}" if "undid" in note else ""
        more += f" (after case {note['by'][:SHORT_ID]})" if "by" in note else ""
        when = entry["at"][:19].replace("T", " ")
        became = f"{entry['state']}: {entry['why']}" if entry["why"] else entry["state"]
        below = [Text(became, style="dim")] if became else []
        yield item(str(entry["seq"]), Text(f"{when}  {entry['who']}: {entry['what']}{more}"), *below)
