"""The mark that makes a function a scenario."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def scenario(questions: int = 1, **options: Any) -> Callable[[Any], Any]:
    """Mark a function as a scenario; `options` go to its `World`, `questions` counts its truths."""

    def mark(tell: Any) -> Any:
        tell.scenario, tell.options, tell.questions = True, options, questions
        return tell

    return mark
