"""Where documents come from: folders, checkouts, archives, dumps, issues, single files."""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from knowledge_support import as_json, dump, found, row, tarred, write, zipped
from kubelore.errors import UsageError
from kubelore.knowledge.ingest.page import markdown
from kubelore.knowledge.ingest.sources.limits import MAX_HELD, MIB
from store_support import unprivileged

TEXT = "# Title\n\nSome text.\n"


def test_a_folder_says_of_everything_in_it_what_it_is_or_why_it_is_not_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.md": TEXT, "sub/b.html": "<p>b</p>", "sub/c.rst": "c\n", "d.txt": "d\n",
            "runbook": "# e\n\ne\n", ".hidden/x.md": TEXT,
            "node_modules/p/README.md": TEXT, "logo.png": b"\x89PNG\0", "main.go": "x",
            "LICENSE": "x",
            "old.tar.gz": b"x", "notes.gz": b"x", "posts.7z": b"x",
            "empty.md": "", "data.json": '{"a": 1}', "pom.xml": "<project/>",
            "bad.md": b"\0\1\2" * 100,
            "layouts/p.html": "<p>x</p>", "COPYING.txt": "x", "LICENSE-MIT": "x", "license-server.md": TEXT,
        },
    )  # fmt: skip
    pages, skipped = found(tmp_path)
    assert sorted(pages) == ["a.md", "d.txt", "license-server.md", "runbook", "sub/b.html", "sub/c.rst"]
    assert skipped == {
        ".hidden": "hidden",
        "node_modules": "code of others",
        "logo.png": "no document (.png)",
        "main.go": "no document (.go)",
        **dict.fromkeys(["LICENSE", "COPYING.txt", "LICENSE-MIT"], "says nothing but licences and names"),
        "old.tar.gz": "not the archive that its name says",
        **dict.fromkeys(["notes.gz", "posts.7z"], "packed in a way that is not read: unpack it"),
        "empty.md": "no text",
        "data.json": "JSON without GitHub issues",
        "pom.xml": "XML, but no dump of posts",
        "bad.md": "binary",
        "layouts/p.html": "a template of pages",
    }


def test_links_are_followed_to_files_inside_of_the_folder_only(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"secret.md": TEXT})
    folder = write(tmp_path / "docs", {"..data/a.md": TEXT})  # as Kubernetes mounts a ConfigMap
    (folder / "a.md").symlink_to("..data/a.md")
    (folder / "escape.md").symlink_to(outside / "secret.md")
    (folder / "loop").symlink_to(folder)
    (folder / "gone.md").symlink_to(folder / "nothing")
    os.mkfifo(folder / "pipe.md")
    pages, skipped = found(folder)
    assert sorted(pages) == ["a.md"]
    link = "a link out of the folder, to a folder or to nothing"
    assert skipped == {
        "..data": "hidden", "escape.md": link, "loop": link, "gone.md": link, "pipe.md": "not a regular file",
    }  # fmt: skip


def test_what_may_not_be_read_is_said_and_nothing_counts_as_gone_for_it(shared_folder: Path) -> None:
    write(shared_folder, {"a.md": TEXT, "b.md": TEXT, "closed/c.md": TEXT})
    (shared_folder / "a.md").chmod(0o644)
    (shared_folder / "b.md").chmod(0)
    (shared_folder / "closed").chmod(0)
    with unprivileged():
        pages, skipped = found(shared_folder)
        with pytest.raises(UsageError, match="Permission denied"):
            found(shared_folder / "closed")
    assert sorted(pages) == ["a.md"]
    denied = "cannot be read: Permission denied"
    assert skipped == {"b.md": denied, "closed": denied}


def test_a_file_that_is_too_large_is_skipped_and_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "large.txt").open("wb") as file:
        file.truncate(5 << 30)
    assert found(tmp_path)[1] == {"large.txt": "larger than 8 MiB"}
    assert found(tmp_path / "large.txt")[1] == {"large.txt": "larger than 8 MiB"}


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tgz", "tar.xz", "tar.bz2"])
def test_archives_in_a_folder_are_read(tmp_path: Path, kind: str) -> None:
    inner = {"books/a.md": TEXT, "books/b.zip": "x", "books/LICENSE": "Attribution 4.0 International\n"}
    path = tmp_path / f"docs/x/books.{kind}"
    path.parent.mkdir(parents=True)
    if kind == "zip":
        zipped(path, inner)
    else:
        tarred(path, inner, f"w:{kind.replace('tgz', 'gz').rpartition('.')[2]}" if kind != "tar" else "w")
    write(tmp_path / "docs", {"c.md": TEXT})
    pages, skipped = found(tmp_path / "docs")
    assert {name: page.licence for name, page in pages.items()} == {
        "c.md": "", f"x/books.{kind}/a.md": "CC-BY-4.0",
    }  # fmt: skip
    assert skipped == {
        f"x/books.{kind}/b.zip": "an archive inside of an archive: unpack it",
        f"x/books.{kind}/LICENSE": "says nothing but licences and names",
    }


