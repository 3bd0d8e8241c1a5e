"""The content of the built-in library: complete, clean, and right about what is easily confused."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from kubelore.patterns.check import root_causes
from kubelore.patterns.load import Library, load
from kubelore.patterns.rank import Candidate, rank
from kubelore.redaction import redact
from kubelore.types import Edge, EdgeKind, Evidence, Fact, Observation, Ref

DATA = Path(__file__).parent / "data"
MISSION = json.loads((DATA / "mission-patterns.json").read_text())
SCENARIOS = yaml.safe_load((DATA / "cause-scenarios.yaml").read_text())


@pytest.fixture(scope="module")
def library() -> Library:
    return load()


def test_every_built_in_file_is_clean_and_named_after_its_pattern(library: Library) -> None:
    assert library.problems == ()
    assert {f"{pattern.id}.yaml" for pattern in library.patterns} == set(library.files.values())


def test_every_canonical_cause_is_in_its_pattern(library: Library) -> None:
    causes = {cause.id: cause.pattern for cause in root_causes().values() if cause.id != "none"}
    assert {pattern.id for pattern in library.patterns} == set(causes.values())
    covered = {p.id: {c.root_cause for c in p.common_causes} for p in library.patterns}
    assert [cause for cause, pattern in causes.items() if cause not in covered[pattern]] == []


@pytest.mark.parametrize("fixed", MISSION, ids=lambda fixed: fixed["id"])
def test_what_the_mission_fixes_is_there(fixed: dict[str, Any], library: Library) -> None:
    pattern = library.get(fixed["id"])
    assert pattern.name == fixed["name"]
    assert set(fixed["triggers"]) <= set(pattern.triggers)
    assert set(fixed["symptoms"]) <= set(pattern.symptoms)
    steps = {(s.tool, s.args, s.look_for) for s in pattern.investigation_steps}
    assert {(s["tool"], s.get("args", ""), s["look_for"]) for s in fixed["investigation_steps"]} <= steps
    for wanted in fixed["common_causes"]:
        found = [c for c in pattern.common_causes if c.cause.startswith(wanted["cause"])]
        assert set(wanted["evidence"]) <= {e for c in found for e in c.evidence}, wanted["cause"]
        assert any(wanted["fix"] in c.fix.text for c in found), wanted["cause"]


def test_event_classes_are_those_the_event_rules_give(library: Library) -> None:
    rules = yaml.safe_load(files("kubelore").joinpath("analysis/events.yaml").read_text())
    of_family = {
        name: {rule.get("class", rule["value"]) for rule in family["rules"]}
        for name, family in rules["families"].items()
    }
    classes = {reason: {c for f in named for c in of_family[f]} for reason, named in rules["reasons"].items()}
    classes["FailedScheduling"] |= {rule["class"] for rule in rules["scheduling"]}
    used = {
        glob.removeprefix("event=")
        for pattern in library.patterns
        for cause in pattern.common_causes
        for condition in cause.when
        for facts in (condition, *condition.joined)
        for glob in (*facts.all, *facts.any, *facts.none, *facts.supports, *facts.contradicts)
        if glob.startswith("event=") and ":" in glob
    }
    assert used
    unknown = [
        glob
        for glob in used
        for reason, wanted in (glob.split(":", 1),)
        if not any(fnmatchcase(known, wanted) for known in classes.get(reason, ()))
    ]
    assert unknown == []


def test_references_are_pages_of_the_kubernetes_documentation(library: Library) -> None:
    for pattern in library.patterns:
        assert pattern.references, pattern.id
        assert all(
            r.startswith("https://kubernetes.io/docs/") and r.endswith("/") for r in pattern.references
        )


def test_fix_commands_are_kubectl_or_run_on_a_node(library: Library) -> None:
    for pattern in library.patterns:
        for cause in pattern.common_causes:
            for line in cause.fix.command.splitlines():
                assert line.startswith(("kubectl ", "ssh <node> ")), (pattern.id, line)


def test_no_redaction_damages_a_fix(library: Library) -> None:
    for pattern in library.patterns:
        for cause in pattern.common_causes:
            for template in (cause.fix.text, cause.fix.command, cause.fix.yaml):
                unfilled = re.sub(r"\{([a-z_]+)\}", lambda found: f"<{found[1].replace('_', '-')}>", template)
                assert redact(unfilled) == unfilled


def test_fix_yaml_parses_once_it_is_filled(library: Library) -> None:
    for pattern in library.patterns:
        for cause in pattern.common_causes:
            filled = cause.fix.yaml.replace("{path}", "/a").replace("{", "").replace("}", "")
            assert cause.fix.yaml == "" or isinstance(yaml.safe_load(filled), dict), (pattern.id, cause.cause)


# -- evidence to cause -----------------------------------------------------------------------------
def _ref(text: str) -> Ref:
    return Ref.parse(text if "/" in text else f"Deployment/ns/{text}")


def _edge(text: str) -> Edge:
    kind = next(k for k in get_args(EdgeKind) if f" {k} " in text)
    source, target = text.split(f" {kind} ")
    return Edge(kind, _ref(source), _ref(target))


def _ranked(scenario: dict[str, Any], library: Library) -> list[Candidate]:
    facts = tuple(
        Fact(*name.split("=", 1), _ref(about)) for about, names in scenario["facts"].items() for name in names
    )
    evidence = Evidence()
    evidence.add(Observation("", facts, tuple(_edge(e) for e in scenario.get("edges", ()))), 1)
    return rank(library.patterns, evidence)


def _cause(text: str) -> tuple[str, Ref]:
    cause, _, where = text.partition(" at ")
    return cause, _ref(where or "web")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s["name"])
def test_the_evidence_leads_to_the_cause(scenario: dict[str, Any], library: Library) -> None:
    ranked = _ranked(scenario, library)
    if "not" in scenario:
        likely = {c.root_cause for c in ranked if c.score > -1}
        assert scenario["not"] not in likely
        assert scenario["not"] != "anything" or not likely
        return
    first = ranked[0]
    assert (first.root_cause, first.object) == _cause(scenario["cause"]), [
        (c.root_cause, str(c.object), round(c.score, 2)) for c in ranked[:4]
    ]
    rivals = [c for c in ranked[1:] if (c.root_cause, c.object) != _cause(scenario.get("also", "none"))]
    assert not rivals or first.score - rivals[0].score >= 0.3, (rivals[0].root_cause, rivals[0].object)


def test_scenarios_cover_every_canonical_cause() -> None:
    shown = {_cause(s[key])[0] for s in SCENARIOS for key in ("cause", "also") if key in s}
    assert set(root_causes()) - shown == {"none"}
