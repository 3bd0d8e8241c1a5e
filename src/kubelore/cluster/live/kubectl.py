"""The user's own kubectl: where it is, which cluster and identity it is told to use, and what it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubelore.errors import (
    ClusterError,
    CredentialsRejected,
    Forbidden,
    KubectlMissing,
    NoContext,
    NotReadable,
    Unreachable,
)

IN_CLUSTER_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


@dataclass(frozen=True, slots=True)
class Context:
    """What the kubeconfig says about the chosen context; credentials are never part of it."""

    name: str
    server: str
    namespace: str = ""
    user: str = ""
    plugin: str = ""
    """Command of the exec plugin that fetches credentials."""

    @property
    def server_has_path(self) -> bool:
        return urlsplit(self.server).path.strip("/") != ""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """One kubectl executable and the flags that choose cluster and identity."""

    path: str
    context: str = ""
    kubeconfig: str = ""
    impersonate: str = ""
    groups: tuple[str, ...] = ()

    @classmethod
    def find(
        cls, context: str = "", kubeconfig: str = "", impersonate: str = "", groups: Sequence[str] = ()
    ) -> Kubectl:
        """The executable named by $KUBECTL, else the first on the PATH. Raises KubectlMissing."""
        named = os.environ.get("KUBECTL", "")
        path = shutil.which(named or "kubectl")
        if path is None:
            raise KubectlMissing(f"KUBECTL names {named}, which cannot be run" if named else None)
        return cls(path, context, kubeconfig, impersonate, tuple(groups))

    @property
    def flags(self) -> list[str]:
        flags = [
            f"--{name}={value}"
            for name, value in (
                ("kubeconfig", self.kubeconfig), ("context", self.context), ("as", self.impersonate),
            ) if value
        ]  # fmt: skip
        return flags + [f"--as-group={group}" for group in self.groups]

    def argv(self, *args: str) -> list[str]:
        return [self.path, *self.flags, *args]

    def run(self, *args: str, timeout: float) -> str:
        """Standard output of one kubectl call. Raises the ClusterError that its message stands for."""
        try:
            done = subprocess.run(  # noqa: S603 - an argument list, never a shell
                self.argv(*args), capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired as late:
            said = plain(late.stderr or b"")
            raise Unreachable(
                f"kubectl {args[0]} took more than {timeout:g} s{': ' if said else ''}{said}"
            ) from late
        except OSError as broken:
            raise KubectlMissing(f"{self.path} cannot be run: {broken.strerror}") from broken
        if done.returncode != 0:
            raise failure(plain(done.stderr) or f"kubectl {args[0]} ended with status {done.returncode}")
        return done.stdout.decode(errors="replace")

    def version(self, timeout: float = 10) -> str:
        """Version of kubectl itself, such as v1.34.1."""
        text = self.run("version", "--client", "--output=json", timeout=timeout)
        return str(read_json(text).get("clientVersion", {}).get("gitVersion", "")) or "unknown"

    def contexts(self, timeout: float = 10) -> list[str]:
        """Names of all contexts of the kubeconfig."""
        return self.run("config", "get-contexts", "--output=name", timeout=timeout).split()

    def read_context(self, timeout: float = 10) -> Context:
        """The chosen context, or the one a pod's service account gives. Raises NoContext."""
        try:
            view = read_json(self.run("config", "view", "--minify", "--output=json", timeout=timeout))
        except (KubectlMissing, Unreachable):
            raise
        except ClusterError as unusable:
            if not self.context and not self.kubeconfig and in_cluster():
                host = os.environ["KUBERNETES_SERVICE_HOST"]
                return Context("in-cluster", f"https://{host}", namespace=in_cluster_namespace())
            raise self._no_context(str(unusable)) from unusable
        context = first(view, "contexts", "context")
        user = first(view, "users", "user")
        return Context(
            name=str(view.get("current-context", "")),
            server=str(first(view, "clusters", "cluster").get("server", "")),
            namespace=str(context.get("namespace") or ""),
            user=str(context.get("user") or ""),
            plugin=str((user.get("exec") or {}).get("command") or ""),
        )

    def _no_context(self, said: str) -> NoContext:
        if self.kubeconfig and not Path(self.kubeconfig).exists():
            return NoContext(f"there is no kubeconfig {self.kubeconfig}", hint="check --kubeconfig")
        if "current-context must exist" in said:
            said = "the kubeconfig names no current context" if self._names() else "there is no kubeconfig"
        elif self.context and f"cannot locate context {self.context}" in said:
            said = f"the kubeconfig has no context {self.context}"
        names = self._names()
        if not names:
            return NoContext(
                said, hint="set KUBECONFIG or --kubeconfig, or work on a recording with --snapshot"
            )
        return NoContext(said, hint=f"name one with --context: {', '.join(names[:10])}")

    def _names(self) -> list[str]:
        try:
            return self.contexts()
        except ClusterError:
            return []


