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
    """Counts those that are followed now."""

    def __init__(self, most: int = _MOST) -> None:
        self._most, self._now = most, 0
        self._lock = threading.Lock()

    @property
    def are_full(self) -> bool:
        return self._now >= self._most

    @contextlib.contextmanager
    def one_more(self) -> Iterator[None]:
        """Count one as long as the block lasts."""
        with self._lock:
            self._now += 1
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1
