# SPDX-License-Identifier: Apache-2.0
"""The command group, its global options, and the one place where an error becomes an exit code."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Any

import click

from runner import __version__
from runner.cli.anywhere import global_options, with_global_options
from runner.cli.output import Style, print_error
from runner.errors import INTERRUPTED, HostError, PackhouseError, UsageError

COMMANDS = {
    "build": "build",
    "prepare": "build",
    "create": "build",
    "plan": "inspect",
    "validate": "validate",
    "matrix": "matrix",
    "upgrade": "upgrade",
    "lock": "inspect",
    "publish": "release",
    "fetch": "release",
    "verify": "release",
    "keygen": "release",
    "boot": "boot",
    "kiwi": "kiwi",
    "serve": "service",
    "worker": "service",
    "config": "config",
    "jobs": "remote",
    "job": "remote",
    "cancel": "remote",
    "retry": "remote",
    "trigger": "remote",
    "schedule": "remote",
    "workers": "remote",
    "doctor": "machine",
    "schema": "machine",
    "completion": "machine",
}
"""Command to the module of this package that has it, in the order of the help page."""

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _LazyGroup(click.Group):
    """Imports the module of a command only when the command is used or helped with.

    Its page fits one screen, and does not tell of the option that whoever reads it has just used.
    """

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.hidden = True
        return option

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"runner.cli.{COMMANDS[name]}")
        return with_global_options(getattr(module, name))


@click.group(
    cls=_LazyGroup,
    params=global_options(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="packhouse", message="%(prog)s %(version)s")
def cli() -> None:
    """Build OS images from KIWI descriptions, reproducibly; sign and publish them."""


def run(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code; see ``docs/exit-codes.md``."""
    for number in _ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup(1)
            signal.signal(number, _interrupt)
    arguments = sys.argv[1:] if argv is None else argv
    style = Style(json="--json" in arguments)  # known also when the arguments make no sense
    try:
        ended = cli.main(args=arguments, prog_name="packhouse", standalone_mode=False)
    except click.ClickException as error:
        return _misused(style, error)
    except (KeyboardInterrupt, click.exceptions.Abort):
        return _interrupted(style)
    except PackhouseError as error:
        return _fail(style, error)
    except Exception as error:  # noqa: BLE001  # the last door: a bug must not show a traceback either
        return _last_door(style, error)
    return ended if isinstance(ended, int) else 0  # what click.exceptions.Exit says comes back as a value


class _InterruptedError(PackhouseError):
    exit_code = INTERRUPTED
    kind = "interrupted"


def _interrupt(*_: Any) -> None:
    for number in _ENDING:  # a second one must not cut the cleaning up short
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _misused(style: Style, error: click.ClickException) -> int:
    if style.json:
        print_error(style, UsageError(error.format_message(), hint="packhouse COMMAND --help lists the options"))
    else:
        error.show()
    return error.exit_code


def _interrupted(style: Style) -> int:
    what = "interrupted: nothing was published, nothing is left behind"
    if style.json:
        return _fail(style, _InterruptedError(what))
    click.echo(what, err=True)  # what was asked for is no error
    return INTERRUPTED


def _fail(style: Style, error: PackhouseError) -> int:
    print_error(style, error)
    return error.exit_code


def _last_door(style: Style, error: Exception) -> int:
    if isinstance(error, BrokenPipeError):  # the reader of our output went away, as head(1) does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if os.environ.get("PACKHOUSE_TRACEBACK"):
        raise error
    if isinstance(error, OSError):
        return _fail(
            style,
            HostError(
                "this machine's files cannot be used",
                where=str(error.filename) if error.filename else None,
                why=error.strerror or str(error),
                hint="check space and permissions of the store, the target and the temporary folder",
            ),
        )
    hint = "this is a bug; run again with PACKHOUSE_TRACEBACK=1 and report what it prints"
    return _fail(style, PackhouseError(f"internal error: {type(error).__name__}: {error}", hint=hint))