def in_cluster() -> bool:
    """Whether this process runs in a pod whose service account kubectl would use."""
    return "KUBERNETES_SERVICE_HOST" in os.environ and IN_CLUSTER_TOKEN.exists()


def in_cluster_namespace() -> str:
    try:
        return IN_CLUSTER_TOKEN.with_name("namespace").read_text().strip()
    except OSError:
        return ""


def read_json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as broken:
        raise NotReadable("kubectl answered with something else than JSON") from broken
    return value if isinstance(value, dict) else {}


def first(view: Mapping[str, Any], key: str, inner: str) -> dict[str, Any]:
    """The only entry of a minified kubeconfig's list; {} when there is none."""
    entries = view.get(key)
    entry = entries[0].get(inner) if isinstance(entries, list) and entries else None
    return entry if isinstance(entry, dict) else {}


KLOG_PREFIX = re.compile(r"^[IWEF]\d{4} [\d:.]+ +\d+ [\w./-]+:\d+\] ")
REPEATED = re.compile(r"^(Error while proxying request: |error: |Unable to connect to the server: )+")


def plain(stderr: bytes | str, limit: int = 600) -> str:
    """What kubectl said, without log prefixes and repeats, at most `limit` characters from the end."""
    text = stderr.decode(errors="replace") if isinstance(stderr, bytes) else stderr
    lines = (REPEATED.sub("", KLOG_PREFIX.sub("", line.strip())) for line in text.splitlines())
    return "\n".join(dict.fromkeys(line for line in lines if line))[-limit:].strip()


_CREDENTIALS = re.compile(
    r"getting credentials|exec plugin|executable \S+ (not found|failed)|auth provider|auth plugin"
    r"|\btoken\b.*\b(refresh|expired|fetch)|refresh.*token|oauth2|You must be logged in|Unauthorized"
    r"|remote error: tls: .*certificate|Please enter Username",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(r"executable (\S+) not found")
_FORBIDDEN = re.compile(r"\bis forbidden: |\(Forbidden\)|^Forbidden$")
_UNTRUSTED = re.compile(r"x509: |certificate signed by unknown authority|tls: failed to verify")
_NO_CONTEXT = re.compile(
    r"cannot locate (context|cluster|user)|does not exist|current-context|loading config file|no such file"
)


def failure(said: str) -> ClusterError:
    """The error that a message of kubectl or of its proxy stands for.

    kubectl has no machine-readable errors; these phrases are client-go's and have not changed for years.
    What fits none of them counts as unreachable, with kubectl's own words in the message.
    """
    if _FORBIDDEN.search(said):
        return Forbidden(said)
    if missing := _NOT_FOUND.search(said):
        return CredentialsRejected(
            f"the credential plugin {missing[1]} is not installed", hint=after_blank_lines(said)
        )
    if _CREDENTIALS.search(said):
        return CredentialsRejected(f"kubectl could not log in: {said}")
    if _UNTRUSTED.search(said):
        hint = "check certificate-authority of this cluster in the kubeconfig, and the clock of this machine"
        return Unreachable(f"the API server's certificate is not trusted: {said}", hint=hint)
    if _NO_CONTEXT.search(said):
        return NoContext(said)
    return Unreachable(f"the API server did not answer: {said}")


def after_blank_lines(said: str) -> str:
    """The plugin's own installation hint, which client-go prints last; else a hint of ours."""
    last = said.splitlines()[-1] if "\n" in said else ""
    return last if last and "kubernetes.io/docs" not in last else "install it the way you do for kubectl"
