# SPDX-License-Identifier: Apache-2.0
"""The command group, its global options, and the one place where an error becomes an exit code."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from runner import __version__
from runner.cli.options import Session
from runner.cli.output import ConsoleReporter, Style, print_error
from runner.errors import INTERRUPTED, HostError, PackhouseError

COMMANDS = {
    "build": "build",
    "prepare": "build",
    "create": "build",
    "plan": "inspect",
    "validate": "inspect",
    "lock": "inspect",
    "publish": "release",
    "fetch": "release",
    "verify": "release",
    "keygen": "release",
    "doctor": "machine",
    "schema": "machine",
    "completion": "machine",
}
"""Command to the module of this package that has it, in the order of the help page."""


class _LazyGroup(click.Group):
    """Imports the module of a command only when the command is used or helped with."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"runner.cli.{COMMANDS[name]}")
        command: click.Command = getattr(module, name)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="packhouse", message="%(prog)s %(version)s")
@click.option("--json", "as_json", is_flag=True, help="Results and errors as JSON.")
@click.option("-v", "--verbose", count=True, help="Show the tools' output; twice for more.")
@click.option("-q", "--quiet", is_flag=True, help="Errors only.")
@click.option("--store", type=click.Path(path_type=Path), help="Folder of the local store.")
@click.option("--mirror", "mirrors", multiple=True, metavar="NAME=URL", help="What mirror://NAME means.")
@click.pass_context
def cli(  # noqa: PLR0917  # click hands every option over
    ctx: click.Context,
    as_json: bool,  # noqa: FBT001
    verbose: int,
    quiet: bool,  # noqa: FBT001
    store: Path | None,
    mirrors: tuple[str, ...],
) -> None:
    """Build operating-system images from KIWI descriptions, reproducibly; sign and publish them."""
    style = Style(json=as_json, verbose=verbose, quiet=quiet)
    ctx.obj = Session(style=style, store=store, mirrors=mirrors, reporter=ConsoleReporter(style))


def run(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code; see ``docs/exit-codes.md``."""
    signal.signal(signal.SIGTERM, _interrupt)
    arguments = sys.argv[1:] if argv is None else argv
    style = Style(json="--json" in arguments)
    try:
        cli.main(args=arguments, prog_name="packhouse", standalone_mode=False)
    except PackhouseError as error:
        print_error(style, error)
        return error.exit_code
    except (click.exceptions.Exit, click.ClickException) as ended:
        if isinstance(ended, click.ClickException):
            ended.show()
        return ended.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("interrupted: nothing was published, nothing is left behind", err=True)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the last door: a bug must not show a traceback either
        return _last_door(style, error)
    return 0


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _last_door(style: Style, error: Exception) -> int:
    if isinstance(error, BrokenPipeError):  # the reader of our output went away, as head(1) does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if os.environ.get("PACKHOUSE_TRACEBACK"):
        raise error
    if isinstance(error, OSError):
        fault = HostError(
            "this machine's files cannot be used",
            where=str(error.filename) if error.filename else None,
            why=error.strerror or str(error),
            hint="check space and permissions of the store, the target and the temporary folder",
        )
        print_error(style, fault)
        return fault.exit_code
    click.secho("internal error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(f"{type(error).__name__}: {error}", err=True)
    click.echo(
        "  to fix:  this is a bug; run again with PACKHOUSE_TRACEBACK=1 and report what it prints", err=True
    )
    return 1
