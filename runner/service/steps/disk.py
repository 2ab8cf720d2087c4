# SPDX-License-Identifier: Apache-2.0
"""What a step has written, as du(1) finds in the background: a walk through millions of files takes its time."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from runner import process
from runner.errors import PackhouseError
from runner.sandbox.identity import probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_PAUSE = 1.0
_SHARE = 0.2
"""Of the time may go into walking."""

_COUNTS = ("--block-size=1", "--inodes")
_FEW_BYTES, _FEW_SHARE = 10 << 30, 20
"""What is left on a disk is little below so many bytes, and below that part of a small one."""

_LEAST_BYTES = 4096
"""What a file or folder counts at least: an empty one has no block on disk, and yet there can be only so many."""

_SOON = 10
"""Walks; who goes on as between the last two fills the disk before so many more."""


class Walk(NamedTuple):
    """What a walk found, in bytes.

    Attributes:
        used: on disk.
        new: of these, since the first walk: a step finds what those before it left.
        grown: of these, since the walk before.
        room: what is left on that disk, once it is little.
    """

    used: int = 0
    new: int = 0
    grown: int = 0
    room: int = sys.maxsize

    def fills(self, more: int) -> bool:
        """Tell whether the step, which has written ``more`` bytes elsewhere on the disk, will soon have filled it.

        One that wrote much and goes on slowly is not to blame for what others write.
        """
        return self.new + more > self.room and (self.grown + more) * _SOON > self.room


class DiskMeter:
    """Walks through the folders that ``folders`` finds.

    It is du that walks, which follows no link and loses its way neither in deep folders nor in ones that move.
    """

    def __init__(self, folders: Callable[[], Iterable[Path]]) -> None:
        self._folders = folders
        self._over = threading.Event()
        self._first = -1
        self.last = Walk()
        """What the last walk found; what went meanwhile does not count."""

    @property
    def used(self) -> int:
        """Bytes on disk."""
        return self.last.used

    @contextmanager
    def walking(self) -> Iterator[None]:
        """Walk again and again while the block lasts."""
        thread = threading.Thread(target=self._walk, name="disk", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _walk(self) -> None:
        pause = 0.0
        with contextlib.suppress(process.StoppedError, PackhouseError):  # where du cannot walk no build can work
            while not self._over.wait(pause):
                began = time.monotonic()
                with contextlib.suppress(OSError, IndexError):  # nothing was left to run du with: next time
                    self._look()
                pause = max(_PAUSE, (time.monotonic() - began) / _SHARE)

    def _look(self) -> None:
        folders = [folder for folder in self._folders() if folder.exists()]
        blocks, files = (self._du(option, folders) if folders else 0 for option in _COUNTS)
        used = max(blocks, _LEAST_BYTES * files)
        self._first = used if self._first < 0 else self._first
        room = min(map(_room_at, folders), default=sys.maxsize)
        self.last = Walk(used, new=used - self._first, grown=used - self.last.used, room=room)

    def _du(self, option: str, folders: list[Path]) -> int:
        # Folders may belong to ids that only the build's namespace can read.
        du = ["unshare", *probe().unshare, "--", "du", "--summarize", "--total", "--one-file-system", option, "--"]
        done = process.run([*du, *folders], check=False, stop=self._over.is_set)
        return int(done.stdout.splitlines()[-1].split()[0])


def _room_at(folder: Path) -> int:
    try:
        status = os.statvfs(folder)
    except OSError:
        return sys.maxsize  # the folder is gone
    left, size = status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize
    return left if left < min(_FEW_BYTES, size // _FEW_SHARE) else sys.maxsize
