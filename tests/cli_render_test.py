"""Reports: readable for people, parsable for machines, and harmless whatever a cluster wrote."""

from __future__ import annotations

import io
import json
import re

import pytest
import yaml
from rich.console import Console

from cli_support import DATABASE, NOW, make_investigation
from kubelore.cli import markdown, render
from kubelore.cli.console import clean, console
from kubelore.cli.live import LiveView
from kubelore.cli.output import emit
from kubelore.cli.report import investigation_report, scan_report
from kubelore.types import ClusterInfo, Finding, Severity

MEANINGS = {"oom_killed": "A container was killed for its memory"}
CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u061c\U000e0000-\U000e007f]"
)
HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b2J",
    "\r\x1b[2K\x1b[1Afake",
    "\u202eesrever",
    "seen\U000e0069\U000e0067\u061cunseen",
    "\x00\x08\x7f",
    "[bold red]markup[/bold red]",
    "[/]",
    "[link=http://example.invalid]click[/link]",
    ":smile:",
    "\ud800",
]


def text_of(hostile: str = "", *, steps: bool = True) -> str:
    page = io.StringIO()
    report = investigation_report(make_investigation(hostile), MEANINGS)
    console(page).print(render.investigation(report, steps=steps), crop=False)
    return page.getvalue()


def test_the_text_has_cause_object_confidence_evidence_fix_and_doubts() -> None:
    text = text_of()
    for part in (
        "A container was killed for its memory",
        "StatefulSet shop/db",
        "91% high",
        "[1] container db was killed",
        "StatefulSet shop/db: container.last_reason=OOMKilled",
        "Raise the limit.",
        "6% memory_leak: StatefulSet shop/db",
        "secrets: forbidden",
        "the memory of db over a day",
        "FIND_ISSUES shop",
        "1 step, 0.25 s, playbook",
    ):
        assert part in text


def test_the_chain_is_drawn_from_what_was_asked_to_what_is_at_fault() -> None:
    text = text_of()
    assert re.search(r"Deployment shop/front\n +└─ StatefulSet shop/db\n", text)


def test_a_command_is_one_line_however_long() -> None:
    assert f"    kubectl -n shop {'x' * 200}\n" in text_of()


def test_steps_are_left_out_when_a_live_view_showed_them() -> None:
    assert "FIND_ISSUES" not in text_of(steps=False)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_from_a_cluster_controls_a_terminal_or_is_markup(hostile: str) -> None:
    text = text_of(hostile)
    assert not CONTROL.search(text)
    text.encode()
    if hostile.startswith(("[", ":")):
        assert text.count(hostile) >= 8


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("output", ["json", "yaml", "markdown"])
def test_machine_formats_hold_no_control_characters(
    hostile: str, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report = investigation_report(make_investigation(hostile), MEANINGS)
    emit(report, output, text=lambda: "", markdown=lambda: markdown.investigation(report))
    assert not CONTROL.search(capsys.readouterr().out)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_live_view_shows_cluster_text_as_it_reads(hostile: str) -> None:
    page = io.StringIO()
    terminal = Console(
        file=page, force_terminal=True, color_system=None, width=100, markup=False, emoji=False
    )
    made = make_investigation(hostile)
    with LiveView(terminal) as view:
        view.started(made)
        view.thinking(made.steps[0].thought, made.steps[0].call)
        view.stepped(made.steps[0])
        view.finished(made)
    shown = page.getvalue()
    assert clean(hostile) in shown
    for sequence in ("\x1b[31m", "\x1b]0;", "\x9b", "\u202e", "\x08"):
        assert sequence not in shown


def test_json_and_yaml_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    report = investigation_report(make_investigation(), MEANINGS)
    emit(report, "json", text=lambda: "")
    as_json = json.loads(capsys.readouterr().out)
    emit(report, "yaml", text=lambda: "")
    assert yaml.safe_load(capsys.readouterr().out) == as_json
    assert as_json["diagnosis"]["object"] == "StatefulSet/shop/db"
    assert as_json["titles"] == {"oom_killed": MEANINGS["oom_killed"], "memory_leak": ""}


def escaped(text: str) -> bool:
    """Whether no character of the text can start Markdown or HTML."""
    return not re.search(r"(?<!\\)[\[<`*!]", re.sub(r"`+[^`]*`+", "", text))


def test_markdown_takes_no_link_image_or_html_from_a_cluster() -> None:
    report = investigation_report(make_investigation(" ![x](http://example.invalid) <b>*hi*</b>"), MEANINGS)
    lines = markdown.investigation(report).split("\n")
    prose = [line.replace("**", "") for line in lines if "example.invalid" in line and "```" not in line]
    assert prose
    assert all(escaped(line) for line in prose if "limits" not in line and "memory: 1Gi" not in line)


def test_a_fence_is_longer_than_any_in_what_it_holds() -> None:
    fenced = markdown.fence("a\n````\nb", "yaml")
    assert fenced == "`````yaml\na\n````\nb\n`````"


def test_a_code_span_holds_backticks() -> None:
    assert markdown.span("a`b") == "``a`b``"
    assert markdown.span("`") == "`` ` ``"


@pytest.mark.parametrize(
    ("ref", "shown"),
    [("Deployment/shop/front", "Deployment shop/front"), ("Node//worker-2", "Node worker-2"), ("", "")],
)
def test_objects_are_written_for_people(ref: str, shown: str) -> None:
    assert render.readable(ref) == shown


@pytest.mark.parametrize(("probability", "full"), [(0, 0), (0.5, 10), (1, 20), (7, 20)])
def test_the_bar_is_as_long_as_the_probability(probability: float, full: int) -> None:
    assert render.bar(probability) == "█" * full + "░" * (20 - full)


def scan_text(findings: list[Finding]) -> str:
    page = io.StringIO()
    info = ClusterInfo("prod", "v1.34.4", "test", NOW)
    console(page).print(render.scan(scan_report("", info, findings, (), 1.0)))
    return page.getvalue()


def test_a_scan_says_what_is_wrong_where() -> None:
    text = scan_text([Finding(Severity.CRITICAL, DATABASE, "db is down", (), "pods")])
    assert "critical" in text
    assert "StatefulSet shop/db" in text
    assert "1 finding in all namespaces of prod (v1.34.4), recorded 2026-03-01T12:00:00Z" in text


def test_a_scan_without_findings_says_so() -> None:
    assert scan_text([]).startswith("nothing found in all namespaces")


def test_no_diagnosis_and_no_cause_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    made = make_investigation()
    made.diagnosis = None
    report = investigation_report(made, MEANINGS)
    emit(report, "text", text=lambda: render.investigation(report))
    assert "1 step" in capsys.readouterr().out
