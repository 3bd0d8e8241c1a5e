"""What past cases may change in an answer of the playbook, and what not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent_playbook_test import (
    CALL_REFUSED,
    CHAIN,
    CHECKOUT,
    LIBRARY,
    NO_SECRET,
    OOM,
    PAYMENTS,
    REFUSED,
    asking,
    investigation,
)
from kubelore.agent.playbook.answer import diagnose
from kubelore.agent.playbook.decider import Playbook
from kubelore.agent.playbook.reason import reason
from kubelore.types import Diagnosis, Evidence, Fact, Investigation, PastCase, Ref, ToolCall, Vote
from patterns_rank_test import pattern

EVICTED = Fact("pod.evicted", "disk", CHECKOUT, "pods of checkout were evicted: disk", seen_on=None)
BROKEN = Fact("requests", "failing", CHECKOUT, "requests to checkout fail")


def vote(
    cause: str, ref: Ref, weight: float, case: Investigation, *, cases: int = 2, **values: object
) -> Vote:
    past = PastCase("0123456789-0", cause, ref.kind, frozenset(), "trusted", True, fix="Free the disk.")
    told = tuple(replace(past, id=f"0123456789-{n}", **values) for n in range(cases))  # type: ignore[arg-type]
    return Vote(cause, ref, weight, told, tuple(case.evidence.about(ref).values()))


def answer(case: Investigation, votes: Sequence[Vote] = ()) -> Diagnosis:
    return diagnose(case, reason(case, LIBRARY, asking(CHECKOUT), votes=votes), asking(CHECKOUT))


def test_past_cases_name_a_cause_that_no_pattern_knows() -> None:
    case = investigation((BROKEN, EVICTED))
    assert answer(case).root_cause == "none"
    found = answer(case, [vote("disk_full", CHECKOUT, 2.0, case)])
    assert (found.root_cause, found.object) == ("disk_full", CHECKOUT)
    assert "2 confirmed cases with nearly the same evidence (01234567" in found.explanation
    assert found.cases == ("0123456789-0", "0123456789-1")
    assert found.fix.text == "Free the disk."
    assert {cited.fact for cited in found.evidence} == {BROKEN, EVICTED}
    assert 0.8 < found.probability < 0.9


def test_an_explanation_names_the_cases_that_say_something_else() -> None:
    case = investigation((BROKEN, EVICTED))
    told = vote("disk_full", CHECKOUT, 2.0, case)
    other = replace(told.cases[0], id="9876543210", root_cause="oom_killed")
    found = answer(case, [replace(told, against=(other,))])
    assert "Past cases disagree: with evidence as near it was oom_killed (98765432)." in found.explanation


def test_what_settings_alone_recall_is_doubtful() -> None:
    settings = investigation((Fact("container.memory_limit", "set", CHECKOUT),))
    trouble = investigation((Fact("container.memory_limit", "set", CHECKOUT), BROKEN))
    assert answer(settings, [vote("oom_killed", CHECKOUT, 1.0, settings)]).root_cause == "none"
    assert answer(trouble, [vote("oom_killed", CHECKOUT, 1.0, trouble)]).root_cause == "oom_killed"


def test_a_vote_that_no_fact_of_today_backs_is_no_answer() -> None:
    case = investigation((BROKEN,))
    unbacked = replace(vote("disk_full", CHECKOUT, 3.0, case), shared=())
    assert answer(case, [unbacked]).root_cause == "none"


def test_past_cases_strengthen_the_suspect_they_agree_with() -> None:
    case = investigation((REFUSED, CALL_REFUSED), CHAIN)
    alone, agreed = answer(case), answer(case, [vote("dependency_unavailable", CHECKOUT, 2.0, case)])
    assert agreed.root_cause == alone.root_cause
    assert agreed.uncalibrated is not None
    assert alone.uncalibrated is not None
    assert agreed.uncalibrated > alone.uncalibrated
    assert agreed.pattern == alone.pattern != "casebook"
    assert "2 confirmed cases" in agreed.explanation


def test_one_case_alone_changes_no_answer_that_fresh_evidence_gives() -> None:
    case = investigation((REFUSED, CALL_REFUSED), CHAIN)
    found = answer(case, [vote("node_not_ready", CHECKOUT, 3.0, case, cases=1)])
    assert found.root_cause == "dependency_unavailable"
    assert "node_not_ready" in [other.root_cause for other in found.alternatives]


def test_one_case_alone_adds_nothing_to_what_it_agrees_with() -> None:
    case = investigation((REFUSED, CALL_REFUSED), CHAIN)
    agreed = answer(case, [vote("dependency_unavailable", CHECKOUT, 2.0, case, cases=1)])
    assert agreed.uncalibrated == answer(case).uncalibrated


def test_a_cause_that_patterns_know_and_do_not_see_overrules_no_sure_answer() -> None:
    case = investigation((REFUSED, CALL_REFUSED), CHAIN)
    found = answer(case, [vote("oom_killed", CHECKOUT, 3.0, case, cases=5)])
    assert found.root_cause == "dependency_unavailable"
    assert "oom_killed" in [other.root_cause for other in found.alternatives]
    unknown = answer(case, [vote("disk_full", CHECKOUT, 3.0, case)])
    assert unknown.root_cause == "disk_full"


def test_what_patterns_hold_for_unlikely_is_believed_as_far_as_past_cases_are() -> None:
    doubtful = {"root_cause": "port_conflict", "when": [{"all": ["log=connection-refused"], "strength": -3}]}
    library = [pattern(doubtful)]

    def asked(*votes: Vote) -> Diagnosis:
        case = investigation((REFUSED,))
        return diagnose(case, reason(case, library, asking(CHECKOUT), votes=votes), asking(CHECKOUT))

    case = investigation((REFUSED,))
    assert asked().root_cause == "none"
    found = asked(vote("port_conflict", CHECKOUT, 2.0, case))
    assert (found.root_cause, found.cases) == ("port_conflict", ("0123456789-0", "0123456789-1"))


def test_ratings_alone_change_no_answer_that_fresh_evidence_gives() -> None:
    case = investigation((REFUSED, CALL_REFUSED), CHAIN)
    rated = vote("node_not_ready", CHECKOUT, 3.0, case, cases=5, confirmed=False)
    assert answer(case, [rated]).root_cause == "dependency_unavailable"


def test_strong_fresh_evidence_is_not_overruled_by_any_number_of_cases() -> None:
    case = investigation((replace(OOM, about=CHECKOUT),))
    found = answer(case, [vote("node_not_ready", CHECKOUT, 3.0, case, cases=5)])
    assert found.root_cause == "oom_killed"


def test_a_recalled_cause_explains_symptoms_like_any_other() -> None:
    slow = Fact("latency", "high", PAYMENTS)
    case = investigation((REFUSED, CALL_REFUSED, slow), CHAIN)
    found = answer(case, [vote("pod_network_delay", PAYMENTS, 2.0, case)])
    assert (found.root_cause, found.object) == ("pod_network_delay", PAYMENTS)
    assert [(a.root_cause, a.symptom) for a in found.alternatives] == [("dependency_unavailable", True)]


def test_far_objects_are_not_recalled() -> None:
    case = investigation((REFUSED, replace(EVICTED, about=Ref("Deployment", "bank", "ledger"))))
    far = vote("disk_full", Ref("Deployment", "bank", "ledger"), 3.0, case)
    assert answer(case, [far]).root_cause == "dependency_unavailable"


class Remembers:
    def __init__(self, votes: Sequence[Vote]) -> None:
        self._votes = votes

    def votes(self, question: str, evidence: Evidence) -> Sequence[Vote]:
        return self._votes


def test_what_told_a_case_apart_is_looked_for() -> None:
    case = investigation((BROKEN, EVICTED))
    case.evidence.covered.add(("DESCRIBE", CHECKOUT))
    told = replace(vote("disk_full", CHECKOUT, 1.0, case), ask=("GET_LOGS",))
    playbook = Playbook(LIBRARY, lambda *_: asking(CHECKOUT), lambda _: [], Remembers([told]))
    decision = playbook.decide(case)
    assert isinstance(decision, tuple)
    assert decision[1] == ToolCall("GET_LOGS", "deployment shop checkout")
    assert "01234567" in decision[0]


def test_without_a_memory_the_playbook_is_as_it_was() -> None:
    case = investigation((REFUSED, NO_SECRET), CHAIN)
    silent = Playbook(LIBRARY, lambda *_: asking(CHECKOUT), lambda _: [], Remembers([]))
    none = Playbook(LIBRARY, lambda *_: asking(CHECKOUT), lambda _: [])
    assert silent.conclude(case) == none.conclude(case)
