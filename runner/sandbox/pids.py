# SPDX-License-Identifier: Apache-2.0
"""Bound how many processes a sandbox may have at once, so that a fork bomb ends in an error and not in a reboot.

Real root is exempt from ``RLIMIT_NPROC`` (setrlimit(2)), so it gets a control group of its own for the time of one
command (cgroup v2, or v1's ``pids``), where the hierarchy is writable. In a user namespace the limit counts, and
counts only the processes of that namespace; it cannot be more than we have ourselves. Where neither can be had the
command runs without this bound.
"""

from __future__ import annotations

import contextlib
import os
import resource
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

PREFIX = "packhouse-"
"""Of the groups' names, before the time of their making on the monotonic clock and the maker's process id."""

_JOIN = 'echo 0 > "$0" && exec "$@"'
_REMOVE_TRIES = 50
_ABANDONED = 60 * 10**9
"""Nanoseconds; a group is joined within milliseconds of its making, so an older empty one has no owner."""


@contextmanager
def bounded(limit: int = PROCESSES, hierarchies: tuple[Path, ...] = _HIERARCHIES) -> Iterator[tuple[str, ...]]:
    """Yield the command prefix that puts a program and its descendants under the bound of ``limit`` processes."""
    if in_user_namespace():
        _, most = resource.getrlimit(resource.RLIMIT_NPROC)
        yield ("prlimit", f"--nproc={limit if most == resource.RLIM_INFINITY else min(limit, most)}")
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
        group = base / f"{PREFIX}{time.monotonic_ns():x}-{os.getpid()}"
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
            _sweep(base)
            return group
    return None


def _sweep(base: Path) -> None:
    """Remove empty groups that builds killed long ago left behind; a group in use cannot be removed."""
    latest = time.monotonic_ns() - _ABANDONED
    for group in base.glob(f"{PREFIX}*-*"):
        made = group.name.removeprefix(PREFIX).partition("-")[0]
        if int(made, 16) < latest:
            with contextlib.suppress(OSError):
                group.rmdir()


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
