"""Finds the values of Secrets written out as manifests, in YAML or JSON, whatever their keys are called."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubelore.redaction.keys import Span, harmless_value

_KIND = re.compile(
    r"""^(?P<column>[ \t]*(?:- )?)kind:[ \t]*["']?Secret["']?[ \t\r]*(?:\#.*)?$""", re.MULTILINE
)
_DATA = re.compile(r"(?P<column>[ \t]*(?:- )?)(?:data|stringData):[ \t]*(?P<flow>\{[^}\n]*\}?)?")
_ENTRY = re.compile(r"""[ \t]*["']?[\w.-]+["']?:(?:[ \t]+(?P<value>\S.*)|[ \t\r]*$)""")
_BLOCK = re.compile(r"[|>][-+\d]*[ \t\r]*(?:#.*)?$")
_LINE = re.compile(r"[^\n]+")
_BOUNDARY = re.compile(r"^[ \t]*(?:---|\.\.\.|```|~~~|- (?=apiVersion:|kind:))", re.MULTILINE)
"""Where another object, or the code of a document, may begin or end."""
_JSON_KIND = re.compile(r'"kind"\s{0,20}:\s{0,20}"Secret"')
_JSON_DATA = re.compile(r'"(?:data|stringData)"\s{0,20}:\s{0,20}\{(?P<values>[^{}]*)\}')
_JSON_VALUE = re.compile(r'"\s{0,20}:\s{0,20}"(?P<value>(?:[^"\\]|\\.)*+)"')


def secret_values(text: str) -> Iterator[Span]:
    """Spans of the values below `data` and `stringData` of each Secret, in order, without overlap."""
    if "Secret" not in text or ("data" not in text and "stringData" not in text):
        return
    starts = [0, *(match.start() for match in _BOUNDARY.finditer(text) if match.start())]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        columns = {len(match["column"]) for match in _KIND.finditer(text, start, end)}
        if columns:
            spans = _in_yaml(text, start, end, columns)
        elif _JSON_KIND.search(text, start, end):
            spans = _in_json(text, start, end)
        else:
            continue
        yield from (
            (*span, "secret") for span in spans if not harmless_value(text[slice(*span)].strip(" \r\"'"))
        )


def _in_yaml(text: str, start: int, end: int, columns: set[int]) -> Iterator[tuple[int, int]]:
    """`columns` are those at which the kind stands: `data` of the same object stands there too."""
    data = child = -1
    for line in _LINE.finditer(text, start, end):
        if not line[0].strip():
            continue
        depth = len(line[0]) - len(line[0].lstrip(" \t"))
        if 0 <= data < depth:
            child = depth if child < 0 else child
            entry = _ENTRY.match(text, line.start(), line.end()) if depth == child else None
            at, to = entry.span("value") if entry else (line.start() + depth, line.end())
            if at >= 0 and not _BLOCK.match(text, at, to):
                yield at, to
            continue
        found = _DATA.match(text, line.start(), line.end())
        data, child = (len(found["column"]), -1) if found and len(found["column"]) in columns else (-1, -1)
        if found and data >= 0 and found["flow"]:
            yield found.span("flow")


def _in_json(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for found in _JSON_DATA.finditer(text, start, end):
        for value in _JSON_VALUE.finditer(text, *found.span("values")):
            yield value.span("value")
