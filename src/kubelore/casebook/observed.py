"""What steps saw, as compressed bytes and back: whole observations, and the evidence of a case."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from kubelore.casebook.text import safe, safe_all
from kubelore.errors import DataError
from kubelore.types import Edge, Evidence, Fact, Finding, NotChecked, Observation, Ref, Severity

FORMAT = 1
MAX_UNPACKED = 64 << 20
"""Bytes; more than that in a body is an attack or damage."""
LEFT_OUT = "(left out: this investigation saw more than is kept of one)"


def pack_observation(seen: Observation, room: int) -> bytes:
    """All of it, redacted; without its text, then without its facts too where it takes more than `room`
    bytes."""
    whole = {
        "format": FORMAT,
        "text": safe(seen.text),
        "facts": [_fact(fact) for fact in seen.facts],
        "edges": [_edge(edge) for edge in seen.edges],
        "covers": [[tool, _ref(ref)] for tool, ref in seen.covers],
        "findings": [_finding(finding) for finding in seen.findings],
        "not_checked": [[safe(note.what), safe(note.why)] for note in seen.not_checked],
        "error": safe(seen.error),
    }
    shorter = {**whole, "text": LEFT_OUT}
    shortest = {"format": FORMAT, "text": LEFT_OUT, "error": LEFT_OUT}
    sizes = (data for kept in (whole, shorter) if len(data := _packed(kept)) <= room)
    return next(sizes, None) or _packed(shortest)


def unpack_observation(data: bytes) -> Observation:
    """Raises DataError for what is no packed observation."""
    kept = _unpacked(data)
    try:
        return Observation(
            text=kept["text"],
            facts=tuple(map(_read_fact, kept.get("facts", ()))),
            edges=tuple(map(_read_edge, kept.get("edges", ()))),
            covers=tuple((tool, Ref(*ref)) for tool, ref in kept.get("covers", ())),
            findings=tuple(map(_read_finding, kept.get("findings", ()))),
            not_checked=tuple(NotChecked(what, why) for what, why in kept.get("not_checked", ())),
            error=kept.get("error", ""),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"what a step saw cannot be read: {error}") from error


def pack_evidence(evidence: Evidence) -> bytes:
    """Names, edges and coverage: what signs are made of. Without details and values."""
    return _packed(
        {
            "format": FORMAT,
            "facts": [[c.step, c.fact.key, safe(c.fact.value), _ref(c.fact.about)] for c in evidence],
            "edges": [_edge(edge) for edge in evidence.edges()],
            "covers": sorted([tool, _ref(ref)] for tool, ref in evidence.covered),
        }
    )


def unpack_evidence(data: bytes) -> Evidence:
    """Raises DataError for what is no packed evidence."""
    kept = _unpacked(data)
    evidence = Evidence()
    try:
        for step, key, value, about in kept["facts"]:
            evidence.add(Observation("", facts=(Fact(key, value, Ref(*about)),)), step)
        edges = tuple(map(_read_edge, kept["edges"]))
        covers = tuple((tool, Ref(*ref)) for tool, ref in kept["covers"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"the evidence of a case cannot be read: {error}") from error
    evidence.add(Observation("", edges=edges, covers=covers), 0)
    return evidence


def evidence_of(bodies: Mapping[int, bytes]) -> Evidence:
    """From what is kept of a case: its evidence (0), else, where it never ended, what its steps saw."""
    if 0 in bodies:
        return unpack_evidence(bodies[0])
    evidence = Evidence()
    for step, data in sorted(bodies.items()):
        evidence.add(unpack_observation(data), step)
    return evidence


def _packed(content: Mapping[str, Any]) -> bytes:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode("utf-8", "replace"))


def _unpacked(data: bytes) -> dict[str, Any]:
    try:
        stream = zlib.decompressobj()
        text = stream.decompress(data, MAX_UNPACKED)
        kept = json.loads(text)
    except (zlib.error, ValueError) as error:
        raise DataError(f"what is kept of a case is damaged: {error}") from error
    if stream.unconsumed_tail or not isinstance(kept, dict) or kept.get("format") != FORMAT:
        raise DataError("what is kept of a case is in a form that this kubelore does not know")
    return kept


def _ref(ref: Ref | None) -> list[str]:
    return [ref.kind, ref.namespace, ref.name] if ref else []


def _edge(edge: Edge) -> list[Any]:
    return [edge.kind, _ref(edge.source), _ref(edge.target)]


def _fact(fact: Fact) -> list[Any]:
    return [
        fact.key, safe(fact.value), _ref(fact.about), safe(fact.detail), _ref(fact.seen_on),
        safe_all(dict(fact.params)),
    ]  # fmt: skip


def _finding(finding: Finding) -> list[Any]:
    facts = [_fact(fact) for fact in finding.facts]
    return [finding.severity.value, _ref(finding.object), safe(finding.what), facts, finding.check]


def _read_edge(kept: Iterable[Any]) -> Edge:
    kind, source, target = kept
    return Edge(kind, Ref(*source), Ref(*target))


def _read_fact(kept: Iterable[Any]) -> Fact:
    key, value, about, detail, seen_on, params = kept
    return Fact(key, value, Ref(*about), detail, Ref(*seen_on) if seen_on else None, params)


def _read_finding(kept: Iterable[Any]) -> Finding:
    severity, ref, what, facts, check = kept
    return Finding(Severity(severity), Ref(*ref), what, tuple(map(_read_fact, facts)), check)
