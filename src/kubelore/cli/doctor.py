"""`kubelore doctor`: what works here, and what to do about the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from kubelore.cli import options as o
from kubelore.cli.formats import DataFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from kubelore.build import Settings
    from kubelore.cluster.live.doctor import Check

FORMAT = "kubelore.doctor/1"
NEEDED = frozenset({"kubectl", "context", "API server"})
"""Without these a live cluster cannot be read at all; what else fails only narrows what is seen."""


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    *,
    context: o.ContextOption = "",
    kubeconfig: o.KubeconfigOption = "",
    impersonate: o.AsOption = "",
    model: o.ModelOption = "",
    base_url: o.BaseUrlOption = "",
    patterns: o.PatternsOption = None,
    knowledge: o.KnowledgeOption = None,
    casebook: o.CasebookOption = None,
    output: o.DataOption = DataFormat.TEXT,
    quiet: o.QuietOption = False,
) -> int:
    """Say what works here: kubectl, context, permissions, patterns, knowledge base, casebook, model.

    Exits with 3 when the cluster cannot be read. Recordings work all the same.
    """
    settings = o.make_settings(
        context=context, kubeconfig=kubeconfig, impersonate=impersonate, patterns=patterns, model=model,
        base_url=base_url, knowledge=knowledge, casebook=casebook,
    )  # fmt: skip
    from dataclasses import asdict

    from kubelore.cli.console import clean_all
    from kubelore.cli.live import waiting
    from kubelore.cli.output import emit
    from kubelore.errors import ClusterError

    with waiting("looking around", quiet):
        tried = list(_checks(settings))
    results = clean_all([asdict(check) for check in tried])
    emit({"format": FORMAT, "checks": results}, output, text=lambda: _text(results))
    return ClusterError.exit_code if any(c.what in NEEDED and not c.ok for c in tried) else 0


def _checks(settings: Settings) -> Iterator[Check]:
    from kubelore.build import library
    from kubelore.cluster.live.doctor import Check, checks

    yield from checks(settings.context, settings.kubeconfig, settings.impersonate)
    loaded = library(settings)
    hint = "kubelore patterns lint says the same"
    yield Check(
        "patterns", not loaded.problems, f"{len(loaded.patterns)} in {settings.patterns_folder} and built in"
    )
    for problem in loaded.problems:
        yield Check("pattern", False, str(problem), hint)
    yield from _stores(settings)
    if settings.model:
        yield _model(settings)


def _stores(settings: Settings) -> Iterator[Check]:
    """Opened as an investigation opens them; what is not there yet is no fault."""
    from contextlib import closing

    from kubelore import build
    from kubelore.casebook.place import default_file as own_casebook
    from kubelore.cluster.live.doctor import Check
    from kubelore.errors import StoreError
    from kubelore.knowledge.place import default_file as own_knowledge

    tries = (
        ("knowledge base", settings.knowledge or own_knowledge(), lambda: build.open_knowledge(settings)),
        ("casebook", settings.casebook or own_casebook(), lambda: build.casebook(settings).store),
    )
    for what, file, opened in tries:
        if not file.exists():
            yield Check(what, True, f"none yet at {file}")
            continue
        try:
            with closing(opened()):
                yield Check(what, True, str(file))
        except StoreError as error:
            yield Check(what, False, str(error), error.hint)


def _model(settings: Settings) -> Check:
    from contextlib import closing

    from kubelore.cluster.live.doctor import Check
    from kubelore.errors import KubeloreError
    from kubelore.models.openai import DEFAULT_BASE_URL, OpenAIChat

    url = settings.base_url or DEFAULT_BASE_URL
    try:
        with closing(OpenAIChat(settings.model, base_url=url, api_key=settings.api_key)) as chat:
            known = chat.models()
    except KubeloreError as error:
        return Check("model", False, str(error), error.hint)
    hint = f"it has: {', '.join(known[:10])}"
    return Check("model", settings.model in known, f"{settings.model} at {url}", hint)


def _text(checks: list[dict[str, Any]]) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from kubelore.cli.render import item

    rows = []
    for check in checks:
        mark = "ok" if check["ok"] else "FAIL" if check["what"] in NEEDED else "warn"
        hint = [Text(check["hint"], style="dim")] if check["hint"] and not check["ok"] else []
        rows.append(item(mark, Text(f"{check['what']}: {check['detail']}"), *hint))
    return Group(*rows)
