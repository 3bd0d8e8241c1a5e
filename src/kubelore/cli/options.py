"""Options that several commands share, named as kubectl names them, and settings made of them."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubelore.cli.formats import DataFormat, Format
from kubelore.errors import UsageError

if TYPE_CHECKING:
    from kubelore.build import Settings
    from kubelore.cases import Forgetting


FORGETTING = {
    "observed_days": ("KUBELORE_KEEP_DAYS", 1),
    "observed_bytes": ("KUBELORE_KEEP_MIB", 1 << 20),
    "taught_days": ("KUBELORE_TEACH_DAYS", 1),
    "cluster_days": ("KUBELORE_CLUSTER_DAYS", 1),
}
"""Variables that set fields of `cases.Forgetting`, and their units."""
MAX_DIGITS = 9
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def complete_snapshot(incomplete: str) -> list[str]:
    """`example:NAME` for what ships with kubelore; the shell completes paths."""
    from kubelore.build import EXAMPLE
    from kubelore.examples import load

    return [name for name in (EXAMPLE + key for key in load()) if name.startswith(incomplete)]


class Strategy(StrEnum):
    """`patterns.question.Strategy` by name, so that `--help` need not import it."""

    WORDS = "words"
    SUBSTRING = "substring"


StrategyOption = Annotated[
    Strategy, typer.Option("--strategy", metavar="words|substring", help="How questions are matched.")
]
NamespaceOption = Annotated[
    str, typer.Option("--namespace", "-n", metavar="NAMESPACE", help="Stay in this namespace.")
]
AllOption = Annotated[
    bool, typer.Option("--all-namespaces", "-A", help="Look at all namespaces (what happens without -n).")
]
ContextOption = Annotated[str, typer.Option("--context", metavar="NAME", help="Context of the kubeconfig.")]
KubeconfigOption = Annotated[
    str, typer.Option("--kubeconfig", metavar="FILE", help="The kubeconfig, if not kubectl's own.")
]
AsOption = Annotated[str, typer.Option("--as", metavar="USER", help="Impersonate this user.")]
SnapshotOption = Annotated[
    str,
    typer.Option(
        "--snapshot",
        metavar="PATH",
        envvar="KUBELORE_SNAPSHOT",
        autocompletion=complete_snapshot,
        help="Read this recording and no live cluster: a folder or archive, or example:NAME.",
    ),
]
PatternsOption = Annotated[
    Path | None,
    typer.Option(
        "--patterns",
        metavar="DIR",
        envvar="KUBELORE_PATTERNS",
        help="Folder of your own patterns.  [default: ~/.config/kubelore/patterns]",
    ),
]
DeciderOption = Annotated[
    str,
    typer.Option(
        "--decider",
        metavar="playbook|openai|script:FILE",
        help="Who chooses the steps: the playbook (offline), a model, or a file of steps.  "
        "[default: openai with --model, else playbook]",
    ),
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model", metavar="NAME", envvar="KUBELORE_MODEL", help="Model of an OpenAI-compatible server."
    ),
]
BaseUrlOption = Annotated[
    str, typer.Option("--base-url", metavar="URL", envvar="OPENAI_BASE_URL", help="Where that server is.")
]
CasebookOption = Annotated[
    Path | None,
    typer.Option(
        "--casebook",
        metavar="FILE",
        envvar="KUBELORE_CASEBOOK",
        help="File of the casebook.  [default: ~/.local/state/kubelore/casebook.db]",
    ),
]
KnowledgeOption = Annotated[
    Path | None,
    typer.Option(
        "--knowledge",
        metavar="FILE",
        envvar="KUBELORE_KNOWLEDGE",
        help="File of the knowledge base.  [default: ~/.local/share/kubelore/knowledge.db]",
    ),
]
OutputOption = Annotated[
    Format, typer.Option("--output", "-o", metavar="text|json|yaml|markdown", help="How to print it.")
]
DataOption = Annotated[
    DataFormat, typer.Option("--output", "-o", metavar="text|json|yaml", help="How to print it.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No live view and no progress bar.")]


NoPatternsOption = Annotated[bool, typer.Option("--no-patterns", help="Without the pattern library.")]
NoKnowledgeOption = Annotated[bool, typer.Option("--no-knowledge", help="Without the knowledge base.")]
NoCasebookOption = Annotated[bool, typer.Option("--no-casebook", help="Without what past cases teach.")]


def make_settings(
    *,
    snapshot: str = "",
    context: str = "",
    kubeconfig: str = "",
    impersonate: str = "",
    namespace: str = "",
    all_namespaces: bool = False,
    patterns: Path | None = None,
    decider: str = "",
    model: str = "",
    **more: Any,
) -> Settings:
    """Check options against each other. Raises UsageError."""
    from kubelore.build import SCRIPT, Settings
    from kubelore.patterns.load import user_folder

    check_namespace(namespace, all_namespaces)
    if snapshot and (context or kubeconfig or impersonate):
        raise UsageError(
            "--snapshot reads a recording; --context, --kubeconfig and --as are for live clusters",
            hint="leave one of them out (KUBELORE_SNAPSHOT counts as --snapshot)",
        )
    if patterns is not None and not patterns.is_dir():
        raise UsageError(f"there is no folder {patterns}", hint="make it with: kubelore patterns new NAME")
    decider = decider or ("openai" if model else "playbook")
    if decider not in ("playbook", "openai") and not decider.startswith(SCRIPT):
        raise UsageError(f"there is no decider {decider}", hint="choose playbook, openai or script:FILE")
    if decider == "openai" and not model:
        raise UsageError("--decider openai needs a model", hint="name one with --model or KUBELORE_MODEL")
    return Settings(
        snapshot=snapshot,
        context=context,
        kubeconfig=kubeconfig,
        impersonate=impersonate,
        namespace=namespace,
        patterns_folder=patterns or user_folder(),
        decider=decider,
        model=model,
        **{**server_settings(), **more},
    )


def server_settings() -> dict[str, Any]:
    """What only the environment says: the embedder, the model server and its key, what is forgotten."""
    return {
        "embedder": os.environ.get("KUBELORE_EMBEDDER", ""),
        "base_url": os.environ.get("OPENAI_BASE_URL", ""),
        "api_key": os.environ.get("OPENAI_API_KEY", ""),
        "forgetting": forgetting(),
    }


def forgetting() -> Forgetting:
    """What the casebook forgets by rule. Raises UsageError."""
    from kubelore.cases import Forgetting

    chosen = {}
    for name, (variable, unit) in FORGETTING.items():
        if text := os.environ.get(variable, ""):
            if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
                raise UsageError(f"{variable} is {text!r}", hint="set it to a whole number, or leave it out")
            chosen[name] = int(text) * unit
    return Forgetting(**chosen)


def check_namespace(namespace: str, all_namespaces: bool) -> None:
    if namespace and all_namespaces:
        raise UsageError("-n and -A exclude each other")
    if namespace and not _NAMESPACE.fullmatch(namespace):
        raise UsageError(f"{namespace!r} is not the name of a namespace")


def help_without_command(context: typer.Context) -> None:
    """Callback of a group of commands: alone, it prints its help."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def check_writable(path: Path) -> None:
    """Raise UsageError now, and not after minutes of work."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint="name a file")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"{path} cannot be written", hint="does its folder exist, and is it yours?")
