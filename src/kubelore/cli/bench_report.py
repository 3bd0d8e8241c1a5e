"""What the benchmarks print: plain data, and tables of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from kubelore.bench.incidents import Prediction
from kubelore.bench.questions import QuestionScore
from kubelore.bench.scoring.judge import Score
from kubelore.bench.scoring.stats import Share, spread
from kubelore.cli.console import clean_all
from kubelore.cli.render import columns

QUESTIONS_FORMAT = "kubelore.bench.questions/1"
INCIDENTS_FORMAT = "kubelore.bench.incidents/1"


def incidents_report(lines: Sequence[Prediction], score: Score | None, out: str) -> dict[str, Any]:
    """`score` is None without labels."""
    answered = [line for line in lines if not line["error"]]
    report: dict[str, Any] = {
        "format": INCIDENTS_FORMAT,
        "predictions": out,
        "cases": len(lines),
        "errors": [{"id": line["id"], "error": line["error"]} for line in lines if line["error"]],
        "steps": spread([line["steps"] for line in answered]),
        "seconds": spread([line["seconds"] for line in answered]),
    }
    if score:
        report["score"] = {
            "cause_and_object": score.right.data(),
            "cause": score.cause.data(),
            "object": score.object.data(),
            "in_first_three": score.in_three.data(),
            "false_alarms": score.false_alarms.data(),
            "scan_finds_fault": score.scanned(healthy=False).data(),
            "scan_silent_when_healthy": score.scanned(healthy=True).data(),
            "broken": score.broken,
        }
        report["misses"] = [{"id": v.id, "want": v.want, "got": v.got} for v in score.misses()]
        report["scan_misses"] = [v.id for v in score.verdicts if not v.scanned]
    return clean_all(report)


def incidents_text(report: dict[str, Any]) -> RenderableType:
    rows: list[tuple[str, str]] = []
    for name, value in report.get("score", {}).items():
        shown = share_text(value) if isinstance(value, dict) else str(value)
        rows.append((name.replace("_", " "), shown))
    for name, unit in (("steps", ""), ("seconds", " s")):
        spread = report[name]
        figures = (f"{kind} {spread[kind]:.2f}{unit}" for kind in ("mean", "p95", "most"))
        rows.append((name, ", ".join(figures)))
    parts: list[RenderableType] = [columns(rows)]
    if report.get("misses"):
        parts += [Text(), Text("Misses", style="bold")]
        parts.append(columns((m["id"], f"want {m['want']}\ngot  {m['got']}") for m in report["misses"]))
    if report.get("scan_misses"):
        parts += [Text(), Text("Scan misses: " + ", ".join(report["scan_misses"]))]
    if report["errors"] and "score" not in report:
        parts += [
            Text(),
            Text("Errors", style="bold"),
            columns((e["id"], e["error"]) for e in report["errors"]),
        ]
    parts += [Text(), Text(f"{report['cases']} predictions in {report['predictions']}", style="dim")]
    return Group(*parts)


def questions_report(scores: Iterable[QuestionScore]) -> dict[str, Any]:
    strategies = [
        {
            "strategy": score.strategy,
            "hit_at_1": _share(score.hit_at_1, score.asked - score.none).data(),
            "hit_at_2": _share(score.hit_at_2, score.asked - score.none).data(),
            "false_fires": _share(score.false_fires, score.none).data(),
            "misses": [
                {"question": question, "want": want, "got": got} for question, want, got in score.misses
            ],
        }
        for score in scores
    ]
    return clean_all({"format": QUESTIONS_FORMAT, "strategies": strategies})


def questions_text(report: dict[str, Any], *, misses: bool) -> RenderableType:
    rows = [
        (row["strategy"], *(share_text(row[key]) for key in ("hit_at_1", "hit_at_2", "false_fires")))
        for row in report["strategies"]
    ]
    parts: list[RenderableType] = [columns(rows, ("strategy", "hit@1", "hit@2", "false fires"))]
    for row in report["strategies"] if misses else ():
        parts += [Text(), Text(f"Misses of {row['strategy']}", style="bold")]
        parts += [_miss(miss) for miss in row["misses"]]
    return Group(*parts)


def _miss(miss: dict[str, Any]) -> Text:
    got = ", ".join(miss["got"]) or "nothing"
    return Text(f"- {miss['question']}\n  want {' or '.join(miss['want'])}, got {got}")


def _share(share: float, total: int) -> Share:
    return Share(round(share * total), total)


def share_text(data: dict[str, Any]) -> str:
    return str(Share(data["right"], data["total"]))
