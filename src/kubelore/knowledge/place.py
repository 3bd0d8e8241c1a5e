"""Where the knowledge base of a user lies."""

from __future__ import annotations

import os
from pathlib import Path


def default_file() -> Path:
    """`kubelore/knowledge.db` in the user's XDG data folder."""
    data = os.environ.get("XDG_DATA_HOME", "")
    base = Path(data) if Path(data).is_absolute() else Path.home() / ".local" / "share"
    return base / "kubelore" / "knowledge.db"
