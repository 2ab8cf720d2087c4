# SPDX-License-Identifier: Apache-2.0
"""Options of ``build`` that let an image be released only after it was started."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runner.errors import UsageError

if TYPE_CHECKING:
    from runner.pipeline.request import BootGate

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

PASSWORD = "PACKHOUSE_BOOT_PASSWORD"  # noqa: S105  # the name of a variable
_SCRIPT = click.Path(path_type=Path, dir_okay=False, exists=True)
_USER, _SECONDS = "root", 600.0

_OPTIONS = (
    click.option("--boot-test", is_flag=True, help="Start the disk; release it only when it comes up."),
    click.option(
        "--boot-firmware",
        type=click.Choice(["bios", "uefi", "secure"]),
        multiple=True,
        help="Start it with this; repeatable. Default is the description's firmware.",
    ),
    click.option("--boot-script", type=_SCRIPT, metavar="FILE", help="Log in and run FILE; it has to succeed."),
    click.option("--boot-user", metavar="NAME", help=f"Who logs in, with {PASSWORD}; default {_USER}."),
    click.option(
        "--boot-timeout", type=click.FloatRange(min=1), metavar="S", help=f"For each test; default {_SECONDS:g}."
    ),
)


def boot_options(command: Decorated) -> Decorated:
    """Add the options; :func:`gate_of` makes their value."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def gate_of(options: dict[str, Any]) -> BootGate | None:
    """Take the values of :func:`boot_options` out of ``options`` and return what they mean; None is no test."""
    from runner.boot.model import Login
    from runner.pipeline.request import BootGate

    names = ("firmware", "script", "user", "timeout")
    firmware, script, user, seconds = values = [options.pop(f"boot_{name}") for name in names]
    if not options.pop("boot_test"):
        for name, value in zip(names, values, strict=True):
            if value:
                raise UsageError(f"--boot-{name} needs --boot-test")
        return None
    return BootGate(
        firmware=firmware,
        script=script.read_bytes() if script else None,
        login=Login(user or _USER, os.environ.get(PASSWORD, "")),
        seconds=seconds or _SECONDS,
    )
