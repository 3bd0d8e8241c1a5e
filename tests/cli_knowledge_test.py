"""`kubelore knowledge`, as a person or a script uses it."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from cli_support import CommandLine
from knowledge_support import as_json, tarred, write
from kubelore.errors import StoreError
from kubelore.store.sqlite.knowledge.store import SqliteKnowledge
from store_robustness_test import small_disk
from support_embeddings import EmbeddingsServer

DOCS = {
    "etcd.md": "# etcdNoLeader\n\nThe etcd cluster has no leader, so that it accepts no writes.\n\n"
    "## Mitigation\n\nCheck the network between the members, and how fast their disks are.\n",
    "disk.md": "---\ntags: [storage]\n---\n# NodeDiskFull\n\nThe disk of a node is nearly full.\n",
    "empty.md": "",
}


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "data" / "knowledge.db"
    monkeypatch.setenv("KUBELORE_KNOWLEDGE", str(path))
    return path


@pytest.fixture
def kubelore(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


@pytest.fixture(autouse=True)
def no_patterns_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write(tmp_path / "docs", DOCS)


def test_add_says_what_it_did_and_skipped(kubelore: CommandLine, docs: Path) -> None:
    ran = kubelore("knowledge", "add", str(docs))
    assert ran.code == 0
    assert ran.out.startswith(f"{docs}: 2 added, 2 passages, 1 skipped\n")
    assert "no text\n" in ran.out
    assert "empty.md" in ran.out
    assert ran.err == ""
    assert kubelore("knowledge", "add", str(docs)).out.startswith(f"{docs}: 2 unchanged, 1 skipped\n")


def test_reasons_without_end_are_summed_up(kubelore: CommandLine, tmp_path: Path) -> None:
    files = {f"{number}.kind{number % 40}": "x" for number in range(100)}
    ran = kubelore("knowledge", "add", str(write(tmp_path / "code", {**DOCS, **files})))
    assert "2 added, 2 passages, 101 skipped" in ran.out
    assert ran.out.count("no document") == 15
    assert ran.out.endswith("  56 for 26 other reasons; -o json has them all\n")


def test_a_long_path_breaks_no_line(kubelore: CommandLine, tmp_path: Path) -> None:
    docs = write(tmp_path / ("docs" * 30), DOCS)
    assert kubelore("knowledge", "add", str(docs)).out.startswith(f"{docs}: 2 added, 2 passages, 1 skipped\n")


def test_add_reports_duplicates_to_people_and_machines(
    kubelore: CommandLine, docs: Path, tmp_path: Path
) -> None:
    kubelore("knowledge", "add", str(docs), "--source", "team")
    copy = tarred(tmp_path / "copy.tar.gz", DOCS)
    report = kubelore("knowledge", "add", str(copy), "--source", "copy", "-o", "json").json
    assert (report["format"], report["source"]) == ("kubelore.knowledge.added/1", "copy")
    assert (report["added"], report["shared"], report["finished"]) == (2, 2, True)
    assert {"document": "disk.md", "passages": 1, "source": "team", "of": "disk.md"} in report["duplicates"]
    assert report["skipped"] == {"no text": {"count": 1, "examples": ["empty.md"]}}
    text = kubelore("knowledge", "add", str(tarred(tmp_path / "b.tgz", DOCS)), "--source", "b").out
    assert "2 of them known already" in text
    assert "disk.md: 1 passage of disk.md" in text


def test_what_is_found_says_where_it_is_from(kubelore: CommandLine, docs: Path) -> None:
    kubelore("knowledge", "add", str(docs), "--source", "team", "--url", "https://wiki/", "--licence", "MIT")
    ran = kubelore("knowledge", "search", "etcd", "has", "lost", "its", "leader", "--source", "team")
    assert ran.code == 0
    assert "etcdNoLeader" in ran.out
    assert "https://wiki/etcd.md" in ran.out
    assert "MIT" in ran.out
    report = kubelore(
        "knowledge", "search", "etcd has lost its leader", "--source", "team", "-o", "json"
    ).json
    best = report["found"][0]
    assert (best["document"], best["source"], best["type"]) == ("etcd.md", "team", "doc")
    assert 0 < best["relevance"] <= 1
    assert "etcd" in best["words"]
    markdown = kubelore("knowledge", "search", "etcd has no leader", "--source", "team", "-o", "markdown").out
    assert markdown.startswith("## etcdNoLeader\n")


def test_what_is_found_can_be_narrowed_down(kubelore: CommandLine, docs: Path) -> None:
    kubelore("knowledge", "add", str(docs), "--source", "team", "--tag", "Prod")
    kubelore("knowledge", "add", str(docs / "disk.md"), "--source", "answers", "--type", "solution")

    def found(*options: str) -> list[tuple[str, str, str]]:
        ran = kubelore("knowledge", "search", "disk of a node is nearly full", *options, "-o", "json")
        return [(row["source"], row["document"], row["type"]) for row in ran.json["found"]]

    assert found("--tag", "prod")[0] == ("team", "disk.md", "doc")
    assert found("--tag", "storage", "--type", "solution") == [("answers", "disk.md", "solution")]
    assert {type_ for _, _, type_ in found("--type", "pattern")} == {"pattern"}
    assert len(found("--limit", "1")) == 1
    assert len(found("--limit", "2")) == 2


def test_nothing_near_enough_is_said_and_is_no_error(kubelore: CommandLine, docs: Path) -> None:
    kubelore("knowledge", "add", str(docs))
    ran = kubelore("knowledge", "search", "how long should bread dough rise")
    assert (ran.code, ran.out) == (0, "nothing in the knowledge base is near enough to that question\n")
    ran = kubelore("knowledge", "search", "etcd has no leader", "--tag", "storge")
    said = "nothing in the knowledge base that the options let through is near enough to that question\n"
    assert (ran.code, ran.out) == (0, said)


def test_list_pages_and_show(kubelore: CommandLine, docs: Path) -> None:
    kubelore("knowledge", "add", str(docs), "--source", "team")
    first = kubelore("knowledge", "list", "--source", "team", "--limit", "1", "-o", "json").json["entries"]
    assert [row["document"] for row in first] == ["disk.md"]
    after = ("--after", first[0]["id"], "-o", "json")
    rest = kubelore("knowledge", "list", "--source", "team", *after).json["entries"]
    assert [row["document"] for row in rest] == ["etcd.md"]
    tagged = kubelore("knowledge", "list", "--tag", "Storage", "-o", "json").json["entries"]
    assert [row["document"] for row in tagged] == ["disk.md"]
    assert kubelore("knowledge", "list", "--type", "investigation").out == "no passages\n"
    shown = kubelore("knowledge", "show", first[0]["id"]).out
    assert "NodeDiskFull" in shown
    assert "storage" in shown
    assert "The disk of a node is nearly full." in shown


def test_remove_asks_unless_told_not_to(
    kubelore: CommandLine, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubelore("knowledge", "add", str(docs), "--source", "team")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    ran = kubelore("knowledge", "remove", "--source", "team")
    assert (ran.code, ran.err) == (2, "error: nobody is there to be asked\nhint: say --yes\n")
    ran = kubelore("knowledge", "remove", "--source", "team", "--document", "disk.md", "--yes")
    assert ran.out == "removed the document disk.md of team\n"
    (left,) = kubelore("knowledge", "list", "--source", "team", "-o", "json").json["entries"]
    assert kubelore("knowledge", "remove", left["id"], "-y").out == "removed the passage etcdNoLeader\n"
    assert kubelore("knowledge", "add", str(docs), "--source", "team").out.startswith(
        "team: 1 added, 1 unchanged"
    )
    assert (
        kubelore("knowledge", "remove", "--source", "team", "-y").out == "removed all 2 documents of team\n"
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("remove",), "what is to be removed?"),
        (("remove", "0", "--source", "team"), "what is to be removed?"),
        (("remove", "--source", "nobody", "-y"), "there is no source nobody"),
        (("remove", "--source", "team", "--document", "x", "-y"), "team has no document x"),
        (("show", "0"), "there is no passage 0"),
        (("list", "--after", "0"), "there is no passage 0"),
        (("search", "x", "--type", "runbook"), "there is no type runbook"),
        (("add", "/nowhere"), "/nowhere: No such file or directory"),
        (("add", ".", "--type", "x"), "there is no type x"),
    ],
)
def test_wrong_use_is_explained(
    kubelore: CommandLine, docs: Path, arguments: tuple[str, ...], error: str
) -> None:
    kubelore("knowledge", "add", str(docs), "--source", "team")
    ran = kubelore("knowledge", *arguments)
    assert ran.code == 2
    assert ran.err.startswith(f"error: {error}")


@pytest.mark.parametrize("name", ["a.png", "b.json", "c.txt", "d.zip", "e.xml"])
def test_what_holds_nothing_that_can_be_read_is_no_success(
    kubelore: CommandLine, tmp_path: Path, name: str
) -> None:
    content = {
        "a.png": b"\x89PNG\0\0",
        "b.json": b'{"a": 1}',
        "c.txt": b"",
        "d.zip": b"PK\3\4junk",
        "e.xml": b"<a/>",
    }
    ran = kubelore("knowledge", "add", str(write(tmp_path, {name: content[name]}) / name))
    assert ran.code == 4
    assert "nothing added" in ran.out
    assert "Skipped" in ran.out


def test_stats_and_reindex(kubelore: CommandLine, docs: Path) -> None:
    kubelore("knowledge", "add", str(docs), "--source", "team")
    report = kubelore("knowledge", "stats", "-o", "json").json
    assert {"name": "team", "documents": 2, "entries": 2}.items() <= report["sources"][-1].items()
    assert report["space"]["missing"] == 0
    assert "team" in kubelore("knowledge", "stats").out
    done = kubelore("knowledge", "reindex", "-o", "json").json
    assert (done["analysed"], done["embedded"]) == (0, 0)


def test_a_single_document_ends_its_pass(kubelore: CommandLine, docs: Path) -> None:
    kubelore("knowledge", "add", str(docs / "disk.md"))
    assert all(source["updated"] for source in kubelore("knowledge", "stats", "-o", "json").json["sources"])
    assert "never" not in kubelore("knowledge", "stats").out


def test_another_embedder_is_waited_for_by_words_until_everything_is_embedded_again(
    kubelore: CommandLine, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubelore("knowledge", "add", str(docs))
    question = ("knowledge", "search", "etcd has no leader")
    assert kubelore(*question).err == ""
    passages = kubelore("knowledge", "stats", "-o", "json").json["passages"]
    with EmbeddingsServer(key="right") as server:
        monkeypatch.setenv("KUBELORE_EMBEDDER", "openai:letters")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "right")
        by_words = kubelore(*question)
        assert by_words.out.startswith("   1 etcdNoLeader\n")
        assert (
            by_words.err
            == "by words alone: no vectors of openai:letters yet; see: kubelore knowledge reindex\n"
        )
        assert not server.requests
        assert kubelore("knowledge", "reindex", "-o", "json").json["embedded"] == passages
        space = kubelore("knowledge", "stats", "-o", "json").json["space"]
        assert (space["embedder"], space["missing"]) == ("openai:letters", 0)
        asked = len(server.requests)
        assert kubelore(*question).err == ""
        assert len(server.requests) == asked + 1
    gone = kubelore(*question)
    assert gone.code != 0
    assert "nothing answers" in gone.err
    monkeypatch.delenv("KUBELORE_EMBEDDER")
    assert "by words alone" in kubelore(*question).err


def test_an_empty_file_is_begun_by_a_search_like_one_that_is_missing(
    kubelore: CommandLine, file: Path
) -> None:
    file.parent.mkdir()
    file.touch()
    ran = kubelore("knowledge", "search", "pod", "is", "in", "CrashLoopBackOff")
    assert ran.code == 0
    assert "pattern" in ran.out


def test_patterns_are_always_among_what_is_searched(
    kubelore: CommandLine, docs: Path, file: Path, tmp_path: Path
) -> None:
    question = ("knowledge", "search", "pod", "is", "in", "CrashLoopBackOff", "-o", "json")
    found = kubelore(*question).json["found"]
    assert {row["source"] for row in found} == {"pattern library"}
    assert file.exists(), "made when it was first searched"
    kubelore("knowledge", "add", str(docs))
    assert kubelore(*question).json["found"][0]["type"] == "pattern"
    own = tmp_path / "patterns"
    own.mkdir()
    assert kubelore("patterns", "new", "Zebra queue stalls", "--patterns", str(own)).code == 0
    asked = ("knowledge", "search", "zebra queue stalls", "--patterns", str(own), "-o", "json")
    assert kubelore(*asked).json["found"][0]["document"] == "zebra_queue_stalls"


def test_an_empty_path_does_not_mean_the_folder_that_one_is_in(kubelore: CommandLine) -> None:
    ran = kubelore("knowledge", "add", "")
    assert (ran.code, ran.out) == (2, "")
    assert "what is to be added?" in ran.err


def test_what_is_piped_in_is_added(
    kubelore: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issues = as_json(
        tmp_path / "i.json", [{"number": 3, "title": "Pod pending", "body": "text", "state": "OPEN"}]
    )
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(issues.read_bytes())))
    ran = kubelore("knowledge", "add", "-", "--source", "issues", "--tag", "k8s")
    assert ran.out == "issues: 1 added, 1 passage\n"


def test_nothing_that_steers_a_terminal_is_printed(kubelore: CommandLine, tmp_path: Path) -> None:
    write(tmp_path / "d", {"a\x1b[31m.md": "# T\x1b[2J\n\nkubelet \x1b]0;owned\x07 text\n"})
    added = kubelore("knowledge", "add", str(tmp_path / "d"), "--source", "s\x1b[1m")
    listed = kubelore("knowledge", "list", "--source", "s")
    found = kubelore("knowledge", "search", "kubelet text")
    assert added.code == listed.code == found.code == 0
    assert "a.md" in listed.out
    assert "\x1b" not in added.out + listed.out + found.out + kubelore("knowledge", "stats").out


def test_a_full_disk_stops_no_search(kubelore: CommandLine, docs: Path, tmp_path: Path) -> None:
    own = tmp_path / "patterns"
    own.mkdir()
    kubelore("patterns", "new", "Zebra queue stalls", "--patterns", str(own))
    with small_disk(3) as disk:
        base = ("--knowledge", str(disk / "knowledge.db"))
        kubelore("knowledge", "add", str(docs), *base)
        with suppress(OSError), (disk / "rest").open("wb", buffering=0) as rest:
            while rest.write(bytes(4096)):
                pass
        found = kubelore("knowledge", "search", "etcd has no leader", *base, "--patterns", str(own))
        assert (found.code, found.err) == (0, "")
        assert "etcdNoLeader" in found.out
        added = kubelore("knowledge", "add", str(own), *base)
        assert added.code == 6
        assert "room" in added.err
        (disk / "knowledge.db").unlink()
        (disk / "knowledge.db-wal").unlink(missing_ok=True)
        (disk / "knowledge.db-shm").unlink(missing_ok=True)
        with suppress(OSError), (disk / "rest").open("ab", buffering=0) as rest:
            while rest.write(bytes(4096)):
                pass
        assert "full" in kubelore("knowledge", "search", "etcd", *base).err


def test_a_damaged_file_is_named_with_what_to_do(kubelore: CommandLine, docs: Path, file: Path) -> None:
    kubelore("knowledge", "add", str(docs))
    file.write_bytes(b"no database" * 1000)
    for part in file.parent.glob(f"{file.name}-*"):
        part.unlink()
    ran = kubelore("knowledge", "search", "etcd")
    assert ran.code == 6
    assert str(file) in ran.err
    assert "hint: " in ran.err


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(
    kubelore: CommandLine, file: Path, tmp_path: Path
) -> None:
    docs = write(tmp_path / "many", {f"{i}.md": f"# Runbook {i}\n\n" + f"text {i} " * 50 for i in range(300)})
    run = "import sys; from kubelore.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", run, "knowledge", "add", str(docs), "--source", "many"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None and not _has_documents(file, "many"):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.startswith("interrupted: ")
    assert error.endswith("; the same command goes on from there\n")
    report = kubelore("knowledge", "add", str(docs), "--source", "many", "-o", "json").json
    assert report["unchanged"] > 0
    assert report["unchanged"] + report["added"] == 300


def _has_documents(file: Path, source: str) -> bool:
    with suppress(StoreError), closing(SqliteKnowledge(file, read_only=True)) as store:
        return any(known.name == source and known.documents for known in store.sources())
    return False
