"""What the command line prints for machines: documents with every string cleaned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict

from kubelore.casebook.document import (
    ClusterDocument,
    Document,
    FindingDocument,
    NotCheckedDocument,
    cluster_document,
    document,
    finding_document,
    not_checked_documents,
)
from kubelore.cli.console import clean_all
from kubelore.types import ClusterInfo, Finding, Investigation, NotChecked

SCAN_FORMAT = "kubelore.scan/1"


class Report(Document):
    """The document of an investigation, and what its root-cause ids mean."""

    titles: dict[str, str]


class ScanReport(TypedDict):
    format: str
    namespace: str
    cluster: ClusterDocument
    findings: list[FindingDocument]
    not_checked: list[NotCheckedDocument]
    seconds: float


def investigation_report(investigation: Investigation, meanings: Mapping[str, str]) -> Report:
    """`meanings` maps root-cause ids to a sentence for people."""
    plain = document(investigation)
    diagnosis = plain["diagnosis"]
    named = (
        [diagnosis["root_cause"], *(a["root_cause"] for a in diagnosis["alternatives"])] if diagnosis else []
    )
    report: Report = {**plain, "titles": {name: meanings.get(name, "") for name in named if name}}
    return clean_all(report)


def by_reason(unread: Iterable[NotCheckedDocument]) -> list[tuple[str, str]]:
    """(why, everything that was not checked for it), for people."""
    groups: dict[str, list[str]] = {}
    for entry in unread:
        groups.setdefault(entry["why"], []).append(entry["what"])
    return [(why, ", ".join(what)) for why, what in groups.items()]


def scan_report(
    namespace: str,
    cluster: ClusterInfo,
    findings: Iterable[Finding],
    not_checked: Iterable[NotChecked],
    seconds: float,
) -> ScanReport:
    report: ScanReport = {
        "format": SCAN_FORMAT,
        "namespace": namespace,
        "cluster": cluster_document(cluster),
        "findings": [finding_document(finding) for finding in findings],
        "not_checked": not_checked_documents(not_checked),
        "seconds": round(seconds, 3),
    }
    return clean_all(report)
