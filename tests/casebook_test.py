"""The document of an investigation: the contract of `-o json`, redacted."""

from __future__ import annotations

import json

from cli_support import make_investigation
from kubelore.casebook.document import FORMAT, document

CANARY = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"


def test_a_finished_investigation_is_done() -> None:
    made = document(make_investigation())
    assert (made["format"], made["state"]) == (FORMAT, "done")


def test_a_failed_investigation_is_failed() -> None:
    made = make_investigation()
    made.error = "the model went away"
    assert document(made)["state"] == "failed"


def test_what_the_user_and_the_decider_wrote_is_redacted() -> None:
    written = json.loads(json.dumps(document(make_investigation(f" Authorization: {CANARY}"))))
    assert "canary" not in written["question"].lower()
    assert CANARY not in written["diagnosis"]["explanation"]
    assert CANARY not in written["steps"][0]["thought"]
