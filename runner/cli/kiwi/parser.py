# SPDX-License-Identifier: Apache-2.0
"""Makes click's groups and options of the table."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import click

from runner.cli.kiwi.asked import Asked, take
from runner.cli.kiwi.table import COMMANDS, COMMON, Command, Fate, Switch
from runner.cli.options import Session
from runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

SERVICES = {
    "system": "Make trees and images.",
    "image": "Tell about a description.",
    "result": "Tell about results, and bundle them.",
}


def parameters(switches: Iterable[Switch], *, common: bool = False, hidden: bool = False) -> list[click.Parameter]:
    """Make options; values of ``common`` ones are gathered in :class:`Asked` instead of handed to the command."""
    return [_option(switch, common=common, hidden=hidden) for switch in switches]


def _option(switch: Switch, *, common: bool, hidden: bool) -> click.Option:
    kept = switch.fate is Fate.USED and not common
    callback = {Fate.USED: take if common else None, Fate.IGNORED: _ignore, Fate.REFUSED: _refuse}[switch.fate]
    shown = switch.text if switch.fate is Fate.USED else f"{switch.fate.value.capitalize()}: {switch.text}."
    names = [switch.name, switch.to] if switch.to else [switch.name]
    option: dict[str, Any] = {"expose_value": kept, "callback": callback, "hidden": hidden, "help": shown}
    if not switch.metavar:
        return click.Option(names, is_flag=True, **option)
    return click.Option(names, metavar=switch.metavar, multiple=switch.many, required=switch.required, **option)


def _ignore(ctx: click.Context, option: click.Parameter, value: Any) -> None:  # noqa: ARG001  # click's signature
    if value:
        click.secho(f"warning: {option.opts[0]} is ignored: {_reason(option)}", fg="yellow", err=True)


def _refuse(ctx: click.Context, option: click.Parameter, value: Any) -> None:  # noqa: ARG001  # click's signature
    if value:
        raise UsageError(f"{option.opts[0]} is refused", why=_reason(option))


def _reason(option: click.Parameter) -> str:
    switches = (*COMMON, *(switch for command in COMMANDS for switch in command.switches))
    return next(
        switch.text for switch in switches if switch.name == option.opts[0] and switch.fate is not Fate.USED
    )


def service(name: str) -> click.Group:
    """Return the group of the commands of the service ``name``."""
    group = click.Group(name, help=SERVICES[name], params=parameters(COMMON, common=True, hidden=True))
    for command in COMMANDS:
        if command.service == name:
            group.add_command(_command(command))
    return group


def _command(command: Command) -> click.Command:
    """Return one command: its work is the function of its name in the module of its service."""

    @click.pass_context
    def run(ctx: click.Context, /, **values: Any) -> None:
        if command.refused:
            raise UsageError(f"{command.service} {command.name} is refused", why=command.refused)
        session = Asked.of(ctx).session(ctx.obj if isinstance(ctx.obj, Session) else Session())
        for name, why in Asked.of(ctx).runtime.ignored:
            session.reporter.warning(f"{name} in the runtime configuration is ignored: {why}")
        module = importlib.import_module(f"runner.cli.kiwi.{command.service}")
        work = getattr(module, f"{command.name}_{command.service}")
        try:
            work(session, Asked.of(ctx), **values)
        finally:
            session.reporter.close()

    options = parameters(command.switches) + parameters(COMMON, common=True, hidden=True)
    text = command.text if not command.refused else f"Refused: {command.refused}."
    return click.Command(command.name, callback=run, params=options, help=text)
