"""Where the files of a user lie, by the XDG rules. Makes nothing."""

from __future__ import annotations

import os
from pathlib import Path

NOWHERE = Path("/nonexistent")
"""Home of a user that has none: nobody can write there by accident."""


def user_folder(variable: str, *below_home: str) -> Path:
    """kubelore's own in the folder that an XDG variable names, if that is absolute, else below the home."""
    named = Path(os.environ.get(variable, ""))
    return (named if named.is_absolute() else _home().joinpath(*below_home)) / "kubelore"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        return NOWHERE
