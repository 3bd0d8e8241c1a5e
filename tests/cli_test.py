"""The command line: every command on recordings, every kind of mistake, every exit code."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cli_support import PROGRAM, CommandLine, on_a_terminal, read_all
from kubelore import __version__
from kubelore.examples import load, path

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
BIN = Path(sys.executable).parent
FAULTY, HEALTHY = "example:memory-limit", "example:healthy"
QUESTION = "The payments app keeps restarting, why?"


# -- help, version, completion ---------------------------------------------------------------------
def test_alone_it_prints_its_help(kubelore: CommandLine) -> None:
    ran = kubelore()
    assert ran.code == 0
    assert ran.out == kubelore("--help").out
    for command in (
        "investigate",
        "scan",
        "feedback",
        "cases",
        "patterns",
        "snapshot",
        "examples",
        "bench",
        "doctor",
    ):
        assert re.search(rf"^  {command} ", ran.out, re.M)


def test_the_help_names_the_exit_codes(kubelore: CommandLine) -> None:
    assert "Exit codes: 0 done" in kubelore("--help").out


@pytest.mark.parametrize("group", ["cases", "patterns", "snapshot", "bench"])
def test_a_group_alone_prints_its_help(group: str, kubelore: CommandLine) -> None:
    ran = kubelore(group)
    assert (ran.code, ran.out) == (0, kubelore(group, "--help").out)


def test_the_version_is_the_packages(kubelore: CommandLine) -> None:
    ran = kubelore("--version")
    assert (ran.code, ran.out) == (0, f"kubelore {__version__}\n")


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "kubelore", "--version"]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, f"kubelore {__version__}\n")


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        (*PROGRAM, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(shell: str) -> None:
    process = start(_KUBELORE_COMPLETE=f"source_{shell}")
    out, _ = process.communicate(timeout=30)
    assert f"_KUBELORE_COMPLETE=complete_{shell}" in out


@pytest.mark.parametrize(
    ("words", "offered"), [("kubelore sc", {"scan"}), ("kubelore scan --snapshot example:me", {FAULTY})]
)
def test_the_shell_is_offered_commands_and_examples(words: str, offered: set[str]) -> None:
    process = start(
        _KUBELORE_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1)
    )
    out, _ = process.communicate(timeout=30)
    assert set(out.split()) == offered


def test_as_a_plugin_it_goes_by_kubectls_name(tmp_path: Path) -> None:
    plugin = tmp_path / "kubectl-kubelore"
    plugin.write_text(f"#!{sys.executable}\nimport sys\nfrom kubelore.cli import main\nsys.exit(main())\n")
    plugin.chmod(0o755)
    ran = subprocess.run((plugin, "scan", "--nope"), capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (2, "hint: kubectl kubelore scan --help")


@pytest.mark.skipif(not (BIN / "kubectl").exists(), reason="kubectl is not installed beside this Python")
def test_kubectl_finds_the_plugin() -> None:
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        (BIN / "kubectl", "kubelore", "--version"), capture_output=True, text=True, check=True,
        env={**os.environ, "PATH": path},
    )  # fmt: skip
    assert ran.stdout == f"kubelore {__version__}\n"


# -- start-up --------------------------------------------------------------------------------------
SLOW = ("rich", "httpx", "pydantic", "starlette", "uvicorn", "yaml", "anyio", "asyncio", "kubelore.build")


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(' '.join(sys.modules))"
    return set(
        subprocess.run(
            (sys.executable, "-c", script), capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_help_imports_nothing_slow() -> None:
    help_only = """
import io, sys
out, sys.stdout = sys.stdout, io.StringIO()
from kubelore.cli.app import run
run(["--help"])
sys.stdout = out"""
    assert not {name for name in SLOW if name in loaded_by(help_only)}


def test_importing_the_package_imports_nothing_else() -> None:
    assert not {n for n in loaded_by("import kubelore") if n.startswith("kubelore.")}


def test_importing_any_module_opens_no_file_socket_or_process(tmp_path: Path) -> None:
    script = """
