# SPDX-License-Identifier: Apache-2.0
"""What the options that may stand anywhere on KIWI's command line say together."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.cli.kiwi.logfile import LoggedReporter
from runner.cli.output import ConsoleReporter
from runner.errors import UsageError

if TYPE_CHECKING:
    import click

    from runner.cli.kiwi.runtime import RuntimeConfiguration
    from runner.cli.options import Session
    from runner.cli.output import Style

_META = __name__
_DEBUG, _INFO = 10, 20


@dataclass(frozen=True, slots=True)
class Asked:
    """The values of :data:`runner.cli.kiwi.table.COMMON`."""

    profiles: tuple[str, ...] = ()
    type_name: str | None = None
    kiwi_file: str | None = None
    arch: str | None = None
    setenv: tuple[str, ...] = ()
    shared_cache_dir: str | None = None
    debug: bool = False
    logfile: str | None = None
    loglevel: str | None = None
    config: str | None = None

    @classmethod
    def of(cls, ctx: click.Context) -> Asked:
        """Return what was asked so far, before the command and behind it."""
        found = ctx.meta.get(_META)
        return found if isinstance(found, Asked) else cls()

    @property
    def runtime(self) -> RuntimeConfiguration:
        """What KIWI's runtime configuration says; nothing without one.

        Raises:
            UsageError: it cannot be read, or is wrong.
        """
        from runner.cli.kiwi.runtime import RuntimeConfiguration, read_runtime_configuration

        return read_runtime_configuration(Path(self.config)) if self.config else RuntimeConfiguration()

    def session(self, base: Session) -> Session:
        """Return ``base`` as these options want it, and set the environment as asked.

        Raises:
            UsageError: a value makes no sense, or the log file cannot be written.
        """
        for text in self.setenv:
            name, equals, value = text.partition("=")
            if not (name and equals) or "\0" in text:
                raise UsageError(f"--setenv {name!r} is not NAME=VALUE")
            os.environ[name] = value
        style = replace(base.style, verbose=max(base.style.verbose, self._verbosity()))
        store = Path(self.shared_cache_dir) / "packhouse" if self.shared_cache_dir else base.store
        return replace(base, style=style, store=store, reporter=self._reporter(style))

    def _verbosity(self) -> int:
        if self.loglevel is not None and not self.loglevel.isdecimal():
            raise UsageError(f"--loglevel {self.loglevel!r} is not a number", hint="for instance 10, 20 or 30")
        level = _DEBUG if self.debug else int(self.loglevel or "30")
        return 2 if level <= _DEBUG else int(level <= _INFO)

    def _reporter(self, style: Style) -> ConsoleReporter:
        return LoggedReporter.open(style, self.logfile) if self.logfile else ConsoleReporter(style)


def take(ctx: click.Context, option: click.Parameter, value: Any) -> None:
    """Note an option's value; one that was not given changes nothing, and lists grow."""
    if not value:
        return
    asked, name = Asked.of(ctx), str(option.name)
    if isinstance(value, tuple):
        value = (*getattr(asked, name), *value)
    ctx.meta[_META] = replace(asked, **{name: value})
