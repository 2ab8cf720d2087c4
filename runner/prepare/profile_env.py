# SPDX-License-Identifier: Apache-2.0
"""Writes ``/.profile``: the plan's variables as shell assignments that scripts source."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.prepare.step import Bench

VERSION = 1
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Inputs:
    """The variables by name."""

    environment: Mapping[str, str]


def render(environment: Mapping[str, str]) -> str:
    """Return one quoted assignment a line, sorted by name; sourcing it gives back exactly the values.

    Raises:
        BuildError: a name is no shell variable name, or a value holds a NUL.
    """
    lines = []
    for name, value in sorted(environment.items()):
        if not _NAME.match(name) or "\0" in value:
            raise BuildError(f"{name!r} cannot be a shell variable")
        lines.append(f"{name}={shlex.quote(value)}\n")
    return "".join(lines)


def run(inputs: Inputs, bench: Bench) -> None:
    """Write ``/.profile``."""
    bench.paths.write("/.profile", render(inputs.environment).encode())