import importlib, pkgutil, sys
import kubelore
names = [m.name for m in pkgutil.walk_packages(kubelore.__path__, "kubelore.")]
import anyio, asyncio, httpx, pydantic, rich, ssl, starlette, tarfile, typer, uvicorn, yaml
seen = []
def hook(event, args):
    if event in ("socket.connect", "subprocess.Popen", "os.system"):
        seen.append((event, args))
    if event == "open" and str(args[0]).endswith((".yaml", ".tsv", ".json", ".txt", ".xz")):
        seen.append((event, args))
sys.addaudithook(hook)
for name in names:
    importlib.import_module(name)
print(seen)
"""
    ran = subprocess.run(
        (sys.executable, "-c", script), capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


# -- examples --------------------------------------------------------------------------------------
def test_examples_are_listed_with_their_question(kubelore: CommandLine) -> None:
    ran = kubelore("examples")
    assert ran.code == 0
    for example in load().values():
        assert example.name in ran.out
        assert example.question in ran.out


def test_every_example_has_its_recording_and_every_recording_its_row(kubelore: CommandLine) -> None:
    listed = {row["name"]: row for row in kubelore("examples", "-o", "json").json}
    assert listed.keys() == {
        file.name.removesuffix(".tar.xz") for file in path("healthy").parent.glob("*.tar.xz")
    }
    assert set(listed["healthy"]) == {"name", "title", "question", "root_cause", "object"}


# -- investigate -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", load())
def test_each_example_is_diagnosed(name: str, kubelore: CommandLine) -> None:
    example = load()[name]
    report = kubelore("investigate", example.question, "--snapshot", f"example:{name}", "-o", "json").json
    found = report["diagnosis"]
    assert (found["root_cause"], found["object"]) == (example.root_cause, example.object)


def test_json_has_the_documented_keys(kubelore: CommandLine) -> None:
    report = kubelore("investigate", QUESTION, "--snapshot", FAULTY, "-o", "json").json
    assert set(report) == {
        "format", "id", "state", "question", "namespace", "started", "seconds", "decider", "cluster", "steps",
        "diagnosis", "findings", "lessons", "usage", "hashes", "error", "titles",
    }  # fmt: skip
    assert set(report["diagnosis"]) == {
        "root_cause", "object", "explanation", "probability", "confidence", "chain", "evidence", "fix",
        "alternatives", "not_checked", "would_decide", "pattern", "response", "reading", "cases",
    }  # fmt: skip
    assert set(report["steps"][0]) == {
        "index", "thought", "tool", "args", "observation", "digest", "error", "new_facts", "seconds",
    }  # fmt: skip
    assert report["format"] == "kubelore.investigation/1"
    assert report["steps"]


@pytest.mark.parametrize("output", ["text", "json", "yaml", "markdown"])
@pytest.mark.parametrize("snapshot", [FAULTY, HEALTHY, "example:injected-log"])
def test_no_control_character_reaches_a_pipe(snapshot: str, output: str, kubelore: CommandLine) -> None:
    ran = kubelore("investigate", "what is wrong?", "--snapshot", snapshot, "-o", output)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out
    assert not CONTROL.search(ran.out)


def test_yaml_is_yaml(kubelore: CommandLine) -> None:
    ran = kubelore("investigate", QUESTION, "--snapshot", FAULTY, "-o", "yaml")
    assert yaml.safe_load(ran.out)["diagnosis"]["root_cause"] == "oom_killed"


def test_words_need_no_quotes_and_stdin_is_read(
    kubelore: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = kubelore("investigate", *QUESTION.split(), "--snapshot", FAULTY, "-o", "json").json
    assert words["question"] == QUESTION
    process = start("investigate", "-", "--snapshot", FAULTY, "-o", "json")
    out, _ = process.communicate(QUESTION + "\n", timeout=60)
    assert json.loads(out)["question"] == QUESTION


def test_the_record_is_kept_unless_declined(kubelore: CommandLine, own_home: Path) -> None:
    kubelore("investigate", QUESTION, "--snapshot", FAULTY, "--no-record")
    assert not (own_home / "state" / "kubelore" / "casebook.db").exists()
    report = kubelore("investigate", QUESTION, "--snapshot", FAULTY, "-o", "json").json
    kept = kubelore("cases", "show", report["id"], "-o", "json").json
    assert kept["status"] == "done"
    assert kept["diagnosis"] == report["diagnosis"]


def test_a_record_that_cannot_be_kept_is_a_warning(kubelore: CommandLine, own_home: Path) -> None:
    (own_home / "state").write_text("in the way")
    ran = kubelore("investigate", QUESTION, "--snapshot", FAULTY)
    assert ran.code == 0
    assert "warning: this investigation is not on record" in ran.err
    assert "oom_killed" in ran.out


def test_a_broken_pattern_of_the_user_is_named_and_the_rest_works(
    kubelore: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text("id: mine\nversion: [\n")
    ran = kubelore("investigate", QUESTION, "--snapshot", FAULTY, "--patterns", str(tmp_path))
    assert ran.code == 0
    assert re.search(r"warning: pattern left out: .*mine\.yaml:\d+: ", ran.err)


def test_a_file_with_many_mistakes_is_one_warning(kubelore: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("id: mine\n")
    ran = kubelore("investigate", QUESTION, "--snapshot", FAULTY, "--patterns", str(tmp_path))
    (warning,) = ran.err.splitlines()
    assert re.search(r"mine\.yaml:1: .* more, see: kubelore patterns lint", warning)


def test_a_namespace_narrows_what_is_looked_at(kubelore: CommandLine) -> None:
    report = kubelore("investigate", "anything wrong?", "-n", "shop", "--snapshot", FAULTY, "-o", "json").json
    assert report["diagnosis"]["root_cause"] == "none"


# -- scan ------------------------------------------------------------------------------------------
def test_a_scan_with_findings_exits_with_1(kubelore: CommandLine) -> None:
    ran = kubelore("scan", "--snapshot", FAULTY, "-o", "json")
    assert ran.code == 1
    assert "Deployment/billing/payments" in {f["object"] for f in ran.json["findings"]}
    assert set(ran.json) == {"format", "namespace", "cluster", "findings", "not_checked", "seconds"}


@pytest.mark.parametrize("arguments", [(HEALTHY,), (FAULTY, "-n", "shop")])
def test_a_scan_without_findings_exits_with_0(arguments: tuple[str, ...], kubelore: CommandLine) -> None:
    ran = kubelore("scan", "--snapshot", *arguments)
    assert ran.code == 0
    assert "nothing found in" in ran.out


@pytest.mark.parametrize("output", ["text", "yaml", "markdown"])
def test_a_scan_prints_every_format(output: str, kubelore: CommandLine) -> None:
    ran = kubelore("scan", "--snapshot", FAULTY, "-o", output)
    assert "payments" in ran.out
    assert not CONTROL.search(ran.out)


# -- recordings ------------------------------------------------------------------------------------
def test_info_says_what_a_recording_holds(kubelore: CommandLine) -> None:
    report = kubelore("snapshot", "info", FAULTY, "-o", "json").json
    assert "billing" in report["namespaces"]
    assert report["objects"]["pods"] > 0
    assert report["logs"] > 0
    assert "server      v1.34.4" in kubelore("snapshot", "info", FAULTY).out


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An example, served to kubectl: what the kubeconfig in the environment leads to."""
    with start("snapshot", "serve", FAULTY) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        monkeypatch.setenv("KUBECONFIG", shlex.split(line)[1].removeprefix("KUBECONFIG="))
        monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
        yield
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0


