# SPDX-License-Identifier: Apache-2.0
"""Commands about this machine and this program: ``doctor``, ``schema`` and ``completion``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.output import print_result
from runner.errors import HostError, UsageError

if TYPE_CHECKING:
    from runner.cli.options import Session


@click.command()
@click.pass_obj
def doctor(session: Session, /) -> None:
    """Check what a build needs of this machine.

    For everything that is missing it prints the command that mends it.
    """
    from runner.doctor import probe_all

    machine = session.machine()
    checks = probe_all(machine.store.root, machine.mirrors)
    body = [
        {
            "name": check.name,
            "ok": check.ok,
            "required": check.required,
            "found": check.found,
            "fix": check.fix,
            "why": check.why,
        }
        for check in checks
    ]
    lines = []
    for check in checks:
        mark = "ok  " if check.ok else "MISS" if check.required else "opt "
        lines.append(f"{mark}  {check.name:<28} {check.found}")
        if not check.ok:
            lines += [f"      why: {check.why}", f"      fix: {check.fix}"]
    missing = [check for check in checks if check.required and not check.ok]
    lines.append(f"{len(missing)} needed thing(s) missing" if missing else "this machine can build")
    print_result(session.style, {"ok": not missing, "checks": body}, "\n".join(lines))
    if missing:
        raise click.exceptions.Exit(HostError.exit_code)


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to.")
@click.pass_obj
def schema(session: Session, /, out: Path) -> None:
    """Write the JSON Schemas of our files."""
    from runner.schema import write_schemas

    paths = [str(path) for path in write_schemas(out)]
    print_result(session.style, {"files": paths}, "\n".join(paths))


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell."""
    from click.shell_completion import get_completion_class

    from runner.cli.main import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"no completion for {shell}")
    os.environ.pop("_PACKHOUSE_COMPLETE", None)
    click.echo(kind(cli, {}, "packhouse", "_PACKHOUSE_COMPLETE").source())
