# SPDX-License-Identifier: Apache-2.0
"""What is worth trying again, and when: a network or a server may come back, a broken script does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import (
    FetchError,
    HostError,
    IntegrityError,
    NotInStorageError,
    ResolveError,
    SourceError,
    StorageError,
)

if TYPE_CHECKING:
    from runner.errors import PackhouseError

_DELAYS: dict[type[PackhouseError], tuple[float, ...]] = {
    FetchError: (10, 60, 300),
    StorageError: (10, 60, 300),
    SourceError: (10, 60),
    ResolveError: (30,),
    HostError: (60,),
    IntegrityError: (10,),
}
"""Seconds before each further try. A mirror in the middle of an update gives odd answers for a while."""


def delay_before(tried: int, error: PackhouseError) -> float | None:
    """Return the seconds to wait after ``tried`` failures before the next try; None: give up."""
    if isinstance(error, NotInStorageError):
        return None
    delays = next((delays for kind, delays in _DELAYS.items() if isinstance(error, kind)), ())
    return delays[tried - 1] if tried <= len(delays) else None
