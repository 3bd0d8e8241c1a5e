"""`kubectl get`, over the `Cluster` protocol: finds the objects and prints them as kubectl would.

Tables come from the API server (its Table form); where it gives none, and for Secrets, names and ages are
printed. Objects pass `redact_object` before any other output is made of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from kubelore.analysis.quantity import parse_quantity
from kubelore.analysis.view import View, labels_of, matches_selector, ref_of
from kubelore.cluster.kinds import Kind
from kubelore.errors import BadArguments, ClusterError, ObjectNotFound
from kubelore.redaction import redact_object
from kubelore.tools import jsonpath
from kubelore.tools.arguments import Target
from kubelore.tools.kubectl_argv import Command
from kubelore.tools.layout import to_yaml
from kubelore.tools.resolve import Resolver, closest, kind_table, list_name, read_selector
from kubelore.tools.text import age, table
from kubelore.types import JsonObject

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
NOTHING_THERE = "there is nothing at this path (values of Secrets are never shown)"
FIELD_TERM = re.compile(r"(?P<path>[\w.\[\]]+?)\s*(?P<op>==|!=|=)\s*(?P<value>[^,]*)")


@dataclass(frozen=True, slots=True)
class Found:
    """Objects of one kind that a command names or lists. `named`: it gave their names."""

    kind: Kind
    objects: Sequence[JsonObject]
    named: bool
    notes: tuple[str, ...] = ()


class Finder:
    """Finds what the words of a command mean."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._resolver = Resolver(view)

    def home(self, command: Command) -> str | None:
        """The namespace a command is about; None for all. Raises ObjectNotFound with close names."""
        if command.on("--all-namespaces"):
            return None
        named = command.value("--namespace")
        if named:
            return self._resolver.namespace(Target(namespace=named))
        return self._view.cluster.info.namespace or "default"

    def find(self, command: Command, words: Sequence[str]) -> list[Found]:
        """`pods`, `pods,svc`, `pod a b`, `pod/a svc/b`, `all`."""
        if not words:
            raise BadArguments("what to get is not given", hint="for example: get pods -n NAMESPACE")
        if all("/" in word for word in words):
            pairs = [word.split("/", 1) for word in words]
            return [self._named(self.kind(kind), [name], command) for kind, name in pairs]
        if any("/" in word for word in words):
            raise BadArguments("either all words are TYPE/NAME or none is")
        kinds = [kind for word in words[0].split(",") if word for kind in self.kinds(word)]
        if len(words) > 1:
            return [self._named(kind, words[1:], command) for kind in kinds]
        return [self._listed(kind, command) for kind in kinds]

    def kinds(self, word: str) -> list[Kind]:
        """One kind, or those of a category such as `all`."""
        known = kind_table(self._view)
        if word.lower() not in known:
            category = [k for k in dict.fromkeys(known.values()) if word.lower() in k.categories]
            if category:
                return category
        return [self.kind(word)]

    def kind(self, word: str) -> Kind:
        known = kind_table(self._view)
        found = known.get(word.lower())
        if found is None:
            close = closest(word, known, count=3)
            hint = f"did you mean {', '.join(close)}?" if close else "see: api-resources"
            raise ObjectNotFound(f"the server has no resource type {word!r}", hint=hint)
        return found

    def _named(self, kind: Kind, names: Sequence[str], command: Command) -> Found:
        namespace = self.home(command) if kind.namespaced else ""
        objects, notes = [], []
        for name in names:
            obj = self._view.get(list_name(kind), namespace, name) if namespace is not None else None
            if obj is None:
                if command.on("--ignore-not-found"):
                    continue
                given = command.value("--namespace")
                target = Target(words=(name,), kind=kind.kind, namespace=given)
                found = self._resolver.one(target, (list_name(kind),))
                elsewhere = f"{name} was found as {found.ref}, not in namespace {namespace}"
                notes.append(found.note or elsewhere)
                obj = found.obj
            objects.append(_without_values(kind, obj))
        return Found(kind, objects, named=True, notes=tuple(notes))

    def _listed(self, kind: Kind, command: Command) -> Found:
        namespace = self.home(command) if kind.namespaced else None
        objects = [_without_values(kind, o) for o in self._view.all(list_name(kind), namespace)]
        labels, fields = command.value("--selector"), command.value("--field-selector")
        if labels:
            wanted = read_selector(labels)
            objects = [o for o in objects if matches_selector(wanted, labels_of(o))]
        if fields:
            terms = field_terms(fields)
            objects = [o for o in objects if all(_has(o, *term) for term in terms)]
        notes = [] if objects else [self._nothing(kind, namespace)]
        return Found(kind, objects, named=False, notes=tuple(notes))

    def _nothing(self, kind: Kind, namespace: str | None) -> str:
        where = f" in namespace {namespace}" if namespace else ""
        name = list_name(kind)
        if not self._view.cluster.readable(name):
            return f"{kind.plural} could not be read"
        count = len(self._view.all(name)) if namespace else 0
        elsewhere = f" (all namespaces together have {count}; use -A or -n)" if count else ""
        return f"No {kind.plural} found{where}{elsewhere}"


