# SPDX-License-Identifier: Apache-2.0
"""The package files of a finished release that are still in the store, to be mirrored when it is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.packages import lockfile
from runner.storage.publish import PackageBlob

if TYPE_CHECKING:
    from pathlib import Path

    from runner.store import BlobStore


def mirrored_packages(directory: Path, blobs: BlobStore) -> list[PackageBlob]:
    """Return the packages named by the locks in ``directory`` that the store has."""
    found: dict[str, PackageBlob] = {}
    for path in sorted(directory.glob("*.lock.json")):
        for lock in lockfile.parse(path.read_bytes(), where=path).locks:
            for package in lock.packages:
                if blobs.has(package.sha256, package.size):
                    file = blobs.path(package.sha256)
                    found[package.sha256] = PackageBlob(file, package.sha256, package.size, package.name)
    return list(found.values())
