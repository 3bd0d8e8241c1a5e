"""Reads a live cluster with the user's own kubectl and kubeconfig.

kubectl does all authentication: one `kubectl proxy` child on a private unix socket lets GETs of lists,
objects and logs through and nothing else. Secrets are listed by kubectl, which prints names and keys.

Never writes to a cluster, never runs anything in a container, never reads the value of a Secret, and
leaves no child, socket or file behind, however it ends. Needs a POSIX system: kubectl has no unix
sockets on Windows.

Start at `open_live`; `proxy.py` is the child and its filter, `kubectl.py` the executable and what its
messages mean, `doctor.py` what works here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import httpx

from kubelore.cluster.api import Policy
from kubelore.cluster.live.kubectl import Kubectl
from kubelore.cluster.live.proxy import Proxy
from kubelore.cluster.live.secrets import read_secrets
from kubelore.cluster.live.transport import ProxyTransport
from kubelore.cluster.reader import Reader
from kubelore.errors import NotReadable
from kubelore.types import ClusterInfo

TIMEOUT = 30.0


def open_live(  # noqa: PLR0913  kubectl's own settings, by keyword only
    *,
    context: str = "",
    kubeconfig: str = "",
    namespace: str = "",
    impersonate: str = "",
    groups: Sequence[str] = (),
    timeout: float = TIMEOUT,
) -> Reader:
    """A reader over the cluster that kubectl would use with the same settings.

    `namespace` restricts it to one namespace and the cluster-scoped kinds; otherwise it reads all, and
    where that is forbidden the context's own. `impersonate` and `groups` are kubectl's --as and
    --as-group. `timeout` is what one request may take, in seconds. Close the reader, or use it in a
    `with` block.

    Raises KubectlMissing, NoContext, CredentialsRejected or Unreachable before anything is read.
    """
    kubectl = Kubectl.find(context, kubeconfig, impersonate, groups)
    about = kubectl.read_context()
    transport = ProxyTransport(Proxy(kubectl, about))
    client = httpx.AsyncClient(transport=transport, base_url="http://localhost", trust_env=False)
    scope = (namespace,) if namespace else ()
    own = namespace or about.namespace or "default"
    reader = Reader(
        client,
        ClusterInfo(about.name, "", f"live: {about.server}", datetime.now(UTC), live=True, namespace=own),
        namespaces=scope,
        secrets=partial(read_secrets, kubectl, scope, fallback=own, timeout=timeout),
        policy=Policy(timeout=timeout),
    )
    try:
        version = server_version(reader)
    except BaseException:
        reader.close()
        raise
    # The server's clock, not ours: ages and leases are judged by it.
    reader.info = replace(reader.info, server_version=version, now=transport.date or reader.info.now)
    return reader


def server_version(reader: Reader) -> str:
    """Such as v1.34.1, "" when the server does not tell. The first request: shows whether it answers."""
    try:
        answer = json.loads(reader.raw("/version"))
    except (NotReadable, ValueError):
        return ""
    return str(answer.get("gitVersion") or "") if isinstance(answer, dict) else ""


__all__ = ["TIMEOUT", "open_live"]