@pytest.mark.skipif(not (BIN / "kubectl").exists(), reason="kubectl is not installed beside this Python")
@pytest.mark.usefixtures("served")
def test_a_live_cluster_gives_what_its_recording_gives(kubelore: CommandLine, tmp_path: Path) -> None:
    def wrong(*where: str) -> set[str]:
        return {found["object"] for found in kubelore("scan", *where, "-o", "json").json["findings"]}

    assert wrong() == wrong("--snapshot", FAULTY)
    report = kubelore("investigate", QUESTION, "-n", "billing", "-o", "json").json
    assert report["cluster"]["live"]
    assert report["diagnosis"]["object"] == "Deployment/billing/payments"
    ran = kubelore("snapshot", "capture", str(tmp_path / "again.tar.xz"))
    assert ran.code == 0
    assert re.search(r"again\.tar\.xz: \d+ objects, \d+ logs", ran.out)
    assert wrong("--snapshot", str(tmp_path / "again.tar.xz")) == wrong()
    assert kubelore("doctor").code == 0


# -- patterns -------------------------------------------------------------------------------------
def test_patterns_are_listed_and_shown_as_they_were_written(kubelore: CommandLine) -> None:
    listed = {row["id"] for row in kubelore("patterns", "list", "-o", "json").json["patterns"]}
    assert {"crashloopbackoff", "pending_pod", "service_not_working", "image_pull_error"} <= listed
    shown = kubelore("patterns", "show", "crashloopbackoff").out
    assert yaml.safe_load(shown)["id"] == "crashloopbackoff"
    for name in listed:
        assert name in kubelore("patterns", "list").out


