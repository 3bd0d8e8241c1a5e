"""A reader over a recording, through the read-only API in process."""

from __future__ import annotations

import httpx

from kubelore.cluster.app import create_app
from kubelore.cluster.reader import Reader
from kubelore.cluster.snapshot import Snapshot


def read_recording(snapshot: Snapshot, namespaces: tuple[str, ...] = ()) -> Reader:
    """`namespaces` restricts what is read."""
    transport = httpx.ASGITransport(app=create_app(snapshot))
    client = httpx.AsyncClient(transport=transport, base_url="http://snapshot")
    return Reader(client, snapshot.info, namespaces=namespaces)