def test_names_in_a_zip_are_read_as_utf_8_where_it_does_not_say_what_they_are(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"uber.md": "text\n", "plain.md": "text\n"})
    path.write_bytes(path.read_bytes().replace(b"uber", "üer".encode()))
    assert sorted(found(path)[0]) == ["plain.md", "üer.md"]
    path.write_bytes(path.read_bytes().replace("üer".encode(), b"\x81ber"))
    assert sorted(found(path)[0]) == ["plain.md", "über.md"]


HUGO = {
    "hugo.toml": 'baseURL = "https://docs.example/"\ndefaultContentLanguage = "en"\n'
    '[languages.en]\ncontentDir = "content/en"\n',
    "LICENSE": "Attribution 4.0   International\n",
    "content/en/docs/Tasks/_index.md": TEXT,
    "content/en/docs/Tasks/debug.md": TEXT,
    "content/en/blog/x.md": "---\nurl: /blog/2024/x/\n---\ntext\n",
    "content/de/docs/y.md": TEXT,
    "notes.md": TEXT,
}
COMMIT = "0123456789abcdef0123456789abcdef01234567"
URLS = {
    "content/en/docs/Tasks/_index.md": "https://docs.example/docs/tasks/",
    "content/en/docs/Tasks/debug.md": "https://docs.example/docs/tasks/debug/",
    "content/en/blog/x.md": "https://docs.example/blog/2024/x/",
    "content/de/docs/y.md": "",
    "notes.md": "",
}


def test_a_checkout_gives_addresses_licence_and_commit(tmp_path: Path) -> None:
    write(tmp_path, {**HUGO, ".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": f"{COMMIT}\n"})
    pages, _ = found(tmp_path)
    assert {name: page.url for name, page in pages.items()} == URLS
    assert {(page.licence, page.version) for page in pages.values()} == {("CC-BY-4.0", COMMIT)}


def test_a_part_of_a_checkout_is_at_the_same_addresses(tmp_path: Path) -> None:
    write(tmp_path, {**HUGO, ".git/HEAD": f"{COMMIT}\n"})
    for part in ("content", "content/en", "content/en/docs", "content/en/docs/Tasks", "content/de"):
        pages, _ = found(tmp_path / part)
        assert pages
        assert {f"{part}/{name}": page.url for name, page in pages.items()}.items() <= URLS.items()
        assert {(page.licence, page.version) for page in pages.values()} == {("CC-BY-4.0", COMMIT)}
    pages, _ = found(tmp_path / "content/en", "https://mirror.example/en")
    assert pages["docs/Tasks/debug.md"].url == "https://mirror.example/en/docs/Tasks/debug.md"


@pytest.mark.parametrize(
    ("files", "commit"),
    [
        ({"HEAD": COMMIT}, COMMIT),
        ({"HEAD": "ref: refs/heads/a", "packed-refs": f"# pack\n{COMMIT} refs/heads/a\n"}, COMMIT),
        ({"HEAD": "ref: refs/heads/a"}, ""),
        ({"HEAD": "ref: ../../../etc/passwd"}, ""),
        ({"HEAD": b"\xff\xfe"}, ""),
        ({}, ""),
    ],
)
def test_the_commit_is_read_from_git_as_far_as_it_is_there(
    tmp_path: Path, files: dict[str, str | bytes], commit: str
) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path / ".git", files)
    write(tmp_path, {"a.md": TEXT})
    assert found(tmp_path)[0]["a.md"].version == commit


def test_an_archive_gives_the_same_as_the_folder_with_the_commit_that_github_writes(tmp_path: Path) -> None:
    files = {f"website-1.2/{name}": content for name, content in HUGO.items()}
    made = [tarred(tmp_path / f"site.{kind}", files, mode) for kind, mode in
            (("tar", "w"), ("tar.gz", "w:gz"), ("tar.bz2", "w:bz2"), ("tar.xz", "w:xz"))]  # fmt: skip
    for path in [*made, zipped(tmp_path / "site.zip", files)]:
        pages, _ = found(path)
        assert {name: page.url for name, page in pages.items()} == URLS, path
        assert {page.licence for page in pages.values()} == {"CC-BY-4.0"}


