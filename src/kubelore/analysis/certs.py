"""Certificates: TLS Secrets, whose dates the reader notes, and cert-manager's own word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from kubelore.analysis.nodes import conditions_of
from kubelore.analysis.registry import check
from kubelore.analysis.subject import Subject
from kubelore.analysis.view import View, parse_time, ref_of
from kubelore.types import Fact, Finding, JsonObject, Ref, Severity

NOT_BEFORE = "kubelore.dev/certificate-not-before"
NOT_AFTER = "kubelore.dev/certificate-not-after"
"""Annotations in which a capture keeps the dates of a TLS Secret, whose value it drops."""
SOON = timedelta(days=7)
CERTIFICATE = "certificates.cert-manager.io"


def certificate_facts(view: View, secret: JsonObject) -> list[Fact]:
    """What is wrong with the dates of a TLS Secret; [] when nothing is, or when they are not known."""
    notes = (secret.get("metadata") or {}).get("annotations") or {}
    return list(_date_facts(view, ref_of(secret), notes.get(NOT_BEFORE), notes.get(NOT_AFTER)))


def _date_facts(view: View, about: Ref, begin: str | None, end: str | None) -> Iterator[Fact]:
    begins, ends = parse_time(begin), parse_time(end)
    subject = Subject(about)
    params = {"secret": about.name}
    if begins is not None and view.now < begins:
        yield subject.fact("cert", "not-yet-valid", f"{about}: valid from {begin} only.", **params)
    if ends is None:
        return
    # Short-lived certificates are renewed late by design.
    soon = min(SOON, (ends - begins) / 10) if begins is not None else SOON
    if ends <= view.now:
        yield subject.fact("cert", "expired", f"{about}: the certificate expired at {end}.", **params)
    elif ends - view.now < soon:
        yield subject.fact("cert", "expiring", f"{about}: the certificate expires at {end}.", **params)


@check("certificates", "Secret", "CustomResourceDefinition")
def bad_certificates(view: View, namespace: str | None) -> Iterable[Finding]:
    """TLS Secrets and cert-manager Certificates that are expired, about to be, or not issued."""
    for secret in view.all("Secret", namespace):
        if secret.get("type") == "kubernetes.io/tls":
            yield from _findings(certificate_facts(view, secret))
    installed = view.get("CustomResourceDefinition", "", CERTIFICATE) is not None
    for certificate in view.all(CERTIFICATE, namespace) if installed else ():
        ref, ready = ref_of(certificate), conditions_of(certificate).get("Ready") or {}
        status = certificate.get("status") or {}
        if ready.get("status") == "False":
            facts = list(_date_facts(view, ref, status.get("notBefore"), status.get("notAfter")))
            yield from _findings(facts)


def _findings(facts: list[Fact]) -> Iterator[Finding]:
    for fact in facts:
        severity = Severity.WARNING if fact.value == "expiring" else Severity.CRITICAL
        what = fact.detail.removeprefix(f"{fact.about}: ").rstrip(".")
        yield Finding(severity, fact.about, what, (fact,), "certificates")
