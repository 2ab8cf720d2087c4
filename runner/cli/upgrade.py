# SPDX-License-Identifier: Apache-2.0
"""``packhouse upgrade``: a description in the newest schema version, or in another syntax."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli.output import print_result
from runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.cli.options import Session
    from runner.description.formats import Syntax
    from runner.description.rewrite import Rewritten
    from runner.sources.checkout import Checkout

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("source")
@click.option("--ref", help="Branch, tag or commit; default is the remote's HEAD, or the path as it is.")
@click.option("--subdir", metavar="DIR", help="Folder of the description inside SOURCE.")
@click.option("--kiwi-file", metavar="NAME", help="Main file, when it is not the one KIWI would find.")
@click.option(
    "--to", type=click.Choice(["xml", "yaml", "json", "toml"]), help="Syntax; default is the file's own."
)
@click.option("--in-place", is_flag=True, help="Rewrite the file, and those it includes.")
@click.option("-o", "--output", type=_FILE, help="Write the main file to this file instead.")
@click.option("--check", is_flag=True, help="Only list what would change; exit code 1 if anything would.")
@click.pass_obj
def upgrade(  # noqa: PLR0917  # click hands every option over
    session: Session,
    /,
    source: str,
    ref: str | None,
    subdir: str | None,
    kiwi_file: str | None,
    to: Syntax | None,
    in_place: bool,  # noqa: FBT001
    output: Path | None,
    check: bool,  # noqa: FBT001
) -> None:
    """Bring a description to the newest schema version.

    Prints the main file, comments kept, and on standard error what changed. Done twice it changes nothing more.
    """
    from runner.description.rewrite import rewrite
    from runner.sources.api import checkout

    if in_place + (output is not None) + check > 1:
        raise UsageError("choose one of --in-place, --output and --check")
    machine = session.machine(source=source)
    try:
        with machine.store.scratch("source") as work:
            place = checkout(source, ref=ref, subdir=subdir, work=work, log=machine.reporter.line, env=machine.env)
            if in_place and place.work_tree.is_relative_to(work):
                raise UsageError("--in-place needs a folder of this machine", hint="clone the repository first")
            files = rewrite(place.directory, kiwi_file, boundary=place.work_tree, to=to)
            if in_place:
                _replace(place, files)
    finally:
        session.reporter.close()
    if output is not None:
        _write(output, files[0].after)
    _tell(session, files, show=not (in_place or check or output is not None))
    if check and any(file.changed for file in files):
        raise click.exceptions.Exit(1)


def _replace(place: Checkout, files: Sequence[Rewritten]) -> None:
    for file in files:
        if file.changed:
            _write((place.directory / file.name).resolve(), file.after)


def _write(path: Path, data: bytes) -> None:
    """Write a file as a whole or not at all; its mode stays."""
    beside = path.with_name(f".{path.name}.packhouse-{os.getpid()}")
    try:
        beside.write_bytes(data)
        if path.exists():
            beside.chmod(path.stat().st_mode & 0o7777)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _tell(session: Session, files: Sequence[Rewritten], *, show: bool) -> None:
    """Print the main file, or what changed; with the file on standard output the changes go to standard error."""
    lines = [line for file in files for line in _summary(file)]
    if session.style.json:
        body = {"files": [_as_json(file) for file in files]}
        if show:
            body["text"] = files[0].after.decode("utf-8", "replace")  # type: ignore[assignment]
        print_result(session.style, body, "")
    elif show:
        click.echo(files[0].after, nl=False)
        if not session.style.quiet:
            click.echo("\n".join(lines), err=True)
    elif not session.style.quiet:
        click.echo("\n".join(lines))
    lost = sum(file.lost_comments for file in files)
    if lost:
        session.reporter.warning(f"JSON has no comments: {lost} are left out")


def _summary(file: Rewritten) -> list[str]:
    from runner.description.upgrade import NEWEST

    if not file.changed:
        return [f"{file.name}: nothing to change"]
    version = f"schema version {file.written} → {NEWEST}" if file.written != NEWEST else "syntax changed"
    return [f"{file.name}: {version}", *(f"  {change}" for change in file.changes)]


def _as_json(file: Rewritten) -> dict[str, Any]:
    return {
        "file": file.name,
        "schemaversion": file.written,
        "changed": file.changed,
        "changes": [
            {"line": change.where.line, "element": change.where.element, "what": change.what, "step": change.step}
            for change in file.changes
        ],
    }
