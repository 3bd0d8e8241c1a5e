"""`kubelore snapshot`: record a cluster, look into a recording, serve it to other tools."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubelore.cli import options as o
from kubelore.cli.formats import DataFormat

if TYPE_CHECKING:
    from rich.console import RenderableType

    from kubelore.cluster.snapshot import Snapshot

INFO_FORMAT = "kubelore.snapshot/1"

snapshot = typer.Typer(help="Record a cluster; look into a recording; serve one.")
snapshot.callback(invoke_without_command=True)(o.help_without_command)

PathArgument = Annotated[
    str,
    typer.Argument(
        metavar="PATH", help="Folder or archive, or example:NAME.", autocompletion=o.complete_snapshot
    ),
]


def register(app: typer.Typer) -> None:
    app.add_typer(snapshot, name="snapshot")


@snapshot.command()
def capture(
    *,
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="A new folder, or a file that ends in .tar.gz or .tar.xz.")
    ],
    namespace: o.NamespaceOption = "",
    all_namespaces: o.AllOption = False,
    context: o.ContextOption = "",
    kubeconfig: o.KubeconfigOption = "",
    impersonate: o.AsOption = "",
    logs_tail: Annotated[
        int, typer.Option("--logs-tail", metavar="LINES", min=0, help="Newest lines of each log; 0 for none.")
    ] = 1000,
    quiet: o.QuietOption = False,
) -> None:
    """Record a live cluster.

    Secret values never leave memory; tokens and passwords elsewhere are redacted. A recording that was cut
    short is marked incomplete and still works.
    """
    o.check_namespace(namespace, all_namespaces)
    from kubelore.cli.live import ProgressBar
    from kubelore.cli.output import note, print_plain
    from kubelore.cluster.capture import capture as record
    from kubelore.cluster.live import open_live

    with (
        ProgressBar(quiet) as progress,
        open_live(
            context=context, kubeconfig=kubeconfig, namespace=namespace, impersonate=impersonate
        ) as cluster,
    ):
        made = record(
            cluster, out, namespaces=[namespace] if namespace else [], logs_tail=logs_tail, progress=progress
        )
    for item in made.not_checked:
        note(f"not recorded: {item}")
    print_plain(f"{made.path}: {made.objects} objects, {made.logs} logs")


@snapshot.command()
def serve(
    *,
    path: PathArgument,
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="On loopback; 0 takes a free one.")
    ] = 0,
) -> None:
    """Serve a recording to kubectl, k9s and other tools.

    Prints how to use its kubeconfig, and serves until Ctrl-C. Nothing can be written.
    """
    from kubelore.build import snapshot_path
    from kubelore.cli.output import note, print_plain
    from kubelore.cluster.serve import Serving
    from kubelore.cluster.serve import serve as serve_until_interrupted

    def ready(serving: Serving) -> None:
        print_plain(f"export KUBECONFIG={shlex.quote(str(serving.kubeconfig))}")
        sys.stdout.flush()
        note(f"serving {path} at {serving.url} until Ctrl-C; in another terminal, paste the line above")

    serve_until_interrupted(snapshot_path(path), port=port, on_ready=ready)


@snapshot.command()
def info(
    *,
    path: PathArgument,
    output: o.DataOption = DataFormat.TEXT,
) -> None:
    """Say what a recording holds."""
    from kubelore.build import snapshot_path
    from kubelore.cli.output import emit
    from kubelore.cluster.snapshot import load

    report = _report(load(snapshot_path(path)))
    emit(report, output, text=lambda: _text(report))


def _report(loaded: Snapshot) -> dict[str, Any]:
    from kubelore.casebook.document import cluster_document
    from kubelore.cli.console import clean_all

    counts = {name: len(listing.items) for name, listing in sorted(loaded.listings.items())}
    problems = dict(loaded.problems) | {
        name: listing.problem for name, listing in loaded.listings.items() if listing.problem
    }
    namespaces = {
        (item.get("metadata") or {}).get("namespace")
        for listing in loaded.listings.values()
        for item in listing.items
    }
    return clean_all(
        {
            "format": INFO_FORMAT,
            "cluster": cluster_document(loaded.info),
            "namespaces": sorted(filter(None, namespaces)),
            "objects": counts,
            "logs": len(loaded.logs),
            "problems": problems,
        }
    )


def _text(report: dict[str, Any]) -> RenderableType:
    from kubelore.cli.render import columns

    cluster = report["cluster"]
    rows = [
        ("context", cluster["context"] or "not recorded"),
        ("server", cluster["server_version"] or "not recorded"),
        ("recorded", cluster["now"] + (", cut short" if cluster["incomplete"] else "")),
        ("source", cluster["source"]),
        ("namespaces", ", ".join(report["namespaces"]) or "none"),
        ("objects", ", ".join(f"{count} {name}" for name, count in report["objects"].items()) or "none"),
        ("logs", str(report["logs"])),
    ]
    rows += [("not in it", f"{what}: {why}") for what, why in report["problems"].items()]
    return columns(rows)