def _without_values(kind: Kind, obj: JsonObject) -> JsonObject:
    """A Secret loses its values before anything is selected or sorted by them."""
    safe: JsonObject = redact_object(obj) if kind.kind == "Secret" else obj
    return safe


def field_terms(text: str) -> list[tuple[str, bool, str]]:
    """(path, equal, value) of a field selector. Raises BadArguments."""
    terms = []
    for part in text.split(","):
        term = FIELD_TERM.fullmatch(part.strip())
        if term is None:
            raise BadArguments(f"not a field selector: {part!r}", hint="write it like: status.phase!=Running")
        terms.append((term["path"], term["op"] != "!=", term["value"].strip()))
    return terms


def _has(obj: JsonObject, path: str, equal: bool, value: str) -> bool:
    found = jsonpath.find(path, obj)
    return ((jsonpath.shown(found[0]) if found else "") == value) is equal


def printed(view: View, command: Command, found: Sequence[Found]) -> str:
    """The objects in the form that `-o` asks for."""
    form, _, argument = command.value("--output").partition("=")
    path = command.value("--sort-by")
    found = [replace(group, objects=sort_objects(group.objects, path)) for group in found]
    objects = [o for group in found for o in group.objects]
    notes = [note for group in found for note in group.notes]
    match form:
        case "" | "wide":
            return _tables(view, command, found, wide=form == "wide")
        case "name":
            lines = [f"{_resource(group.kind)}/{ref_of(o).name}" for group in found for o in group.objects]
            return "\n".join([*notes, *lines])
        case "json" | "yaml":
            value = _document(command, found, objects)
            text = json.dumps(value, indent=2, ensure_ascii=False) if form == "json" else to_yaml(value)
            return "\n".join([*notes, text])
        case "jsonpath" | "jsonpath-as-json" if argument:
            filled = jsonpath.template(argument, _document(command, found, objects))
            return "\n".join([*notes, filled if filled.strip() else NOTHING_THERE])
        case "custom-columns" if argument:
            return "\n".join(
                [*notes, _custom_columns(argument, objects, header=not command.on("--no-headers"))]
            )
    forms = "wide, name, json, yaml, jsonpath=TEMPLATE, custom-columns=NAME:PATH,..."
    raise BadArguments(f"output {command.value('--output')!r} is not available", hint=f"use one of: {forms}")


def _document(command: Command, found: Sequence[Found], objects: Iterable[JsonObject]) -> Any:
    """What -o json prints: the one named object, else a List."""
    safe = [_without_noise(redact_object(o), command.on("--show-managed-fields")) for o in objects]
    if len(found) == 1 and found[0].named and len(safe) == 1:
        return safe[0]
    return {"apiVersion": "v1", "kind": "List", "items": safe}


def _without_noise(obj: JsonObject, managed_fields: bool) -> JsonObject:
    if not managed_fields and isinstance(obj.get("metadata"), dict):
        obj["metadata"].pop("managedFields", None)
    return obj


def _resource(kind: Kind) -> str:
    singular = kind.kind.lower()
    return f"{singular}.{kind.group}" if kind.group else singular


def sort_objects(objects: Sequence[JsonObject], path: str) -> list[JsonObject]:
    """Ordered by what a --sort-by path finds; what has none comes first, numbers and quantities by size."""
    if not path:
        return list(objects)

    def key(obj: JsonObject) -> tuple[int, float, str]:
        values = jsonpath.find(path, obj)
        if not values:
            return (0, 0.0, "")
        number = parse_quantity(values[0]) if not isinstance(values[0], (dict, list, bool)) else None
        return (1, number, "") if number is not None else (2, 0.0, jsonpath.shown(values[0]))

    return sorted(objects, key=key)


