# SPDX-License-Identifier: Apache-2.0
"""How many jobs a worker does at once, whatever queues they come from: the most urgent one first."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOOK_SECONDS = 0.5


class Slots:
    """So many jobs may run; a queue's own bound counts for that queue alone."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: list[tuple[int, int]] = []
        self._changed = threading.Condition()

    @property
    def waiting(self) -> tuple[tuple[int, int], ...]:
        """The ranks of those that wait for a slot."""
        return tuple(self._waiting)

    @contextlib.contextmanager
    def taken(self, rank: tuple[int, int], *, seconds: float, give_up: Callable[[], bool]) -> Iterator[bool]:
        """Hold a slot as long as the block lasts; least ``rank`` is served first.

        Gives False when none was free within ``seconds``, or ``give_up`` said so before.
        """
        has_one = self._take(rank, time.monotonic() + seconds, give_up)
        try:
            yield has_one
        finally:
            if has_one:
                with self._changed:
                    self._free += 1
                    self._changed.notify_all()

    def _take(self, rank: tuple[int, int], until: float, give_up: Callable[[], bool]) -> bool:
        with self._changed:
            self._waiting.append(rank)
            try:
                while not self._free or min(self._waiting) != rank:
                    left = until - time.monotonic()
                    if left <= 0 or give_up():
                        return False
                    self._changed.wait(min(left, _LOOK_SECONDS))
                if give_up():
                    return False
                self._free -= 1
                return True
            finally:
                self._waiting.remove(rank)
                self._changed.notify_all()
