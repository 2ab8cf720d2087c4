# SPDX-License-Identifier: Apache-2.0
"""How many live logs are followed at once: each asks the database twice a second."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = 200


class Streams:
    """Counts; one more than ``most`` finds no place."""

    def __init__(self, most: int = _MOST) -> None:
        self._free = threading.BoundedSemaphore(most)

    @contextlib.contextmanager
    def one_more(self) -> Iterator[bool]:
        """Say whether there was a place; it is held as long as the block lasts."""
        there_was = self._free.acquire(blocking=False)
        try:
            yield there_was
        finally:
            if there_was:
                self._free.release()
