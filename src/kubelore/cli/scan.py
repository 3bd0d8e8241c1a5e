"""`kubelore scan`: everything that is wrong, without a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from kubelore.cli import options as o
from kubelore.cli.formats import Format
from kubelore.errors import ClusterError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubelore.protocols import Cluster
    from kubelore.types import Finding, NotChecked

FOUND = 1


def register(app: typer.Typer) -> None:
    app.command()(scan)


def scan(
    *,
    namespace: o.NamespaceOption = "",
    all_namespaces: o.AllOption = False,
    snapshot: o.SnapshotOption = "",
    context: o.ContextOption = "",
    kubeconfig: o.KubeconfigOption = "",
    impersonate: o.AsOption = "",
    output: o.OutputOption = Format.TEXT,
    quiet: o.QuietOption = False,
) -> int:
    """List everything that is wrong. Exits with 1 when there is something, with 0 when there is nothing."""
    settings = o.make_settings(
        snapshot=snapshot, context=context, kubeconfig=kubeconfig, impersonate=impersonate,
        namespace=namespace, all_namespaces=all_namespaces,
    )  # fmt: skip
    import time
    from contextlib import closing

    from kubelore import build
    from kubelore.cli import markdown, render
    from kubelore.cli.live import waiting
    from kubelore.cli.output import emit
    from kubelore.cli.report import scan_report

    begun = time.perf_counter()
    with waiting("reading the cluster", quiet), closing(build.open_cluster(settings)) as cluster:
        findings, unread = find_all(cluster, namespace)
        info = cluster.info
    report = scan_report(namespace, info, findings, unread, time.perf_counter() - begun)
    emit(report, output, text=lambda: render.scan(report), markdown=lambda: markdown.scan(report))
    return FOUND if findings else 0


def find_all(cluster: Cluster, namespace: str) -> tuple[Sequence[Finding], Sequence[NotChecked]]:
    """What FIND_ISSUES finds, redacted, without what is merely worth knowing."""
    from kubelore.analysis.view import View
    from kubelore.tools.registry import Toolbox
    from kubelore.types import Severity, ToolCall

    seen = Toolbox(View(cluster)).run(ToolCall("FIND_ISSUES", namespace or "-A"))
    if seen.error:
        hint = seen.text.removeprefix(seen.error).strip()
        raise (ClusterError if seen.not_checked else UsageError)(seen.error, hint=hint)
    return [f for f in seen.findings if f.severity is not Severity.INFO], seen.not_checked
