"""Writes docs/cli.md from the commands themselves. `--check` only says whether it is up to date."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from kubelore.cli.app import EPILOG, app

PAGE = Path(__file__).with_name("cli.md")
HEAD = """# The command line

Made by `make docs` from the commands; `kubelore COMMAND --help` says the same. `kubectl kubelore` is the same
program. `kubelore --install-completion` teaches your shell to complete it.
"""


def page() -> str:
    """The Markdown page. Reads only attributes that all versions of Typer have, so that it is the same."""
    root = typer.main.get_command(app)
    return "\n".join([HEAD, *_lines("kubelore", root), "## Exit codes", "", " ".join(EPILOG.split()), ""])


def _lines(path: str, command: Any) -> Iterator[str]:
    commands = getattr(command, "commands", {})
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [
        p for p in command.params if p.param_type_name == "option" and not p.name.endswith("completion")
    ]
    usage = [
        path,
        *(_metavar(a) for a in arguments),
        "[OPTIONS]" if options else "",
        "COMMAND" if commands else "",
    ]
    yield from (f"## {path}", "", inspect.cleandoc(command.help or "").split("\f")[0].strip(), "")
    yield from ("```", " ".join(filter(None, usage)), "```", "")
    rows = [f"| {_names(p)} | {_meaning(p)} |" for p in (*arguments, *options)]
    if rows:
        yield from ("| | |", "|---|---|", *rows, "")
    for name, child in commands.items():
        yield from _lines(f"{path} {name}", child)


def _metavar(param: Any) -> str:
    name = str(param.metavar or param.name).upper()
    return f"{name}..." if param.nargs == -1 else name


def _names(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{_metavar(param)}`"
    value = "" if param.is_flag else f" {param.metavar or 'VALUE'}"
    return ", ".join(f"`{name}`" for name in sorted(param.opts, key=len)) + (
        f" `{_cell(value)}`" if value else ""
    )


def _meaning(param: Any) -> str:
    parts = [(param.help or "").strip()]
    default = getattr(param.default, "value", param.default)
    if default not in (None, "", False, (), ...) and not param.required:
        parts.append(f"Default: {default}.")
    if param.envvar:
        parts.append(f"Environment: `{param.envvar}`.")
    return _cell(" ".join(parts))


def _cell(text: str) -> str:
    return text.strip().replace("|", "\\|")


def main() -> int:
    wanted = page()
    if "--check" not in sys.argv:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    sys.stderr.write("error: docs/cli.md is not what the commands say\nhint: make docs\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
