# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, and what they mean together."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runner.cli.output import ConsoleReporter, Style
from runner.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from runner.pipeline.request import Machine, Selection

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Session:
    """What the global options say. ``timeout`` in seconds; None where the configuration decides."""

    style: Style = field(default_factory=Style)
    store: Path | None = None
    mirrors: tuple[str, ...] = ()
    packages_from: tuple[str, ...] = ()
    timeout: float | None = None
    reporter: ConsoleReporter = field(default_factory=lambda: ConsoleReporter(Style()))

    def machine(self, *secrets: str | None, source: str = "", use_layers: bool = True) -> Machine:
        """Gather what this machine offers."""
        from runner.pipeline.machine import machine_of, redactor_of

        return machine_of(
            os.environ,
            self.reporter,
            redactor_of(os.environ, source, *secrets),
            store=self.store,
            mirrors=dict(_name_and_url(text) for text in self.mirrors),
            packages_from=self.packages_from,
            timeout=self.timeout,
            log_level=_level(self.style),
            log_json=self.style.json,
            use_layers=use_layers,
        )


def source_options(command: Decorated) -> Decorated:
    """SOURCE and what selects one image of it."""
    for option in reversed(
        (
            click.argument("source"),
            click.option(
                "--ref", help="Branch, tag or commit; default is the remote's HEAD, or the path as it is."
            ),
            click.option("--subdir", metavar="DIR", help="Folder of the description inside SOURCE."),
            click.option("--kiwi-file", metavar="NAME", help="Main file, when it is not the one KIWI would find."),
            click.option(
                "--profile", "profiles", multiple=True, metavar="P", help="Profile to build; repeatable."
            ),
            click.option("--type", "type_name", metavar="T", help="Image type; default is the primary one."),
            click.option("--target-arch", "arch", metavar="ARCH", help="Machine name as uname -m says it."),
            click.option(
                "--allow-unsigned-repositories",
                "allow_unsigned",
                is_flag=True,
                help='Honour repository_gpgcheck="false"; recorded in the manifest.',
            ),
            click.option(
                "--allow-expired-repositories",
                "allow_expired",
                is_flag=True,
                envvar="PACKHOUSE_ALLOW_EXPIRED_REPOSITORIES",
                help="Accept indices past their Valid-Until, as snapshots have; recorded in the manifest.",
            ),
        )
    ):
        command = option(command)
    return command


def selection(**options: Any) -> Selection:
    """Make a Selection of the values of :func:`source_options` and, where a command has them, of overrides."""
    from runner.cli.overrides import taken_from
    from runner.pipeline.request import Selection

    overrides = taken_from(options)
    return Selection(**options, overrides=overrides)


def read_passphrase(path: Path | None) -> str | None:
    """The key's passphrase: ``PACKHOUSE_KEY_PASSPHRASE``, or the first line of a file. Never an argument."""
    if path is None:
        return os.environ.get("PACKHOUSE_KEY_PASSPHRASE") or None
    try:
        return path.read_text(encoding="utf-8").split("\n", 1)[0]
    except OSError as error:
        raise UsageError("the passphrase file cannot be read", where=str(path), why=error.strerror) from error


def _level(style: Style) -> int:
    if style.verbose > 1:
        return logging.DEBUG
    return logging.INFO if style.verbose else logging.WARNING


def _name_and_url(text: str) -> tuple[str, str]:
    name, equals, url = text.partition("=")
    if not (name and equals and url):
        raise UsageError(
            f"--mirror {text!r} is not NAME=URL", hint="for instance --mirror debian=https://host/debian"
        )
    return name, url
