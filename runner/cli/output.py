# SPDX-License-Identifier: Apache-2.0
"""How the command speaks: results on standard output, progress and errors on standard error.

On a terminal a line with a spinner shows the running phase; elsewhere each phase is one plain line; with
``--json`` results and errors are JSON objects.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.status import Status

    from runner.errors import PackhouseError
    from runner.packages.fetch import Progress


@dataclass(frozen=True, slots=True)
class Style:
    """How much is said, and to whom."""

    json: bool = False
    verbose: int = 0
    quiet: bool = False


def print_result(style: Style, value: Any, text: str) -> None:
    """Print a command's result: ``value`` as JSON for a machine, ``text`` for a person who wants to hear it."""
    if style.json:
        click.echo(json.dumps(value, indent=2, sort_keys=True))
    elif text and not style.quiet:
        click.echo(text)


def print_error(style: Style, error: PackhouseError) -> None:
    """Print one error; the log tail first, so that the reason is the last thing read."""
    if style.json:
        body = {
            "kind": error.kind,
            "what": error.what,
            "where": str(error.where) if error.where else None,
            "file": str(getattr(error.where, "file", "")) or None,
            "line": getattr(error.where, "line", None),
            "why": error.why,
            "hint": error.hint,
            "log": str(error.log) if error.log else None,
            "log_tail": list(error.log_tail),
            "exit_code": error.exit_code,
        }
        click.echo(json.dumps({"error": body}, sort_keys=True), err=True)
        return
    if error.log_tail:
        click.secho("last lines of the log:", err=True, dim=True)
        for line in error.log_tail:
            click.echo(f"  | {line}", err=True)
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(str(error), err=True)


class ConsoleReporter:
    """Shows phases as they pass."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._status: Status | None = None
        self._live = sys.stderr.isatty() and not style.json and not style.quiet and not style.verbose

    def started(self, phase: str) -> None:
        if self._live:
            self._show(f"{phase} …")
        elif self._style.verbose:
            click.echo(f"--- {phase}", err=True)

    def finished(self, phase: str, seconds: float, *, cached: bool = False, detail: str = "") -> None:
        self._hide()
        if self._style.quiet or self._style.json:
            return
        time = "cached" if cached else f"{seconds:.2f} s"
        click.echo(f"{phase:<12} {time:>9}  {detail}".rstrip(), err=True)

    def fetched(self, progress: Progress) -> None:
        if self._live:
            self._show(
                f"fetch … {progress.files}/{progress.of_files} packages, "
                f"{progress.size / 1e6:.1f} of {progress.of_size / 1e6:.1f} MB"
            )

    def line(self, text: str) -> None:
        if self._style.verbose:
            click.echo(text, err=True)

    def warning(self, text: str) -> None:
        self._hide()
        click.secho(f"warning: {text}", fg="yellow", err=True)

    def close(self) -> None:
        """Take the spinner away."""
        self._hide()

    def _show(self, text: str) -> None:
        if self._status is None:
            from rich.console import Console

            self._status = Console(stderr=True).status(text)
            self._status.start()
        else:
            self._status.update(text)

    def _hide(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
