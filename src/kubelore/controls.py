"""Characters that steer a terminal or hide in a text. Nothing from outside is printed or kept with them."""

from __future__ import annotations

import re

_SEQUENCES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]")
_CONTROLS = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # invisible, or turning the direction of writing
    "\u061c\u180e\ufff9-\ufffb\U000e0000-\U000e007f"  # the same, elsewhere in Unicode
    "\ud800-\udfff"  # lone surrogates: no encoding can write them
    "]"
)


def clean(text: str) -> str:
    """Text without escape sequences and control characters; newlines and tabs stay."""
    return _CONTROLS.sub("", _SEQUENCES.sub("", text))
