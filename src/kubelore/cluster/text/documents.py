"""YAML answers: one or several documents, with or without fences, as the objects that they are."""

from __future__ import annotations

import re

from kubelore.cluster import kinds
from kubelore.cluster.snapshot.model import blank_secret
from kubelore.cluster.snapshot.objects import items_of, parse
from kubelore.cluster.snapshot.shapes import Misfits, fit
from kubelore.errors import SnapshotError
from kubelore.types import JsonObject

_START = re.compile(r"\s*(?:---\s|```|(?:#[^\n]*\n\s*)*(?:apiVersion|kind|metadata|items):\s)")
_FENCE = re.compile(r"^\s*```[\w-]*\s*$", re.MULTILINE)
_BETWEEN = re.compile(r"^---(?:[ \t].*)?$", re.MULTILINE)
_SERVER_FIELDS = ("uid", "resourceVersion", "creationTimestamp", "generation")


def is_documents(text: str) -> bool:
    """Whether a text looks like YAML objects."""
    return bool(_START.match(text))


def read_documents(text: str, namespace: str) -> tuple[list[JsonObject], list[str]]:
    """The objects, in order, Secrets without values, and what is wrong with documents that are none.

    Objects of namespaced kinds that name no namespace get `namespace`.
    """
    found: list[JsonObject] = []
    misfits = Misfits()
    problems: list[str] = []
    for index, part in enumerate(p for p in _BETWEEN.split(_FENCE.sub("", text)) if p.strip()):
        what = f"document {index + 1}.yaml"
        try:
            document = parse(part.encode(), what)
            items, problem = ([], "") if document is None else items_of(document, what)
        except SnapshotError as error:
            problems.append(str(error))
            continue
        found += [_completed(item, namespace, misfits) for item in items]
        problems += [problem] if problem else []
    return found, [*problems, str(misfits)] if misfits.count else problems


def is_live(obj: JsonObject) -> bool:
    """Whether it comes from the API server: a manifest, which someone wrote, may have been changed since."""
    return "status" in obj or any(obj["metadata"].get(field) for field in _SERVER_FIELDS)


def _completed(item: JsonObject, namespace: str, misfits: Misfits) -> JsonObject:
    kind = kinds.find(str(item.get("kind", "")))
    head = {"kind": str(item.get("kind", "")), "apiVersion": str(item.get("apiVersion", ""))}
    body = {k: v for k, v in item.items() if k not in head}
    item = fit(body, kind.resource if kind else "", misfits)
    metadata = {k: v for k, v in item["metadata"].items() if k != "managedFields"}
    if kind and not kind.namespaced:
        metadata.pop("namespace", None)
    elif namespace and not metadata.get("namespace"):
        metadata["namespace"] = namespace
    obj = {**head, **item, "metadata": metadata}
    if is_live(obj):  # what the API server leaves out is not there
        metadata |= {"labels": metadata.get("labels") or {}}
        metadata |= {"ownerReferences": metadata.get("ownerReferences") or []}
    if kind and kind.kind in {"ConfigMap", "Secret"}:
        obj["data"] = {**(item.get("data") or {}), **(item.get("stringData") or {})}
    return blank_secret(obj) if kind and kind.kind == "Secret" else obj
