# SPDX-License-Identifier: Apache-2.0
"""End every process that lives in a tree, and wait until it has.

A killed launcher takes its process namespace with it, but a moment later than the call that killed it returns; and
without such a namespace a process that went into a session of its own outlives it altogether. A process is known
by its root directory, which it cannot change without a privilege that is not given to it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE = 10.0
"""Seconds; a process in uninterruptible sleep is left behind after that."""


@contextmanager
def none_left(root: Path) -> Iterator[None]:
    """When the block is left by an exception (limit, Ctrl-C), end what still lives in the tree ``root``."""
    try:
        yield
    except BaseException:
        end_all(root)
        raise


def end_all(root: Path) -> None:
    """Kill every process whose root directory is ``root``, until there is none."""
    deadline = time.monotonic() + _PATIENCE
    while pids := living_in(root):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return
        time.sleep(0.002)


def living_in(root: Path) -> list[int]:
    """Return the ids of all processes whose root directory is ``root``; none for the machine's own root."""
    identity = root.stat()
    if os.path.samestat(identity, Path("/").stat()):
        return []
    return [pid for pid in _processes() if _lives_in(pid, identity)]


def _processes() -> Iterator[int]:
    return (int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit())


def _lives_in(pid: int, identity: os.stat_result) -> bool:
    try:
        root = Path(f"/proc/{pid}/root").stat()
    except OSError:
        return False  # gone, a zombie, or not ours to look at
    return os.path.samestat(root, identity)
