"""Which Secrets exist and which keys they have, without their values: kubectl prints only the names.

The one value that is read is `tls.crt` of a kubernetes.io/tls Secret, which is public; only its dates are
kept, as annotations. Helm's release Secrets are left to the server: no pod refers to them and they are huge.
"""

from __future__ import annotations

import ast
import binascii

from kubelore.cluster.api import Read
from kubelore.cluster.live.certificates import validity
from kubelore.cluster.live.kubectl import Kubectl
from kubelore.errors import ClusterError, CredentialsRejected, Forbidden, NotReadable
from kubelore.types import JsonObject

NOT_BEFORE = "kubelore.dev/certificate-not-before"
NOT_AFTER = "kubelore.dev/certificate-not-after"


def _quoted(field: str) -> str:
    """Template of one field, "" when it is absent. Go's %q quotes exactly like a Python string literal."""
    return '{{with FIELD}}{{printf "%q" .}}{{else}}""{{end}},'.replace("FIELD", field)


TEMPLATE = (
    "{{range .items}}("
    + _quoted(".metadata.namespace")
    + _quoted(".metadata.name")
    + _quoted(".metadata.uid")
    + _quoted(".metadata.creationTimestamp")
    + _quoted(".type")
    + '{{if and .data (eq (print .type) "kubernetes.io/tls")}}'
    + _quoted('(index .data "tls.crt")')
    + '{{else}}"",{{end}}'
    + '({{range $key, $value := .data}}{{printf "%q" $key}},{{end}}))\n{{end}}'
)
"""Prints one Python tuple a line: five strings, the certificate, and the keys."""


def read_secrets(
    kubectl: Kubectl, namespaces: tuple[str, ...] = (), *, fallback: str = "", timeout: float
) -> Read:
    """Secrets of these namespaces (of all when empty), `data` mapping each key to "".

    Where listing all is forbidden, those of the namespace `fallback`, and the problem says so. Raises
    NotReadable when they may not or could not be listed, CredentialsRejected when logging in failed.
    """
    try:
        return Read([secret for scope in namespaces or ("",) for secret in _list(kubectl, scope, timeout)])
    except Forbidden as error:
        if namespaces or not fallback:
            raise
        return Read(_list(kubectl, fallback, timeout), f"only namespace {fallback}: {error}")


def _list(kubectl: Kubectl, namespace: str, timeout: float) -> list[JsonObject]:
    try:
        printed = _print(kubectl, namespace, timeout)
    except (NotReadable, CredentialsRejected):
        raise
    except ClusterError as error:  # a server that is gone fails the other lists too; this one is only late
        raise NotReadable(str(error)) from error
    return [secret(line) for line in printed.splitlines() if line]


def _print(kubectl: Kubectl, namespace: str, timeout: float) -> str:
    return kubectl.run(
        "get",
        "secrets",
        f"--namespace={namespace}" if namespace else "--all-namespaces",
        "--field-selector=type!=helm.sh/release.v1",
        f"--request-timeout={timeout:g}s",
        "--output=go-template",
        f"--template={TEMPLATE}",
        timeout=timeout + 5,
    )


def secret(line: str) -> JsonObject:
    """One line of the template's output as a Secret."""
    try:
        namespace, name, uid, created, kind, certificate, keys = ast.literal_eval(line)
    except (ValueError, SyntaxError, TypeError) as odd:
        raise NotReadable("kubectl listed secrets in a form that is not understood") from odd
    metadata: JsonObject = {"name": name, "namespace": namespace, "uid": uid, "creationTimestamp": created}
    if dates := _dates(certificate):
        metadata["annotations"] = dates
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": kind,
        "data": dict.fromkeys(keys, ""),
    }


def _dates(certificate: str) -> dict[str, str]:
    try:
        found = validity(binascii.a2b_base64(certificate))
    except binascii.Error:
        return {}
    if found is None:
        return {}
    return {
        name: when.strftime("%Y-%m-%dT%H:%M:%SZ")
        for name, when in zip((NOT_BEFORE, NOT_AFTER), found, strict=True)
    }
