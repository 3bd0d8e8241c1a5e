"""One `kubectl proxy` child on a private unix socket: kubectl authenticates, and nothing can be written.

The child lives exactly as long as this process holds a pipe open. A three-line shell supervisor waits for
the pipe's end, which the kernel brings about however this process dies, and then kills kubectl and removes
the folder. No signal handler, no PR_SET_PDEATHSIG (which fires when a mere thread ends), no daemon.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

from kubelore.cluster.live.kubectl import Context, Kubectl, failure, plain
from kubelore.errors import ClusterError, CredentialsRejected, Unreachable

PREFIX = "kubelore-proxy-"
START_SECONDS = 15.0

# $1 is the private folder, the rest is kubectl. `exit` appears when kubectl ends by itself; `kill 0` takes
# the whole process group along: kubectl, credential plugins it started, and this shell.
SUPERVISOR = """
folder=$1; shift
{ "$@" </dev/null >/dev/null 2>"$folder/stderr"; : >"$folder/exit"; } &
read -r _
rm -rf -- "$folder"
kill -KILL 0
"""

# kubectl splits these lists at commas, so no expression may contain one; Go's regexp has no lookahead.
# Everything that is not exactly GET:
REJECT_METHODS = "^[^G]|^G[^E]|^GE[^T]|^GET.|^.?.?$"
# Discovery, health, lists, objects and three harmless subresources. Every other subresource (exec, attach,
# portforward, proxy, token, console, vnc, ...) stays out, known or not.
_RESOURCE = r"(/namespaces/[^/]+)?/[^/]+(/[^/]+(/(log|status|scale))?)?"
ACCEPT_PATHS = ",".join(
    (
        r"^/(version|healthz|livez|readyz|api|apis|openapi/v[23])/?$",
        r"^/(healthz|livez|readyz)/[^/]+$",
        r"^/openapi/v3/(api|apis)(/[^/]+)+$",
        r"^/apis/[^/]+/?$",
        rf"^/(api/[^/]+|apis/[^/]+/[^/]+)({_RESOURCE})?/?$",
    )
)
# Secrets have no other path; `watch` and `proxy` are old forms in front of a resource; no name has a %.
REJECT_PATHS = ",".join(
    (
        "%",
        r"^/api/[^/]+/(watch/)?(namespaces/[^/]+/)?secrets(/|$)",
        r"^/api/[^/]+/(watch|proxy)(/|$)",
        r"^/apis/[^/]+/[^/]+/(watch|proxy)(/|$)",
    )
)


class Proxy:
    """A running `kubectl proxy`. `close` (or leaving the `with` block) ends it and removes its folder."""

    def __init__(self, kubectl: Kubectl, context: Context, *, deadline: float = START_SECONDS) -> None:
        """Starts it and waits until it listens, at most `deadline` seconds. Raises ClusterError."""
        sweep()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place()))  # mode 0700
        self.socket = self.folder / "api"
        self._lock = hold(self.folder)
        try:
            self._shell = subprocess.Popen(  # noqa: S603
                ["/bin/sh", "-c", SUPERVISOR, "sh", str(self.folder), *self._argv(kubectl, context)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches this process only, which then closes the pipe
            )
        except OSError as broken:
            self._remove()
            raise ClusterError(f"kubectl proxy cannot be started: {broken}") from broken
        try:
            self._wait(deadline)
        except BaseException:
            self.close()
            raise

    def _argv(self, kubectl: Kubectl, context: Context) -> list[str]:
        """Every flag that matters is given: a default in the user's kuberc must not weaken the filter."""
        argv = kubectl.argv(
            "proxy",
            f"--unix-socket={self.socket}",
            "--api-prefix=/",
            "--www=",
            "--disable-filter=false",
            "--accept-hosts=^localhost$",
            f"--reject-methods={REJECT_METHODS}",
            f"--accept-paths={ACCEPT_PATHS}",
            f"--reject-paths={REJECT_PATHS}",
        )
        if context.server_has_path:  # Rancher and the like serve many clusters below one host
            argv.append("--append-server-path=true")
        return argv

    def _wait(self, deadline: float) -> None:
        give_up = time.monotonic() + deadline
        while not self._listens():
            if not self.running:
                raise self._ended()
            if time.monotonic() > give_up:
                raise Unreachable(f"kubectl proxy was not ready after {deadline:g} s. {self.said()}".strip())
            time.sleep(0.02)

    def _ended(self) -> ClusterError:
        said = self.said()
        if said == "EOF":  # of the standard input that kubectl wanted to read a user name from
            return CredentialsRejected("kubectl asks for a user name: this context has no credentials")
        return failure(said or "kubectl proxy ended at once and said nothing")

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket))
            except OSError:
                return False
        return True

    @property
    def running(self) -> bool:
        return self._shell.poll() is None and not (self.folder / "exit").exists()

    def said(self) -> str:
        """What kubectl and the credential plugin wrote to standard error, shortened."""
        try:
            with (self.folder / "stderr").open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
                return plain(log.read())
        except OSError:
            return ""

    def explain(self, error: str) -> str:
        """An error of the proxy with what a failing credential plugin printed before it."""
        if "executable" not in error:
            return error
        return "\n".join(dict.fromkeys([*self.said().splitlines()[-6:], *error.splitlines()]))

    def close(self) -> None:
        """Ends kubectl and removes socket and folder. May be called twice."""
        if self._shell.stdin and not self._shell.stdin.closed:
            self._shell.stdin.close()
        try:
            self._shell.wait(2)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._shell.pid, signal.SIGKILL)
            self._shell.wait()
        self._remove()

    def _remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def place() -> Path:
    """Where private folders go. The path of a unix socket may have no more than 103 bytes on macOS."""
    usual = tempfile.gettempdir()
    return Path(usual if len(os.fsencode(usual)) <= 75 else "/tmp")  # noqa: S108  the folder in it is 0700


def hold(folder: Path) -> int:
    """Lock the folder while this process lives; unlike a pid, a lock means the same in every container."""
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock


def sweep(older_than: float = 60.0) -> None:
    """Remove folders whose owner died together with its supervisor (power loss, container kill)."""
    for folder in place().glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            if status.st_uid != os.getuid() or time.time() - status.st_mtime < older_than:
                continue
            lock = os.open(folder / "lock", os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(lock)
