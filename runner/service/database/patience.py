# SPDX-License-Identifier: Apache-2.0
"""Wait for a database that is away for a while: a server that restarts, a disk that is full."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

AWAY = (OperationalError, InterfaceError, PoolTimeoutError)
"""What is raised while the database cannot be reached or written, or keeps all our connections waiting."""

_SECONDS = 300.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0


def patiently(do: Callable[[], _T], *, seconds: float = _SECONDS, over: threading.Event | None = None) -> _T:
    """Return what ``do`` returns, tried again while the database is away, for ``seconds`` or until ``over``.

    ``do`` may be called again after it took effect: the answer may have been lost.

    Raises:
        OperationalError, InterfaceError, PoolTimeoutError: the database is still away.
    """
    over, until, pause = over or threading.Event(), time.monotonic() + seconds, _FIRST_PAUSE
    while True:
        try:
            return do()
        except AWAY:
            if time.monotonic() + pause > until or over.wait(pause):
                raise
            pause = min(2 * pause, _LONGEST_PAUSE)
