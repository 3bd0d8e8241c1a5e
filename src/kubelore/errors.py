"""Every exception kubelore raises. A class's docstring is its message when it is raised bare.

A message says what happened; `hint` says what to do about it. The command line prints both and
exits with the class's `exit_code`.
"""

from __future__ import annotations


class KubeloreError(Exception):
    """kubelore could not do what was asked."""

    exit_code = 1
    hint = ""

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        if hint is not None:
            self.hint = hint


class UsageError(KubeloreError):
    """The command line or a setting is not valid."""

    exit_code = 2


class ClusterError(KubeloreError):
    """The cluster could not be read."""

    exit_code = 3


class KubectlMissing(ClusterError):
    """kubectl is not on the PATH."""

    hint = "install kubectl, or work on a recording with --snapshot"


class NoContext(ClusterError):
    """The kubeconfig has no usable context."""

    hint = "name one with --context, or see: kubectl config get-contexts"


class CredentialsRejected(ClusterError):
    """The API server did not accept the credentials (401)."""

    hint = "log in again the way you do for kubectl, then check with: kubectl auth whoami"


class Unreachable(ClusterError):
    """The API server did not answer."""

    hint = "check the network path with: kubectl version"


class NotReadable(ClusterError):
    """One kind of object could not be read; the reader records it as not checked."""


class Forbidden(NotReadable):
    """These credentials may not read this kind of object (403)."""


class NotServed(NotReadable):
    """The server, or the recording, does not have this kind of object."""


class SnapshotError(ClusterError):
    """The recording cannot be read."""

    hint = "see what it holds with: kubelore snapshot info PATH"


class DataError(KubeloreError):
    """A data file of kubelore or of the user is not valid."""

    exit_code = 4


class ToolError(KubeloreError):
    """A tool could not do what it was asked; the message goes back to the decider."""


class UnknownTool(ToolError):
    """There is no tool of that name."""


class BadArguments(ToolError):
    """The tool does not understand its arguments."""


class ObjectNotFound(ToolError):
    """There is no such object."""


class ModelError(KubeloreError):
    """The model endpoint failed."""

    exit_code = 5
    hint = "check --model and OPENAI_BASE_URL with: kubelore doctor"


class BadStep(ModelError):
    """The model's answer is not a step of the protocol."""


class BudgetSpent(ModelError):
    """The token or time budget of this investigation is spent."""


class StoreError(KubeloreError):
    """The store of knowledge or cases failed."""

    exit_code = 6


class StoreNotOpened(StoreError):
    """The store cannot be opened."""

    hint = "check the path and its permissions"


class StoreNewer(StoreNotOpened):
    """The store was written by a newer kubelore."""

    hint = "update kubelore, or name another file"


class StoreCorrupt(StoreError):
    """The store is damaged."""


class StoreNotWritable(StoreError):
    """The store cannot be written: the disk is full, or it is read-only."""

    hint = "make room on its disk, then repeat the command: what was committed is kept"


class StoreBusy(StoreError):
    """Another process is writing to the store."""

    hint = "try again when the other command is done"


class CaseChanged(StoreError):
    """Somebody else changed the case in between."""

    hint = "look at it and try again"
