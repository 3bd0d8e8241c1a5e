"""A pattern file with a mistake is named with file, line and reason; everything else still loads."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubelore.errors import UsageError
from kubelore.patterns.load import Library, load, read_pattern, user_folder

GOOD = """\
id: lock_left_behind
version: 1
name: Lock left behind
triggers: [stale lock]
symptoms: [The program waits for a lock]
phrases:
  certain: [stale lock file]
investigation_steps:
- {tool: GET_LOGS, args: <namespace> <pod>, look_for: Lock messages}
common_causes:
- cause: Lock
  root_cause: application_error
  evidence: [lock is held]
  when:
  - all: [log=lock-held]
    strength: 1
    supports: {container.last_reason=Error: 0.5}
    joined:
    - edge: mounts
      name: claim
      object: PersistentVolumeClaim
  explanation: "{kind} {name} finds the lock on {claim}. It says: {message}."
  fix:
    text: Remove it
    command: kubectl -n {namespace} get pvc {claim}
"""


@pytest.fixture(scope="module")
def builtin() -> Library:
    return load()


def problems_of(text: str) -> list[tuple[int, str]]:
    return [(p.line, p.reason) for p in read_pattern("mine.yaml", text.encode())[1]]


def line_with(text: str, fragment: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), 1) if fragment in line)


def test_a_good_file_has_no_problems() -> None:
    pattern, problems = read_pattern("mine.yaml", GOOD.encode())
    assert problems == []
    assert pattern is not None
    assert pattern.common_causes[0].when[0].joined[0].name == "claim"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("  root_cause: application_error", "  root_cause: aplication_error", "mean application_error"),
        ("  root_cause: application_error", "  root_cause: none", "unknown root cause none"),
        ("  - all: [log=lock-held]", "  - all: [logs=lock-held]", "unknown fact logs (did you mean log?)"),
        ("  - all: [log=lock-held]", "  - all: [log=lock-heldd]", "log is never lock-heldd"),
        ("  - all: [log=lock-held]", "  - all: [log]", "match pattern"),
        ("  - all: [log=lock-held]", "  - none: [log=lock-held]", "needs a fact under `all` or `any`"),
        ("  - all: [log=lock-held]", "  - all: [service.endpoints=none]", "a fact about Service, not about"),
        ("    strength: 1", "    strength: high", "valid number"),
        ("    strength: 1", "    strenght: 1", "unknown key (did you mean strength?)"),
        ("    supports: {", "    contradicts: {log=slow: -1}\n    supports: {", "positive"),
        ("- {tool: GET_LOGS", "- {tool: GET_LOG", "unknown tool GET_LOG (did you mean GET_LOGS?)"),
        ("args: <namespace> <pod>", "args: <namespace> <pods>", "unknown placeholder <pods>"),
        ("      object: PersistentVolumeClaim", "      object: PVC", "unknown kind PVC"),
        ("    - edge: mounts", "    - edge: uses", "'mounts'"),
        ('finds the lock on {claim}', 'finds the lock on {claims}', "unknown placeholder {claims}"),
        ("    command: kubectl -n", "    command: echo {message}; kubectl -n", "text from the cluster"),
        ("    text: Remove it", "    text: Remove {it}", "unknown placeholder {it}"),
        ("id: lock_left_behind", "id: Lock", "match pattern"),
        ("triggers: [stale lock]", "triggers: []", "at least 1 item"),
        ("triggers: [stale lock]", 'triggers: ["?!"]', "without a word"),
        ("  certain: [stale lock file]", "  certain: [lock]\n  hint: [Lock]", "under certain already"),
        ("version: 1", "version: 0", "greater than or equal to 1"),
        ("  evidence: [lock is held]", "  at_fault: other\n  evidence: [lock is held]", "at_fault is other"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(old: str, new: str, reason: str) -> None:
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    ((line, found),) = problems_of(text)
    assert reason in found
    place = {
        "certain": "hint: [Lock]", "at_fault": "- all: [log=lock-held]", "contradicts": "contradicts:",
    }.get(new.split(":", 1)[0].strip(), new.strip().splitlines()[0])  # fmt: skip
    assert line == line_with(text, place)


def test_a_missing_key_is_reported_where_its_mapping_begins() -> None:
    text = GOOD.replace("  root_cause: application_error\n", "")
    ((line, reason),) = problems_of(text)
    assert (line, reason) == (
        line_with(text, "- cause: Lock"), "common_causes[0].root_cause: Field required",
    )  # fmt: skip


def test_all_mistakes_of_a_file_are_reported_at_once() -> None:
    text = GOOD.replace("log=lock-held", "log=nonsense").replace("GET_LOGS", "LOGS")
    assert len(problems_of(text)) == 2


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("id: x\nname: [a, b\nversion: 1\n", 3, "YAML"),
        ("id: x\n\tname: y\n", 2, "YAML"),
        ("- id: x\n", 1, "one mapping"),
        ("", 1, "one mapping"),
        ("id: !!python/object/apply:os.system [ls]\n", 1, "YAML"),
        ("id: x\nid: y\n", 2, "id is given twice"),
        ("id: &loop [*loop]\n", 1, "id"),
    ],
)
def test_what_is_not_a_pattern_at_all_is_named(text: str, line: int, reason: str) -> None:
    found = problems_of(text)
    assert any(at == line and reason in why for at, why in found), found


def test_bytes_that_are_no_text_are_named_with_their_line() -> None:
    pattern, (problem,) = read_pattern("mine.yaml", b"id: x\nname: \xff\xfe\n")
    assert pattern is None
    assert str(problem) == "mine.yaml:2: not UTF-8 text"


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    _, problems = read_pattern("any.yaml", text.encode("utf-8", "surrogatepass"))
    assert problems


@given(st.integers(0, len(GOOD) - 1), st.sampled_from(["", ":", "[", "{x}", "\n", "'", "*a"]))
def test_no_slip_of_the_pen_raises(at: int, slip: str) -> None:
    text = GOOD[:at] + slip + GOOD[at + 1 :]
    for problem in read_pattern("any.yaml", text.encode())[1]:
        assert 1 <= problem.line <= text.count("\n") + 1


def test_the_users_folder_adds_a_pattern_and_its_broken_files_are_named(
    tmp_path: Path, builtin: Library
) -> None:
    (tmp_path / "lock.yaml").write_text(GOOD)
    (tmp_path / "broken.yaml").write_text("id: [\n")
    (tmp_path / "second.yml").write_text(GOOD)
    (tmp_path / "notes.txt").write_text("not a pattern")
    library = load(tmp_path)
    assert library.get("lock_left_behind").name == "Lock left behind"
    assert len(library.patterns) == len(builtin.patterns) + 1
    assert library.files["lock_left_behind"] == str(tmp_path / "lock.yaml")
    broken, double = library.problems
    assert (broken.file, broken.line) == (str(tmp_path / "broken.yaml"), 2)
    assert "duplicate id lock_left_behind" in double.reason
    assert library.hash != builtin.hash


def test_a_users_pattern_does_not_replace_a_built_in_one(tmp_path: Path, builtin: Library) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD.replace("lock_left_behind", "oomkilled"))
    library = load(tmp_path)
    assert library.get("oomkilled") == builtin.get("oomkilled")
    assert "oomkilled.yaml has it already" in library.problems[0].reason


def test_an_unreadable_file_does_not_keep_the_rest_from_loading(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere.yaml")
    (tmp_path / "lock.yaml").write_text(GOOD)
    assert load(tmp_path).get("lock_left_behind")


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path, builtin: Library) -> None:
    assert load(tmp_path / "none").patterns == builtin.patterns


def test_more_tools_can_be_allowed() -> None:
    text = GOOD.replace("GET_LOGS", "TRACE").encode()
    assert read_pattern("mine.yaml", text, frozenset({"TRACE"}))[1] == []


def test_the_users_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert user_folder() == tmp_path / "kubelore" / "patterns"


def test_an_unknown_pattern_says_how_to_find_the_known_ones(builtin: Library) -> None:
    with pytest.raises(UsageError, match=r"no pattern nonsense$") as error:
        builtin.get("nonsense")
    assert "patterns list" in error.value.hint
    with pytest.raises(UsageError, match="did you mean oomkilled"):
        builtin.get("oomkill")


def test_the_hash_is_that_of_the_content(builtin: Library) -> None:
    assert load().hash == builtin.hash
    assert len(builtin.hash) == 64


def test_the_schema_round_trips_through_yaml(builtin: Library) -> None:
    for pattern in builtin.patterns:
        text = yaml.safe_dump(pattern.model_dump(mode="json"))
        assert read_pattern(pattern.id, text.encode()) == (pattern, [])
