"""Where the casebook of a user lies, and who that user is."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from kubelore.casebook.text import cut, safe

MAX_NAME = 64


def default_file() -> Path:
    """`kubelore/casebook.db` in the user's XDG state folder."""
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state"
    return base / "kubelore" / "casebook.db"


def user_name() -> str:
    """Of the account, as the journal names people; `unknown` for one without a name, as in containers."""
    try:
        return cut(safe(getpass.getuser()), MAX_NAME) or "unknown"
    except (OSError, KeyError):
        return "unknown"
