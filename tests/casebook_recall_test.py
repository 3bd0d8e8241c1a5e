from dataclasses import replace

import pytest

from kubelore.casebook.lessons import CaseLessons
from kubelore.casebook.recall import Recall, influence, model
from kubelore.casebook.signs import signs
from kubelore.types import Edge, Evidence, Fact, Observation, PastCase, Ref

OOM = {
    "container.last_reason": "OOMKilled",
    "container.last_exit_code": "137",
    "pod.waiting": "CrashLoopBackOff",
}
DISK = {"pod.evicted": "ephemeral-storage-limit", "pod.phase": "Failed", "workload.available": "some"}
USUAL = {"workload.replicas": "set", "container.cpu_limit": "set", "container.memory_limit": "set"}


def seen(name: str, *facts: dict[str, str], namespace: str = "shop", looked: str = "DESCRIBE") -> Evidence:
    """A workload with these facts, and the healthy Service before it."""
    ref, service = Ref("Deployment", namespace, name), Ref("Service", namespace, name)
    evidence = Evidence()
    evidence.add(
        Observation(
            "",
            facts=(
                *(Fact(key, value, ref) for some in facts for key, value in some.items()),
                Fact("service.endpoints", "some", service),
            ),
            edges=(Edge("selects", service, ref),),
            covers=((looked, ref),),
        ),
        1,
    )
    return evidence


def case(number: int, cause: str, *facts: dict[str, str], cluster: str = "") -> PastCase:
    evidence = seen(f"old-{number}", *facts, namespace="elsewhere")
    known = signs(evidence, Ref("Deployment", "elsewhere", f"old-{number}"))
    return PastCase(
        f"case-{number:04}", cause, "Deployment", known, "trusted", True, cluster=cluster or f"c{number}"
    )


def others(count: int = 20) -> list[PastCase]:
    """Cases of other kinds, so that what is rare is known to be rare."""
    reasons = ["ImagePullBackOff", "CreateContainerConfigError", "ContainerCreating", "InvalidImageName"]
    return [case(100 + i, f"cause_{i % 4}", {"pod.waiting": reasons[i % 4]}, USUAL) for i in range(count)]


def test_a_case_names_cause_and_object_in_a_cluster_it_has_never_seen() -> None:
    recall = Recall([*others(), case(1, "oom_killed", OOM, USUAL)])
    vote = recall.votes("why?", seen("cart", OOM, USUAL))[0]
    assert (vote.root_cause, vote.object) == ("oom_killed", Ref("Deployment", "shop", "cart"))
    assert vote.weight > 1
    assert [c.id for c in vote.cases] == ["case-0001"]
    assert {cited.fact.name for cited in vote.shared} >= {"container.last_reason=OOMKilled"}


def test_nothing_is_recalled_for_evidence_unlike_any() -> None:
    recall = Recall([*others(), case(1, "oom_killed", OOM, USUAL)])
    assert [v for v in recall.votes("why?", seen("cart", DISK)) if v.weight > -1] == []


def test_an_empty_casebook_says_nothing() -> None:
    assert list(Recall([]).votes("why?", seen("cart", OOM))) == []


def test_a_case_of_another_kind_of_object_does_not_speak() -> None:
    about_service = replace(case(1, "missing_service", OOM, USUAL), kind="Service")
    assert list(Recall([about_service]).votes("why?", seen("cart", OOM, USUAL))) == []


def test_alike_cases_that_say_something_else_weaken_each_other() -> None:
    agreeing = [case(n, "oom_killed", OOM, USUAL) for n in (1, 2)]
    alone = Recall([*others(), *agreeing]).votes("", seen("cart", OOM, USUAL))[0]
    split = Recall([*others(), *agreeing, case(3, "application_error", OOM, USUAL)])
    assert split.votes("", seen("cart", OOM, USUAL))[0].weight < alone.weight - 0.5