def _custom_columns(spec: str, objects: Iterable[JsonObject], *, header: bool) -> str:
    columns = [part.partition(":") for part in re.split(r",(?![^\[]*\])", spec)]
    if not all(name and path for name, _, path in columns):
        raise BadArguments("custom columns are written NAME:PATH,NAME:PATH")
    rows = []
    for obj in objects:
        safe = redact_object(obj)
        rows.append(
            [",".join(map(jsonpath.shown, jsonpath.find(path, safe))) or "<none>" for _, _, path in columns]
        )
    return table([name for name, _, _ in columns], rows, show_header=header)


# -- tables ------------------------------------------------------------------------------------------
def _tables(view: View, command: Command, found: Sequence[Found], *, wide: bool) -> str:
    several = len(found) > 1
    parts: list[str] = []
    for group in found:
        if several and not group.objects:
            continue
        header, rows = _rows(view, group, wide=wide)
        if command.on("--all-namespaces") and group.kind.namespaced:
            header = ["NAMESPACE", *header]
            rows = [([ref_of(o).namespace, *cells], o) for cells, o in rows]
        header, rows = _with_labels(command, header, rows)
        if several or command.on("--show-kind"):
            at = header.index("NAME") if "NAME" in header else 0
            prefix = f"{_resource(group.kind)}/"
            rows = [([*cells[:at], prefix + cells[at], *cells[at + 1 :]], o) for cells, o in rows]
        parts += group.notes
        if rows:
            cells_only = [cells for cells, _ in rows]
            parts.append(table(header, cells_only, show_header=not command.on("--no-headers")))
            parts += [""] * several
    return "\n".join(parts).strip("\n") or "No resources found"


Rows = list[tuple[list[str], JsonObject]]


def _rows(view: View, group: Found, *, wide: bool) -> tuple[list[str], Rows]:
    """Cells of the server's own table for these objects, else name and age."""
    try:
        served = _served(view, group, wide=wide)
    except ClusterError:
        served = None
    if served is not None:
        header, by_ref = served
        if all((ref_of(o).namespace, ref_of(o).name) in by_ref for o in group.objects):
            return header, [(by_ref[ref_of(o).namespace, ref_of(o).name], o) for o in group.objects]
    rows: Rows = []
    for obj in group.objects:
        created = (obj.get("metadata") or {}).get("creationTimestamp")
        kind = [str(obj.get("type", "Opaque"))] if group.kind.kind == "Secret" else []
        rows.append(([ref_of(obj).name, *kind, age(created, view.now)], obj))
    return ["NAME", *(["TYPE"] if group.kind.kind == "Secret" else []), "AGE"], rows


def _served(
    view: View, group: Found, *, wide: bool
) -> tuple[list[str], dict[tuple[str, str], list[str]]] | None:
    """Header and cells by (namespace, name); None for Secrets, whose table is never asked for."""
    if group.kind.kind == "Secret":
        return None
    namespaces = {ref_of(o).namespace for o in group.objects}
    path = group.kind.path(namespaces.pop() if len(namespaces) == 1 else "")
    answer = json.loads(view.cluster.raw(f"{path}?{urlencode({'limit': 5000})}", accept=TABLE))
    if answer.get("kind") != "Table":
        return None
    columns = answer.get("columnDefinitions") or []
    kept = [i for i, column in enumerate(columns) if wide or not column.get("priority")]
    cells = {}
    for row in answer.get("rows") or ():
        meta = (row.get("object") or {}).get("metadata") or {}
        values = [_cell(row["cells"][i]) for i in kept]
        cells[meta.get("namespace") or "", meta.get("name") or ""] = values
    return [str(columns[i].get("name", "")).upper() for i in kept], cells


def _cell(value: object) -> str:
    return "<none>" if value in (None, "") else " ".join(str(value).split())


def _with_labels(command: Command, header: list[str], rows: Rows) -> tuple[list[str], Rows]:
    wanted = [key for key in command.value("--label-columns").split(",") if key]
    for key in wanted:
        header = [*header, key.rpartition("/")[2].upper()]
        rows = [([*cells, redact_object(labels_of(o)).get(key, "")], o) for cells, o in rows]
    if command.on("--show-labels"):
        header = [*header, "LABELS"]
        rows = [([*cells, ",".join(f"{k}={v}" for k, v in labels_of(o).items()) or "<none>"], o)
                for cells, o in rows]  # fmt: skip
    return header, rows