def test_files_without_a_suffix_are_read_when_they_are_documents(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "README": "All about it.\n", "KubeDown": "# KubeDown\n\nIt is down.\n",
            "KubeUp": "# KubeUp\n\n## Meaning\n\nIt is up.\n",
            "Page": "---\ntitle: x\n---\ny\n", "Makefile": "# Build\n\nall:\n",
            "Dockerfile.in": "x", "Dockerfile": "# Copyright\n\nFROM x\n",
            "install": "#!/bin/sh\n", "run": "#!/bin/sh\n\n# Runs it\n\nexit\n",
            "values": "# one\n# two\na: 1\n",
        },
    )  # fmt: skip
    pages, skipped = found(tmp_path)
    assert sorted(pages) == ["KubeDown", "KubeUp", "Page", "README"]
    assert set(skipped.values()) == {"no document (no suffix)", "no document (.in)"}


def test_a_site_may_lie_in_a_folder_of_its_repository(tmp_path: Path) -> None:
    config = 'baseURL = "https://k.example/"\n'
    files = {"site/config.toml": config, "site/content/docs/a.md": TEXT, "b.md": TEXT}
    packed = tarred(tmp_path / "x.tgz", {f"r/{name}": content for name, content in files.items()})
    for path in (packed, write(tmp_path / "r", files)):
        pages, _ = found(path)
        assert pages["site/content/docs/a.md"].url == "https://k.example/docs/a/"
        assert pages["b.md"].url == ""


def test_mkdocs_and_a_given_address(tmp_path: Path) -> None:
    write(tmp_path, {"mkdocs.yml": "site_url: https://m.example\nx: !!python/name:a\n", "docs/A/b.md": TEXT})
    assert found(tmp_path)[0]["docs/A/b.md"].url == "https://m.example/a/b/"
    given = found(tmp_path, url="https://git.example/blob/main")[0]["docs/A/b.md"].url
    assert given == "https://git.example/blob/main/docs/A/b.md"
    assert found(tmp_path / "docs/A/b.md", url="https://wiki/x")[0]["b.md"].url == "https://wiki/x"


DAY = "2020-01-01T00:00:00.0"
POSTS = dump(
    row(Id=1, PostTypeId=1, AcceptedAnswerId=3, Title="Pod stays Pending", Score=9, Tags="<kubernetes><pod>",
        Body="<p>Says <code>0/3 nodes</code>.</p>", CreationDate="2015-01-01T00:00:00.0"),
    row(Id=2, PostTypeId=2, ParentId=1, Score=50, Body="<p>Popular.</p>", CreationDate=DAY),
    row(Id=3, PostTypeId=2, ParentId=1, Score=5, CreationDate="2016-02-03T04:05:06.7",
        Body="<p>Right.</p><pre><code>kubectl drain &lt;node&gt;\n</code></pre>"),
    row(Id=4, PostTypeId=1, Title="Newer tags", Tags="|helm|", Body="<p>q</p>", CreationDate=DAY),
    row(Id=5, PostTypeId=2, ParentId=4, Score=1, Body="<p>less</p>", CreationDate=DAY),
    row(Id=6, PostTypeId=2, ParentId=4, Score=7, Body="<p>most</p>", CreationDate=DAY),
    row(Id=7, PostTypeId=1, Title="Nobody knows", Body="<p>q</p>", CreationDate=DAY),
    row(Id=8, PostTypeId=1, Title="Bad advice", Body="<p>q</p>", CreationDate=DAY),
    row(Id=9, PostTypeId=2, ParentId=8, Score=-4, Body="<p>a</p>", CreationDate=DAY),
    row(Id=10, PostTypeId=4, Body="<p>a wiki of tags</p>"),
)  # fmt: skip


def test_a_question_with_its_accepted_or_best_answer_is_a_solution(tmp_path: Path) -> None:
    write(tmp_path, {"serverfault.com/Posts.xml": POSTS})
    pages, skipped = found(tmp_path / "serverfault.com/Posts.xml")
    first = pages["1"]
    assert markdown(first.blocks) == (
        "Says `0/3 nodes`.\n\n## Accepted answer, score 5\n\nRight.\n\n```\nkubectl drain <node>\n```"
    )
    assert (first.title, first.type, first.tags) == ("Pod stays Pending", "solution", ("kubernetes", "pod"))
    assert (first.url, first.licence, first.time) == (
        "https://serverfault.com/questions/1", "CC BY-SA 3.0", "2016-02-03T04:05:06Z",
    )  # fmt: skip
    assert markdown(pages["4"].blocks) == "q\n\n## Answer, score 7\n\nmost"
    assert (pages["4"].tags, pages["4"].licence) == (("helm",), "CC BY-SA 4.0")
    assert skipped == {
        "7": "a question without an answer", "8": "a question whose answers were voted down",
    }  # fmt: skip


