"""GitHub issues as JSON: the API's lists and single issues, `gh issue list --json ...`, or one a line.

A closed issue with what solved it is a solution, any other a document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from hashlib import sha256
from typing import Any

from kubelore.knowledge.ingest.page import Block, Found, Page, Skipped, Unreadable
from kubelore.knowledge.ingest.readers import NO_TEXT, markdown
from kubelore.knowledge.ingest.readers.decode import decode
from kubelore.knowledge.ingest.readers.front_matter import time_of
from kubelore.packaged import packaged_yaml
from kubelore.types import JsonObject

NO_ISSUES = "JSON without GitHub issues"
PULL_REQUEST = "a pull request"

_REPOSITORY = re.compile(r"github\.com/(?:repos/)?([\w.-]+/[\w.-]+)/issues/|/repos/([\w.-]+/[\w.-]+)/issues/")
_SPACE = re.compile(r"\s*")


class Issues:
    """The issues in one file."""

    whole = True

    def __init__(self, content: bytes, name: str) -> None:
        self.name = name
        self.progress = (0, 0)
        self._content = content

    def __iter__(self) -> Iterator[Found | Skipped]:
        try:
            objects, broken = _objects(decode(self._content))
        except Unreadable as error:
            objects, broken = [], str(error)
        issues = {_name(o): o for o in objects if _is_issue(o)}
        if not issues and not broken:
            yield Skipped("", NO_ISSUES)
        comments: dict[str, list[JsonObject]] = {}
        for found in objects:
            if isinstance(found.get("issue_url"), str):
                comments.setdefault(found["issue_url"], []).append(found)
        for number, (name, issue) in enumerate(issues.items(), 1):
            self.progress = (number, len(issues))
            yield _found(name, issue, comments.get(str(issue.get("url")), ()))
        if broken:
            yield Skipped("the rest", broken, more=True)


@dataclass(frozen=True, slots=True)
class _Rules:
    worth: Mapping[str, int]
    least: int
    agree: frozenset[str]
    disagree: frozenset[str]
    bots: tuple[str, ...]
    commands: re.Pattern[str]
    shortest: int


@cache
def _rules() -> _Rules:
    data = packaged_yaml(__package__, "issues.yaml")
    return _Rules(
        data["worth"], data["least"], frozenset(data["agree"]), frozenset(data["disagree"]),
        tuple(data["bots"]), re.compile(data["commands"], re.MULTILINE), data["shortest"],
    )  # fmt: skip


def _objects(text: str) -> tuple[list[JsonObject], str]:
    """All objects in one or several JSON texts, out of their lists; and why the rest could not be read."""
    decoder = json.JSONDecoder()
    found: list[JsonObject] = []
    at = _past_space(text, 0)
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except ValueError:
            return found, "not well-formed JSON"
        except RecursionError:
            return found, "JSON nested too deep"
        if isinstance(value, dict) and isinstance(value.get("items"), list):
            value = value["items"]
        found += [o for o in (value if isinstance(value, list) else [value]) if isinstance(o, dict)]
        at = _past_space(text, at)
    return found, ""


def _past_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _is_issue(value: JsonObject) -> bool:
    return isinstance(value.get("number"), int) and isinstance(value.get("title"), str) and "body" in value


def _name(issue: JsonObject) -> str:
    """`owner/name#12`, as far as it is known."""
    links = " ".join(str(issue.get(key) or "") for key in ("html_url", "url", "repository_url"))
    match = _REPOSITORY.search(f"{links}/issues/")
    repository = (match[1] or match[2]) if match else ""
    return f"{repository}#{issue.get('number')}"


def _found(name: str, issue: JsonObject, comments: Sequence[JsonObject]) -> Found | Skipped:
    if issue.get("pull_request") or "/pull/" in str(issue.get("html_url") or issue.get("url")):
        return Skipped(name, PULL_REQUEST)
    digest = sha256(json.dumps([issue, *comments], sort_keys=True).encode())
    return Found(name, digest.hexdigest(), partial(_page, issue, [*_comments(issue), *comments]))


def _page(issue: JsonObject, comments: Sequence[JsonObject]) -> Page:
    blocks = list(_blocks(issue.get("body")))
    answer = _answer(issue, comments) if _state(issue) == "closed" else None
    if answer:
        blocks += [Block("heading", _credit(answer), 2), *_blocks(answer.get("body"))]
    if not blocks:
        raise Unreadable(NO_TEXT)
    url = str(issue.get("html_url") or issue.get("url") or "")
    times = (
        issue.get(key)
        for key in ("closed_at", "closedAt", "updated_at", "updatedAt", "created_at", "createdAt")
    )
    return Page(
        " ".join(issue["title"].split()),
        tuple(blocks),
        "solution" if answer else "doc",
        tuple(_labels(issue)),
        url if url.startswith("http") and "://api." not in url else "",
        time=next((time for value in times if (time := time_of(value))), ""),
    )


def _blocks(body: object) -> Iterator[Block]:
    """The text of an issue or comment; its headings stand below those of ours."""
    for block in markdown.blocks(body) if isinstance(body, str) else ():
        yield replace(block, level=block.level + 2) if block.kind == "heading" else block


def _state(issue: JsonObject) -> str:
    return str(issue.get("state") or "").lower()


def _labels(issue: JsonObject) -> Iterator[str]:
    labels = issue.get("labels")
    for label in labels if isinstance(labels, list) else ():
        name = label.get("name") if isinstance(label, dict) else label
        if isinstance(name, str) and name:
            yield name


def _comments(issue: JsonObject) -> list[JsonObject]:
    comments = issue.get("comments")
    if isinstance(comments, dict):
        comments = comments.get("nodes")
    return [c for c in comments if isinstance(c, dict)] if isinstance(comments, list) else []


def _answer(issue: JsonObject, comments: Sequence[JsonObject]) -> JsonObject | None:
    """The comment that most likely says what solved the issue; of equal ones the last."""
    ranked = [
        (_worth(issue, comment), place) for place, comment in enumerate(comments) if _says_something(comment)
    ]
    worth, place = max(ranked, default=(0, 0))
    return comments[place] if worth >= _rules().least else None


def _says_something(comment: JsonObject) -> bool:
    body = comment.get("body")
    if not isinstance(body, str) or _login(comment).endswith(_rules().bots) or comment.get("isMinimized"):
        return False
    return len(_rules().commands.sub("", body).strip()) >= _rules().shortest


def _worth(issue: JsonObject, comment: JsonObject) -> int:
    worth = _rules().worth
    author = worth["author"] if _login(comment) == _login(issue) != "" else 0
    return _agreement(comment) + max(worth.get(_association(comment), 0), author)


def _agreement(comment: JsonObject) -> int:
    """Reactions that agree, less those that do not, in the API's form or that of `gh`."""
    counts: list[tuple[str, object]] = []
    if isinstance(reactions := comment.get("reactions"), dict):
        counts += reactions.items()
    for group in comment.get("reactionGroups") or ():
        if isinstance(group, dict) and isinstance(group.get("users"), dict):
            counts.append((str(group.get("content")), group["users"].get("totalCount")))
    rules = _rules()
    return sum(
        count * ((name in rules.agree) - (name in rules.disagree))
        for name, count in counts
        if isinstance(count, int)
    )


def _credit(answer: JsonObject) -> str:
    reactions = _agreement(answer)
    who = "a maintainer" if _association(answer) in ("OWNER", "MEMBER", "COLLABORATOR") else "a user"
    return f"Comment of {who}" + (f", {reactions} reactions" if reactions > 0 else "")


def _association(comment: JsonObject) -> str:
    return str(comment.get("author_association") or comment.get("authorAssociation") or "")


def _login(value: Mapping[str, Any]) -> str:
    user = value.get("user") or value.get("author")
    return str(user.get("login") or "") if isinstance(user, dict) else ""
