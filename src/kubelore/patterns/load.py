"""Reads the built-in library and the user's folder. A broken file is a `Problem`; the rest loads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kubelore import places
from kubelore.errors import UsageError
from kubelore.packaged import SAFE_LOADER
from kubelore.patterns import check
from kubelore.patterns.check import RootCause, root_causes
from kubelore.patterns.model import KEYS, Pattern


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in one file; `line` counts from 1."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass(frozen=True, eq=False)
class Library:
    """Patterns in library order: built in first, by id; then the user's. Equal only to itself."""

    patterns: tuple[Pattern, ...]
    problems: tuple[Problem, ...]
    files: Mapping[str, str]
    """File of each pattern id."""
    hash: str
    """sha256 of the files that were read, broken ones included."""

    @property
    def root_causes(self) -> Mapping[str, RootCause]:
        return root_causes()

    @cached_property
    def _by_id(self) -> dict[str, Pattern]:
        return {pattern.id: pattern for pattern in self.patterns}

    def get(self, pattern_id: str) -> Pattern:
        """Raises UsageError when there is no such pattern."""
        try:
            return self._by_id[pattern_id]
        except KeyError:
            near = check.closest(pattern_id, self._by_id)
            raise UsageError(
                f"there is no pattern {pattern_id}{near}", hint="see: kubelore patterns list"
            ) from None


def user_folder() -> Path:
    """$XDG_CONFIG_HOME/kubelore/patterns; it need not exist."""
    return places.user_folder("XDG_CONFIG_HOME", ".config") / "patterns"


def load(user: Path | None = None, *, tools: frozenset[str] = check.TOOLS) -> Library:
    """The built-in patterns, then those of the `user` folder; None reads no folder.

    `tools` are the names a step may call. A folder that is missing is empty. Never raises for what a
    file contains: see `Library.problems`.
    """
    patterns: dict[str, Pattern] = {}
    origin: dict[str, str] = {}
    problems: list[Problem] = []
    digest = sha256()
    built_in = _yaml_files(files(__package__) / "library")
    own = _yaml_files(user.absolute() if user else None)
    for file, name in (*((f, f.name) for f in built_in), *((f, str(f)) for f in own)):
        try:
            content = file.read_bytes()
        except OSError as error:
            problems.append(Problem(name, 1, f"cannot be read: {error.strerror}"))
            continue
        digest.update(content)
        pattern, found = read_pattern(name, content, tools)
        if pattern is not None and pattern.id in patterns:
            found = [Problem(name, 1, f"duplicate id {pattern.id}: {origin[pattern.id]} has it already")]
        if found or pattern is None:
            problems += found
            continue
        patterns[pattern.id], origin[pattern.id] = pattern, name
    return Library(tuple(patterns.values()), tuple(problems), origin, digest.hexdigest())


def _yaml_files(folder: Traversable | None) -> list[Traversable]:
    if folder is None or not folder.is_dir():
        return []
    found = (f for f in folder.iterdir() if f.name.endswith((".yaml", ".yml")) and f.is_file())
    return sorted(found, key=lambda f: f.name)


def read_pattern(
    name: str, content: bytes, tools: frozenset[str] = check.TOOLS
) -> tuple[Pattern | None, list[Problem]]:
    """One file: the pattern, or None with what is wrong. A pattern with mistakes comes with both."""
    try:
        loader = SAFE_LOADER(content.decode("utf-8-sig"))
        node = loader.get_single_node()
        repeated = list(_repeated_keys(node)) if node is not None else []
        data = loader.construct_document(node) if node is not None else None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return None, [Problem(name, line, "not UTF-8 text")]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return None, [Problem(name, mark.line + 1 if mark else 1, f"YAML: {error.problem}")]
    except yaml.YAMLError as error:
        return None, [Problem(name, 1, f"YAML: {error}")]
    if node is None or not isinstance(data, dict):
        return None, [Problem(name, 1, "a pattern file holds one mapping")]
    problems = [Problem(name, line, f"{key} is given twice") for key, line in repeated]
    try:
        pattern = Pattern.model_validate(data)
    except ValidationError as error:
        problems += _schema_problems(name, node, error)
        return None, problems
    wrong = check.mistakes(pattern, tools)
    problems += [Problem(name, line_of(node, path), _at(path, reason)) for path, reason in wrong]
    return pattern, problems


def _schema_problems(name: str, node: yaml.Node, error: ValidationError) -> Iterable[Problem]:
    found = [
        (tuple(part for part in mistake["loc"] if part != "[key]"), _reason(mistake), mistake["type"])
        for mistake in error.errors(include_url=False, include_context=False)
    ]
    for path, message, kind in found:
        # A list whose only item is wrong is called too short as well.
        inside = any(other[: len(path)] == path and other != path for other, _, _ in found)
        if not (kind == "too_short" and inside):
            yield Problem(name, line_of(node, path), _at(path, message))


def _reason(mistake: ErrorDetails) -> str:
    if mistake["type"] == "extra_forbidden":
        return f"unknown key{check.closest(str(mistake['loc'][-1]), KEYS)}"
    return mistake["msg"]


def _at(path: check.Path, reason: str) -> str:
    where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
    return f"{where}: {reason}" if where else reason


def line_of(node: yaml.Node, path: check.Path) -> int:
    """Line of the deepest node on the path that the file has; of the key, in a mapping."""
    line = node.start_mark.line
    for part in path:
        if isinstance(node, yaml.MappingNode):
            pairs = [(k, v) for k, v in node.value if k.value == part]
            if not pairs:
                break
            key, node = pairs[-1]  # merge keys (<<) come first
            line = key.start_mark.line
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
        else:
            break
    return int(line) + 1


def _repeated_keys(root: yaml.Node) -> Iterator[tuple[Any, int]]:
    """YAML silently keeps the last of two equal keys, which is never what the author meant."""
    todo, visited = [root], set()
    while todo:
        node = todo.pop()
        if isinstance(node, yaml.ScalarNode) or id(node) in visited:
            continue
        visited.add(id(node))  # an alias leads to the same node again, even into itself
        if isinstance(node, yaml.SequenceNode):
            todo += node.value
            continue
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.value, key.start_mark.line + 1
            seen.add(key.value)
            todo.append(value)