def test_a_dump_is_read_inside_of_folders_archives_and_pipes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "f", {"superuser.com/Posts.xml": POSTS})
    folder = found(tmp_path / "f")[0]
    assert folder["superuser.com/Posts.xml/1"].url == "https://superuser.com/questions/1"
    packed = found(tarred(tmp_path / "x.tgz", {"a/b.md": TEXT, "x.stackexchange.com/Posts.xml": POSTS}))[0]
    assert packed["x.stackexchange.com/Posts.xml/4"].type == "solution"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(POSTS.encode())))
    assert sorted(found(Path("-"))[0]) == ["1", "4"]


def test_a_dump_that_is_cut_short_gives_what_came_before(tmp_path: Path) -> None:
    path = write(tmp_path, {"Posts.xml": POSTS[: POSTS.index('Id="8"')]}) / "Posts.xml"
    pages, skipped = found(path)
    assert sorted(pages) == ["1", "4"]
    assert skipped["the rest"].startswith("not well-formed")


ISSUE: dict[str, Any] = {
    "number": 12, "title": "Pods stay in Terminating", "state": "closed", "closed_at": "2024-01-02T03:04:05Z",
    "html_url": "https://github.com/o/r/issues/12", "url": "https://api.github.com/repos/o/r/issues/12",
    "labels": [{"name": "kind/bug"}], "user": {"login": "asker"}, "comments": 4,
    "body": "### What happened?\n\nThey stay.\n\n<!-- a template -->\n",
}  # fmt: skip
COMMENTS: list[dict[str, Any]] = [
    {"body": "/close\n/lifecycle stale", "user": {"login": "k8s-ci-robot"}, "author_association": "MEMBER"},
    {"body": "I have the same problem here!", "user": {"login": "other"}, "author_association": "NONE"},
    {
        "body": "Remove the finalizer that nobody serves.",
        "user": {"login": "m"},
        "author_association": "MEMBER",
    },
    {"body": "> quoted\n/remove-lifecycle stale", "user": {"login": "m"}, "author_association": "OWNER"},
]


def in_gh_form(issue: dict[str, Any], comments: list[dict[str, Any]]) -> dict[str, Any]:
    """As `gh issue list --json` writes it."""
    two = [{"content": "THUMBS_UP", "users": {"totalCount": 2}}]
    return {
        "number": issue["number"], "title": issue["title"], "body": issue["body"], "state": "CLOSED",
        "url": issue["html_url"], "closedAt": issue["closed_at"], "author": issue["user"],
        "labels": issue["labels"],
        "comments": [
            {"author": c["user"], "authorAssociation": c["author_association"], "body": c["body"],
             "reactionGroups": two if "final" in c["body"] else []}
            for c in comments
        ],
    }  # fmt: skip


def from_api(issue: dict[str, Any]) -> str:
    """As `gh api --paginate` writes issues and then comments: one list behind the other."""
    return json.dumps([issue]) + json.dumps([{**c, "issue_url": issue["url"]} for c in COMMENTS])


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([in_gh_form(ISSUE, COMMENTS)]),
        json.dumps(in_gh_form(ISSUE, COMMENTS)),
        json.dumps({**ISSUE, "comments": COMMENTS}),
        json.dumps({"items": [{**ISSUE, "comments": {"nodes": COMMENTS}}]}),
        json.dumps({**ISSUE, "comments": COMMENTS}) + "\n" + json.dumps({**ISSUE, "number": 13}) + "\n",
        from_api(ISSUE),
    ],
)
def test_a_closed_issue_with_what_solved_it_is_a_solution(tmp_path: Path, text: str) -> None:
    path = tmp_path / "issues.json"
    path.write_text(text)
    pages, _ = found(path)
    solved = pages["o/r#12"]
    assert (solved.type, solved.title, solved.tags) == ("solution", "Pods stay in Terminating", ("kind/bug",))
    assert (solved.url, solved.time) == ("https://github.com/o/r/issues/12", "2024-01-02T03:04:05Z")
    reactions = ", 2 reactions" if "reactionGroups" in text else ""
    assert markdown(solved.blocks) == (
        f"##### What happened?\n\nThey stay.\n\n## Comment of a maintainer{reactions}\n\n"
        "Remove the finalizer that nobody serves."
    )