def test_many_cases_of_one_origin_count_as_a_few() -> None:
    honest = [case(n, "oom_killed", OOM, USUAL) for n in (1, 2, 3)]
    flood = [case(10 + n, "node_cordoned", OOM, USUAL, cluster="evil") for n in range(200)]
    votes = Recall([*others(), *honest, *flood]).votes("", seen("cart", OOM, USUAL))
    weights = {vote.root_cause: vote.weight for vote in votes}
    assert weights["oom_killed"] >= weights["node_cordoned"] - 0.1
    few = Recall([*others(), *honest, *flood[:3]]).votes("", seen("cart", OOM, USUAL))
    assert {v.root_cause: v.weight for v in few}["oom_killed"] == pytest.approx(
        weights["oom_killed"], abs=0.2
    )


def test_where_clusters_disagree_each_has_one_voice_and_an_imported_file_half_of_one() -> None:
    two = [case(n, "oom_killed", OOM, USUAL) for n in (1, 2)]
    many = [case(10 + n, "node_cordoned", OOM, USUAL, cluster="busy") for n in range(9)]
    theirs = [replace(one, source="shared.jsonl") for one in many]

    def weights(*cases: PastCase) -> dict[str, float]:
        votes = Recall([*others(), *cases]).votes("", seen("cart", OOM, USUAL))
        return {vote.root_cause: vote.weight for vote in votes}

    busy, imported = weights(*two, *many), weights(*two, *theirs)
    assert busy["oom_killed"] > busy["node_cordoned"]
    assert imported["oom_killed"] > busy["oom_killed"]
    assert imported["node_cordoned"] < busy["node_cordoned"]


def test_in_one_cluster_the_cause_that_most_cases_have_is_heard_most() -> None:
    often = [case(n, "oom_killed", OOM, USUAL, cluster="ours") for n in (1, 2, 3)]
    once = case(4, "node_cordoned", OOM, USUAL, cluster="ours")
    first, second = Recall([*others(), *often, once]).votes("", seen("cart", OOM, USUAL))[:2]
    assert (first.root_cause, second.root_cause) == ("oom_killed", "node_cordoned")
    assert first.weight > second.weight + 1


def test_what_nobody_looked_for_then_counts_little_against_a_case() -> None:
    briefly = replace(
        case(1, "oom_killed", OOM), signs=case(1, "oom_killed", OOM).signs - {"looked:DESCRIBE"}
    )
    thoroughly = case(1, "oom_killed", OOM)
    today = seen("cart", OOM, USUAL)
    brief, thorough = (Recall([*others(), c]).votes("", today)[0].weight for c in (briefly, thoroughly))
    assert brief > thorough


def test_what_told_then_and_was_not_looked_for_is_asked() -> None:
    told = {**OOM, "log": "out-of-memory"}
    today = seen("cart", OOM, USUAL)
    vote = Recall([*others(), case(1, "oom_killed", told, USUAL)]).votes("", today)[0]
    assert vote.ask == ("GET_LOGS",)
    today.add(Observation("", covers=(("GET_LOGS", vote.object),)), 2)
    assert Recall([*others(), case(1, "oom_killed", told, USUAL)]).votes("", today)[0].ask == ()


def test_votes_follow_the_evidence_as_it_grows() -> None:
    recall = Recall([*others(), case(1, "oom_killed", OOM, USUAL)])
    today = seen("cart", USUAL)
    before = recall.votes("", today)
    ref = Ref("Deployment", "shop", "cart")
    today.add(Observation("", facts=tuple(Fact(k, v, ref) for k, v in OOM.items())), 2)
    assert recall.votes("", today)[0].weight > max((v.weight for v in before), default=-9)


