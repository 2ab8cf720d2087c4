# SPDX-License-Identifier: Apache-2.0
"""Copy a tree with everything it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import process
from runner.errors import BuildError, HostError

if TYPE_CHECKING:
    from pathlib import Path


def copy_tree(source: Path, target: Path) -> None:
    """Copy a tree with everything it has: owners, modes, times, links, extended attributes, holes."""
    try:
        process.run(
            ["cp", "--archive", "--reflink=auto", "--no-target-directory", source, target],
            what=f"copying {source}",
        )
    except BuildError as error:
        if any("No space left" in line for line in error.log_tail):
            raise HostError(f"no space is left to copy a tree to {target}") from error
        raise
