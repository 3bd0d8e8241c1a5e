"""Where the knowledge base of a user lies."""

from __future__ import annotations

from pathlib import Path

from kubelore.places import user_folder


def default_file() -> Path:
    """`kubelore/knowledge.db` in the user's XDG data folder."""
    return user_folder("XDG_DATA_HOME", ".local", "share") / "knowledge.db"
