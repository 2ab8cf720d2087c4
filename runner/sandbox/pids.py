# SPDX-License-Identifier: Apache-2.0
"""Bound how many processes a sandbox may have at once, so that a fork bomb ends in an error and not in a reboot.

Real root is exempt from ``RLIMIT_NPROC`` (setrlimit(2)), so it gets a control group of its own for the time of one
command (cgroup v2, or v1's ``pids``), where the hierarchy is writable. In a user namespace the limit counts, and
counts only the processes of that namespace. Where neither can be had the command runs without this bound.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from runner.sandbox.environment import PROCESSES
from runner.sandbox.identity import in_user_namespace

if TYPE_CHECKING:
    from collections.abc import Iterator

_HIERARCHIES = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/pids"))
"""Mount points of cgroup v2, and of v1's ``pids`` controller."""

_JOIN = 'echo 0 > "$0" && exec "$@"'
_REMOVE_TRIES = 50


@contextmanager
def bounded(limit: int = PROCESSES, hierarchies: tuple[Path, ...] = _HIERARCHIES) -> Iterator[tuple[str, ...]]:
    """Yield the command prefix that puts a program and its descendants under the bound of ``limit`` processes."""
    if in_user_namespace():
        yield ("prlimit", f"--nproc={limit}")
        return
    group = _make_group(limit, hierarchies)
    if group is None:
        yield ()
        return
    try:
        yield ("sh", "-c", _JOIN, str(group / "cgroup.procs"))
    finally:
        _remove_group(group)


def _make_group(limit: int, hierarchies: tuple[Path, ...]) -> Path | None:
    for base in hierarchies:
        group = base / f"packhouse-{os.getpid()}-{time.monotonic_ns():x}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            with (group / "pids.max").open("r+") as stream:  # never made: the folder may be no control group
                stream.write(str(limit))
        except OSError:
            _remove_group(group)
        else:
            return group
    return None


def _remove_group(group: Path) -> None:
    """A group can go once its last process is gone, which may be a moment after its death."""
    for _ in range(_REMOVE_TRIES):
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)
        else:
            return
