"""Where the casebook of a user lies, and who that user is."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from kubelore.casebook.text import cut, safe
from kubelore.places import user_folder

try:
    import pwd
except ImportError:  # Windows
    pwd = None  # type: ignore[assignment]

MAX_NAME = 64


def default_file() -> Path:
    """`kubelore/casebook.db` in the user's XDG state folder."""
    return user_folder("XDG_STATE_HOME", ".local", "state") / "casebook.db"


def user_name() -> str:
    """Of the account, as the journal names people; never what the environment says, which anybody can set."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name if pwd else getpass.getuser()
    except KeyError:  # a container's user without a name
        name = f"uid {os.getuid()}"
    return cut(safe(name), MAX_NAME)
