# SPDX-License-Identifier: Apache-2.0
"""Tell without a solver that nothing can have changed: every repository has the index that a lock was made from.

Equal signed indices name equal packages, and the solver gives equal answers to equal questions. Another index says
nothing: apt has to be asked then.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import quote

import urllib3

from runner.packages.proxies import Proxies
from runner.packages.transport import RedirectError, StatusError, Transport

if TYPE_CHECKING:
    from runner.packages.fetch import Fetcher
    from runner.packages.lock import Lock, LockedRepository

_INDICES = ("InRelease", "Release")
_LARGEST = 64 << 20


def is_fresh(lock: Lock, fetcher: Fetcher) -> bool:
    """Tell whether all indices of ``lock`` are still the same; False also where one cannot be had."""
    transport = Transport(Proxies.of(fetcher.credentials.env), connections=1)
    return bool(lock.repositories) and all(_is_same(each, fetcher, transport) for each in lock.repositories)


def _is_same(repository: LockedRepository, fetcher: Fetcher, transport: Transport) -> bool:
    folder = repository.distribution if not repository.components else f"dists/{repository.distribution}"
    paths = (f"{folder.rstrip('/')}/{name}" for name in _INDICES)
    return any(_digest(repository, path, fetcher, transport) == repository.index for path in paths)


def _digest(repository: LockedRepository, path: str, fetcher: Fetcher, transport: Transport) -> str:
    place, seen, size = fetcher.place_of(repository), hashlib.sha256(), 0
    try:
        if place.folder is not None:
            return hashlib.sha256((place.folder / path).read_bytes()).hexdigest()
        for chunk in transport.get(f"{place.url}/{quote(path)}", place.login):
            seen.update(chunk)
            size += len(chunk)
            if size > _LARGEST:
                return ""
    except (OSError, StatusError, RedirectError, urllib3.exceptions.HTTPError):
        return ""
    return seen.hexdigest()
