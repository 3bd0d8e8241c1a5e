"""The commands, and what happens to an error."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from kubelore import __version__
from kubelore.cli import (
    INTERRUPTED,
    bench,
    cases,
    doctor,
    examples,
    feedback,
    investigate,
    knowledge,
    patterns,
    scan,
    snapshot,
)
from kubelore.cli.console import clean
from kubelore.cli.options import help_without_command
from kubelore.errors import KubeloreError

EPILOG = """Exit codes: 0 done (scan and lint: nothing wrong), 1 scan or lint found something, 2 wrong usage,
3 the cluster or recording could not be read, 4 a data file is not valid, 5 the model failed, 6 the knowledge
base or the casebook cannot be used, 70 a bug in kubelore, 130 Ctrl-C."""
USAGE, BUG = 2, 70
DEBUG = "KUBELORE_DEBUG"

app = typer.Typer(
    help="Finds out why Kubernetes workloads are broken: from a question to the root cause, the evidence "
    "and the fix. Reads a live cluster through your kubectl, or a recording; never changes anything.",
    epilog=EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"kubelore {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    help_without_command(context)


for part in (investigate, scan, feedback, cases, knowledge, patterns, snapshot, examples, doctor, bench):
    part.register(app)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (None: the process's) and return its exit code. Raises nothing but SystemExit."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if not os.environ.get(DEBUG):  # else logging writes to stderr what has no handler
        logging.getLogger("kubelore").addHandler(logging.NullHandler())
    command = typer.main.get_command(app)
    try:
        code = command.main(args=arguments, prog_name=program_name(sys.argv[0]), standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_went_away()
    except KubeloreError as error:
        return _fail(str(error), error.hint, max(error.exit_code, USAGE))  # 1 is for what scan found
    except OSError as error:
        return _fail(f"{error.filename or 'input or output'}: {error.strerror or error}", "", USAGE)
    except Exception as error:  # noqa: BLE001 - the last resort: nobody should have to read a traceback
        return _unexpected(error)
    return code if isinstance(code, int) else 0


def program_name(executable: str) -> str:
    """`kubectl kubelore` when kubectl runs us as a plugin."""
    stem = Path(executable).stem
    return "kubectl kubelore" if stem in ("kubectl-kubelore", "kubectl_kubelore") else "kubelore"


def _unexpected(error: Exception) -> int:
    message = getattr(error, "format_message", None)
    if message is not None:  # a usage error of typer, whose class differs between its versions
        context = getattr(error, "ctx", None)
        path = context.command_path if context else program_name(sys.argv[0])
        return _fail(message().replace("Value error, ", ""), f"{path} --help", USAGE)
    if os.environ.get(DEBUG):
        raise error
    return _fail(
        f"a bug in kubelore: {type(error).__name__}: {error}",
        f"run it again with {DEBUG}=1 and report it",
        BUG,
    )


def _fail(message: str, hint: str, code: int) -> int:
    from kubelore.redaction import redact  # a message may quote what a cluster or a file said

    message, hint = redact(message), redact(hint)
    with suppress(BrokenPipeError):
        typer.echo(f"error: {clean(message)}", err=True)
        if hint:
            typer.echo(f"hint: {clean(hint)}", err=True)
    return code


def _reader_went_away() -> int:
    """`kubelore scan | head`: stop without a word, as other filters do."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
