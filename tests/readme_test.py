"""What the documents promise: commands run, links lead somewhere, pages are current."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cli_support import CommandLine

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(<!-- not run[^>]*-->\n)?```sh\n(.*?)```", re.S)


def commands(*, run: bool) -> list[str]:
    text = (ROOT / "README.md").read_text()
    blocks = [body for marked, body in BLOCK.findall(text) if bool(marked) is not run]
    return [line for body in blocks for line in body.splitlines()]


def test_there_are_commands_to_run() -> None:
    assert len(commands(run=True)) >= 8
    assert commands(run=False)


def test_every_command_of_the_readme_runs_in_its_order(
    kubelore: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    for line in commands(run=True):
        program, *arguments = shlex.split(line, comments=True)
        if program == "make":
            plan = subprocess.run(("make", "-n", *arguments), capture_output=True, text=True, check=True)
            assert "kubelore investigate" in plan.stdout or "pytest" in plan.stdout
            continue
        ran = kubelore(*arguments)
        assert (line, ran.code) == (line, 1 if arguments[0] == "scan" else 0)
        assert (line, bool(ran.out)) == (line, True)
        assert "error" not in ran.err


@pytest.mark.parametrize("line", [line for line in commands(run=False) if line.strip()])
def test_what_needs_a_cluster_or_a_model_has_options_that_exist(line: str, kubelore: CommandLine) -> None:
    words = [word for word in shlex.split(line, comments=True) if "=" not in word]
    at = words.index("kubelore")
    command = (
        words[at + 1 : at + 3] if words[at + 1] in ("snapshot", "patterns", "bench") else [words[at + 1]]
    )
    shown = kubelore(*command, "--help")
    assert shown.code == 0
    for option in (word for word in words if word.startswith("-")):
        assert re.search(rf"(^|[ ,]){re.escape(option)}[ ,]", shown.out, re.M)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 120


def test_the_page_of_commands_is_current() -> None:
    ran = subprocess.run(
        (sys.executable, ROOT / "docs" / "make_cli.py", "--check"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_ci_runs_the_readmes_test_command_once() -> None:
    text = (ROOT / ".ci" / "run").read_text()
    assert text.count("make ") == 1
    plan = subprocess.run(
        ("make", "--no-print-directory", "-n", "check"), cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert plan.count("/pytest") == 1
    assert plan.rstrip().splitlines()[-1].split()[0].endswith("/pytest")