@pytest.mark.parametrize("name", ["lock left behind", "No", "x"])
def test_a_new_pattern_passes_the_check_and_is_found(name: str, kubelore: CommandLine) -> None:
    made = Path(kubelore("patterns", "new", name).out.strip())
    assert kubelore("patterns", "lint", str(made)).out == "no mistakes\n"
    assert kubelore("patterns", "lint").code == 0
    assert kubelore("patterns", "show", made.stem).out == made.read_text()
    assert kubelore("patterns", "match", name, "fails").out.startswith(made.stem)


def test_lint_names_file_line_and_reason(kubelore: CommandLine, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("id: wrong\nversion: 1\nname: [\n")
    for arguments in ((str(wrong),), (str(tmp_path),), ("--patterns", str(tmp_path))):
        ran = kubelore("patterns", "lint", *arguments)
        assert ran.code == 1
        assert re.search(r"wrong\.yaml:[34]: YAML: ", ran.out)
    rows = kubelore("patterns", "lint", str(wrong), "-o", "json").json
    assert [set(row) for row in rows] == [{"file", "line", "reason"}]


def test_a_question_matches_patterns(kubelore: CommandLine) -> None:
    report = kubelore("patterns", "match", "my pod is OOMKilled", "-o", "json").json
    assert report["matches"][0]["pattern"] == "oomkilled"
    assert kubelore("patterns", "match", "how do I cook rice?").out == "no pattern\n"
    substring = kubelore(
        "patterns", "match", "pods are pending", "--strategy", "substring", "-o", "json"
    ).json
    assert substring["strategy"] == "substring"


def test_the_facts_of_the_vocabulary_are_listed(kubelore: CommandLine) -> None:
    rows = {row["key"]: row for row in kubelore("patterns", "facts", "-o", "json").json}
    assert "none" in rows["service.endpoints"]["values"]
    assert "container.last_reason" in kubelore("patterns", "facts").out


def test_a_pattern_in_this_folder_is_shown(
    kubelore: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert kubelore("patterns", "new", "stale lock", "--patterns", ".").code == 0
    assert 'id: "stale_lock"' in kubelore("patterns", "show", "stale_lock", "--patterns", ".").out


def test_root_causes_are_listed(kubelore: CommandLine) -> None:
    assert {"none", "oom_killed"} <= {row["id"] for row in kubelore("patterns", "causes", "-o", "json").json}


# -- benchmarks ------------------------------------------------------------------------------------
@pytest.fixture
def bench_files(tmp_path: Path) -> tuple[str, ...]:
    questions, labels = tmp_path / "questions.jsonl", tmp_path / "labels.jsonl"
    rows = [example for example in load().values() if example.name in ("memory-limit", "healthy")]
    questions.write_text("".join(json.dumps({"id": e.name, "question": e.question}) + "\n" for e in rows))
    labels.write_text(
        "".join(
            json.dumps({"id": e.name, "root_cause": e.root_cause, "object": e.object}) + "\n" for e in rows
        )
    )
    return str(questions), str(labels), str(tmp_path / "predictions.jsonl")


def test_the_benchmark_writes_predictions_and_the_score(
    bench_files: tuple[str, ...], kubelore: CommandLine
) -> None:
    questions, labels, out = bench_files
    recordings = str(path("healthy").parent)
    ran = kubelore(
        "bench", "incidents", recordings, "--questions", questions, "--labels", labels, "--out", out
    )
    assert (ran.code, ran.err) == (0, "")
    assert "cause and object          2/2 = 100%" in ran.out
    lines = [json.loads(line) for line in Path(out).read_text().splitlines()]
    assert [line["root_cause"] for line in lines] == ["oom_killed", "none"]
    assert set(lines[0]) == {
        "id", "root_cause", "object", "confidence", "alternatives", "steps", "seconds", "findings", "error",
    }  # fmt: skip


def test_what_patterns_and_past_cases_bring_is_measured_apart(
    bench_files: tuple[str, ...], kubelore: CommandLine, tmp_path: Path
) -> None:
    questions, _, out = bench_files
    book = str(tmp_path / "book.db")
    kubelore("investigate", "why?", "--snapshot", "example:memory-limit", "--casebook", book)
    kubelore("cases", "confirm", "last", "--casebook", book)

    def causes(*options: str) -> list[str]:
        recordings = str(path("healthy").parent)
        ran = kubelore("bench", "incidents", recordings, "--questions", questions, "--out", out, *options)
        assert ran.code == 0
        return [json.loads(line)["root_cause"] for line in Path(out).read_text().splitlines()]

    assert causes("--no-patterns") == ["", "none"]
    assert causes("--no-patterns", "--casebook", book) == ["oom_killed", "none"]
    assert causes("--no-knowledge") == ["oom_killed", "none"]


def test_questions_are_scored_for_each_strategy(tmp_path: Path, kubelore: CommandLine) -> None:
    lines = [{"question": "pod is OOMKilled", "label": "oomkilled"}, {"question": "rice?", "label": "none"}]
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    ran = kubelore("bench", "questions", str(file))
    assert ran.code == 0
    for strategy in ("words", "substring"):
        assert re.search(rf"^{strategy} .*1/1 = 100%.*1/1 = 100%.*0/1 = 0%", ran.out, re.M)
    only = kubelore("bench", "questions", str(file), "--strategy", "words", "-o", "json").json
    assert [row["strategy"] for row in only["strategies"]] == ["words"]


def test_misses_are_printed_on_demand(tmp_path: Path, kubelore: CommandLine) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text('{"question": "rice?", "label": "oomkilled"}\n')
    assert "rice?" not in kubelore("bench", "questions", str(file)).out
    assert "want oomkilled, got nothing" in kubelore("bench", "questions", str(file), "--misses").out


# -- mistakes --------------------------------------------------------------------------------------
MISTAKES = [
    (("scam",), 2, "No such command"),
    (("scan", "--nope"), 2, "No such option"),
    (("investigate",), 2, "Missing argument"),
    (("investigate", "  ", "--snapshot", FAULTY), 2, "the question is empty"),
    (("investigate", "x" * 30_000, "--snapshot", FAULTY), 2, "longer than"),
    (("investigate", "why?", "-o", "html"), 2, "'--output' / '-o': 'html'"),
    (("investigate", "why?", "--max-steps", "0"), 2, "--max-steps"),
    (("scan", "-n", "shop", "-A"), 2, "exclude each other"),
    (("scan", "-n", "not a name"), 2, "not the name of a namespace"),
    (("scan", "-n", "shopp", "--snapshot", FAULTY), 2, "no namespace shopp\nhint: there are: shop"),
    (("scan", "--snapshot", FAULTY, "--context", "prod"), 2, "--context"),
    (("scan", "--snapshot", "example:nope"), 2, "there is no example"),
    (("scan", "--snapshot", "/does/not/exist"), 3, "/does/not/exist"),
    (("scan", "--snapshot", os.devnull), 3, os.devnull),
    (("scan", "--snapshot", __file__), 3, "cli_test.py"),
    (("snapshot", "info", "/does/not/exist"), 3, "/does/not/exist"),
    (("investigate", "why?", "--decider", "openai", "--snapshot", FAULTY), 2, "needs a model"),
    (("investigate", "why?", "--patterns", "/does/not/exist", "--snapshot", FAULTY), 2, "/does/not/exist"),
    (("patterns", "show", "nope"), 2, "there is no pattern nope"),
    (("patterns", "new", "!"), 2, "no name for a pattern"),
    (("patterns", "lint", "/does/not/exist"), 2, "/does/not/exist"),
    (("patterns", "match", "x", "--strategy", "magic"), 2, "magic"),
    (("bench", "questions", "/does/not/exist"), 2, "/does/not/exist"),
    (("bench", "questions", os.devnull), 4, "no line"),
    (("bench", "incidents", "/none", "--questions", "/none", "--out", "p"), 2, "/none"),
    (
        ("bench", "incidents", "/none", "--questions", "/none", "--out", "/none/p"),
        2,
        "/none/p cannot be written",
    ),
    (("bench", "incidents", "/none", "--questions", "/none", "--out", "/tmp"), 2, "/tmp is a folder"),
]


@pytest.mark.parametrize(("arguments", "code", "message"), MISTAKES)
def test_a_mistake_is_named_with_a_hint_and_no_traceback(
    arguments: tuple[str, ...], code: int, message: str, kubelore: CommandLine
) -> None:
    ran = kubelore(*arguments)
    assert ran.code == code
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert message in ran.err
    assert "Traceback" not in ran.err
    assert not CONTROL.search(ran.err)


def test_without_kubectl_a_live_command_says_what_to_do(
    kubelore: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for arguments in (("scan",), ("investigate", "why?"), ("snapshot", "capture", str(tmp_path / "out"))):
        ran = kubelore(*arguments)
        assert (ran.code, ran.out) == (3, "")
        assert "kubectl" in ran.err
        assert "hint: " in ran.err


def test_doctor_says_what_is_missing(
    kubelore: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = kubelore("doctor")
    assert ran.code == 3
    assert "FAIL kubectl: " in ran.out
    assert re.search(r"ok patterns: \d+ ", ran.out)


# -- interruption ----------------------------------------------------------------------------------
@pytest.mark.skipif(not (BIN / "kubectl").exists(), reason="kubectl is not installed beside this Python")
@pytest.mark.parametrize("command", [("scan",), ("investigate", "why?"), ("snapshot", "capture", "OUT")])
def test_ctrl_c_while_a_server_does_not_answer_ends_at_once(command: tuple[str, ...], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "c", "users": [],
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": ""}}],
        }  # fmt: skip
        (tmp_path / "kubeconfig").write_text(json.dumps(config))
        arguments = (str(tmp_path / word) if word == "OUT" else word for word in command)
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        process = start(*arguments, PATH=path, KUBECONFIG=str(tmp_path / "kubeconfig"))
        silent.settimeout(30)
        asked, _ = silent.accept()  # now it waits for an answer
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        _, err = process.communicate(timeout=30)
        asked.close()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert time.monotonic() - begun < 5


def test_a_terminal_gets_steps_as_they_run_and_then_the_diagnosis_in_colour() -> None:
    with on_a_terminal("investigate", QUESTION, "--snapshot", FAULTY, "--no-record") as (process, terminal):
        shown = read_all(terminal)
        assert process.wait(timeout=60) == 0
    assert "\x1b[" in shown
    plain = re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", shown)
    assert plain.index("FIND_ISSUES") < plain.index("Root cause") < plain.index("Evidence")
    assert shown.rstrip().endswith(("\x1b[?25h", "m", "Z"))  # the cursor is back


def test_quiet_on_a_terminal_shows_no_live_view() -> None:
    with on_a_terminal("investigate", QUESTION, "--snapshot", FAULTY, "--quiet") as (process, terminal):
        shown = read_all(terminal)
        assert process.wait(timeout=60) == 0
    assert "\x1b[?25l" not in shown
    assert "Root cause" in shown


def test_ctrl_c_on_a_terminal_leaves_it_as_it_was() -> None:
    with on_a_terminal("snapshot", "serve", FAULTY) as (process, terminal):
        seen = b""
        while b"until Ctrl-C" not in seen:
            seen += os.read(terminal, 65536)
        os.kill(process.pid, signal.SIGINT)
        read_all(terminal)
        assert process.wait(timeout=20) == 0


def test_a_reader_that_goes_away_is_no_error() -> None:
    with start("snapshot", "info", FAULTY, "-o", "json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=30) in (0, 1)
