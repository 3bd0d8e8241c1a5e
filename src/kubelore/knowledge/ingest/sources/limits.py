"""How much of a source is read. Whatever is larger is skipped, and said to be."""

from __future__ import annotations

from typing import BinaryIO

from kubelore.knowledge.ingest.page import Unreadable

MIB = 1 << 20
MAX_DOCUMENT = 8 * MIB
MAX_PIPED = 128 * MIB
"""What is piped in is held in memory."""
MAX_FILES = 500_000
MAX_UNPACKED = 4096 * MIB
"""Of one archive, all members together."""
MAX_RATIO = 200
"""What unpacks to more than this times its size, beyond `MAX_DOCUMENT`, was made to do so."""


def read_all(file: BinaryIO, limit: int = MAX_DOCUMENT) -> bytes:
    """The content of a file. Raises Unreadable when it is longer than `limit` bytes."""
    content = file.read(limit + 1)
    if len(content) > limit:
        raise too_large(limit)
    return content


def too_large(limit: int = MAX_DOCUMENT) -> Unreadable:
    return Unreadable(f"larger than {limit // MIB} MiB")
