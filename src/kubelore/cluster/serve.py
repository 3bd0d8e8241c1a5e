"""Serves a recording to kubectl and other tools, on loopback, for as long as it runs.

The address has an unguessable path that only the kubeconfig names, and the kubeconfig is private: another
user of the machine, or a web page, cannot read the recording.
"""

from __future__ import annotations

import json
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import NoReturn

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from kubelore.cluster.app import create_app
from kubelore.cluster.snapshot import Snapshot, load
from kubelore.errors import UsageError

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Serving:
    """Where a recording is served. `kubeconfig` is a file that is gone when serving ends."""

    url: str
    kubeconfig: Path
    context: str


def serve(path: Path, *, port: int = 0, on_ready: Callable[[Serving], None]) -> None:
    """Serve the recording until Ctrl-C or SIGTERM. `port` 0 takes a free one.

    Raises SnapshotError, or UsageError when the port is taken. To be called on the main thread.
    """
    snapshot = load(path)
    with _listen(port) as listener, TemporaryDirectory(prefix="kubelore-") as folder:
        secret = secrets.token_urlsafe(16)
        url = f"http://{HOST}:{listener.getsockname()[1]}/{secret}"
        server = uvicorn.Server(
            uvicorn.Config(
                Starlette(routes=[Mount(f"/{secret}", create_app(snapshot))]),
                lifespan="off",
                ws="none",
                log_level="error",
                access_log=False,
                timeout_graceful_shutdown=1,
            )
        )
        with suppress(KeyboardInterrupt), _terminated_like_interrupted():
            on_ready(_write_kubeconfig(Path(folder), url, snapshot))
            server.run(sockets=[listener])


@contextmanager
def _listen(port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"port {port}: {reason}", hint="take another one with --port") from error
        listener.listen()
        yield listener


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, so that the kubeconfig is removed."""

    def interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _write_kubeconfig(folder: Path, url: str, snapshot: Snapshot) -> Serving:
    name = f"snapshot-{snapshot.info.context}"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": url}}],
        "users": [{"name": name, "user": {}}],
        "contexts": [
            {
                "name": name,
                "context": {
                    "cluster": name,
                    "user": name,
                    "namespace": snapshot.info.namespace or "default",
                },
            }
        ],
    }
    path = folder / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(json.dumps(document, indent=1))
    return Serving(url, path, name)
