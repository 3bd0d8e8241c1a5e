"""Symptom and cause, near and far: how the playbook weighs what the patterns find."""

from __future__ import annotations

from datetime import UTC, datetime

from kubelore.agent.playbook.answer import diagnose, fill
from kubelore.agent.playbook.reason import reason
from kubelore.agent.playbook.relevance import distances
from kubelore.agent.subject import Subject, Subjects
from kubelore.types import ClusterInfo, Edge, Fact, Investigation, Observation, Ref
from patterns_rank_test import pattern

CHECKOUT = Ref("Deployment", "shop", "checkout")
PAYMENTS_SERVICE = Ref("Service", "shop", "payments")
PAYMENTS = Ref("Deployment", "shop", "payments")
OTHER = Ref("Deployment", "shop", "reports")
CHAIN = (Edge("calls", CHECKOUT, PAYMENTS_SERVICE), Edge("selects", PAYMENTS_SERVICE, PAYMENTS))
LIBRARY = [
    pattern(
        {
            "root_cause": "dependency_unavailable", "yields_to": ["calls"],
            "explanation": "{name} cannot reach what it needs.",
            "when": [{"all": ["log=connection-refused"], "strength": 2}],
        },
        {
            "root_cause": "secret_missing", "when": [{"all": ["config.missing=secret"], "strength": 3}],
            "explanation": "The Secret {secret} does not exist. It was {unknown}.",
            "fix": {
                "text": "Create {secret}.",
                "command": "kubectl -n {namespace} create secret generic {secret}",
            },
        },
        {"root_cause": "oom_killed", "when": [{"all": ["container.last_reason=OOMKilled"], "strength": 4}]},
    )
]  # fmt: skip


def investigation(facts: tuple[Fact, ...], edges: tuple[Edge, ...] = ()) -> Investigation:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = Investigation("1", "why does checkout crash?", now, ClusterInfo("c", "v1", "t", now), "playbook")
    made.evidence.add(Observation("", facts, edges), 1)
    return made


def asking(*refs: Ref) -> Subjects:
    return Subjects((), tuple(Subject(ref, 1.0) for ref in refs))


ROLLED_BACK = {
    "root_cause": "application_error",
    "fix": {
        "text": "Roll it back.",
        "command": (
            "kubectl -n {namespace} logs {kind}/{name}\nkubectl -n {namespace} rollout undo {kind}/{name}"
        ),
    },
}
REFUSED = Fact("log", "connection-refused", CHECKOUT)
CALL_REFUSED = Fact("call.error", "refused", CHECKOUT)
THROWS = Fact("log", "exception", CHECKOUT)
NO_SECRET = Fact(
    "config.missing", "secret", PAYMENTS, "Secret pay-key does not exist", params={"secret": "pay-key"}
)
OOM = Fact("container.last_reason", "OOMKilled", OTHER)


def test_the_cause_behind_a_symptom_is_the_answer_with_the_chain() -> None:
    case = investigation((REFUSED, CALL_REFUSED, NO_SECRET), CHAIN)
    ranking = reason(case, LIBRARY, asking(CHECKOUT))
    diagnosis = diagnose(case, ranking, asking(CHECKOUT))
    assert (diagnosis.root_cause, diagnosis.object) == ("secret_missing", PAYMENTS)
    assert diagnosis.chain == (CHECKOUT, PAYMENTS_SERVICE, PAYMENTS)
    assert [a.root_cause for a in diagnosis.alternatives] == ["dependency_unavailable"]


def test_a_log_that_tells_of_no_failed_call_clears_what_it_calls() -> None:
    crashes = pattern(
        {
            "root_cause": "application_error",
            "yields_to": ["calls"],
            "when": [{"any": ["log=*"], "strength": 1}],
        }
    )
    for facts, expected in (((THROWS,), "application_error"), ((THROWS, CALL_REFUSED), "secret_missing")):
        case = investigation((*facts, NO_SECRET), CHAIN)
        best = reason(case, [*LIBRARY, crashes], asking(CHECKOUT)).best
        assert best is not None
        assert best.candidate.root_cause == expected


def test_a_symptom_without_a_cause_behind_it_is_the_answer_itself() -> None:
    case = investigation((REFUSED,), CHAIN)
    best = reason(case, LIBRARY, asking(CHECKOUT)).best
    assert best is not None
    assert best.candidate.root_cause == "dependency_unavailable"


def test_an_unrelated_fault_is_not_the_answer_however_sure() -> None:
    case = investigation((REFUSED, OOM), CHAIN)
    diagnosis = diagnose(case, reason(case, LIBRARY, asking(CHECKOUT)), asking(CHECKOUT))
    assert diagnosis.root_cause == "dependency_unavailable"
    healthy = investigation((OOM, Fact("container.memory_limit", "set", CHECKOUT)))
    nothing = diagnose(healthy, reason(healthy, LIBRARY, asking(CHECKOUT)), asking(CHECKOUT))
    assert (nothing.root_cause, nothing.object) == ("none", None)


def test_without_a_named_object_the_surest_cause_wins() -> None:
    case = investigation((NO_SECRET, OOM))
    best = reason(case, LIBRARY, Subjects(("shop",), ())).best
    assert best is not None
    assert best.object == OTHER


def test_a_cause_is_nearer_downstream_than_upstream() -> None:
    case = investigation((REFUSED, CALL_REFUSED, NO_SECRET), CHAIN)
    from_checkout = distances([(CHECKOUT, 0.0)], case.evidence)
    from_payments = distances([(PAYMENTS, 0.0)], case.evidence)
    assert from_checkout[PAYMENTS] < from_payments[CHECKOUT]


def test_explanations_keep_only_sentences_whose_values_are_known() -> None:
    case = investigation((NO_SECRET,))
    diagnosis = diagnose(case, reason(case, LIBRARY, asking(PAYMENTS)), asking(PAYMENTS))
    assert diagnosis.explanation == "The Secret pay-key does not exist."
    assert diagnosis.fix.command == "kubectl -n shop create secret generic pay-key"


def test_a_line_with_an_optional_value_is_left_out_without_it() -> None:
    template = "{handler}:\n  path: {path?}\n  port: {port}\n"

    filled = fill(template, {"handler": "httpGet", "path": "/ok", "port": "80"}, str)
    assert filled == "httpGet:\n  path: /ok\n  port: 80\n"
    assert fill(template, {"handler": "tcpSocket"}, str) == "tcpSocket:\n  port: <port>\n"


def test_only_what_has_revisions_is_rolled_back() -> None:
    def command(ref: Ref) -> str:
        library = [pattern({**ROLLED_BACK, "when": [{"all": ["log=exception"], "strength": 3}]})]
        case = investigation((Fact("log", "exception", ref),))
        return diagnose(case, reason(case, library, asking(ref)), asking(ref)).fix.command

    assert command(CHECKOUT).splitlines() == [
        "kubectl -n shop logs deployment/checkout",
        "kubectl -n shop rollout undo deployment/checkout",
    ]
    assert command(Ref("Job", "shop", "report")) == "kubectl -n shop logs job/report"


def test_command_values_are_quoted_and_missing_ones_stay_visible() -> None:
    import shlex

    filled = fill("kubectl set image {name} {image}={container}", {"image": "x; rm -rf /"}, shlex.quote)
    assert filled == "kubectl set image <name> 'x; rm -rf /'=<container>"
