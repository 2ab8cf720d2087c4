# SPDX-License-Identifier: Apache-2.0
"""Commands that build nothing: ``plan`` and ``lock``."""

from __future__ import annotations

from typing import Any

import click

from runner.cli.options import Session, selection, source_options
from runner.cli.output import print_result
from runner.cli.overrides import override_options
from runner.cli.plan_text import plan_text


@click.command()
@source_options
@override_options
@click.pass_obj
def plan(session: Session, /, **source: Any) -> None:
    """Show what would be built, every default filled in."""
    import msgspec

    from runner.pipeline.source import open_source

    chosen = selection(**source)
    with open_source(chosen, session.machine(source=source["source"])) as opened:
        made = opened.plan(chosen)
    session.reporter.close()
    body = {**msgspec.to_builtins(made), "digest": made.digest}
    print_result(session.style, body, plan_text(made))


@click.command()
@source_options
@override_options
@click.option("--update", is_flag=True, help="Resolve anew what is locked already.")
@click.pass_obj
def lock(session: Session, /, update: bool, **source: Any) -> None:  # noqa: FBT001
    """Lock the packages of a description's images.

    Writes a file beside the description, with a lock for every image it can make, or for the one chosen.
    """
    from runner.pipeline.relock import relock

    chosen = selection(**source)
    try:
        result = relock(chosen, session.machine(source=source["source"]), update=update)
    finally:
        session.reporter.close()
    body = {
        "file": str(result.path),
        "locks": len(result.file.locks),
        "changes": [change.text for change in result.changes],
    }
    text = "\n".join([*(change.text for change in result.changes), f"lock: {result.path}"])
    print_result(session.style, body, text)