def test_the_comment_that_most_agree_with_wins_and_one_that_nobody_backs_is_no_solution(
    tmp_path: Path,
) -> None:
    liked = {
        "body": "Restart containerd, that helped us all.",
        "user": {"login": "x"},
        "reactions": {"+1": 30, "-1": 1},
    }
    pages, _ = found(as_json(tmp_path / "a.json", {**ISSUE, "comments": [*COMMENTS, liked]}))
    assert markdown(pages["o/r#12"].blocks).endswith(
        "## Comment of a user, 29 reactions\n\nRestart containerd, that helped us all."
    )
    pages, _ = found(as_json(tmp_path / "b.json", {**ISSUE, "comments": COMMENTS[:2]}))
    assert pages["o/r#12"].type == "doc"
    pages, _ = found(as_json(tmp_path / "c.json", {**ISSUE, "state": "open", "comments": COMMENTS}))
    assert pages["o/r#12"].type == "doc"


def test_pull_requests_and_issues_without_text_are_skipped(tmp_path: Path) -> None:
    request = {**ISSUE, "number": 1, "pull_request": {"url": "x"}}
    silent = {**ISSUE, "number": 2, "body": None, "state": "open"}
    _, skipped = found(as_json(tmp_path / "a.json", [request, silent]))
    assert skipped == {"o/r#1": "a pull request", "o/r#2": "no text"}


@pytest.mark.parametrize(
    "text",
    [
        "[", "{", "[1, 2]", '{"a": {}}', '[{"number": "12", "title": 5}]', "[" * 100_000, "null", "NaN",
        '"\\ud800"',
        '[{"number": 1, "title": "x", "body": 5, "labels": 7, "comments": "x", "user": 3, "reactions": []',
    ],
)  # fmt: skip
def test_json_that_holds_no_issues_is_said_to(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    for place in (path, tmp_path):
        pages, skipped = found(place)
        assert not pages
        assert all("JSON" in why for why in skipped.values())
        assert len(skipped) == 1


def test_fields_of_wrong_types_do_no_harm(tmp_path: Path) -> None:
    odd = {"number": 1, "title": "x\ud800", "body": "text", "labels": [7, {"name": 3}, "ok"],
           "comments": [5, {"body": 3}], "state": 5, "user": "x", "html_url": 7, "closed_at": ["x"],
           "reactions": 3}  # fmt: skip
    assert found(as_json(tmp_path / "a.json", odd))[0]["#1"].tags == ("ok",)


def test_what_is_piped_in_is_told_by_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def piped(content: bytes) -> list[str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        return sorted(found(Path("-"))[0])

    assert piped(tarred(tmp_path / "a.tgz", {"x/a.md": TEXT, "b.md": TEXT}).read_bytes()) == [
        "b.md",
        "x/a.md",
    ]
    assert piped(zipped(tmp_path / "a.zip", {"a.md": TEXT, "b.md": TEXT}).read_bytes()) == ["a.md", "b.md"]
    assert piped(json.dumps(ISSUE).encode()) == ["o/r#12"]
    (name,) = piped(TEXT.encode())
    assert name.startswith("stdin-")
    assert piped(b"other\n") != [name]


class Pipe(io.RawIOBase):
    """Ends after so many bytes, and cannot seek."""

    def __init__(self, beginning: bytes, size: int) -> None:
        self._beginning, self._left = beginning, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self._left)
        buffer[:count] = self._beginning[:count].ljust(count)
        self._beginning, self._left = self._beginning[count:], self._left - count
        return count


def test_what_is_piped_in_never_lies_on_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    pipe = Pipe(POSTS.encode(), 9 * MIB)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(pipe)))
    assert sorted(found(Path("-"))[0]) == ["1", "4"]


def test_a_pipe_with_a_name_is_read_like_one_without(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(POSTS.encode(),))
    writer.start()
    assert sorted(found(pipe)[0]) == ["1", "4"]
    writer.join()


def test_more_than_memory_should_hold_is_not_taken_from_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = Pipe(b"", MAX_HELD + 1)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(pipe)))
    with pytest.raises(UsageError, match="piped in") as caught:
        found(Path("-"))
    assert "file" in caught.value.hint


def test_without_anything_to_read_from_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="nothing is piped in"):
        found(Path("-"))


def test_a_path_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        found(tmp_path / "nothing")
