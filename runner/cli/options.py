# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, and what they mean together."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runner.cli.output import ConsoleReporter, Style
from runner.errors import UsageError

if TYPE_CHECKING:
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
        from runner.config import load_config
        from runner.packages.mirrors import Mirrors
        from runner.pipeline.request import Machine
        from runner.redact import Redactor
        from runner.sources.credentials import secrets_of
        from runner.store import Store, default_location

        config = load_config(os.environ)
        redact = Redactor.of([*secrets, *secret_environment(), *secrets_of(source, os.environ)])
        given = dict(_name_and_url(text) for text in self.mirrors)
        place = self.store or (
            Path(config.store) if config.store and "PACKHOUSE_STORE" not in os.environ else None
        )
        return Machine(
            store=Store((place or default_location(os.environ)).absolute()),
            mirrors=Mirrors(given=given, env=dict(os.environ), configured=config.mirrors),
            reporter=self.reporter,
            redact=redact,
            log_level=_level(self.style),
            log_json=self.style.json,
            env=dict(os.environ),
            packages_from=self._packages_from(config.packages_from),
            timeout=config.timeout if self.timeout is None else self.timeout,
            store_size=config.store_size,
            use_layers=use_layers,
            repository_map=tuple(config.repositories.map.items()),
        )

    def _packages_from(self, configured: tuple[str, ...]) -> tuple[str, ...]:
        """What was given; else what the environment says, separated by spaces; else the configuration."""
        return self.packages_from or tuple(os.environ.get("PACKHOUSE_PACKAGES_FROM", "").split()) or configured


def secret_environment() -> list[str]:
    """Values of the environment that must never be seen."""
    from runner.packages.credentials import Credentials

    names = (
        *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PACKHOUSE_KEY_PASSPHRASE"),
        *("PACKHOUSE_GIT_PASSWORD", "PACKHOUSE_BOOT_PASSWORD"),
    )
    logins = Credentials(os.environ).secrets
    return [*logins, *(os.environ[name] for name in names if os.environ.get(name))]


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