@pytest.mark.parametrize(
    ("change", "less"),
    [
        ({"confirmed": False}, True),
        ({"source": "theirs.jsonl"}, True),
        ({"credit": -1.0}, True),
        ({"credit": 5.0}, False),
        ({"count": 4}, False),
    ],
)
def test_influence(change: dict[str, object], less: bool) -> None:
    plain = case(1, "oom_killed", OOM)
    assert (influence(replace(plain, **change)) < influence(plain)) is less


def test_a_case_that_harmed_more_than_it_helped_is_not_recalled() -> None:
    harmful = replace(case(1, "oom_killed", OOM, USUAL), credit=-3.0)
    assert list(Recall([harmful]).votes("", seen("cart", OOM, USUAL))) == []


def test_the_learned_weights_rise_with_every_feature() -> None:
    learned = model()
    low = learned.log_odds({"alike": 0.3, "telling": 0.2, "support": 0.2, "share": 0.2})
    for name in ("alike", "telling", "support", "share"):
        assert learned.coefficients[name] > 0
    assert low < -1 < 1 < learned.log_odds({"alike": 1, "telling": 1, "support": 1, "share": 1})


def test_lessons_are_one_that_fits_and_one_that_misled() -> None:
    fitting = replace(case(1, "oom_killed", OOM, USUAL), fix="Raise the memory limit of the <deployment>.")
    misled = replace(case(2, "oom_killed", OOM, USUAL), misled="application_error")
    lessons = CaseLessons(Recall([*others(), fitting, misled]), {"oom_killed": "out of memory"}).recall(
        "", seen("cart", OOM, USUAL)
    )
    assert [(lesson.kind, lesson.id) for lesson in lessons] == [("case", "case-0001"), ("case", "case-0002")]
    right, wrong = lessons
    assert right.text.startswith("Use as reference, investigate the current issue fresh.")
    assert "container.last_reason=OOMKilled" in right.text
    assert "Raise the memory limit" in right.text
    assert "application_error" in wrong.text
    assert "it was wrong" in wrong.text


def test_cases_that_disagree_are_shown_as_disagreeing() -> None:
    killed, failed = case(1, "oom_killed", OOM, USUAL), case(2, "application_error", OOM, USUAL)
    elsewhere = case(3, "disk_full", DISK, USUAL)
    recall = Recall([*others(), killed, failed, elsewhere])
    today = seen("cart", OOM, USUAL)
    against = {vote.root_cause: [c.root_cause for c in vote.against] for vote in recall.votes("", today)}
    assert against["oom_killed"] == ["application_error"]
    assert against["application_error"] == ["oom_killed"]
    (lesson,) = CaseLessons(recall, {"oom_killed": "out of memory"}).recall("", today)
    assert "Past cases disagree" in lesson.text
    assert "application_error" in lesson.text
    assert "out of memory" in lesson.text


def test_a_lesson_says_which_tools_found_it() -> None:
    past = replace(case(1, "oom_killed", OOM, USUAL), tools=("FIND_ISSUES", "DESCRIBE"))
    (lesson,) = CaseLessons(Recall([*others(), past]), {}).recall("", seen("cart", OOM, USUAL))
    assert "found by FIND_ISSUES and DESCRIBE" in lesson.text
    assert "disagree" not in lesson.text


def test_our_own_words_are_shown_and_nobody_elses() -> None:
    ours = replace(case(1, "oom_killed", OOM, USUAL), diagnosis="The cache never shrank.")
    (lesson,) = CaseLessons(Recall([*others(), ours]), {}).recall("", seen("cart", OOM, USUAL))
    assert "The cache never shrank." in lesson.text
    theirs = [replace(ours, id=f"case-{n}", source="shared.jsonl") for n in range(3)]
    told = CaseLessons(Recall([*others(), *theirs]), {}).recall("", seen("cart", OOM, USUAL))
    assert told
    assert "cache" not in told[0].text


def test_unlikely_cases_are_no_lessons() -> None:
    assert list(CaseLessons(Recall(others()), {}).recall("", seen("cart", DISK))) == []
