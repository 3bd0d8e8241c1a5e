"""Drafts of patterns from trusted cases: telling facts, reasons, nothing that enters a library by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from casebook_support import book, make, open_store, record
from cli_support import CommandLine
from kubelore.casebook.drafts import Draft, drafts
from kubelore.casebook.states import Judgement
from kubelore.patterns.check import FILL_IN, KINDS
from kubelore.patterns.load import load, read_pattern
from kubelore.patterns.rank import rank
from kubelore.types import PastCase

USUAL = {"self:container.memory_limit=set", "self:pod.phase=Running", "looked:DESCRIBE", "kind:Deployment"}
LEAK = USUAL | {
    "self:usage.memory=near-limit",
    "selects<Service:service.endpoints=not-ready",
    "near:event=BackOff",
}
DISK = USUAL | {"self:pod.evicted=disk"}


def past(number: int, cause: str, signs: set[str], **more: object) -> PastCase:
    return PastCase(
        id=f"case-{number:04d}", root_cause=cause, kind="Deployment", signs=frozenset(signs), state="trusted",
        confirmed=True, tools=("FIND_ISSUES", "TOP_PODS"), cluster=f"cluster-{number % 2}", date="2026-03-01",
        question="memory of <deployment> grows", **more,
    )  # fmt: skip


CASES = [past(n, "memory_leak", LEAK) for n in range(4)] + [
    past(n, "node_disk_pressure", DISK) for n in range(10, 15)
]


def made(cases: list[PastCase] = CASES, **more: object) -> list[Draft]:
    return list(drafts(cases, KINDS, FILL_IN, **more))  # type: ignore[arg-type]


def filled(draft: Draft) -> bytes:
    return draft.text.replace(FILL_IN, "written").encode()


def test_what_nearly_all_show_and_others_do_not_is_required() -> None:
    disk, leak = made()
    (condition,) = yaml.safe_load(leak.text)["common_causes"][0]["when"]
    assert condition["all"] == ["usage.memory=near-limit"]
    assert condition["object"] == "workload"
    assert "supports" not in condition, "what is usual tells nothing"
    (joined,) = condition["joined"]
    assert (joined["edge"], joined["direction"], joined["object"]) == ("selects", "from", "Service")
    assert yaml.safe_load(disk.text)["common_causes"][0]["when"][0]["all"] == ["pod.evicted=disk"]


def test_a_draft_is_refused_until_a_person_has_written_what_is_open_and_passes_then() -> None:
    for draft in made():
        _, problems = read_pattern("draft.yaml", draft.text.encode())
        assert problems
        assert all("a person must write this" in problem.reason for problem in problems)
        pattern, problems = read_pattern("draft.yaml", filled(draft))
        assert (pattern is not None, problems) == (True, [])


def test_a_draft_names_its_cases_and_why() -> None:
    leak = made()[1]
    reasons = [line for line in leak.text.splitlines() if line.startswith("#")]
    assert "# - usage.memory=near-limit: 4 of 4, 0 of 5" in reasons
    assert "# - case-0002, 2026-03-01" in reasons
    assert "# - memory of <deployment> grows" in reasons
    assert any("4 investigations from 2 clusters" in line for line in reasons)


def test_text_in_a_case_cannot_leave_its_comment() -> None:
    hostile = "why?\nid: evil\x85id: evil\u2028id: evil"
    cases = [past(n, "memory_leak", LEAK) for n in range(3)]
    cases = [
        PastCase(**{f: getattr(c, f) for f in PastCase.__slots__} | {"question": hostile}) for c in cases
    ]
    (draft,) = made(cases)
    assert yaml.safe_load(draft.text)["id"] == "memory_leak_from_cases"


def test_too_few_cases_make_no_draft_and_merged_ones_count() -> None:
    assert made([past(1, "memory_leak", LEAK), past(2, "memory_leak", LEAK)]) == []
    assert len(made([past(1, "memory_leak", LEAK, count=3)])) == 1
    assert len(made(CASES, least=5)) == 1


def test_cases_of_one_cause_that_are_not_alike_make_two_drafts() -> None:
    other = {"self:log=exception", "self:container.last_exit_code=1", "self:container.lifetime=hours"}
    found = made([*CASES, *(past(n, "memory_leak", other) for n in range(20, 24))], cause="memory_leak")
    assert [draft.id for draft in found] == ["memory_leak_from_cases", "memory_leak_from_cases_2"]


def test_cases_that_nothing_tells_apart_make_no_draft() -> None:
    same = [past(n, cause, LEAK) for n, cause in enumerate(["memory_leak"] * 4 + ["node_disk_pressure"] * 4)]
    assert made(same) == []


def test_drafts_go_to_a_folder_and_nowhere_else(
    tmp_path: Path, kubelore: CommandLine, own_home: Path
) -> None:
    store = open_store(tmp_path / "c.db")
    for number in range(3):
        case = record(store, make(number, cause="application_error", context=f"cluster-{number}"))
        book(store).judge(case, Judgement(confirm=True))
    store.close()
    arguments = ("patterns", "draft", str(tmp_path / "drafts"), "--casebook", str(tmp_path / "c.db"))
    ran = kubelore(*arguments)
    file = tmp_path / "drafts" / "application_error_from_cases.yaml"
    assert (ran.code, ran.out) == (0, f"{file}\n")
    assert not (own_home / "config").exists()
    assert kubelore("patterns", "lint", str(file)).code == 1
    file.write_text(file.read_text() + "# mine\n")
    assert "left alone" in kubelore(*arguments).err
    assert file.read_text().endswith("# mine\n")
    assert load(tmp_path / "drafts").problems, "a draft in the user's folder is left out, and says so"


def test_a_reviewed_draft_finds_its_cause(tmp_path: Path) -> None:
    store = open_store(tmp_path / "c.db")
    for number in range(3):
        case = record(store, make(number, cause="application_error", context=f"cluster-{number}"))
        book(store).judge(case, Judgement(confirm=True))
    (draft,) = made(list(store.past_cases().taught))
    pattern, _ = read_pattern("d.yaml", filled(draft))
    assert pattern is not None
    found = rank([pattern], make().evidence)
    assert [(c.root_cause, str(c.object)) for c in found] == [
        ("application_error", "StatefulSet/shop/orders-db")
    ]


def test_without_cases_there_is_nothing_to_draft(tmp_path: Path, kubelore: CommandLine) -> None:
    open_store(tmp_path / "c.db").close()
    ran = kubelore("patterns", "draft", str(tmp_path / "d"), "--casebook", str(tmp_path / "c.db"))
    assert (ran.code, ran.out) == (0, "")
    assert "no cause has 3 trusted cases" in ran.err


@pytest.mark.parametrize("kind", ["Widget", "Node", "CronJob"])
def test_any_kind_at_fault_makes_a_pattern_that_can_be_checked(kind: str) -> None:
    signs = {"self:event=FailedMount:secret-missing", "mounts>Widget:event=Odd", f"kind:{kind}"}
    cases = [
        PastCase(f"c{n}", "application_error", kind, frozenset(signs), "trusted", True) for n in range(3)
    ]
    (draft,) = made(cases)
    assert read_pattern("d.yaml", filled(draft))[1] == []
