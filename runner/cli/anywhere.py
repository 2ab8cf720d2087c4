# SPDX-License-Identifier: Apache-2.0
"""The global options: they may stand before a command or among its own, and mean the same there."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from runner.cli.options import Session
from runner.cli.output import ConsoleReporter

_STYLE = ("json", "verbose", "quiet")
_LISTS = ("mirrors", "packages_from")


def global_options(*, hidden: bool = False) -> list[click.Parameter]:
    """Make the global options; what they say goes into the :class:`Session` of the context."""
    common: dict[str, Any] = {"expose_value": False, "callback": _take, "hidden": hidden}
    return [
        click.Option(["--json"], is_flag=True, help="Results and errors as JSON.", **common),
        click.Option(["-v", "--verbose"], count=True, help="Show the tools' output; twice for more.", **common),
        click.Option(["-q", "--quiet"], is_flag=True, help="Errors only.", **common),
        click.Option(["--store"], type=click.Path(path_type=Path), help="Folder of the local store.", **common),
        click.Option(
            ["--mirror", "mirrors"], multiple=True, metavar="NAME=URL", help="What mirror://NAME means.", **common
        ),
        click.Option(
            ["--packages-from"],
            multiple=True,
            metavar="URL",
            help="Storage to look in for packages before the mirror.",
            **common,
        ),
        click.Option(
            ["--timeout"],
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            help="Longest time of a build.",
            **common,
        ),
    ]


def with_global_options(command: click.Command) -> click.Command:
    """Return ``command`` so that it takes the global options too, but for those it has itself.

    A group of commands, and a command that hands unknown options on, stays as it is.
    """
    if isinstance(command, click.Group) or command.context_settings.get("ignore_unknown_options"):
        return command
    taken = {name for parameter in command.params for name in parameter.opts}
    wider = copy.copy(command)
    wider.params = [
        *command.params,
        *(option for option in global_options(hidden=True) if not taken.intersection(option.opts)),
    ]
    wider.epilog = command.epilog or "Global options may stand here as well: packhouse --help lists them."
    return wider


def _take(ctx: click.Context, option: click.Parameter, value: Any) -> None:
    """Put an option's value into the session; one that was not given changes nothing."""
    session = ctx.obj if isinstance(ctx.obj, Session) else Session()
    ctx.obj = _with(session, str(option.name), value) if value else session


def _with(session: Session, name: str, value: Any) -> Session:
    if name in _STYLE:
        style = replace(session.style, **{name: value})
        return replace(session, style=style, reporter=ConsoleReporter(style))
    if name in _LISTS:
        value = (*getattr(session, name), *value)
    return replace(session, **{name: value})
