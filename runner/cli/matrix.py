# SPDX-License-Identifier: Apache-2.0
"""``packhouse matrix``: all images of one description, for people and for the matrix of a CI workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from runner.cli.options import Session, selection, source_options
from runner.cli.output import print_result
from runner.cli.overrides import override_options
from runner.cli.tables import table

if TYPE_CHECKING:
    from runner.plan.matrix import Matrix, MatrixEntry


@click.command()
@source_options
@override_options
@click.option("--buildable", is_flag=True, help="Leave out what this engine cannot build yet.")
@click.option("--all", "show_all", is_flag=True, help="Also list what gives no plan, with the reason.")
@click.pass_obj
def matrix(session: Session, /, buildable: bool, show_all: bool, **source: Any) -> None:  # noqa: FBT001
    """List every image that a description can give.

    The default profiles, then each profile by itself, with each type. With --json the result is a strategy.matrix
    of a CI workflow: each entry has the arguments for packhouse build.
    """
    import msgspec

    from runner.pipeline.source import open_source

    chosen = selection(**source)
    with open_source(chosen, session.machine(source=source["source"])) as opened:
        made = opened.matrix(chosen)
    session.reporter.close()
    include = [entry for entry in made.include if entry.supported or not buildable]
    body = {"include": [msgspec.to_builtins(entry) for entry in include]}
    if show_all:
        body["refused"] = [msgspec.to_builtins(entry) for entry in made.refused]
    print_result(session.style, body, _text(made, include, show_all=show_all))


def _text(made: Matrix, include: list[MatrixEntry], *, show_all: bool) -> str:
    rows = [(_profiles(entry.profiles), entry.type, f"{entry.result}.*", _state(entry)) for entry in include]
    lines = table([("PROFILES", "TYPE", "RESULT", ""), *rows]) if rows else ["nothing can be built"]
    if made.refused and not show_all:
        lines.append(f"{len(made.refused)} more choices give no plan; --all tells why")
    elif made.refused:
        lines += ["", "no plan:"]
        lines += table(
            ((_profiles(item.profiles), item.type or "-", item.why, item.where) for item in made.refused),
            indent="  ",
        )
    return "\n".join(lines)


def _profiles(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "(default)"


def _state(entry: MatrixEntry) -> str:
    if entry.supported:
        return ""
    more = f" and {len(entry.why) - 1} more" if len(entry.why) > 1 else ""
    return f"not yet: {entry.why[0]}{more}"
