"""The part of kubectl's JSONPath that people use: fields, indexes, wildcards, filters, range, literals."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kubelore.errors import BadArguments

Step = Callable[[Any], Iterator[Any]]

TOKEN = re.compile(
    r"""(?P<deep>\.\.(?P<any>[A-Za-z_][\w-]*))
      |\.(?P<field>(?:\\.|[^.\[\]\\\s,])+)
      |\[\s*(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\s*\]
      |\[\s*(?P<star>\*)\s*\]
      |\[\s*(?P<index>-?\d+)\s*\]
      |\[\s*(?P<from>-?\d*)\s*:\s*(?P<to>-?\d*)\s*\]
      |\[\?\(\s*(?P<filter>.+?)\s*\)\]""",
    re.VERBOSE,
)
FILTER = re.compile(r"@(?P<path>[^\s=!<>]*)\s*(?:(?P<op>==|!=|>=|<=|>|<)\s*(?P<value>.+))?")
MAX_DEPTH = 20


def template(text: str, data: Any) -> str:
    """Fill a template such as `{range .items[*]}{.metadata.name}{"\\n"}{end}`.

    What is absent prints as nothing, as with kubectl's --allow-missing-template-keys. Raises BadArguments
    for what is not supported."""
    text = text.strip()
    if not text.startswith("{") and "{" not in text:
        text = "{" + (text if text.startswith((".", "[", "$", "@")) else f".{text}") + "}"
    return _fill(_parts(text), data, 0)


def find(path: str, data: Any) -> list[Any]:
    """All values at one path (`.metadata.name`, braces and leading `$` or `@` allowed)."""
    values = [data]
    for step in _steps(path):
        values = [found for value in values for found in step(value)]
    return values


def _parts(text: str) -> list[tuple[str, str]]:
    """("text" | "code", content), braces inside quotes respected."""
    parts, at = [], 0
    for match in re.finditer(r"""\{((?:[^{}"']|"[^"]*"|'[^']*')*)\}""", text):
        parts += [("text", text[at : match.start()]), ("code", match[1].strip())]
        at = match.end()
    return [part for part in [*parts, ("text", text[at:])] if part[1]]


def _fill(parts: Sequence[tuple[str, str]], data: Any, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise BadArguments("the jsonpath template is nested too deeply")
    out, i = [], 0
    while i < len(parts):
        kind, content = parts[i]
        if kind == "text":
            out.append(content)
        elif content.startswith("range"):
            end = _end_of_range(parts, i)
            out += [_fill(parts[i + 1 : end], item, depth + 1) for item in find(content[5:].strip(), data)]
            i = end
        elif content[0] in "\"'":
            out.append(content[1:-1].replace("\\n", "\n").replace("\\t", "\t"))
        elif content != "end":
            out.append(" ".join(shown(v) for path in _union(content) for v in find(path, data)))
        i += 1
    return "".join(out)


def _union(content: str) -> list[str]:
    return [path for path in re.split(r"\s*,\s*(?![^\[]*\])|\s+(?=[.@$])", content) if path]


def _end_of_range(parts: Sequence[tuple[str, str]], start: int) -> int:
    depth = 0
    for i in range(start, len(parts)):
        kind, content = parts[i]
        if kind == "code":
            depth += content.startswith("range")
            depth -= content == "end"
            if depth == 0:
                return i
    raise BadArguments("the jsonpath has {range} without {end}")


def shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _steps(path: str) -> list[Step]:
    path = path.strip().strip("{}").strip().lstrip("$@")
    if path in ("", "."):
        return []
    if path[0] not in ".[":
        path = f".{path}"
    steps: list[Step] = []
    at = 0
    while at < len(path):
        match = TOKEN.match(path, at)
        if match is None:
            raise BadArguments(
                f"this jsonpath is not supported: {path!r}", hint="use -o json or -o yaml instead"
            )
        steps.append(_step(match))
        at = match.end()
    return steps


def _step(match: re.Match[str]) -> Step:
    if match["deep"]:
        return lambda value: _everywhere(value, match["any"], 0)
    if match["star"] or match["field"] == "*":
        return _children
    name = match["quoted"] if match["quote"] else match["field"]
    if name is not None:
        plain = re.sub(r"\\(.)", r"\1", name)
        return lambda value: iter([value[plain]] if isinstance(value, dict) and plain in value else [])
    if match["index"]:
        index = int(match["index"])
        return lambda value: iter(value[index : index + 1 or None] if isinstance(value, list) else [])
    if match["filter"]:
        return _filter(match["filter"])
    low, high = (int(match[part]) if match[part] else None for part in ("from", "to"))
    return lambda value: iter(value[low:high] if isinstance(value, list) else [])


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _everywhere(value: Any, name: str, depth: int) -> Iterator[Any]:
    if isinstance(value, dict) and name in value:
        yield value[name]
    if depth < 100:
        for child in _children(value):
            yield from _everywhere(child, name, depth + 1)


def _filter(text: str) -> Step:
    match = FILTER.fullmatch(text)
    if match is None:
        raise BadArguments(f"this jsonpath filter is not supported: {text!r}")
    wanted = match["value"].strip().strip("\"'") if match["op"] else ""

    def keep(item: Any) -> bool:
        values = find(match["path"], item)
        if not match["op"]:
            return bool(values)
        return any(_compare(shown(value), match["op"], wanted) for value in values)

    return lambda value: (item for item in _children(value) if keep(item))


def _compare(left: str, operator: str, right: str) -> bool:
    if operator in ("==", "!="):
        return (left == right) is (operator == "==")
    try:
        a, b = float(left), float(right)
    except ValueError:
        return False
    return {"<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[operator]
