# SPDX-License-Identifier: Apache-2.0
"""Storages of ours as places to fetch locked packages from: they keep what mirrors drop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from runner.errors import NotInStorageError, StorageError
from runner.storage.location import open_storage, parse_location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.packages.fetch import BlobSource
    from runner.pipeline.request import Machine, Reporter


def package_sources(machine: Machine) -> tuple[BlobSource, ...]:
    """Return the storages of ``machine.packages_from``, each once; none is connected to before it is asked.

    Raises:
        UsageError: one of the URLs is malformed.
    """
    return tuple(_Source(url, machine.reporter) for url in dict.fromkeys(machine.packages_from))


class _Source:
    """One storage. After a failure it is asked no more: hundreds of packages must not wait for each time-out."""

    def __init__(self, url: str, reporter: Reporter) -> None:
        parse_location(url)
        self._url = url
        self._reporter = reporter
        self._lock = threading.Lock()
        self._source: BlobSource | None = None
        self._failed = False

    def __call__(self, sha256: str, size: int) -> Iterator[bytes]:
        if self._failed:
            raise NotInStorageError("that storage failed before", where=self._url)
        try:
            yield from self._open()(sha256, size)
        except NotInStorageError:
            raise
        except StorageError as error:
            self._give_up(error)
            raise

    def _open(self) -> BlobSource:
        from runner.storage.fetch import package_source

        with self._lock:
            if self._source is None:
                self._source = package_source(open_storage(self._url))
            return self._source

    def _give_up(self, error: StorageError) -> None:
        with self._lock:
            if not self._failed:
                self._failed = True
                self._reporter.warning(f"no packages come from {self._url}: {error.why or error.what}")
