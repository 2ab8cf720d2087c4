# SPDX-License-Identifier: Apache-2.0
"""``packhouse kiwi``: kiwi-ng's command line, so that a script that calls it needs one word more, nothing else.

As with kiwi-ng every error ends with exit status 1.
"""

from __future__ import annotations

from typing import Any

import click

from runner import __version__
from runner.cli.kiwi.parser import SERVICES, parameters, service
from runner.cli.kiwi.table import COMMON
from runner.cli.options import Session
from runner.cli.output import print_error
from runner.errors import PackhouseError

FAILED = 1
"""kiwi-ng's exit status for every error."""


class _Kiwi(click.Group):
    """Gives every error kiwi-ng's exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(SERVICES)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        return service(name) if name in SERVICES else None

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        try:
            return super().make_context(info_name, args, parent, **extra)
        except (click.ClickException, PackhouseError) as error:
            raise _failed(parent, error) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, PackhouseError) as error:
            raise _failed(ctx, error) from error


def _failed(ctx: click.Context | None, error: click.ClickException | PackhouseError) -> click.exceptions.Exit:
    if isinstance(error, click.ClickException):
        error.show()
    else:
        session = ctx.obj if ctx is not None and isinstance(ctx.obj, Session) else Session()
        print_error(session.style, error)
    return click.exceptions.Exit(FAILED)


@click.command(
    cls=_Kiwi,
    params=parameters(COMMON, common=True),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-v", "--version", prog_name="packhouse", message="%(prog)s %(version)s")
def kiwi() -> None:
    """Understand kiwi-ng's command line.

    Write packhouse kiwi for kiwi-ng; docs/kiwi-command-line.md tells what becomes of every option.
    """
