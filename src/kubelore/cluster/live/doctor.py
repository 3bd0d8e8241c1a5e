"""What works here: kubectl, the context, the API server, and what these credentials may read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kubelore.cluster import kinds
from kubelore.cluster.kinds import Kind
from kubelore.cluster.live import open_live
from kubelore.cluster.live.kubectl import Kubectl
from kubelore.cluster.reader import Reader
from kubelore.errors import ClusterError, Forbidden, NotServed

WITHOUT = {"secrets", "componentstatuses"}
"""Kinds without a trial list: secrets are listed by kubectl, component statuses are long deprecated."""
SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried. `hint` says what to do when it is not `ok`."""

    what: str
    ok: bool
    detail: str
    hint: str = ""


def checks(context: str = "", kubeconfig: str = "", impersonate: str = "") -> list[Check]:
    """Everything that reading a live cluster needs, in order; ends where the next check makes no sense.

    Never raises for what is wrong with kubectl, kubeconfig or cluster. Takes seconds.
    """
    return list(_checks(context, kubeconfig, impersonate))


def _checks(context: str, kubeconfig: str, impersonate: str) -> Iterator[Check]:
    what = "kubectl"
    try:
        kubectl = Kubectl.find(context, kubeconfig, impersonate)
        yield Check(what, True, f"{kubectl.version()} at {kubectl.path}")
        what = "context"
        about = kubectl.read_context()
        identity = f", credentials from {about.plugin}" if about.plugin else ""
        namespace = f", namespace {about.namespace or 'default'}"
        yield Check(what, True, f"{about.name} at {about.server}{namespace}{identity}")
        what = "API server"
        started = time.monotonic()
        with open_live(
            context=context, kubeconfig=kubeconfig, impersonate=impersonate, timeout=SECONDS
        ) as reader:
            milliseconds = 1000 * (time.monotonic() - started)
            yield Check(what, True, f"{reader.info.server_version}, first answer in {milliseconds:.0f} ms")
            yield from _permissions(reader)
            yield _metrics(reader)
    except ClusterError as error:
        yield Check(what, False, str(error), error.hint)


def _permissions(reader: Reader) -> Iterator[Check]:
    tried = [k for k in kinds.BUILT_IN if k.group not in kinds.ADD_ON_GROUPS and k.plural not in WITHOUT]
    with ThreadPoolExecutor(8) as pool:
        problems = list(pool.map(lambda kind: _try(reader, kind), tried))
    failed = [(kind.resource, why) for kind, why in zip(tried, problems, strict=True) if why]
    if not reader.readable("Secret"):
        failed.append(("secrets", _why(reader, "secrets")))
    total = len(tried) + 1
    yield Check("permissions", not failed, f"{total - len(failed)} of {total} kinds can be listed")
    for resource, why in failed:
        reason = why.removeprefix(f"{resource}: ")
        yield Check(f"list {resource}", False, reason, "what cannot be read is reported as not checked")


def _try(reader: Reader, kind: Kind) -> str:
    """Why a list of one object fails, "" when it does not."""
    try:
        reader.raw(f"{kind.path()}?limit=1")
    except NotServed:
        return ""  # an older or newer server; nothing is withheld
    except Forbidden as error:
        return _try_own_namespace(reader, kind) or str(error)
    except ClusterError as error:
        return str(error)
    return ""


def _try_own_namespace(reader: Reader, kind: Kind) -> str:
    if not kind.namespaced:
        return ""
    try:
        reader.raw(f"{kind.path(reader.info.namespace)}?limit=1")
    except ClusterError:
        return ""
    return f"only in namespace {reader.info.namespace}"


def _metrics(reader: Reader) -> Check:
    try:
        reader.raw("/apis/metrics.k8s.io/v1beta1/nodes?limit=1")
    except NotServed:
        hint = "install metrics-server to see CPU and memory use"
        return Check("metrics API", False, "this cluster does not serve it", hint)
    except ClusterError as error:
        return Check("metrics API", False, str(error), "see: kubectl get apiservice v1beta1.metrics.k8s.io")
    return Check("metrics API", True, "answers")


def _why(reader: Reader, what: str) -> str:
    return next((n.why for n in reader.not_checked() if n.what == what), "")
