"""How much of a source is read. Whatever is larger is skipped, and said to be."""

from __future__ import annotations

from typing import BinaryIO

from kubelore.knowledge.ingest.page import Unreadable

MIB = 1 << 20
MAX_DOCUMENT = 8 * MIB
MAX_HELD = 128 * MIB
"""Of what is many documents, and held in memory: what is piped in, lists of issues, dumps in archives."""
MAX_FILES = 500_000
MAX_UNPACKED = 4096 * MIB
"""Of one archive, all members together."""
MAX_RATIO = 200
FREE_UNPACKED = 64 * MIB
"""What unpacks to more than `MAX_RATIO` times its size, and to more than this, was made to do so."""


def read_all(file: BinaryIO, limit: int = MAX_DOCUMENT) -> bytes:
    """The content of a file. Raises Unreadable when it is longer than `limit` bytes."""
    content = file.read(limit + 1)
    if len(content) > limit:
        raise too_large(limit)
    return content


def too_large(limit: int = MAX_DOCUMENT) -> Unreadable:
    return Unreadable(f"larger than {limit // MIB} MiB")
