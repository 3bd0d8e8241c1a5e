"""Cases as lines for other teams: what one file of them holds, and how a case becomes a line.

A file is JSON Lines: a header, then one case on each line. Raw observations never leave. With `anonymous`
neither does any name: objects and namespaces are numbered within each case, questions, explanations and
comments are left out, and so is a reason that some program gave and that has such a name in it; times are cut
to the day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from kubelore.casebook.signs import ONE_WORD
from kubelore.cases import Case
from kubelore.types import EdgeKind, Evidence, Fact, Ref
from kubelore.vocabulary import vocabulary

FORMAT = "kubelore.casebook/1"
MAX_LINE = 4 << 20
"""Bytes of one case."""
MAX_FACTS, MAX_EDGES = 5000, 10_000
MAX_TEXT = 4000

Word = Annotated[str, Field(max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/%+-]*$")]
Id = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{7,}$")]
CauseId = Annotated[str, Field(max_length=64, pattern=r"^([a-z][a-z0-9_]*)?$")]
WRITTEN = re.compile(r"[A-Z][A-Za-z0-9]{0,99}/[^/\s]{0,253}/[^/\s]{1,253}")
"""An object as other casebooks take it."""
PART = re.compile(r"[^a-z0-9-]+")
Object = Annotated[str, Field(pattern=rf"^({WRITTEN.pattern})?$")]
Tool = Annotated[str, Field(max_length=40, pattern=r"^[A-Z][A-Z0-9_]*$")]
Text = Annotated[str, Field(max_length=MAX_TEXT)]


def _is_time(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"), AfterValidator(_is_time)]
FactLine = tuple[int, Word, Word, Object]
"""Step, key, value, object."""
EdgeLine = tuple[EdgeKind, Object, Object]
CoverLine = tuple[Tool, Object]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Header(Strict):
    format: Literal["kubelore.casebook/1"]
    anonymous: bool
    cases: int = Field(ge=0)


class Line(Strict):
    """One case as it travels."""

    id: Id
    timestamp: Time
    question: Annotated[str, Field(max_length=20_000)] = ""
    namespace: Annotated[str, Field(max_length=63)] = ""
    cluster: Annotated[str, Field(max_length=64, pattern=r"^[0-9a-f]*$")] = ""
    context: Annotated[str, Field(max_length=400)] = ""
    decider: Annotated[str, Field(max_length=80)] = ""
    model: Annotated[str, Field(max_length=200)] = ""
    root_cause: CauseId = ""
    object: Object = ""
    probability: float = Field(default=0.0, ge=0, le=1)
    confidence: Literal["", "high", "medium", "low"] = ""
    confirmed_cause: CauseId = ""
    confirmed_object: Object = ""
    rating: int = Field(default=0, ge=0, le=5)
    comment: Text = ""
    explanation: Text = ""
    tools: Annotated[tuple[Tool, ...], Field(max_length=50)] = ()
    facts: Annotated[tuple[FactLine, ...], Field(max_length=MAX_FACTS)] = ()
    edges: Annotated[tuple[EdgeLine, ...], Field(max_length=MAX_EDGES)] = ()
    covers: Annotated[tuple[CoverLine, ...], Field(max_length=MAX_EDGES)] = ()


def header(cases: int, *, anonymous: bool) -> str:
    return _dumped({"format": FORMAT, "anonymous": anonymous, "cases": cases})


def exported(case: Case, evidence: Evidence, *, anonymous: bool) -> str:
    """One line, without its line break."""
    context = case.cluster_context.get("context", "")
    hidden = {context, *(name for ref in evidence.refs() for name in (ref.namespace, ref.name))}
    names = Numbers(hidden) if anonymous else Names()
    line: dict[str, Any] = {
        "id": case.id,
        "timestamp": f"{case.timestamp[:10]}T00:00:00Z" if anonymous else case.timestamp,
        "cluster": case.cluster,
        "decider": case.decider,
        "root_cause": case.root_cause,
        "object": names.written(case.object),
        "probability": case.probability,
        "confidence": case.confidence,
        "confirmed_cause": case.confirmed_cause,
        "confirmed_object": names.written(case.confirmed_object),
        "rating": case.user_rating,
        "tools": case.tools,
        **_evidence(evidence, names),
    }
    if not anonymous:
        line |= {
            "question": case.query,
            "namespace": case.namespace,
            "context": context,
            "model": case.model,
            "comment": case.user_feedback,
            "explanation": str(case.diagnosis.get("explanation", ""))[:MAX_TEXT],
        }
    return _dumped({key: value for key, value in line.items() if value})


def _evidence(evidence: Evidence, names: Names) -> dict[str, list[tuple[Any, ...]]]:
    """What signs are made of. What no casebook would take is left out: odd names, values that are no word."""
    facts = [
        (cited.step, cited.fact.key, cited.fact.value, names(cited.fact.about))
        for cited in evidence
        if ONE_WORD.fullmatch(cited.fact.value) and _fits(cited.fact.about) and names.may_show(cited.fact)
    ]
    edges = [
        (edge.kind, names(edge.source), names(edge.target))
        for edge in evidence.edges()
        if _fits(edge.source) and _fits(edge.target)
    ]
    covers = [(tool, names(ref)) for tool, ref in sorted(evidence.covered) if _fits(ref)]
    return {"facts": facts[:MAX_FACTS], "edges": edges[:MAX_EDGES], "covers": covers[:MAX_EDGES]}


def _fits(ref: Ref) -> bool:
    return WRITTEN.fullmatch(str(ref)) is not None


class Names:
    """Objects by their names."""

    def __call__(self, ref: Ref) -> str:
        return str(ref)

    def written(self, text: str) -> str:
        """For an object that is written already."""
        return text

    def may_show(self, fact: Fact) -> bool:
        return True


class Numbers(Names):
    """Objects and namespaces by number, the same for the same one within a case."""

    def __init__(self, hidden: Collection[str]) -> None:
        """`hidden`: names that stand in no value either."""
        self._hidden = {name.lower() for name in hidden}
        self._namespaces: dict[str, str] = {"": "", "*": "*"}
        self._objects: dict[Ref, str] = {}

    def __call__(self, ref: Ref) -> str:
        if ref not in self._objects:
            namespace = self._numbered(ref.namespace)
            # A namespace is named by its number wherever it is named.
            name = (
                self._numbered(ref.name)
                if ref.kind == "Namespace"
                else f"{ref.kind.lower()}-{len(self._objects) + 1}"
            )
            self._objects[ref] = str(Ref(ref.kind, namespace, name))
        return self._objects[ref]

    def written(self, text: str) -> str:
        return self(Ref.parse(text)) if text else ""

    def may_show(self, fact: Fact) -> bool:
        """Values of a closed list are nobody's names; any other one is chosen by some program."""
        known = vocabulary().get(fact.key)
        closed = known is not None and known.values
        return bool(closed) or self._hidden.isdisjoint(PART.split(fact.value.lower()))

    def _numbered(self, namespace: str) -> str:
        return self._namespaces.setdefault(namespace, f"namespace-{len(self._namespaces) - 1}")


def _dumped(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
