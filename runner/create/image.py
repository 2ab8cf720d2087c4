# SPDX-License-Identifier: Apache-2.0
"""The Image: result files with size and digest, in KIWI's naming."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runner.digest import sha256_file

if TYPE_CHECKING:
    from pathlib import Path


class ResultFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file in the target directory; digest and size were computed while it was written.

    Attributes:
        name: file name (no directory part).
        role: KIWI's result key (``root_archive``, ``filesystem_image``, ``container``, ``packages``, …).
        media_type: of the file as it is.
        uncompressed_sha256, uncompressed_size: of the payload before compression, None when not compressed.
        bundle_compress, bundle_checksum: KIWI's flags in ``kiwi.result.json``.
    """

    name: str
    role: str
    media_type: str
    sha256: str
    size: int
    uncompressed_sha256: str | None = None
    uncompressed_size: int | None = None
    bundle_compress: bool = False
    bundle_checksum: bool = True


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """What create made. ``key`` identifies inputs, step versions and tools; ``facts`` are for the manifest."""

    key: str
    files: tuple[ResultFile, ...]
    facts: dict[str, str] = {}


def filesystem_image(path: Path, media_type: str = "application/octet-stream") -> ResultFile:
    """Describe the finished file at ``path``, which a tool filled with the filesystem of a tree."""
    return ResultFile(
        name=path.name,
        role="filesystem_image",
        media_type=media_type,
        sha256=sha256_file(path),
        size=path.stat().st_size,
        bundle_compress=True,
    )
