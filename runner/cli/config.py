# SPDX-License-Identifier: Apache-2.0
"""``packhouse config``: whether the runner's configuration is right, and what it says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli.anywhere import with_global_options
from runner.cli.output import print_result

if TYPE_CHECKING:
    from runner.cli.options import Session
    from runner.service.config.model import ServiceConfig
    from runner.service.config.problem import Problem

_FILE = click.argument("file", type=click.Path(path_type=Path), required=False)
_COUNTED = ("repositories", "destinations", "secrets", "notifications", "tokens")


@click.group()
def config() -> None:
    """Look at the configuration of the runner.

    FILE is ./packhouse.yaml or /etc/packhouse/packhouse.yaml unless it is given.
    """


@click.command()
@_FILE
@click.option(
    "--no-files", is_flag=True, help="Leave out whether keys, scripts and secrets' files are on this machine."
)
@click.option("--secrets", is_flag=True, help="Also fetch each secret from where it is said to be.")
@click.pass_obj
def check(session: Session, /, file: Path | None, no_files: bool, secrets: bool) -> None:  # noqa: FBT001
    """Say whether the configuration is right, or everything that is wrong with it.

    Ends with 0 when it is right and with 2 when it is not.
    """
    from runner.service.config.load import find_config, load_config
    from runner.service.config.problem import ConfigError

    path = file or find_config()
    try:
        loaded = load_config(path, files=not no_files)
        if secrets:
            _fetch_secrets(loaded, path)
    except ConfigError as error:
        if not session.style.json:
            raise
        print_result(session.style, _body(path, error.problems), "")
        raise click.exceptions.Exit(error.exit_code) from None
    counts = ", ".join(f"{len(getattr(loaded, key))} {key}" for key in _COUNTED)
    print_result(session.style, _body(path), f"{path} is right: {counts}")


@click.command()
@_FILE
@click.pass_obj
def show(session: Session, /, file: Path | None) -> None:
    """Print the configuration with every default filled in: durations in seconds, sizes in bytes."""
    import msgspec

    from runner.service.config.load import dump_config, find_config, load_config

    loaded = load_config(file or find_config(), files=False)
    print_result(session.style, msgspec.to_builtins(loaded), dump_config(loaded).rstrip())


for _command in (check, show):
    config.add_command(with_global_options(_command))


def _fetch_secrets(loaded: ServiceConfig, path: Path) -> None:
    from runner.service.config.problem import ConfigError, Problem
    from runner.service.config.secrets import Secrets

    missing = Secrets(loaded.secrets, os.environ).unavailable()
    if missing:
        found = [Problem(("secrets", error.name), error.why or error.what, error.hint or "") for error in missing]
        raise ConfigError(str(path), found)


def _body(path: Path, problems: tuple[Problem, ...] = ()) -> dict[str, Any]:
    from runner.service.config.problem import shown

    return {
        "file": str(path),
        "valid": not problems,
        "problems": [
            {
                "key": shown(problem.path),
                "line": problem.line,
                "message": problem.message,
                "hint": problem.hint or None,
            }
            for problem in problems
        ],
    }
